//! `[sim_swap]`: who is asked whether the SIM of a number was changed of late.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Secret, unit};

/// A service that knows of changed SIMs, asked as CAMARA's SIM Swap has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimSwapConfig {
    /// Where is asked, by POST: https, or http to one of `webhook.allow_networks`. Required.
    pub url: String,
    /// What is shown as `Authorization: Bearer`. Set by loading, from whichever of the three forms was given. Default
    /// nothing.
    pub token: Secret,
    /// A file that holds it, read before each question: whoever signs in at the operator, whose tokens live for minutes,
    /// writes each new one there.
    pub token_file: Option<PathBuf>,
    /// The name of a systemd credential that holds it.
    pub token_credential: Option<String>,
    /// How long ago a change still counts, in whole hours, 1h to 2400h. Default 72h.
    #[serde(with = "unit::duration")]
    pub max_age: Duration,
    /// How long an answer may take, 100ms to 30s. Default 3s.
    #[serde(with = "unit::duration")]
    pub timeout: Duration,
}

impl Default for SimSwapConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            token: Secret::default(),
            token_file: None,
            token_credential: None,
            max_age: Duration::from_hours(72),
            timeout: Duration::from_secs(3),
        }
    }
}
