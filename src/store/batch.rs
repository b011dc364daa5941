//! What goes into one commit, and what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::{Event, InboxMark, InboxPlace, Lease, NoticeAct, NoticeSettle, Progress, Row, SegmentState, Seq};
use crate::domain::{
    BindRef, Class, Concat, Encoding, Endpoint, Flag, Flags, InboundId, Lane, MessageId, Name, NewMessage, Reason,
    SenderId, Shape, State, UnixMillis,
};

/// Changes for one commit, in the order in which they are applied.
#[derive(Debug, Default)]
pub struct Batch {
    /// The time of the commit.
    pub now: UnixMillis,
    /// Messages to store.
    pub enqueue: Vec<Enqueue>,
    /// Messages to store together, each group whole or not at all.
    pub groups: Vec<Group>,
    /// Segments of long messages that were answered.
    pub segments: Vec<SegmentAnswer>,
    /// Claims to settle.
    pub settle: Vec<Settle>,
    /// Receipts to match.
    pub receipts: Vec<Receipt>,
    /// Inbound texts to store.
    pub inbound: Vec<NewInbound>,
    /// PDUs that could not be read, to keep for a person.
    pub quarantine: Vec<BadPdu>,
    /// Wishes of owners and ops.
    pub acts: Vec<ActItem>,
    /// Deadlines to look at.
    pub sweeps: Vec<Sweep>,
    /// Webhooks that were tried.
    pub notices: Vec<NoticeSettle>,
    /// Wishes for notices.
    pub notice_acts: Vec<NoticeAct>,
    /// Events of the inbox that make no message.
    pub inbox: Vec<InboxMark>,
    /// Old rows to forget.
    pub prune: Option<Prune>,
    /// Rows to claim.
    pub claims: Vec<Claim>,
}

/// What came of a batch, item by item.
#[derive(Debug, Default)]
pub struct Applied {
    /// One for each message.
    pub enqueue: Vec<EnqueueResult>,
    /// One for each group.
    pub groups: Vec<GroupResult>,
    /// One for each claim settled.
    pub settle: Vec<SettleResult>,
    /// One for each receipt.
    pub receipts: Vec<ReceiptResult>,
    /// One for each inbound text.
    pub inbound: Vec<InboundResult>,
    /// One for each wish.
    pub acts: Vec<ActResult>,
    /// One for each sweep.
    pub sweeps: Vec<SweepResult>,
    /// What was forgotten.
    pub prune: Option<PruneResult>,
    /// One for each claim.
    pub claims: Vec<Vec<LaneClaimed>>,
    /// For each wish for notices, how many it has moved.
    pub notice_acts: Vec<u32>,
    /// Every message that changed its state, except those enqueued and claimed.
    pub changed: Vec<Changed>,
    /// Whether there are new notices.
    pub noticed: bool,
    /// Endpoints for which there are new pending notices.
    pub heard_by: BTreeSet<Endpoint>,
}

/// A message to store.
#[derive(Debug)]
pub struct Enqueue {
    /// The message.
    pub message: NewMessage,
    /// Makes the same request twice one message.
    pub key: Option<IdempotencyKey>,
    /// Stored as claimed by this bind, which has window and tokens for it.
    pub claim: Option<(BindRef, Lease)>,
    /// What the message begins with, where it is not made by a request of its own.
    pub birth: Option<Box<Birth>>,
}

/// What a message that was made by an event begins with.
#[derive(Clone, Debug, Default)]
pub struct Birth {
    /// The first of its timeline.
    pub event: Option<Event>,
    /// It fails at once, for this reason.
    pub failed: Option<Reason>,
    /// Its notes.
    pub flags: Flags,
}

/// Messages that are stored together under one key: all of them or none. There may be none, and the key is kept.
#[derive(Debug)]
pub struct Group {
    /// The owner.
    pub client: Name,
    /// Makes the same request twice one.
    pub key: IdempotencyKey,
    /// The messages, without keys of their own.
    pub members: Vec<Enqueue>,
    /// The row of the event inbox that it settles, if it came that way.
    pub inbox: Option<InboxPlace>,
}

