//! Connections of HTTP/2: each carries many requests at once, and one more is opened for every hundred.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use araldo_rcs::limit::MAX_ANSWER_BYTES;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::RbmConfig;

/// Requests that a server commonly lets be open on one connection.
const STREAMS: u16 = 100;
/// Silence after which the other end is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// What carries requests.
pub(super) struct Exchange {
    /// One connection each, opened when it is needed.
    clients: Vec<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    next: AtomicUsize,
    timeout: Duration,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// No connection: the request did not leave.
    NotSent,
    /// It left, or may have, and no answer came.
    Unanswered,
}

impl Lost {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Unanswered => "unanswered",
        }
    }
}

impl Exchange {
    pub(super) fn new(config: &RbmConfig) -> Result<Self, String> {
        let tls = tls()?;
        let client = || {
            let mut tcp = HttpConnector::new();
            tcp.set_nodelay(true);
            tcp.set_connect_timeout(Some(config.connect_timeout));
            tcp.enforce_http(false);
            let connector = HttpsConnectorBuilder::new()
                .with_tls_config(tls.clone())
                .https_or_http()
                .enable_http2()
                .wrap_connector(tcp);
            Client::builder(TokioExecutor::new())
                .http2_only(true)
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .http2_keep_alive_interval(KEEP_ALIVE)
                .http2_adaptive_window(true)
                .build(connector)
        };
        Ok(Self {
            clients: (0..config.window.div_ceil(STREAMS)).map(|_| client()).collect(),
            next: AtomicUsize::new(0),
            timeout: config.response_timeout,
        })
    }

    /// One request and its answer, read whole.
    pub(super) async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.clients.len();
        let answered = async {
            let answer = self.clients[turn].request(request.map(Full::new)).await;
            let answer = answer.map_err(|error| {
                tracing::debug!(event = "rcs_not_answered", %error);
                if error.is_connect() {
                    Lost::NotSent
                } else {
                    Lost::Unanswered
                }
            })?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
            body.map(|body| Response::from_parts(head, body.to_bytes()))
                .map_err(|_| Lost::Unanswered)
        };
        tokio::time::timeout(self.timeout, answered)
            .await
            .unwrap_or(Err(Lost::Unanswered))
    }
}

/// Trusts the machine's roots.
fn tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
