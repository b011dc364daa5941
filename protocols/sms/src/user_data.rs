//! What an inbound message says: header, alphabet, text.

use crate::data_coding::{Alphabet, DataCodingScheme};
use crate::default_alphabet::DefaultAlphabet;
use crate::encoding::{DecodedText, Encoding};
use crate::header::{Concat, UserDataHeader};
use crate::packing::{fill_bits, unpack_septets};
use crate::shift::ShiftTables;

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
    /// What `data_coding` said besides: class, message waiting.
    pub scheme: DataCodingScheme,
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
    /// `udhi` is bit 0x40 of `esm_class`. [`DataCodingScheme`] tells what `data_coding` is read as; `default_alphabet` is
    /// what the carrier means by 0 and by the groups that stand for it, a [`DefaultAlphabet`] or an [`Encoding`]. The
    /// header's national tables are honoured where that is GSM-7. Never fails: see `lossy`.
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
    pub fn decode(data_coding: u8, udhi: bool, octets: &'a [u8], default_alphabet: impl Into<DefaultAlphabet>) -> Self {
        let scheme = DataCodingScheme::of(data_coding);
        let (header, body, malformed) = if udhi {
            match UserDataHeader::parse(octets) {
                Ok((header, rest)) => (Some(header), rest, false),
                Err(malformed) => (None, malformed.rest, true),
            }
        } else {
            (None, octets, false)
        };
        let alphabet = match scheme.alphabet {
            Alphabet::Default => Some(default_alphabet.into()),
            Alphabet::Ascii => Some(DefaultAlphabet::Ascii),
            Alphabet::Latin1 => Some(DefaultAlphabet::Latin1),
            Alphabet::Ucs2 => Some(DefaultAlphabet::Ucs2),
            Alphabet::Octets => None,
        };
        let (content, lossy) = match alphabet {
            Some(alphabet) => {
                let decoded = alphabet.decode(header.as_ref(), body);
                (Content::Text(decoded.text), decoded.lossy)
            }
            None => (Content::Binary(body), false),
        };
        let concat = header.and_then(|header| header.concat());
        Self {
            content,
            lossy: lossy || malformed,
            header,
            concat,
            scheme,
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

impl DefaultAlphabet {
    /// Reads what follows the header.
    fn decode(self, header: Option<&UserDataHeader<'_>>, octets: &[u8]) -> DecodedText {
        match self {
            Self::Gsm7 => decode_septets(header, octets),
            Self::Gsm7Packed => {
                let mut septets = Vec::new();
                let header_octets = header.map_or(0, UserDataHeader::octets);
                unpack_septets(octets, fill_bits(header_octets), None, &mut septets);
                decode_septets(header, &septets)
            }
            Self::Ascii => DecodedText {
                lossy: !octets.is_ascii(),
                ..Encoding::Latin1.decode(octets)
            },
            Self::Latin1 => Encoding::Latin1.decode(octets),
            Self::Utf8 => DecodedText {
                text: String::from_utf8_lossy(octets).into_owned(),
                lossy: std::str::from_utf8(octets).is_err(),
            },
            Self::Ucs2 => Encoding::Ucs2.decode(octets),
        }
    }
}

/// Septets mean what the header's tables make of them.
fn decode_septets(header: Option<&UserDataHeader<'_>>, septets: &[u8]) -> DecodedText {
    let tables = header.map_or(ShiftTables::DEFAULT, UserDataHeader::shift_tables);
    let mut decoded = tables.decode(septets);
    decoded.lossy |= header.is_some_and(UserDataHeader::has_unknown_language);
    decoded
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
        for data_coding in [2, 4, 5, 6, 7, 9, 10, 13, 14, 0x20, 0x30, 0x14] {
            let read = UserData::decode(data_coding, false, b"Hi", Encoding::Gsm7);
            assert_eq!(read.content, Content::Binary(b"Hi"), "{data_coding:#x}");
        }
    }

    #[test]
    fn default_alphabet_may_be_any_that_carriers_mean() {
        for (alphabet, octets) in [
            (DefaultAlphabet::Gsm7, &b"caff\x04"[..]),
            (DefaultAlphabet::Gsm7Packed, &[0xE3, 0xB0, 0xD9, 0x4C, 0x00]),
            (DefaultAlphabet::Latin1, b"caff\xE8"),
            (DefaultAlphabet::Utf8, "caffè".as_bytes()),
            (DefaultAlphabet::Ucs2, b"\0c\0a\0f\0f\0\xE8"),
        ] {
            let read = UserData::decode(0, false, octets, alphabet);
            assert_eq!((read.text(), read.lossy), (Some("caffè"), false), "{alphabet}");
        }
        let read = UserData::decode(0, false, b"caff\xE8", DefaultAlphabet::Ascii);
        assert_eq!((read.text(), read.lossy), (Some("caffè"), true));
        assert!(UserData::decode(0, false, b"caff\xE8", DefaultAlphabet::Utf8).lossy);
    }

    #[test]
    fn packed_septets_begin_after_the_fill_bits() {
        // The header takes six octets, so one bit fills up.
        let octets = [0x05, 0x00, 0x03, 0x7F, 0x02, 0x01, 0xD0, 0x65, 0x36, 0xFB, 0x0D];
        let read = UserData::decode(0, true, &octets, DefaultAlphabet::Gsm7Packed);
        assert_eq!((read.text(), read.lossy), (Some("hello"), false));
    }

    #[test]
    fn national_tables_of_the_header_are_honoured() {
        let read = UserData::decode(0, true, b"\x03\x24\x01\x01da\x1bg", Encoding::Gsm7);
        assert_eq!((read.text(), read.lossy), (Some("dağ"), false));
        let read = UserData::decode(0, true, b"\x03\x25\x01\x03n\x7bo", Encoding::Gsm7);
        assert_eq!((read.text(), read.lossy), (Some("não"), false));
    }

    #[test]
    fn text_in_a_language_that_nobody_knows_is_flagged() {
        let read = UserData::decode(0, true, b"\x03\x24\x01\x0eHi", Encoding::Gsm7);
        assert_eq!((read.text(), read.lossy), (Some("Hi"), true));
    }

    #[test]
    fn message_waiting_text_is_read_in_its_alphabet() {
        assert_eq!(
            UserData::decode(0xC8, false, b"2 new", Encoding::Gsm7).text(),
            Some("2 new")
        );
        assert_eq!(
            UserData::decode(0xE8, false, &[0x04, 0x16], Encoding::Gsm7).text(),
            Some("Ж")
        );
    }

    #[test]
    fn binary_message_still_tells_its_concat() {
        let read = UserData::decode(4, true, &[5, 0, 3, 1, 2, 1, 0xAB], Encoding::Gsm7);
        assert_eq!(read.content, Content::Binary(&[0xAB]));
        assert!(read.concat.is_some());
    }
}
