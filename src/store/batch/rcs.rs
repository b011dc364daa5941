//! What an RCS platform tells of a message.

use crate::domain::{MessageId, Name, UnixMillis};
use crate::store::Seq;

/// What a platform tells of a message: it names the message by our own id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcsReport {
    /// The message.
    pub message: MessageId,
    /// The digits of its recipient: a report about another one is not about this message.
    pub to: Box<str>,
    /// The carrier that brought it.
    pub carrier: Name,
    /// What it tells.
    pub said: RcsSaid,
    /// When that was, by the platform's clock.
    pub at: UnixMillis,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RcsSaid {
    /// The handset has it.
    Delivered,
    /// Its user has seen it, so that the handset has it, too.
    Read,
    /// The platform has taken it back: the handset will not have it.
    Revoked,
    /// The platform could not take it back, or not any more.
    NotRevoked,
    /// The suggestion in this place was tapped.
    Tapped {
        /// From 0.
        place: usize,
    },
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RcsResult {
    /// It met its message.
    Met,
    /// No such message went to such a number: it is forgotten, or was never ours.
    Unknown,
}

/// A message that a platform is to be asked to take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its place.
    pub seq: Seq,
    /// Under which the platform knows it.
    pub message: MessageId,
    /// Its recipient's digits.
    pub to: Box<str>,
}
