//! What comes back about a message.

use crate::domain::{Name, Reason, UnixMillis};

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

impl Receipt {
    /// The carrier's id, where the receipt names one.
    pub fn id(&self) -> Option<Box<str>> {
        (!self.carrier_message_id.is_empty()).then(|| self.carrier_message_id.clone())
    }
}
