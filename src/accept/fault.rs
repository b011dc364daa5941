//! What is wrong with what was asked for: a stable word, and the place of each fault.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

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

            /// The status of an answer that says so (RFC 9110).
            pub const fn status_number(self) -> u16 {
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
    BadSignature 401 "bad_signature" "The post is not signed with the carrier's client token" "Give the carrier in client_token_file the token that the webhook has in the console."
    ScopeMissing 403 "scope_missing" "The key may not do this" "Ask the operator for the scope named in `need`."
    ForbiddenOrigin 403 "forbidden_origin" "The admin interface answers only to this host" "Call it by a loopback name, and from no other site."
    NotFound 404 "not_found" "There is no such thing" "Check the path or the id; another client's objects are not found either."
    MethodNotAllowed 405 "method_not_allowed" "The path does not take this method" "Use one of the methods in `Allow`."
    NotAcceptable 406 "not_acceptable" "No form of the answer is accepted" "Accept application/json (of a stream text/event-stream), or leave Accept out."
    BodyTimeout 408 "body_timeout" "The body made no progress" "Send it without such pauses."
    AlreadySubmitted 409 "already_submitted" "The message is past that" "It was handed to the carrier, or has ended: see `state` and `at`."
    CannotRequeue 409 "cannot_requeue" "The message cannot be queued again" "Only what has failed, expired or stayed without receipt can."
    CaseNotSo 409 "case_not_so" "The case is not as you thought" "See `state` and `owner`: take it first, or name its owner in `from` to take it over."
    CarrierRefused 409 "carrier_state" "The carrier cannot do that now" "See the detail."
    CodeExpired 409 "code_expired" "The time of the code is over" "Send another one."
    CodeSpent 409 "code_spent" "Too many wrong codes came" "Send another one."
    CodeUsed 409 "code_used" "The code was used" "The number is certified already; a code counts once."
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
    InvalidChannel 422 "invalid_channel" "The channel is not known" "Use [\"rcs\", \"sms\"], or one of them."
    InvalidState 422 "invalid_state" "The state is not known" "Use a state that messages have."
    InvalidRange 422 "invalid_range" "The last is before the first" "Turn them round."
    InvalidEventType 422 "invalid_event_type" "The event is none that owners are told of" "Use the words that the detail lists, with commas between them."
    InvalidValidity 422 "invalid_validity" "A time is out of its range" "Times are RFC 3339 with a zone, ahead of now and at most 7 days."
    InvalidReference 422 "invalid_reference" "The reference cannot be kept" "Use 1 to 128 characters without control characters."
    InvalidCallback 422 "invalid_callback" "The callback cannot be used" "Give an https URL without user name and fragment; the client needs a webhook secret."
    InvalidLimit 422 "invalid_limit" "The limit is out of its range" "Use 1 to 1000."
    UnknownClient 422 "unknown_client" "There is no such client" "Name a configured client."
    UnknownBrand 422 "unknown_brand" "There is no such brand, or it is not yours" "Leave it out, or name a client or a configured brand."
    UnknownTopic 422 "unknown_topic" "There is no such topic" "Use the id of a configured topic or a word for it, or `*` for all."
    RichInvalid 422 "rich_invalid" "The rich message cannot be shown so" "Correct the member that is named, or send `text` alone: the limits are those of RCS."

    NumberNotCertified 422 "number_not_certified" "The number is not certified for a customer of the client" "The template is for certified numbers alone. Certify the number with POST /v1/verifications."
    InvalidCode 422 "invalid_code" "That is no code" "A code has six digits. This was not tried, and costs no try."
    CodeWrong 422 "code_wrong" "That is not the code" "Ask the customer for the code again: `tries_left` says how often."
    NoRoute 422 "no_route" "No route leads to the destination" "Check the number; the operator configures the routes."
    TextAndTemplate 422 "text_and_template" "A message has a text or a template, and not both" "Leave one of the two out; vars and locale go with a template."
    UnknownTemplate 422 "unknown_template" "There is no such template" "Use the name of a template of this gateway: the part of its file's name before the language."
    TemplateFailed 422 "template_failed" "The template does not give a text with these values" "Send the values that the template uses, each of the kind that it needs: template and line say where."
    LinkNotAllowed 422 "link_not_allowed" "The text has a link that its template does not allow" "Leave the link out, or ask the operator to allow its host for this template."
    ExpressionFailed 422 "expression_failed" "A rule cannot be followed with this event" "Send the data that the rule uses: rule and expression say where."
    UnknownEvent 422 "unknown_event" "No rule knows events of this type" "Check the type; the operator configures the rules."
    InvalidEvent 422 "invalid_event" "The event is not one of CloudEvents 1.0" "Give id, source, specversion and type, each as the specification wants it, and data in JSON."
    NotAvailable 422 "not_available" "That is not available yet" "Send `text`."
    IdempotencyKeyReused 422 "idempotency_key_reused" "The Idempotency-Key was used for another request" "Use a new key for a new message."
    RateLimited 429 "rate_limited" "The client sends too fast" "Wait for `Retry-After`."
    TooManyStreams 429 "too_many_streams" "The client has too many streams open" "Close one; the operator sets how many there may be."
    Internal 500 "internal" "Something broke here" "Nothing is known of the outcome; retry with the same Idempotency-Key."
    QueueFull 503 "queue_full" "Too many requests wait" "Nothing was stored. Retry after a moment."
    StorageLow 503 "storage_low" "The disk is nearly full" "Nothing was stored. Retry later; the operator must make room."
    StoreUnavailable 503 "store_unavailable" "The store does not work" "Nothing was stored. Retry later."
    OutcomeUnknown 503 "outcome_unknown" "It may be stored or not" "Retry with the same Idempotency-Key: the message is then sent once."
    Overloaded 503 "overloaded" "Too many requests are being answered" "Retry after a moment."
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
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
    /// The part of the configuration that could not be followed.
    #[serde(flatten)]
    pub origin: Option<Box<Origin>>,
}

/// A part of the configuration that what was sent does not go with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The rule, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Box<str>>,
    /// The key of the rule that holds the expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<Box<str>>,
    /// The template, with its language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Box<str>>,
    /// The line of the template, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl Origin {
    /// A line of a template.
    pub fn template(template: &str, line: Option<usize>) -> Self {
        Self {
            template: Some(template.into()),
            line,
            ..Self::default()
        }
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
            origin: None,
        }
    }

    /// The part of the configuration that could not be followed.
    #[must_use]
    pub fn of(self, origin: Origin) -> Self {
        Self {
            origin: Some(Box::new(origin)),
            ..self
        }
    }

    /// The same fault as met by a rule; what it names already stays.
    #[must_use]
    pub fn in_rule(mut self, rule: &str, expression: &str) -> Self {
        let origin = self.origin.get_or_insert_default();
        origin.rule.get_or_insert_with(|| rule.into());
        origin.expression.get_or_insert_with(|| expression.into());
        self
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

/// A number as an error may show it: so little of it that nobody is known by it.
pub(crate) fn masked(text: &str) -> String {
    let mut shown: String = text.chars().take(3).flat_map(char::escape_default).collect();
    shown.push_str("***");
    shown
}

/// The known word that is nearest, if one is near.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word: String = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let scored = known.iter().map(|known| (strsim::jaro_winkler(&word, known), *known));
    scored
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unlike_each_other_and_have_a_status() {
        let words: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| (400..600).contains(&code.status_number())));
    }
}
