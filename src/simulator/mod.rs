//! A message centre to test against: real SMPP over TCP, hostile on request, with a ledger of every PDU.
//!
//! It is a program of its own that lives in this crate for convenience. It uses the protocol crates and the clock, and
//! nothing of the daemon; no path of the daemon knows it.
//!
//! - [`config`]: how it behaves. [`fault`]: what goes wrong, and when.
//! - `listener` takes connections, `link` serves one, `centre` is what all links share.
//! - `submission`, `message_id`, `receipt`, `delivery`, `mo`, `phone`: what a message centre does with messages.
//! - `ledger`, [`stats`], [`event`]: what it has to show. `control`: the same over HTTP.
//!   `steering`: what it has in common with the control of the other carrier.
//! - [`rcs`]: another carrier, an RCS platform.
//!
//! Invariants: a PDU is in the ledger before its answer is in the socket; an id is given out once; a receipt or an MO that
//! was not answered is sent again on another link or on the next; every share and probability is drawn under the seed.

mod centre;
pub mod config;
mod control;
mod delivery;
pub mod event;
pub mod fault;
mod ledger;
mod link;
mod listener;
mod message_id;
mod mo;
mod phone;
pub mod rcs;
mod receipt;
mod span;
pub mod stats;
mod steering;
mod submission;
mod switch;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use config::{ExpiredState, InvalidReceipts, ReceiptConfig, ReceiptForm, SegmentReceipts, SimulatorConfig};
pub use event::SimulatorEvent;
pub use fault::{Fault, FaultRule, InvalidRule, Status, When};
pub use ledger::Direction;
pub use message_id::IdForm;
pub use mo::{Mo, MoAnswer, MoError};
pub use phone::PhoneMessage;
pub use stats::Stats;

use crate::clock::monotonic;
use centre::Centre;
use control::Control;
use listener::Listener;
use switch::Switch;

/// How often [`Simulator::until`] looks.
const GLANCE: Duration = Duration::from_millis(2);

/// A running message centre. Dropped, it stops in the background; [`Simulator::shutdown`] waits for the end.
#[derive(Debug)]
pub struct Simulator {
    /// Where ESMEs connect.
    pub addr: SocketAddr,
    /// Where the HTTP control listens, if it does.
    pub control_addr: Option<SocketAddr>,
    centre: Arc<Centre>,
    switch: Switch,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Why a simulator does not start.
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
    /// The receipts make no sense.
    #[error(transparent)]
    Receipts(#[from] InvalidReceipts),
}

impl Simulator {
    /// Starts to take connections. On return the addresses are open.
    pub async fn start(config: SimulatorConfig) -> Result<Self, StartError> {
        let (listen, control) = (config.listen, config.control);
        let centre = Arc::new(Centre::new(config)?);
        let (socket, addr) = bind(listen).await?;
        let control = match control {
            Some(listen) => Some(bind(listen).await?),
            None => None,
        };
        let (wanted, wants) = watch::channel(true);
        let (is_up, up) = watch::channel(true);
        centre.count(|stats| stats.up = true);
        let switch = Switch { wanted, is_up: up };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let listener = Listener {
            centre: Arc::clone(&centre),
            addr,
            wanted: wants,
            is_up,
            stop: stop.clone(),
        };
        tasks.spawn(listener.run(socket));
        let control_addr = control.as_ref().map(|(_, addr)| *addr);
        if let Some((socket, _)) = control {
            let router = Control {
                centre: Arc::clone(&centre),
                switch: switch.clone(),
            }
            .router();
            tasks.spawn(serve(socket, router, stop.clone()));
        }
        Ok(Self {
            addr,
            control_addr,
            centre,
            switch,
            stop,
            tasks,
        })
    }

    /// `false` drops every link and refuses connections, `true` takes them again. Returns once it is so.
    pub async fn set_up(&self, up: bool) {
        self.switch.set(up).await;
    }

    /// Whether connections are taken.
    pub fn is_up(&self) -> bool {
        self.switch.is_up()
    }

    /// Texts the ESME from a virtual phone and waits for its answer.
    pub async fn inject_mo(&self, mo: Mo) -> Result<MoAnswer, MoError> {
        mo::inject(&self.centre, mo).await
    }

    /// Puts other fault rules in force; they begin to count anew.
    pub fn set_faults(&self, rules: Vec<FaultRule>) -> Result<(), InvalidRule> {
        self.centre.set_faults(rules)
    }

    /// The fault rules in force.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.centre.faults()
    }

    /// Changes the receipts of messages yet to come.
    pub fn set_receipts(&self, receipts: ReceiptConfig) -> Result<(), InvalidReceipts> {
        self.centre.set_receipts(receipts)
    }

    /// The receipts as they are sent now.
    pub fn receipts(&self) -> ReceiptConfig {
        self.centre.receipts()
    }

    /// What has been counted so far.
    pub fn stats(&self) -> Stats {
        self.centre.stats()
    }

    /// What has reached a phone, or all of them; oldest first, the last `limit`.
    pub fn messages(&self, to: Option<&str>, limit: usize) -> Vec<PhoneMessage> {
        self.centre.messages(to, limit, monotonic())
    }

    /// Every event from now on. A reader that is 4,096 behind misses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<SimulatorEvent>> {
        self.centre.events.subscribe()
    }

    /// Waits until the counts are as wanted; `false` when they are not within `limit`.
    pub async fn until(&self, limit: Duration, wanted: impl Fn(&Stats) -> bool) -> bool {
        let reached = async {
            while !wanted(&self.stats()) {
                tokio::time::sleep(GLANCE).await;
            }
        };
        tokio::time::timeout(limit, reached).await.is_ok()
    }

    /// Unbinds every link, waits for the end of all, and tells what was counted.
    pub async fn shutdown(self) -> Stats {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.stats()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for Centre {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Centre")
            .field("name", &self.config.name)
            .finish_non_exhaustive()
    }
}

async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen(listen, error);
    let socket = TcpListener::bind(listen).await.map_err(failed)?;
    let addr = socket.local_addr().map_err(failed)?;
    Ok((socket, addr))
}

/// Ends with the simulator, whoever may still be reading events.
async fn serve(socket: TcpListener, router: axum::Router, stop: CancellationToken) {
    tokio::select! {
        served = axum::serve(socket, router).into_future() => {
            if let Err(error) = served {
                tracing::error!(%error, "simulator_control_lost");
            }
        }
        () = stop.cancelled() => {}
    }
}
