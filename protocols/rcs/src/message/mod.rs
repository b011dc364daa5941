//! The message of an agent, as the API spells it.
//!
//! Types and members have the API's names, so that a search in its documentation finds them. What JSON says twice or not at
//! all (a union with two members, or with none) cannot be said with these types, and is refused when it is read.

mod card;
mod content;
mod suggestion;

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use card::{
    CardContent, CardOrientation, CardWidth, CarouselCard, Media, MediaHeight, MediaSource, RichCard, StandaloneCard,
    ThumbnailImageAlignment,
};
pub use content::{AgentContentMessage, Content, ContentInfo, UploadedRbmFile};
pub use suggestion::{
    Action, ActionKind, ActionType, ComposeAction, ComposeRecordingMessage, ComposeTextMessage,
    CreateCalendarEventAction, DialAction, LatLng, OpenUrlAction, OpenUrlApplication, SuggestedReply, Suggestion,
    ViewLocationAction, WebviewViewMode,
};

use crate::limit::{Found, MAX_MESSAGE_BYTES, MAX_TTL, Path, Violations};
use crate::proto3::{self, Span, Time, at_most_one_of};
use crate::read::{ReadError, from_json};

/// A message from the agent to one user: what `phones.agentMessages.create` is given.
///
/// Members that only the platform writes (`name`, `sendTime` and more) are those of [`Accepted`](crate::Accepted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Members")]
pub struct AgentMessage {
    /// What the user sees.
    pub content_message: AgentContentMessage,
    /// What the message is for. `None` leaves it to the agent's use case; for a multi-use agent that is an error, and all
    /// agents will need it, so it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_traffic_type: Option<TrafficType>,
    /// When the platform gives up and withdraws the message. `None` is 30 days.
    #[serde(flatten)]
    pub expiry: Option<Expiry>,
}

/// What a message is for, which decides whether an agent may send it and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TrafficType {
    /// A login code or another proof of identity.
    Authentication,
    /// An order, a booking, an account that exists.
    Transaction,
    /// An offer.
    Promotion,
    /// What the user has asked for.
    ServiceRequest,
    /// The confirmation that a user has unsubscribed; one.
    Acknowledgement,
}

/// When a message that was not delivered is withdrawn; a server event tells how that went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Expiry {
    /// So long after it was accepted; up to 15 days. Under ten seconds users may be told twice.
    Ttl(#[serde(serialize_with = "proto3::span")] Duration),
    /// At a time, up to 15 days ahead.
    ExpireTime(#[serde(with = "proto3::time")] Timestamp),
}

impl AgentMessage {
    /// A message of this content and without suggestions or expiry.
    #[must_use]
    pub fn new(content: Content, traffic_type: TrafficType) -> Self {
        Self {
            content_message: AgentContentMessage {
                content,
                suggestions: Vec::new(),
            },
            message_traffic_type: Some(traffic_type),
            expiry: None,
        }
    }

    /// A message of a text alone.
    #[must_use]
    pub fn text(text: impl Into<String>, traffic_type: TrafficType) -> Self {
        Self::new(Content::Text(text.into()), traffic_type)
    }

    /// Whether all limits are kept that can be judged without the platform; `now` is for `expireTime`.
    ///
    /// ```
    /// use araldo_rcs::message::{AgentMessage, Suggestion, TrafficType};
    ///
    /// let mut message = AgentMessage::text("Shall we come on Thursday?", TrafficType::Transaction);
    /// message.content_message.suggestions = vec![Suggestion::reply("Yes, I will be at home then", "yes")];
    /// let broken = message.check(jiff::Timestamp::UNIX_EPOCH).unwrap_err();
    /// assert_eq!(
    ///     broken.to_string(),
    ///     "contentMessage.suggestions[0].reply.text: has 27 UTF-16 units, 25 are allowed: shorten it"
    /// );
    /// ```
    ///
    /// # Errors
    /// Every member that breaks a limit.
    pub fn check(&self, now: Timestamp) -> Result<(), Violations> {
        let mut found = Found::default();
        let root = Path::Root;
        self.content_message.check(root.member("contentMessage"), &mut found);
        match self.expiry {
            None => {}
            Some(Expiry::Ttl(ttl)) => {
                let is_right = !ttl.is_zero() && ttl <= MAX_TTL;
                found.expect(is_right, root.member("ttl"), "more than nothing and at most 15 days");
            }
            Some(Expiry::ExpireTime(time)) => {
                let ahead = time.duration_since(now);
                let is_right = ahead.is_positive() && SignedDuration::try_from(MAX_TTL).is_ok_and(|max| ahead <= max);
                found.expect(
                    is_right,
                    root.member("expireTime"),
                    "a time to come, at most 15 days ahead",
                );
            }
        }
        found.finish()
    }

    /// The JSON that is sent, once all limits have been checked.
    ///
    /// # Errors
    /// Every member that breaks a limit, or the message as a whole when its JSON is longer than 250 KB.
    pub fn to_json(&self, now: Timestamp) -> Result<Bytes, Violations> {
        self.check(now)?;
        let json = serde_json::to_vec(self).expect("texts, numbers and lists are JSON");
        let mut found = Found::default();
        found.bytes(Path::Root, json.len(), MAX_MESSAGE_BYTES);
        found.finish()?;
        Ok(json.into())
    }

    /// Reads a message, passing over members that are unknown or that only the platform writes. The deprecated `fileName`
    /// is read as `uploadedRbmFile`. Limits are for [`check`](Self::check).
    ///
    /// ```
    /// use araldo_rcs::AgentMessage;
    ///
    /// let both = br#"{"contentMessage": {"text": "Ciao", "fileName": "files/1"}}"#;
    /// let error = AgentMessage::from_json(both).unwrap_err();
    /// assert_eq!(error.to_string(), "contentMessage: has both `text` and `fileName`: keep one");
    /// ```
    ///
    /// # Errors
    /// JSON that is longer than 250 KB or is none, members of another type, unions with two members or none.
    pub fn from_json(json: &[u8]) -> Result<Self, ReadError> {
        from_json(json, MAX_MESSAGE_BYTES)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    content_message: AgentContentMessage,
    #[serde(default, deserialize_with = "proto3::specified")]
    message_traffic_type: Option<TrafficType>,
    ttl: Option<Span>,
    expire_time: Option<Time>,
}

impl TryFrom<Members> for AgentMessage {
    type Error = String;

    fn try_from(members: Members) -> Result<Self, String> {
        let expiry = at_most_one_of([
            ("ttl", members.ttl.map(|Span(ttl)| Expiry::Ttl(ttl))),
            (
                "expireTime",
                members.expire_time.map(|Time(time)| Expiry::ExpireTime(time)),
            ),
        ])?;
        Ok(Self {
            content_message: members.content_message,
            message_traffic_type: members.message_traffic_type,
            expiry,
        })
    }
}
