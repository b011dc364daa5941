//! Posts webhooks after Standard Webhooks 1.0.0 and tells what became of each.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::{ConnectError, Connector, Resolver, SystemResolver, TrustError};
use super::guard::AddressGuard;
use super::signature::Keys;
use super::target::Target;
use crate::domain::UnixMillis;

/// Octets of an answer's body that are read, so that the connection may be used again.
const MAX_ANSWER: usize = 64 * 1024;
/// Octets of an answer's head; more breaks the connection.
const MAX_HEAD: usize = 64 * 1024;
/// Connections to one host that are kept while nothing is sent: as many calls as may be under way at the most, since each
/// burst opens anew what was not kept.
const IDLE_CONNECTIONS: usize = 1_000;
/// How long they are kept: less than the 5 s after which many servers close theirs, which may cross a request.
const IDLE: Duration = Duration::from_secs(4);
/// The longest pause that an endpoint is granted.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Posts webhooks, over connections that it keeps. Cloned freely; the clones share the connections.
#[derive(Clone)]
pub struct Webhooks(pub(super) Client<Connector, Full<Bytes>>);

/// One request: an event, or a batch of them.
pub struct Post<'a> {
    /// Where to: https, or http to an allowed network.
    pub url: &'a str,
    /// `webhook-id`: the same each time that the same event or batch is sent. Visible ASCII.
    pub id: &'a str,
    /// When it is sent: `webhook-timestamp`, in seconds.
    pub at: UnixMillis,
    /// What signs it.
    pub keys: &'a Keys,
    /// JSON.
    pub body: Bytes,
    /// How long all of it may take, from the name's lookup to the end of the answer.
    pub timeout: Duration,
}

/// What became of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The endpoint has it: 200 to 299.
    Taken {
        /// The status.
        status: u16,
    },
    /// The endpoint wants no more: 410.
    Gone,
    /// Anything else. It may have it nevertheless, unless the failure came before the request.
    Failed {
        /// What went wrong.
        failure: Failure,
        /// The pause that it asked for by Retry-After, at most [`MAX_RETRY_AFTER`]; zero is a time that has passed.
        retry_after: Option<Duration>,
    },
}

/// Why a post was not taken. Shown as a word for timelines, metrics and people; never with a URL or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// An answer of this status: `status_503`. A redirect is one, since none is followed.
    Status(u16),
    /// No answer in time.
    Timeout,
    /// The name has no address, or nobody answers at it.
    Connect,
    /// No trust: the certificate, its name, or the handshake.
    Tls,
    /// The guard knows no address that it may reach, or the URL is none that we call.
    Forbidden,
    /// The connection ended, or made no sense, before a whole answer.
    Broken,
}

impl Webhooks {
    /// Trusts the machine's root certificates, and those in `ca_file` besides. No proxy is asked for.
    pub fn new(guard: AddressGuard, ca_file: Option<&Path>) -> Result<Self, TrustError> {
        Self::with_resolver(guard, ca_file, Arc::new(SystemResolver::default()))
    }

