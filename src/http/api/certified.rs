//! `/v1/certified`: the numbers that are known to be in the hands of your customers.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::list::{self, ListQuery, page_limit, read_cursor};
use super::send::{shown, store_problem};
use super::{ApiState, MAX_PAGE, number_of};
use crate::config::Scope;
use crate::domain::{Masked, Msisdn, Name, UnixMillis};
use crate::http::problem::{Code, Problem};
use crate::store::{CertifiedAct, CertifiedQuery, CertifiedRecord};

/// A number as it is, or was, certified.
#[derive(Serialize, ToSchema)]
#[schema(as = Certified)]
pub(crate) struct CertifiedView {
    /// The number in E.164.
    msisdn: String,
    /// Whose customer.
    #[schema(value_type = String)]
    client: Name,
    /// The client's own word for the customer.
    customer: Box<str>,
    /// What the customer is to the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    profile: Option<Name>,
    /// `certified`; `replaced` by a later one, or `revoked`.
    state: &'static str,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    at: UnixMillis,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<UnixMillis>,
}

/// All that is known of one number.
#[derive(Serialize, ToSchema)]
#[schema(as = CertifiedNumber)]
pub(crate) struct NumberView {
    msisdn: String,
    /// For whom it is certified now.
    certified: Vec<CertifiedView>,
    /// For whom it was, oldest first.
    history: Vec<CertifiedView>,
}

impl CertifiedView {
    pub(crate) fn new(record: CertifiedRecord, reveal: bool) -> Self {
        let number = format!("+{}", record.msisdn);
        Self {
            msisdn: if reveal { number } else { Masked(&number).to_string() },
            client: record.client,
            customer: record.customer,
            profile: record.profile,
            state: record.ended.map_or("certified", |(_, why)| why.as_str()),
            at: record.at,
            ended_at: record.ended.map(|(at, _)| at),
        }
    }
}

/// The numbers of your customers, oldest first.
#[utoipa::path(
    get,
    path = "/v1/certified",
    operation_id = "list_certified",
    tag = "numbers",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "At most so many; 100 where not said"),
        ("after" = Option<String>, Query, pattern = "^[0-9a-f]{32}$", description = "`next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = super::openapi::CertifiedPage),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or the store is away: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["read"])),
)]
pub(super) async fn list(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Read)?;
    let query = ListQuery::read(&uri, &["limit", "after"])?;
    page(&state, &uri, &query, Some(client.name.clone()), true).await
}

/// A page of the certified numbers of a client, or of any.
pub(in crate::http) async fn page(
    state: &ApiState,
    uri: &Uri,
    query: &ListQuery,
    client: Option<Name>,
    reveal: bool,
) -> Result<Response, Problem> {
    let after = query.get("after").map(|cursor| read_cursor("certified", cursor));
    let query = CertifiedQuery {
        msisdn: None,
        client,
        after: after.transpose()?,
        limit: page_limit(query.get("limit"))?,
    };
    let found = state.store.certified(&query).await;
    let found = found.map_err(|error| store_problem(&error))?;
    Ok(list::page("certified", uri, found, |record| {
        CertifiedView::new(record, reveal)
    }))
}

/// What you know of one number.
#[utoipa::path(
    get,
    path = "/v1/certified/{msisdn}",
    operation_id = "show_certified",
    tag = "numbers",
    params(("msisdn" = String, Path, pattern = r"^\+?[1-9][0-9]{6,14}$", description = "The number in E.164", example = "+393331234567")),
    responses(
        (status = 200, description = "For which customer it is certified, and was", body = NumberView),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or the store is away: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["read"])),
)]
pub(super) async fn show(
    State(state): State<Arc<ApiState>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Read)?;
    number(&state, &number_of(path)?, Some(client.name.clone())).await
}

/// Take back that a number is a customer's: what is personal goes there no more.
#[utoipa::path(
    delete,
    path = "/v1/certified/{msisdn}",
    operation_id = "revoke_certified",
    tag = "numbers",
    params(("msisdn" = String, Path, pattern = r"^\+?[1-9][0-9]{6,14}$", description = "The number in E.164", example = "+393331234567")),
    responses(
        (status = 200, description = "Taken back: the history keeps it", body = NumberView),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not done, or not known: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["send"])),
)]
pub(super) async fn revoke(
    State(state): State<Arc<ApiState>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Send)?;
    take_back(&state, &number_of(path)?, client.name.clone()).await
}

/// Revokes it, and shows the number.
pub(in crate::http) async fn take_back(state: &ApiState, msisdn: &Msisdn, client: Name) -> Result<Response, Problem> {
    let act = CertifiedAct::Revoked {
        client: client.clone(),
        msisdn: msisdn.digits().into(),
    };
    if state.outbox.certify(act).await.map_err(|error| store_problem(&error))? {
        return number(state, msisdn, Some(client)).await;
    }
    Err(Problem::with_detail(Code::NotFound, "the number is not certified"))
}

/// One number, of a client or of any.
pub(in crate::http) async fn number(
    state: &ApiState,
    msisdn: &Msisdn,
    client: Option<Name>,
) -> Result<Response, Problem> {
    let query = CertifiedQuery {
        msisdn: Some(msisdn.digits().into()),
        client,
        after: None,
        limit: MAX_PAGE,
    };
    let found = state.store.certified(&query).await;
    let found = found.map_err(|error| store_problem(&error))?.rows.into_iter();
    let (certified, history): (Vec<_>, Vec<_>) = found
        .map(|record| CertifiedView::new(record, true))
        .partition(|view| view.ended_at.is_none());
    Ok(shown(&NumberView {
        msisdn: format!("+{}", msisdn.digits()),
        certified,
        history,
    }))
}
