//! Certified numbers, of every client. Numbers are masked in lists unless `reveal=true` asks for them.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use super::AdminState;
use crate::domain::Name;
use crate::http::api::{ApiState, ListQuery, certified_number, certified_page, number_of, revoke_certified};
use crate::http::problem::{Code, Fault, Problem};

pub(super) async fn list(State(state): State<Arc<AdminState>>, uri: Uri) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &["client", "limit", "after", "reveal"])?;
    let client = query.get("client").map(|word| client(&state.api, word)).transpose()?;
    let reveal = query.get("reveal") == Some("true");
    if reveal {
        tracing::info!(event = "revealed", what = "certified");
    }
    certified_page(&state.api, &uri, &query, client, reveal).await
}

pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &["client"])?;
    let client = query.get("client").map(|word| client(&state.api, word)).transpose()?;
    certified_number(&state.api, &number_of(path)?, client).await
}

/// Takes back, in the operator's name, that a number is a customer's.
pub(super) async fn revoke(
    State(state): State<Arc<AdminState>>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let number = number_of(path)?;
    let query = ListQuery::read(&uri, &["client"])?;
    let Some(named) = query.get("client") else {
        let missing = Fault::new("#client", Code::Required, "is missing");
        return Err(missing.hint("for whom it is certified").into());
    };
    let client = client(&state.api, named)?;
    tracing::info!(event = "certified_revoked", %client);
    revoke_certified(&state.api, &number, client).await
}

/// A client by its name. One that the configuration has no more may still have certified numbers.
fn client(_: &ApiState, word: &str) -> Result<Name, Problem> {
    Name::parse(word).map_err(|error| Fault::new("#client", Code::UnknownClient, error.to_string()).into())
}
