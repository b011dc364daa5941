//! `[nats]`: events from a stream of NATS JetStream.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A stream whose messages are events. Needs a build with the feature `nats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsConfig {
    /// The server, `nats://` or `tls://` with host and port. Required.
    pub url: String,
    /// The stream. It must be there. Required.
    pub stream: String,
    /// The client in whose name its events are published; it needs the scope `events`. Required.
    pub client: String,
    /// The durable pull consumer; made where it is not there. Default `araldo`.
    pub durable: String,
    /// The subjects of the stream that are events, with `*` and `>`; empty is all.
    pub subject: String,
    /// Messages asked for at a time, 1 to 1,000. Default 200.
    pub batch: u32,
    /// Who we are: a file of credentials with user JWT and seed.
    pub credentials_file: Option<PathBuf>,
    /// The authorities to trust, in PEM; `None` is the system's.
    pub tls_ca_file: Option<PathBuf>,
    /// Our certificate, in PEM, where the server asks for one.
    pub tls_cert_file: Option<PathBuf>,
    /// Its key, in PEM.
    pub tls_key_file: Option<PathBuf>,
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            stream: String::new(),
            client: String::new(),
            durable: "araldo".to_owned(),
            subject: String::new(),
            batch: 200,
            credentials_file: None,
            tls_ca_file: None,
            tls_cert_file: None,
            tls_key_file: None,
        }
    }
}
