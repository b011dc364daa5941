//! A message of ours as the API has it.

use std::time::Duration;

use araldo_rcs::Capabilities;
use araldo_rcs::limit::MAX_SUGGESTIONS;
use araldo_rcs::message::{
    Action, ActionKind, AgentContentMessage, AgentMessage, CardContent, CardOrientation, CardWidth, CarouselCard,
    Content, ContentInfo, CreateCalendarEventAction, Expiry, LatLng, Media, MediaHeight, MediaSource, OpenUrlAction,
    OpenUrlApplication, RichCard, StandaloneCard, Suggestion, ThumbnailImageAlignment, TrafficType, ViewLocationAction,
    WebviewViewMode,
};
use jiff::Timestamp;

use crate::domain::rich::{self, Card, Carousel, Height, MediaPlace, Postback, Rich, View, Width};
use crate::domain::{Class, MessageId};

/// A rich message that was not read by [`rich::read`]: it says nothing, or a time of it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rich message is not as it was accepted")]
pub struct Unsayable;

/// The whole of what is sent. A tap brings back a [`Postback`] of this message.
///
/// # Errors
/// [`Unsayable`], of what was not accepted by us.
pub fn message(id: MessageId, class: Class, rich: &Rich, ttl: Duration) -> Result<AgentMessage, Unsayable> {
    Ok(AgentMessage {
        content_message: content(rich, &|place| Postback { message: id, place }.to_string())?,
        message_traffic_type: Some(traffic_type(class)),
        expiry: Some(Expiry::Ttl(ttl)),
    })
}

/// What a message of a class is for, as the platform asks. What the recipient has asked for by a text is a request; what
/// happens to an account is a transaction, alarms and service among it.
pub const fn traffic_type(class: Class) -> TrafficType {
    match class {
        Class::Otp => TrafficType::Authentication,
        Class::Alert | Class::Transaction | Class::Service => TrafficType::Transaction,
        Class::Reply => TrafficType::ServiceRequest,
        Class::Marketing => TrafficType::Promotion,
    }
}

/// A message for a handset that cannot show the whole of it: its text, which says all of it in words, and under it the
/// suggestions that the handset does know. A tap brings back what it would have brought from the whole.
pub fn plainer(whole: &AgentMessage, text: &str, handset: &Capabilities) -> AgentMessage {
    let content = &whole.content_message;
    let cards = match &content.content {
        Content::RichCard(card) => card.cards(),
        _ => &[],
    };
    let suggestions = cards
        .iter()
        .flat_map(|card| &card.suggestions)
        .chain(&content.suggestions);
    let shown = suggestions.filter(|suggestion| handset.shows(suggestion));
    AgentMessage {
        content_message: AgentContentMessage {
            content: Content::Text(text.to_owned()),
            suggestions: shown.take(MAX_SUGGESTIONS).cloned().collect(),
        },
        ..whole.clone()
    }
}

/// What is shown. `postback` gives what a tap on the suggestion in each place brings back.
///
/// # Errors
/// [`Unsayable`], of what was not accepted by us.
pub fn content(rich: &Rich, postback: &dyn Fn(usize) -> String) -> Result<AgentContentMessage, Unsayable> {
    let mut taps = Taps { next: 0, postback };
    let content = if let Some(text) = &rich.text {
        Content::Text(text.clone())
    } else if let Some(card) = &rich.card {
        Content::RichCard(RichCard::StandaloneCard(standalone(card, &mut taps)?))
    } else if let Some(carousel) = &rich.carousel {
        Content::RichCard(RichCard::CarouselCard(side_by_side(carousel, &mut taps)?))
    } else if let Some(file) = &rich.media {
        Content::ContentInfo(ContentInfo {
            file_url: file.url.clone(),
            thumbnail_url: file.thumbnail_url.clone(),
            force_refresh: file.refresh,
        })
    } else {
        return Err(Unsayable);
    };
    Ok(AgentContentMessage {
        content,
        suggestions: taps.suggestions(&rich.suggestions)?,
    })
}

