//! A message as a row: what never changes, and its progress.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::domain::{BindRef, Class, Flags, Lane, MessageId, Name, NewMessage, Reason, State, UnixMillis, UnknownWord};

/// The place of a row in the store: grows by age, orders the queue, cursors and pruning.
pub type Seq = i64;

/// Who claimed a row: a number that is new at each start of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease(pub i64);

/// A row as rules see it: what never changes, and its progress.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its place.
    pub seq: Seq,
    /// Our id.
    pub id: MessageId,
    /// The owner.
    pub client: Name,
    /// The class.
    pub class: Class,
    /// The recipient's digits.
    pub to: Box<str>,
    /// The sender as it stands in the row.
    pub from: Box<str>,
    /// The route that its plan follows.
    pub route: Name,
    /// How many segments its text makes.
    pub segments: u8,
    /// Whether a receipt is wanted.
    pub receipt: bool,
    /// Where its outcomes are told instead of the client's usual address.
    pub callback: Option<Arc<str>>,
    /// When it was accepted.
    pub accepted_at: UnixMillis,
    /// What changes.
    pub progress: Progress,
}

/// All that changes in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The state.
    pub state: State,
    /// The step of the plan.
    pub step: u8,
    /// When the row must be looked at again: the due time of a scheduled row, the end of a queued one's validity, of
    /// an uncertain one's hold, of a submitted one's wait for its receipt. `None` for the others.
    pub wake_at: Option<UnixMillis>,
    /// Not to be sent after.
    pub expires_at: UnixMillis,
    /// Claims so far. A claim is known by row and attempt.
    pub attempt: u32,
    /// Tries that were refused; a plan allows some.
    pub tries: u16,
    /// Copies sent beyond the first.
    pub copies: u8,
    /// Notes.
    pub flags: Flags,
    /// Who holds or last held the claim.
    pub lease: Option<Lease>,
    /// The bind of the current or last attempt.
    pub bind: Option<BindRef>,
    /// When that attempt was claimed.
    pub claimed_at: Option<UnixMillis>,
    /// When the carrier took it.
    pub submitted_at: Option<UnixMillis>,
    /// When it reached a final state.
    pub final_at: Option<UnixMillis>,
    /// When it came to its end as the carrier says: by the date in the receipt of that end.
    pub done_at: Option<UnixMillis>,
    /// The carrier's id of a message of one segment; the ids of a longer one stand with its segments.
    pub carrier_message_id: Option<Box<str>>,
    /// Why it ended.
    pub reason: Option<Reason>,
    /// The carrier's own code: a command_status, or the error of a receipt.
    pub code: Option<u32>,
}

impl Row {
    /// A message as it enters the store.
    pub fn new(seq: Seq, message: &NewMessage, progress: Progress) -> Self {
        Self {
            seq,
            id: message.id,
            client: message.client.clone(),
            class: message.class,
            to: message.to.digits().into(),
            from: message.from.to_string().into(),
            route: message.lane.route.clone(),
            segments: message.segments,
            receipt: message.receipt,
            callback: message.callback.clone(),
            accepted_at: message.accepted_at,
            progress,
        }
    }

    /// The lane in which the row waits.
    pub fn lane(&self) -> Lane {
        Lane {
            route: self.route.clone(),
            step: self.progress.step,
        }
    }
}

impl Progress {
    /// A row that waits: due now, or at `due`.
    pub fn waiting(step: u8, due: Option<UnixMillis>, expires_at: UnixMillis) -> Self {
        Self {
            state: if due.is_some() { State::Scheduled } else { State::Queued },
            step,
            wake_at: Some(due.unwrap_or(expires_at)),
            expires_at,
            attempt: 0,
            tries: 0,
            copies: 0,
            flags: Flags::default(),
            lease: None,
            bind: None,
            claimed_at: None,
            submitted_at: None,
            final_at: None,
            done_at: None,
            carrier_message_id: None,
            reason: None,
            code: None,
        }
    }

    /// This row claimed.
    #[must_use]
    pub fn claimed(self, lease: Lease, bind: BindRef, now: UnixMillis) -> Self {
        Self {
            state: State::Claimed,
            wake_at: None,
            attempt: self.attempt + 1,
            lease: Some(lease),
            bind: Some(bind),
            claimed_at: Some(now),
            submitted_at: None,
            ..self
        }
    }

