use std::fmt;
use std::str::FromStr;

use crate::header::ReferenceSize;
use crate::shift::ShiftTables;
use crate::{gsm7, latin1, ucs2};

/// User data octets of one short message (3GPP TS 23.040 §9.2.3.24).
pub(crate) const USER_DATA_OCTETS: usize = 140;

/// How the characters of a message become octets.
///
/// SMPP carries GSM-7 unpacked, one septet an octet; the limits are those of the packed form that goes over the air.
///
/// ```
/// use araldo_sms::Encoding;
///
/// assert_eq!(Encoding::choose("12 € [ok]"), Encoding::Gsm7);
/// assert_eq!(Encoding::choose("già ¿qué? ж"), Encoding::Ucs2);
/// assert_eq!(Encoding::Ucs2.data_coding(), 8);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The GSM 7-bit default alphabet with its extension (3GPP TS 23.038 §6.2.1). A unit is a septet.
    Gsm7,
    /// ISO 8859-1. A unit is an octet.
    Latin1,
    /// UTF-16, most significant octet first. A unit is a code unit of two octets.
    Ucs2,
}

impl Encoding {
    /// GSM-7 when every character is in the default alphabet or its extension, else UCS-2.
    ///
    /// ```
    /// # use araldo_sms::Encoding;
    /// assert_eq!(Encoding::choose("perché"), Encoding::Gsm7);
    /// assert_eq!(Encoding::choose("perche´"), Encoding::Ucs2);
    /// ```
    #[must_use]
    pub fn choose(text: &str) -> Self {
        if gsm7().first_outside(text).is_none() {
            Self::Gsm7
        } else {
            Self::Ucs2
        }
    }

    /// The value for the PDU's `data_coding` (SMPP 3.4 §5.2.19): 0, 3 or 8. 0 is the MC's default alphabet, which is
    /// GSM-7 with nearly all of them.
    ///
    /// ```
    /// # use araldo_sms::Encoding;
    /// assert_eq!(Encoding::Latin1.data_coding(), 3);
    /// ```
    #[must_use]
    pub fn data_coding(self) -> u8 {
        match self {
            Self::Gsm7 => 0,
            Self::Latin1 => 3,
            Self::Ucs2 => 8,
        }
    }

    /// The word for it in our API and configuration: `gsm7`, `latin1`, `ucs2`.
    ///
    /// ```
    /// # use araldo_sms::Encoding;
    /// assert_eq!("ucs2".parse(), Ok(Encoding::Ucs2));
    /// assert_eq!(Encoding::Ucs2.as_str(), "ucs2");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Latin1 => "latin1",
            Self::Ucs2 => "ucs2",
        }
    }

    /// Units that fit a message of one segment: 160, 140, 70.
    ///
    /// ```
    /// # use araldo_sms::Encoding;
    /// assert_eq!(Encoding::Gsm7.single_limit(), 160);
    /// ```
    #[must_use]
    pub fn single_limit(self) -> usize {
        self.units_in(USER_DATA_OCTETS)
    }

    /// Units that fit each segment of several, beside the concatenation header: 153, 134, 67 with a reference of one
    /// octet, 152, 133, 66 with two.
    ///
    /// ```
    /// # use araldo_sms::{Encoding, ReferenceSize};
    /// assert_eq!(Encoding::Gsm7.segment_limit(ReferenceSize::Bits8), 153);
    /// assert_eq!(Encoding::Ucs2.segment_limit(ReferenceSize::Bits16), 66);
    /// ```
    #[must_use]
    pub fn segment_limit(self, reference: ReferenceSize) -> usize {
        self.units_in(USER_DATA_OCTETS - reference.header_octets())
    }

    /// Appends `text` to `out`. GSM-7 goes unpacked. On an error `out` holds what came before the character.
    ///
    /// ```
    /// # use araldo_sms::{Encoding, TextError};
    /// let mut out = Vec::new();
    /// Encoding::Gsm7.encode("à€", &mut out)?;
    /// assert_eq!(out, [0x7F, 0x1B, 0x65]);
    /// # Ok::<(), TextError>(())
    /// ```
    ///
    /// # Errors
    /// [`TextError::Unencodable`] with the first character that the encoding does not have.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), TextError> {
        out.reserve(if self == Self::Ucs2 { 2 * text.len() } else { text.len() });
        match self {
            Self::Gsm7 => gsm7().encode(text, out),
            Self::Latin1 => latin1::encode(text, out),
            Self::Ucs2 => {
                ucs2::encode(text, out);
                Ok(())
            }
        }
        .map_err(|(position, character)| self.unencodable(position, character))
    }

    /// Reads octets with best effort: what cannot be read becomes U+FFFD and is flagged.
    ///
    /// ```
    /// # use araldo_sms::Encoding;
    /// let decoded = Encoding::Gsm7.decode(b"12 \x1b\x65");
    /// assert_eq!((decoded.text.as_str(), decoded.lossy), ("12 €", false));
    /// assert!(Encoding::Ucs2.decode(&[0xD8, 0x00]).lossy);
    /// ```
    #[must_use]
    pub fn decode(self, octets: &[u8]) -> DecodedText {
        let (text, lossy) = match self {
            Self::Gsm7 => gsm7().decode(octets),
            Self::Latin1 => (latin1::decode(octets), false),
            Self::Ucs2 => ucs2::decode(octets),
        };
        DecodedText { text, lossy }
    }

    /// Says which character, if any, keeps `text` from this encoding.
    ///
    /// ```
    /// # use araldo_sms::{Encoding, TextError};
    /// assert_eq!(
    ///     Encoding::Gsm7.check("caffè ☕"),
    ///     Err(TextError::Unencodable { character: '☕', position: 6, encoding: Encoding::Gsm7 })
    /// );
    /// ```
    ///
    /// # Errors
    /// [`TextError::Unencodable`] with the first character that the encoding does not have.
    pub fn check(self, text: &str) -> Result<(), TextError> {
        let outside = match self {
            Self::Gsm7 => gsm7().first_outside(text),
            Self::Latin1 => latin1::first_outside(text),
            Self::Ucs2 => None,
        };
        match outside {
            Some((position, character)) => Err(self.unencodable(position, character)),
            None => Ok(()),
        }
    }

    pub(crate) fn units_in(self, octets: usize) -> usize {
        match self {
            Self::Gsm7 => octets * 8 / 7,
            Self::Latin1 => octets,
            Self::Ucs2 => octets / 2,
        }
    }

    fn unencodable(self, position: usize, character: char) -> TextError {
        TextError::Unencodable {
            character,
            position,
            encoding: self,
        }
    }
}

