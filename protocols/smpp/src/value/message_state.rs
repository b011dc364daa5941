//! Where a message stands (SMPP 3.4 §5.2.28, 5.0 §4.7.15).

use super::octet_value;

octet_value! {
    /// The state of an MT as the message centre tells it.
    MessageState {
        /// Scheduled, not yet tried (5.0).
        SCHEDULED = 0,
        /// On its way.
        ENROUTE = 1,
        /// With the handset.
        DELIVERED = 2,
        /// The validity period ran out.
        EXPIRED = 3,
        /// Deleted.
        DELETED = 4,
        /// Cannot be delivered.
        UNDELIVERABLE = 5,
        /// Read by customer service on behalf of the subscriber.
        ACCEPTED = 6,
        /// Not known.
        UNKNOWN = 7,
        /// Refused.
        REJECTED = 8,
        /// Skipped (5.0).
        SKIPPED = 9,
    }
}

impl MessageState {
    /// Whether nothing more follows. UNKNOWN is not final: a later receipt may still say more.
    pub const fn is_final(self) -> bool {
        matches!(self.0, 2..=6 | 8 | 9)
    }

    /// The word of the standard; `None` when it defines none.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "SCHEDULED",
            1 => "ENROUTE",
            2 => "DELIVERED",
            3 => "EXPIRED",
            4 => "DELETED",
            5 => "UNDELIVERABLE",
            6 => "ACCEPTED",
            7 => "UNKNOWN",
            8 => "REJECTED",
            9 => "SKIPPED",
            _ => return None,
        })
    }
}