    /// What a settlement, a rule or a wish makes of this progress. The claim's own columns change with a claim alone.
    #[must_use]
    pub fn followed_by(&self, next: Self) -> Self {
        Self {
            attempt: self.attempt,
            lease: self.lease,
            bind: self.bind.clone(),
            claimed_at: self.claimed_at,
            ..next
        }
    }

    /// This row in a final state.
    #[must_use]
    pub fn ended(self, state: State, reason: Option<Reason>, now: UnixMillis) -> Self {
        Self {
            state,
            wake_at: None,
            final_at: Some(now),
            reason,
            ..self
        }
    }
}

/// What happened to a message beside its plain way: kept for its timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: UnixMillis,
    /// What.
    pub kind: EventKind,
    /// The attempt that it concerns.
    pub attempt: u32,
    /// The bind that it concerns.
    pub bind: Option<BindRef>,
    /// The carrier's code.
    pub code: Option<u32>,
    /// A word more, never of the text or the number: a carrier's id, a state.
    pub note: Option<Box<str>>,
}

/// The kinds of event that a timeline may show beside accepted, claimed, submitted and the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Made by an event of a back end, and a rule.
    ByEvent,
    /// Claimed, and not written: goes back to the queue.
    Released,
    /// Refused for now: tried again later.
    Retried,
    /// Moved to the next step of its plan.
    NextStep,
    /// The answer to its submit was lost.
    Doubted,
    /// Sent again after a doubt.
    Resent,
    /// A late answer or a receipt settled the doubt.
    DoubtSettled,
    /// A receipt that ends nothing: on its way, accepted, unknown.
    Progress,
    /// A receipt corrected the state it was in.
    Corrected,
    /// A second receipt for what was ended already.
    ReceiptAgain,
    /// Put back into the queue by a person.
    Requeued,
    /// One segment of several was reported on.
    Segment,
    /// Not delivered by RCS in time: the platform is asked to take it back.
    Revoking,
    /// Its user has seen it.
    Read,
    /// A suggestion of it was tapped.
    Tapped,
    /// Refused for a member that the carrier finds fault with.
    Refused,
    /// Taken by RCS, with the id that it has there; an SMS may follow, whose own is then the row's.
    Submitted,
}

impl EventKind {
    const ALL: [Self; 17] = [
        Self::ByEvent,
        Self::Released,
        Self::Retried,
        Self::NextStep,
        Self::Doubted,
        Self::Resent,
        Self::DoubtSettled,
        Self::Progress,
        Self::Corrected,
        Self::ReceiptAgain,
        Self::Requeued,
        Self::Segment,
        Self::Revoking,
        Self::Read,
        Self::Tapped,
        Self::Refused,
        Self::Submitted,
    ];

    /// The word used in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByEvent => "by_event",
            Self::Released => "released",
            Self::Retried => "retried",
            Self::NextStep => "next_step",
            Self::Doubted => "doubted",
            Self::Resent => "resent",
            Self::DoubtSettled => "doubt_settled",
            Self::Progress => "progress",
            Self::Corrected => "corrected",
            Self::ReceiptAgain => "receipt_again",
            Self::Requeued => "requeued",
            Self::Segment => "segment",
            Self::Revoking => "revoking",
            Self::Read => "read",
            Self::Tapped => "tapped",
            Self::Refused => "refused",
            Self::Submitted => "submitted",
        }
    }
}

impl std::str::FromStr for EventKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| UnknownWord::new("event", word))
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of one segment of a long message. A segment not yet answered has no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentState {
    /// The carrier took it.
    Submitted,
    /// The carrier refused it.
    Refused,
    /// Its receipt says that the handset has it.
    Delivered,
    /// Its receipt says that the handset will not have it.
    Undelivered,
}

impl SegmentState {
    const ALL: [Self; 4] = [Self::Submitted, Self::Refused, Self::Delivered, Self::Undelivered];

    /// The word used in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Refused => "refused",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
        }
    }
}

impl std::str::FromStr for SegmentState {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| UnknownWord::new("segment state", word))
    }
}