    /// The same with names resolved by other means.
    pub fn with_resolver(
        guard: AddressGuard,
        ca_file: Option<&Path>,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, TrustError> {
        let connector = Connector::new(guard, resolver, ca_file)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_buf_size(MAX_HEAD)
            .build(connector);
        Ok(Self(client))
    }

    /// Sends one request, once. A connection that had ended before the request was written is replaced, unseen.
    pub async fn post(&self, post: Post<'_>) -> Answer {
        let Some(request) = request(&post) else {
            return Answer::from(Failure::Forbidden);
        };
        let mut end = pin!(tokio::time::sleep(post.timeout));
        let answered = tokio::select! {
            answered = self.0.request(request) => answered,
            () = &mut end => return Answer::from(Failure::Timeout),
        };
        let response = match answered {
            Ok(response) => response,
            Err(error) => return Answer::from(Failure::of(&error)),
        };
        let answer = Answer::of(response.status(), response.headers(), post.at);
        // The status is the answer. What follows it matters to the connection only.
        tokio::select! {
            () = drain(response.into_body()) => {}
            () = &mut end => {}
        }
        answer
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhooks")
    }
}

/// The signed request; `None` for a URL that is never called.
fn request(post: &Post<'_>) -> Option<Request<Full<Bytes>>> {
    let uri = Target::parse(post.url).ok()?.into_uri();
    let seconds = post.at.0.div_euclid(1000);
    let id = HeaderValue::from_str(post.id);
    debug_assert!(id.is_ok(), "ids of events are visible ASCII");
    let mut signature = HeaderValue::try_from(post.keys.sign(post.id, seconds, &post.body)).ok()?;
    signature.set_sensitive(true);
    let mut request = Request::new(Full::new(post.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert("webhook-id", id.ok()?);
    headers.insert("webhook-timestamp", HeaderValue::from(seconds));
    headers.insert("webhook-signature", signature);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("araldo/", env!("CARGO_PKG_VERSION"))),
    );
    Some(request)
}

/// Reads a body to its end or to the most that is read, and forgets it.
async fn drain(mut body: Incoming) {
    let mut left = MAX_ANSWER;
    while let Some(Ok(frame)) = body.frame().await {
        let octets = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(octets) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

impl Answer {
    fn of(status: StatusCode, headers: &HeaderMap, now: UnixMillis) -> Self {
        if status.is_success() {
            return Self::Taken {
                status: status.as_u16(),
            };
        }
        if status == StatusCode::GONE {
            return Self::Gone;
        }
        Self::Failed {
            failure: Failure::Status(status.as_u16()),
            retry_after: headers.get(header::RETRY_AFTER).and_then(|value| pause(value, now)),
        }
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        Self::Failed {
            failure,
            retry_after: None,
        }
    }
}

/// Retry-After: seconds, or a date (RFC 9110 §10.2.3).
fn pause(value: &HeaderValue, now: UnixMillis) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let pause = if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) {
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        UnixMillis(i64::try_from(date.as_millis()).ok()?).since(now)
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

impl Failure {
    /// The word without the status: few enough for a metric.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Forbidden => "forbidden",
            Self::Broken => "broken",
        }
    }

    pub(super) fn of(error: &ClientError) -> Self {
        let mut cause = error.source();
        while let Some(error) = cause {
            match error.downcast_ref() {
                Some(ConnectError::Forbidden) => return Self::Forbidden,
                Some(ConnectError::Unreachable(_)) => return Self::Connect,
                Some(ConnectError::Tls(_)) => return Self::Tls,
                None => cause = error.source(),
            }
        }
        Self::Broken
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status_{status}"),
            other => f.write_str(other.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date_and_bounded() {
        let now = UnixMillis(784_111_777_500); // Sun, 06 Nov 1994 08:49:37.5 GMT
        let read = |text: &'static str| pause(&HeaderValue::from_static(text), now);
        let secs = |n| Some(Duration::from_secs(n));
        assert_eq!(read("0"), secs(0));
        assert_eq!(read(" 120 "), secs(120));
        assert_eq!(read("86401"), Some(MAX_RETRY_AFTER));
        assert_eq!(read("99999999999999999999999"), Some(MAX_RETRY_AFTER));
        // The three forms of RFC 9110 §5.6.7.
        assert_eq!(
            read("Sun, 06 Nov 1994 08:50:37 GMT"),
            Some(Duration::from_millis(59_500))
        );
        assert_eq!(
            read("Sunday, 06-Nov-94 08:50:37 GMT"),
            Some(Duration::from_millis(59_500))
        );
        assert_eq!(read("Sun Nov  6 08:50:37 1994"), Some(Duration::from_millis(59_500)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), secs(0));
        assert_eq!(read("Fri, 31 Dec 9999 23:59:59 GMT"), Some(MAX_RETRY_AFTER));
        for nonsense in ["", "-1", "+5", "1.5", "soon", "1e3", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_failure_is_shown_as_one_word() {
        assert_eq!(Failure::Status(503).to_string(), "status_503");
        assert_eq!(Failure::Forbidden.to_string(), "forbidden");
    }
}
