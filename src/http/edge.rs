//! What every request passes, in and out: its id, its time, the number at once, the form of its problems.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use metrics::Histogram;
use tokio::sync::Semaphore;

use super::problem::{Code, Problem, Unrendered};
use crate::clock::{self, Clock, monotonic};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static CORRELATOR: HeaderName = HeaderName::from_static("x-correlator");

/// The edge of one listener.
pub(super) struct Edge {
    clock: Clock,
    at_once: Semaphore,
    durations: RwLock<HashMap<(Box<str>, u16), Histogram>>,
}

/// The id of a request: the caller's, or ours.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) Arc<str>);

impl Edge {
    pub(super) fn new(clock: Clock, max_requests: u32) -> Arc<Self> {
        Arc::new(Self {
            clock,
            at_once: Semaphore::new(
                usize::try_from(max_requests)
                    .unwrap_or(1)
                    .clamp(1, Semaphore::MAX_PERMITS),
            ),
            durations: RwLock::default(),
        })
    }

    fn request_id(&self, headers: &HeaderMap) -> RequestId {
        let given = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
        match given.filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_graphic())) {
            Some(id) => RequestId(id.into()),
            None => RequestId(format!("req_{}", clock::message_id(self.clock.now()).0.simple()).into()),
        }
    }

    /// Keeps one histogram a route and status, so that a request looks its own up and makes none.
    fn record(&self, route: Option<&MatchedPath>, status: StatusCode, took: Duration) {
        let route = route.map_or("none", MatchedPath::as_str);
        let key = (Box::from(route), status.as_u16());
        if let Some(histogram) = self.durations.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            histogram.record(took.as_secs_f64());
            return;
        }
        let histogram = metrics::histogram!(
            "araldo_http_request_duration_seconds", "route" => route.to_owned(), "status" => status.as_str().to_owned()
        );
        histogram.record(took.as_secs_f64());
        self.durations
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, histogram);
    }
}

/// The layer itself.
pub(super) async fn pass(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let begun = monotonic();
    let id = edge.request_id(request.headers());
    let correlator = request.headers().get(&CORRELATOR).cloned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let is_options = request.method() == Method::OPTIONS;
    request.extensions_mut().insert(id.clone());

    let response = match (refusal(&request), edge.at_once.try_acquire()) {
        (Some(problem), _) => problem.into_response(),
        (None, Err(_)) => Problem::new(Code::Overloaded)
            .retry_after(Duration::from_secs(1))
            .into_response(),
        (None, Ok(_permit)) => match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => {
                // The panic hook has logged where.
                tracing::error!(event = "http_panic", request_id = &*id.0);
                Problem::new(Code::Internal).into_response()
            }
        },
    };
    let mut response = finish(response, &id, is_options);
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    if let Some(correlator) = correlator {
        response.headers_mut().insert(CORRELATOR.clone(), correlator);
    }
    edge.record(route.as_ref(), response.status(), monotonic().duration_since(begun));
    response
}

/// What no handler needs to see.
fn refusal(request: &Request) -> Option<Problem> {
    let path = request.uri().path();
    if path.contains("//") || path.contains("%00") || path.split('/').any(|part| part == "..") {
        return Some(Problem::new(Code::NotFound));
    }
    let accept = request.headers().get(header::ACCEPT)?.to_str().ok()?;
    let known: &[&str] = match path {
        "/v1/stream" | "/admin/v1/stream" => &["*/*", "text/*", "text/event-stream"],
        _ => &[
            "*/*",
            "application/*",
            "application/json",
            "application/x-ndjson",
            "application/problem+json",
        ],
    };
    let accepts = |part: &str| {
        let kind = part.split(';').next().unwrap_or_default().trim();
        known.iter().any(|known| kind.eq_ignore_ascii_case(known))
    };
    let wanted = path.starts_with("/v1/") || path.starts_with("/admin/v1/");
    (wanted && !accept.trim().is_empty() && !accept.split(',').any(accepts)).then(|| Problem::new(Code::NotAcceptable))
}

fn finish(response: Response, id: &RequestId, is_options: bool) -> Response {
    let Some(Unrendered(problem)) = response.extensions().get::<Unrendered>() else {
        return response;
    };
    if is_options && problem.code == Code::MethodNotAllowed {
        let mut answer = StatusCode::NO_CONTENT.into_response();
        answer.headers_mut().extend(
            response
                .headers()
                .get(header::ALLOW)
                .map(|allow| (header::ALLOW, allow.clone())),
        );
        return answer;
    }
    let mut rendered = problem.render(&id.0);
    rendered.headers_mut().extend(
        response
            .headers()
            .get(header::ALLOW)
            .map(|allow| (header::ALLOW, allow.clone())),
    );
    rendered
}

/// For paths that lead nowhere.
pub(super) async fn not_found() -> Problem {
    Problem::new(Code::NotFound)
}

/// For methods that a path does not take; the router adds `Allow`.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed)
}
