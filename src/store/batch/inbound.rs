//! What comes in.

use bytes::Bytes;

use crate::domain::{BindRef, Concat, InboundId, UnixMillis, Will};
use crate::store::{Between, Enqueue, NewConsent, Seq};

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
    /// Digits that stood behind a word for a secret and are not in the text: they may be the answer to a code of ours. In
    /// memory alone, never stored.
    pub code: Option<Box<str>>,
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
    /// What became of it, in a word, where that is all in these fields: nothing else is made of it then.
    pub handled: Option<&'static str>,
    /// What it says of what its sender wants to be sent: noted with it, unless the text is a repetition.
    pub consents: Vec<NewConsent>,
    /// What is answered: stored with it, unless the text is a repetition. Never claimed at once, and without a key.
    pub answers: Vec<Enqueue>,
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

    /// The conversation whose question ends with this text: that of a STOP for everything.
    pub(in crate::store) fn ends_question(&self) -> Option<Between> {
        let stop = |said: &&NewConsent| said.topic.is_none() && said.will == Will::OptedOut;
        let stop = self.consents.iter().find(stop)?;
        Some(Between {
            number: stop.msisdn.clone(),
            address: self.to.clone(),
        })
    }
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
pub(in crate::store) const QUARANTINE_ROWS: u32 = 10_000;