fn standalone(card: &Card, taps: &mut Taps<'_>) -> Result<StandaloneCard, Unsayable> {
    let (card_orientation, thumbnail_image_alignment) = match card.media_place {
        MediaPlace::Above => (CardOrientation::Vertical, None),
        MediaPlace::Left => (CardOrientation::Horizontal, Some(ThumbnailImageAlignment::Left)),
        MediaPlace::Right => (CardOrientation::Horizontal, Some(ThumbnailImageAlignment::Right)),
    };
    Ok(StandaloneCard {
        card_orientation,
        thumbnail_image_alignment,
        card_content: card_content(card, taps)?,
    })
}

fn side_by_side(carousel: &Carousel, taps: &mut Taps<'_>) -> Result<CarouselCard, Unsayable> {
    let cards = carousel.cards.iter().map(|card| card_content(card, taps));
    Ok(CarouselCard {
        card_contents: cards.collect::<Result<_, _>>()?,
        card_width: match carousel.width {
            Width::Small => CardWidth::Small,
            Width::Medium => CardWidth::Medium,
        },
    })
}

fn card_content(card: &Card, taps: &mut Taps<'_>) -> Result<CardContent, Unsayable> {
    Ok(CardContent {
        title: card.title.clone(),
        description: card.text.clone(),
        media: card.media.as_ref().map(media),
        suggestions: taps.suggestions(&card.suggestions)?,
    })
}

fn media(media: &rich::Media) -> Media {
    let height = media.height.map(|height| match height {
        Height::Short => MediaHeight::Short,
        Height::Medium => MediaHeight::Medium,
        Height::Tall => MediaHeight::Tall,
    });
    let source = MediaSource::ContentInfo(ContentInfo {
        file_url: media.url.clone(),
        thumbnail_url: media.thumbnail_url.clone(),
        force_refresh: media.refresh,
    });
    Media { height, source }
}

/// Counts the suggestions, for their postbacks.
struct Taps<'p> {
    next: usize,
    postback: &'p dyn Fn(usize) -> String,
}

impl Taps<'_> {
    fn suggestions(&mut self, suggestions: &[rich::Suggestion]) -> Result<Vec<Suggestion>, Unsayable> {
        suggestions
            .iter()
            .map(|suggestion| self.suggestion(suggestion))
            .collect()
    }

    fn suggestion(&mut self, suggestion: &rich::Suggestion) -> Result<Suggestion, Unsayable> {
        let postback_data = (self.postback)(self.next);
        self.next += 1;
        let text = suggestion.label().to_owned();
        let (kind, fallback_url) = match suggestion {
            rich::Suggestion::Reply { .. } => return Ok(Suggestion::reply(text, postback_data)),
            rich::Suggestion::Link { url, view, about, .. } => (open(url, *view, about.as_deref()), None),
            rich::Suggestion::Dial { number, otherwise, .. } => (ActionKind::dial(number), otherwise.clone()),
            rich::Suggestion::Location {
                at,
                name,
                search,
                otherwise,
                ..
            } => {
                let view = ViewLocationAction {
                    lat_long: at.map(|at| LatLng {
                        latitude: at.latitude,
                        longitude: at.longitude,
                    }),
                    label: name.clone(),
                    query: search.clone(),
                };
                (ActionKind::ViewLocation(view), otherwise.clone())
            }
            rich::Suggestion::ShareLocation { .. } => (ActionKind::ShareLocation {}, None),
            rich::Suggestion::Calendar {
                title,
                text,
                starts_at,
                ends_at,
                otherwise,
                ..
            } => {
                let event = CreateCalendarEventAction {
                    start_time: time(starts_at)?,
                    end_time: time(ends_at)?,
                    title: title.clone(),
                    description: text.clone(),
                };
                (ActionKind::CreateCalendarEvent(event), otherwise.clone())
            }
        };
        Ok(Suggestion::Action(Action {
            text,
            postback_data,
            fallback_url,
            kind,
        }))
    }
}

fn open(url: &str, view: Option<View>, about: Option<&str>) -> ActionKind {
    ActionKind::OpenUrl(OpenUrlAction {
        url: url.to_owned(),
        application: view.map(|_| OpenUrlApplication::Webview),
        webview_view_mode: view.map(|view| match view {
            View::Full => WebviewViewMode::Full,
            View::Half => WebviewViewMode::Half,
            View::Tall => WebviewViewMode::Tall,
        }),
        description: about.map(ToOwned::to_owned),
    })
}

fn time(text: &str) -> Result<Timestamp, Unsayable> {
    text.parse().map_err(|_| Unsayable)
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
