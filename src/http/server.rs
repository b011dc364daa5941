//! Connections: how many, how slow, over TLS or not, and how they end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::stall::{Patience, Stall, Turns};
use crate::config::{HttpConfig, ListenConfig};

/// Bytes of a request's head; more is 431. Also the size of a read.
const MAX_HEAD: usize = 32 << 10;
/// Headers of a request; more is 431.
const MAX_HEADERS: usize = 96;
/// Connections that may wait to be accepted: a back end opens a large pool at once. The kernel's own limit may be lower.
const BACKLOG: u32 = 4_096;
/// How long the listener rests when no connection can be taken, e.g. for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a stop waits for a reader to take the end of an endless answer.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The bounds of a listener.
#[derive(Clone, Copy, Debug)]
pub struct ServeSettings {
    /// How long the head of a request may take, from its first octet on.
    pub header_timeout: Duration,
    /// How long a connection may be silent between requests.
    pub idle_timeout: Duration,
    /// How long a write may make no progress.
    pub write_timeout: Duration,
    /// Connections open at once; more wait to be taken.
    pub max_connections: u32,
    /// How long a stop waits for requests under way.
    pub drain: Duration,
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Plain HTTP beyond loopback.
    #[error("{0} is beyond loopback: give tls_cert_file and tls_key_file, or insecure_plaintext = true")]
    Plaintext(SocketAddr),
    /// The port cannot be had.
    #[error("cannot listen on {0}: {1}\n  cure: end what listens there, or give another address")]
    Bind(SocketAddr, #[source] io::Error),
    /// Certificate or key cannot be read.
    #[error("{0}: {1}")]
    Tls(String, String),
}

impl ServeSettings {
    /// The bounds of the configuration.
    pub fn new(http: &HttpConfig, drain: Duration) -> Self {
        Self {
            header_timeout: http.header_timeout,
            idle_timeout: http.idle_timeout,
            write_timeout: http.body_timeout,
            max_connections: http.max_connections,
            drain,
        }
    }
}

/// Takes the port, without serving it yet.
pub fn bind(listen: &ListenConfig) -> Result<std::net::TcpListener, ServeError> {
    let at = listen.listen;
    if !at.ip().is_loopback() && listen.tls_cert_file.is_none() && !listen.insecure_plaintext {
        return Err(ServeError::Plaintext(at));
    }
    let listen = || {
        let socket = if at.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        socket.listen(BACKLOG)?.into_std()
    };
    listen().map_err(|error| ServeError::Bind(at, error))
}

/// Serves until `stop`, then lets requests under way end. The certificate is read first.
pub async fn serve(
    listener: std::net::TcpListener,
    listen: &ListenConfig,
    router: axum::Router,
    settings: ServeSettings,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let tls = tls(listen)?;
    let listener = TcpListener::from_std(listener).map_err(|error| ServeError::Bind(listen.listen, error))?;
    let places = usize::try_from(settings.max_connections)
        .unwrap_or(1)
        .clamp(1, Semaphore::MAX_PERMITS);
    let places = Arc::new(Semaphore::new(places));
    let cut = CancellationToken::new();
    let connections = TaskTracker::new();
    let server = Arc::new(Server {
        router,
        settings,
        tls,
        stop: stop.clone(),
        cut: cut.clone(),
    });
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = stop.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let server = server.clone();
                connections.spawn(async move {
                    server.connection(stream).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(event = "accept_failed", %error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(settings.drain, connections.wait()).await.is_err() {
        tracing::warn!(event = "connections_cut", left = connections.len());
        cut.cancel();
        connections.wait().await;
    }
    Ok(())
}

/// Marks an answer that ends with the listener only.
#[derive(Clone, Copy)]
pub(super) struct Endless;

struct Server {
    router: axum::Router,
    settings: ServeSettings,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
    cut: CancellationToken,
}

impl Server {
    async fn connection(&self, stream: TcpStream) {
        stream.set_nodelay(true).ok();
        // Who says nothing costs no more than his place; what serves him is made when he begins.
        let mut first = [0];
        tokio::select! {
            begun = tokio::time::timeout(self.settings.header_timeout, stream.peek(&mut first)) => {
                if !matches!(begun, Ok(Ok(1))) {
                    return;
                }
            }
            () = self.stop.cancelled() => return,
        }
        match &self.tls {
            None => self.serve(stream).await,
            Some(tls) => self.serve_tls(stream, tls).await,
        }
    }

    /// Boxed by a function of its own: a future keeps room for what it makes, even where that is moved elsewhere.
    fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S) -> BoxFuture<'_, ()> {
        self.requests(stream).boxed()
    }

    fn serve_tls<'a>(&'a self, stream: TcpStream, tls: &'a TlsAcceptor) -> BoxFuture<'a, ()> {
        async move {
            // A hand-shake counts as a head.
            match tokio::time::timeout(self.settings.header_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.serve(stream).await,
                Ok(Err(error)) => tracing::debug!(event = "tls_failed", %error),
                Err(_) => tracing::debug!(event = "tls_timeout"),
            }
        }
        .boxed()
    }

    async fn requests<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S) {
        let patience = Patience {
            head: self.settings.header_timeout,
            idle: self.settings.idle_timeout,
            write: self.settings.write_timeout,
        };
        let turns = Turns::default();
        let stream = TokioIo::new(Stall::new(stream, patience, turns.clone()));
        let router = self.router.clone();
        let endless = Arc::new(AtomicBool::new(false));
        let is_endless = endless.clone();
        let service = tower::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (mut router, turn, endless) = (router.clone(), turns.begin(), endless.clone());
            async move {
                let answer = tower::Service::call(&mut router, request.map(Body::new)).await;
                let answer = answer.unwrap_or_else(|never| match never {});
                endless.store(answer.extensions().get::<Endless>().is_some(), Ordering::Relaxed);
                // The turn is ours until the body is written.
                let held = move |error| {
                    let _ours = &turn;
                    error
                };
                Ok::<_, Infallible>(answer.map(|body| Body::new(body.map_err(held))))
            }
        });
        let connection = http1::Builder::new()
            // hyper's covers the silence before the head too: Stall has one for each.
            .header_read_timeout(None)
            // Who has said all that he has to say still wants his answer.
            .half_close(true)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD)
            .serve_connection(stream, TowerToHyperService::new(service));
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.cut.cancelled() => return,
                    () = tokio::time::sleep(LAST_WORDS), if is_endless.load(Ordering::Relaxed) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(event = "connection_failed", %error);
        }
    }
}

