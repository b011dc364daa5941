//! What is wrong with a request: RFC 9457, with a code and a pointer for each fault.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

macro_rules! codes {
    ($($name:ident $status:literal $word:literal $title:literal $help:literal)*) => {
        /// What can be wrong: a stable word, its status, what it means and what to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word that programs rely on.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// What it means, in a sentence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// What to do about it.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => $help),* }
            }

            const fn status_number(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }
        }
    };
}

codes! {
    InvalidJson 400 "invalid_json" "The body is not the JSON that is expected" "Send one JSON object with known fields, each once. The detail names line and column, or the field and the nearest known one."
    InvalidId 400 "invalid_id" "The id has not the form of an id" "Ids are given by this API; use them as they are."
    InvalidCursor 400 "invalid_cursor" "The cursor was not given by this list" "Use the `next` of the page before, as it is, or leave `after` out to start with the newest."
    InvalidQuery 400 "invalid_query" "The query has a parameter that is not known, or one twice" "Leave it out, or correct its name."
    IdempotencyKeyRequired 400 "idempotency_key_required" "This client must send an Idempotency-Key" "Send a header `Idempotency-Key` (in NDJSON a field `idempotency_key`) that is new for each message and the same for each retry of it."
    IdempotencyKeyInvalid 400 "idempotency_key_invalid" "The Idempotency-Key cannot be used" "Use 1 to 255 visible ASCII characters; in NDJSON a field of each line, otherwise the header."
    BodyIncomplete 400 "body_incomplete" "The body ended early" "Nothing was stored. Send the request again."
    Unauthenticated 401 "unauthenticated" "The key is missing or not known" "Send `Authorization: Bearer KEY` with the key of a configured client."
    ScopeMissing 403 "scope_missing" "The key may not do this" "Ask the operator for the scope named in `need`."
    ForbiddenOrigin 403 "forbidden_origin" "The admin interface answers only to this host" "Call it by a loopback name, and from no other site."
    NotFound 404 "not_found" "There is no such thing" "Check the path or the id; another client's objects are not found either."
    MethodNotAllowed 405 "method_not_allowed" "The path does not take this method" "Use one of the methods in `Allow`."
    NotAcceptable 406 "not_acceptable" "No form of the answer is accepted" "Accept application/json, or leave Accept out."
    BodyTimeout 408 "body_timeout" "The body made no progress" "Send it without such pauses."
    AlreadySubmitted 409 "already_submitted" "The message is past that" "It was handed to the carrier, or has ended: see `state` and `at`."
    CannotRequeue 409 "cannot_requeue" "The message cannot be queued again" "Only what has failed, expired or stayed without receipt can."
    CarrierRefused 409 "carrier_state" "The carrier cannot do that now" "See the detail."
    BodyTooLarge 413 "body_too_large" "The body is too large" "A request, or a line of NDJSON, may have as many bytes as `limit` says."
    UnsupportedMediaType 415 "unsupported_media_type" "The body is of no known type" "Send application/json or application/x-ndjson in UTF-8, not compressed."
    Required 422 "required" "A field is missing" "Send it."
    InvalidNumber 422 "invalid_number" "The destination is not a number in E.164" "Write the country code first, e.g. +393331234567."
    TextEmpty 422 "text_empty" "The text is empty" "Send a text of at least one character."
    TextTooLong 422 "text_too_long" "The text makes too many segments" "Shorten it, or avoid the characters that need UCS-2."
    TextUnencodable 422 "text_unencodable" "The text has a character that cannot be sent" "Leave the character out."
    SenderInvalid 422 "sender_invalid" "The sender is not a number, a short code or a name" "Names have 1 to 11 characters of the GSM alphabet with at least one letter."
    SenderNotRegistered 422 "sender_not_registered" "The client may not use this sender" "Use one of the client's senders."
    InvalidEncoding 422 "invalid_encoding" "The encoding is not known, or the message cannot go in it" "Use auto, gsm7, latin1 or ucs2."
    InvalidClass 422 "invalid_class" "The class is not known" "Use otp, alert, reply, transaction, service or marketing."
    InvalidChannel 422 "invalid_channel" "The channel is not known" "Use [\"sms\"]."
    InvalidState 422 "invalid_state" "The state is not known" "Use a state that messages have."
    InvalidValidity 422 "invalid_validity" "A time is out of its range" "Times are RFC 3339 with a zone, ahead of now and at most 7 days."
    InvalidReference 422 "invalid_reference" "The reference cannot be kept" "Use 1 to 128 characters without control characters."
    InvalidCallback 422 "invalid_callback" "The callback cannot be used" "Give an https URL without user name and fragment; the client needs a webhook secret."
    InvalidLimit 422 "invalid_limit" "The limit is out of its range" "Use 1 to 1000."
    UnknownClient 422 "unknown_client" "There is no such client" "Name a configured client."
    NoRoute 422 "no_route" "No route leads to the destination" "Check the number; the operator configures the routes."
    NotAvailable 422 "not_available" "That is not available yet" "Send `text`."
    IdempotencyKeyReused 422 "idempotency_key_reused" "The Idempotency-Key was used for another request" "Use a new key for a new message."
    RateLimited 429 "rate_limited" "The client sends too fast" "Wait for `Retry-After`."
    Internal 500 "internal" "Something broke here" "Nothing is known of the outcome; retry with the same Idempotency-Key."
    QueueFull 503 "queue_full" "Too many requests wait" "Nothing was stored. Retry after a moment."
    StorageLow 503 "storage_low" "The disk is nearly full" "Nothing was stored. Retry later; the operator must make room."
    StoreUnavailable 503 "store_unavailable" "The store does not work" "Nothing was stored. Retry later."
    OutcomeUnknown 503 "outcome_unknown" "It may be stored or not" "Retry with the same Idempotency-Key: the message is then sent once."
    Overloaded 503 "overloaded" "Too many requests are being answered" "Retry after a moment."
}

