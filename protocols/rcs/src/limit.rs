//! The limits of the API by name, and what breaks them.
//!
//! Lengths of texts count UTF-16 code units: the documentation says "characters" and defines none, and what keeps this count
//! keeps any other that it may mean, but for bytes.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::Uri;

/// `contentMessage.text`, in UTF-16 units.
pub const MAX_TEXT: usize = 3_072;
/// Suggestions under a message.
pub const MAX_SUGGESTIONS: usize = 11;
/// Suggestions in a card.
pub const MAX_CARD_SUGGESTIONS: usize = 4;
/// The label of a suggestion, in UTF-16 units.
pub const MAX_LABEL: usize = 25;
/// `postbackData`, in UTF-16 units.
pub const MAX_POSTBACK: usize = 2_048;
/// Any URL, in UTF-16 units.
pub const MAX_URL: usize = 2_048;
/// The title of a card, in UTF-16 units.
pub const MAX_TITLE: usize = 200;
/// The description of a card, in UTF-16 units.
pub const MAX_DESCRIPTION: usize = 2_000;
/// The title of a calendar event, in UTF-16 units.
pub const MAX_EVENT_TITLE: usize = 100;
/// The description of a calendar event, in UTF-16 units.
pub const MAX_EVENT_DESCRIPTION: usize = 500;
/// Cards of a carousel.
pub const CAROUSEL_CARDS: RangeInclusive<usize> = 2..=10;
/// The JSON text of an AgentMessage, in bytes: "250 KB", taken as the smaller of the two kilobytes.
pub const MAX_MESSAGE_BYTES: usize = 250_000;
/// `ttl`, and how far ahead `expireTime` may lie: 15 days.
pub const MAX_TTL: Duration = Duration::from_secs(15 * 24 * 60 * 60);
/// Users of one batch look-up.
pub const MAX_BATCH_USERS: usize = 10_000;
/// Users from which on the platform takes a batch look-up for one: fewer are answered, but by no estimate.
pub const USEFUL_BATCH_USERS: usize = 500;
/// A file, in bytes: 100 MiB.
pub const MAX_FILE_BYTES: usize = 100 * 1_024 * 1_024;
/// Ids that peers make, texts of places and of phone numbers to dial, in UTF-16 units. Not the platform's limit: ours.
pub const MAX_WORD: usize = 1_024;

/// The body of an answer that is read, in bytes; ours. A batch of 10,000 users is answered in half of it.
pub const MAX_ANSWER_BYTES: usize = 1_024 * 1_024;
/// The body of a post to the webhook that is read, in bytes; ours.
pub const MAX_WEBHOOK_BYTES: usize = 1_024 * 1_024;

/// A member that breaks a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The member, as `contentMessage.suggestions[0].reply.text`: the path that the platform's own errors use.
    pub path: String,
    /// What it breaks.
    pub problem: Problem,
}

/// What a member breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The text is longer than `limit` UTF-16 units.
    TooLong {
        /// Its length.
        units: usize,
        /// The longest.
        limit: usize,
    },
    /// The octets are more than `limit`.
    TooBig {
        /// How many they are.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// The list has too many items or too few.
    Count {
        /// How many it has.
        count: usize,
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
    },
    /// The text is empty where one is needed.
    Empty,
    /// The member is none of what is asked for: the words say what is.
    Expected(&'static str),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { units, limit } => write!(f, "has {units} UTF-16 units, {limit} are allowed: shorten it"),
            Self::TooBig { bytes, limit } => write!(f, "has {bytes} bytes, {limit} are allowed: make it smaller"),
            Self::Count { count, least, most } => write!(f, "has {count} items, {least} to {most} are allowed"),
            Self::Empty => f.write_str("is empty: fill it or leave it out"),
            Self::Expected(what) => write!(f, "expected {what}"),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return write!(f, "the message {}", self.problem);
        }
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// All that breaks a limit in a value; at least one. Its text names the first and counts the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Each of them, in the order of the members.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => Ok(()),
            [only] => only.fmt(f),
            [first, others @ ..] => write!(f, "{first} (and {} more)", others.len()),
        }
    }
}

impl std::error::Error for Violations {}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Where a check stands, from the member back to the root. Nothing is allocated until something is wrong.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'static str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    pub(crate) fn member(&self, name: &'static str) -> Path<'_> {
        Path::Member(self, name)
    }

    pub(crate) fn item(&self, index: usize) -> Path<'_> {
        Path::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// What a check has found so far.
#[derive(Default)]
pub(crate) struct Found(Vec<Violation>);

impl Found {
    pub(crate) fn finish(self) -> Result<(), Violations> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Violations(self.0))
        }
    }

    pub(crate) fn add(&mut self, at: Path<'_>, problem: Problem) {
        self.0.push(Violation {
            path: at.to_string(),
            problem,
        });
    }

    pub(crate) fn expect(&mut self, is_right: bool, at: Path<'_>, what: &'static str) {
        if !is_right {
            self.add(at, Problem::Expected(what));
        }
    }

    /// A text that says something, within its limit.
    pub(crate) fn text(&mut self, at: Path<'_>, text: &str, limit: usize) {
        if text.is_empty() {
            self.add(at, Problem::Empty);
        }
        // No text has more units than bytes.
        if text.len() > limit {
            let units = text.encode_utf16().count();
            if units > limit {
                self.add(at, Problem::TooLong { units, limit });
            }
        }
    }

    /// The same of a text that may be left out.
    pub(crate) fn optional_text(&mut self, at: Path<'_>, text: Option<&str>, limit: usize) {
        if let Some(text) = text {
            self.text(at, text, limit);
        }
    }

    pub(crate) fn count(&mut self, at: Path<'_>, count: usize, allowed: RangeInclusive<usize>) {
        if !allowed.contains(&count) {
            let (least, most) = allowed.into_inner();
            self.add(at, Problem::Count { count, least, most });
        }
    }

    pub(crate) fn bytes(&mut self, at: Path<'_>, bytes: usize, limit: usize) {
        if bytes > limit {
            self.add(at, Problem::TooBig { bytes, limit });
        }
    }

    /// A URL that a handset opens: any scheme.
    pub(crate) fn url(&mut self, at: Path<'_>, url: &str) {
        self.text(at, url, MAX_URL);
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let is_absolute = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
            && !url.contains(|c: char| c.is_whitespace() || c.is_control());
        self.expect(
            is_absolute || url.is_empty(),
            at,
            "an absolute URL without blanks, as https://www.example.com/a",
        );
    }

    /// A URL that the platform fetches.
    pub(crate) fn web_url(&mut self, at: Path<'_>, url: &str) {
        self.text(at, url, MAX_URL);
        let is_web = url
            .parse::<Uri>()
            .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
        self.expect(
            is_web || url.is_empty(),
            at,
            "a URL of http or https, percent-encoded where it must be",
        );
    }

    /// The name of an uploaded file.
    pub(crate) fn file_name(&mut self, at: Path<'_>, name: &str) {
        self.text(at, name, MAX_WORD);
        let is_name = name.strip_prefix("files/").is_some_and(|id| !id.is_empty());
        self.expect(
            is_name || name.is_empty(),
            at,
            "a name that an upload was answered, as files/8d2f1a90",
        );
    }
}
