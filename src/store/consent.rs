//! What people want to be sent: who said what of whose messages, when, and how it came here.

use std::sync::Arc;

use super::Seq;
use crate::domain::{Name, Source, UnixMillis, Will};

/// Something to note of what a person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConsent {
    /// The person's number, digits.
    pub msisdn: Box<str>,
    /// Whose messages.
    pub brand: Name,
    /// Which of them; `None` is all, whatever was said of single topics before.
    pub topic: Option<Name>,
    /// What is wanted.
    pub will: Will,
    /// How it came here.
    pub source: Source,
    /// When it was said.
    pub at: UnixMillis,
    /// A word of whoever brings it: a form, a file, a case.
    pub note: Option<Box<str>>,
    /// The clients of the brand, who hear of it.
    pub told: Arc<[Name]>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentResult {
    /// Noted.
    Noted {
        /// Its place in the history.
        seq: Seq,
        /// Waiting messages that are not sent for it.
        suppressed: u32,
    },
    /// It was so already.
    Same,
    /// Something later is known.
    Outdated,
}

/// What somebody wants of a brand, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRecord {
    /// Its place.
    pub seq: Seq,
    /// The number, digits.
    pub msisdn: Box<str>,
    /// Whose messages.
    pub brand: Name,
    /// Which of them; `None` is all.
    pub topic: Option<Name>,
    /// What is wanted.
    pub will: Will,
    /// How it came here.
    pub source: Source,
    /// When it was said.
    pub at: UnixMillis,
    /// A word of whoever brought it.
    pub note: Option<Box<str>>,
}

/// A change, as the history has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentChange {
    /// What was said; `seq` is its place in the history.
    pub said: ConsentRecord,
    /// When it was written.
    pub recorded_at: UnixMillis,
}

/// All that one person wants of one brand now: replaces what was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wants {
    /// The number, digits.
    pub msisdn: Box<str>,
    /// Whose messages.
    pub brand: Name,
    /// Topic, what is wanted of it, since when.
    pub said: Vec<(Option<Name>, Will, UnixMillis)>,
}

/// Which to list, oldest place first.
#[derive(Clone, Debug, Default)]
pub struct ConsentQuery {
    /// Only this number's.
    pub msisdn: Option<Box<str>>,
    /// Only of these brands; empty is all.
    pub brands: Vec<Name>,
    /// Only behind this place.
    pub after: Option<Seq>,
    /// How many at the most.
    pub limit: u32,
}

/// The topic of what is said of every topic.
pub(super) const EVERY_TOPIC: &str = "*";

/// What one person wants of one brand while a batch is applied to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) entries: Vec<ConsentRecord>,
}

impl Held {
    /// Applies what is new: `None` where nothing changes, with the reason. `seq` is the place of a new entry.
    pub(super) fn apply(&mut self, new: &NewConsent, seq: Seq) -> Result<(), ConsentResult> {
        let known = self.entries.iter().position(|entry| entry.topic == new.topic);
        let is_all = new.topic.is_none();
        // What is said of everything is later than all it touches.
        let touched = |entry: &ConsentRecord| is_all || entry.topic == new.topic;
        let later = |entry: &ConsentRecord| (touched(entry) || entry.topic.is_none()) && entry.at > new.at;
        if self.entries.iter().any(later) {
            return Err(ConsentResult::Outdated);
        }
        let others = self.entries.iter().any(|entry| is_all && entry.topic.is_some());
        let same = match known {
            Some(at) => self.entries[at].will == new.will,
            None => new.will == Will::Withdrawn,
        };
        if same && !others {
            return Err(ConsentResult::Same);
        }
        let seq = known.map_or(seq, |at| self.entries[at].seq);
        self.entries.retain(|entry| !touched(entry));
        if new.will != Will::Withdrawn {
            self.entries.push(ConsentRecord { seq, ..new.record() });
        }
        Ok(())
    }

    pub(super) fn wants(&self, msisdn: &str, brand: &Name) -> Wants {
        let said = self.entries.iter();
        Wants {
            msisdn: msisdn.into(),
            brand: brand.clone(),
            said: said.map(|entry| (entry.topic.clone(), entry.will, entry.at)).collect(),
        }
    }
}

impl NewConsent {
    /// As it is kept; without a place yet.
    pub(super) fn record(&self) -> ConsentRecord {
        ConsentRecord {
            seq: 0,
            msisdn: self.msisdn.clone(),
            brand: self.brand.clone(),
            topic: self.topic.clone(),
            will: self.will,
            source: self.source,
            at: self.at,
            note: self.note.clone(),
        }
    }
}
