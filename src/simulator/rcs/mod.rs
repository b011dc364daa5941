//! An RCS platform to test against: the business messaging API over HTTP/1.1 and HTTP/2 without TLS, hostile on request.
//!
//! Every body is held against a JSON Schema by a validator that is not ours, and every call against the rules that the
//! documentation has beside: the token, the agent, ids, traffic type, expiry, what the handset can show.
//!
//! - [`config`]: how it behaves. [`fault`]: what goes wrong, and when. [`handset`]: who has RCS.
//! - `api` answers, `token` signs in, `life` is that of a message, `user` what people do, `webhook` tells the agent.
//! - [`stats`], the ledger: what it has to show. `control`: the same over HTTP.
//!
//! Invariants: an id is taken once; a message is withdrawn or delivered, and both only where a race was asked for; a
//! webhook is tried again until it is answered 200; every share is drawn under the seed.

mod answer;
mod api;
pub mod config;
mod control;
pub mod fault;
pub mod handset;
mod life;
mod platform;
mod schema;
pub mod stats;
mod token;
mod user;
mod webhook;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::DropGuard;

pub use config::{DeliveryConfig, Duplicates, InvalidDelivery, RcsConfig, UseCase, WebhookTarget};
pub use fault::{Call, Fault, FaultRule, InvalidRule, When};
pub use handset::Handset;
pub use platform::{PhoneMessage, PhoneState, RcsEvent};
pub use stats::RcsStats;
pub use token::InvalidAccount;
pub use user::{Act, UserAct, UserError};
pub use webhook::HandshakeError;

use fault::FaultScript;
use platform::Platform;
use webhook::Poster;

/// A key file that everybody has: it opens simulators and nothing else.
pub const ACCOUNT: &[u8] = include_bytes!("account.json");

/// How often [`RcsSimulator::until`] looks.
const GLANCE: Duration = Duration::from_millis(2);

/// A running platform. Dropped, it stops in the background; [`RcsSimulator::shutdown`] waits for the end.
pub struct RcsSimulator {
    /// Where the API and the token endpoint listen.
    pub addr: SocketAddr,
    /// Where the HTTP control listens, if it does.
    pub control_addr: Option<SocketAddr>,
    platform: Arc<Platform>,
    poster: Poster,
    /// Stops it all; the control, which holds a handle of its own, must not.
    _guard: Option<DropGuard>,
}

