//! A small HTTP/1.1 client: one connection on this host, one request after the other.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::AdminOptions;
use super::problem::{AdminError, Problem};
use crate::cli::Global;
use crate::config::Config;

/// How long the daemon may take to answer; a person waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer read: a thousand messages with their texts are far below.
const MAX_ANSWER: usize = 64 << 20;
/// The file in the state directory that holds the token.
const TOKEN_FILE: &str = "admin.token";

/// A connection to the daemon's admin listener.
pub(super) struct AdminClient {
    addr: SocketAddr,
    token: String,
    sender: SendRequest<Full<Bytes>>,
    config: Option<Config>,
}

impl AdminClient {
    /// Finds the daemon and its token, and connects.
    pub(super) async fn connect(global: &Global, options: &AdminOptions) -> Result<Self, AdminError> {
        let config = match (options.admin, &options.token_file) {
            (Some(_), Some(_)) => None,
            _ => Some(Config::load_without_secrets(&global.load_options()).map_err(AdminError::Config)?),
        };
        let addr = match (options.admin, &config) {
            (Some(addr), _) => addr,
            (None, Some(config)) => listener(config)?,
            (None, None) => unreachable!("the configuration is left out only where --admin is given"),
        };
        let sender = open(addr).await?;
        let token_path = match (&options.token_file, &config) {
            (Some(path), _) => path.clone(),
            (None, Some(config)) => config.state_dir.join(TOKEN_FILE),
            (None, None) => PathBuf::from(TOKEN_FILE),
        };
        let token = read_token(&token_path)?;
        Ok(Self {
            addr,
            token,
            sender,
            config,
        })
    }

    /// The configuration of this host, where it was needed.
    pub(super) fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }

    /// Asks for what stands under a path of the admin API, e.g. `status`.
    pub(super) async fn get(&mut self, path: &str) -> Result<Value, AdminError> {
        self.request(Method::GET, path, None).await
    }

    /// Posts a document, or nothing where the act says all.
    pub(super) async fn post(&mut self, path: &str, body: Option<&Value>) -> Result<Value, AdminError> {
        self.request(Method::POST, path, body).await
    }

    /// Takes away what stands under a path.
    pub(super) async fn delete(&mut self, path: &str) -> Result<Value, AdminError> {
        self.request(Method::DELETE, path, None).await
    }

    async fn request(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, AdminError> {
        if self.sender.is_closed() {
            self.sender = open(self.addr).await?;
        }
        let request = Request::builder()
            .method(method)
            .uri(format!("/admin/v1/{path}"))
            .header(HOST, self.addr.to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.map_or_else(Bytes::new, |body| body.to_string().into())))
            .map_err(|error| AdminError::Usage(format!("this cannot be asked: {error}")))?;
        let addr = self.addr;
        let answer = timeout(ANSWER_TIMEOUT, async {
            let response = self
                .sender
                .send_request(request)
                .await
                .map_err(|error| broken(addr, &error))?;
            let (status, body) = (
                response.status().as_u16(),
                Limited::new(response.into_body(), MAX_ANSWER),
            );
            let body = body.collect().await.map_err(|error| AdminError::NotOurs {
                addr,
                what: error.to_string(),
            })?;
            Ok::<_, AdminError>((status, body.to_bytes()))
        });
        let (status, body) = answer.await.map_err(|_| AdminError::Unreachable {
            addr,
            source: io::Error::new(io::ErrorKind::TimedOut, "no answer within 30 s"),
        })??;
        self.read(status, &body)
    }

    fn read(&self, status: u16, body: &[u8]) -> Result<Value, AdminError> {
        let not_ours = |what: String| AdminError::NotOurs { addr: self.addr, what };
        if (200..300).contains(&status) {
            return match body {
                [] => Ok(Value::Null),
                body => serde_json::from_slice(body).map_err(|error| not_ours(format!("status {status}, {error}"))),
            };
        }
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) if problem.code.is_some() => Err(AdminError::Problem {
                status,
                problem: Box::new(problem),
            }),
            _ => Err(not_ours(format!("status {status} without a problem"))),
        }
    }
}

/// The address at which this host reaches the configured listener.
fn listener(config: &Config) -> Result<SocketAddr, AdminError> {
    let listen = &config.http.admin;
    if listen.tls_cert_file.is_some() {
        let text = "http.admin speaks TLS, which this command does not: keep a listener without certificate on \
                    loopback and name it with --admin";
        return Err(AdminError::Usage(text.to_owned()));
    }
    let addr = listen.listen;
    Ok(match addr.ip() {
        // Whoever listens everywhere listens on loopback too, and acts are heard only there.
        ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), addr.port()),
        _ => addr,
    })
}

async fn open(addr: SocketAddr) -> Result<SendRequest<Full<Bytes>>, AdminError> {
    let unreachable = |source| AdminError::Unreachable { addr, source };
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(addr)).await;
    let stream = stream
        .map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?
        .map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(addr, &error))?;
    // It ends with the connection; what goes wrong there reaches whoever waits for an answer.
    drop(tokio::spawn(async move { drop(connection.await) }));
    Ok(sender)
}

/// A connection that broke is a daemon that is gone; an answer that cannot be read is somebody else's.
fn broken(addr: SocketAddr, error: &hyper::Error) -> AdminError {
    if error.is_parse() {
        return AdminError::NotOurs {
            addr,
            what: error.to_string(),
        };
    }
    AdminError::Unreachable {
        addr,
        source: io::Error::other(error.to_string()),
    }
}

fn read_token(path: &Path) -> Result<String, AdminError> {
    let failed = |source| AdminError::Token {
        path: path.to_owned(),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "it holds no token")));
    }
    Ok(token.to_owned())
}

/// A query string of the parameters that were given.
pub(super) fn query(parameters: &[(&str, Option<String>)]) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        let Some(value) = value else { continue };
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        escape_into(&mut query, value);
    }
    query
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let mut escaped = String::new();
    escape_into(&mut escaped, text);
    escaped
}

/// Percent-encodes all but unreserved characters (RFC 3986 §2.3).
fn escape_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => {
                out.push('%');
                out.push_str(&hex::encode_upper([byte]));
            }
        }
    }
}
