//! Rows to claim.

use std::sync::Arc;

use crate::domain::{BindRef, Class, Encoding, Flag, Lane, MessageId, Name, NewMessage, SenderId, Shape, UnixMillis};
use crate::store::{Lease, Progress, Seq};

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
    /// What it says by SMS.
    pub text: Arc<str>,
    /// What it shows by RCS, as JSON; `None` is the text.
    pub rich: Option<Arc<str>>,
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

/// Rows to claim of which the bind's carrier has a part: what is left of them goes over it too.
#[derive(Clone, Debug)]
pub struct RestClaim {
    /// The bind.
    pub bind: BindRef,
    /// The living lease.
    pub lease: Lease,
    /// The rows.
    pub rows: Vec<Seq>,
}

/// What a range read found.
#[derive(Clone, Debug, Default)]
pub struct LaneClaimed {
    /// The rows, oldest first.
    pub rows: Vec<Claimed>,
    /// Rows that could not be read and were set aside: there may be more behind them.
    pub quarantined: u32,
}

impl Claimed {
    /// Whether it would go out as a copy that is not counted yet: another carrier has a part of it, and this one none.
    pub fn is_uncounted_copy(&self) -> bool {
        self.taken_elsewhere && self.answered.is_empty() && !self.progress.flags.has(Flag::CopyDue)
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
            rich: message.rich.clone(),
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
