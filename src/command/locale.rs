//! The languages that texts are read in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A language of texts, by its ISO 639-1 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    /// Italian.
    It,
    /// English.
    En,
    /// French.
    Fr,
    /// German.
    De,
    /// Spanish.
    Es,
    /// Portuguese.
    Pt,
}

impl Locale {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::It, Self::En, Self::Fr, Self::De, Self::Es, Self::Pt];

    /// The ISO 639-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::It => "it",
            Self::En => "en",
            Self::Fr => "fr",
            Self::De => "de",
            Self::Es => "es",
            Self::Pt => "pt",
        }
    }

    /// Its place in [`Locale::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl std::str::FromStr for Locale {
    type Err = crate::domain::UnknownWord;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|locale| locale.code() == code);
        found.ok_or_else(|| crate::domain::UnknownWord::new("language", code))
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
