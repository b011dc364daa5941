//! `/v1/verifications`: whether a number is in the hand of its customer. A code goes there, and comes back here.

mod text;
mod wish;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use self::text::Verifying;
pub(crate) use self::text::code_words;
use self::wish::{CodeWish, VerificationWish};
use super::ApiState;
use super::send::{IDEMPOTENCY_REPLAYED, enqueue_problem, json, key_header, shown, store_problem};
use crate::accept::{Accepted, Body, Text, Wish, WithoutRoute, accept_saying};
use crate::clock;
use crate::config::Scope;
use crate::dialogue::{CODE_PATIENCE, Claim, Code as Sealed, TRIES, Tried, draw};
use crate::domain::{Class, Flag, MessageId, Name, UnixMillis, VerificationId};
use crate::http::auth::Client;
use crate::http::body::{self, Kind};
use crate::http::problem::{Code, Problem};
use crate::outbox::EnqueueError;
use crate::store::{
    Birth, CertifiedAct, Enqueue, EnqueueResult, IdempotencyKey, NewVerification, VerificationRecord, VerificationState,
};

/// Tries of one code that may come at the same moment before one is told to come again.
const MOST_AT_ONCE: usize = 8;

/// A code that was sent to a number, to certify it.
#[derive(Serialize, ToSchema)]
#[schema(as = Verification)]
pub(crate) struct VerificationView {
    /// Its id.
    #[schema(value_type = String, example = "ver_01932b5e7c3a70008000000000000001")]
    id: VerificationId,
    /// The number in E.164.
    #[schema(example = "+393331234567")]
    to: String,
    /// Your own word for the customer.
    customer: Box<str>,
    /// What the customer is to you.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    profile: Option<Name>,
    /// `pending`; `verified`, and the number is certified; `spent` by wrong codes; `expired`.
    state: &'static str,
    /// How often a code may still be tried.
    tries_left: u8,
    /// From when on the code does not count.
    #[schema(value_type = String, format = DateTime)]
    expires_at: UnixMillis,
    /// When the number was certified by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    verified_at: Option<UnixMillis>,
    /// The message that brings it, where it was sent just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "msg_01932b5e7c3a70008000000000000001")]
    message: Option<MessageId>,
}

impl VerificationView {
    fn of(record: VerificationRecord, now: UnixMillis) -> Self {
        let expired = record.asked.expires_at <= now;
        let state = match record.state {
            VerificationState::Pending if expired => "expired",
            state => state.as_str(),
        };
        Self {
            id: record.asked.id,
            to: format!("+{}", record.msisdn),
            customer: record.asked.customer,
            profile: record.asked.profile,
            state,
            tries_left: if state == "pending" {
                TRIES.saturating_sub(record.wrong)
            } else {
                0
            },
            expires_at: record.asked.expires_at,
            verified_at: record.ended_at.filter(|_| record.state == VerificationState::Verified),
            message: None,
        }
    }
}

/// Send a code to a number, to certify it for a customer. It counts for five minutes, three tries, and once.
#[utoipa::path(
    post,
    path = "/v1/verifications",
    operation_id = "send_verification",
    tag = "numbers",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and request: the stored answer, and no other code. Kept 24 h.")),
    request_body(content((super::openapi::VerificationRequest = "application/json", examples(
        ("customer" = (value = json!({ "to": "+393331234567", "customer": "c-1842", "profile": "gold", "locale": "it" }))),
    )))),
    responses(
        (status = 202, description = "Stored: the code will be sent", body = VerificationView),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too fast, or too many codes for this number: see Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not stored, or not known: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["send"])),
)]
pub(super) async fn send(State(state): State<Arc<ApiState>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let client = state.clients.caller(&parts.headers, Scope::Send)?;
    only_json(&parts.headers)?;
    client.take_place()?;
    let body = body::whole(&parts.headers, body, state.body).await?;
    let wish = VerificationWish::read(&body)?;
    let key = key_header(&parts.headers, client.require_idempotency_key)?;
    let fingerprint = wish.fingerprint();
    if let Some(key) = &key {
        // Sent before: no other code, and no place in the number's hour.
        let known = state.store.key(&client.name, key).await;
        match known.map_err(|error| store_problem(&error))? {
            Some(known) if known.fingerprint == fingerprint => return Ok(accepted(known.answer.into(), true)),
            Some(_) => return Err(Problem::new(Code::IdempotencyKeyReused)),
            None => {}
        }
    }
    let (item, class) = prepare(&state, client, &wish, key.zip(Some(fingerprint)))?;
    let answer = item.1;
    let stored = state.outbox.enqueue(vec![item.0]).await;
    match stored.and_then(|mut each| each.pop().unwrap_or(Err(EnqueueError::OutcomeUnknown))) {
        Ok(EnqueueResult::Stored(_)) => {
            client.count_accepted(class);
            Ok(accepted(answer, false))
        }
        Ok(EnqueueResult::Replayed(stored)) => Ok(accepted(stored.into(), true)),
        Ok(EnqueueResult::KeyReused) => Err(Problem::new(Code::IdempotencyKeyReused)),
        Err(error) => Err(enqueue_problem(&error)),
    }
}

