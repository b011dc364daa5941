//! Reading a rich message out of JSON and holding it against the limits of RCS: every fault with its place.

use std::fmt::Write as _;

use araldo_rcs::limit::{
    CAROUSEL_CARDS, MAX_CARD_SUGGESTIONS, MAX_DESCRIPTION, MAX_EVENT_DESCRIPTION, MAX_EVENT_TITLE, MAX_LABEL,
    MAX_SUGGESTIONS, MAX_TEXT, MAX_TITLE, MAX_URL,
};
use axum::http::Uri;
use jiff::Timestamp;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::{Card, File, Height, MediaPlace, Rich, Suggestion};

/// What a tap is taken for, in UTF-16 units: as long as a command may be.
const MAX_SAYS: usize = 1_024;
/// Names of places and words about pages, in UTF-16 units. Not the platform's limit: ours.
const MAX_WORDS: usize = 1_024;
/// A number to dial.
const MAX_NUMBER: usize = 40;
/// The message as it is kept, in bytes: with what a carrier adds it stays under the platform's 250 KB.
const MAX_BYTES: usize = 200_000;

/// A member that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RichFault {
    /// Where: a JSON pointer into the rich message, empty for the whole.
    pub pointer: String,
    /// What is wrong and what helps; never what was sent.
    pub detail: String,
    /// The most that is allowed, where it is a number.
    pub limit: Option<usize>,
}

/// Reads a rich message.
///
/// # Errors
/// The first member that cannot be read, or every one that breaks a limit.
pub fn read(json: &Value) -> Result<Rich, Vec<RichFault>> {
    let rich: Rich = serde_path_to_error::deserialize(json).map_err(|error| vec![unreadable(&error)])?;
    let mut found = Found::default();
    found.rich(&rich);
    let bytes = rich.to_json().len();
    if bytes > MAX_BYTES {
        let detail = format!("has {bytes} bytes as JSON, {MAX_BYTES} are allowed: make it smaller");
        found.fault("", detail, Some(MAX_BYTES));
    }
    if found.0.is_empty() { Ok(rich) } else { Err(found.0) }
}

