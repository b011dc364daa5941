//! What goes into one commit, and what came of it.

mod act;
mod claim;
mod enqueue;
mod inbound;
mod rcs;
mod receipt;
mod settle;
mod sweep;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use act::{Act, ActItem, ActResult};
pub use claim::{Claim, Claimed, LaneClaim, LaneClaimed, RestClaim};
pub use enqueue::{Birth, Enqueue, EnqueueResult, Group, GroupResult, IdempotencyKey};
pub(super) use inbound::QUARANTINE_ROWS;
pub use inbound::{BadPdu, InboundResult, Loss, NewInbound};
pub use rcs::{RcsReport, RcsResult, RcsSaid, Revocation};
pub use receipt::{Receipt, ReceiptResult, Verdict};
pub use settle::{SegmentAnswer, Settle, SettleResult};
pub use sweep::{Prune, PruneResult, Sweep, SweepResult};

use super::{
    CertifiedAct, ConsentResult, InboxMark, NewConsent, NewRcsEvent, NoticeAct, NoticeSettle, Progress, RcsEventResult,
    RcsMark, Row, Seq, Turn, TurnResult, Uncertified, Wants,
};
use crate::domain::{Class, Endpoint, MessageId, Name, State, UnixMillis};

/// Changes for one commit, in the order in which they are applied.
#[derive(Debug, Default)]
pub struct Batch {
    /// The time of the commit.
    pub now: UnixMillis,
    /// What people want to be sent.
    pub consents: Vec<NewConsent>,
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
    /// What RCS platforms tell of messages.
    pub rcs: Vec<RcsReport>,
    /// Inbound texts to store.
    pub inbound: Vec<NewInbound>,
    /// Turns of conversations.
    pub turns: Vec<Turn>,
    /// PDUs that could not be read, to keep for a person.
    pub quarantine: Vec<BadPdu>,
    /// What was learnt of numbers.
    pub certified: Vec<CertifiedAct>,
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
    /// What RCS platforms have told.
    pub rcs_events: Vec<NewRcsEvent>,
    /// What was made of it.
    pub rcs_marks: Vec<RcsMark>,
    /// Old rows to forget.
    pub prune: Option<Prune>,
    /// Rows to claim.
    pub claims: Vec<Claim>,
    /// Rows that none of these claims finds in its lanes: they wait for one carrier alone.
    pub kept: Vec<Seq>,
    /// Rows to claim that were kept.
    pub rests: Vec<RestClaim>,
}

/// What came of a batch, item by item.
#[derive(Debug, Default)]
pub struct Applied {
    /// One for each thing that people want; those of inbound texts are not among them.
    pub consents: Vec<ConsentResult>,
    /// What those people want now whose wishes have changed.
    pub wants: Vec<Wants>,
    /// One for each message.
    pub enqueue: Vec<EnqueueResult>,
    /// One for each group.
    pub groups: Vec<GroupResult>,
    /// One for each claim settled.
    pub settle: Vec<SettleResult>,
    /// One for each receipt.
    pub receipts: Vec<ReceiptResult>,
    /// One for each report of an RCS platform.
    pub rcs: Vec<RcsResult>,
    /// One for each inbound text.
    pub inbound: Vec<InboundResult>,
    /// One for each turn.
    pub turns: Vec<TurnResult>,
    /// Of each change of a number, whether it stood where the change leaves it.
    pub certified: Vec<bool>,
    /// What has ended with them for the customer who had it.
    pub uncertified: Vec<Uncertified>,
    /// One for each wish.
    pub acts: Vec<ActResult>,
    /// One for each sweep.
    pub sweeps: Vec<SweepResult>,
    /// One for each thing that RCS platforms have told.
    pub rcs_events: Vec<RcsEventResult>,
    /// What was forgotten.
    pub prune: Option<PruneResult>,
    /// One for each claim.
    pub claims: Vec<Vec<LaneClaimed>>,
    /// One for each claim of kept rows.
    pub rests: Vec<LaneClaimed>,
    /// For each wish for notices, how many it has moved.
    pub notice_acts: Vec<u32>,
    /// Every message that changed its state, except those enqueued and claimed.
    pub changed: Vec<Changed>,
    /// Whether there are new notices.
    pub noticed: bool,
    /// Endpoints for which there are new pending notices.
    pub heard_by: BTreeSet<Endpoint>,
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
        self.consents.is_empty()
            && self.enqueue.is_empty()
            && self.groups.is_empty()
            && self.segments.is_empty()
            && self.settle.is_empty()
            && self.receipts.is_empty()
            && self.rcs.is_empty()
            && self.inbound.is_empty()
            && self.turns.is_empty()
            && self.quarantine.is_empty()
            && self.certified.is_empty()
            && self.acts.is_empty()
            && self.sweeps.is_empty()
            && self.notices.is_empty()
            && self.notice_acts.is_empty()
            && self.inbox.is_empty()
            && self.rcs_events.is_empty()
            && self.rcs_marks.is_empty()
            && self.prune.is_none()
            && self.claims.is_empty()
            && self.rests.is_empty()
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
