//! `/v1/cases`: what customers texted that a person answers.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::ApiState;
use super::list::{self, ListQuery, page_limit, read_cursor};
use super::send::{IDEMPOTENCY_REPLAYED, key_header, shown, store_problem};
use crate::accept::{Body, Text, Wish, accept_answer};
use crate::config::Scope;
use crate::domain::{CaseId, Class, Flag, Masked, Msisdn, Name, SenderId, Shared, State as MessageState, UnixMillis};
use crate::http::body;
use crate::http::json;
use crate::http::problem::{Code, Fault, Problem};
use crate::store::two_way::Leaves;
use crate::store::{
    CaseAct, CaseChange, CaseNote, CaseQuery, CaseReason, CaseRecord, CaseRefused, CaseState, Enqueue, IdempotencyKey,
    InboundQuery, MessageQuery, Turn, TurnResult,
};

/// Texts of a person's that are shown with a case.
const HISTORY: u32 = 50;
/// Characters of a name, and of a note.
const MAX_NAME: usize = 64;
const MAX_NOTE: usize = 2_000;

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
    fn new(case: CaseRecord, reveal: bool) -> Self {
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
}

/// What a person does about a case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CaseWish<'a> {
    #[serde(borrow)]
    by: Option<Text<'a>>,
    /// Of a case that is taken over: who owns it now.
    from: Option<Text<'a>>,
    text: Option<Text<'a>>,
}

const FIELDS: [&str; 3] = ["by", "from", "text"];

impl CaseWish<'_> {
    /// SHA-256 over what is wished of which case.
    fn fingerprint(&self, id: CaseId, verb: Verb) -> [u8; 32] {
        let mut sha = Sha256::new();
        let id = id.to_string();
        let given = [&self.by, &self.from, &self.text].map(|text| text.as_deref().unwrap_or_default());
        for part in [id.as_str(), verb.word()].into_iter().chain(given) {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        sha.finalize().into()
    }
}

/// The acts on a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Verb {
    /// A person takes it.
    Take,
    /// A person signs a note.
    Note,
    /// Its owner answers the customer.
    Answer,
    /// Its owner closes it.
    Solve,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Note => "note",
            Self::Answer => "answer",
            Self::Solve => "solve",
        }
    }
}

impl std::str::FromStr for Verb {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let all = [Self::Take, Self::Note, Self::Answer, Self::Solve];
        all.into_iter().find(|verb| verb.word() == word).ok_or(())
    }
}

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
    let note = |note: CaseNote| NoteView {
        at: note.at,
        by: note.author,
        text: note.text,
    };
    let view = CaseView {
        notes: Some(notes.into_iter().map(note).collect()),
        history: Some(history),
        ..CaseView::new(case, reveal)
    };
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

async fn done(
    state: &ApiState,
    id: CaseId,
    client: Option<&Name>,
    verb: Verb,
    wish: &CaseWish<'_>,
    key: Option<IdempotencyKey>,
    reveal: bool,
) -> Result<Response, Problem> {
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

async fn found(state: &ApiState, id: CaseId, client: Option<&Name>) -> Result<CaseRecord, Problem> {
    let case = state.store.case(id).await.map_err(|error| store_problem(&error))?;
    case.filter(|case| client.is_none_or(|client| case.client == *client))
        .ok_or_else(|| Problem::new(Code::NotFound))
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

/// What the customer texted and was answered lately, oldest first.
async fn history(state: &ApiState, case: &CaseRecord, reveal: bool) -> Result<Vec<TextView>, Problem> {
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
        text: text.text.filter(|_| reveal).map(|text| Shared::shown(&text).into()),
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

/// A case's number.
pub(in crate::http) fn id_of(text: &str) -> Result<CaseId, Problem> {
    text.parse()
        .map_err(|_| Problem::with_detail(Code::InvalidId, "a case is `TK-` and its number"))
}

fn name<'w>(pointer: &str, given: Option<&'w str>) -> Result<&'w str, Problem> {
    let Some(name) = given.map(str::trim).filter(|name| !name.is_empty()) else {
        return Err(Fault::new(pointer, Code::Required, "is missing")
            .hint("who does it")
            .into());
    };
    match name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control) {
        true => Ok(name),
        false => {
            let detail = format!("must have at most {MAX_NAME} characters, none of them a control character");
            Err(Fault::new(pointer, Code::InvalidReference, detail)
                .limit(MAX_NAME)
                .into())
        }
    }
}

fn text<'w>(pointer: &str, given: Option<&'w str>) -> Result<&'w str, Problem> {
    let Some(text) = given.filter(|text| !text.trim().is_empty()) else {
        return Err(Fault::new(pointer, Code::Required, "is missing").into());
    };
    match text.chars().count() <= MAX_NOTE {
        true => Ok(text),
        false => {
            let detail = format!("must have at most {MAX_NOTE} characters");
            Err(Fault::new(pointer, Code::InvalidReference, detail)
                .limit(MAX_NOTE)
                .into())
        }
    }
}