/// Whether the members are there and of their kind, whatever they say: what is known of a message before it is filled in.
///
/// # Errors
/// The first member that cannot be read.
pub fn members(json: &Value) -> Result<(), RichFault> {
    let read: Result<Rich, _> = serde_path_to_error::deserialize(json);
    read.map(drop).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> RichFault {
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => write!(pointer, "/{index}").unwrap_or_default(),
            Segment::Map { key } if key.bytes().all(|c| c.is_ascii_lowercase() || c == b'_') => {
                write!(pointer, "/{key}").unwrap_or_default();
            }
            Segment::Map { .. } | Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    RichFault {
        pointer,
        detail: told(&error.inner().to_string()),
        limit: None,
    }
}

/// What serde says, without what was sent: a name of a member is shown as far as it is a word.
fn told(error: &str) -> String {
    let word = |after: &str| {
        let name = error.strip_prefix(after)?.split('`').next()?;
        let is_word = name.len() <= 40 && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
        Some(if is_word { name } else { "…" })
    };
    if let Some(name) = word("missing field `") {
        return format!("lacks `{name}`");
    }
    let expected = error
        .rsplit_once(", expected ")
        .map_or("something else", |(_, expected)| expected);
    let expected = match expected.split(" at line ").next().unwrap_or(expected) {
        object if object.starts_with("struct ") => "an object",
        expected => expected,
    };
    match word("unknown field `").or_else(|| word("unknown variant `")) {
        Some(name) => format!("has `{name}`, expected {expected}"),
        None => format!("expected {expected}"),
    }
}

#[derive(Default)]
struct Found(Vec<RichFault>);

impl Found {
    fn fault(&mut self, at: &str, detail: impl Into<String>, limit: Option<usize>) {
        self.0.push(RichFault {
            pointer: at.to_owned(),
            detail: detail.into(),
            limit,
        });
    }

    fn expect(&mut self, is_right: bool, at: &str, what: &str) {
        if !is_right {
            self.fault(at, what, None);
        }
    }

    fn rich(&mut self, rich: &Rich) {
        let members = [
            rich.text.is_some(),
            rich.card.is_some(),
            rich.carousel.is_some(),
            rich.media.is_some(),
        ];
        match members.iter().filter(|is_there| **is_there).count() {
            1 => {}
            0 => self.fault("", "lacks one of `text`, `card`, `carousel` and `media`", None),
            _ => self.fault(
                "",
                "has more than one of `text`, `card`, `carousel` and `media`: keep one",
                None,
            ),
        }
        self.optional("/text", rich.text.as_deref(), MAX_TEXT);
        if let Some(card) = &rich.card {
            self.card("/card", card);
            let is_bare = card.title.is_none() && card.text.is_none() && card.suggestions.is_empty();
            let beside = card.media.is_some() && card.media_place != MediaPlace::Above;
            self.expect(
                !(beside && is_bare),
                "/card",
                "needs `title`, `text` or `suggestions` beside media on its left or right",
            );
        }
        if let Some(carousel) = &rich.carousel {
            let (count, most) = (carousel.cards.len(), *CAROUSEL_CARDS.end());
            if !CAROUSEL_CARDS.contains(&count) {
                let detail = format!("has {count} cards, 2 to {most} are allowed: send a `card` or leave some out");
                self.fault("/carousel/cards", detail, Some(most));
            }
            for (index, card) in carousel.cards.iter().enumerate() {
                self.card_of_many(&format!("/carousel/cards/{index}"), card);
            }
        }
        if let Some(File { url, thumbnail_url, .. }) = &rich.media {
            self.web_url("/media/url", url);
            self.optional_web_url("/media/thumbnail_url", thumbnail_url.as_deref());
        }
        self.suggestions("/suggestions", &rich.suggestions, MAX_SUGGESTIONS);
    }

    fn card(&mut self, at: &str, card: &Card) {
        let is_something = card.title.is_some() || card.text.is_some() || card.media.is_some();
        self.expect(is_something, at, "lacks one of `title`, `text` and `media`");
        self.optional(&format!("{at}/title"), card.title.as_deref(), MAX_TITLE);
        self.optional(&format!("{at}/text"), card.text.as_deref(), MAX_DESCRIPTION);
        if let Some(media) = &card.media {
            self.web_url(&format!("{at}/media/url"), &media.url);
            self.optional_web_url(&format!("{at}/media/thumbnail_url"), media.thumbnail_url.as_deref());
        }
        self.suggestions(&format!("{at}/suggestions"), &card.suggestions, MAX_CARD_SUGGESTIONS);
    }

    fn card_of_many(&mut self, at: &str, card: &Card) {
        self.card(at, card);
        let is_tall = card
            .media
            .as_ref()
            .is_some_and(|media| media.height == Some(Height::Tall));
        self.expect(
            !is_tall,
            &format!("{at}/media/height"),
            "must be `short` or `medium` in a carousel",
        );
        self.expect(
            card.media_place == MediaPlace::Above,
            &format!("{at}/media_place"),
            "must be `above` in a carousel",
        );
    }

    fn suggestions(&mut self, at: &str, suggestions: &[Suggestion], most: usize) {
        if suggestions.len() > most {
            let detail = format!(
                "has {} suggestions, {most} are allowed: leave some out",
                suggestions.len()
            );
            self.fault(at, detail, Some(most));
        }
        for (index, suggestion) in suggestions.iter().enumerate() {
            let at = format!("{at}/{index}");
            self.suggestion(&at, suggestion);
            let label = |suggestion: &Suggestion| suggestion.label().trim().to_lowercase();
            let is_new = !suggestions[..index]
                .iter()
                .any(|before| label(before) == label(suggestion));
            let what = "is the label of another suggestion beside it, too: nobody could tell the two apart";
            self.expect(is_new, &format!("{at}/label"), what);
        }
    }

    fn suggestion(&mut self, at: &str, suggestion: &Suggestion) {
        let under = |member: &str| format!("{at}/{member}");
        self.text(&under("label"), suggestion.label(), MAX_LABEL);
        match suggestion {
            Suggestion::ShareLocation { .. } => {}
            Suggestion::Reply { says, .. } => self.optional(&under("says"), says.as_deref(), MAX_SAYS),
            Suggestion::Link { url, about, .. } => {
                self.url(&under("url"), url);
                self.optional(&under("about"), about.as_deref(), MAX_WORDS);
            }
            Suggestion::Dial { number, otherwise, .. } => {
                self.text(&under("number"), number, MAX_NUMBER);
                let is_number = number.bytes().all(|c| c.is_ascii_digit() || b"+*#".contains(&c));
                self.expect(is_number, &under("number"), "must have digits, `+`, `*` and `#` only");
                self.optional_url(&under("otherwise"), otherwise.as_deref());
            }
            Suggestion::Location {
                at: position,
                name,
                search,
                otherwise,
                ..
            } => {
                self.expect(
                    position.is_some() || search.is_some(),
                    at,
                    "lacks one of `at` and `search`",
                );
                if let Some(position) = position {
                    let is_there = (-90.0..=90.0).contains(&position.latitude);
                    self.expect(is_there, &under("at/latitude"), "must be -90 to 90 degrees");
                    let is_there = (-180.0..=180.0).contains(&position.longitude);
                    self.expect(is_there, &under("at/longitude"), "must be -180 to 180 degrees");
                }
                self.optional(&under("name"), name.as_deref(), MAX_WORDS);
                self.optional(&under("search"), search.as_deref(), MAX_WORDS);
                self.optional_url(&under("otherwise"), otherwise.as_deref());
            }
            Suggestion::Calendar {
                title,
                text,
                starts_at,
                ends_at,
                otherwise,
                ..
            } => {
                self.text(&under("title"), title, MAX_EVENT_TITLE);
                self.optional(&under("text"), text.as_deref(), MAX_EVENT_DESCRIPTION);
                let starts = self.time(&under("starts_at"), starts_at);
                let ends = self.time(&under("ends_at"), ends_at);
                let in_order = starts.zip(ends).is_none_or(|(starts, ends)| starts < ends);
                self.expect(in_order, &under("ends_at"), "must be after `starts_at`");
                self.optional_url(&under("otherwise"), otherwise.as_deref());
            }
        }
    }

    fn time(&mut self, at: &str, time: &str) -> Option<Timestamp> {
        let read = time.parse().ok();
        let what = "is not a time in RFC 3339 with its zone, e.g. 2026-11-24T10:30:00+01:00";
        self.expect(read.is_some(), at, what);
        read
    }

    /// A text that says something, within its limit.
    fn text(&mut self, at: &str, text: &str, limit: usize) {
        self.expect(!text.trim().is_empty(), at, "is empty: fill it or leave it out");
        self.expect(
            !text.contains('\0'),
            at,
            "has U+0000, which ends texts on the way: leave it out",
        );
        // No text has more units than bytes.
        if text.len() > limit {
            let units = text.encode_utf16().count();
            if units > limit {
                let detail = format!("has {units} UTF-16 units, {limit} are allowed: shorten it");
                self.fault(at, detail, Some(limit));
            }
        }
    }

    fn optional(&mut self, at: &str, text: Option<&str>, limit: usize) {
        if let Some(text) = text {
            self.text(at, text, limit);
        }
    }

    /// A URL that a handset opens: of any scheme but those that are programs or data themselves.
    fn url(&mut self, at: &str, url: &str) {
        self.text(at, url, MAX_URL);
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c));
        let is_blank = |c: char| c.is_whitespace() || c.is_control();
        let is_kept = ["javascript", "data", "file"]
            .iter()
            .all(|bad| !scheme.eq_ignore_ascii_case(bad));
        self.expect(
            is_kept,
            at,
            "is of a scheme that is a program, data or a file of the handset: write one that is opened, as https:",
        );
        self.expect(
            is_scheme && !url.contains(is_blank),
            at,
            "must be an absolute URL without blanks, as https://www.example.com/a",
        );
    }

    fn optional_url(&mut self, at: &str, url: Option<&str>) {
        if let Some(url) = url {
            self.url(at, url);
        }
    }

    /// A URL that the platform fetches.
    fn web_url(&mut self, at: &str, url: &str) {
        self.text(at, url, MAX_URL);
        let is_web = url
            .parse::<Uri>()
            .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
        self.expect(
            is_web,
            at,
            "must be a URL of http or https, percent-encoded where it must be",
        );
    }

    fn optional_web_url(&mut self, at: &str, url: Option<&str>) {
        if let Some(url) = url {
            self.web_url(at, url);
        }
    }
}
