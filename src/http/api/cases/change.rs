//! A wish about a case, done: in one commit with what its customer is told.

use axum::response::Response;

use super::wish::{CaseWish, FIELDS, Verb, name, text};
use super::{found, replayed, whole};
use crate::accept::{Body, Text, Wish, accept_answer};
use crate::domain::{CaseId, Class, Name, SenderId};
use crate::http::api::ApiState;
use crate::http::api::send::store_problem;
use crate::http::json;
use crate::http::problem::{Code, Problem};
use crate::store::two_way::Leaves;
use crate::store::{CaseAct, CaseChange, CaseRecord, CaseRefused, Enqueue, IdempotencyKey, Turn, TurnResult};

/// Reads what an operator of ours wishes, and does it.
pub(in crate::http) async fn read_and_do(
    state: &ApiState,
    id: CaseId,
    verb: Verb,
    body: &[u8],
    reveal: bool,
) -> Result<Response, Problem> {
    let wish: CaseWish<'_> = json::read(body, &FIELDS, &[])?;
    done(state, id, None, verb, &wish, None, reveal).await
}

pub(super) async fn done(
    state: &ApiState,
    id: CaseId,
    client: Option<&Name>,
    verb: Verb,
    wish: &CaseWish<'_>,
    key: Option<IdempotencyKey>,
    reveal: bool,
) -> Result<Response, Problem> {
    wish.check_fields(verb)?;
    let by: Box<str> = name("/by", wish.by.as_deref())?.into();
    let text = || text("/text", wish.text.as_deref());
    let mut told = None;
    let change = match verb {
        Verb::Take => {
            let from = wish.from.as_deref().map(|from| name("/from", Some(from)));
            let from = from.transpose()?.map(Into::into);
            CaseChange::Take { by, from }
        }
        Verb::Note => CaseChange::Note {
            by,
            text: text()?.into(),
        },
        Verb::Answer => {
            let case = found(state, id, client).await?;
            told = Some(answer(state, &case, text()?)?);
            CaseChange::Answer { by }
        }
        Verb::Solve => CaseChange::Solve { by },
    };
    let client_of = client.cloned();
    let mut turn = Turn::new(Leaves::Case(Box::new(CaseAct {
        id,
        client: client_of,
        change,
    })));
    turn.key = client.cloned().zip(key);
    let answers = told.as_ref().map(|told| told.message.client.clone());
    turn.messages.extend(told);
    let result = state.outbox.turn(turn).await.map_err(|error| store_problem(&error))?;
    match result {
        TurnResult::Done { .. } => {
            if let Some(client) = answers.and_then(|client| state.clients.named(client.as_str())) {
                client.count_accepted(Class::Reply);
            }
            whole(state, id, client, reveal).await
        }
        TurnResult::Refused(CaseRefused::NotSo { state, owner }) => {
            let detail = match &owner {
                Some(owner) => format!("the case is {state}, by {owner}"),
                None => format!("the case is {state}, and nobody has taken it"),
            };
            Err(Problem::with_detail(Code::CaseNotSo, detail)
                .with("state", state.as_str())
                .with("owner", owner.as_deref()))
        }
        TurnResult::Refused(CaseRefused::NotFound)
        | TurnResult::Gone
        | TurnResult::OverLimit
        | TurnResult::NotAsSeen
        | TurnResult::Owned(_) => Err(Problem::new(Code::NotFound)),
        TurnResult::KeyReused => Err(Problem::new(Code::IdempotencyKeyReused)),
        TurnResult::Replayed(_) => match client {
            Some(client) => replayed(state, id, client).await,
            None => whole(state, id, client, reveal).await,
        },
    }
}

/// What goes to the customer: from the address that was written to, in its client's name.
fn answer(state: &ApiState, case: &CaseRecord, said: &str) -> Result<Enqueue, Problem> {
    let client = state.clients.named(case.client.as_str()).ok_or_else(|| {
        let detail = format!(
            "the case is of the client {}, which is no more: add [client.{0}]",
            case.client
        );
        Problem::with_detail(Code::UnknownClient, detail)
    })?;
    let is_sender = SenderId::parse(&case.between.address).is_ok();
    let wish = Wish {
        to: Some(Text(format!("+{}", case.between.number).into())),
        from: is_sender.then(|| Text((&*case.between.address).into())),
        class: Some(Text(Class::Reply.as_str().into())),
        ..Wish::default()
    };
    let body = Body {
        text: said,
        rich: None,
        max_segments: None,
        pointer: "/text",
    };
    let accepted = accept_answer(&state.intake, client, &wish, body, case.heard_at).map_err(Problem::of_faults)?;
    Ok(accepted.into_answer())
}
