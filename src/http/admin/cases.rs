//! Cases of every client. Numbers and texts are hidden unless `reveal=true` asks for them.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use axum::response::Response;

use super::AdminState;
use super::messages::how_shown;
use crate::http::api::{ListQuery, Shown, case_id_and_verb, case_id_of, case_whole, cases_page, do_on_case};
use crate::http::body;
use crate::http::problem::Problem;

pub(super) async fn list(State(state): State<Arc<AdminState>>, uri: Uri) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &["state", "owner", "msisdn", "limit", "after", "reveal"])?;
    let reveal = how_shown(&query)? == Shown::Revealed;
    cases_page(&state.api, &uri, &query, None, reveal).await
}

pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let reveal = how_shown(&ListQuery::read(&uri, &["reveal"])?)? == Shown::Revealed;
    let id = case_id_of(path.map(|path| path.0).unwrap_or_default().as_str())?;
    case_whole(&state.api, id, None, reveal).await
}

pub(super) async fn act(
    State(state): State<Arc<AdminState>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let (id, verb) = case_id_and_verb(path)?;
    let reveal = how_shown(&ListQuery::read(&parts.uri, &["reveal"])?)? == Shown::Revealed;
    let body = body::whole(&parts.headers, body, state.api.body).await?;
    let done = do_on_case(&state.api, id, verb, &body, reveal).await?;
    tracing::info!(event = "case_act", act = ?verb, case = %id);
    Ok(done)
}