impl Code {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.status_number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// What is wrong with a request. Rendered with the id of the request at the edge.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The code: that of the first fault where there are several.
    pub code: Code,
    /// What is wrong with this request, in a sentence.
    pub detail: Cow<'static, str>,
    /// The faults, each with the place where it is.
    pub errors: Vec<Fault>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// More members.
    pub more: Map<String, Value>,
}

/// One fault.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// Where: a JSON pointer into the body, or the name of a query parameter or header after `#`.
    pub pointer: String,
    /// What.
    pub code: Code,
    /// In words.
    pub detail: String,
    /// What came, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// What is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Box<Value>>,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Cow<'static, str>>,
}

impl Problem {
    /// A problem with its standard sentence.
    pub fn new(code: Code) -> Self {
        Self::with_detail(code, code.title())
    }

    /// A problem with a sentence of its own.
    pub fn with_detail(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            more: Map::new(),
        }
    }

    /// The faults found in a request, at least one.
    pub fn of_faults(errors: Vec<Fault>) -> Self {
        let code = errors.first().map_or(Code::Internal, |fault| fault.code);
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!(
                "{} faults; the first: {}: {}",
                many.len(),
                many[0].pointer,
                many[0].detail
            ),
        };
        Self {
            errors,
            ..Self::with_detail(code, detail)
        }
    }

    /// The same, to be tried again after `wait`.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    /// The same with one more member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.more.insert(member.to_owned(), value.into());
        self
    }

    /// The document.
    pub fn document(&self, request_id: &str) -> Document<'_> {
        Document {
            kind: format!("/docs/problems/{}", self.code.word()),
            title: self.code.title(),
            status: self.code.status_number(),
            detail: &self.detail,
            code: self.code,
            errors: &self.errors,
            request_id: request_id.to_owned(),
            more: &self.more,
        }
    }

    /// The answer.
    pub fn render(&self, request_id: &str) -> Response {
        let body = serde_json::to_vec(&self.document(request_id)).unwrap_or_default();
        let mut response = (self.code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up, so that who waits that long is early by none.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        match self.code {
            Code::Unauthenticated => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"araldo\""),
                );
            }
            // What is left of the body is not read.
            Code::BodyTooLarge | Code::BodyTimeout | Code::BodyIncomplete => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::of_faults(vec![fault])
    }
}

/// A problem on its way to the edge, where it gets the id of its request.
#[derive(Clone)]
pub(super) struct Unrendered(pub(super) Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(Unrendered(Arc::new(self)));
        response
    }
}

impl Fault {
    /// A fault at a place.
    pub fn new(pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            detail: detail.into(),
            got: None,
            limit: None,
            hint: None,
        }
    }

    /// What came; masked by the caller.
    #[must_use]
    pub fn got(self, got: impl Into<String>) -> Self {
        Self {
            got: Some(got.into()),
            ..self
        }
    }

    /// What is allowed.
    #[must_use]
    pub fn limit(self, limit: impl Into<Value>) -> Self {
        Self {
            limit: Some(Box::new(limit.into())),
            ..self
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// A problem as it is written.
#[derive(Serialize)]
pub struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: Code,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    request_id: String,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}

/// The page of a code: what it means and what to do.
pub(super) async fn page(axum::extract::Path(word): axum::extract::Path<String>) -> Result<String, Problem> {
    let code = Code::ALL
        .iter()
        .find(|code| code.word() == word)
        .ok_or(Problem::new(Code::NotFound))?;
    Ok(format!(
        "{}\n\nStatus {}. {}.\n\n{}\n",
        code.word(),
        code.status_number(),
        code.title(),
        code.help()
    ))
}

/// A number as an error may show it: so little of it that nobody is known by it.
pub(super) fn masked(text: &str) -> String {
    let mut shown: String = text.chars().take(3).flat_map(char::escape_default).collect();
    shown.push_str("***");
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unlike_each_other_and_have_a_status() {
        let words: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(
            Code::ALL
                .iter()
                .all(|code| code.status().as_u16() == code.status_number())
        );
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        let response = Problem::new(Code::RateLimited)
            .retry_after(Duration::from_millis(1_200))
            .render("r");
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let response = Problem::new(Code::RateLimited).retry_after(Duration::ZERO).render("r");
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
