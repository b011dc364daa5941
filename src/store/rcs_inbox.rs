//! What RCS platforms tell by webhook: kept as it was signed, each event once, until all is made of it.

use super::Seq;
use crate::domain::{Name, UnixMillis};

/// An event to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRcsEvent {
    /// The carrier under whose name it came.
    pub carrier: Name,
    /// What a second copy has in common with it: SHA-256 of the platform's ids.
    pub key: [u8; 32],
    /// The JSON, as it was signed.
    pub payload: Box<str>,
    /// When it came.
    pub at: UnixMillis,
}

/// What became of an event that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RcsEventResult {
    /// Kept.
    Kept,
    /// It came before.
    Repeated,
}

/// An event of which something is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcsEvent {
    /// Its place.
    pub place: Seq,
    /// The carrier.
    pub carrier: Name,
    /// The JSON.
    pub payload: Box<str>,
    /// When it came.
    pub at: UnixMillis,
}

/// An event of which all is made, or nothing can be. One that is marked already is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcsMark {
    /// The event.
    pub place: Seq,
    /// Why nothing can be made of it.
    pub error: Option<Box<str>>,
}
