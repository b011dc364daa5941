//! The HTTP control: what a person or a test does to a platform while it runs. For loopback only; nothing is locked.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use futures_util::Stream;
use serde_json::{Map, Value, json};

use super::RcsSimulator;
use super::config::{DeliveryConfig, WebhookTarget};
use super::fault::FaultRule;
use super::handset::Handset;
use super::platform::PhoneMessage;
use super::stats::RcsStats;
use super::user::{UserAct, UserError};
use crate::simulator::steering::{ControlError, Which, changed, refusing, told};

type Platform = State<Arc<RcsSimulator>>;

pub(super) fn router(simulator: Arc<RcsSimulator>) -> Router {
    let routes = Router::new()
        .route("/", get(index))
        .route("/stats", get(stats))
        .route("/ages", get(ages))
        .route("/user", post(user))
        .route("/faults", get(faults).put(set_faults))
        .route("/delivery", get(delivery).put(set_delivery))
        .route("/handsets", get(handsets))
        .route("/handsets/{number}", put(set_handset))
        .route("/webhook", put(set_webhook))
        .route("/tokens", delete(forget_tokens))
        .route("/messages", get(messages))
        .route("/events", get(events));
    refusing(routes).with_state(simulator)
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
    let invalid = |error: &dyn ToString| ControlError::invalid("invalid_delivery", &error.to_string());
    let changed = changed(&simulator.delivery(), change).map_err(|error| invalid(&error))?;
    simulator.set_delivery(changed).map_err(|error| invalid(&error))?;
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

async fn messages(
    State(simulator): Platform,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<PhoneMessage>>, ControlError> {
    let Query(which) = which?;
    let to = which.digits().map(|digits| format!("+{digits}"));
    Ok(Json(simulator.messages(to.as_deref(), which.limit())))
}

async fn events(State(simulator): Platform) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    told(simulator.subscribe(), |_| None)
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
