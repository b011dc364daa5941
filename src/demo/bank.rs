//! The fake bank: hears by webhook what became of its messages, does what customers ask for by text, and believes nothing
//! that is not signed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use tokio::net::TcpListener;

use super::Stop;
use super::account::{Accounts, Wish};
use super::stage::Stage;
use super::view::WebhookView;
use crate::clock;
use crate::domain::UnixMillis;

/// Where it hears.
const PATH: &str = "/araldo";
/// Where it is asked to do something, and what became of that.
const ACTION: &str = "/actions";
const STATUS: &str = "/actions/status";
/// How far a webhook's time may be from the bank's: an older one may be another's copy (Standard Webhooks 1.0.0).
const TOLERANCE: Duration = Duration::from_mins(5);
/// How long it stays down. Whoever was refused is told to come back then.
pub(super) const DOWN: Duration = Duration::from_secs(12);

/// The bank's side of a webhook: its own reading of the standard, none of the daemon's code.
pub(super) struct Bank {
    addr: SocketAddr,
    key: [u8; 32],
    accounts: Accounts,
    /// Until when it refuses everything.
    down_until: Mutex<Option<UnixMillis>>,
}

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Doubt {
    /// A header of the standard is missing, or makes no sense.
    #[error("not signed")]
    Unsigned,
    /// It is too old, or of the future.
    #[error("time too far off")]
    Time,
    /// Somebody else made it, or changed it.
    #[error("signature wrong")]
    Signature,
}

/// What a webhook says, as far as it is shown.
#[derive(Deserialize)]
struct Told {
    r#type: String,
    data: About,
}

#[derive(Deserialize)]
struct About {
    id: String,
    state: Option<String>,
}

impl Bank {
    /// A bank with a secret of its own, and where it listens.
    pub(super) async fn open() -> anyhow::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let bank = Self {
            addr: listener.local_addr()?,
            key: clock::secret_bits(),
            accounts: Accounts::default(),
            down_until: Mutex::new(None),
        };
        Ok((bank, listener))
    }

    /// Where it is told.
    pub(super) fn url(&self) -> String {
        format!("http://{}{PATH}", self.addr)
    }

    /// Where it does what customers ask for, and where it says what became of that.
    pub(super) fn action_urls(&self) -> (String, String) {
        (
            format!("http://{}{ACTION}", self.addr),
            format!("http://{}{STATUS}", self.addr),
        )
    }

    /// The secret that it shares with the daemon.
    pub(super) fn secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.key))
    }

    /// Breaks it for [`DOWN`], or mends it.
    pub(super) fn set_down(&self, down: bool, now: UnixMillis) {
        *self.down_until.lock().unwrap_or_else(PoisonError::into_inner) = down.then(|| now.after(DOWN));
    }

    /// How long it is still down; `None` where it works.
    pub(super) fn down_for(&self, now: UnixMillis) -> Option<Duration> {
        let until = *self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.filter(|until| *until > now).map(|until| until.since(now))
    }

    /// Whether it is the daemon that speaks (Standard Webhooks 1.0.0, scheme `v1`).
    fn check(&self, headers: &HeaderMap, body: &[u8], now: UnixMillis) -> Result<(), Doubt> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let id = header("webhook-id").ok_or(Doubt::Unsigned)?;
        let time = header("webhook-timestamp").ok_or(Doubt::Unsigned)?;
        let signatures = header("webhook-signature").ok_or(Doubt::Unsigned)?;
        let seconds: i64 = time.parse().map_err(|_| Doubt::Unsigned)?;
        if (now.0 / 1_000).abs_diff(seconds) > TOLERANCE.as_secs() {
            return Err(Doubt::Time);
        }
        let mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|_| Doubt::Signature)?;
        let mac = mac.chain_update(format!("{id}.{time}.")).chain_update(body);
        // While keys are changed there are several; one is enough.
        let fits = |text: &str| {
            STANDARD
                .decode(text)
                .is_ok_and(|signature| mac.clone().verify_slice(&signature).is_ok())
        };
        let mut all = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,"));
        if all.any(fits) { Ok(()) } else { Err(Doubt::Signature) }
    }
}

/// Listens until it is told to stop.
pub(super) async fn serve(stage: Arc<Stage>, listener: TcpListener, stop: Stop) {
    let routes = axum::Router::new()
        .route(PATH, post(hear))
        .route(ACTION, post(act))
        .route(STATUS, get(status))
        .with_state(stage);
    let served = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(event = "demo_bank_ended", %error);
    }
}

