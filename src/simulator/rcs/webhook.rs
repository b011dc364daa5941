//! The webhook: envelopes, signed, tried again until they are answered 200.

use std::sync::Arc;
use std::time::Duration;

use araldo_rcs::webhook::{ClientToken, SIGNATURE_HEADER};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::config::WebhookTarget;
use super::fault::{Call, Fault, Subject};
use super::platform::Platform;

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// How long a webhook may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Posts under way at once.
const AT_ONCE: usize = 64;
/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 4_096;

/// Posts to the webhook.
#[derive(Clone)]
pub(super) struct Poster(Client<HttpConnector, Full<Bytes>>);

/// Why a webhook is not the agent's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The token is empty.
    #[error("a client token has one character or more")]
    Token,
    /// The answer was not the secret.
    #[error("the webhook did not answer the handshake with 200 and the bare secret: {0}")]
    Answer(String),
}

impl Poster {
    pub(super) fn new() -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(AT_ONCE)
            .build_http();
        Self(client)
    }

    /// Tells all that is to be told, at most [`AT_ONCE`] at a time.
    pub(super) async fn run(self, platform: Arc<Platform>, mut payloads: mpsc::UnboundedReceiver<Vec<u8>>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let payload = tokio::select! {
                Some(payload) = payloads.recv() => payload,
                () = platform.stop.cancelled() => return,
            };
            let (poster, places, teller) = (self.clone(), places.clone(), platform.clone());
            platform.tasks.spawn(async move {
                let stop = teller.stop.clone();
                tokio::select! {
                    () = poster.tell(&teller, &payload, &places) => {}
                    () = stop.cancelled() => {}
                }
                teller.state().stats.webhooks_waiting -= 1;
            });
        }
    }

    async fn tell(&self, platform: &Platform, payload: &[u8], places: &Semaphore) {
        let number: Value = serde_json::from_slice(payload).unwrap_or(Value::Null);
        let number = number["senderPhoneNumber"].as_str().or(number["phoneNumber"].as_str());
        let subject = Subject {
            call: Call::Webhook,
            number: number.unwrap_or_default(),
            body: payload,
        };
        let fault = platform.state().fault(subject);
        let mut copies = 1;
        match fault {
            Some(Fault::LoseWebhook) => return,
            Some(Fault::Delay { by }) => tokio::time::sleep(by).await,
            Some(Fault::Repeat { times }) => copies += times,
            _ => {}
        }
        let forged = fault == Some(Fault::BadSignature);
        let id = platform.state().draw_id().to_string();
        let mut pause = platform.config.webhook_retry;
        if matches!(fault, Some(Fault::Status { .. })) {
            tokio::time::sleep(pause).await;
        }
        while copies > 0 {
            let target = platform.state().webhook.clone();
            let Some(target) = target else { return };
            let place = places.acquire().await;
            let status = self.post(platform, &target, payload, &id, forged).await;
            drop(place);
            if status == Some(200) || forged {
                copies -= 1;
                continue;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One post; the status of its answer.
    async fn post(
        &self,
        platform: &Platform,
        target: &WebhookTarget,
        payload: &[u8],
        id: &str,
        forged: bool,
    ) -> Option<u16> {
        let signature = if forged {
            ClientToken::new("another token".into())
        } else {
            ClientToken::new(target.client_token.clone())
        };
        let signature = signature?.sign(payload);
        let now = platform.now();
        let agent = &platform.config.agent;
        let envelope = json!({
            "message": {
                "attributes": { "product": "RBM", "project_number": "0", "type": "event", "agent_id": agent.with_domain() },
                "data": STANDARD.encode(payload),
                "messageId": id, "message_id": id, "publishTime": now, "publish_time": now,
            },
            "subscription": "projects/araldo-simulator/subscriptions/rbm",
        });
        let sent = self.send(target, envelope.to_string(), Some(&signature)).await;
        let status = sent.as_ref().ok().map(|(status, _)| *status);
        {
            let stats = &mut platform.state().stats;
            stats.webhooks_sent += 1;
            match status {
                Some(200) => stats.webhooks_taken += 1,
                _ => stats.webhooks_refused += 1,
            }
        }
        if platform.ledger.is_some() {
            let body: Value = serde_json::from_slice(payload).unwrap_or(Value::Null);
            platform.note(&json!({ "at": now, "dir": "webhook", "id": id, "status": status, "body": body }));
        }
        status
    }

    /// Registers a webhook: it proves with the secret that it knows the token.
    pub(super) async fn shake_hands(&self, target: &WebhookTarget, secret: &str) -> Result<(), HandshakeError> {
        if target.client_token.expose_secret().is_empty() {
            return Err(HandshakeError::Token);
        }
        let body = json!({ "clientToken": target.client_token.expose_secret(), "secret": secret });
        match self.send(target, body.to_string(), None).await {
            Ok((200, answer)) if answer == secret.as_bytes() => Ok(()),
            Ok((status, _)) => Err(HandshakeError::Answer(format!("it answered {status}"))),
            Err(error) => Err(HandshakeError::Answer(error)),
        }
    }

    async fn send(
        &self,
        target: &WebhookTarget,
        body: String,
        signature: Option<&str>,
    ) -> Result<(u16, Bytes), String> {
        let kind = if signature.is_some() {
            "message_callback"
        } else {
            "verification"
        };
        let mut request = Request::post(&target.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("X-Goog-Webhook-Type", kind);
        if let Some(signature) = signature {
            request = request.header(SIGNATURE_HEADER, signature);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| format!("{}: {error}", target.url))?;
        let answered = async {
            let answer = self.0.request(request).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            Ok((
                status,
                body.map(http_body_util::Collected::to_bytes).unwrap_or_default(),
            ))
        };
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(answered) => answered,
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}
