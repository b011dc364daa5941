//! Which receipts are asked for (SMPP 3.4 §5.2.17).

use super::octet_value;

octet_value! {
    /// Bits 0-1 ask for the message centre's receipt, 2-3 for the user's acknowledgement, 4 for intermediate notification.
    RegisteredDelivery {
        /// No receipt.
        NONE = 0x00,
        /// A receipt whatever the outcome.
        FINAL = 0x01,
        /// A receipt on failure only.
        FAILURE = 0x02,
        /// A receipt on success only (5.0).
        SUCCESS = 0x03,
        /// Intermediate notifications too.
        INTERMEDIATE = 0x10,
    }
}

impl RegisteredDelivery {
    /// Which receipt of the message centre is asked for, to be held against the constants up to [`Self::SUCCESS`].
    #[must_use]
    pub const fn receipt(self) -> Self {
        Self(self.0 & 0x03)
    }

    /// Whether intermediate notifications are asked for.
    pub const fn wants_intermediate(self) -> bool {
        self.0 & Self::INTERMEDIATE.0 != 0
    }
}
