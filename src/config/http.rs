//! `[http]`: the listeners and the limits of a request.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::unit;

/// The listeners and the limits of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// The API of the back-end systems. Default `127.0.0.1:8480`.
    pub api: ListenConfig,
    /// Metrics, health and the operators' acts. Default `127.0.0.1:8481`.
    pub admin: ListenConfig,
    /// Bytes of a request's body, and of a line of NDJSON; more is 413. Default 256 KiB.
    #[serde(with = "unit::size")]
    pub max_body: u64,
    /// How long the head of a request may take, from its first octet on. Default 10 s.
    #[serde(with = "unit::duration")]
    pub header_timeout: Duration,
    /// How long a connection may be silent between requests. Default 75 s.
    #[serde(with = "unit::duration")]
    pub idle_timeout: Duration,
    /// How long a body may make no progress. Default 30 s.
    #[serde(with = "unit::duration")]
    pub body_timeout: Duration,
    /// Connections open at once on one listener, 1 to 65535; more wait to be taken. Default 4096.
    pub max_connections: u32,
    /// Requests being answered at once on one listener, 1 to 65535; more get 503. Default 4096.
    pub max_requests: u32,
    /// Streams open at once of one client, 1 to 1024; more get 429. Default 16.
    pub max_streams: u32,
}

/// Where to listen, and with which certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// Address and port; port 0 takes a free one. Beyond loopback it needs a certificate or `insecure_plaintext`.
    pub listen: SocketAddr,
    /// The certificate chain in PEM, the server's own first. `None` is plain HTTP.
    #[serde(default)]
    pub tls_cert_file: Option<PathBuf>,
    /// The certificate's key in PEM.
    #[serde(default)]
    pub tls_key_file: Option<PathBuf>,
    /// Allows plain HTTP beyond loopback, e.g. behind a proxy that ends TLS. Default false.
    #[serde(default)]
    pub insecure_plaintext: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            api: ListenConfig::loopback(8480),
            admin: ListenConfig::loopback(8481),
            max_body: 256 << 10,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            max_connections: 4096,
            max_requests: 4096,
            max_streams: 16,
        }
    }
}

impl ListenConfig {
    /// Plain HTTP on this host only.
    pub fn loopback(port: u16) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            tls_cert_file: None,
            tls_key_file: None,
            insecure_plaintext: false,
        }
    }
}
