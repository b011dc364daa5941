//! What users do: they write, tap, share their place, subscribe and unsubscribe.

use araldo_rcs::message::LatLng;
use araldo_rcs::webhook::{
    FileInfo, Payload, SuggestionResponse, SuggestionType, UserContent, UserEvent, UserEventType, UserFile,
    UserMessage, UserMessageId,
};
use araldo_rcs::{InvalidMsisdn, Msisdn};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

use super::platform::{Platform, RcsEvent};

/// Something that a user does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserAct {
    /// Who: a number with its plus sign.
    pub from: String,
    /// What.
    pub act: Act,
}

/// What a user does. In JSON a word, `"unsubscribe"`, or a word with its values, `{"text": "SALDO"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Writes.
    Text(String),
    /// Taps the newest suggestion with this label that was sent to the phone.
    Tap(String),
    /// Taps the suggestion that brings this back, of those that were sent to the phone.
    Postback(String),
    /// Shares a place.
    Location {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
    },
    /// Sends a file.
    File {
        /// Where it is.
        uri: String,
        /// Its media type.
        mime_type: String,
    },
    /// Is writing.
    Typing,
    /// Wants no more messages: an event, and the keyword as a text.
    Unsubscribe,
    /// Wants messages again: an event, and the keyword as a text.
    Subscribe,
}

/// Why a user cannot do this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The number is none.
    #[error("from {0}")]
    Number(#[from] InvalidMsisdn),
    /// No suggestion has this label, or brings this back.
    #[error("nothing that was sent to this phone has this suggestion")]
    NoSuggestion,
    /// The phone has no RCS.
    #[error("the phone has no RCS")]
    NoRcs,
}

/// Does it: the webhook is told.
pub(super) fn act(platform: &Platform, user: &UserAct) -> Result<(), UserError> {
    let from = Msisdn::parse(&user.from)?;
    if !platform.state().handsets.of(from.as_str()).rcs {
        return Err(UserError::NoRcs);
    }
    let says = |content| message(platform, &from, content);
    let tells = |event| event_of(platform, &from, event);
    let payloads = match &user.act {
        Act::Text(text) => vec![says(UserContent::Text(text.clone()))],
        Act::Tap(label) => vec![says(tapped(platform, from.as_str(), "text", label)?)],
        Act::Postback(data) => vec![says(tapped(platform, from.as_str(), "postbackData", data)?)],
        Act::Location { latitude, longitude } => vec![says(UserContent::Location(LatLng {
            latitude: *latitude,
            longitude: *longitude,
        }))],
        Act::File { uri, mime_type } => vec![says(UserContent::UserFile(UserFile {
            payload: FileInfo {
                mime_type: Some(mime_type.clone()),
                file_size_bytes: None,
                file_name: None,
                file_uri: uri.clone(),
            },
            thumbnail: None,
        }))],
        Act::Typing => vec![tells(UserEventType::IsTyping)],
        Act::Unsubscribe => vec![
            tells(UserEventType::Unsubscribe),
            says(UserContent::Text("STOP".to_owned())),
        ],
        Act::Subscribe => vec![
            tells(UserEventType::Subscribe),
            says(UserContent::Text("START".to_owned())),
        ],
    };
    for payload in payloads {
        let shown = serde_json::from_slice(&payload.to_json()).unwrap_or(Value::Null);
        let at = platform.now();
        platform
            .events
            .send(Arc::new(RcsEvent::User { at, payload: shown }))
            .ok();
        platform.tell(&payload);
    }
    Ok(())
}

fn message(platform: &Platform, from: &Msisdn, content: UserContent) -> Payload {
    let id = platform.state().draw_id();
    Payload::UserMessage(UserMessage {
        agent_id: platform.config.agent.clone(),
        sender_phone_number: from.clone(),
        id: UserMessageId::Message(format!("Mx{}", id.simple())),
        send_time: Some(platform.now().timestamp()),
        content,
        rich_message_classification: None,
        carrier: None,
    })
}

fn event_of(platform: &Platform, from: &Msisdn, event: UserEventType) -> Payload {
    Payload::UserEvent(UserEvent {
        agent_id: platform.config.agent.clone(),
        sender_phone_number: from.clone(),
        event,
        event_id: platform.state().draw_id().to_string(),
        send_time: Some(platform.now().timestamp()),
    })
}

/// The newest suggestion of which this member is as wanted, tapped.
fn tapped(platform: &Platform, phone: &str, member: &str, wanted: &str) -> Result<UserContent, UserError> {
    let messages = platform.state().messages(Some(phone), usize::MAX);
    let mut newest = messages.iter().rev();
    let tap = newest.find_map(|message| suggestion(&message.content, member, wanted));
    tap.map(UserContent::SuggestionResponse).ok_or(UserError::NoSuggestion)
}

/// Looks through the message, whatever holds the suggestions: its list, its card, its cards.
fn suggestion(content: &Value, member: &str, wanted: &str) -> Option<SuggestionResponse> {
    match content {
        Value::Array(items) => items.iter().find_map(|item| suggestion(item, member, wanted)),
        Value::Object(members) => {
            let kinds = [("reply", SuggestionType::Reply), ("action", SuggestionType::Action)];
            let found = kinds.into_iter().find_map(|(name, kind)| {
                let chip = members.get(name).filter(|chip| chip[member] == wanted)?;
                let text = |name: &str| chip[name].as_str().unwrap_or_default().to_owned();
                Some(SuggestionResponse {
                    postback_data: text("postbackData"),
                    text: Some(text("text")),
                    suggestion_type: Some(kind),
                })
            });
            let mut within = members.values();
            found.or_else(|| within.find_map(|inner| suggestion(inner, member, wanted)))
        }
        _ => None,
    }
}
