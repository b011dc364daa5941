//! What a user shares beside words: a place, or a file.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// What stands before it where it is stored as a text: the mark of Unicode for an object that is no text. Nobody's words
/// begin with it, and whose do is taken for no command either.
const MARK: char = '\u{fffc}';

/// Something shared by RCS. It is stored among the texts, and never taken for words.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shared {
    /// A place: any, not always the user's own.
    Location {
        /// In degrees, north.
        latitude: f64,
        /// In degrees, east.
        longitude: f64,
    },
    /// A file, for as long as the platform keeps it.
    File {
        /// Its media type, as the handset says.
        #[serde(skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
        /// Where it is.
        uri: String,
    },
}

impl Shared {
    /// What a stored text stands for; `None` is words.
    pub fn read(text: &str) -> Option<Self> {
        let whole = text.strip_prefix(MARK)?;
        // RFC 5870.
        let place = whole.strip_prefix("geo:").and_then(|place| place.split_once(','));
        if let Some((latitude, longitude)) = place {
            return Some(Self::Location {
                latitude: latitude.parse().ok()?,
                longitude: longitude.parse().ok()?,
            });
        }
        let (media_type, uri) = whole.split_once(' ')?;
        Some(Self::File {
            media_type: (!media_type.is_empty()).then(|| media_type.to_owned()),
            uri: uri.to_owned(),
        })
    }

    /// A stored text as a person reads it.
    pub fn shown(text: &str) -> &str {
        text.trim_start_matches(MARK)
    }

    /// Whether a text is the mark of something shared, readable or not.
    pub fn is_marked(text: &str) -> bool {
        text.starts_with(MARK)
    }

    /// The word of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Location { .. } => "location",
            Self::File { .. } => "file",
        }
    }
}

/// As it is stored.
impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Location { latitude, longitude } => write!(f, "{MARK}geo:{latitude},{longitude}"),
            Self::File { media_type, uri } => {
                let media_type = media_type.as_deref().unwrap_or_default().replace(' ', "");
                write!(f, "{MARK}{media_type} {uri}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_read_as_it_was_stored_and_words_are_none() {
        let uri = "https://rcs.example/f?a=1".to_owned();
        for shared in [
            Shared::Location {
                latitude: 20.0,
                longitude: -10.5,
            },
            Shared::File {
                media_type: Some("image/jpeg".to_owned()),
                uri: uri.clone(),
            },
            Shared::File { media_type: None, uri },
        ] {
            assert_eq!(Shared::read(&shared.to_string()), Some(shared));
        }
        for words in ["geo:20,10", "https://rcs.example/f", "20,10", ""] {
            assert_eq!(Shared::read(words), None, "{words}");
        }
    }
}
