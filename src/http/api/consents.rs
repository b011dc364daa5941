//! `/v1/consents`: what people want to be sent.

mod import;
mod wish;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;

pub(in crate::http) use self::import::results_of;
pub(in crate::http) use self::wish::ConsentWish;
use super::list::{self, ListQuery, page_limit, read_cursor};
use super::send::{shown, store_problem};
use super::{ApiState, MAX_PAGE, ndjson};
use crate::accept::masked;
use crate::config::Scope;
use crate::domain::{Masked, Msisdn, Name, Source, UnixMillis, Will};
use crate::http::body::{self, Kind};
use crate::http::edge::RequestId;
use crate::http::problem::{Code, Fault, Problem};
use crate::store::{ConsentQuery, ConsentRecord, ConsentResult, NewConsent};

/// Changes that are shown of one person.
const HISTORY: u32 = 100;

/// What somebody wants of a brand, or of one topic of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Consent)]
pub(crate) struct ConsentView {
    /// The number in E.164.
    msisdn: String,
    /// Whose messages: a client, or a group of clients.
    #[schema(value_type = String)]
    brand: Name,
    /// Which of them; `*` is all.
    topic: String,
    /// What is wanted.
    state: Will,
    /// How it came here.
    source: Source,
    /// When it was said.
    #[schema(value_type = String, format = DateTime)]
    at: UnixMillis,
    /// A word of whoever brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Box<str>>,
    /// When it was written here; of a change in the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    recorded_at: Option<UnixMillis>,
}

/// All that one person wants, and has said.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentOfPerson)]
pub(crate) struct PersonView {
    msisdn: String,
    /// What counts now; empty where nothing was said.
    consents: Vec<ConsentView>,
    /// What was said, newest first; the last hundred.
    history: Vec<ConsentView>,
    /// Waiting messages that ended for it, where something was changed just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<u32>,
}

impl ConsentView {
    pub(crate) fn new(record: ConsentRecord, reveal: bool) -> Self {
        Self {
            msisdn: number(&record.msisdn, reveal),
            brand: record.brand,
            topic: record.topic.map_or_else(|| "*".to_owned(), |topic| topic.to_string()),
            state: record.will,
            source: record.source,
            at: record.at,
            note: record.note,
            recorded_at: None,
        }
    }
}

fn number(digits: &str, reveal: bool) -> String {
    let number = format!("+{digits}");
    if reveal { number } else { Masked(&number).to_string() }
}

/// What people want of your brand, oldest entry first. With `Accept: application/x-ndjson` all of it, an entry a line:
/// what `POST /v1/consents` takes again.
#[utoipa::path(
    get,
    path = "/v1/consents",
    operation_id = "list_consents",
    tag = "consents",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "At most so many; 100 where not said"),
        ("after" = Option<String>, Query, pattern = "^[0-9a-f]{32}$", description = "`next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page, or all of it", content(
            (super::openapi::ConsentPage = "application/json"), (ConsentView = "application/x-ndjson"))),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["consent"])),
)]
pub(super) async fn list(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Consent)?;
    let brand = state.intake.gate.policy.brand_of(&client.name).clone();
    let ndjson = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"application/x-ndjson"));
    if ndjson {
        ListQuery::read(&uri, &[])?;
        return Ok(export(state.clone(), vec![brand]));
    }
    let query = ListQuery::read(&uri, &["limit", "after"])?;
    page(&state, &uri, &query, vec![brand], true).await
}

/// A page of what people want of these brands, or of any.
pub(in crate::http) async fn page(
    state: &ApiState,
    uri: &Uri,
    query: &ListQuery,
    brands: Vec<Name>,
    reveal: bool,
) -> Result<Response, Problem> {
    let after = query.get("after").map(|cursor| read_cursor("consents", cursor));
    let query = ConsentQuery {
        msisdn: None,
        brands,
        after: after.transpose()?,
        limit: page_limit(query.get("limit"))?,
    };
    let found = state
        .store
        .consents(&query)
        .await
        .map_err(|error| store_problem(&error))?;
    Ok(list::page("consents", uri, found, |record| {
        ConsentView::new(record, reveal)
    }))
}

