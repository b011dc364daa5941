//! A rich message, whichever provider brings it: a text, a card, cards side by side, or a file, with suggestions.
//!
//! It is what the API, templates and the store speak. A carrier's own form is made of it when it is sent; where no carrier
//! can show it, [`Rich::plain`] says the same in text.

mod check;
mod plain;
mod postback;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use check::{RichFault, members, read};
pub use postback::{InvalidPostback, Postback};

/// A rich message: one of `text`, `card`, `carousel` and `media`, and suggestions under it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RichMessage)]
pub struct Rich {
    /// A text of up to 3072 UTF-16 units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 3072)]
    pub text: Option<String>,
    /// One card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// Cards side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carousel: Option<Carousel>,
    /// An image, a video, a sound or a PDF alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<File>,
    /// What the recipient may tap, up to 11; shown while this is the newest message of the conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 11)]
    pub suggestions: Vec<Suggestion>,
}

/// A card: at least one of title, text and media.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RichCard)]
pub struct Card {
    /// Up to 200 UTF-16 units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// Up to 2000 UTF-16 units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2000)]
    pub text: Option<String>,
    /// An image or a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// Where the media of a card alone stand; in a carousel always above.
    #[serde(default, skip_serializing_if = "MediaPlace::is_above")]
    pub media_place: MediaPlace,
    /// Buttons in the card, up to 4; they stay when newer messages come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 4)]
    pub suggestions: Vec<Suggestion>,
}

/// Cards side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RichCarousel)]
pub struct Carousel {
    /// Two to ten cards.
    #[schema(min_items = 2, max_items = 10)]
    pub cards: Vec<Card>,
    /// How wide each of them is; `medium` where not said.
    #[serde(default)]
    pub width: Width,
}

/// How wide the cards of a carousel are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RichWidth)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Width {
    Small,
    #[default]
    Medium,
}

/// Where the media of a card stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RichMediaPlace)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MediaPlace {
    #[default]
    Above,
    Left,
    Right,
}

/// An image or a video in a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RichMedia)]
pub struct Media {
    /// Where it is: public, of http or https, without redirects.
    #[schema(max_length = 2048)]
    pub url: String,
    /// Where a small image of it is: JPEG, GIF or PNG of up to 100 kB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2048)]
    pub thumbnail_url: Option<String>,
    /// How high it is shown above the text; the carrier decides where not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<Height>,
    /// Has the carrier fetch it again though it holds a copy, which delays the message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refresh: bool,
}

/// How high media are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RichHeight)]
pub enum Height {
    /// 112 density-independent pixels.
    Short,
    /// 168 density-independent pixels.
    Medium,
    /// 264 density-independent pixels; not in a carousel.
    Tall,
}

/// A file alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RichFile)]
pub struct File {
    /// Where it is: public, of http or https, without redirects; up to 100 MiB.
    #[schema(max_length = 2048)]
    pub url: String,
    /// Where a small image of it is: JPEG, GIF or PNG of up to 100 kB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2048)]
    pub thumbnail_url: Option<String>,
    /// Has the carrier fetch it again though it holds a copy, which delays the message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refresh: bool,
}

/// What the recipient may tap. A label has up to 25 UTF-16 units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = RichSuggestion)]
pub enum Suggestion {
    /// Words that the recipient says by tapping.
    Reply {
        /// The words.
        #[schema(min_length = 1, max_length = 25)]
        label: String,
        /// What the tap is taken for, as if it had been texted: a command, an answer. The label where not said.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(min_length = 1, max_length = 1024)]
        says: Option<String>,
    },
    /// A page to open.
    Link {
        /// The label.
        #[schema(min_length = 1, max_length = 25)]
        label: String,
        /// Its address, up to 2048 UTF-16 units.
        #[schema(max_length = 2048)]
        url: String,
        /// Shows it in the chat rather than in the browser, where the handset can.
        #[serde(skip_serializing_if = "Option::is_none")]
        view: Option<View>,
        /// What the page is, for those who have it read to them.
        #[serde(skip_serializing_if = "Option::is_none")]
        about: Option<String>,
    },
    /// A number to dial.
    Dial {
        /// The label.
        #[schema(min_length = 1, max_length = 25)]
        label: String,
        /// Digits, `+`, `*` and `#`.
        number: String,
        /// What a handset opens instead that cannot dial.
        #[serde(skip_serializing_if = "Option::is_none")]
        otherwise: Option<String>,
    },
    /// A place to show on the map: its position, or words to search for.
    Location {
        /// The label.
        #[schema(min_length = 1, max_length = 25)]
        label: String,
        /// Where it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Position>,
        /// What is written beside the pin.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// What is searched for.
        #[serde(skip_serializing_if = "Option::is_none")]
        search: Option<String>,
        /// What a handset opens instead that cannot show it.
        #[serde(skip_serializing_if = "Option::is_none")]
        otherwise: Option<String>,
    },
    /// Asks where the recipient is.
    ShareLocation {
        /// The label.
        #[schema(min_length = 1, max_length = 25)]
        label: String,
    },
    /// An event to put into the calendar.
    Calendar {
        /// The label.
        #[schema(min_length = 1, max_length = 25)]
        label: String,
        /// Up to 100 UTF-16 units.
        #[schema(min_length = 1, max_length = 100)]
        title: String,
        /// Up to 500 UTF-16 units.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 500)]
        text: Option<String>,
        /// RFC 3339 with its zone.
        #[schema(format = DateTime)]
        starts_at: String,
        /// RFC 3339 with its zone, after the start.
        #[schema(format = DateTime)]
        ends_at: String,
        /// What a handset opens instead that has no calendar.
        #[serde(skip_serializing_if = "Option::is_none")]
        otherwise: Option<String>,
    },
}

