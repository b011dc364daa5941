//! Mode, type and features of a message (SMPP 3.4 §5.2.12).

use super::octet_value;

octet_value! {
    /// Three groups of bits: messaging mode (0-1), message type (2-5), features (6-7).
    EsmClass {
        /// The message centre's default mode, an ordinary message, no feature.
        DEFAULT = 0x00,
        /// Message type: a receipt of the message centre.
        RECEIPT = 0x04,
        /// Message type: delivery acknowledgement by the handset's user.
        DELIVERY_ACKNOWLEDGEMENT = 0x08,
        /// Message type: manual acknowledgement by the handset's user.
        MANUAL_ACKNOWLEDGEMENT = 0x10,
        /// Message type: intermediate notification.
        INTERMEDIATE_NOTIFICATION = 0x20,
        /// Feature: the text begins with a user data header.
        UDHI = 0x40,
        /// Feature: a reply path is set.
        REPLY_PATH = 0x80,
    }
}

impl EsmClass {
    const TYPE: u8 = 0x3C;

    /// The messaging mode: 0 default, 1 datagram, 2 forward, 3 store and forward.
    pub const fn mode(self) -> u8 {
        self.0 & 0x03
    }

    /// Bits 2 to 5 in place, to be held against the message type constants.
    pub const fn message_type(self) -> u8 {
        self.0 & Self::TYPE
    }

    /// Whether it is a receipt: the final state of an MT.
    pub const fn is_receipt(self) -> bool {
        self.message_type() == Self::RECEIPT.0
    }

    /// Whether it tells of an MT on its way, not of its end.
    pub const fn is_intermediate(self) -> bool {
        self.message_type() == Self::INTERMEDIATE_NOTIFICATION.0
    }

    /// Whether the message type is one of those the standard defines.
    pub const fn is_defined(self) -> bool {
        matches!(self.message_type(), 0x00 | 0x04 | 0x08 | 0x10 | 0x18 | 0x20)
    }

    /// Whether the text begins with a user data header.
    pub const fn has_udhi(self) -> bool {
        self.0 & Self::UDHI.0 != 0
    }

    /// Whether a reply path is set.
    pub const fn has_reply_path(self) -> bool {
        self.0 & Self::REPLY_PATH.0 != 0
    }

    /// The same with these bits set too.
    #[must_use]
    pub const fn with(self, bits: Self) -> Self {
        Self(self.0 | bits.0)
    }
}
