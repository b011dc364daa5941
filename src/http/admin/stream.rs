//! `GET /admin/v1/stream`: what owners are told, for operators. Numbers are masked and texts left out unless
//! `reveal=true` asks for them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::AdminState;
use super::messages::{how_shown, unknown_client};
use crate::domain::Name;
use crate::http::api::{ListQuery, Shown, last_event_id, open_stream, wanted};
use crate::http::problem::Problem;

const PARAMETERS: [&str; 6] = ["last_event_id", "event", "state", "class", "client", "reveal"];

pub(super) async fn open(
    State(state): State<Arc<AdminState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &PARAMETERS)?;
    let client = query.get("client").map(Name::parse).transpose();
    let client = client.map_err(|_| unknown_client("#client"))?;
    let wanted = wanted(&query, client)?;
    let known = last_event_id(&headers, &query)?;
    let reveal = how_shown(&query)? == Shown::Revealed;
    open_stream(&state.api, wanted, known, reveal, None).await
}
