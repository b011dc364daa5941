//! `[verification]`: the codes that certify a number.

use serde::{Deserialize, Serialize};

use crate::domain::Name;

/// How a number becomes certified for a customer: a code goes there, and comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerificationConfig {
    /// The template of the code's text, with `code` and `minutes`. `None`: `verification` of `two_way.words`.
    pub template: Option<Name>,
    /// Codes that are sent to one number in an hour, 1 to 100. Default 5.
    pub per_hour: u32,
}

impl Default for VerificationConfig {
    fn default() -> Self {
        Self {
            template: None,
            per_hour: 5,
        }
    }
}
