//! The conversations with customers: texts that are not handled yet, questions that wait, calls of back ends.
//!
//! All that follows from one text, from one answer of a back end or from an act of a person is a [`Turn`]: it names
//! the row that it moves on and is applied whole or not at all. So a process that is killed neither loses an effect nor
//! makes it twice.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::{
    CaseAct, CaseRefused, CaseStep, Certified, Enqueue, IdempotencyKey, Lease, NewConsent, NewInbound, OpenCase, Seq,
};
use crate::domain::{CaseId, Concat, InboundId, Name, UnixMillis, UnknownWord};

/// An inbound text of which nothing was made yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnhandledText {
    /// Its place.
    pub seq: Seq,
    /// Our id.
    pub id: InboundId,
    /// The carrier that brought it.
    pub carrier: Name,
    /// The sender's address as it came.
    pub from: Box<str>,
    /// Our address as it came.
    pub to: Box<str>,
    /// What it says; `None` where it is no text.
    pub text: Option<Box<str>>,
    /// See [`NewInbound::code`]; nothing where the text is read from the store.
    pub code: Option<Box<str>>,
    /// The place of a segment in its message.
    pub segment: Option<Concat>,
    /// When it came.
    pub at: UnixMillis,
}

/// A number and one of our addresses: between them there is one conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Between {
    /// The customer's digits.
    pub number: Box<str>,
    /// Our address.
    pub address: Box<str>,
}

/// The question that waits between a number and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Between whom.
    pub between: Between,
    /// What was asked, as JSON: the store does not look into it.
    pub said: Box<str>,
    /// When it was asked.
    pub asked_at: UnixMillis,
    /// From when on no answer counts.
    pub expires_at: UnixMillis,
}

/// What is remembered of a number beside its questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The language that the customer has chosen, by ISO 639-1.
    pub language: Option<Box<str>>,
    /// Answers since the last valid command that nobody need have asked for.
    pub passive: u16,
    /// When wrong codes came of late, the oldest first.
    pub wrong: Vec<UnixMillis>,
    /// Until when nothing that moves money is done for this number.
    pub locked_until: Option<UnixMillis>,
    /// The last text that was no command, as a hash.
    pub said: Option<i64>,
    /// How often it came since [`Person::said_since`].
    pub said_times: u16,
    /// When it came first.
    pub said_since: Option<UnixMillis>,
}

/// What stands between a number and an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is remembered of the number; `None` is nothing.
    pub person: Option<Person>,
    /// The question that waits, if its time is over too.
    pub question: Option<Question>,
    /// For whom the number is certified.
    pub certified: Vec<Certified>,
    /// The case that is open.
    pub case: Option<OpenCase>,
}

/// What a number moves by a command on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// The day, in days since 1970.
    pub day: i64,
    /// How much, in hundredths.
    pub hundredths: i64,
    /// How much a day may have.
    pub limit: i64,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionState {
    /// To be made at [`ActionProgress::next_at`].
    Waiting,
    /// Being made by the process of its lease.
    Running,
    /// Over.
    Done,
}

/// What changes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionProgress {
    /// How far it is.
    pub state: ActionState,
    /// Whether the next call asks what became of it, rather than ask for it.
    pub asks: bool,
    /// Whether a call that was made may have been done, though nobody said so.
    pub doubt: bool,
    /// Calls begun.
    pub attempts: u16,
    /// The process that makes it.
    pub lease: Option<Lease>,
    /// When the next call is due.
    pub next_at: Option<UnixMillis>,
    /// When the customer is told that it takes long; `None` once that is done, or needless.
    pub late_at: Option<UnixMillis>,
    /// What came of it, in a word.
    pub outcome: Option<Box<str>>,
}

/// A call of a back end: one confirmed wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAction {
    /// The idempotency key, the same over all tries.
    pub id: Uuid,
    /// The text that asked for it, or confirmed it.
    pub inbound: InboundId,
    /// Between whom.
    pub between: Between,
    /// In whose name the customer is answered.
    pub client: Name,
    /// The command.
    pub command: Name,
    /// The language of the answer, by ISO 639-1.
    pub language: Box<str>,
    /// The values as JSON, frozen.
    pub slots: Box<str>,
    /// What the customer wrote.
    pub text: Box<str>,
    /// What it moves, where that is limited.
    pub spend: Option<Spend>,
    /// When it was asked for.
    pub at: UnixMillis,
    /// How far it is.
    pub progress: ActionProgress,
}

/// A call as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRecord {
    /// Its place.
    pub seq: Seq,
    /// Counts the changes of its progress.
    pub version: u32,
    /// The call. The limit of its spend is not kept.
    pub action: NewAction,
}

