//! What a customer's text asks for, and with which values. Functions on values: no clock, no async, no store.
//!
//! | file | what it holds |
//! |---|---|
//! | [`catalogue`] | the commands as an operator writes them, and the lints that find two that clash |
//! | [`normalise`] | a text in two views: as written, and folded |
//! | `language`, `language/` | what is known of the languages: courtesy, text-speak, synonyms, ordinary chatter |
//! | `reading` | a text's words in its language |
//! | `keyword`, `speller` | exact and misspelt keywords |
//! | `lesson`, `feature`, `linear` | the model that knows a sentence without keyword by the examples |
//! | [`matcher`] | the order of the stages; accept, ask or none |
//! | `explain` | each stage of it for one text |
//! | `answer` | what a text says to a pending question |
//! | [`slot`] | the values that a text carries |

pub mod amount;
mod answer;
pub mod catalogue;
mod denial;
mod expand;
mod explain;
mod feature;
mod keyword;
mod language;
mod lesson;
mod linear;
mod locale;
pub mod matcher;
pub mod normalise;
mod reading;
pub mod slot;
pub(crate) mod speller;
#[cfg(test)]
pub(crate) mod tests;

pub use amount::Amount;
pub use catalogue::{Catalogue, Command};
pub use explain::Explanation;
pub use locale::Locale;
pub use matcher::{Heard, Matcher, Outcome, Pending, Understanding, Why};

/// Whether the folded word is an ordinary one of a language that texts are read in, and so no slip of another.
pub(crate) fn is_ordinary(word: &str) -> bool {
    Locale::ALL
        .into_iter()
        .any(|locale| language::Language::of(locale).is_common(word))
}
