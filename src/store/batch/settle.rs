//! Claims that end.

use std::sync::Arc;

use crate::domain::{Flag, Name, State, UnixMillis};
use crate::store::{Changed, Claimed, Event, Progress, Row, SegmentState, Seq};

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
