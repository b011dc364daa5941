//! What a tap brings back: which suggestion of which message.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::domain::MessageId;

/// A suggestion of a message that was sent, as it is known to the handset: `0193…-3`, the message's id and the
/// suggestion's place, from 0. The id cannot be guessed, and what it stands for is looked up: a tap counts only where it
/// comes from the number that the message went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Postback {
    /// The message.
    pub message: MessageId,
    /// The suggestion's place in [`Rich::suggestions`](super::Rich::suggestions).
    pub place: usize,
}

/// A text that no message of ours has given to a handset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no postback of a message of ours")]
pub struct InvalidPostback;

impl Postback {
    /// A suggestion's place, as timelines have it.
    pub fn place_in_words(place: usize) -> String {
        format!("suggestion {}", place + 1)
    }
}

impl fmt::Display for Postback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.message.0.simple(), self.place)
    }
}

impl FromStr for Postback {
    type Err = InvalidPostback;

    fn from_str(text: &str) -> Result<Self, InvalidPostback> {
        let (id, place) = text.split_once('-').ok_or(InvalidPostback)?;
        let is_ours = id.len() == 32 && place.len() <= 3 && place.bytes().all(|c| c.is_ascii_digit());
        let id = Uuid::try_parse(id).ok().filter(|_| is_ours).ok_or(InvalidPostback)?;
        Ok(Self {
            message: MessageId(id),
            place: place.parse().map_err(|_| InvalidPostback)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postback_is_read_back_and_nothing_else_is_taken_for_one() {
        let postback = Postback {
            message: MessageId(uuid::uuid!("01932b5e-7c3a-7000-8000-000000000001")),
            place: 13,
        };
        assert_eq!(postback.to_string(), "01932b5e7c3a70008000000000000001-13");
        assert_eq!(postback.to_string().parse(), Ok(postback));
        for other in [
            "",
            "SALDO",
            "01932b5e7c3a70008000000000000001",
            "01932b5e7c3a70008000000000000001-",
            "01932b5e7c3a70008000000000000001-+1",
            "01932b5e7c3a70008000000000000001-1000",
            "01932b5e-7c3a-7000-8000-000000000001-1",
        ] {
            assert_eq!(other.parse::<Postback>(), Err(InvalidPostback), "{other}");
        }
    }
}
