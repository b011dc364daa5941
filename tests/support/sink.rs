//! A back end that receives webhooks, well or badly, and keeps all that came.
//!
//! ```ignore
//! let sink = Sink::start(&[SECRET]).await;                   // https on 127.0.0.1; Sink::plain for http
//! sink.script("/hook", [Reply::Status(500), Reply::Hang]);   // one a request, the last for good; without script 200
//! // ... url = sink.url("/hook"), webhook.ca_file = sink.ca_file()
//! let seen = sink.wait(3, Duration::from_secs(10)).await;    // in the order they came
//! ```
//!
//! Signatures are verified with ring's HMAC: the daemon has another. Dropping the sink ends it and its connections.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use araldo::clock::monotonic;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, header};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use ring::hmac;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status and no body.
    Status(u16),
    /// A status after a while.
    Late(u16, Duration),
    /// A status with Retry-After.
    RetryAfter(u16, String),
    /// 302 to this place.
    Redirect(String),
    /// Nothing, for ever.
    Hang,
    /// A status, and a body of so many octets as fast as they are taken.
    Flood(u16, u64),
    /// A status, and a body that never ends, an octet at each interval.
    Drip(u16, Duration),
    /// The connection ends before the request's body was read.
    CutUnread,
    /// It ends after the whole request was read.
    CutRead,
    /// It ends amid the answer's body, after a status.
    CutAnswer(u16),
}

/// How connections are received, whatever is asked on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// As they should be.
    Open,
    /// Accepted and closed.
    Cut,
    /// Accepted, and not a word.
    Silent,
    /// Closed amid the handshake of TLS.
    CutHandshake,
    /// The certificate is of an authority that nobody trusts.
    Stranger,
    /// The certificate is another host's.
    WrongName,
    /// The certificate has ended.
    Expired,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// When its head was read.
    pub(crate) at: Instant,
    /// The how-manieth connection it came on, from 1.
    pub(crate) connection: u64,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// Empty where it was not read.
    pub(crate) body: Bytes,
    /// Whether a signature is by one of the sink's secrets over what came, or why not.
    pub(crate) signature: Result<(), String>,
    /// What it was answered with.
    pub(crate) reply: Reply,
}

impl Seen {
    /// The text of a header; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `webhook-id`.
    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

/// The receiver.
pub(crate) struct Sink {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    tls: Option<Tls>,
    keys: Vec<hmac::Key>,
    door: Mutex<Door>,
    scripts: Mutex<HashMap<String, VecDeque<Reply>>>,
    first: Mutex<HashMap<String, First>>,
    seen: Mutex<Vec<Seen>>,
    news: Notify,
    connections: AtomicU64,
    flooded: AtomicU64,
}

impl Sink {
    /// Receives by https; `ca_file` is who to trust.
    pub(crate) async fn start(secrets: &[&str]) -> Self {
        Self::listen(secrets, Some(Tls::new())).await
    }

    /// Receives by http.
    pub(crate) async fn plain(secrets: &[&str]) -> Self {
        Self::listen(secrets, None).await
    }

    async fn listen(secrets: &[&str], tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            tls,
            keys: secrets.iter().map(|secret| key(secret)).collect(),
            door: Mutex::new(Door::Open),
            scripts: Mutex::default(),
            first: Mutex::default(),
            seen: Mutex::default(),
            news: Notify::new(),
            connections: AtomicU64::new(0),
            flooded: AtomicU64::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Self { addr, shared, task }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.addr)
    }

    /// The authority that signed the certificate, in PEM. It holds for 127.0.0.1, localhost and `sink.example`.
    pub(crate) fn ca_file(&self) -> &Path {
        self.shared.tls.as_ref().expect("a sink with TLS").ca_file.path()
    }

    /// What the next requests to a path are answered with: one each, and the last for good.
    pub(crate) fn script(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies = replies.into_iter().collect();
        self.shared.scripts.lock().unwrap().insert(path.to_owned(), replies);
    }

    /// What the next notices to a path are answered with when they first come: one each, and then 200. A notice that
    /// comes again is taken.
    pub(crate) fn script_first(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let first = First {
            replies: replies.into_iter().collect(),
            came: HashSet::new(),
        };
        self.shared.first.lock().unwrap().insert(path.to_owned(), first);
    }

