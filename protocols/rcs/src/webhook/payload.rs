//! The payload of an envelope, told apart by the members that it has.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    LaunchEvent, LaunchState, ServerEvent, ServerEventType, SuggestionResponse, UserContent, UserEvent, UserEventType,
    UserFile, UserMessage, UserMessageId,
};
use crate::answer::RichMessageClassification;
use crate::limit::MAX_WEBHOOK_BYTES;
use crate::message::LatLng;
use crate::proto3::Time;
use crate::read::{ReadError, from_json};
use crate::{AgentId, Msisdn};

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// A user says something.
    UserMessage(UserMessage),
    /// A user's handset tells something.
    UserEvent(UserEvent),
    /// The platform tells something of a message.
    ServerEvent(ServerEvent),
    /// A carrier decides about the agent.
    LaunchEvent(LaunchEvent),
    /// None of these: to be stored and answered 200 all the same.
    Unknown,
}

/// By what a payload is known to be one that came before. Handsets make the ids of their users' messages, so the number is
/// part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DedupKey<'a> {
    /// The agent.
    pub agent_id: &'a AgentId,
    /// The user, where there is one.
    pub msisdn: Option<&'a Msisdn>,
    /// `message`, `launch`, or the name of the event.
    pub kind: &'a str,
    /// `eventId`, or `messageId` where there is none.
    pub id: &'a str,
}

impl Payload {
    /// Reads the JSON of a payload, passing over members that are unknown. Only what was signed should come here, by
    /// [`Signed::payload`](super::Signed::payload).
    ///
    /// # Errors
    /// The member that is missing or not what it should be.
    pub fn from_json(json: &[u8]) -> Result<Self, ReadError> {
        from_json::<Members>(json, MAX_WEBHOOK_BYTES)?.try_into()
    }

    /// The JSON of a payload, as the platform writes it; for simulators. [`Payload::Unknown`] is an empty object.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&Members::from(self)).expect("texts and numbers are JSON")
    }

    /// By what a second copy is known; `None` where the platform has given no id, and for the unknown: for these, a hash of
    /// the JSON.
    #[must_use]
    pub fn dedup_key(&self) -> Option<DedupKey<'_>> {
        Some(match self {
            Self::UserMessage(message) => DedupKey {
                agent_id: &message.agent_id,
                msisdn: Some(&message.sender_phone_number),
                kind: "message",
                id: match &message.id {
                    UserMessageId::Message(id) | UserMessageId::Event(id) => id,
                },
            },
            Self::UserEvent(event) => DedupKey {
                agent_id: &event.agent_id,
                msisdn: Some(&event.sender_phone_number),
                kind: event.event.as_str(),
                id: &event.event_id,
            },
            Self::ServerEvent(event) => DedupKey {
                agent_id: &event.agent_id,
                msisdn: Some(&event.phone_number),
                kind: event.event.as_str(),
                id: &event.event_id,
            },
            Self::LaunchEvent(event) => DedupKey {
                agent_id: &event.agent_id,
                msisdn: None,
                kind: "launch",
                id: event.event_id.as_deref()?,
            },
            Self::Unknown => return None,
        })
    }
}

/// The members of all payloads.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion_response: Option<SuggestionResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LatLng>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_file: Option<UserFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rich_message_classification: Option<RichMessageClassification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bot_display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand_display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_launch_state: Option<LaunchState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_launch_state: Option<LaunchState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acting_party: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl TryFrom<Members> for Payload {
    type Error = ReadError;

    fn try_from(mut members: Members) -> Result<Self, ReadError> {
        if let Some(new_launch_state) = members.new_launch_state.take() {
            return members.launch_event(new_launch_state).map(Self::LaunchEvent);
        }
        if let Some(event_type) = members.event_type.take() {
            let is_of_a_user = members.sender_phone_number.is_some() || members.phone_number.is_none();
            return if is_of_a_user {
                members.user_event(event_type).map(Self::UserEvent)
            } else {
                members.server_event(&event_type).map(Self::ServerEvent)
            };
        }
        match members.content() {
            Some(content) => members.user_message(content).map(Self::UserMessage),
            None => Ok(Self::Unknown),
        }
    }
}

impl Members {
    /// Of two contents, which no known message has, the tap counts before the file, the place and the text.
    fn content(&mut self) -> Option<UserContent> {
        let tap = self.suggestion_response.take().map(UserContent::SuggestionResponse);
        tap.or_else(|| self.user_file.take().map(UserContent::UserFile))
            .or_else(|| self.location.take().map(UserContent::Location))
            .or_else(|| self.text.take().map(UserContent::Text))
    }

    fn user_message(self, content: UserContent) -> Result<UserMessage, ReadError> {
        let id = match (self.message_id, self.event_id) {
            (Some(id), _) => UserMessageId::Message(id),
            (None, Some(id)) => UserMessageId::Event(id),
            (None, None) => return Err(missing("messageId")),
        };
        Ok(UserMessage {
            agent_id: agent_id(self.agent_id)?,
            sender_phone_number: msisdn("senderPhoneNumber", self.sender_phone_number)?,
            id,
            send_time: time(self.send_time),
            content,
            rich_message_classification: self.rich_message_classification,
            carrier: self.carrier,
        })
    }

