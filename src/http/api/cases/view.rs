//! A case as it is shown, with what its customer texted and was answered lately.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{CaseId, Class, Flag, Masked, Msisdn, State as MessageState, UnixMillis};
use crate::http::api::ApiState;
use crate::http::api::send::store_problem;
use crate::http::problem::Problem;
use crate::store::{CaseNote, CaseReason, CaseRecord, CaseState, InboundQuery, MessageQuery};

/// Texts of a person's that are shown with a case.
const HISTORY: u32 = 50;

/// A case.
#[derive(Serialize, ToSchema)]
#[schema(as = Case)]
pub(crate) struct CaseView {
    /// Its number, as the customer knows it.
    #[schema(value_type = String, example = "TK-48213077")]
    id: CaseId,
    /// The customer.
    msisdn: String,
    /// Our address.
    address: Box<str>,
    state: CaseState,
    /// `red` nobody has it, `yellow` a person owns it, `green` it is solved.
    colour: &'static str,
    /// Why it was opened.
    reason: CaseReason,
    /// Who owns it.
    owner: Option<Box<str>>,
    /// What was understood of the text.
    understood: Option<Box<str>>,
    /// The customer's language.
    language: Box<str>,
    /// Texts that have joined it since.
    joined: u32,
    #[schema(value_type = String, format = DateTime)]
    opened_at: UnixMillis,
    /// When the customer's last text came.
    #[schema(value_type = String, format = DateTime)]
    heard_at: UnixMillis,
    /// Until when a person is to answer; null once one has, or the wait is over.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<UnixMillis>,
    /// When the wait was over and nobody had answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    overdue_at: Option<UnixMillis>,
    #[schema(value_type = Option<String>, format = DateTime)]
    taken_at: Option<UnixMillis>,
    #[schema(value_type = Option<String>, format = DateTime)]
    solved_at: Option<UnixMillis>,
    /// What people noted on it, oldest first. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<NoteView>>,
    /// What the customer texted lately and was answered, oldest first. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<TextView>>,
}

/// A signed note.
#[derive(Serialize, ToSchema)]
#[schema(as = CaseNote)]
pub(crate) struct NoteView {
    #[schema(value_type = String, format = DateTime)]
    at: UnixMillis,
    by: Box<str>,
    text: Box<str>,
}

/// A text to or from the customer.
#[derive(Serialize, ToSchema)]
#[schema(as = CaseText)]
pub(crate) struct TextView {
    #[schema(value_type = String, format = DateTime)]
    at: UnixMillis,
    /// `in` from the customer, `out` to the customer.
    direction: &'static str,
    /// What it says; null where it is no text, or for the customer's eyes alone.
    text: Option<Box<str>>,
    /// What became of one that went out.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<MessageState>,
}

impl CaseView {
    pub(super) fn new(case: CaseRecord, reveal: bool) -> Self {
        let number = format!("+{}", case.between.number);
        Self {
            id: case.id,
            msisdn: if reveal { number } else { Masked(&number).to_string() },
            address: case.between.address,
            state: case.state,
            colour: case.state.colour(),
            reason: case.reason,
            owner: case.owner,
            understood: case.understood,
            language: case.language,
            joined: case.joined,
            opened_at: case.opened_at,
            heard_at: case.heard_at,
            due_at: case.due_at,
            overdue_at: case.overdue_at,
            taken_at: case.taken_at,
            solved_at: case.solved_at,
            notes: None,
            history: None,
        }
    }

    /// The same with what people noted on it, and what was texted.
    pub(super) fn with(self, notes: Vec<CaseNote>, history: Vec<TextView>) -> Self {
        let note = |note: CaseNote| NoteView {
            at: note.at,
            by: note.author,
            text: note.text,
        };
        Self {
            notes: Some(notes.into_iter().map(note).collect()),
            history: Some(history),
            ..self
        }
    }
}

/// What the customer texted and was answered lately, oldest first.
pub(super) async fn history(state: &ApiState, case: &CaseRecord, reveal: bool) -> Result<Vec<TextView>, Problem> {
    let failed = |error| store_problem(&error);
    let came = InboundQuery {
        from: Some(case.between.number.clone()),
        to: Some(vec![case.between.address.clone()]),
        limit: HISTORY,
        ..InboundQuery::default()
    };
    let went = MessageQuery {
        client: Some(case.client.clone()),
        class: Some(Class::Reply),
        to: Msisdn::written(&case.between.number).ok(),
        limit: HISTORY,
        ..MessageQuery::default()
    };
    let came = state.store.inbound(&came).await.map_err(failed)?.rows;
    let went = state.store.messages(&went).await.map_err(failed)?.rows;
    let came = came.into_iter().map(|text| TextView {
        at: text.at,
        direction: "in",
        text: text.text.filter(|_| reveal),
        state: None,
    });
    let went = went.into_iter().map(|message| {
        let is_shown = reveal && !message.row.progress.flags.has(Flag::Personal);
        TextView {
            at: message.row.accepted_at,
            direction: "out",
            text: Some(message.text).filter(|_| is_shown),
            state: Some(message.row.progress.state),
        }
    });
    let mut texts: Vec<TextView> = came.chain(went).collect();
    texts.sort_by_key(|text| text.at);
    let surplus = texts.len().saturating_sub(HISTORY as usize);
    texts.drain(..surplus);
    Ok(texts)
}
