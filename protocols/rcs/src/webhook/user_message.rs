//! What a user says: by writing, by tapping, by sending a place or a file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answer::RichMessageClassification;
use crate::message::LatLng;
use crate::proto3::{self, open_enum};
use crate::{AgentId, Msisdn};

/// What a user says.
#[derive(Clone, Debug, PartialEq)]
pub struct UserMessage {
    /// To whom.
    pub agent_id: AgentId,
    /// Who.
    pub sender_phone_number: Msisdn,
    /// By which it is known.
    pub id: UserMessageId,
    /// When it was sent, by the user's handset; taps that come as events do without.
    pub send_time: Option<Timestamp>,
    /// What.
    pub content: UserContent,
    /// How it is charged, in the United States.
    pub rich_message_classification: Option<RichMessageClassification>,
    /// The user's carrier, in the United States.
    pub carrier: Option<String>,
}

/// By what a user's message is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UserMessageId {
    /// `messageId`, made by the user's handset: what [`AgentEvent::Read`](crate::AgentEvent::Read) is told.
    Message(String),
    /// `eventId`: a tap on an action in the form that the guide to events shows. It cannot be marked as read.
    Event(String),
}

/// What a user's message holds. Text and postback data are not for logs.
#[derive(Clone, Debug, PartialEq)]
pub enum UserContent {
    /// A text that was typed, or the keyword that the handset sends when the user unsubscribes.
    Text(String),
    /// A tap on a suggestion.
    SuggestionResponse(SuggestionResponse),
    /// A place, not necessarily where the user is.
    Location(LatLng),
    /// A file; to be fetched early, since nobody says how long it is kept.
    UserFile(UserFile),
}

/// A tap on a suggestion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuggestionResponse {
    /// What the suggestion was sent with, untouched. Anybody who was sent it may send it back: bind it to the message and
    /// its recipient.
    pub postback_data: String,
    /// The label that was tapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What kind it was; older clients do not say.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub suggestion_type: Option<SuggestionType>,
}

open_enum! {
    /// What kind of suggestion was tapped.
    SuggestionType {
        /// A reply: the label is what the user says.
        Reply = "REPLY",
        /// An action: it was begun, which is not to say that it was done.
        Action = "ACTION",
    }
}

/// A file that a user sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFile {
    /// The file.
    pub payload: FileInfo,
    /// A small image of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<FileInfo>,
}

/// A file that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileInfo {
    /// Its media type, as the handset says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its size, as the handset says.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "proto3::count")]
    pub file_size_bytes: Option<u64>,
    /// Its name on the handset. A stranger's choice: no path to write to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Where it is.
    pub file_uri: String,
}