/// Every entry, a line each, read page by page as the caller takes them.
fn export(state: Arc<ApiState>, brands: Vec<Name>) -> Response {
    let pages = stream::unfold(Some(0), move |after| {
        let (state, brands) = (state.clone(), brands.clone());
        async move {
            let query = ConsentQuery {
                msisdn: None,
                brands,
                after: Some(after?),
                limit: MAX_PAGE,
            };
            let lines = |rows: Vec<ConsentRecord>| -> Result<Bytes, std::io::Error> {
                let mut lines = Vec::with_capacity(rows.len() * 160);
                for row in rows {
                    serde_json::to_writer(&mut lines, &ConsentView::new(row, true))?;
                    lines.push(b'\n');
                }
                Ok(lines.into())
            };
            match state.store.consents(&query).await {
                Ok(page) => Some((lines(page.rows), page.next)),
                // A broken answer is not taken for a whole one.
                Err(error) => Some((Err(std::io::Error::other(error)), None)),
            }
        }
    });
    let mut response = Response::new(Body::from_stream(pages));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

/// Note what people want, an entry a line; each line stands alone and has its result line in order. What is older than
/// what is known changes nothing.
#[utoipa::path(
    post,
    path = "/v1/consents",
    operation_id = "import_consents",
    tag = "consents",
    request_body(content((super::openapi::ConsentLine = "application/x-ndjson", examples(
        ("two lines" = (value = json!("{\"msisdn\": \"+393331234567\", \"state\": \"opted_out\", \"at\": \"2026-03-01T10:00:00Z\"}\n{\"msisdn\": \"+393331234568\", \"state\": \"opted_in\", \"topic\": \"promo\"}\n"))),
    )))),
    responses(
        (status = 200, description = "A result line for each", body = super::openapi::ConsentLineResult, content_type = "application/x-ndjson"),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["consent"])),
)]
pub(super) async fn import(State(state): State<Arc<ApiState>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let client = state.clients.caller(&parts.headers, Scope::Consent)?;
    if body::kind(&parts.headers)? != Kind::Ndjson {
        let detail = "Content-Type must be application/x-ndjson: an entry a line";
        return Err(Problem::with_detail(Code::UnsupportedMediaType, detail));
    }
    let request_id = parts
        .extensions
        .get::<RequestId>()
        .map_or_else(|| "".into(), |id| id.0.clone());
    let brand = state.intake.gate.policy.brand_of(&client.name).clone();
    let state = state.clone();
    ndjson::by_groups(body, state.body, move |group| {
        import::lines(state.clone(), brand.clone(), group, request_id.clone())
    })
}

/// What one person wants of your brand, and has said.
#[utoipa::path(
    get,
    path = "/v1/consents/{msisdn}",
    operation_id = "show_consent",
    tag = "consents",
    params(("msisdn" = String, Path, pattern = r"^\+?[1-9][0-9]{6,14}$", description = "The number in E.164", example = "+393331234567")),
    responses(
        (status = 200, description = "What counts now, and the history", body = PersonView),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["consent"])),
)]
pub(super) async fn show(
    State(state): State<Arc<ApiState>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Consent)?;
    let brand = state.intake.gate.policy.brand_of(&client.name).clone();
    person(&state, &number_of(path)?, &[brand], true, None).await
}

/// Note what one person wants: `opted_out` ends what waits for the number at once.
#[utoipa::path(
    put,
    path = "/v1/consents/{msisdn}",
    operation_id = "set_consent",
    tag = "consents",
    params(("msisdn" = String, Path, pattern = r"^\+?[1-9][0-9]{6,14}$", description = "The number in E.164", example = "+393331234567")),
    request_body(content((super::openapi::ConsentRequest = "application/json", examples(
        ("stop" = (value = json!({ "state": "opted_out", "note": "call of 21 November" }))),
    )))),
    responses(
        (status = 200, description = "Noted, or known already: what counts now, and the history", body = PersonView),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not noted, or not known: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["consent"])),
)]
pub(super) async fn set(
    State(state): State<Arc<ApiState>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let client = state.clients.caller(&parts.headers, Scope::Consent)?;
    let number = number_of(path)?;
    let body = body::whole(&parts.headers, body, state.body).await?;
    let wish = ConsentWish::read(&body)?;
    let brand = state.intake.gate.policy.brand_of(&client.name).clone();
    let noted = wish.noted(&state, Some(&number), Some(&brand), Source::Api)?;
    note(&state, noted, &[brand]).await
}

