//! What somebody wants of our messages, and how we know.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::UnknownWord;

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Will {
    /// No messages.
    OptedOut,
    /// Messages.
    OptedIn,
    /// Nothing said: what was said before is taken back.
    Withdrawn,
}

/// How it came here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A text from the handset.
    Sms,
    /// A text by RCS, or what a menu of its handset says.
    Rcs,
    /// A back-end system.
    Api,
    /// An operator.
    Operator,
    /// A list from elsewhere.
    Import,
}

impl Will {
    const ALL: [Self; 3] = [Self::OptedOut, Self::OptedIn, Self::Withdrawn];

    /// The word of the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::OptedIn => "opted_in",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Source {
    const ALL: [Self; 5] = [Self::Sms, Self::Rcs, Self::Api, Self::Operator, Self::Import];

    /// The word of the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Rcs => "rcs",
            Self::Api => "api",
            Self::Operator => "operator",
            Self::Import => "import",
        }
    }
}

impl FromStr for Will {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|will| will.as_str() == word);
        found.ok_or_else(|| UnknownWord::new("state of a consent", word))
    }
}

impl FromStr for Source {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|source| source.as_str() == word);
        found.ok_or_else(|| UnknownWord::new("source of a consent", word))
    }
}

impl fmt::Display for Will {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
