//! What the store shows.

use crate::domain::{
    BindRef, Class, Concat, Encoding, InboundId, Lane, MessageId, Msisdn, Name, Shape, State, UnixMillis,
};

use super::{Event, Notice, Row, SegmentState, Seq};

/// A message whole.
#[derive(Clone, Debug)]
pub struct MessageRecord {
    /// What rules see of it.
    pub row: Row,
    /// What it says by SMS.
    pub text: Box<str>,
    /// What it shows by RCS, as JSON; `None` is the text.
    pub rich: Option<Box<str>>,
    /// The alphabet.
    pub encoding: Encoding,
    /// How it is written besides.
    pub shape: Shape,
    /// The owner's word for it.
    pub reference: Option<Box<str>>,
    /// Not to be sent before.
    pub not_before: Option<UnixMillis>,
    /// What happened beside its plain way, oldest first. Empty in lists.
    pub events: Vec<Event>,
    /// Its segments as far as answered. Empty in lists, and for messages of one segment.
    pub segments: Vec<SegmentRecord>,
    /// What its owner is told of it by webhook, oldest first. Empty in lists.
    pub webhooks: Vec<Notice>,
}

/// One answered segment of a long message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentRecord {
    /// From 1.
    pub number: u8,
    /// The attempt in which it went out.
    pub attempt: u32,
    /// The carrier.
    pub carrier: Name,
    /// Where it is.
    pub state: SegmentState,
    /// The carrier's id for it.
    pub carrier_message_id: Option<Box<str>>,
    /// The carrier's code.
    pub code: Option<u32>,
    /// When this was known.
    pub at: UnixMillis,
}

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct MessageQuery {
    /// Only this owner's.
    pub client: Option<Name>,
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this class.
    pub class: Option<Class>,
    /// Only to this number.
    pub to: Option<Msisdn>,
    /// Only with this word of the owner's.
    pub reference: Option<Box<str>>,
    /// Only older than this place; `None` starts with the newest.
    pub before: Option<Seq>,
    /// How many at the most.
    pub limit: u32,
}

/// Which inbound texts to list.
#[derive(Clone, Debug, Default)]
pub struct InboundQuery {
    /// Only from this number, digits.
    pub from: Option<Box<str>>,
    /// Only to these addresses; `None` is to any.
    pub to: Option<Vec<Box<str>>>,
    /// Only older than this place.
    pub before: Option<Seq>,
    /// How many at the most.
    pub limit: u32,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Seq>,
}

/// An inbound text.
#[derive(Clone, Debug)]
pub struct InboundRecord {
    /// Its place.
    pub seq: Seq,
    /// Our id.
    pub id: InboundId,
    /// The carrier that brought it.
    pub carrier: Name,
    /// The sender's address.
    pub from: Box<str>,
    /// Our address.
    pub to: Box<str>,
    /// What it says; `None` where it is no text.
    pub text: Option<Box<str>>,
    /// Whether reading lost something.
    pub lossy: bool,
    /// As it came.
    pub data_coding: u8,
    /// The place of a segment in its message.
    pub segment: Option<Concat>,
    /// When it came.
    pub at: UnixMillis,
    /// What was forgiven in reading it.
    pub note: Option<Box<str>>,
}

/// A PDU that could not be read.
#[derive(Clone, Debug)]
pub struct QuarantineRecord {
    /// When it came.
    pub at: UnixMillis,
    /// The bind that brought it.
    pub bind: BindRef,
    /// The address and port that it came from; `None` where a version that did not keep it wrote the row.
    pub peer: Option<Box<str>>,
    /// What is wrong with it.
    pub reason: Box<str>,
    /// The status with which it was answered.
    pub status: u32,
    /// The octets, cut to a bound. They hold numbers and texts.
    pub octets: Vec<u8>,
}

/// Segments that wait in one lane at one priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The lane.
    pub lane: Lane,
    /// The priority.
    pub priority: u8,
    /// Rows.
    pub rows: u64,
    /// Segments.
    pub segments: u64,
}

/// The open rows in numbers.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Class, state, rows, accepted time of the oldest.
    pub open: Vec<(Class, State, u64, UnixMillis)>,
    /// Receipts that wait for their message.
    pub parked: ParkedTotals,
}

/// Receipts that met no message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParkedTotals {
    /// How many are kept.
    pub rows: u64,
}

impl MessageRecord {
    /// The id.
    pub fn id(&self) -> MessageId {
        self.row.id
    }
}
