//! What a handset can show, and what a message asks of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::AgentMessage;
use crate::answer::success;
use crate::error::{ApiError, ErrorKind};
use crate::message::{ActionKind, Content, RichCard, Suggestion};
use crate::proto3::open_enum;

open_enum! {
    /// Something that a handset can do.
    Feature {
        /// A single rich card.
        RichcardStandalone = "RICHCARD_STANDALONE",
        /// A carousel.
        RichcardCarousel = "RICHCARD_CAROUSEL",
        /// Creating an event of the calendar.
        ActionCreateCalendarEvent = "ACTION_CREATE_CALENDAR_EVENT",
        /// Dialling.
        ActionDial = "ACTION_DIAL",
        /// Opening a page in the browser.
        ActionOpenUrl = "ACTION_OPEN_URL",
        /// Opening a page in the chat.
        ActionOpenUrlInWebview = "ACTION_OPEN_URL_IN_WEBVIEW",
        /// Sharing the user's place.
        ActionShareLocation = "ACTION_SHARE_LOCATION",
        /// Showing a place.
        ActionViewLocation = "ACTION_VIEW_LOCATION",
        /// Beginning a message to somebody.
        ActionCompose = "ACTION_COMPOSE",
        /// A PDF in a card.
        PdfInRichCards = "PDF_IN_RICH_CARDS",
        /// Withdrawing messages; of older and operators' platforms.
        Revocation = "REVOCATION",
    }
}

/// A handset that can be reached, and what it can do. Positive for up to 31 days after a handset was last seen, so no
/// promise that a message will arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Capabilities {
    /// What it can do; nothing but text where it is empty.
    #[serde(default, deserialize_with = "list")]
    pub features: BTreeSet<Feature>,
    /// The carrier, for numbers of the United States.
    pub carrier: Option<String>,
}

impl Capabilities {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`ErrorKind::NotReachable`] for 404 and for 403: older documentation gives the latter for an agent that is not
    /// launched and a user who is no tester, newer the former. [`ApiError::http_status`] tells which it was.
    pub fn read(answer: &Response<Bytes>) -> Result<Self, ApiError> {
        success(answer).map_err(|error| match error.http_status {
            StatusCode::FORBIDDEN => ApiError {
                kind: ErrorKind::NotReachable,
                ..error
            },
            _ => error,
        })
    }

    /// What a message asks of a handset and this one has not; empty where it can be sent. An action that has a fallback URL
    /// asks for nothing, and a web view opens in the browser.
    #[must_use]
    pub fn lacks(&self, message: &AgentMessage) -> Vec<Feature> {
        let content = &message.content_message;
        let mut needed = BTreeSet::new();
        let mut suggestions: Vec<&Suggestion> = content.suggestions.iter().collect();
        if let Content::RichCard(card) = &content.content {
            needed.insert(match card {
                RichCard::StandaloneCard(_) => Feature::RichcardStandalone,
                RichCard::CarouselCard(_) => Feature::RichcardCarousel,
            });
            suggestions.extend(card.cards().iter().flat_map(|card| &card.suggestions));
        }
        needed.extend(suggestions.into_iter().filter_map(feature_of));
        needed.into_iter().filter(|feature| !self.has(feature)).collect()
    }

    /// Whether a suggestion can be shown: a reply by every handset, an action by those that can do it.
    #[must_use]
    pub fn shows(&self, suggestion: &Suggestion) -> bool {
        feature_of(suggestion).is_none_or(|feature| self.has(&feature))
    }

    fn has(&self, feature: &Feature) -> bool {
        match feature {
            Feature::ActionOpenUrl => {
                self.features.contains(feature) || self.features.contains(&Feature::ActionOpenUrlInWebview)
            }
            _ => self.features.contains(feature),
        }
    }
}

fn feature_of(suggestion: &Suggestion) -> Option<Feature> {
    let Suggestion::Action(action) = suggestion else {
        return None;
    };
    if action.fallback_url.is_some() {
        return None;
    }
    Some(match &action.kind {
        ActionKind::Dial(_) => Feature::ActionDial,
        ActionKind::OpenUrl(_) => Feature::ActionOpenUrl,
        ActionKind::ViewLocation(_) => Feature::ActionViewLocation,
        ActionKind::ShareLocation {} => Feature::ActionShareLocation,
        ActionKind::CreateCalendarEvent(_) => Feature::ActionCreateCalendarEvent,
        ActionKind::Compose(_) => Feature::ActionCompose,
    })
}

fn list<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Feature>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
