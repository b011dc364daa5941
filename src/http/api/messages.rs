//! `GET /v1/messages`, `GET` and `DELETE /v1/messages/{id}`.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::list::{self, ListQuery};
use super::send::{shown, store_problem};
use super::{ApiState, MessageView, Shown};
use crate::config::Scope;
use crate::domain::{MessageId, Name, State as MessageState};
use crate::http::problem::{Code, Problem};
use crate::store::{Act, ActItem, ActResult};

/// The parameters of the list.
pub(crate) const PARAMETERS: [&str; 6] = ["state", "class", "to", "reference", "limit", "after"];

/// Your messages, newest first.
#[utoipa::path(
    get,
    path = "/v1/messages",
    operation_id = "list_messages",
    tag = "messages",
    params(
        ("state" = Option<MessageState>, Query, description = "Only in this state"),
        ("class" = Option<crate::domain::Class>, Query, description = "Only of this class"),
        ("to" = Option<String>, Query, description = "Only to this number"),
        ("reference" = Option<String>, Query, description = "Only with this reference"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "At most so many; 100 where not said"),
        ("after" = Option<String>, Query, pattern = "^[0-9a-f]{32}$", description = "`next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page. It may hold fewer than asked for though more follow: go on while `next` is not null. Also in the header Link", body = super::openapi::MessagePage),
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
    let query = ListQuery::read(&uri, &PARAMETERS)?.messages(Some(client.name.clone()))?;
    let page = state
        .store
        .messages(&query)
        .await
        .map_err(|error| store_problem(&error))?;
    Ok(list::page("messages", &uri, page, |record| {
        MessageView::brief(record, Shown::Owner)
    }))
}

/// One of your messages, with its timeline.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}",
    operation_id = "get_message",
    tag = "messages",
    params(("id" = String, Path, pattern = "^msg_[0-9a-f]{32}$", description = "`msg_` and 32 hex digits", example = "msg_019327f0a1b27c3d8e4f5a6b7c8d9e0f")),
    responses(
        (status = 200, description = "The message", body = MessageView),
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
    message(&state, message_id(id)?, Some(&client.name), Shown::Owner).await
}

/// Take a message back, as long as no carrier has it.
#[utoipa::path(
    delete,
    path = "/v1/messages/{id}",
    operation_id = "cancel_message",
    tag = "messages",
    params(("id" = String, Path, pattern = "^msg_[0-9a-f]{32}$", description = "`msg_` and 32 hex digits", example = "msg_019327f0a1b27c3d8e4f5a6b7c8d9e0f")),
    responses(
        (status = 200, description = "It will not be sent", body = MessageView),
        (status = 409, description = "`already_submitted`: see `state` and `at`", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or the store is away: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["send"])),
)]
pub(super) async fn cancel(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let client = state.clients.caller(&headers, Scope::Send)?;
    let id = message_id(id)?;
    act(&state, id, Some(&client.name), Act::Cancel, Code::AlreadySubmitted).await?;
    message(&state, id, Some(&client.name), Shown::Owner).await
}

/// Reads the id out of a path.
pub(crate) fn message_id(path: Result<Path<String>, PathRejection>) -> Result<MessageId, Problem> {
    let invalid = || Problem::with_detail(Code::InvalidId, "an id is `msg_` followed by 32 hex digits");
    path.map_err(|_| invalid())?.0.parse().map_err(|_| invalid())
}

/// Shows a message, if it is the owner's.
pub(crate) async fn message(
    state: &ApiState,
    id: MessageId,
    client: Option<&Name>,
    how: Shown,
) -> Result<Response, Problem> {
    let found = state
        .store
        .message(id, client)
        .await
        .map_err(|error| store_problem(&error))?;
    let record = found.ok_or_else(|| Problem::with_detail(Code::NotFound, "there is no such message"))?;
    Ok(shown(&MessageView::whole(record, how)))
}

/// Does what an owner or operator asks for, or says with `refused` why not.
pub(crate) async fn act(
    state: &ApiState,
    id: MessageId,
    client: Option<&Name>,
    act: Act,
    refused: Code,
) -> Result<(), Problem> {
    let item = ActItem {
        id,
        client: client.cloned(),
        act,
    };
    match state.outbox.act(item).await.map_err(|error| store_problem(&error))? {
        ActResult::Done(_) => Ok(()),
        ActResult::NotFound => Err(Problem::with_detail(Code::NotFound, "there is no such message")),
        ActResult::IdSpent => {
            let cause = "the RCS platform has had the message, shows nothing twice under one id, and there is no other way to send it";
            Err(Problem::with_detail(
                refused,
                format!("{cause}; send it as a new message"),
            ))
        }
        ActResult::Refused { state, since } => {
            let detail = match since {
                Some(at) => format!("the message is {state} since {at}"),
                None => format!("the message is {state}"),
            };
            let problem = Problem::with_detail(refused, detail).with("state", state.as_str());
            Err(match since {
                Some(at) => problem.with("at", at.to_string()),
                None => problem,
            })
        }
    }
}