/// A customer's wish, signed as webhooks are.
async fn act(State(stage): State<Arc<Stage>>, headers: HeaderMap, body: Bytes) -> Response {
    let now = stage.clock.now();
    if stage.bank.check(&headers, &body, now).is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if stage.bank.down_for(now).is_some() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let wish: Option<Wish> = serde_json::from_slice(&body).ok();
    match (wish, key(&headers)) {
        (Some(wish), Some(key)) => Json(stage.bank.accounts.act(key, &wish)).into_response(),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn status(State(stage): State<Arc<Stage>>, headers: HeaderMap) -> Response {
    if stage.bank.down_for(stage.clock.now()).is_some() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match key(&headers).and_then(|key| stage.bank.accounts.known(key)) {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn key(headers: &HeaderMap) -> Option<&str> {
    headers.get("idempotency-key")?.to_str().ok()
}

async fn hear(State(stage): State<Arc<Stage>>, headers: HeaderMap, body: Bytes) -> Response {
    let now = stage.clock.now();
    let checked = stage.bank.check(&headers, &body, now);
    let told: Option<Told> = serde_json::from_slice(&body).ok();
    let (status, pause) = match (checked, stage.bank.down_for(now)) {
        (_, Some(pause)) => (StatusCode::SERVICE_UNAVAILABLE, Some(pause)),
        (Err(_), None) => (StatusCode::UNAUTHORIZED, None),
        (Ok(()), None) if told.is_none() => (StatusCode::BAD_REQUEST, None),
        (Ok(()), None) => (StatusCode::NO_CONTENT, None),
    };
    // What cannot be read is answered, and shows nothing.
    if let (Some(told), Some(id)) = (told, headers.get("webhook-id").and_then(|id| id.to_str().ok())) {
        let About { id: about, state } = told.data;
        let view = WebhookView::of(id, &told.r#type, &about, state.as_deref(), now);
        stage.board.webhook(view.answered(checked, status.as_u16()));
    }
    match pause {
        Some(pause) => (status, [(RETRY_AFTER, (pause.as_secs() + 1).to_string())]).into_response(),
        None => status.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification: its secret, headers, body and signature.
    const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn signed(key: &[u8]) -> (Bank, HeaderMap) {
        let bank = Bank {
            addr: (Ipv4Addr::LOCALHOST, 1).into(),
            key: key.try_into().unwrap(),
            accounts: Accounts::default(),
            down_until: Mutex::new(None),
        };
        let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        let mac = mac.chain_update(format!("{ID}.{AT}.")).chain_update(BODY).finalize();
        let signature = format!("v1,AAAA v1a,other v1,{}", STANDARD.encode(mac.into_bytes()));
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", ID.parse().unwrap());
        headers.insert("webhook-timestamp", AT.to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        (bank, headers)
    }

    #[test]
    fn the_arithmetic_is_that_of_the_specification_s_example() {
        let mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(KEY).unwrap()).unwrap();
        let mac = mac.chain_update(format!("{ID}.{AT}.")).chain_update(BODY).finalize();
        assert_eq!(format!("v1,{}", STANDARD.encode(mac.into_bytes())), SIGNATURE);
    }

    #[test]
    fn one_right_signature_is_enough_and_a_changed_or_old_webhook_is_not_believed() {
        let (bank, headers) = signed(&[7; 32]);
        let at = UnixMillis(AT * 1_000);
        assert_eq!(bank.check(&headers, BODY, at), Ok(()));
        assert_eq!(bank.check(&headers, b"{}", at), Err(Doubt::Signature));
        for late in [301, -301] {
            let then = UnixMillis((AT + late) * 1_000);
            assert_eq!(bank.check(&headers, BODY, then), Err(Doubt::Time), "{late}");
        }
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut without = headers.clone();
            without.remove(name);
            assert_eq!(bank.check(&without, BODY, at), Err(Doubt::Unsigned), "{name}");
        }
        assert_eq!(signed(&[8; 32]).0.check(&headers, BODY, at), Err(Doubt::Signature));
    }

    #[test]
    fn it_is_down_for_its_time_and_no_longer() {
        let (bank, _) = signed(&[7; 32]);
        let now = UnixMillis(1_000);
        bank.set_down(true, now);
        assert_eq!(bank.down_for(now), Some(DOWN));
        assert_eq!(bank.down_for(now.after(DOWN)), None);
        bank.set_down(false, now);
        assert_eq!(bank.down_for(now), None);
    }
}
