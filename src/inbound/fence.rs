//! The last fence against a loop: what was sent by itself between a number and one of our addresses.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::{UnixMillis, bare};

/// Texts that are sent by themselves within any [`WINDOW`], at the most, before a text is not answered.
const MOST: usize = 10;
/// And of these, answers to one and the same text.
const MOST_SAME: usize = 5;
const WINDOW: Duration = Duration::from_mins(5);

/// When texts were sent by themselves, by number and address. In memory: a process that starts has sent nothing yet.
pub(super) struct Fence {
    held: Mutex<Held>,
    most_keys: usize,
}

/// Whoever was sent something of late is among the young. They become the old when they are too many, and the old are
/// forgotten: those with whom it has been quiet for longest.
#[derive(Default)]
struct Held {
    young: Times,
    old: Times,
}

/// The last [`MOST`], the oldest first.
type Times = HashMap<Box<str>, Vec<Sent>>;

/// A text that was sent by itself.
#[derive(Clone, Copy)]
struct Sent {
    at: UnixMillis,
    /// The text that it answers.
    answers: Option<Said>,
}

/// A text that was heard, as far as it is told apart from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said(u64);

impl Said {
    /// Of the text as it came.
    pub fn of(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self(hasher.finish())
    }
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
        self.count(number, address, now, |_| true) < MOST
    }

    /// Whether what was said may be answered once more.
    pub(super) fn may_answer(&self, number: &str, address: &str, said: Said, now: UnixMillis) -> bool {
        self.count(number, address, now, |sent| sent.answers == Some(said)) < MOST_SAME
    }

    /// Texts of this kind that were sent of late.
    fn count(&self, number: &str, address: &str, now: UnixMillis, is_it: impl Fn(&Sent) -> bool) -> usize {
        let key = key(number, address);
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let times = held.young.get(&key).or_else(|| held.old.get(&key));
        times.map_or(0, |times| recent(times, now).filter(|sent| is_it(sent)).count())
    }

    /// Texts were sent that answer what was said.
    pub(super) fn sent(&self, number: &str, address: &str, said: Option<Said>, texts: usize, now: UnixMillis) {
        if texts == 0 {
            return;
        }
        let key = key(number, address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut times = held
            .young
            .remove(&key)
            .or_else(|| held.old.remove(&key))
            .unwrap_or_default();
        let sent = Sent { at: now, answers: said };
        times.extend(std::iter::repeat_n(sent, texts.min(MOST)));
        times.drain(..times.len().saturating_sub(MOST));
        if held.young.len() >= (self.most_keys / 2).max(1) {
            held.old = std::mem::take(&mut held.young);
        }
        held.young.insert(key, times);
    }

    /// Forgets those with whom it has been quiet.
    pub(super) fn sweep(&self, now: UnixMillis) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { young, old } = &mut *held;
        for times in [young, old] {
            times.retain(|_, times| recent(times, now).next().is_some());
            times.shrink_to_fit();
        }
    }

    /// Conversations remembered.
    pub(super) fn keys(&self) -> usize {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.young.len() + held.old.len()
    }
}

fn recent(times: &[Sent], now: UnixMillis) -> impl Iterator<Item = &Sent> {
    times.iter().filter(move |sent| now.since(sent.at) < WINDOW)
}

fn key(number: &str, address: &str) -> Box<str> {
    format!("{} {}", bare(number), bare(address)).into()
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
                fence.sent("+393331234567", "12345", None, 1, at(second));
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
            fence.sent("1", "2", None, texts, at(0));
            assert_eq!(fence.has_room("1", "2", at(1)), room);
        }
        assert!(fence.has_room("1", "2", at(300)));
    }

    #[test]
    fn the_same_text_is_answered_five_times_and_others_still() {
        let fence = Fence::new(100);
        let (same, other) = (Said::of("desk hours"), Said::of("balance"));
        for second in 0..5 {
            assert!(fence.may_answer("1", "2", same, at(second)));
            fence.sent("1", "2", Some(same), 1, at(second));
        }
        assert!(!fence.may_answer("1", "2", same, at(5)));
        assert!(fence.may_answer("1", "2", other, at(5)));
        assert!(fence.has_room("1", "2", at(5)));
        assert!(fence.may_answer("1", "2", same, at(300)));
    }

    #[test]
    fn conversations_remembered_are_bounded_and_the_quietest_forgotten() {
        let fence = Fence::new(10);
        for n in 0..1_000 {
            fence.sent("loop", "12345", None, 1, at(0));
            fence.sent(&n.to_string(), "12345", None, 1, at(0));
        }
        assert!(fence.keys() <= 11, "{}", fence.keys());
        assert!(!fence.has_room("loop", "12345", at(1)));
        fence.sweep(at(300));
        assert_eq!(fence.keys(), 0);
    }
}