/// Take back what one person has said: as if nothing were known. The history keeps it.
#[utoipa::path(
    delete,
    path = "/v1/consents/{msisdn}",
    operation_id = "delete_consent",
    tag = "consents",
    params(
        ("msisdn" = String, Path, pattern = r"^\+?[1-9][0-9]{6,14}$", description = "The number in E.164", example = "+393331234567"),
        ("topic" = Option<String>, Query, description = "Only of this topic; all where not said"),
    ),
    responses(
        (status = 200, description = "Taken back: what counts now, and the history", body = PersonView),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not done, or not known: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["consent"])),
)]
pub(super) async fn withdraw(
    State(state): State<Arc<ApiState>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Consent)?;
    let number = number_of(path)?;
    let query = ListQuery::read(&uri, &["topic"])?;
    let brand = state.intake.gate.policy.brand_of(&client.name).clone();
    let topic = query
        .get("topic")
        .map(|topic| wish::topic(&state, "#topic", topic))
        .transpose()?;
    let taken_back = NewConsent {
        msisdn: number.digits().into(),
        topic: topic.flatten(),
        will: Will::Withdrawn,
        source: Source::Api,
        at: state.clock.now(),
        note: None,
        told: state.intake.gate.policy.members(&brand),
        brand: brand.clone(),
    };
    note(&state, taken_back, &[brand]).await
}

/// Notes it, and shows the person.
pub(in crate::http) async fn note(state: &ApiState, new: NewConsent, brands: &[Name]) -> Result<Response, Problem> {
    let number = Msisdn::written(&new.msisdn).map_err(|_| Problem::new(Code::Internal))?;
    let results = state.outbox.consents(vec![new]).await;
    let suppressed = match results.map_err(|error| store_problem(&error))?.first() {
        Some(ConsentResult::Noted { suppressed, .. }) => *suppressed,
        Some(ConsentResult::Same) => 0,
        Some(ConsentResult::Outdated) => {
            let detail = "something later is known of this number: see GET /v1/consents/{msisdn}";
            return Err(Fault::new("/at", Code::InvalidValidity, detail).into());
        }
        None => return Err(Problem::new(Code::OutcomeUnknown)),
    };
    person(state, &number, brands, true, Some(suppressed)).await
}

/// One person, of these brands or of any.
pub(in crate::http) async fn person(
    state: &ApiState,
    number: &Msisdn,
    brands: &[Name],
    reveal: bool,
    suppressed: Option<u32>,
) -> Result<Response, Problem> {
    let query = ConsentQuery {
        msisdn: Some(number.digits().into()),
        brands: brands.to_vec(),
        after: None,
        limit: MAX_PAGE,
    };
    let failed = |error| store_problem(&error);
    let consents = state.store.consents(&query).await.map_err(failed)?;
    let history = state.store.consent_history(number.digits(), brands, HISTORY).await;
    let history = history.map_err(failed)?.into_iter().map(|change| ConsentView {
        recorded_at: Some(change.recorded_at),
        ..ConsentView::new(change.said, reveal)
    });
    Ok(shown(&PersonView {
        msisdn: self::number(number.digits(), reveal),
        consents: consents
            .rows
            .into_iter()
            .map(|record| ConsentView::new(record, reveal))
            .collect(),
        history: history.collect(),
        suppressed,
    }))
}

/// The number in a path.
pub(in crate::http) fn number_of(path: Result<Path<String>, PathRejection>) -> Result<Msisdn, Problem> {
    let text = path.map_or_else(|_| String::new(), |path| path.0);
    Msisdn::written(text.trim_start()).map_err(|error| {
        Fault::new("#msisdn", Code::InvalidNumber, error.to_string())
            .got(masked(&text))
            .into()
    })
}
