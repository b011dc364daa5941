//! What the platform refuses, and what follows from it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;

use crate::message::AgentMessage;
use crate::read::from_json;
use crate::{Capabilities, ReadError};

/// The body of an error that is read, in bytes; a longer one is known by its status alone.
const MAX_ERROR_BYTES: usize = 64 * 1_024;
/// Violations that are kept of an error.
const MAX_FIELD_VIOLATIONS: usize = 16;
/// Characters that are kept of the platform's own text.
const MAX_MESSAGE_CHARACTERS: usize = 300;
/// The longest path of a member that is told.
const MAX_FIELD_CHARACTERS: usize = 100;
/// The longest wait that a `Retry-After` may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// An answer that is an error. Its own text holds the kind and the status only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What it comes to.
    pub kind: ErrorKind,
    /// The status of HTTP.
    pub http_status: StatusCode,
    /// The canonical name, as `INVALID_ARGUMENT`; empty where the body has none.
    pub status: String,
    /// What the platform says of it, cut to 300 characters. It may repeat what it was sent: not for logs.
    pub message: String,
    /// The members that it finds fault with, up to sixteen.
    pub field_violations: Vec<FieldViolation>,
    /// How long it asks to wait, in whole seconds and up to an hour.
    pub retry_after: Option<Duration>,
}

/// A member that the platform finds fault with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FieldViolation {
    /// Its path, as `contentMessage.suggestions[0].reply.text`.
    #[serde(default)]
    pub field: String,
    /// What is wrong with it. Not for logs.
    #[serde(default)]
    pub description: String,
}

/// What an error comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 400: the handset cannot show it, or a member is wrong, or a multi-use agent gave no traffic type. The platform does not
    /// tell which; [`ApiError::field_violations`] may.
    InvalidArgument,
    /// 401: the access token is missing or too old.
    Unauthenticated,
    /// 403: the key is not the agent's, or the agent may not do this.
    PermissionDenied,
    /// 404 in the words of the API: the user cannot be reached by this agent: no RCS, switched off, or not launched on the
    /// carrier.
    NotReachable,
    /// 429 of a kind that waiting does not cure: this user has had as many promotional messages as the agent may send.
    UserTrafficLimit,
    /// 429: too many requests.
    RateLimited,
    /// 5xx, 408: trouble that passes.
    Unavailable,
    /// 2xx with a body that is not what it should be. Whether the request took effect is not known.
    Unreadable,
    /// Any other status, and a 404 in other words: the host is not the API, or the path not one of it.
    Refused,
}

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Advice {
    /// The same request with the same id again, not before the wait and not beyond the message's own time.
    Retry {
        /// How long the platform asks to wait; `None` leaves it to the caller's back-off.
        after: Option<Duration>,
    },
    /// A new access token, then the same request once more.
    RefreshToken,
    /// Nothing was sent. A rich message may go once more as plain text under a new id; else the next step.
    Downgrade,
    /// Nothing was sent, and nothing will be: the next step now.
    NextStep,
    /// Nothing was sent, and none will be until somebody changes the configuration: an alarm, and the next step.
    Configuration,
}

impl ErrorKind {
    const fn text(self) -> &'static str {
        match self {
            Self::InvalidArgument => "the handset cannot show the message, or a member is wrong: send it as plain text",
            Self::Unauthenticated => "the access token is missing or too old: ask for a new one",
            Self::PermissionDenied => "the key may not speak for the agent: look at both in the console",
            Self::NotReachable => "the user cannot be reached by this agent: use another channel",
            Self::UserTrafficLimit => "the agent may send this user no more for now: use another channel",
            Self::RateLimited => "too many requests: slow down",
            Self::Unavailable => "trouble at the platform: try again with the same id",
            Self::Unreadable => "the answer cannot be read: try again with the same id",
            Self::Refused => "not an answer of the API: look at the base of its address",
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the platform answered {}: {}",
            self.http_status.as_u16(),
            self.kind.text()
        )
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// Reads an answer that is an error; `None` is a 2xx. The status alone decides where the body cannot be read.
    #[must_use]
    pub fn read(answer: &Response<Bytes>) -> Option<Self> {
        let http_status = answer.status();
        if http_status.is_success() {
            return None;
        }
        let body = from_json::<Body>(answer.body(), MAX_ERROR_BYTES).unwrap_or_default();
        let message = body.error.message.unwrap_or_default();
        let status = body.error.status.unwrap_or_default();
        let details = body.error.details.unwrap_or_default();
        Some(Self {
            kind: kind(http_status, &status, &message),
            http_status,
            status,
            message: message.chars().take(MAX_MESSAGE_CHARACTERS).collect(),
            field_violations: details
                .into_iter()
                .flat_map(violations)
                .take(MAX_FIELD_VIOLATIONS)
                .collect(),
            retry_after: retry_after(answer.headers()),
        })
    }

