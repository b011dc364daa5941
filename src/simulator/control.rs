//! The HTTP control: what a person or a test does to a simulator while it runs. For loopback only; nothing is locked.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::wrappers::BroadcastStream;

use super::centre::Centre;
use super::config::{InvalidReceipts, ReceiptConfig};
use super::fault::{FaultRule, InvalidRule};
use super::mo::{self, Mo, MoError};
use super::phone::PhoneMessage;
use super::stats::Stats;
use super::switch::Switch;
use crate::clock::monotonic;

/// Messages given by `GET /messages` unless told otherwise.
const LIMIT: usize = 1_000;

#[derive(Clone)]
pub(super) struct Control {
    pub(super) centre: Arc<Centre>,
    pub(super) switch: Switch,
}

impl Control {
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/", get(index))
            .route("/stats", get(stats))
            .route("/mo", post(text))
            .route("/faults", get(faults).put(set_faults))
            .route("/state", get(state).put(set_state))
            .route("/receipts", get(receipts).put(set_receipts))
            .route("/messages", get(messages))
            .route("/events", get(events))
            .fallback(unknown)
            .method_not_allowed_fallback(wrong_method)
            .with_state(self)
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
    change: Result<Json<serde_json::Map<String, Value>>, JsonRejection>,
) -> Result<Json<ReceiptConfig>, ControlError> {
    let Json(change) = change?;
    let invalid = |error: serde_json::Error| ControlError::invalid("invalid_receipts", error.to_string());
    let mut merged = serde_json::to_value(control.centre.receipts()).map_err(invalid)?;
    if let Value::Object(fields) = &mut merged {
        fields.extend(change);
    }
    control
        .centre
        .set_receipts(serde_json::from_value(merged).map_err(invalid)?)?;
    Ok(Json(control.centre.receipts()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    to: Option<String>,
    limit: Option<usize>,
}

async fn messages(
    State(control): State<Control>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<PhoneMessage>>, ControlError> {
    let Query(Which { to, limit }) = which?;
    // A `+` in a query is a blank unless it is escaped.
    let to = to.map(|to| to.trim_start_matches(['+', ' ']).to_owned());
    Ok(Json(control.centre.messages(
        to.as_deref(),
        limit.unwrap_or(LIMIT),
        monotonic(),
    )))
}

/// Every event from now on; `missed` with their number where the reader was too slow.
async fn events(State(control): State<Control>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = BroadcastStream::new(control.centre.events.subscribe()).map(|event| {
        Ok(match event {
            Ok(event) => Event::default()
                .event(event.name())
                .json_data(&*event)
                .unwrap_or_else(|error| Event::default().event("error").data(error.to_string())),
            Err(tokio_stream::wrappers::errors::BroadcastStreamRecvError::Lagged(missed)) => {
                Event::default().event("missed").data(missed.to_string())
            }
        })
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn unknown() -> ControlError {
    ControlError {
        status: StatusCode::NOT_FOUND,
        code: "not_found",
        detail: "GET / lists the routes".to_owned(),
    }
}

async fn wrong_method() -> ControlError {
    let (status, code) = (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    ControlError {
        status,
        code,
        detail: "GET / lists the routes".to_owned(),
    }
}

/// `{"code", "detail"}` with the status that fits.
#[derive(Debug)]
struct ControlError {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl ControlError {
    fn invalid(code: &'static str, detail: String) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code,
            detail,
        }
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "code": self.code, "detail": self.detail }))).into_response()
    }
}

impl From<JsonRejection> for ControlError {
    fn from(rejection: JsonRejection) -> Self {
        Self {
            status: rejection.status(),
            code: "invalid_json",
            detail: rejection.body_text(),
        }
    }
}

impl From<QueryRejection> for ControlError {
    fn from(rejection: QueryRejection) -> Self {
        Self {
            status: rejection.status(),
            code: "invalid_query",
            detail: rejection.body_text(),
        }
    }
}

impl From<InvalidRule> for ControlError {
    fn from(error: InvalidRule) -> Self {
        Self::invalid("invalid_rule", error.to_string())
    }
}

impl From<InvalidReceipts> for ControlError {
    fn from(error: InvalidReceipts) -> Self {
        Self::invalid("invalid_receipts", error.to_string())
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
        Self {
            status,
            code,
            detail: error.to_string(),
        }
    }
}
