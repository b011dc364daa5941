//! What a `data_coding` says: SMPP's own values and the data coding scheme of 3GPP TS 23.038 §4 behind them.

/// A `data_coding` taken apart (SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4).
///
/// Up to 0x0F the value is SMPP's; above it is the handset's scheme, which MCs pass on.
///
/// | `data_coding` | alphabet | besides |
/// |---|---|---|
/// | 0x00 | default | |
/// | 0x01 | ASCII | |
/// | 0x03 | Latin-1 | |
/// | 0x08 | UCS-2 | |
/// | 0x02, 0x04 and the others up to 0x0F | octets | |
/// | 0x10 to 0x1F, 0x40 to 0x5F | by bits 2 and 3: default, octets, UCS-2 | class where bit 4 is set |
/// | 0x20 to 0x3F, 0x60 to 0x7F | octets, the text being compressed | class where bit 4 is set |
/// | 0x80 to 0xBF | default: reserved values are read so | |
/// | 0xC0 to 0xEF | default, UCS-2 from 0xE0 | message waiting |
/// | 0xF0 to 0xFF | default, octets where bit 2 is set | class |
///
/// ```
/// use araldo_sms::{Alphabet, DataCodingScheme, MessageClass};
///
/// let flash = DataCodingScheme::of(0x18);
/// assert_eq!((flash.alphabet, flash.class), (Alphabet::Ucs2, Some(MessageClass::Flash)));
/// assert_eq!(DataCodingScheme::of(0x04).alphabet, Alphabet::Octets);
/// assert!(DataCodingScheme::of(0xC8).waiting.unwrap().active);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataCodingScheme {
    /// How the text is written.
    pub alphabet: Alphabet,
    /// Where the handset is to put it; `None` leaves that to the handset.
    pub class: Option<MessageClass>,
    /// What the handset is to show about messages that wait.
    pub waiting: Option<MessageWaiting>,
}

impl DataCodingScheme {
    /// Takes any value apart.
    ///
    /// ```
    /// # use araldo_sms::{DataCodingScheme, MessageClass};
    /// assert_eq!(DataCodingScheme::of(0xF2).class, Some(MessageClass::Sim));
    /// assert_eq!(DataCodingScheme::of(0x08).class, None);
    /// ```
    #[must_use]
    pub fn of(data_coding: u8) -> Self {
        let classed = Some(MessageClass::of(data_coding));
        let (alphabet, class, waiting) = match data_coding {
            0x00 => (Alphabet::Default, None, None),
            0x01 => (Alphabet::Ascii, None, None),
            0x03 => (Alphabet::Latin1, None, None),
            0x08 => (Alphabet::Ucs2, None, None),
            0x02..=0x0F => (Alphabet::Octets, None, None),
            0x10..=0x7F => (
                Alphabet::of_general_group(data_coding),
                classed.filter(|_| data_coding & 0x10 != 0),
                None,
            ),
            0x80..=0xBF => (Alphabet::Default, None, None),
            0xC0..=0xDF => (Alphabet::Default, None, Some(MessageWaiting::of(data_coding))),
            0xE0..=0xEF => (Alphabet::Ucs2, None, Some(MessageWaiting::of(data_coding))),
            0xF0..=0xFF if data_coding & 0x04 == 0 => (Alphabet::Default, classed, None),
            0xF0..=0xFF => (Alphabet::Octets, classed, None),
        };
        Self {
            alphabet,
            class,
            waiting,
        }
    }
}

/// How a `data_coding` says that the text is written.
///
/// ```
/// use araldo_sms::{Alphabet, DataCodingScheme};
///
/// assert_eq!(DataCodingScheme::of(0).alphabet, Alphabet::Default);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// The carrier's own: see [`DefaultAlphabet`](crate::DefaultAlphabet).
    Default,
    /// ASCII, which SMPP calls IA5.
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// UTF-16, most significant octet first.
    Ucs2,
    /// Octets that are no text, or text in an alphabet that is not read here.
    Octets,
}

impl Alphabet {
    /// The general and the automatic deletion group; bit 5 says compressed.
    fn of_general_group(data_coding: u8) -> Self {
        match data_coding & 0x2C {
            // 0x0C is reserved, and TS 23.038 §4 has reserved values read as the default.
            0x00 | 0x0C => Self::Default,
            0x08 => Self::Ucs2,
            _ => Self::Octets,
        }
    }
}