/// What became of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupResult {
    /// Stored, each in its place.
    Stored(Vec<Seq>),
    /// The same request was stored before: this was its answer.
    Replayed(Box<str>),
    /// The key was used for another request.
    KeyReused,
    /// The row of the event inbox is settled already, or gone: nothing is stored.
    Withdrawn,
}

/// The owner's word that makes a request unique, for a day.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The word.
    pub key: Box<str>,
    /// SHA-256 of the request's body.
    pub fingerprint: [u8; 32],
    /// The answer to give again.
    pub answer: Box<str>,
}

/// What became of a message to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnqueueResult {
    /// Stored.
    Stored(Seq),
    /// The same request was stored before: this was its answer.
    Replayed(Box<str>),
    /// The key was used for another request.
    KeyReused,
}

/// A row to claim, all that a carrier needs to send it.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The row.
    pub seq: Seq,
    /// Our id.
    pub id: MessageId,
    /// The owner.
    pub client: Name,
    /// The class.
    pub class: Class,
    /// The recipient's digits.
    pub to: Box<str>,
    /// The sender.
    pub from: SenderId,
    /// What it says.
    pub text: Arc<str>,
    /// The alphabet.
    pub encoding: Encoding,
    /// How it is written besides.
    pub shape: Shape,
    /// How many segments the text makes.
    pub segments: u8,
    /// The route of its plan.
    pub route: Name,
    /// Whether a receipt is wanted.
    pub receipt: bool,
    /// Where its outcomes are told instead of the client's usual address.
    pub callback: Option<Arc<str>>,
    /// When it was accepted.
    pub accepted_at: UnixMillis,
    /// Its progress, as claimed.
    pub progress: Progress,
    /// Segments that this carrier has taken already; the rest goes on with the same reference.
    pub answered: Vec<u8>,
    /// Whether another carrier has taken some of its segments: what goes out now is a copy.
    pub taken_elsewhere: bool,
}

/// A claim that ends, or a doubt that is settled by a late answer.
#[derive(Clone, Debug)]
pub struct Settle {
    /// The claim.
    pub claimed: Arc<Claimed>,
    /// The row's progress from now on.
    pub progress: Progress,
    /// For the timeline.
    pub event: Option<Event>,
}

/// What became of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleResult {
    /// Done.
    Settled,
    /// The row is no longer that attempt's to settle: a receipt or a later attempt was first.
    LostLease,
}

/// A segment of a long message that the carrier answered.
#[derive(Clone, Debug)]
pub struct SegmentAnswer {
    /// The message.
    pub seq: Seq,
    /// From 1.
    pub number: u8,
    /// The attempt in which it went out.
    pub attempt: u32,
    /// The carrier.
    pub carrier: Name,
    /// Submitted or refused.
    pub state: SegmentState,
    /// The carrier's id for it.
    pub carrier_message_id: Option<Box<str>>,
    /// The command_status, where not zero.
    pub code: Option<u32>,
    /// When it was answered.
    pub at: UnixMillis,
}

/// What a receipt says of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The handset has it.
    Delivered,
    /// The handset will not have it.
    Undelivered(Reason),
    /// On its way, accepted, unknown: ends nothing. The word of the state.
    Progress(&'static str),
}

/// A receipt to match with its message.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The carrier that brought it.
    pub carrier: Name,
    /// The id as it came; empty where the receipt names none.
    pub carrier_message_id: Box<str>,
    /// The forms under which the id may have been given in the answer, likeliest first. Holds the id itself, where
    /// there is one.
    pub candidates: Vec<Box<str>>,
    /// The digits of the message's recipient, which the receipt has as its source.
    pub destination: Box<str>,
    /// The `user_message_reference` that came with it.
    pub reference: Option<u16>,
    /// What it says.
    pub verdict: Verdict,
    /// The carrier's error code, where it is a number other than zero.
    pub code: Option<u32>,
    /// When the message came to its end, where the receipt says so.
    pub done_at: Option<UnixMillis>,
    /// When it came.
    pub at: UnixMillis,
}

/// What became of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptResult {
    /// It met its message under the candidate with this index.
    Matched {
        /// Index into [`Receipt::candidates`].
        candidate: usize,
    },
    /// It met a message whose id is not known, in doubt or taken without one, by its reference or by its addresses.
    SettledDoubt,
    /// No message is known by that id: kept, and looked at again when an answer or a doubt comes.
    Parked,
}