/// How much of the screen a page takes that is shown in the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RichView)]
pub enum View {
    /// All of it.
    Full,
    /// Half of it.
    Half,
    /// Three quarters of it.
    Tall,
}

/// A position in degrees, WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RichPosition)]
pub struct Position {
    /// -90 to 90, north positive.
    pub latitude: f64,
    /// -180 to 180, east positive.
    pub longitude: f64,
}

impl Rich {
    /// A text with nothing else.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }

    /// Reads what [`to_json`](Self::to_json) has written.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// As it is kept: JSON without blanks.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The cards, one or several or none.
    pub fn cards(&self) -> &[Card] {
        match (&self.card, &self.carousel) {
            (Some(card), _) => std::slice::from_ref(card),
            (None, Some(carousel)) => &carousel.cards,
            (None, None) => &[],
        }
    }

    /// Every suggestion, those of the cards before those of the whole: the place in this order is what a tap is known by.
    pub fn suggestions(&self) -> impl Iterator<Item = &Suggestion> {
        let of_cards = self.cards().iter().flat_map(|card| &card.suggestions);
        of_cards.chain(&self.suggestions)
    }

    /// Every text and address in it that a recipient may read or be led to.
    pub fn words(&self) -> Vec<&str> {
        let cards = self.cards().iter().flat_map(|card| {
            let media = card.media.iter().map(|media| &media.url);
            card.title.iter().chain(&card.text).chain(media)
        });
        let media = self.media.iter().map(|file| &file.url);
        let own = self.text.iter().chain(media).chain(cards).map(String::as_str);
        own.chain(self.suggestions().flat_map(Suggestion::words)).collect()
    }
}

impl MediaPlace {
    fn is_above(&self) -> bool {
        *self == Self::Above
    }
}

impl Suggestion {
    /// What is written on it.
    pub fn label(&self) -> &str {
        match self {
            Self::Reply { label, .. }
            | Self::Link { label, .. }
            | Self::Dial { label, .. }
            | Self::Location { label, .. }
            | Self::ShareLocation { label }
            | Self::Calendar { label, .. } => label,
        }
    }

    /// What a tap says, where it says something: `None` of an action, which tells only that it was begun.
    pub fn says(&self) -> Option<&str> {
        match self {
            Self::Reply { label, says } => Some(says.as_deref().unwrap_or(label)),
            Self::Link { .. }
            | Self::Dial { .. }
            | Self::Location { .. }
            | Self::ShareLocation { .. }
            | Self::Calendar { .. } => None,
        }
    }

    fn words(&self) -> Vec<&str> {
        let more: &[Option<&str>] = match self {
            Self::Reply { .. } | Self::ShareLocation { .. } => &[],
            Self::Link { url, about, .. } => &[Some(url), about.as_deref()],
            // A number that is dialled is no link; what is opened instead is.
            Self::Dial { otherwise, .. } => &[otherwise.as_deref()],
            Self::Location {
                name,
                search,
                otherwise,
                ..
            } => &[name.as_deref(), search.as_deref(), otherwise.as_deref()],
            Self::Calendar {
                title, text, otherwise, ..
            } => &[Some(title), text.as_deref(), otherwise.as_deref()],
        };
        std::iter::once(self.label())
            .chain(more.iter().copied().flatten())
            .collect()
    }
}

#[cfg(test)]
mod tests;