/// Which calls to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionQuery {
    /// Those that wait and are due.
    Due {
        /// The time.
        now: UnixMillis,
        /// How many at the most.
        limit: u32,
    },
    /// Those that some process makes, or made when it was killed, behind this place.
    Running {
        /// The place.
        after: Seq,
        /// How many at the most.
        limit: u32,
    },
}

/// A long text put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// What it says; `None` where it is no text.
    pub text: Option<Box<str>>,
    /// Our address.
    pub to: Box<str>,
    /// The carrier that brought the segment in whose row it stands.
    pub carrier: Name,
    /// When that came.
    pub at: UnixMillis,
}

/// What a turn moves on. If it has moved on already, nothing of the turn is applied.
#[derive(Clone, Debug)]
pub enum Leaves {
    /// A text that is not handled.
    Text {
        /// Its row.
        seq: Seq,
        /// The rows of its other segments.
        parts: Vec<Seq>,
        /// What became of it, in a word.
        outcome: Box<str>,
        /// It, where it was put together: its owner is told of it now.
        whole: Option<Box<Whole>>,
    },
    /// A call that stands at this version.
    Action {
        /// Its row.
        seq: Seq,
        /// Its version.
        version: u32,
        /// What it becomes.
        becomes: Box<ActionProgress>,
        /// Whether what it was to move is taken off the day again.
        refunds: bool,
    },
    /// A case, for a person who acts on it or for the wait that is over.
    Case(Box<CaseAct>),
}

/// What becomes of the question between a number and an address.
#[derive(Clone, Debug)]
pub enum QuestionChange {
    /// This one waits, instead of any other.
    Ask(Question),
    /// None waits.
    Drop(Between),
}

/// All that follows from one text, from one answer of a back end, or from what a person does about a case.
#[derive(Debug)]
pub struct Turn {
    /// What it moves on.
    pub leaves: Leaves,
    /// The conversation that it speaks into, and the case that was open there when it was decided upon: where that stands
    /// otherwise by now, nothing of the turn is applied.
    pub seen: Option<(Between, Option<OpenCase>)>,
    /// Makes the same request of a client's twice one turn.
    pub key: Option<(Name, IdempotencyKey)>,
    /// What becomes of the question; `None` leaves it.
    pub question: Option<QuestionChange>,
    /// What the customer said of what is to be sent: noted before the messages are stored.
    pub consents: Vec<NewConsent>,
    /// What is remembered of a number from now on; `None` leaves it.
    pub person: Option<(Box<str>, Person)>,
    /// A call to make.
    pub action: Option<Box<NewAction>>,
    /// What is left to a person.
    pub case: Option<CaseStep>,
    /// What the customer is told.
    pub messages: Vec<Enqueue>,
}

/// What became of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnResult {
    /// Applied.
    Done {
        /// The place of its call.
        action: Option<Seq>,
        /// The places of its messages.
        messages: Vec<Seq>,
    },
    /// What it would move on has moved on already.
    Gone,
    /// The day has no room for what its call would move.
    OverLimit,
    /// The case of its conversation, or that it opens or joins, is not as it was seen, or its number is another's:
    /// nothing is applied.
    NotAsSeen,
    /// The act on a case cannot be: nothing is applied.
    Refused(CaseRefused),
    /// It would tell the customer what came of a call, and a person owns the conversation by this case: nothing is applied.
    Owned(CaseId),
    /// The same request was taken before: this was its answer.
    Replayed(Box<str>),
    /// The key was used for another request.
    KeyReused,
}

impl Turn {
    /// A turn that moves on a row, and does nothing else yet.
    pub fn new(leaves: Leaves) -> Self {
        Self {
            leaves,
            seen: None,
            key: None,
            question: None,
            consents: Vec::new(),
            person: None,
            action: None,
            case: None,
            messages: Vec::new(),
        }
    }
}

impl UnhandledText {
    /// A text as it was stored.
    pub fn of(seq: Seq, text: &NewInbound) -> Self {
        Self {
            seq,
            id: text.id,
            carrier: text.bind.carrier.clone(),
            from: text.from.clone(),
            to: text.to.clone(),
            text: text.text.clone(),
            code: text.code.clone(),
            segment: text.segment,
            at: text.at,
        }
    }
}

impl ActionState {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Waiting, "waiting"),
        (Self::Running, "running"),
        (Self::Done, "done"),
    ];

    /// The word of the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

impl FromStr for ActionState {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.iter().find(|(_, known)| *known == word);
        found
            .map(|(state, _)| *state)
            .ok_or_else(|| UnknownWord::new("action state", word))
    }
}

impl fmt::Display for ActionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
