//! What an inbound message says: header, alphabet, text.

use crate::encoding::Encoding;
use crate::header::{Concat, UserDataHeader};

/// The user data of an inbound message, read with best effort.
///
/// ```
/// use araldo_sms::{Encoding, UserData};
///
/// let read = UserData::decode(8, false, &[0x00, 0xE8], Encoding::Gsm7);
/// assert_eq!(read.text(), Some("è"));
/// assert!(!read.lossy);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserData<'a> {
    /// The text, or the octets when they are none.
    pub content: Content<'a>,
    /// True when the text may not be what the sender wrote: octets outside the alphabet, a malformed header.
    pub lossy: bool,
    /// The header. `None` when there was none or it was malformed, which makes `lossy` true.
    pub header: Option<UserDataHeader<'a>>,
    /// The place in a longer message, by the header; the `sar_` TLVs are the caller's to look at.
    pub concat: Option<Concat>,
}

/// What the octets after the header are.
///
/// ```
/// use araldo_sms::{Content, Encoding, UserData};
///
/// let read = UserData::decode(4, false, &[1, 2], Encoding::Gsm7);
/// assert_eq!(read.content, Content::Binary(&[1, 2]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// Text, U+FFFD where it could not be read.
    Text(String),
    /// Octets that are no text, or text in an alphabet we cannot read.
    Binary(&'a [u8]),
}

impl<'a> UserData<'a> {
    /// Reads the octets of `short_message` or `message_payload`.
    ///
    /// `udhi` is bit 0x40 of `esm_class`; `default_alphabet` is what the carrier means by `data_coding` 0, and by the
    /// classes and groups that stand for it. Never fails: see `lossy`.
    ///
    /// | `data_coding` | read as |
    /// |---|---|
    /// | 0 | `default_alphabet` |
    /// | 1 | ASCII; octets above as Latin-1, flagged |
    /// | 3 | Latin-1 |
    /// | 8 | UCS-2 |
    /// | 2, 4 and the other alphabets of SMPP 3.4 §5.2.19 | no text |
    /// | 0x10 to 0x7F, 0xC0 to 0xFF | as TS 23.038 §4 and §5 have it: default, 8 bits (no text), UCS-2 |
    ///
    /// ```
    /// use araldo_sms::{Encoding, UserData};
    ///
    /// let read = UserData::decode(0, true, b"\x05\x00\x03\x2a\x02\x02mondo", Encoding::Gsm7);
    /// assert_eq!(read.text(), Some("mondo"));
    /// assert_eq!(read.concat.map(|concat| (concat.reference, concat.number)), Some((42, 2)));
    ///
    /// // The header claims more than there is, so all is text.
    /// let read = UserData::decode(0, true, b"Stop", Encoding::Gsm7);
    /// assert_eq!((read.text(), read.lossy), (Some("Stop"), true));
    /// ```
    #[must_use]
    pub fn decode(data_coding: u8, udhi: bool, octets: &'a [u8], default_alphabet: Encoding) -> Self {
        let (header, body, malformed) = if udhi {
            match UserDataHeader::parse(octets) {
                Ok((header, rest)) => (Some(header), rest, false),
                Err(malformed) => (None, malformed.rest, true),
            }
        } else {
            (None, octets, false)
        };
        let (content, lossy) = match Alphabet::of(data_coding, default_alphabet) {
            Alphabet::Encoding(encoding) => {
                let decoded = encoding.decode(body);
                (Content::Text(decoded.text), decoded.lossy)
            }
            Alphabet::Ascii => (Content::Text(Encoding::Latin1.decode(body).text), !body.is_ascii()),
            Alphabet::None => (Content::Binary(body), false),
        };
        let concat = header.and_then(|header| header.concat());
        Self {
            content,
            lossy: lossy || malformed,
            header,
            concat,
        }
    }

    /// The text, if the octets are one.
    ///
    /// ```
    /// # use araldo_sms::{Encoding, UserData};
    /// assert_eq!(UserData::decode(4, false, b"Hi", Encoding::Gsm7).text(), None);
    /// ```
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Binary(_) => None,
        }
    }
}

/// What a `data_coding` stands for.
#[derive(Debug, PartialEq, Eq)]
enum Alphabet {
    Encoding(Encoding),
    Ascii,
    None,
}

impl Alphabet {
    fn of(data_coding: u8, default: Encoding) -> Self {
        match data_coding {
            0x00 => Self::Encoding(default),
            0x01 => Self::Ascii,
            0x03 => Self::Encoding(Encoding::Latin1),
            0x08 => Self::Encoding(Encoding::Ucs2),
            // SMPP reserves these; MCs that pass the handset's TP-DCS on mean its general groups. Bit 5: compressed.
            0x10..=0x1F | 0x40..=0x5F => match data_coding & 0x0C {
                0x00 => Self::Encoding(default),
                0x08 => Self::Encoding(Encoding::Ucs2),
                _ => Self::None,
            },
            // Message waiting, TS 23.038 §4; 0xE0 is UCS-2.
            0xC0..=0xDF => Self::Encoding(default),
            0xE0..=0xEF => Self::Encoding(Encoding::Ucs2),
            // Message class, TS 23.038 §4: bit 2 says 8 bits.
            0xF0..=0xFF if data_coding & 0x04 == 0 => Self::Encoding(default),
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_coding_zero_is_the_carriers_default_alphabet() {
        assert_eq!(UserData::decode(0, false, &[0x00], Encoding::Gsm7).text(), Some("@"));
        assert_eq!(UserData::decode(0, false, &[0xE8], Encoding::Latin1).text(), Some("è"));
    }

    #[test]
    fn ascii_with_the_high_bit_is_read_as_latin1_and_flagged() {
        let read = UserData::decode(1, false, b"caff\xE8", Encoding::Gsm7);
        assert_eq!((read.text(), read.lossy), (Some("caffè"), true));
        assert!(!UserData::decode(1, false, b"caffe", Encoding::Gsm7).lossy);
    }

    #[test]
    fn message_class_group_is_the_default_alphabet_or_octets() {
        assert_eq!(UserData::decode(0xF0, false, b"Hi", Encoding::Gsm7).text(), Some("Hi"));
        assert_eq!(UserData::decode(0xF1, false, b"\x00", Encoding::Gsm7).text(), Some("@"));
        assert_eq!(
            UserData::decode(0xF5, false, b"Hi", Encoding::Gsm7).content,
            Content::Binary(b"Hi")
        );
    }

    #[test]
    fn flash_message_with_the_handsets_dcs_is_text() {
        assert_eq!(UserData::decode(0x10, false, b"Hi", Encoding::Gsm7).text(), Some("Hi"));
        assert_eq!(
            UserData::decode(0x18, false, &[0x04, 0x16], Encoding::Gsm7).text(),
            Some("Ж")
        );
    }

    #[test]
    fn alphabets_we_cannot_read_keep_their_octets() {
        for data_coding in [2, 4, 5, 6, 7, 9, 10, 13, 14, 0x20, 0x30, 0x80] {
            let read = UserData::decode(data_coding, false, b"Hi", Encoding::Gsm7);
            assert_eq!(read.content, Content::Binary(b"Hi"), "{data_coding:#x}");
        }
    }

    #[test]
    fn binary_message_still_tells_its_concat() {
        let read = UserData::decode(4, true, &[5, 0, 3, 1, 2, 1, 0xAB], Encoding::Gsm7);
        assert_eq!(read.content, Content::Binary(&[0xAB]));
        assert!(read.concat.is_some());
    }
}
