//! A question, as it is kept until it is answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::Code;
use crate::command::Locale;
use crate::domain::Name;

/// Values in their normal forms, as they were understood; they do not change between question and act.
pub type Frozen = Map<String, Json>;

/// How often a question is asked again before it is given up.
pub const MOST_AGAIN: u8 = 2;

/// A question that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// What was asked.
    pub asked: Asked,
    /// In which language.
    pub language: Locale,
    /// The text that led to it.
    pub text: String,
    /// How often it was asked again.
    pub again: u8,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Asked {
    /// Which of these commands was meant.
    Which {
        /// In the order of their numbers.
        offered: Vec<Name>,
    },
    /// The value of a slot.
    Value {
        /// The command.
        command: Name,
        /// The slot.
        slot: String,
        /// What is known already.
        values: Frozen,
        /// The values that were found where one was wanted, as the question names them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        found: Vec<String>,
    },
    /// Yes or no.
    Confirm {
        /// The command.
        command: Name,
        /// With these values.
        values: Frozen,
    },
    /// The code that was sent.
    Code {
        /// The command.
        command: Name,
        /// With these values.
        values: Frozen,
        /// What is known of the code.
        code: Code,
        /// Wrong ones so far.
        wrong: u8,
    },
}

impl Asked {
    /// The word for books and counters.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Which { .. } => "which",
            Self::Value { .. } => "value",
            Self::Confirm { .. } => "confirm",
            Self::Code { .. } => "code",
        }
    }

    /// The command that it is about, where that is one.
    pub const fn command(&self) -> Option<&Name> {
        match self {
            Self::Which { .. } => None,
            Self::Value { command, .. } | Self::Confirm { command, .. } | Self::Code { command, .. } => Some(command),
        }
    }

    /// How long an answer counts.
    pub const fn patience(&self) -> Duration {
        match self {
            Self::Which { .. } | Self::Value { .. } | Self::Confirm { .. } => Duration::from_mins(15),
            Self::Code { .. } => Duration::from_mins(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_back_as_it_was_kept() {
        let values: Frozen = serde_json::from_str(r#"{"amount":"10.00","currency":"EUR"}"#).unwrap();
        let command = Name::parse("topup").unwrap();
        for asked in [
            Asked::Which {
                offered: vec![command.clone()],
            },
            Asked::Value {
                command: command.clone(),
                slot: "amount".into(),
                values: values.clone(),
                found: vec!["10".into(), "20".into()],
            },
            Asked::Confirm {
                command: command.clone(),
                values: values.clone(),
            },
            Asked::Code {
                code: Code::of("123456", "n", &command, &values),
                command,
                values,
                wrong: 2,
            },
        ] {
            let pending = Pending {
                asked,
                language: Locale::It,
                text: "ricarica 10".into(),
                again: 1,
            };
            let kept = serde_json::to_string(&pending).unwrap();
            assert!(!kept.contains("123456"), "a code is kept as a hash alone");
            assert_eq!(serde_json::from_str::<Pending>(&kept).unwrap(), pending);
        }
    }
}
