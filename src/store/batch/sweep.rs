//! Deadlines, and forgetting.

use crate::domain::{BindRef, Lane, State, UnixMillis};
use crate::store::{Lease, Seq};

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
    /// Rows that a bind has claimed, whose task is no more.
    Abandoned {
        /// The bind.
        bind: BindRef,
        /// How many at the most.
        limit: u32,
    },
    /// Rows that a check has found to be other than they were written: looked at again, and set aside for a person.
    Damaged {
        /// Their places.
        seqs: Vec<Seq>,
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
    /// Events of RCS platforms forgotten by their age.
    pub rcs_events: u64,
}
