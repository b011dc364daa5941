//! `[webhook]`: which networks a webhook may reach, and whom it trusts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::Network;

/// Where webhooks may go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Private or loopback networks that a webhook may reach, and reach by plain http. Default none.
    pub allow_networks: Vec<Network>,
    /// Certificates in PEM of authorities that webhooks trust besides the machine's.
    pub ca_file: Option<PathBuf>,
}
