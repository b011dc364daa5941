//! What the HTTP controls of both simulators have in common: how they refuse, how they tell events, how a part of something
//! is changed. For loopback only; nothing is locked.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

/// Messages given by `GET /messages` unless told otherwise.
const LIMIT: usize = 1_000;

/// Refuses whatever the routes do not know.
pub(super) fn refusing<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    let refusal = |status, code| ControlError::new(status, code, &"GET / lists the routes");
    routes
        .fallback(async move || refusal(StatusCode::NOT_FOUND, "not_found"))
        .method_not_allowed_fallback(async move || refusal(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"))
}

/// `GET /messages?to=&limit=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    to: Option<String>,
    limit: Option<usize>,
}

impl Which {
    /// The digits of the one phone that is meant. A `+` in a query is a blank unless it is escaped.
    pub(super) fn digits(&self) -> Option<&str> {
        self.to.as_deref().map(|to| to.trim_start_matches(['+', ' ']))
    }

    /// How many at the most.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(LIMIT)
    }
}

/// Something with the fields of a change; the others are left.
pub(super) fn changed<T: Serialize + DeserializeOwned>(
    now: &T,
    change: Map<String, Value>,
) -> Result<T, serde_json::Error> {
    let mut merged = serde_json::to_value(now)?;
    if let Value::Object(fields) = &mut merged {
        fields.extend(change);
    }
    serde_json::from_value(merged)
}

/// Every event from now on, under its name where it has one; `missed` with their number where the reader was too slow.
pub(super) fn told<T: Serialize + Send + Sync + 'static>(
    events: broadcast::Receiver<Arc<T>>,
    name: fn(&T) -> Option<&'static str>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = BroadcastStream::new(events).map(move |event| {
        Ok(match event {
            Ok(event) => {
                let named = name(&event).map_or_else(Event::default, |name| Event::default().event(name));
                named
                    .json_data(&*event)
                    .unwrap_or_else(|error| Event::default().event("error").data(error.to_string()))
            }
            Err(BroadcastStreamRecvError::Lagged(missed)) => Event::default().event("missed").data(missed.to_string()),
        })
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// `{"code", "detail"}` with the status that fits.
#[derive(Debug)]
pub(super) struct ControlError {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl ControlError {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: &impl ToString) -> Self {
        Self {
            status,
            code,
            detail: detail.to_string(),
        }
    }

    /// What was asked for makes no sense.
    pub(super) fn invalid(code: &'static str, error: &impl ToString) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, error)
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "code": self.code, "detail": self.detail }))).into_response()
    }
}

impl From<JsonRejection> for ControlError {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "invalid_json", &rejection.body_text())
    }
}

impl From<QueryRejection> for ControlError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "invalid_query", &rejection.body_text())
    }
}
