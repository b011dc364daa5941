//! What the ways in have in common that nobody waits at: counting what came, and saying what is wrong with it.

use std::fmt::Write as _;

/// The longest word on what is wrong with an event, in characters.
const MAX_ERROR: usize = 1_000;

/// A way in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// The event inbox.
    Inbox,
    /// JetStream.
    #[cfg(feature = "nats")]
    Nats,
}

/// What became of an event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// Its messages are stored.
    Stored,
    /// It was published before.
    Repeated,
    /// It cannot be followed.
    Refused,
}

impl Way {
    /// Counts events.
    pub(super) fn count(self, outcome: Outcome, events: u64) {
        let way = match self {
            Self::Inbox => "inbox",
            #[cfg(feature = "nats")]
            Self::Nats => "nats",
        };
        let outcome = match outcome {
            Outcome::Stored => "stored",
            Outcome::Repeated => "repeated",
            Outcome::Refused => "refused",
        };
        metrics::counter!("araldo_events_total", "way" => way, "outcome" => outcome).increment(events);
    }
}

/// Places and what is wrong there, in one text.
pub(super) fn told<'a>(faults: impl Iterator<Item = (&'a str, &'a str)>) -> Box<str> {
    let mut text = String::new();
    for (place, detail) in faults {
        let between = if text.is_empty() { "" } else { "; " };
        let colon = if place.is_empty() { "" } else { ": " };
        // Writing to a String does not fail.
        let _ = write!(text, "{between}{place}{colon}{detail}");
    }
    match text.char_indices().nth(MAX_ERROR) {
        Some((end, _)) => text[..end].into(),
        None => text.into(),
    }
}
