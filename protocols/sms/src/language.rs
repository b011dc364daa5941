//! The languages that have tables of their own in the GSM 7-bit alphabet.

use std::fmt;
use std::str::FromStr;

/// A language with national tables (3GPP TS 23.038 §6.2.1.2.4 numbers them).
///
/// ```
/// use araldo_sms::Language;
///
/// assert_eq!(Language::from_number(3), Some(Language::Portuguese));
/// assert_eq!(Language::Turkish.number(), 1);
/// assert_eq!("hindi".parse(), Ok(Language::Hindi));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// ğ, ı, ş, İ beside what the default alphabet has.
    Turkish = 1,
    /// The accented vowels that the default alphabet lacks; no locking table.
    Spanish = 2,
    /// The accented vowels of Portuguese.
    Portuguese = 3,
    /// Bengali and Assamese.
    Bengali = 4,
    /// Gujarati.
    Gujarati = 5,
    /// Hindi, in Devanagari.
    Hindi = 6,
    /// Kannada.
    Kannada = 7,
    /// Malayalam.
    Malayalam = 8,
    /// Oriya.
    Oriya = 9,
    /// Punjabi, in Gurmukhi.
    Punjabi = 10,
    /// Tamil.
    Tamil = 11,
    /// Telugu.
    Telugu = 12,
    /// Urdu, and Arabic letters with it.
    Urdu = 13,
}

impl Language {
    /// All of them, by number.
    ///
    /// ```
    /// # use araldo_sms::Language;
    /// assert_eq!(Language::ALL.len(), 13);
    /// ```
    pub const ALL: [Self; 13] = [
        Self::Turkish,
        Self::Spanish,
        Self::Portuguese,
        Self::Bengali,
        Self::Gujarati,
        Self::Hindi,
        Self::Kannada,
        Self::Malayalam,
        Self::Oriya,
        Self::Punjabi,
        Self::Tamil,
        Self::Telugu,
        Self::Urdu,
    ];

    /// Reads the octet of an information element; `None` for a number that the standard reserves.
    ///
    /// ```
    /// # use araldo_sms::Language;
    /// assert_eq!(Language::from_number(13), Some(Language::Urdu));
    /// assert_eq!((Language::from_number(0), Language::from_number(14)), (None, None));
    /// ```
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// The octet for an information element, 1 to 13.
    ///
    /// ```
    /// # use araldo_sms::Language;
    /// assert_eq!(Language::Tamil.number(), 11);
    /// ```
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Whether it has a locking table; Spanish alone has none.
    ///
    /// ```
    /// # use araldo_sms::Language;
    /// assert!(!Language::Spanish.has_locking_table());
    /// ```
    #[must_use]
    pub fn has_locking_table(self) -> bool {
        self != Self::Spanish
    }

    /// The word for it in our API and configuration: its English name in lower case.
    ///
    /// ```
    /// # use araldo_sms::Language;
    /// assert_eq!(Language::Gujarati.as_str(), "gujarati");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Turkish => "turkish",
            Self::Spanish => "spanish",
            Self::Portuguese => "portuguese",
            Self::Bengali => "bengali",
            Self::Gujarati => "gujarati",
            Self::Hindi => "hindi",
            Self::Kannada => "kannada",
            Self::Malayalam => "malayalam",
            Self::Oriya => "oriya",
            Self::Punjabi => "punjabi",
            Self::Tamil => "tamil",
            Self::Telugu => "telugu",
            Self::Urdu => "urdu",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|language| language.as_str() == word);
        named.ok_or(UnknownLanguage)
    }
}

/// A word that names no [`Language`].
///
/// ```
/// use araldo_sms::{Language, UnknownLanguage};
///
/// assert_eq!("klingon".parse::<Language>(), Err(UnknownLanguage));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no national table is named so; they are turkish, spanish, portuguese, bengali, gujarati, hindi, kannada, malayalam, oriya, punjabi, tamil, telugu and urdu"
)]
pub struct UnknownLanguage;

/// A set of languages, such as those whose tables a carrier's handsets know.
///
/// ```
/// use araldo_sms::{Language, Languages};
///
/// let languages: Languages = [Language::Turkish, Language::Spanish].into_iter().collect();
/// assert!(languages.contains(Language::Spanish));
/// assert!(!languages.contains(Language::Urdu));
/// assert_eq!(languages.iter().count(), 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Languages(u16);

impl Languages {
    /// Every language.
    ///
    /// ```
    /// # use araldo_sms::Languages;
    /// assert_eq!(Languages::ALL.iter().count(), 13);
    /// ```
    pub const ALL: Self = Self(0b11_1111_1111_1110);

    /// Whether `language` is one of them.
    ///
    /// ```
    /// # use araldo_sms::{Language, Languages};
    /// assert!(!Languages::default().contains(Language::Hindi));
    /// ```
    #[must_use]
    pub fn contains(self, language: Language) -> bool {
        self.0 & 1 << language.number() != 0
    }

    /// Those in the set, by number.
    ///
    /// ```
    /// # use araldo_sms::{Language, Languages};
    /// let languages: Languages = [Language::Urdu, Language::Hindi].into_iter().collect();
    /// assert_eq!(languages.iter().collect::<Vec<_>>(), [Language::Hindi, Language::Urdu]);
    /// ```
    pub fn iter(self) -> impl Iterator<Item = Language> {
        Language::ALL
            .into_iter()
            .filter(move |language| self.contains(*language))
    }
}

impl FromIterator<Language> for Languages {
    fn from_iter<I: IntoIterator<Item = Language>>(languages: I) -> Self {
        Self(
            languages
                .into_iter()
                .fold(0, |set, language| set | 1 << language.number()),
        )
    }
}
