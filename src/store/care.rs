//! Cases: what a machine should not decide, kept for a person.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::two_way::{Between, Leaves, Turn, TurnResult};
use super::{NoticeKind, Seq};
use crate::domain::{CaseId, Name, UnixMillis, UnknownWord};

/// Who signs what Araldo itself notes on a case.
const OURSELVES: &str = "araldo";

/// Where a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Nobody has taken it: red.
    Opened,
    /// A person owns it, and the conversation: yellow.
    Taken,
    /// It is closed: green.
    Solved,
}

/// Why a case was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseReason {
    /// A text that asks for nothing that is known.
    NotUnderstood,
    /// The customer asked for what a person does.
    Asked,
    /// Nobody knows whether the back end has done what was asked of it.
    ActionUnknown,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRecord {
    /// Its place.
    pub seq: Seq,
    /// Its number.
    pub id: CaseId,
    /// Between whom.
    pub between: Between,
    /// In whose name the customer is answered.
    pub client: Name,
    /// Where it is.
    pub state: CaseState,
    /// Why it was opened.
    pub reason: CaseReason,
    /// Who owns it.
    pub owner: Option<Box<str>>,
    /// What was understood of the text.
    pub understood: Option<Box<str>>,
    /// The customer's language, by ISO 639-1.
    pub language: Box<str>,
    /// When it was opened.
    pub opened_at: UnixMillis,
    /// When the customer's last text came.
    pub heard_at: UnixMillis,
    /// Until when a person is to answer; `None` once one has, or the wait is over.
    pub due_at: Option<UnixMillis>,
    /// When the wait was over and nobody had answered.
    pub overdue_at: Option<UnixMillis>,
    /// When it was first taken.
    pub taken_at: Option<UnixMillis>,
    /// When it was solved.
    pub solved_at: Option<UnixMillis>,
    /// Texts that have joined it since.
    pub joined: u32,
}

/// A signed word on a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseNote {
    /// When.
    pub at: UnixMillis,
    /// Whose.
    pub author: Box<str>,
    /// What.
    pub text: Box<str>,
}

/// The case that is open between a number and an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenCase {
    /// Its number.
    pub id: CaseId,
    /// Whether a person owns it, and with it the conversation.
    pub is_taken: bool,
}

/// What a turn leaves to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseStep {
    /// A case to open, where none is open.
    Open(Box<NewCase>),
    /// It belongs to the case that is open.
    Join {
        /// The case.
        id: CaseId,
        /// When the customer's text came.
        heard_at: UnixMillis,
    },
    /// What the owner of the case that is open should know.
    Note {
        /// The case.
        id: CaseId,
        /// What.
        text: Box<str>,
    },
}

/// A case to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCase {
    /// Its number.
    pub id: CaseId,
    /// Between whom.
    pub between: Between,
    /// In whose name the customer is answered.
    pub client: Name,
    /// Why.
    pub reason: CaseReason,
    /// What was understood of the text.
    pub understood: Option<Box<str>>,
    /// The customer's language, by ISO 639-1.
    pub language: Box<str>,
    /// When the customer's text came.
    pub heard_at: UnixMillis,
    /// Until when a person is to answer.
    pub due_at: UnixMillis,
    /// What its owner should know beside the text.
    pub note: Option<Box<str>>,
}

/// What is to be done about a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseAct {
    /// Its number.
    pub id: CaseId,
    /// Whose it must be; `None` is anybody's.
    pub client: Option<Name>,
    /// What.
    pub change: CaseChange,
}

/// A change of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseChange {
    /// A person takes it.
    Take {
        /// Who.
        by: Box<str>,
        /// Who owns it now, as far as that person knows: another owner, and it is refused.
        from: Option<Box<str>>,
    },
    /// A person signs a note.
    Note {
        /// Who.
        by: Box<str>,
        /// What.
        text: Box<str>,
    },
    /// A person, its owner, answers the customer.
    Answer {
        /// Who.
        by: Box<str>,
    },
    /// A person, its owner, closes it.
    Solve {
        /// Who.
        by: Box<str>,
    },
    /// The wait that was promised is over.
    Overdue,
}

/// Why an act on a case cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseRefused {
    /// There is no such case.
    NotFound,
    /// It is not as the person thought.
    NotSo {
        /// Where it is.
        state: CaseState,
        /// Who owns it.
        owner: Option<Box<str>>,
    },
}

/// Which cases to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct CaseQuery {
    /// Only of this client.
    pub client: Option<Name>,
    /// Only in this state.
    pub state: Option<CaseState>,
    /// Only of this owner's.
    pub owner: Option<Box<str>>,
    /// Only of this number's, digits.
    pub number: Option<Box<str>>,
    /// Only older than this place.
    pub before: Option<Seq>,
    /// How many at the most.
    pub limit: u32,
}

/// The cases as they stand.
pub(super) trait Cases {
    /// A case by its number.
    fn by_id(&self, id: CaseId) -> Option<&CaseRecord>;

    /// The open one of a number and an address.
    fn open(&self, between: &Between) -> Option<&CaseRecord>;
}

/// What a turn makes of a case.
#[derive(Debug)]
pub(super) struct CaseWrite {
    /// As it is from now on.
    pub(super) case: CaseRecord,
    /// What is noted on it.
    pub(super) note: Option<CaseNote>,
    /// What its client is told.
    pub(super) told: Option<NoticeKind>,
}

