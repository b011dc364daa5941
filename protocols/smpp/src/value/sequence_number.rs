//! Pairs a response with its request (SMPP 3.4 §5.1.4).

use std::fmt;

/// Ours run from 1 to 0x7FFF_FFFF and then from 1 again. A peer's zero or values above the range are kept and echoed.
///
/// ```
/// use araldo_smpp::SequenceNumber;
///
/// assert_eq!(SequenceNumber::FIRST.next(), SequenceNumber(2));
/// assert_eq!(SequenceNumber::LAST.next(), SequenceNumber::FIRST);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SequenceNumber(pub u32);

impl SequenceNumber {
    /// What generic_nack carries when the header could not be read (SMPP 3.4 §4.3.1).
    pub const UNREAD: Self = Self(0);
    /// The first number of a session.
    pub const FIRST: Self = Self(1);
    /// The last number before it begins again.
    pub const LAST: Self = Self(0x7FFF_FFFF);

    /// The number after this one; 1 after the last and after any value out of range.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 >= Self::LAST.0 {
            Self::FIRST
        } else {
            Self(self.0 + 1)
        }
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
