//! `POST /rcs/{carrier}`: what RCS platforms tell. A post is believed by its signature over the raw payload, which is
//! checked before the payload is read; it is answered 200 once it is stored, and made use of after.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use araldo_rcs::limit::MAX_WEBHOOK_BYTES;
use araldo_rcs::webhook::{BadSignature, ClientToken, Payload, Post, SIGNATURE_HEADER, Signed};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use metrics::counter;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::api::store_problem;
use super::body::{self, BodyLimits};
use super::edge::{self, Edge};
use super::problem::{Code, Problem};
use crate::clock::Clock;
use crate::config::{Config, RbmConfig, Secret};
use crate::domain::Name;
use crate::outbox::Outbox;
use crate::store::{NewRcsEvent, RcsEventResult};

/// Where RCS platforms tell what happens.
pub struct RcsHooks {
    /// The client tokens of each carrier.
    tokens: HashMap<Name, Vec<ClientToken>>,
    outbox: Outbox,
    /// Rung for every event that is kept.
    came: Arc<Notify>,
    body: BodyLimits,
    commit_timeout: Duration,
    clock: Clock,
}

impl RcsHooks {
    /// The webhooks of a configuration. `came` is rung for every event that is kept.
    pub fn new(config: &Config, outbox: Outbox, came: Arc<Notify>, clock: Clock) -> Arc<Self> {
        let tokens = config.rbm.iter().map(|(name, agent)| (name.clone(), tokens(agent)));
        Arc::new(Self {
            tokens: tokens.collect(),
            outbox,
            came,
            body: BodyLimits {
                bytes: usize::try_from(config.http.max_body)
                    .map_or(MAX_WEBHOOK_BYTES, |most| most.min(MAX_WEBHOOK_BYTES)),
                pause: config.http.body_timeout,
            },
            commit_timeout: config.outbox.commit_timeout,
            clock,
        })
    }
}

/// The token of now, and the one before.
fn tokens(agent: &RbmConfig) -> Vec<ClientToken> {
    let token = |secret: &Secret| ClientToken::new(secret.expose().into());
    [&agent.client_token, &agent.previous_client_token]
        .into_iter()
        .filter_map(token)
        .collect()
}

/// The path of the webhooks, beside those of the API.
pub fn rcs_router(hooks: Arc<RcsHooks>, max_requests: u32) -> Router {
    let edge = Edge::new(hooks.clock.clone(), max_requests);
    Router::new()
        .route("/rcs/{carrier}", post(take))
        .method_not_allowed_fallback(edge::method_not_allowed)
        .layer(from_fn_with_state(edge, edge::pass))
        .with_state(hooks)
}

async fn take(
    State(hooks): State<Arc<RcsHooks>>,
    Path(carrier): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let known = Name::parse(&carrier)
        .ok()
        .and_then(|name| hooks.tokens.get_key_value(&name));
    let (carrier, tokens) = known.ok_or_else(|| Problem::new(Code::NotFound))?;
    let body = body::whole(&headers, body, hooks.body).await?;
    let refused = |code, detail: String| {
        count(carrier, "refused");
        Problem::with_detail(code, detail)
    };
    let envelope = match Post::read(&body).map_err(|error| refused(Code::InvalidJson, error.to_string()))? {
        Post::Envelope(envelope) => envelope,
        Post::Handshake(handshake) => {
            let answer = handshake.answer(tokens).ok_or_else(|| {
                tracing::warn!(event = "rcs_handshake_refused", %carrier, "the token is not client_token");
                refused(Code::BadSignature, "clientToken is not that of this carrier".to_owned())
            })?;
            count(carrier, "handshake");
            tracing::info!(event = "rcs_webhook_registered", %carrier);
            return Ok(answer.map(Body::from));
        }
    };
    let signature = headers.get(SIGNATURE_HEADER).map(axum::http::HeaderValue::as_bytes);
    let signed = envelope.verify(signature, tokens).map_err(|error: BadSignature| {
        tracing::warn!(event = "rcs_signature_refused", %carrier, %error);
        refused(Code::BadSignature, error.to_string())
    })?;
    let event = NewRcsEvent {
        carrier: carrier.clone(),
        key: key(&signed),
        payload: String::from_utf8_lossy(signed.json()).into(),
        at: hooks.clock.now(),
    };
    let kept = tokio::time::timeout(hooks.commit_timeout, hooks.outbox.keep_rcs_events(vec![event])).await;
    let results = kept
        .map_err(|_| Problem::new(Code::OutcomeUnknown))?
        .map_err(|error| store_problem(&error))?;
    if results.contains(&RcsEventResult::Kept) {
        count(carrier, "kept");
        hooks.came.notify_one();
    } else {
        count(carrier, "repeated");
    }
    Ok(StatusCode::OK.into_response())
}

/// What a second copy has in common with the first: the ids, or all of it where there are none.
fn key(signed: &Signed) -> [u8; 32] {
    let payload = signed.payload();
    let ids = payload.as_ref().ok().and_then(Payload::dedup_key);
    let mut sha = Sha256::new();
    let Some(ids) = ids else {
        sha.update(signed.json());
        return sha.finalize().into();
    };
    let msisdn = ids.msisdn.map_or("", araldo_rcs::Msisdn::as_str);
    for part in [ids.agent_id.as_str(), msisdn, ids.kind, ids.id] {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

fn count(carrier: &Name, outcome: &'static str) {
    counter!("araldo_rcs_webhooks_total", "carrier" => carrier.to_string(), "outcome" => outcome).increment(1);
}
