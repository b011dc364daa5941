//! `POST /v1/messages`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::said::accept_wish;
use super::wish::idempotency_key;
use super::{ApiState, BREATH, REPAIR, ndjson};
use crate::accept::{Accepted, Wish};
use crate::config::Scope;
use crate::domain::Flags;
use crate::http::auth::Client;
use crate::http::body::{self, Kind};
use crate::http::edge::RequestId;
use crate::http::problem::{Code, Fault, Problem};
use crate::outbox::EnqueueError;
use crate::store::{Birth, Enqueue, EnqueueResult, IdempotencyKey, StoreError};

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(super) static IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Send a message, or many: as JSON one, as NDJSON one a line.
#[utoipa::path(
    post,
    path = "/v1/messages",
    operation_id = "send_message",
    tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and message: the stored answer. Kept 24 h.")),
    request_body(
        content(
            (super::openapi::MessageRequest = "application/json", examples(
                ("text" = (value = json!({ "to": "+393331234567", "text": "Your code is 482910", "class": "otp", "reference": "login-7" }))),
                ("rich" = (value = json!({ "to": "+393331234567", "class": "alert", "text": "Did you pay 90 EUR at Rossi? Reply YES or BLOCK", "rich": { "card": { "title": "Did you pay 90 EUR at Rossi?", "text": "If not, block the card at once.", "suggestions": [{ "type": "reply", "label": "Yes, I did", "says": "YES" }, { "type": "reply", "label": "Block my card", "says": "BLOCK" }, { "type": "dial", "label": "Call us", "number": "+39800123456" }] } } }))),
                ("template" = (value = json!({ "to": "+393331234567", "template": "card_shipped", "locale": "en", "vars": { "card": "*1234", "arrives": "2026-11-26" } }))),
                ("dry run" = (value = json!({ "to": "+393331234567", "text": "Perché no? Costa 5 €", "dry_run": true }))),
            )),
            (super::openapi::MessageLine = "application/x-ndjson", examples(
                ("two lines" = (value = json!("{\"to\": \"+393331234567\", \"text\": \"One\", \"idempotency_key\": \"campaign-1-1\"}\n{\"to\": \"+393331234568\", \"text\": \"Two\"}\n"))),
            )),
        ),
    ),
    responses(
        (status = 202, description = "Stored: it will be sent, or its owner told why not", body = super::accepted::AcceptedView<'_>),
        (status = 200, description = "A dry run, or the results of NDJSON: one line each, in order", content(
            (super::accepted::AcceptedView<'_> = "application/json"), (super::openapi::LineResult = "application/x-ndjson"))),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too fast: see Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not stored, or not known: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["send"])),
)]
pub(super) async fn send(State(state): State<Arc<ApiState>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let client = state.clients.caller(&parts.headers, Scope::Send)?;
    if parts.uri.query().is_some() {
        // A wish such as dry_run must not be passed over in silence: the message would go out.
        let detail = "a message is sent without a query: everything, dry_run too, stands in the body";
        return Err(Problem::with_detail(Code::InvalidQuery, detail));
    }
    match body::kind(&parts.headers)? {
        Kind::Json => {
            client.take_place()?;
            let body = body::whole(&parts.headers, body, state.body).await?;
            let wish = Wish::read(&body)?;
            one(&state, client, &parts.headers, &wish).await
        }
        Kind::Ndjson => {
            if parts.headers.contains_key(&IDEMPOTENCY_KEY) {
                let detail = "a line of NDJSON has its own key";
                let fault = Fault::new("#Idempotency-Key", Code::IdempotencyKeyInvalid, detail);
                return Err(fault.hint("send `idempotency_key` in each line").into());
            }
            let request_id = parts
                .extensions
                .get::<RequestId>()
                .map_or_else(|| "".into(), |id| id.0.clone());
            let (state, client) = (state.clone(), client.clone());
            ndjson::answer(state, client, body, request_id)
        }
    }
}

/// One message: checked, stored, answered.
pub(in crate::http) async fn one(
    state: &ApiState,
    client: &Client,
    headers: &HeaderMap,
    wish: &Wish<'_>,
) -> Result<Response, Problem> {
    let dry_run = wish.dry_run == Some(true);
    let key = key_header(headers, client.require_idempotency_key && !dry_run)?;
    let accepted = match accept_wish(state, client, wish).await {
        Ok(accepted) => accepted,
        Err(faults) => {
            let key = key.filter(|_| !dry_run);
            return match stored_before(state, client, key.as_deref(), wish).await {
                Some(EnqueueResult::Replayed(stored)) => Ok(replayed_answer(stored)),
                Some(EnqueueResult::KeyReused) => Err(Problem::new(Code::IdempotencyKeyReused)),
                Some(EnqueueResult::Stored(_)) | None => Err(Problem::of_faults(faults)),
            };
        }
    };
    if dry_run {
        return Ok(json(StatusCode::OK, accepted.answer(state, true)));
    }
    let answer = accepted.answer(state, false);
    let class = accepted.message.class;
    let item = item(accepted, key, wish, &answer);
    let stored = state.outbox.enqueue(vec![item]).await;
    match stored.and_then(|mut each| each.pop().unwrap_or(Err(EnqueueError::OutcomeUnknown))) {
        Ok(EnqueueResult::Stored(_)) => {
            client.count_accepted(class);
            Ok(accepted_answer(answer))
        }
        Ok(EnqueueResult::Replayed(stored)) => Ok(replayed_answer(stored)),
        Ok(EnqueueResult::KeyReused) => Err(Problem::new(Code::IdempotencyKeyReused)),
        Err(error) => Err(enqueue_problem(&error)),
    }
}

/// What became of the same request before. Asked where a message would be refused by now, since its validity is over or
/// the configuration has changed: who lost his answer must not take it for unsent.
pub(super) async fn stored_before(
    state: &ApiState,
    client: &Client,
    key: Option<&str>,
    wish: &Wish<'_>,
) -> Option<EnqueueResult> {
    let known = state.store.key(&client.name, key?).await.ok()??;
    Some(if known.fingerprint == wish.fingerprint() {
        EnqueueResult::Replayed(known.answer)
    } else {
        EnqueueResult::KeyReused
    })
}

/// What the outbox is given; the fingerprint is computed only where a key asks for it.
pub(super) fn item(accepted: Accepted, key: Option<Box<str>>, wish: &Wish<'_>, answer: &str) -> Enqueue {
    let (flags, failed) = (accepted.flags, accepted.ended);
    let birth = (flags != Flags::default() || failed.is_some()).then(|| {
        Box::new(Birth {
            flags,
            failed,
            ..Birth::default()
        })
    });
    Enqueue {
        message: accepted.message,
        key: key.map(|key| IdempotencyKey {
            key,
            fingerprint: wish.fingerprint(),
            answer: answer.into(),
        }),
        claim: None,
        birth,
    }
}

pub(super) fn key_header(headers: &HeaderMap, required: bool) -> Result<Option<Box<str>>, Problem> {
    let mut given = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let first = given.next();
    if given.next().is_some() {
        return Err(Fault::new("#Idempotency-Key", Code::IdempotencyKeyInvalid, "comes twice").into());
    }
    // What is not ASCII is refused as an empty key is.
    idempotency_key(
        first.map(|value| value.to_str().unwrap_or_default()),
        "#Idempotency-Key",
        required,
    )
}

pub(super) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn replayed_answer(stored: Box<str>) -> Response {
    let mut response = accepted_answer(stored.into());
    response
        .headers_mut()
        .insert(IDEMPOTENCY_REPLAYED.clone(), HeaderValue::from_static("true"));
    response
}

fn accepted_answer(body: String) -> Response {
    let location = id_in(&body).and_then(|id| HeaderValue::try_from(format!("/v1/messages/{id}")).ok());
    let mut response = json(StatusCode::ACCEPTED, body);
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The id with which an answer begins.
fn id_in(answer: &str) -> Option<&str> {
    answer.strip_prefix("{\"id\":\"")?.split('"').next()
}

/// Why nothing was stored, or why nobody knows.
pub(in crate::http) fn enqueue_problem(error: &EnqueueError) -> Problem {
    match error {
        EnqueueError::QueueFull => Problem::new(Code::QueueFull).retry_after(BREATH),
        EnqueueError::StorageLow => Problem::new(Code::StorageLow).retry_after(REPAIR),
        EnqueueError::Unavailable => Problem::new(Code::StoreUnavailable).retry_after(Duration::from_secs(5)),
        EnqueueError::OutcomeUnknown => Problem::new(Code::OutcomeUnknown)
            .with("retry_with_same_key", true)
            .retry_after(BREATH),
    }
}

/// Why nothing can be shown or changed.
pub(in crate::http) fn store_problem(error: &StoreError) -> Problem {
    tracing::warn!(event = "store_unavailable", %error);
    let problem = match error {
        StoreError::TooSlow => Problem::with_detail(Code::StoreUnavailable, "the list takes too long; narrow it"),
        StoreError::Full => Problem::new(Code::StorageLow),
        StoreError::Unknown(_) => Problem::new(Code::OutcomeUnknown),
        StoreError::Open(_)
        | StoreError::InUse { .. }
        | StoreError::Locked(_)
        | StoreError::TooNew(_)
        | StoreError::Io(_)
        | StoreError::Damaged(_)
        | StoreError::Statement(_) => Problem::new(Code::StoreUnavailable),
    };
    problem.retry_after(BREATH)
}

/// JSON of what serialises, for the answers that are not on the hot path.
pub(in crate::http) fn shown<T: serde::Serialize>(view: &T) -> Response {
    match serde_json::to_string(view) {
        Ok(body) => json(StatusCode::OK, body),
        Err(_) => Problem::new(Code::Internal).into_response(),
    }
}
