//! `/v1/cases`: what customers texted that a person answers.

mod change;
mod view;
mod wish;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;

use self::change::done;
pub(in crate::http) use self::change::read_and_do;
pub(crate) use self::view::CaseView;
use self::view::history;
use self::wish::{CaseWish, FIELDS, Verb};
use super::ApiState;
use super::list::{self, ListQuery, page_limit, read_cursor};
use super::send::{IDEMPOTENCY_REPLAYED, key_header, shown, store_problem};
use crate::config::Scope;
use crate::domain::{CaseId, Msisdn, Name};
use crate::http::body;
use crate::http::json;
use crate::http::problem::{Code, Fault, Problem};
use crate::store::{CaseQuery, CaseRecord, CaseState, IdempotencyKey};

/// The cases of your addresses, newest first.
#[utoipa::path(
    get,
    path = "/v1/cases",
    operation_id = "list_cases",
    tag = "cases",
    params(
        ("state" = Option<CaseState>, Query, description = "Only in this state"),
        ("owner" = Option<String>, Query, description = "Only of this owner"),
        ("msisdn" = Option<String>, Query, description = "Only of this number"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "At most so many; 100 where not said"),
        ("after" = Option<String>, Query, pattern = "^[0-9a-f]{32}$", description = "`next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = super::openapi::CasePage),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["cases"])),
)]
pub(super) async fn list(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Cases)?;
    let query = ListQuery::read(&uri, &["state", "owner", "msisdn", "limit", "after"])?;
    page(&state, &uri, &query, Some(client.name.clone()), true).await
}

/// A page of the cases of this client, or of any.
pub(in crate::http) async fn page(
    state: &ApiState,
    uri: &Uri,
    query: &ListQuery,
    client: Option<Name>,
    reveal: bool,
) -> Result<Response, Problem> {
    let wanted = query.get("state").map(|word| {
        word.parse().map_err(|_| {
            let known = CaseState::ALL.map(CaseState::as_str).join(", ");
            Fault::new("#state", Code::InvalidState, format!("must be one of {known}"))
        })
    });
    let msisdn = query.get("msisdn").map(|text| {
        Msisdn::written(text.trim_start())
            .map_err(|error| Fault::new("#msisdn", Code::InvalidNumber, error.to_string()))
    });
    let before = query.get("after").map(|cursor| read_cursor("cases", cursor));
    let query = CaseQuery {
        client,
        state: wanted.transpose()?,
        owner: query.get("owner").map(Into::into),
        number: msisdn.transpose()?.map(|number| number.digits().into()),
        before: before.transpose()?,
        limit: page_limit(query.get("limit"))?,
    };
    let found = state.store.cases(&query).await.map_err(|error| store_problem(&error))?;
    Ok(list::page("cases", uri, found, |case| CaseView::new(case, reveal)))
}

/// A case with its notes and the latest texts of the customer.
#[utoipa::path(
    get,
    path = "/v1/cases/{id}",
    operation_id = "show_case",
    tag = "cases",
    params(("id" = String, Path, pattern = "^TK-[0-9]{1,10}$", description = "The case's number", example = "TK-48213077")),
    responses(
        (status = 200, description = "The case", body = CaseView),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["cases"])),
)]
pub(super) async fn show(
    State(state): State<Arc<ApiState>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Cases)?;
    let id = id_of(path.map(|path| path.0).unwrap_or_default().as_str())?;
    whole(&state, id, Some(&client.name), true).await
}

/// One case, of this client or of any.
pub(in crate::http) async fn whole(
    state: &ApiState,
    id: CaseId,
    client: Option<&Name>,
    reveal: bool,
) -> Result<Response, Problem> {
    let failed = |error| store_problem(&error);
    let case = found(state, id, client).await?;
    let notes = state.store.case_notes(id).await.map_err(failed)?;
    let history = history(state, &case, reveal).await?;
    let view = CaseView::new(case, reveal).with(notes, history);
    Ok(shown(&view))
}

/// Take a case, sign a note, answer the customer, solve it: only its owner answers and solves. A case that another owns
/// is taken over by naming that owner in `from`.
#[utoipa::path(
    post,
    path = "/v1/cases/{id}/{act}",
    operation_id = "act_on_case",
    tag = "cases",
    params(
        ("id" = String, Path, pattern = "^TK-[0-9]{1,10}$", description = "The case's number", example = "TK-48213077"),
        ("act" = super::openapi::CaseActWord, Path, description = "What is done", example = "take"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and request: done once, and the case shown as it is by now. Kept 24 h."),
    ),
    request_body(content((super::openapi::CaseRequest = "application/json", examples(
        ("take" = (value = json!({ "by": "anna" }))),
    )))),
    responses(
        (status = 200, description = "Done: the case as it is now", body = CaseView),
        (status = "4XX", description = "See code: 409 where it is not as you thought", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not done, or not known: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["cases"])),
)]
pub(super) async fn act(
    State(state): State<Arc<ApiState>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let client = state.clients.caller(&parts.headers, Scope::Cases)?;
    let (id, verb) = id_and_verb(path)?;
    let body = body::whole(&parts.headers, body, state.body).await?;
    let wish: CaseWish<'_> = json::read(&body, &FIELDS, &[])?;
    // What goes to the customer twice is what a key is for.
    let required = client.require_idempotency_key && verb == Verb::Answer;
    let Some(key) = key_header(&parts.headers, required)? else {
        return done(&state, id, Some(&client.name), verb, &wish, None, true).await;
    };
    let key = IdempotencyKey {
        key,
        fingerprint: wish.fingerprint(id, verb),
        answer: id.to_string().into(),
    };
    let before = state.store.key(&client.name, &key.key).await;
    match before.map_err(|error| store_problem(&error))? {
        Some(known) if known.fingerprint == key.fingerprint => replayed(&state, id, &client.name).await,
        Some(_) => Err(Problem::new(Code::IdempotencyKeyReused)),
        None => done(&state, id, Some(&client.name), verb, &wish, Some(key), true).await,
    }
}

/// The case as it is by now, after what was done before.
async fn replayed(state: &ApiState, id: CaseId, client: &Name) -> Result<Response, Problem> {
    let mut shown = whole(state, id, Some(client), true).await?;
    let replayed = (IDEMPOTENCY_REPLAYED.clone(), HeaderValue::from_static("true"));
    shown.headers_mut().extend([replayed]);
    Ok(shown)
}

/// The id and the verb in a path.
pub(in crate::http) fn id_and_verb(
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(CaseId, Verb), Problem> {
    let (id, act) = path.map(|path| path.0).unwrap_or_default();
    let verb = act.parse().map_err(|()| Problem::new(Code::NotFound))?;
    Ok((id_of(&id)?, verb))
}

async fn found(state: &ApiState, id: CaseId, client: Option<&Name>) -> Result<CaseRecord, Problem> {
    let case = state.store.case(id).await.map_err(|error| store_problem(&error))?;
    case.filter(|case| client.is_none_or(|client| case.client == *client))
        .ok_or_else(|| Problem::new(Code::NotFound))
}

/// A case's number.
pub(in crate::http) fn id_of(text: &str) -> Result<CaseId, Problem> {
    text.parse()
        .map_err(|_| Problem::with_detail(Code::InvalidId, "a case is `TK-` and its number"))
}
