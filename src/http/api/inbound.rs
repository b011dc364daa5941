//! `GET /v1/inbound`: what handsets sent to the caller's addresses.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiState;
use super::list::{self, ListQuery, page_limit, read_cursor};
use super::send::store_problem;
use crate::config::Scope;
use crate::domain::{InboundId, Masked, Name, Shared, UnixMillis};
use crate::http::problem::Problem;
use crate::store::{InboundQuery, InboundRecord, Page};

/// A text from a handset.
#[derive(Serialize, ToSchema)]
#[schema(as = Inbound)]
pub(crate) struct InboundView {
    #[schema(value_type = String)]
    id: InboundId,
    /// The handset's address as the carrier gave it. Most give E.164 without plus; some national numbers, short codes or
    /// names too. No plus is put before it, since what kind it is is not kept.
    from: String,
    /// Ours.
    to: Box<str>,
    /// What it says; null where it is no text, and not shown to operators unless asked for.
    text: Option<Box<str>>,
    /// What was shared by RCS in the place of a text: a location or a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<Shared>,
    /// Whether reading it lost something.
    lossy: bool,
    /// The carrier that brought it.
    #[schema(value_type = String)]
    carrier: Name,
    /// Where it is one segment of several: their common reference, how many, which.
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<InboundSegment>,
    /// What was forgiven in reading it.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Box<str>>,
    #[schema(value_type = String, format = DateTime)]
    received_at: UnixMillis,
}

/// The place of a segment.
#[derive(Serialize, ToSchema)]
pub(crate) struct InboundSegment {
    reference: u16,
    /// 8 or 16: reference 7 of 8 bits is not reference 7 of 16.
    reference_bits: u8,
    total: u8,
    number: u8,
}

impl InboundView {
    /// Shown whole, or without number and text.
    pub(crate) fn new(record: InboundRecord, reveal: bool) -> Self {
        let text = record.text.filter(|_| reveal);
        let shared = text.as_deref().and_then(Shared::read);
        Self {
            id: record.id,
            from: if reveal {
                record.from.into()
            } else {
                Masked(&record.from).to_string()
            },
            to: record.to,
            text: text.filter(|_| shared.is_none()),
            shared,
            lossy: record.lossy,
            carrier: record.carrier,
            segment: record.segment.map(|segment| InboundSegment {
                reference: segment.reference,
                reference_bits: segment.reference_size.bits(),
                total: segment.total,
                number: segment.number,
            }),
            note: record.note,
            received_at: record.at,
        }
    }
}

/// Texts sent to your addresses, newest first.
#[utoipa::path(
    get,
    path = "/v1/inbound",
    operation_id = "list_inbound",
    tag = "inbound",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "At most so many; 100 where not said"),
        ("after" = Option<String>, Query, pattern = "^[0-9a-f]{32}$", description = "`next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = super::openapi::InboundPage),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or the store is away: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["inbound"])),
)]
pub(super) async fn list(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Inbound)?;
    answer(&state, &uri, Some(client.addresses.clone()), true).await
}

/// A page of the texts to these addresses, or to any.
pub(crate) async fn answer(
    state: &ApiState,
    uri: &Uri,
    to: Option<Vec<Box<str>>>,
    reveal: bool,
) -> Result<Response, Problem> {
    let query = ListQuery::read(uri, &["limit", "after", "reveal"])?;
    let limit = page_limit(query.get("limit"))?;
    let before = query
        .get("after")
        .map(|cursor| read_cursor("inbound", cursor))
        .transpose()?;
    // Who has no address has no texts; the store need not be asked.
    let found = if to.as_ref().is_some_and(Vec::is_empty) {
        Page {
            rows: Vec::new(),
            next: None,
        }
    } else {
        let query = InboundQuery {
            from: None,
            to,
            before,
            limit,
        };
        state
            .store
            .inbound(&query)
            .await
            .map_err(|error| store_problem(&error))?
    };
    Ok(list::page("inbound", uri, found, |record| {
        InboundView::new(record, reveal)
    }))
}
