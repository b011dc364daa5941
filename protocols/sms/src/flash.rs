//! Messages that the handset shows at once and does not keep.

use crate::encoding::Encoding;

/// Which `data_coding` tells a carrier that a message is a flash message, class 0.
///
/// ```
/// use araldo_sms::{Encoding, FlashCoding};
///
/// assert_eq!(Encoding::Gsm7.flash_data_coding(FlashCoding::MessageClass), Some(0xF0));
/// assert_eq!(Encoding::Gsm7.flash_data_coding(FlashCoding::General), Some(0x10));
/// assert_eq!(Encoding::Ucs2.flash_data_coding(FlashCoding::MessageClass), Some(0x18));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FlashCoding {
    /// The general group: 0x10 for GSM-7, 0x18 for UCS-2.
    #[default]
    General,
    /// The message class group: 0xF0 for GSM-7; it has no UCS-2, for which 0x18 stands here too.
    MessageClass,
}

impl Encoding {
    /// The value for `data_coding` that makes the message a flash message; `None` for Latin-1, which has none.
    ///
    /// ```
    /// # use araldo_sms::{Encoding, FlashCoding};
    /// assert_eq!(Encoding::Ucs2.flash_data_coding(FlashCoding::General), Some(0x18));
    /// assert_eq!(Encoding::Latin1.flash_data_coding(FlashCoding::General), None);
    /// ```
    #[must_use]
    pub fn flash_data_coding(self, coding: FlashCoding) -> Option<u8> {
        match (self, coding) {
            (Self::Gsm7, FlashCoding::General) => Some(0x10),
            (Self::Gsm7, FlashCoding::MessageClass) => Some(0xF0),
            (Self::Ucs2, FlashCoding::General | FlashCoding::MessageClass) => Some(0x18),
            (Self::Latin1, FlashCoding::General | FlashCoding::MessageClass) => None,
        }
    }
}
