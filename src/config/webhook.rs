//! `[webhook]`: which networks a webhook may reach, and whom it trusts.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::unit;
use crate::domain::Network;

/// Where webhooks may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Private or loopback networks that a webhook may reach, and reach by plain http. Default none.
    pub allow_networks: Vec<Network>,
    /// Certificates in PEM of authorities that webhooks trust besides the machine's.
    pub ca_file: Option<PathBuf>,
    /// The longest pause of an endpoint that fails again and again, before it is probed by one post. Default 5 min.
    #[serde(with = "unit::duration")]
    pub max_pause: Duration,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            allow_networks: Vec::new(),
            ca_file: None,
            max_pause: Duration::from_mins(5),
        }
    }
}