/// An inbound text to store.
#[derive(Clone, Debug)]
pub struct NewInbound {
    /// Our id.
    pub id: InboundId,
    /// The bind that brought it.
    pub bind: BindRef,
    /// The sender's address as it came.
    pub from: Box<str>,
    /// Our address as it came.
    pub to: Box<str>,
    /// As it came.
    pub data_coding: u8,
    /// As it came.
    pub esm_class: u8,
    /// The octets of the text, with the header if it has one.
    pub octets: Bytes,
    /// What they say; `None` where they are no text.
    pub text: Option<Box<str>>,
    /// Whether reading lost something.
    pub lossy: bool,
    /// The place of a segment in its message.
    pub segment: Option<Concat>,
    /// The carrier's own id for it.
    pub carrier_message_id: Option<Box<str>>,
    /// SHA-256 over addresses and octets.
    pub digest: [u8; 32],
    /// Times in the last minutes in which answers to this carrier may have been lost.
    pub losses: Vec<Loss>,
    /// When it came.
    pub at: UnixMillis,
    /// What was forgiven in reading it.
    pub note: Option<Box<str>>,
}

/// A time in which answers to a carrier did not arrive, or said that we are busy with what was stored all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The first of them.
    pub from: UnixMillis,
    /// The last of them.
    pub to: UnixMillis,
}

impl NewInbound {
    /// How long after a loss a carrier brings again what it may think we never had.
    pub const REPEATED_WITHIN: std::time::Duration = std::time::Duration::from_mins(10);
    /// How long before a loss an answer may have been on its way.
    pub const ANSWER_IN_FLIGHT: std::time::Duration = std::time::Duration::from_mins(1);
}

/// What became of an inbound text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboundResult {
    /// Stored.
    Stored(Seq),
    /// The carrier sent again what is stored already.
    Repeated,
}

/// A PDU that could not be read.
#[derive(Clone, Debug)]
pub struct BadPdu {
    /// When it came.
    pub at: UnixMillis,
    /// The bind that brought it.
    pub bind: BindRef,
    /// The address and port that it came from.
    pub peer: Box<str>,
    /// What is wrong with it.
    pub reason: Box<str>,
    /// The command_status with which it was answered.
    pub status: u32,
    /// The octets, cut to a bound.
    pub octets: Bytes,
}

/// Unreadable PDUs that are kept; the oldest make room.
pub(super) const QUARANTINE_ROWS: u32 = 10_000;

/// What an owner or a person wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Not to be sent.
    Cancel,
    /// To be sent after all.
    Requeue,
}

/// A wish for one message.
#[derive(Clone, Debug)]
pub struct ActItem {
    /// The message.
    pub id: MessageId,
    /// Whose it must be.
    pub client: Option<Name>,
    /// The wish.
    pub act: Act,
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActResult {
    /// Done: the message is in this state now.
    Done(State),
    /// The message is past it.
    Refused {
        /// Where it is.
        state: State,
        /// Since when, where known.
        since: Option<UnixMillis>,
    },
    /// No such message.
    NotFound,
}

/// Rows whose time has come.
#[derive(Clone, Debug)]
pub enum Sweep {
    /// Rows in this state whose `wake_at` has come.
    Due {
        /// The state.
        state: State,
        /// How many at the most.
        limit: u32,
    },
    /// Rows claimed by another lease than this.
    Orphans {
        /// The living lease.
        lease: Lease,
        /// How many at the most.
        limit: u32,
    },
    /// Queued rows of a lane that no longer exists, put into another one.
    Strays {
        /// The lane that is no more.
        lane: Lane,
        /// Where its rows go; `None` fails them for want of a route.
        to: Option<Lane>,
        /// How many at the most.
        limit: u32,
    },
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SweepResult {
    /// Rows that were moved.
    pub moved: u32,
    /// Whether the limit cut it short.
    pub more: bool,
}

/// Forgetting in small steps: walks the rows by age from a cursor.
#[derive(Clone, Copy, Debug)]
pub struct Prune {
    /// Where the last step ended.
    pub after: Seq,
    /// How many rows to look at.
    pub step: u32,
    /// Rows that ended before this are forgotten.
    pub ended_before: UnixMillis,
    /// Idempotency keys older than this are forgotten.
    pub keys_before: UnixMillis,
    /// Parked receipts older than this are forgotten.
    pub parked_before: UnixMillis,
    /// Where the last step ended among the notices. Those of messages that are forgotten go with them; others that are
    /// not pending are forgotten where they are older than `ended_before`.
    pub notices_after: Seq,
}

/// What pruning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PruneResult {
    /// The cursor for the next step; 0 when the end was reached.
    pub next: Seq,
    /// Messages forgotten.
    pub messages: u64,
    /// Keys forgotten.
    pub keys: u64,
    /// Parked receipts forgotten.
    pub parked: u64,
    /// The cursor among the notices for the next step; 0 when the end was reached.
    pub next_notice: Seq,
    /// Notices forgotten by their age.
    pub notices: u64,
    /// Settled rows of the event inbox forgotten by their age.
    pub inbox: u64,
}

/// A bind that claims rows.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The bind.
    pub bind: BindRef,
    /// The living lease.
    pub lease: Lease,
    /// From where, and how much, in this order.
    pub lanes: Vec<LaneClaim>,
}

