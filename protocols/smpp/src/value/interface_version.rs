//! The version of SMPP a side speaks (SMPP 3.4 §5.2.4).

use super::octet_value;

octet_value! {
    /// The version in two halves: 0x34 is 3.4. Zero to 0x33 mean 3.3 or earlier, which knows no TLV.
    InterfaceVersion {
        /// SMPP 3.3.
        V3_3 = 0x33,
        /// SMPP 3.4.
        V3_4 = 0x34,
        /// SMPP 5.0.
        V5_0 = 0x50,
    }
}

impl InterfaceVersion {
    /// Whether a PDU to this peer may carry TLVs.
    pub const fn knows_tlvs(self) -> bool {
        self.0 >= Self::V3_4.0
    }

    /// The version both sides speak: the lower one, rounded down to one that exists.
    #[must_use]
    pub fn negotiate(self, peer: Self) -> Self {
        match self.min(peer).0 {
            0x50.. => Self::V5_0,
            0x34..0x50 => Self::V3_4,
            _ => Self::V3_3,
        }
    }
}