/// What a turn makes of the cases, or why it cannot be taken. `next` is the place of a new one.
pub(super) fn write_of(
    turn: &Turn,
    cases: &impl Cases,
    next: Seq,
    now: UnixMillis,
) -> Result<Option<CaseWrite>, TurnResult> {
    if let Leaves::Case(act) = &turn.leaves {
        return acted(act, cases.by_id(act.id), now)
            .map(Some)
            .map_err(TurnResult::Refused);
    }
    if let Some((between, open)) = &turn.seen
        && cases.open(between).map(OpenCase::from) != *open
    {
        return Err(TurnResult::NotAsSeen);
    }
    let signed = |text: &str| CaseNote {
        at: now,
        author: OURSELVES.into(),
        text: text.into(),
    };
    let still_open = |id: &CaseId| {
        let known = cases.by_id(*id).filter(|case| case.state != CaseState::Solved);
        known.cloned().ok_or(TurnResult::NotAsSeen)
    };
    match &turn.case {
        None => Ok(None),
        Some(CaseStep::Open(new)) if cases.open(&new.between).is_none() && cases.by_id(new.id).is_none() => {
            Ok(Some(CaseWrite {
                case: opened(next, new, now),
                note: new.note.as_deref().map(signed),
                told: Some(NoticeKind::CaseOpened),
            }))
        }
        Some(CaseStep::Join { id, heard_at }) => {
            let mut case = still_open(id)?;
            case.joined += 1;
            case.heard_at = case.heard_at.max(*heard_at);
            Ok(Some(CaseWrite {
                case,
                note: None,
                told: None,
            }))
        }
        Some(CaseStep::Note { id, text }) => Ok(Some(CaseWrite {
            case: still_open(id)?,
            note: Some(signed(text)),
            told: None,
        })),
        Some(CaseStep::Open(_)) => Err(TurnResult::NotAsSeen),
    }
}

/// The case by which a person owns a conversation that a turn would speak into with what came of a call. `open` is the
/// one that is open there.
pub(super) fn owned(turn: &Turn, open: Option<OpenCase>) -> Option<CaseId> {
    let speaks = matches!(turn.leaves, Leaves::Action { .. }) && !turn.messages.is_empty();
    open.filter(|open| speaks && open.is_taken).map(|open| open.id)
}

fn acted(act: &CaseAct, known: Option<&CaseRecord>, now: UnixMillis) -> Result<CaseWrite, CaseRefused> {
    let known = known.filter(|case| act.client.as_ref().is_none_or(|client| *client == case.client));
    let known = known.ok_or(CaseRefused::NotFound)?;
    let refused = CaseRefused::NotSo {
        state: known.state,
        owner: known.owner.clone(),
    };
    let owns = |by: &str| known.state == CaseState::Taken && known.owner.as_deref() == Some(by);
    let mut case = known.clone();
    let mut note = None;
    let told = match &act.change {
        CaseChange::Take { by, from } => {
            let is_theirs = known.owner == *from || known.owner.as_ref() == Some(by);
            if known.state == CaseState::Solved || !is_theirs {
                return Err(refused);
            }
            case.state = CaseState::Taken;
            case.owner = Some(by.clone());
            case.taken_at = known.taken_at.or(Some(now));
            (known.owner != case.owner).then_some(NoticeKind::CaseTaken)
        }
        CaseChange::Note { by, text } => {
            note = Some(CaseNote {
                at: now,
                author: by.clone(),
                text: text.clone(),
            });
            None
        }
        CaseChange::Answer { by } if owns(by) => {
            case.due_at = None;
            None
        }
        CaseChange::Solve { by } if owns(by) => {
            case.state = CaseState::Solved;
            (case.due_at, case.solved_at) = (None, Some(now));
            Some(NoticeKind::CaseSolved)
        }
        CaseChange::Overdue if known.due_at.is_some_and(|due| due <= now) => {
            (case.due_at, case.overdue_at) = (None, Some(now));
            Some(NoticeKind::CaseOverdue)
        }
        CaseChange::Answer { .. } | CaseChange::Solve { .. } | CaseChange::Overdue => return Err(refused),
    };
    Ok(CaseWrite { case, note, told })
}

fn opened(seq: Seq, new: &NewCase, now: UnixMillis) -> CaseRecord {
    CaseRecord {
        seq,
        id: new.id,
        between: new.between.clone(),
        client: new.client.clone(),
        state: CaseState::Opened,
        reason: new.reason,
        owner: None,
        understood: new.understood.clone(),
        language: new.language.clone(),
        opened_at: now,
        heard_at: new.heard_at,
        due_at: Some(new.due_at),
        overdue_at: None,
        taken_at: None,
        solved_at: None,
        joined: 0,
    }
}

impl From<&CaseRecord> for OpenCase {
    fn from(case: &CaseRecord) -> Self {
        Self {
            id: case.id,
            is_taken: case.state == CaseState::Taken,
        }
    }
}

impl CaseState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Opened, Self::Taken, Self::Solved];

    /// The word of the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Taken => "taken",
            Self::Solved => "solved",
        }
    }

    /// The colour by which operators know it.
    pub const fn colour(self) -> &'static str {
        match self {
            Self::Opened => "red",
            Self::Taken => "yellow",
            Self::Solved => "green",
        }
    }
}

impl FromStr for CaseState {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| UnknownWord::new("state of a case", word))
    }
}

impl fmt::Display for CaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl CaseReason {
    /// The word of the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotUnderstood => "not_understood",
            Self::Asked => "asked",
            Self::ActionUnknown => "action_unknown",
        }
    }
}

impl FromStr for CaseReason {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let all = [Self::NotUnderstood, Self::Asked, Self::ActionUnknown];
        let found = all.into_iter().find(|reason| reason.as_str() == word);
        found.ok_or_else(|| UnknownWord::new("reason of a case", word))
    }
}