/// A range read of one lane and priority.
#[derive(Clone, Debug)]
pub struct LaneClaim {
    /// The lane.
    pub lane: Lane,
    /// The priority.
    pub priority: u8,
    /// Segments at the most; the last row may go over, so that a long message is not stuck.
    pub segments: u32,
}

/// What a range read found.
#[derive(Clone, Debug, Default)]
pub struct LaneClaimed {
    /// The rows, oldest first.
    pub rows: Vec<Claimed>,
    /// Rows that could not be read and were set aside: there may be more behind them.
    pub quarantined: u32,
}

/// A message changed its state.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Its place.
    pub seq: Seq,
    /// The message.
    pub id: MessageId,
    /// Its owner.
    pub client: Name,
    /// Its class.
    pub class: Class,
    /// Where it was.
    pub from: State,
    /// Where it is.
    pub progress: Progress,
    /// When it was accepted.
    pub accepted_at: UnixMillis,
    /// When it changed.
    pub at: UnixMillis,
    /// Its route, and how many segments it has: what the queue's counters need.
    pub route: Name,
    /// Segments of its text.
    pub segments: u8,
    /// The step it was in.
    pub from_step: u8,
    /// Where its outcomes are told instead of the client's usual address.
    pub callback: Option<Arc<str>>,
}

impl Batch {
    /// An empty batch at `now`.
    pub fn new(now: UnixMillis) -> Self {
        Self { now, ..Self::default() }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.enqueue.is_empty()
            && self.groups.is_empty()
            && self.segments.is_empty()
            && self.settle.is_empty()
            && self.receipts.is_empty()
            && self.inbound.is_empty()
            && self.quarantine.is_empty()
            && self.acts.is_empty()
            && self.sweeps.is_empty()
            && self.notices.is_empty()
            && self.notice_acts.is_empty()
            && self.inbox.is_empty()
            && self.prune.is_none()
            && self.claims.is_empty()
    }
}

impl Enqueue {
    /// A message to store, under no key.
    pub fn new(message: NewMessage) -> Self {
        Self {
            message,
            key: None,
            claim: None,
            birth: None,
        }
    }

    /// Whether it fails at once.
    pub fn fails(&self) -> bool {
        self.birth.as_ref().is_some_and(|birth| birth.failed.is_some())
    }

    /// What its owner is told of a message that ends at once: it leaves no other state.
    pub fn ended(&self, seq: Seq, now: UnixMillis) -> Option<Changed> {
        self.fails().then(|| {
            Changed::of(
                &Row::new(seq, &self.message, self.stored_as(now)),
                &self.stored_as(now),
                now,
            )
        })
    }

