use crate::header::ReferenceSize;
use crate::split::MAX_SEGMENTS;

/// How long and how much a [`Reassembly`](super::Reassembly) keeps.
///
/// ```
/// use araldo_sms::ReassemblyLimits;
///
/// let limits = ReassemblyLimits::default();
/// assert_eq!((limits.timeout_millis, limits.segments_per_sender, limits.segments), (300_000, 510, 100_000));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReassemblyLimits {
    /// Milliseconds from the first segment of a message until it is given up.
    pub timeout_millis: u64,
    /// Segments kept of one sender; at least [`MAX_SEGMENTS`], so that any message can become whole.
    pub segments_per_sender: usize,
    /// Segments kept in all; at least [`MAX_SEGMENTS`].
    pub segments: usize,
}

impl Default for ReassemblyLimits {
    fn default() -> Self {
        Self {
            timeout_millis: 300_000,
            segments_per_sender: 2 * MAX_SEGMENTS,
            segments: 100_000,
        }
    }
}

/// What makes segments one message. An equal reference with another total, or of the other size, is another message.
///
/// ```
/// use araldo_sms::{Concat, Reassembly, ReassemblyLimits, ReferenceSize};
///
/// let mut reassembly = Reassembly::new(ReassemblyLimits::default());
/// let place = Concat::new(ReferenceSize::Bits16, 7, 3, 1).unwrap();
/// reassembly.insert("+391", "4321", place, "", 0);
/// let key = reassembly.drain().remove(0).key;
/// assert_eq!((key.sender, key.reference, key.total), ("+391", 7, 3));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageKey<A> {
    /// Whose message it is.
    pub sender: A,
    /// To whom.
    pub destination: A,
    /// Bits of the reference.
    pub reference_size: ReferenceSize,
    /// Equal in all its segments.
    pub reference: u16,
    /// How many segments it has.
    pub total: u8,
}

/// What became of a segment, from [`Reassembly::insert`](super::Reassembly::insert).
///
/// ```
/// use araldo_sms::{Concat, Outcome, Reassembly, ReassemblyLimits, ReferenceSize};
///
/// let mut reassembly = Reassembly::new(ReassemblyLimits::default());
/// let alone = Concat::new(ReferenceSize::Bits8, 1, 1, 1).unwrap();
/// let inserted = reassembly.insert("+391", "4321", alone, "Ciao", 0);
/// assert_eq!(inserted.outcome, Outcome::Complete(vec!["Ciao"]));
/// assert!(inserted.incomplete.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "whole and incomplete messages are in it"]
pub struct Inserted<A, T> {
    /// What became of the segment.
    pub outcome: Outcome<T>,
    /// Messages given up for it, and those whose time was over.
    pub incomplete: Vec<Incomplete<A, T>>,
}

/// What became of a segment.
///
/// ```
/// use araldo_sms::{Concat, Outcome, Reassembly, ReassemblyLimits, ReferenceSize};
///
/// let mut reassembly = Reassembly::new(ReassemblyLimits::default());
/// let place = Concat::new(ReferenceSize::Bits8, 1, 2, 1).unwrap();
/// reassembly.insert("+391", "4321", place, "Ciao", 0);
/// assert_eq!(reassembly.insert("+391", "4321", place, "again", 1).outcome, Outcome::Duplicate("again"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// Kept; others are missing.
    Kept,
    /// All segments of the message, in order.
    Complete(Vec<T>),
    /// That number is kept already; this one is not.
    Duplicate(T),
    /// Its number is 0 or above the total. [`Concat::new`](crate::Concat::new) makes none such.
    Refused(T),
}

/// A message that was given up.
///
/// ```
/// use araldo_sms::{Concat, Reassembly, ReassemblyLimits, ReferenceSize};
///
/// let mut reassembly = Reassembly::new(ReassemblyLimits::default());
/// let place = Concat::new(ReferenceSize::Bits8, 1, 2, 1).unwrap();
/// reassembly.insert("+391", "4321", place, "Ciao", 5);
/// let incomplete = reassembly.drain().remove(0);
/// assert_eq!((incomplete.opened_at_millis, incomplete.segments), (5, vec![(1, "Ciao")]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete<A, T> {
    /// Which it is.
    pub key: MessageKey<A>,
    /// The segments that came, with their numbers, in order.
    pub segments: Vec<(u8, T)>,
    /// When the first of them came, by the clock handed in.
    pub opened_at_millis: u64,
}