/// Where the handset is to put a message (3GPP TS 23.038 §4).
///
/// ```
/// use araldo_sms::{DataCodingScheme, MessageClass};
///
/// assert_eq!(DataCodingScheme::of(0xF0).class, Some(MessageClass::Flash));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageClass {
    /// Class 0: shown at once, and not kept.
    Flash,
    /// Class 1: kept in the device.
    Device,
    /// Class 2: kept in the SIM.
    Sim,
    /// Class 3: passed on to what is attached to the device.
    Terminal,
}

impl MessageClass {
    fn of(data_coding: u8) -> Self {
        match data_coding & 0x03 {
            0 => Self::Flash,
            1 => Self::Device,
            2 => Self::Sim,
            _ => Self::Terminal,
        }
    }
}

/// What the handset is to show about messages that wait elsewhere (3GPP TS 23.038 §4, groups 0xC0, 0xD0, 0xE0).
///
/// ```
/// use araldo_sms::{DataCodingScheme, WaitingKind};
///
/// let waiting = DataCodingScheme::of(0xD9).waiting.unwrap();
/// assert!(waiting.active && !waiting.discard);
/// assert_eq!(waiting.kind, WaitingKind::Fax);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageWaiting {
    /// Whether the mark is to be shown or taken away.
    pub active: bool,
    /// What waits.
    pub kind: WaitingKind,
    /// Whether the text may be thrown away once the mark is set.
    pub discard: bool,
}

impl MessageWaiting {
    fn of(data_coding: u8) -> Self {
        Self {
            active: data_coding & 0x08 != 0,
            kind: match data_coding & 0x03 {
                0 => WaitingKind::Voicemail,
                1 => WaitingKind::Fax,
                2 => WaitingKind::Email,
                _ => WaitingKind::Other,
            },
            discard: data_coding & 0xF0 == 0xC0,
        }
    }
}

/// What waits for the subscriber.
///
/// ```
/// use araldo_sms::{DataCodingScheme, WaitingKind};
///
/// assert_eq!(DataCodingScheme::of(0xC8).waiting.unwrap().kind, WaitingKind::Voicemail);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitingKind {
    /// Voice mail.
    Voicemail,
    /// Fax.
    Fax,
    /// Electronic mail.
    Email,
    /// Something else.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Encoding;
    use crate::flash::FlashCoding;

    #[test]
    fn flash_on_sending_is_flash_on_receiving() {
        for coding in [FlashCoding::General, FlashCoding::MessageClass] {
            for (encoding, alphabet) in [(Encoding::Gsm7, Alphabet::Default), (Encoding::Ucs2, Alphabet::Ucs2)] {
                let scheme = DataCodingScheme::of(encoding.flash_data_coding(coding).unwrap());
                assert_eq!((scheme.alphabet, scheme.class), (alphabet, Some(MessageClass::Flash)));
            }
        }
    }

    #[test]
    fn class_counts_only_where_the_group_has_one() {
        assert_eq!(DataCodingScheme::of(0x11).class, Some(MessageClass::Device));
        assert_eq!(DataCodingScheme::of(0x41).class, None);
        assert_eq!(DataCodingScheme::of(0x53).class, Some(MessageClass::Terminal));
        assert_eq!(DataCodingScheme::of(0xF6).class, Some(MessageClass::Sim));
        for smpp in 0..0x10 {
            assert_eq!(DataCodingScheme::of(smpp).class, None, "{smpp:#x}");
        }
    }

    #[test]
    fn compressed_text_is_octets() {
        for data_coding in (0x20..0x40).chain(0x60..0x80) {
            assert_eq!(
                DataCodingScheme::of(data_coding).alphabet,
                Alphabet::Octets,
                "{data_coding:#x}"
            );
        }
    }

    #[test]
    fn reserved_values_are_the_default_alphabet() {
        for data_coding in (0x80..0xC0).chain([0x0C | 0x10, 0x4C]) {
            assert_eq!(
                DataCodingScheme::of(data_coding).alphabet,
                Alphabet::Default,
                "{data_coding:#x}"
            );
        }
    }

    #[test]
    fn only_the_group_that_discards_says_so() {
        let discard = |data_coding| DataCodingScheme::of(data_coding).waiting.map(|waiting| waiting.discard);
        assert_eq!(
            [discard(0xC0), discard(0xD0), discard(0xE0), discard(0xF0)],
            [Some(true), Some(false), Some(false), None]
        );
    }
}
