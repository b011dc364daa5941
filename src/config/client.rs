//! `[client.ID]`: a back-end system.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Secret, unit};
use crate::domain::SenderId;

/// A back-end system: what it shows, what it may do, where it hears what became of its messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientConfig {
    /// The API key it shows as `Authorization: Bearer`. Set by loading, from whichever of the three forms was given;
    /// required.
    pub key: Secret,
    /// A file that holds the key.
    pub key_file: Option<PathBuf>,
    /// The name of a systemd credential that holds the key.
    pub key_credential: Option<String>,
    /// What it may do. Default `send` and `read`.
    pub scopes: Vec<Scope>,
    /// Whether a message without Idempotency-Key is refused. Default false.
    pub require_idempotency_key: bool,
    /// The senders it may use; empty is any.
    pub senders: Vec<SenderId>,
    /// The sender of a message that names none. `None`: a message must name one.
    pub default_sender: Option<SenderId>,
    /// Messages a second; more get 429. 0, the default, is unlimited.
    pub rate: u32,
    /// Where its outcomes and inbound texts are posted. `None`: it asks for them.
    pub webhook: Option<ClientWebhookConfig>,
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Send and cancel messages.
    Send,
    /// Read its messages.
    Read,
    /// Read inbound texts.
    Inbound,
    /// Publish events.
    Events,
    /// Read and change consents.
    Consent,
    /// Work on cases.
    Cases,
    /// Act for the operator.
    Admin,
}

/// Where a client hears what became of its messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientWebhookConfig {
    /// Where events are posted: https, or http to one of `webhook.allow_networks`. Required.
    pub url: String,
    /// The secret of the signature: `whsec_` and the base64 of 24 to 64 bytes. Set by loading, from whichever of the
    /// three forms was given; required.
    pub secret: Secret,
    /// A file that holds the secret.
    pub secret_file: Option<PathBuf>,
    /// The name of a systemd credential that holds the secret.
    pub secret_credential: Option<String>,
    /// The secret before this one, while receivers may still hold it: events are signed with both. In the same three
    /// forms.
    pub previous_secret: Secret,
    /// A file that holds the secret before this one.
    pub previous_secret_file: Option<PathBuf>,
    /// The name of a systemd credential that holds the secret before this one.
    pub previous_secret_credential: Option<String>,
    /// The events wanted, e.g. `message.delivered`; empty is all.
    pub events: Vec<String>,
    /// Events in one post, 1 to 1000; above 1 the body is an array. Default 1.
    pub batch: u16,
    /// Posts under way at a time to one endpoint, 1 to 64. Default 8.
    pub concurrency: u16,
    /// How long an answer may take. Default 20 s.
    #[serde(with = "unit::duration")]
    pub timeout: Duration,
}

impl Scope {
    /// The word of the configuration and of the API's errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Inbound => "inbound",
            Self::Events => "events",
            Self::Consent => "consent",
            Self::Cases => "cases",
            Self::Admin => "admin",
        }
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            key: Secret::default(),
            key_file: None,
            key_credential: None,
            scopes: vec![Scope::Send, Scope::Read],
            require_idempotency_key: false,
            senders: Vec::new(),
            default_sender: None,
            rate: 0,
            webhook: None,
        }
    }
}

impl Default for ClientWebhookConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: Secret::default(),
            secret_file: None,
            secret_credential: None,
            previous_secret: Secret::default(),
            previous_secret_file: None,
            previous_secret_credential: None,
            events: Vec::new(),
            batch: 1,
            concurrency: 8,
            timeout: Duration::from_secs(20),
        }
    }
}