    fn user_event(self, event_type: String) -> Result<UserEvent, ReadError> {
        let message_id = self.message_id;
        let event = match event_type.as_str() {
            "DELIVERED" => UserEventType::Delivered {
                message_id: needed("messageId", message_id)?,
            },
            "READ" => UserEventType::Read {
                message_id: needed("messageId", message_id)?,
            },
            "IS_TYPING" => UserEventType::IsTyping,
            "SUBSCRIBE" => UserEventType::Subscribe,
            "UNSUBSCRIBE" => UserEventType::Unsubscribe,
            _ => UserEventType::Other { event_type, message_id },
        };
        Ok(UserEvent {
            agent_id: agent_id(self.agent_id)?,
            sender_phone_number: msisdn("senderPhoneNumber", self.sender_phone_number)?,
            event,
            event_id: needed("eventId", self.event_id)?,
            send_time: time(self.send_time),
        })
    }

    fn server_event(self, event_type: &str) -> Result<ServerEvent, ReadError> {
        Ok(ServerEvent {
            agent_id: agent_id(self.agent_id)?,
            phone_number: msisdn("phoneNumber", self.phone_number)?,
            message_id: needed("messageId", self.message_id)?,
            event: ServerEventType::from(event_type),
            event_id: needed("eventId", self.event_id)?,
            send_time: time(self.send_time),
        })
    }

    fn launch_event(self, new_launch_state: LaunchState) -> Result<LaunchEvent, ReadError> {
        Ok(LaunchEvent {
            agent_id: agent_id(self.agent_id)?,
            event_id: self.event_id,
            bot_display_name: self.bot_display_name,
            brand_id: self.brand_id,
            brand_display_name: self.brand_display_name,
            region_id: self.region_id,
            old_launch_state: self.old_launch_state,
            new_launch_state,
            acting_party: self.acting_party,
            comment: self.comment,
            send_time: time(self.send_time),
        })
    }
}

fn agent_id(text: Option<String>) -> Result<AgentId, ReadError> {
    let text = needed("agentId", text)?;
    AgentId::parse(&text).map_err(|error| ReadError::new("agentId", error.to_string()))
}

fn msisdn(name: &str, text: Option<String>) -> Result<Msisdn, ReadError> {
    let text = needed(name, text)?;
    Msisdn::parse(&text).map_err(|error| ReadError::new(name, error.to_string()))
}

fn needed(name: &str, text: Option<String>) -> Result<String, ReadError> {
    text.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> ReadError {
    ReadError::new(name, "is missing")
}

fn time(time: Option<Time>) -> Option<Timestamp> {
    time.map(|Time(time)| time)
}

impl From<&Payload> for Members {
    fn from(payload: &Payload) -> Self {
        match payload {
            Payload::UserMessage(message) => message.into(),
            Payload::UserEvent(event) => event.into(),
            Payload::ServerEvent(event) => event.into(),
            Payload::LaunchEvent(event) => event.into(),
            Payload::Unknown => Self::default(),
        }
    }
}

impl From<&UserMessage> for Members {
    fn from(message: &UserMessage) -> Self {
        let mut members = Self {
            agent_id: Some(message.agent_id.with_domain()),
            sender_phone_number: Some(message.sender_phone_number.to_string()),
            send_time: message.send_time.map(Time),
            rich_message_classification: message.rich_message_classification.clone(),
            carrier: message.carrier.clone(),
            ..Self::default()
        };
        match message.id.clone() {
            UserMessageId::Message(id) => members.message_id = Some(id),
            UserMessageId::Event(id) => members.event_id = Some(id),
        }
        match message.content.clone() {
            UserContent::Text(text) => members.text = Some(text),
            UserContent::SuggestionResponse(tap) => members.suggestion_response = Some(tap),
            UserContent::Location(place) => members.location = Some(place),
            UserContent::UserFile(file) => members.user_file = Some(file),
        }
        members
    }
}

impl From<&UserEvent> for Members {
    fn from(event: &UserEvent) -> Self {
        Self {
            agent_id: Some(event.agent_id.with_domain()),
            sender_phone_number: Some(event.sender_phone_number.to_string()),
            event_type: Some(event.event.as_str().to_owned()),
            event_id: Some(event.event_id.clone()),
            message_id: event.event.message_id().map(str::to_owned),
            send_time: event.send_time.map(Time),
            ..Self::default()
        }
    }
}

impl From<&ServerEvent> for Members {
    fn from(event: &ServerEvent) -> Self {
        Self {
            agent_id: Some(event.agent_id.with_domain()),
            phone_number: Some(event.phone_number.to_string()),
            event_type: Some(event.event.as_str().to_owned()),
            event_id: Some(event.event_id.clone()),
            message_id: Some(event.message_id.clone()),
            send_time: event.send_time.map(Time),
            ..Self::default()
        }
    }
}

impl From<&LaunchEvent> for Members {
    fn from(event: &LaunchEvent) -> Self {
        Self {
            agent_id: Some(event.agent_id.with_domain()),
            event_id: event.event_id.clone(),
            send_time: event.send_time.map(Time),
            bot_display_name: event.bot_display_name.clone(),
            brand_id: event.brand_id.clone(),
            brand_display_name: event.brand_display_name.clone(),
            region_id: event.region_id.clone(),
            old_launch_state: event.old_launch_state.clone(),
            new_launch_state: Some(event.new_launch_state.clone()),
            acting_party: event.acting_party.clone(),
            comment: event.comment.clone(),
            ..Self::default()
        }
    }
}
