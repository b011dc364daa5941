use std::fmt;
use std::str::FromStr;

use crate::encoding::Encoding;

/// What a carrier means by `data_coding` 0, and by the groups that stand for it. The carrier tells; GSM-7 unpacked is
/// what nearly all mean.
///
/// ```
/// use araldo_sms::{DefaultAlphabet, Encoding, UserData};
///
/// assert_eq!("gsm7_packed".parse(), Ok(DefaultAlphabet::Gsm7Packed));
/// let packed = [0xE8, 0x32, 0x9B, 0xFD, 0x06];
/// assert_eq!(UserData::decode(0, false, &packed, DefaultAlphabet::Gsm7Packed).text(), Some("hello"));
/// assert_eq!(DefaultAlphabet::from(Encoding::Latin1), DefaultAlphabet::Latin1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DefaultAlphabet {
    /// The GSM 7-bit alphabet, one septet an octet.
    #[default]
    Gsm7,
    /// The GSM 7-bit alphabet, eight septets in seven octets, with fill bits after a header.
    Gsm7Packed,
    /// ASCII; octets above it as Latin-1, flagged.
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// UTF-8.
    Utf8,
    /// UTF-16, most significant octet first.
    Ucs2,
}

impl DefaultAlphabet {
    const ALL: [Self; 6] = [
        Self::Gsm7,
        Self::Gsm7Packed,
        Self::Ascii,
        Self::Latin1,
        Self::Utf8,
        Self::Ucs2,
    ];

    /// The word for it in our API and configuration: `gsm7`, `gsm7_packed`, `ascii`, `latin1`, `utf8`, `ucs2`.
    ///
    /// ```
    /// # use araldo_sms::DefaultAlphabet;
    /// assert_eq!(DefaultAlphabet::Utf8.as_str(), "utf8");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Gsm7Packed => "gsm7_packed",
            Self::Ascii => "ascii",
            Self::Latin1 => "latin1",
            Self::Utf8 => "utf8",
            Self::Ucs2 => "ucs2",
        }
    }

    /// Whether it has every character of a text that is in the GSM 7-bit default alphabet and its extension.
    ///
    /// ```
    /// # use araldo_sms::DefaultAlphabet;
    /// assert!(DefaultAlphabet::Latin1.has("caffè") && DefaultAlphabet::Utf8.has("5 €"));
    /// assert!(!DefaultAlphabet::Latin1.has("5 €") && !DefaultAlphabet::Ascii.has("caffè"));
    /// ```
    #[must_use]
    pub fn has(self, text: &str) -> bool {
        match self {
            Self::Ascii => text.is_ascii(),
            Self::Latin1 => Encoding::Latin1.check(text).is_ok(),
            Self::Gsm7 | Self::Gsm7Packed | Self::Utf8 | Self::Ucs2 => true,
        }
    }
}

impl From<Encoding> for DefaultAlphabet {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Gsm7 => Self::Gsm7,
            Encoding::Latin1 => Self::Latin1,
            Encoding::Ucs2 => Self::Ucs2,
        }
    }
}

impl fmt::Display for DefaultAlphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DefaultAlphabet {
    type Err = UnknownAlphabet;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|alphabet| alphabet.as_str() == word);
        named.ok_or(UnknownAlphabet)
    }
}

/// A word that names no [`DefaultAlphabet`].
///
/// ```
/// use araldo_sms::{DefaultAlphabet, UnknownAlphabet};
///
/// assert_eq!("ebcdic".parse::<DefaultAlphabet>(), Err(UnknownAlphabet));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a default alphabet is gsm7, gsm7_packed, ascii, latin1, utf8 or ucs2")]
pub struct UnknownAlphabet;