/// Why a platform does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The ledger cannot be written.
    #[error("cannot open the ledger {0}: {1}")]
    Ledger(PathBuf, #[source] io::Error),
    /// The fault script makes no sense.
    #[error(transparent)]
    Rule(#[from] InvalidRule),
    /// The delivery makes no sense.
    #[error(transparent)]
    Delivery(#[from] InvalidDelivery),
    /// The account is none.
    #[error(transparent)]
    Account(#[from] InvalidAccount),
}

impl RcsSimulator {
    /// Starts to answer. On return the addresses are open.
    pub async fn start(config: RcsConfig) -> Result<Self, StartError> {
        let (listen, control) = (config.listen, config.control);
        let (webhooks, payloads) = mpsc::unbounded_channel();
        let platform = Platform::new(config, webhooks)?;
        let (socket, addr) = bind(listen).await?;
        let control = match control {
            Some(listen) => Some(bind(listen).await?),
            None => None,
        };
        let poster = Poster::new();
        let control_addr = control.as_ref().map(|(_, addr)| *addr);
        let handle = |guard| Self {
            addr,
            control_addr,
            platform: platform.clone(),
            poster: poster.clone(),
            _guard: guard,
        };
        let tasks = &platform.tasks;
        tasks.spawn(poster.clone().run(platform.clone(), payloads));
        tasks.spawn(serve(socket, api::router(platform.clone()), platform.clone()));
        if let Some((socket, _)) = control {
            let router = control::router(Arc::new(handle(None)));
            tasks.spawn(serve(socket, router, platform.clone()));
        }
        Ok(handle(Some(platform.stop.clone().drop_guard())))
    }

    /// The base of the API, as the gateway's `api_base` wants it.
    pub fn base(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The account's key file, with the token endpoint of this platform: what the gateway's `service_account_file` holds.
    pub fn account(&self) -> String {
        let given = self.platform.config.account.as_deref().unwrap_or(ACCOUNT);
        let mut account: Value = serde_json::from_slice(given).unwrap_or(Value::Null);
        account["token_uri"] = json!(format!("{}/token", self.base()));
        account.to_string()
    }

    /// Registers a webhook by the handshake: it is told everything from now on.
    pub async fn register_webhook(&self, target: WebhookTarget) -> Result<(), HandshakeError> {
        let secret = self.platform.state().draw_id().simple().to_string();
        self.poster.shake_hands(&target, &secret).await?;
        let mut state = self.platform.state();
        state.webhook = Some(target);
        state.stats.webhook_verified = true;
        Ok(())
    }

    /// A user does something.
    pub fn user(&self, act: &UserAct) -> Result<(), UserError> {
        user::act(&self.platform, act)
    }

    /// Puts other fault rules in force; they begin to count anew.
    pub fn set_faults(&self, rules: Vec<FaultRule>) -> Result<(), InvalidRule> {
        let script = FaultScript::new(rules, self.platform.config.seed)?;
        self.platform.state().set_faults(script);
        Ok(())
    }

    /// The fault rules in force.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.platform.state().faults().rules()
    }

    /// Changes what becomes of messages yet to come.
    pub fn set_delivery(&self, delivery: DeliveryConfig) -> Result<(), InvalidDelivery> {
        delivery.check()?;
        self.platform.state().delivery = delivery;
        Ok(())
    }

    /// What becomes of messages now.
    pub fn delivery(&self) -> DeliveryConfig {
        self.platform.state().delivery.clone()
    }

    /// Gives a number, or all that begin so, another handset.
    pub fn set_handset(&self, number: &str, handset: Handset) {
        self.platform.state().handsets.set(number, handset);
        self.platform.handsets.send_replace(());
    }

    /// The handsets that are not the usual one, by the digits of their numbers.
    pub fn handsets(&self) -> BTreeMap<String, Handset> {
        self.platform.state().handsets.known().clone()
    }

    /// Every access token is good for nothing from now on.
    pub fn expire_tokens(&self) {
        self.platform.state().issuer.forget_all();
    }

    /// What has been counted so far.
    pub fn stats(&self) -> RcsStats {
        let state = self.platform.state();
        let waiting = state.on_their_way.len() as u64;
        RcsStats {
            waiting,
            ..state.stats.clone()
        }
    }

    /// Messages by how old they came, in milliseconds, of those whose ids tell when they were made.
    pub fn ages(&self) -> BTreeMap<u64, u64> {
        self.platform.state().ages.clone()
    }

    /// What was sent to a phone, or to all of them; oldest first, the last `limit`.
    pub fn messages(&self, to: Option<&str>, limit: usize) -> Vec<PhoneMessage> {
        self.platform.state().messages(to, limit)
    }

    /// Every event from now on. A reader that is 4,096 behind misses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<RcsEvent>> {
        self.platform.events.subscribe()
    }

    /// Waits until the counts are as wanted; `false` when they are not within `limit`.
    pub async fn until(&self, limit: Duration, wanted: impl Fn(&RcsStats) -> bool) -> bool {
        let reached = async {
            while !wanted(&self.stats()) {
                tokio::time::sleep(GLANCE).await;
            }
        };
        tokio::time::timeout(limit, reached).await.is_ok()
    }

    /// Ends, and tells what was counted.
    pub async fn shutdown(self) -> RcsStats {
        self.platform.stop.cancel();
        self.platform.tasks.close();
        self.platform.tasks.wait().await;
        self.stats()
    }
}

async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen(listen, error);
    let socket = TcpListener::bind(listen).await.map_err(failed)?;
    let addr = socket.local_addr().map_err(failed)?;
    Ok((socket, addr))
}

/// Ends with the platform, whoever still waits for an answer.
async fn serve(socket: TcpListener, router: axum::Router, platform: Arc<Platform>) {
    tokio::select! {
        served = axum::serve(socket, router).into_future() => {
            if let Err(error) = served {
                tracing::error!(%error, "rcs_simulator_lost");
            }
        }
        () = platform.stop.cancelled() => {}
    }
}