    /// How connections are received from now on. Those that are open stay.
    pub(crate) fn door(&self, door: Door) {
        *self.shared.door.lock().unwrap() = door;
    }

    /// All requests so far, in the order they came.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The requests once there are `count` of them; fails when there are not within `limit`.
    pub(crate) async fn wait(&self, count: usize, limit: Duration) -> Vec<Seen> {
        let enough = async {
            loop {
                let news = self.shared.news.notified();
                let seen = self.seen();
                if seen.len() >= count {
                    return seen;
                }
                news.await;
            }
        };
        let late = || {
            panic!(
                "not within {limit:?}: {count} requests; there are {}",
                self.seen().len()
            )
        };
        tokio::time::timeout(limit, enough).await.unwrap_or_else(|_| late())
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Octets of floods that were taken from us so far.
    pub(crate) fn flooded(&self) -> u64 {
        self.shared.flooded.load(Ordering::Relaxed)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and with it every connection.
    let mut open = JoinSet::new();
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        while open.try_join_next().is_some() {}
        let number = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
        open.spawn(receive(tcp, Arc::clone(&shared), number));
    }
}

/// How a connection ends is the other side's to judge.
async fn receive(mut tcp: TcpStream, shared: Arc<Shared>, number: u64) {
    let door = *shared.door.lock().unwrap();
    match (door, &shared.tls) {
        (Door::Cut, _) => {}
        (Door::Silent, _) => std::future::pending().await,
        (Door::CutHandshake, _) => {
            let _ = tcp.read(&mut [0; 64]).await;
        }
        (_, None) => serve(tcp, shared, number).await,
        (_, Some(tls)) => {
            let config = tls.config(door);
            if let Ok(stream) = TlsAcceptor::from(config).accept(tcp).await {
                serve(stream, shared, number).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>, number: u64) {
    let service = service_fn(|request| answer(request, &shared, number));
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

async fn answer(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    connection: u64,
) -> Result<Response<Body>, io::Error> {
    let at = monotonic();
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let reply = shared.next_reply(&path, &head.headers);
    let unread = matches!(reply, Reply::CutUnread);
    let body = if unread {
        Bytes::new()
    } else {
        body.collect().await.map_err(io::Error::other)?.to_bytes()
    };
    let signature = if unread {
        Err("the body was not read".to_owned())
    } else {
        verify(&shared.keys, &head.headers, &body)
    };
    shared.seen.lock().unwrap().push(Seen {
        at,
        connection,
        path,
        headers: head.headers,
        body,
        signature,
        reply: reply.clone(),
    });
    shared.news.notify_waiters();
    give(reply, shared).await
}

async fn give(reply: Reply, shared: &Arc<Shared>) -> Result<Response<Body>, io::Error> {
    let cut = || Err(io::Error::other("cut"));
    let empty = || Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync();
    let (status, header, body) = match reply {
        Reply::Status(status) => (status, None, empty()),
        Reply::Late(status, pause) => {
            tokio::time::sleep(pause).await;
            (status, None, empty())
        }
        Reply::RetryAfter(status, value) => (status, Some((header::RETRY_AFTER, value)), empty()),
        Reply::Redirect(place) => (302, Some((header::LOCATION, place)), empty()),
        Reply::Hang => std::future::pending().await,
        Reply::Flood(status, octets) => (status, None, flood(octets, Arc::clone(shared))),
        Reply::Drip(status, pause) => (status, None, drip(pause)),
        Reply::CutUnread | Reply::CutRead => return cut(),
        Reply::CutAnswer(status) => {
            let cut = async {
                // What came before leaves while we wait.
                tokio::task::yield_now().await;
                Err(io::Error::other("cut"))
            };
            let octets = stream::iter([Ok(Frame::data(Bytes::from_static(b"{")))]).chain(stream::once(cut));
            let length = Some((header::CONTENT_LENGTH, "1000".to_owned()));
            (status, length, StreamBody::new(octets).boxed_unsync())
        }
    };
    let mut response = Response::builder().status(status);
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    Ok(response.body(body).unwrap())
}

fn flood(octets: u64, shared: Arc<Shared>) -> Body {
    const PIECE: u64 = 16 * 1024;
    let pieces = stream::iter(0..octets.div_ceil(PIECE)).map(move |number| {
        let size = PIECE.min(octets - number * PIECE);
        shared.flooded.fetch_add(size, Ordering::Relaxed);
        Ok(Frame::data(vec![b' '; usize::try_from(size).unwrap()].into()))
    });
    StreamBody::new(pieces).boxed_unsync()
}

fn drip(pause: Duration) -> Body {
    let octets = stream::repeat(()).then(move |()| async move {
        tokio::time::sleep(pause).await;
        Ok(Frame::data(Bytes::from_static(b" ")))
    });
    StreamBody::new(octets).boxed_unsync()
}

/// A script by notice.
struct First {
    replies: VecDeque<Reply>,
    came: HashSet<String>,
}

impl First {
    fn next(&mut self, notice: String) -> Reply {
        let scripted = self.came.insert(notice).then(|| self.replies.pop_front()).flatten();
        scripted.unwrap_or(Reply::Status(200))
    }
}

impl Shared {
    fn next_reply(&self, path: &str, headers: &HeaderMap) -> Reply {
        if let Some(first) = self.first.lock().unwrap().get_mut(path) {
            let id = headers.get("webhook-id").and_then(|id| id.to_str().ok());
            return first.next(id.unwrap_or_default().to_owned());
        }
        let mut scripts = self.scripts.lock().unwrap();
        match scripts.get_mut(path) {
            Some(replies) if replies.len() > 1 => replies.pop_front().unwrap(),
            Some(replies) => replies.front().cloned().unwrap_or(Reply::Status(200)),
            None => Reply::Status(200),
        }
    }
}

/// The key of a secret `whsec_…`.
fn key(secret: &str) -> hmac::Key {
    let octets = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    hmac::Key::new(hmac::HMAC_SHA256, &octets)
}

/// Whether one of the signatures is by one of the keys (Standard Webhooks 1.0.0). How old it is, is not judged.
fn verify(keys: &[hmac::Key], headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
    let text = |name: &str| {
        let value = headers.get(name).ok_or_else(|| format!("no {name}"))?;
        value.to_str().map_err(|error| format!("{name}: {error}"))
    };
    let (id, timestamp, signatures) = (
        text("webhook-id")?,
        text("webhook-timestamp")?,
        text("webhook-signature")?,
    );
    timestamp
        .parse::<i64>()
        .map_err(|error| format!("webhook-timestamp: {error}"))?;
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(body);
    let genuine = signatures.split(' ').any(|signature| {
        let tag = signature
            .strip_prefix("v1,")
            .and_then(|text| STANDARD.decode(text).ok());
        tag.is_some_and(|tag| keys.iter().any(|key| hmac::verify(key, &signed, &tag).is_ok()))
    });
    if genuine {
        Ok(())
    } else {
        Err(format!("no signature of {id} is by a key of ours"))
    }
}

/// The certificates that the sink shows.
struct Tls {
    ca_file: NamedTempFile,
    genuine: Arc<ServerConfig>,
    stranger: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
}

impl Tls {
    fn new() -> Self {
        let (trusted, stranger) = (authority("trusted"), authority("stranger"));
        let ca_file = NamedTempFile::new().unwrap();
        std::fs::write(ca_file.path(), trusted.pem()).unwrap();
        let ours = ["127.0.0.1", "localhost", "sink.example"];
        Self {
            ca_file,
            genuine: server(&trusted, &ours, false),
            stranger: server(&stranger, &ours, false),
            wrong_name: server(&trusted, &["other.example"], false),
            expired: server(&trusted, &ours, true),
        }
    }

    fn config(&self, door: Door) -> Arc<ServerConfig> {
        Arc::clone(match door {
            Door::Stranger => &self.stranger,
            Door::WrongName => &self.wrong_name,
            Door::Expired => &self.expired,
            Door::Open | Door::Cut | Door::Silent | Door::CutHandshake => &self.genuine,
        })
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn server(authority: &CertifiedIssuer<'static, KeyPair>, names: &[&str], expired: bool) -> Arc<ServerConfig> {
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    if expired {
        (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = builder.with_no_client_auth();
    Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
}
