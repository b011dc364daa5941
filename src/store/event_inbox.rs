//! Events that other programs write into the store itself, and what is written beside them.

use super::Seq;
use crate::domain::Name;

/// Which new rows to read.
#[derive(Clone, Copy, Debug)]
pub struct NewEvents {
    /// Rows after this place.
    pub after: Seq,
    /// How many at the most.
    pub limit: u32,
    /// The octets that a row may have: of a longer one only its place is read.
    pub max_bytes: u64,
}

/// A row of the inbox as its program wrote it: whatever octets it thought to be text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Its place.
    pub place: Seq,
    /// Octets of all its columns.
    pub bytes: u64,
    /// What it says; `None` where it is too long.
    pub said: Option<InboxSaid>,
}

/// The columns of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxSaid {
    /// In whose name.
    pub client: Vec<u8>,
    /// CloudEvents `source`.
    pub source: Vec<u8>,
    /// CloudEvents `id`.
    pub event_id: Vec<u8>,
    /// CloudEvents `type`.
    pub kind: Vec<u8>,
    /// CloudEvents `subject`.
    pub subject: Option<Vec<u8>>,
    /// CloudEvents `time`.
    pub time: Option<Vec<u8>>,
    /// A JSON text.
    pub data: Option<Vec<u8>>,
}

/// The row that a group settles in its commit: the group is stored only where the row is still new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxPlace {
    /// The row.
    pub place: Seq,
    /// How many rules know the event.
    pub matched: u32,
}

/// What is written beside an event that makes no message. A row that is no longer new is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxMark {
    /// It was published before.
    Repeated(Seq),
    /// It cannot be followed, and why.
    Refused(Seq, Box<str>),
    /// One that came another way and cannot be followed: kept for a person to look at.
    Kept(Box<RefusedEvent>),
}

/// An event that cannot be followed, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEvent {
    /// In whose name.
    pub client: Name,
    /// Its source.
    pub source: Box<str>,
    /// Its id.
    pub event_id: Box<str>,
    /// Its type.
    pub kind: Box<str>,
    /// What it says, cut to a bound.
    pub data: Box<str>,
    /// Why.
    pub error: Box<str>,
}