/// The default alphabet with its extension.
fn gsm7() -> &'static gsm7::Alphabet {
    gsm7::alphabet(ShiftTables::DEFAULT)
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "gsm7" => Ok(Self::Gsm7),
            "latin1" => Ok(Self::Latin1),
            "ucs2" => Ok(Self::Ucs2),
            _ => Err(UnknownEncoding),
        }
    }
}

/// A word that names no [`Encoding`].
///
/// ```
/// use araldo_sms::{Encoding, UnknownEncoding};
///
/// assert_eq!("utf8".parse::<Encoding>(), Err(UnknownEncoding));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an encoding is gsm7, latin1 or ucs2")]
pub struct UnknownEncoding;

/// Text read from octets.
///
/// ```
/// use araldo_sms::{DecodedText, Encoding};
///
/// let decoded = Encoding::Latin1.decode(&[0xE8]);
/// assert_eq!(decoded, DecodedText { text: "è".to_owned(), lossy: false });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedText {
    /// The text, U+FFFD where it could not be read.
    pub text: String,
    /// True when the octets were not quite what the encoding allows, so the sender may have meant something else.
    pub lossy: bool,
}

/// Why a text cannot be sent as asked. Always the text's or the asker's doing: a retry does not help.
///
/// ```
/// use araldo_sms::{Encoding, SplitOptions, TextError, measure};
///
/// let options = SplitOptions { encoding: Some(Encoding::Latin1), ..SplitOptions::default() };
/// let error = measure("12 €", &options).unwrap_err();
/// assert_eq!(error.to_string(), "character 3 (U+20AC) is not in latin1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The encoding asked for does not have this character. The message tells the code point only: texts stay out of
    /// logs.
    #[error("character {position} (U+{:04X}) is not in {encoding}", u32::from(*character))]
    Unencodable {
        /// The first such character.
        character: char,
        /// Its place in the text, counted in characters from 0.
        position: usize,
        /// The encoding asked for.
        encoding: Encoding,
    },
    /// The text takes more segments than a concatenation header can number.
    #[error("the text takes {segments} segments, more than 255")]
    TooManySegments {
        /// How many it would take.
        segments: usize,
    },
    /// The text takes more octets than the `message_payload` TLV holds.
    #[error("the text takes {octets} octets, more than the 65535 of message_payload")]
    PayloadTooLong {
        /// How many it would take.
        octets: usize,
    },
}
