//! The last fence against a loop: what was sent by itself between a number and one of our addresses, and to what.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::guard::digest;
use crate::domain::{UnixMillis, bare};

/// Texts that are sent by themselves within any [`WINDOW`], at the most, before a text is not answered.
const MOST: usize = 10;
/// Answers to one and the same text within any [`WINDOW`], at the most: a person has read them by then, and a machine whose
/// texts are commands goes on.
const MOST_SAME: usize = 4;
const WINDOW: Duration = Duration::from_mins(5);

/// What was sent by itself, by number and address. In memory: a process that starts has sent nothing yet.
pub(super) struct Fence {
    held: Mutex<Held>,
    most_keys: usize,
}

/// Whoever was sent something of late is among the young. They become the old when they are too many, and the old are
/// forgotten: those with whom it has been quiet for longest.
#[derive(Default)]
struct Held {
    young: HashMap<Box<str>, Talk>,
    old: HashMap<Box<str>, Talk>,
}

/// Of each the last [`MOST`], the oldest first.
#[derive(Default)]
struct Talk {
    /// When texts were sent.
    sent: Vec<UnixMillis>,
    /// When texts were answered, and which.
    answered: Vec<(UnixMillis, i64)>,
}

impl Fence {
    /// One that remembers so many conversations.
    pub(super) fn new(most_keys: usize) -> Self {
        Self {
            held: Mutex::default(),
            most_keys,
        }
    }

    /// Whether there is room for another text.
    pub(super) fn has_room(&self, number: &str, address: &str, now: UnixMillis) -> bool {
        self.look(number, address, |talk| {
            talk.sent.iter().filter(|at| is_recent(**at, now)).count() < MOST
        })
    }

    /// Whether a text may be answered that was answered before.
    pub(super) fn may_repeat(&self, number: &str, address: &str, text: &str, now: UnixMillis) -> bool {
        self.look(number, address, |talk| {
            let text = digest(text);
            let same = talk.answered.iter().filter(|(_, answered)| *answered == text);
            same.filter(|(at, _)| is_recent(*at, now)).count() < MOST_SAME
        })
    }

    /// Texts were sent.
    pub(super) fn sent(&self, number: &str, address: &str, texts: usize, now: UnixMillis) {
        if texts > 0 {
            self.note(number, address, |talk| {
                talk.sent.extend(std::iter::repeat_n(now, texts.min(MOST)));
            });
        }
    }

    /// A text is answered: now, or once its call is.
    pub(super) fn answered(&self, number: &str, address: &str, text: &str, now: UnixMillis) {
        self.note(number, address, |talk| talk.answered.push((now, digest(text))));
    }

    fn look(&self, number: &str, address: &str, has_room: impl FnOnce(&Talk) -> bool) -> bool {
        let key = key(number, address);
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let talk = held.young.get(&key).or_else(|| held.old.get(&key));
        talk.is_none_or(has_room)
    }

    fn note(&self, number: &str, address: &str, note: impl FnOnce(&mut Talk)) {
        let key = key(number, address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let known = held.young.remove(&key).or_else(|| held.old.remove(&key));
        let mut talk = known.unwrap_or_default();
        note(&mut talk);
        let Talk { sent, answered } = &mut talk;
        sent.drain(..sent.len().saturating_sub(MOST));
        answered.drain(..answered.len().saturating_sub(MOST));
        if held.young.len() >= (self.most_keys / 2).max(1) {
            held.old = std::mem::take(&mut held.young);
        }
        held.young.insert(key, talk);
    }

    /// Forgets those with whom it has been quiet.
    pub(super) fn sweep(&self, now: UnixMillis) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { young, old } = &mut *held;
        for talks in [young, old] {
            talks.retain(|_, Talk { sent, answered }| {
                let mut times = sent.iter().copied().chain(answered.iter().map(|(at, _)| *at));
                times.any(|at| is_recent(at, now))
            });
            talks.shrink_to_fit();
        }
    }

    /// Conversations remembered.
    pub(super) fn keys(&self) -> usize {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.young.len() + held.old.len()
    }
}

fn is_recent(at: UnixMillis, now: UnixMillis) -> bool {
    now.since(at) < WINDOW
}

fn key(number: &str, address: &str) -> Box<str> {
    [bare(number), " ", bare(address)].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(seconds * 1_000)
    }

    #[test]
    fn in_any_five_minutes_ten_texts_are_the_most_between_a_number_and_an_address() {
        let fence = Fence::new(100);
        let mut sent = Vec::new();
        for second in 0..1_200 {
            if fence.has_room("393331234567", "12345", at(second)) {
                fence.sent("+393331234567", "12345", 1, at(second));
                sent.push(second);
            }
        }
        assert!(sent.windows(11).all(|eleven| eleven[10] - eleven[0] >= 300), "{sent:?}");
        assert_eq!(sent.len(), 40, "{sent:?}");
        assert!(fence.has_room("393331234567", "54321", at(1_200)));
        assert!(fence.has_room("393337654321", "12345", at(1_200)));
    }

    #[test]
    fn several_texts_at_once_count_each() {
        let fence = Fence::new(100);
        for (texts, room) in [(9, true), (0, true), (1, false)] {
            fence.sent("1", "2", texts, at(0));
            assert_eq!(fence.has_room("1", "2", at(1)), room);
        }
        assert!(fence.has_room("1", "2", at(300)));
    }

    #[test]
    fn the_same_text_is_answered_four_times_and_others_still() {
        let fence = Fence::new(100);
        for second in 0..4 {
            assert!(fence.may_repeat("1", "2", "desk hours", at(second)));
            fence.answered("1", "2", "Desk hours!", at(second));
        }
        assert!(!fence.may_repeat("1", "2", "desk hours", at(4)));
        assert!(fence.may_repeat("1", "2", "balance", at(4)));
        assert!(fence.has_room("1", "2", at(4)), "nothing was sent yet");
        assert!(fence.may_repeat("1", "2", "desk hours", at(300)));
    }

    #[test]
    fn conversations_remembered_are_bounded_and_the_quietest_forgotten() {
        let fence = Fence::new(10);
        for n in 0..1_000 {
            fence.sent("loop", "12345", 1, at(0));
            fence.sent(&n.to_string(), "12345", 1, at(0));
        }
        assert!(fence.keys() <= 11, "{}", fence.keys());
        assert!(!fence.has_room("loop", "12345", at(1)));
        fence.sweep(at(300));
        assert_eq!(fence.keys(), 0);
    }
}