    /// The progress with which the message enters the outbox: claimed where it may be sent now and a bind asked for it.
    pub fn stored_as(&self, now: UnixMillis) -> Progress {
        let message = &self.message;
        let due = message.not_before.filter(|at| *at > now);
        let mut waiting = Progress::waiting(message.lane.step, due, message.expires_at);
        if let Some(birth) = &self.birth {
            waiting.flags = birth.flags;
            if birth.failed.is_some() {
                return waiting.ended(State::Failed, birth.failed, now);
            }
        }
        match &self.claim {
            Some((bind, lease)) if waiting.state == State::Queued => waiting.claimed(*lease, bind.clone(), now),
            _ => waiting,
        }
    }
}

impl Changed {
    /// `row` goes on as `progress`.
    pub fn of(row: &Row, progress: &Progress, now: UnixMillis) -> Self {
        Self {
            seq: row.seq,
            id: row.id,
            client: row.client.clone(),
            class: row.class,
            from: row.progress.state,
            progress: progress.clone(),
            accepted_at: row.accepted_at,
            at: now,
            route: row.route.clone(),
            segments: row.segments,
            from_step: row.progress.step,
            callback: row.callback.clone(),
        }
    }
}

impl Settle {
    /// What changed, for a row that was still claimed as it was handed out.
    pub fn changed(&self, now: UnixMillis) -> Changed {
        let claimed = &self.claimed;
        Changed {
            seq: claimed.seq,
            id: claimed.id,
            client: claimed.client.clone(),
            class: claimed.class,
            from: State::Claimed,
            progress: self.progress.clone(),
            accepted_at: claimed.accepted_at,
            at: now,
            route: claimed.route.clone(),
            segments: claimed.segments,
            from_step: claimed.progress.step,
            callback: claimed.callback.clone(),
        }
    }

    /// What it makes of a row that is no longer claimed: `None` where a receipt or a later attempt was first.
    ///
    /// The late answer settles an attempt in doubt, or one whose resend still waits and is now needless. What has been
    /// given up stays so, as only a receipt corrects it; but it learns the carrier's id, by which its receipt finds it.
    pub fn late(&self, row: &Row) -> Option<Progress> {
        if row.progress.attempt != self.claimed.progress.attempt {
            return None;
        }
        match row.progress.state {
            State::Uncertain => Some(self.progress.clone()),
            // The resend is needless; what a receipt or a person has queued anew is another matter.
            State::Queued | State::Scheduled => {
                let needless = row.progress.flags.has(Flag::CopyDue) && self.progress.state == State::Submitted;
                needless.then(|| self.progress.clone())
            }
            State::Failed | State::Expired => (self.progress.state == State::Submitted).then(|| Progress {
                submitted_at: self.progress.submitted_at,
                carrier_message_id: self.progress.carrier_message_id.clone(),
                ..row.progress.clone()
            }),
            State::Claimed
            | State::Submitted
            | State::Delivered
            | State::Undelivered
            | State::Canceled
            | State::Suppressed
            | State::Unconfirmed
            | State::Quarantined => None,
        }
    }

    /// Whether a receipt may have been quicker than this settlement.
    pub fn may_meet_receipts(&self) -> bool {
        self.claimed.receipt && matches!(self.progress.state, State::Submitted | State::Uncertain)
    }
}

impl Receipt {
    /// The carrier's id, where the receipt names one.
    pub fn id(&self) -> Option<Box<str>> {
        (!self.carrier_message_id.is_empty()).then(|| self.carrier_message_id.clone())
    }
}

impl Claimed {
    /// Whether what goes out now is a copy that is not counted yet.
    pub fn is_uncounted_copy(&self) -> bool {
        self.taken_elsewhere && !self.progress.flags.has(Flag::CopyDue)
    }

    /// What a message becomes when it is stored as claimed, or claimed later.
    pub fn new(message: &NewMessage, seq: Seq, progress: Progress) -> Self {
        Self {
            seq,
            id: message.id,
            client: message.client.clone(),
            class: message.class,
            to: message.to.digits().into(),
            from: message.from.clone(),
            text: message.text.clone(),
            encoding: message.encoding,
            shape: message.shape,
            segments: message.segments,
            route: message.lane.route.clone(),
            receipt: message.receipt,
            callback: message.callback.clone(),
            accepted_at: message.accepted_at,
            progress,
            answered: Vec::new(),
            taken_elsewhere: false,
        }
    }
}
