//! The HTTP control: what a person or a test does to a platform while it runs. For loopback only; nothing is locked.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_stream::wrappers::BroadcastStream;

use super::RcsSimulator;
use super::config::{DeliveryConfig, WebhookTarget};
use super::fault::FaultRule;
use super::handset::Handset;
use super::platform::PhoneMessage;
use super::stats::RcsStats;
use super::user::{UserAct, UserError};

/// Messages given by `GET /messages` unless told otherwise.
const LIMIT: usize = 1_000;

type Platform = State<Arc<RcsSimulator>>;

pub(super) fn router(simulator: Arc<RcsSimulator>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/stats", get(stats))
        .route("/ages", get(ages))
        .route("/user", post(user))
        .route("/faults", get(faults).put(set_faults))
        .route("/delivery", get(delivery).put(set_delivery))
        .route("/handsets", get(handsets))
        .route("/handsets/{number}", put(set_handset))
        .route("/webhook", put(set_webhook))
        .route("/tokens", axum::routing::delete(forget_tokens))
        .route("/messages", get(messages))
        .route("/events", get(events))
        .fallback(unknown)
        .with_state(simulator)
}

async fn index() -> Json<Value> {
    Json(json!({ "routes": [
        "GET /stats", "GET /ages", "POST /user", "GET|PUT /faults", "GET|PUT /delivery", "GET /handsets", "PUT /handsets/{number}",
        "PUT /webhook", "DELETE /tokens", "GET /messages?to=&limit=", "GET /events",
    ] }))
}

async fn stats(State(simulator): Platform) -> Json<RcsStats> {
    Json(simulator.stats())
}

async fn ages(State(simulator): Platform) -> Json<BTreeMap<u64, u64>> {
    Json(simulator.ages())
}

async fn user(
    State(simulator): Platform,
    act: Result<Json<UserAct>, JsonRejection>,
) -> Result<StatusCode, ControlError> {
    let Json(act) = act?;
    simulator.user(&act)?;
    Ok(StatusCode::ACCEPTED)
}

async fn faults(State(simulator): Platform) -> Json<Vec<FaultRule>> {
    Json(simulator.faults())
}

async fn set_faults(
    State(simulator): Platform,
    rules: Result<Json<Vec<FaultRule>>, JsonRejection>,
) -> Result<Json<Vec<FaultRule>>, ControlError> {
    let Json(rules) = rules?;
    simulator
        .set_faults(rules)
        .map_err(|error| ControlError::invalid("invalid_rule", &error))?;
    Ok(Json(simulator.faults()))
}

async fn delivery(State(simulator): Platform) -> Json<DeliveryConfig> {
    Json(simulator.delivery())
}

/// Changes the fields given and leaves the others.
async fn set_delivery(
    State(simulator): Platform,
    change: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Json<DeliveryConfig>, ControlError> {
    let Json(change) = change?;
    let invalid = |error: serde_json::Error| ControlError::invalid("invalid_delivery", &error);
    let mut merged = serde_json::to_value(simulator.delivery()).map_err(invalid)?;
    if let Value::Object(fields) = &mut merged {
        fields.extend(change);
    }
    simulator
        .set_delivery(serde_json::from_value(merged).map_err(invalid)?)
        .map_err(|error| ControlError::invalid("invalid_delivery", &error))?;
    Ok(Json(simulator.delivery()))
}

async fn handsets(State(simulator): Platform) -> Json<BTreeMap<String, Handset>> {
    Json(simulator.handsets())
}

async fn set_handset(
    State(simulator): Platform,
    Path(number): Path<String>,
    handset: Result<Json<Handset>, JsonRejection>,
) -> Result<Json<Handset>, ControlError> {
    let Json(handset) = handset?;
    simulator.set_handset(&number, handset.clone());
    Ok(Json(handset))
}

async fn set_webhook(
    State(simulator): Platform,
    target: Result<Json<WebhookTarget>, JsonRejection>,
) -> Result<StatusCode, ControlError> {
    let Json(target) = target?;
    simulator
        .register_webhook(target)
        .await
        .map_err(|error| ControlError::invalid("not_the_agents", &error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every access token is good for nothing from now on.
async fn forget_tokens(State(simulator): Platform) -> StatusCode {
    simulator.expire_tokens();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    to: Option<String>,
    limit: Option<usize>,
}

async fn messages(
    State(simulator): Platform,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<PhoneMessage>>, ControlError> {
    let Query(Which { to, limit }) = which?;
    // A `+` in a query is a blank unless it is escaped.
    let to = to.map(|to| format!("+{}", to.trim_start_matches(['+', ' '])));
    Ok(Json(simulator.messages(to.as_deref(), limit.unwrap_or(LIMIT))))
}

/// Every event from now on; `missed` with their number where the reader was too slow.
async fn events(State(simulator): Platform) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = BroadcastStream::new(simulator.subscribe()).map(|event| {
        Ok(match event {
            Ok(event) => Event::default()
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

/// `{"code", "detail"}` with the status that fits.
#[derive(Debug)]
struct ControlError {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl ControlError {
    fn invalid(code: &'static str, error: &impl ToString) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code,
            detail: error.to_string(),
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

impl From<UserError> for ControlError {
    fn from(error: UserError) -> Self {
        let code = match error {
            UserError::Number(_) => "invalid_number",
            UserError::NoSuggestion => "no_suggestion",
            UserError::NoRcs => "no_rcs",
        };
        Self::invalid(code, &error)
    }
}