fn tls(listen: &ListenConfig) -> Result<Option<TlsAcceptor>, ServeError> {
    let (Some(chain_file), Some(key_file)) = (&listen.tls_cert_file, &listen.tls_key_file) else {
        return Ok(None);
    };
    let failed = |file: &Path, error: String| ServeError::Tls(file.display().to_string(), error);
    let chain = CertificateDer::pem_file_iter(chain_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(chain_file, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| failed(key_file, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| failed(chain_file, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;
    use crate::clock::monotonic;

    const HEAD: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(75);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    /// A connection to a page, on paused time: `/` answers at once, `/slow` after longer than any bound, `/endless`
    /// without end.
    fn connect() -> DuplexStream {
        connect_until(CancellationToken::new())
    }

    fn connect_until(stop: CancellationToken) -> DuplexStream {
        let (near, far) = tokio::io::duplex(4_096);
        let endless = get(|| async {
            let lines = futures_util::stream::repeat(Ok::<_, Infallible>("a line\n"));
            (axum::Extension(Endless), Body::from_stream(lines))
        });
        let slow = get(|| async {
            tokio::time::sleep(4 * IDLE).await;
            "ok"
        });
        let server = Server {
            router: axum::Router::new()
                .route("/", get(|| async { "ok" }))
                .route("/slow", slow)
                .route("/endless", endless),
            settings: ServeSettings {
                header_timeout: HEAD,
                idle_timeout: IDLE,
                write_timeout: Duration::from_secs(30),
                max_connections: 1,
                drain: Duration::ZERO,
            },
            tls: None,
            stop,
            cut: CancellationToken::new(),
        };
        tokio::spawn(async move { server.requests(far).await });
        near
    }

    async fn is_answered(stream: &mut DuplexStream, request: &[u8]) {
        stream.write_all(request).await.unwrap();
        let mut buffer = [0; 4_096];
        let length = stream.read(&mut buffer).await.unwrap();
        let answer = String::from_utf8_lossy(&buffer[..length]);
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok"),
            "{answer}"
        );
        assert!(answer.contains("content-length: 2"), "{answer}");
    }

    /// Waits until the server closes; how long that took.
    async fn closed(stream: &mut DuplexStream) -> Duration {
        let begun = monotonic();
        assert_eq!(stream.read(&mut [0; 64]).await.unwrap(), 0, "no answer");
        monotonic().duration_since(begun)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_may_be_idle_for_a_while_between_requests() {
        let mut stream = connect();
        for _ in 0..3 {
            is_answered(&mut stream, REQUEST).await;
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_stays_idle_is_closed() {
        let mut stream = connect();
        assert!(
            (HEAD..2 * HEAD).contains(&closed(&mut stream).await),
            "before its first request"
        );
        let mut stream = connect();
        is_answered(&mut stream, REQUEST).await;
        assert!((IDLE..IDLE + HEAD).contains(&closed(&mut stream).await), "after it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_must_be_whole_in_time_the_second_one_too() {
        for answered in [0, 1] {
            let mut stream = connect();
            for _ in 0..answered {
                is_answered(&mut stream, REQUEST).await;
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
            let begun = monotonic();
            let mut octets = REQUEST[..20].iter().chain(std::iter::repeat(&b'a'));
            while let Some(octet) = octets.next()
                && stream.write_all(&[*octet]).await.is_ok()
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let took = monotonic().duration_since(begun);
            assert!((HEAD..2 * HEAD).contains(&took), "{took:?} after {answered}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_wait_for_who_does_not_read_an_endless_answer() {
        let stop = CancellationToken::new();
        let mut stream = connect_until(stop.clone());
        stream
            .write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        stream.read_exact(&mut [0; 64]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        stop.cancel();
        tokio::time::sleep(2 * LAST_WORDS).await;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.len() <= 4_096, "what was on its way, and the end");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_its_time() {
        let mut stream = connect();
        for _ in 0..2 {
            is_answered(&mut stream, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        }
        assert!(closed(&mut stream).await >= IDLE, "idle only from its end on");
    }
}
