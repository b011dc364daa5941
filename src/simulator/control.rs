//! The HTTP control: what a person or a test does to a simulator while it runs. For loopback only; nothing is locked.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::centre::Centre;
use super::config::{InvalidReceipts, ReceiptConfig};
use super::fault::{FaultRule, InvalidRule};
use super::mo::{self, Mo, MoError};
use super::phone::PhoneMessage;
use super::stats::Stats;
use super::steering::{ControlError, Which, changed, refusing, told};
use super::switch::Switch;
use crate::clock::monotonic;

#[derive(Clone)]
pub(super) struct Control {
    pub(super) centre: Arc<Centre>,
    pub(super) switch: Switch,
}

impl Control {
    pub(super) fn router(self) -> Router {
        let routes = Router::new()
            .route("/", get(index))
            .route("/stats", get(stats))
            .route("/mo", post(text))
            .route("/faults", get(faults).put(set_faults))
            .route("/state", get(state).put(set_state))
            .route("/receipts", get(receipts).put(set_receipts))
            .route("/messages", get(messages))
            .route("/events", get(events));
        refusing(routes).with_state(self)
    }
}

async fn index() -> Json<Value> {
    Json(json!({ "routes": [
        "GET /stats", "POST /mo", "GET|PUT /faults", "GET|PUT /state", "GET|PUT /receipts", "GET /messages?to=&limit=", "GET /events",
    ] }))
}

async fn stats(State(control): State<Control>) -> Json<Stats> {
    Json(control.centre.stats())
}

async fn text(
    State(control): State<Control>,
    mo: Result<Json<Mo>, JsonRejection>,
) -> Result<Json<Value>, ControlError> {
    let Json(mo) = mo?;
    let answer = mo::inject(&control.centre, mo).await?;
    let statuses: Vec<String> = answer.statuses.iter().map(ToString::to_string).collect();
    Ok(Json(
        json!({ "status": answer.status().to_string(), "segments": statuses.len(), "statuses": statuses }),
    ))
}

async fn faults(State(control): State<Control>) -> Json<Vec<FaultRule>> {
    Json(control.centre.faults())
}

async fn set_faults(
    State(control): State<Control>,
    rules: Result<Json<Vec<FaultRule>>, JsonRejection>,
) -> Result<Json<Vec<FaultRule>>, ControlError> {
    let Json(rules) = rules?;
    control.centre.set_faults(rules)?;
    Ok(Json(control.centre.faults()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Up {
    up: bool,
}

async fn state(State(control): State<Control>) -> Json<Value> {
    Json(json!({ "up": control.switch.is_up() }))
}

async fn set_state(
    State(control): State<Control>,
    up: Result<Json<Up>, JsonRejection>,
) -> Result<Json<Value>, ControlError> {
    let Json(Up { up }) = up?;
    control.switch.set(up).await;
    Ok(Json(json!({ "up": control.switch.is_up() })))
}

async fn receipts(State(control): State<Control>) -> Json<ReceiptConfig> {
    Json(control.centre.receipts())
}

/// Changes the fields given and leaves the others.
async fn set_receipts(
    State(control): State<Control>,
    change: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Json<ReceiptConfig>, ControlError> {
    let Json(change) = change?;
    let changed = changed(&control.centre.receipts(), change);
    let changed = changed.map_err(|error| ControlError::invalid("invalid_receipts", &error))?;
    control.centre.set_receipts(changed)?;
    Ok(Json(control.centre.receipts()))
}

async fn messages(
    State(control): State<Control>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<PhoneMessage>>, ControlError> {
    let Query(which) = which?;
    Ok(Json(control.centre.messages(
        which.digits(),
        which.limit(),
        monotonic(),
    )))
}

async fn events(State(control): State<Control>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    told(control.centre.events.subscribe(), |event| Some(event.name()))
}

impl From<InvalidRule> for ControlError {
    fn from(error: InvalidRule) -> Self {
        Self::invalid("invalid_rule", &error)
    }
}

impl From<InvalidReceipts> for ControlError {
    fn from(error: InvalidReceipts) -> Self {
        Self::invalid("invalid_receipts", &error)
    }
}

impl From<MoError> for ControlError {
    fn from(error: MoError) -> Self {
        let (status, code) = match error {
            MoError::NotBound => (StatusCode::SERVICE_UNAVAILABLE, "not_bound"),
            MoError::Timeout(_) => (StatusCode::GATEWAY_TIMEOUT, "not_answered"),
            MoError::Text(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_text"),
            MoError::Address(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_address"),
        };
        Self::new(status, code, &error)
    }
}