/// A message with its code, and the answer to give once it is stored.
type Prepared = ((Enqueue, String), Class);

fn prepare(
    state: &ApiState,
    client: &Client,
    wish: &VerificationWish<'_>,
    key: Option<(Box<str>, [u8; 32])>,
) -> Result<Prepared, Problem> {
    let now = state.clock.now();
    let (code, nonce) = draw(clock::secret_bits());
    let expires_at = now.after(CODE_PATIENCE);
    let asked = wish.asked();
    let rendered = state.verifying.text(&state.publisher.templates(), wish, &code);
    let until = expires_at.to_string();
    let message = Wish {
        to: wish.to.clone(),
        from: wish.from.clone(),
        class: Some(Text(Class::Otp.as_str().into())),
        expires_at: Some(Text(until.as_str().into())),
        ..Wish::default()
    };
    let said = rendered
        .as_ref()
        .map(crate::notify::Rendered::body)
        .map_err(Clone::clone);
    let made = accept_saying(
        &state.intake,
        client,
        &message,
        said.map(said_at),
        WithoutRoute::Refused,
    );
    let (made, asked) = match (made, asked) {
        (Ok(made), Ok(asked)) => (made, asked),
        (made, asked) => {
            let faults = made.err().into_iter().chain(asked.err()).flatten();
            return Err(Problem::of_faults(faults.collect()));
        }
    };
    let number = made.message.to.digits();
    state.verifying.take(number, now)?;
    let claim = Claim {
        client: &client.name,
        number,
        customer: &asked.customer,
        profile: asked.profile.as_ref(),
    };
    let sealed = serde_json::to_string(&claim.seal(&code, &nonce)).map_err(|_| Problem::new(Code::Internal))?;
    let verification = NewVerification {
        id: clock::verification_id(now),
        customer: asked.customer,
        profile: asked.profile,
        code: sealed.into(),
        expires_at,
    };
    metrics::counter!("araldo_verifications_total", "result" => "sent").increment(1);
    Ok((stored_as(made, verification, key), Class::Otp))
}

/// Where a fault of the text stands: nowhere in the request.
fn said_at(body: Body<'_>) -> Body<'_> {
    Body {
        pointer: "/template",
        ..body
    }
}

fn stored_as(made: Accepted, new: NewVerification, key: Option<(Box<str>, [u8; 32])>) -> (Enqueue, String) {
    let view = VerificationView {
        id: new.id,
        to: format!("+{}", made.message.to.digits()),
        customer: new.customer.clone(),
        profile: new.profile.clone(),
        state: VerificationState::Pending.as_str(),
        tries_left: TRIES,
        expires_at: new.expires_at,
        verified_at: None,
        message: Some(made.message.id),
    };
    let answer = serde_json::to_string(&view).unwrap_or_default();
    let birth = Birth {
        event: None,
        failed: made.ended,
        flags: made.flags.with(Flag::Personal),
        verification: Some(new),
    };
    let key = key.map(|(key, fingerprint)| IdempotencyKey {
        key,
        fingerprint,
        answer: answer.as_str().into(),
    });
    let item = Enqueue {
        birth: Some(Box::new(birth)),
        key,
        ..Enqueue::new(made.message)
    };
    (item, answer)
}

fn accepted(body: String, replayed: bool) -> Response {
    let id = body.strip_prefix("{\"id\":\"").and_then(|rest| rest.split('"').next());
    let location = id.and_then(|id| HeaderValue::try_from(format!("/v1/verifications/{id}")).ok());
    let mut response = json(StatusCode::ACCEPTED, body);
    let headers = response.headers_mut();
    headers.extend(location.map(|location| (header::LOCATION, location)));
    if replayed {
        headers.insert(IDEMPOTENCY_REPLAYED.clone(), HeaderValue::from_static("true"));
    }
    response
}

/// A code that you have sent.
#[utoipa::path(
    get,
    path = "/v1/verifications/{id}",
    operation_id = "get_verification",
    tag = "numbers",
    params(("id" = String, Path, pattern = "^ver_[0-9a-f]{32}$", description = "`ver_` and 32 hex digits", example = "ver_019327f0a1b27c3d8e4f5a6b7c8d9e0f")),
    responses(
        (status = 200, description = "How it stands", body = VerificationView),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or the store is away: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["read"])),
)]
pub(super) async fn show(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Read)?;
    let known = known(&state, client, verification_id(id)?).await?;
    Ok(shown(&VerificationView::of(known, state.clock.now())))
}