    /// What follows.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self.kind {
            ErrorKind::InvalidArgument => Advice::Downgrade,
            ErrorKind::Unauthenticated => Advice::RefreshToken,
            ErrorKind::NotReachable | ErrorKind::UserTrafficLimit => Advice::NextStep,
            ErrorKind::PermissionDenied | ErrorKind::Refused => Advice::Configuration,
            ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Unreadable => Advice::Retry {
                after: self.retry_after,
            },
        }
    }

    /// Whether a 400 is about the handset, which cannot show this message, and not about the request. The status is one for
    /// both; a member that is named is at fault unless it is said to lack support, and every handset shows a text.
    #[must_use]
    pub fn is_of_the_handset(&self, message: &AgentMessage) -> bool {
        let speaks_of_support = |text: &str| text.to_ascii_lowercase().contains("support");
        let named = &self.field_violations;
        self.kind == ErrorKind::InvalidArgument
            && !Capabilities::default().lacks(message).is_empty()
            && named.iter().all(|it| speaks_of_support(&it.description))
    }

    /// The first member that the platform finds fault with, where it is named as a path of members: letters and places, so
    /// that it holds nothing of what was sent.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        let field = self.field_violations.first()?.field.as_str();
        let fits = field.len() <= MAX_FIELD_CHARACTERS && field.split(['.', '[']).all(is_member_or_place);
        fits.then_some(field)
    }

    pub(crate) fn unreadable(http_status: StatusCode, error: &ReadError) -> Self {
        Self {
            kind: ErrorKind::Unreadable,
            http_status,
            status: String::new(),
            message: error.to_string(),
            field_violations: Vec::new(),
            retry_after: None,
        }
    }
}

/// A name, or a place of a list with its closing bracket.
fn is_member_or_place(part: &str) -> bool {
    let is_name =
        |part: &str| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_alphabetic() || octet == b'_');
    let place = part.strip_suffix(']');
    is_name(part)
        || place.is_some_and(|place| (1..=3).contains(&place.len()) && place.bytes().all(|it| it.is_ascii_digit()))
}

fn kind(http_status: StatusCode, status: &str, message: &str) -> ErrorKind {
    match http_status.as_u16() {
        400 => ErrorKind::InvalidArgument,
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::PermissionDenied,
        404 if is_of_a_resource(status, message) => ErrorKind::NotReachable,
        429 if is_user_traffic_limit(message) => ErrorKind::UserTrafficLimit,
        429 => ErrorKind::RateLimited,
        408 | 500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Refused,
    }
}

/// The API answers for what it has by the canonical name; for a path that it has not, a front end does with a page of HTML,
/// or it says that there is no such method.
fn is_of_a_resource(status: &str, message: &str) -> bool {
    status == "NOT_FOUND" && !message.to_ascii_lowercase().contains("method not found")
}

/// The two 429 differ in their text only, which aggregators quote as "You have reached the allowed traffic limit for this
/// agent on the user, your message will not be delivered".
fn is_user_traffic_limit(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("traffic limit") || message.contains("will not be delivered")
}

/// `Retry-After` in seconds; the form with a date is passed over, which would want a clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: Status,
}

#[derive(Default, Deserialize)]
struct Status {
    message: Option<String>,
    status: Option<String>,
    details: Option<Vec<serde_json::Value>>,
}

/// Those of a `google.rpc.BadRequest`; details of other kinds are passed over.
fn violations(mut detail: serde_json::Value) -> Vec<FieldViolation> {
    let violations = detail.get_mut("fieldViolations").map(serde_json::Value::take);
    violations
        .and_then(|list| serde_json::from_value(list).ok())
        .unwrap_or_default()
}
