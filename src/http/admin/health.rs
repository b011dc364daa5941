//! `/livez`, `/readyz`, `/metrics`: for machines, without token.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{AdminState, CarrierState};

/// The process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// New messages are taken. Carriers are told of and do not count: a carrier's outage is no reason to send the back
/// ends elsewhere.
pub(super) async fn ready(State(state): State<Arc<AdminState>>) -> Response {
    let health = state.api.outbox.health();
    let (store, storage) = (health.is_working(), !health.storage_low());
    let stopping = state.stopping.is_cancelled();
    let ready = store && storage && !stopping;
    let carriers = state.carriers.list();
    let up = carriers
        .iter()
        .filter(|carrier| carrier.state == CarrierState::Up)
        .count();
    let body = json!({
        "ready": ready,
        "store": if store { "working" } else { "failing" },
        "storage": if storage { "ok" } else { "low" },
        "stopping": stopping,
        "carriers": { "up": up, "configured": carriers.len() },
    });
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(body)).into_response()
}

/// In the text format of Prometheus.
pub(super) async fn metrics(State(state): State<Arc<AdminState>>) -> Response {
    let mut response = state.metrics.render().into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