/// Try the code that the customer gave you. The right one certifies the number, instead of what you knew of it before.
#[utoipa::path(
    post,
    path = "/v1/verifications/{id}/check",
    operation_id = "check_verification",
    tag = "numbers",
    params(("id" = String, Path, pattern = "^ver_[0-9a-f]{32}$", description = "`ver_` and 32 hex digits", example = "ver_019327f0a1b27c3d8e4f5a6b7c8d9e0f")),
    request_body(content((super::openapi::CodeRequest = "application/json", examples(
        ("code" = (value = json!({ "code": "482910" }))),
    )))),
    responses(
        (status = 200, description = "The number is certified", body = VerificationView),
        (status = 409, description = "`code_expired`, `code_spent` by wrong ones, or `code_used`: send another", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`code_wrong`: see `tries_left`; `invalid_code`: no code, and no try", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not done, or not known: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["send"])),
)]
pub(super) async fn check(
    State(state): State<Arc<ApiState>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let client = state.clients.caller(&parts.headers, Scope::Send)?;
    let id = verification_id(id)?;
    only_json(&parts.headers)?;
    let body = body::whole(&parts.headers, body, state.body).await?;
    let wish = CodeWish::read(&body)?;
    let given = wish.code()?;
    for _ in 0..MOST_AT_ONCE {
        let record = known(&state, client, id).await?;
        let now = state.clock.now();
        let tried = tried(&record, given, now)?;
        let becomes = match tried {
            Tried::Right => VerificationState::Verified,
            Tried::Wrong(_) => VerificationState::Pending,
            Tried::Spent => VerificationState::Spent,
            Tried::Expired => return Err(refused(tried)),
        };
        let act = CertifiedAct::Tried {
            id,
            wrong: record.wrong,
            becomes,
        };
        let done = state.outbox.certify(act).await.map_err(|error| store_problem(&error))?;
        // Another try has come before this one: it counts, and this one is looked at anew.
        if !done {
            continue;
        }
        if becomes != VerificationState::Verified {
            return Err(refused(tried));
        }
        metrics::counter!("araldo_verifications_total", "result" => "right").increment(1);
        let verified = known(&state, client, id).await?;
        return Ok(shown(&VerificationView::of(verified, now)));
    }
    Err(Problem::new(Code::Overloaded).retry_after(super::BREATH))
}

fn tried(record: &VerificationRecord, given: &str, now: UnixMillis) -> Result<Tried, Problem> {
    match record.state {
        VerificationState::Pending => {}
        VerificationState::Verified => return Err(Problem::new(Code::CodeUsed)),
        VerificationState::Spent => return Err(Problem::new(Code::CodeSpent)),
    }
    let sealed: Sealed = serde_json::from_str(&record.asked.code).map_err(|_| Problem::new(Code::Internal))?;
    let claim = Claim {
        client: &record.client,
        number: &record.msisdn,
        customer: &record.asked.customer,
        profile: record.asked.profile.as_ref(),
    };
    Ok(claim.try_code(&sealed, given, record.wrong, record.asked.expires_at, now))
}

fn refused(tried: Tried) -> Problem {
    let (result, problem) = match tried {
        Tried::Expired => ("expired", Problem::new(Code::CodeExpired)),
        Tried::Spent | Tried::Right => ("spent", Problem::new(Code::CodeSpent)),
        Tried::Wrong(left) => ("wrong", Problem::new(Code::CodeWrong).with("tries_left", left)),
    };
    metrics::counter!("araldo_verifications_total", "result" => result).increment(1);
    problem
}

async fn known(state: &ApiState, client: &Client, id: VerificationId) -> Result<VerificationRecord, Problem> {
    let found = state.store.verification(id, &client.name).await;
    let found = found.map_err(|error| store_problem(&error))?;
    found.ok_or_else(|| Problem::with_detail(Code::NotFound, "there is no such verification"))
}

fn verification_id(path: Result<Path<String>, PathRejection>) -> Result<VerificationId, Problem> {
    let invalid = || Problem::with_detail(Code::InvalidId, "an id is `ver_` followed by 32 hex digits");
    path.map_err(|_| invalid())?.0.parse().map_err(|_| invalid())
}

fn only_json(headers: &HeaderMap) -> Result<(), Problem> {
    match body::kind(headers)? {
        Kind::Json => Ok(()),
        Kind::Ndjson => {
            let detail = "Content-Type must be application/json";
            Err(Problem::with_detail(Code::UnsupportedMediaType, detail))
        }
    }
}
