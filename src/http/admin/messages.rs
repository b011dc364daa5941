//! Messages of every client, for operators. Numbers are masked and texts left out unless `reveal=true` asks for them.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use axum::response::Response;

use super::AdminState;
use crate::accept::Wish;
use crate::domain::Name;
use crate::http::api::{
    ListQuery, MessageView, Shown, act, inbound_page, message, message_id, one, page, store_problem,
};
use crate::http::body::{self, Kind};
use crate::http::problem::{Code, Fault, Problem};
use crate::store::Act;

const PARAMETERS: [&str; 8] = [
    "client",
    "state",
    "class",
    "to",
    "reference",
    "limit",
    "after",
    "reveal",
];

pub(super) async fn list(State(state): State<Arc<AdminState>>, uri: Uri) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &PARAMETERS)?;
    let client = query
        .get("client")
        .map(Name::parse)
        .transpose()
        .map_err(|_| unknown_client("#client"))?;
    let how = how_shown(&query)?;
    let query = query.messages(client)?;
    let found = state
        .api
        .store
        .messages(&query)
        .await
        .map_err(|error| store_problem(&error))?;
    Ok(page("messages", &uri, found, |record| MessageView::brief(record, how)))
}

pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let how = how_shown(&ListQuery::read(&uri, &["reveal"])?)?;
    message(&state.api, message_id(id)?, None, how).await
}

pub(super) async fn cancel(
    State(state): State<Arc<AdminState>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    change(&state, id, Act::Cancel, Code::AlreadySubmitted).await
}

pub(super) async fn requeue(
    State(state): State<Arc<AdminState>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    change(&state, id, Act::Requeue, Code::CannotRequeue).await
}

async fn change(
    state: &AdminState,
    id: Result<Path<String>, PathRejection>,
    wanted: Act,
    refused: Code,
) -> Result<Response, Problem> {
    let id = message_id(id)?;
    act(&state.api, id, None, wanted, refused).await?;
    tracing::info!(event = "message_act", act = ?wanted, message = %id);
    message(&state.api, id, None, Shown::Masked).await
}

/// Sends in a client's name: its senders, its routes, its idempotency keys.
pub(super) async fn send(State(state): State<Arc<AdminState>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if body::kind(&parts.headers)? != Kind::Json {
        return Err(Problem::with_detail(
            Code::UnsupportedMediaType,
            "Content-Type must be application/json",
        ));
    }
    let body = body::whole(&parts.headers, body, state.api.body).await?;
    let wish = Wish::read_for_operator(&body)?;
    let Some(client) = wish.client.as_deref() else {
        return Err(Fault::new("/client", Code::Required, "is missing").into());
    };
    let client = state
        .api
        .clients
        .named(client)
        .ok_or_else(|| unknown_client("/client"))?;
    one(&state.api, client, &parts.headers, &wish).await
}

pub(super) async fn inbound(State(state): State<Arc<AdminState>>, uri: Uri) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &["limit", "after", "reveal"])?;
    let reveal = how_shown(&query)? == Shown::Revealed;
    inbound_page(&state.api, &uri, None, reveal).await
}

/// How much an operator is shown. That somebody looks at numbers and texts is noted.
pub(super) fn how_shown(query: &ListQuery) -> Result<Shown, Problem> {
    match query.get("reveal") {
        None | Some("false") => Ok(Shown::Masked),
        Some("true") => {
            tracing::info!(event = "revealed", "an operator looks at numbers and texts");
            Ok(Shown::Revealed)
        }
        Some(_) => Err(Fault::new("#reveal", Code::InvalidQuery, "must be true or false").into()),
    }
}

pub(super) fn unknown_client(pointer: &str) -> Problem {
    Fault::new(pointer, Code::UnknownClient, "there is no such client").into()
}
