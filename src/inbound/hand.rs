//! What is held between batches: texts that are ready, those of one number one after the other.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use super::joined::{Joined, Joiner};
use super::limits::Verdicts;
use crate::domain::{UnixMillis, bare};
use crate::store::{Seq, UnhandledText};

/// Texts handled at once.
const AT_ONCE: usize = 128;
/// Texts held at the most before more are read.
const MOST_HELD: usize = 1_024;

/// Texts in hand.
pub(super) struct Hand {
    joiner: Joiner,
    ready: VecDeque<Ready>,
    /// The last place that was taken.
    pub(super) last: Seq,
    /// Whether the store has more behind it.
    pub(super) behind: bool,
}

/// A text to handle.
pub(super) struct Ready {
    pub(super) joined: Joined,
    /// What the limits have said of it.
    pub(super) verdicts: Verdicts,
    /// Whether the day has no room for what it asks for.
    pub(super) over: bool,
    /// Turns of it that the store refused.
    pub(super) tries: u8,
    /// Before then it is not tried again; `None` is at once.
    pub(super) not_before: Option<UnixMillis>,
}

impl From<Joined> for Ready {
    fn from(joined: Joined) -> Self {
        Self {
            joined,
            verdicts: Verdicts::default(),
            over: false,
            tries: 0,
            not_before: None,
        }
    }
}

impl Hand {
    /// Empty; the store has all.
    pub(super) fn new(reassembly_timeout: Duration) -> Self {
        Self {
            joiner: Joiner::new(reassembly_timeout),
            ready: VecDeque::new(),
            last: 0,
            behind: true,
        }
    }

    /// Whether more is to be read from the store.
    pub(super) fn wants_more(&self) -> bool {
        self.behind && self.ready.len() < MOST_HELD
    }

    pub(super) fn take(&mut self, text: UnhandledText) {
        // What was read from the store may come from memory, too.
        if text.seq <= self.last {
            return;
        }
        self.last = text.seq;
        let joined = self.joiner.take(text);
        self.ready.extend(joined.into_iter().map(Ready::from));
    }

    /// Long texts whose segments were waited for long enough are ready as they are.
    pub(super) fn expire(&mut self, now: UnixMillis) {
        let joined = self.joiner.expire(now);
        self.ready.extend(joined.into_iter().map(Ready::from));
    }

    /// A text to handle again, before the later ones of its number.
    pub(super) fn put_back(&mut self, ready: Ready) {
        self.ready.push_front(ready);
    }

    /// When there is something to do that nobody brings.
    pub(super) fn next_timeout(&self) -> Option<UnixMillis> {
        let tries = self.ready.iter().filter_map(|ready| ready.not_before);
        tries.chain(self.joiner.next_timeout()).min()
    }

    /// The next texts, one of each number at the most; the others stay in their order. Those behind one that is not to be
    /// tried yet wait with it.
    pub(super) fn next_batch(&mut self, now: UnixMillis) -> Vec<Ready> {
        let mut numbers: HashSet<Box<str>> = HashSet::new();
        let mut batch = Vec::new();
        let mut left = VecDeque::new();
        while let Some(ready) = self.ready.pop_front() {
            let is_first = numbers.insert(bare(&ready.joined.text.from).into());
            if is_first && ready.not_before.is_none_or(|at| at <= now) {
                batch.push(ready);
            } else {
                left.push_back(ready);
            }
            if batch.len() == AT_ONCE {
                break;
            }
        }
        left.append(&mut self.ready);
        self.ready = left;
        batch
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{InboundId, Name};

    fn text(seq: Seq, from: &str) -> UnhandledText {
        UnhandledText {
            seq,
            id: InboundId(Uuid::nil()),
            carrier: Name::parse("tim").unwrap(),
            from: from.into(),
            to: "12345".into(),
            text: Some("saldo".into()),
            code: None,
            segment: None,
            at: UnixMillis(0),
        }
    }

    fn hand() -> Hand {
        let mut hand = Hand::new(Duration::from_mins(5));
        for (seq, from) in [(1, "a"), (2, "b"), (3, "+a"), (3, "a"), (2, "b"), (4, "b"), (5, "a")] {
            hand.take(text(seq, from));
        }
        hand
    }

    fn seqs(batch: &[Ready]) -> Vec<Seq> {
        batch.iter().map(|ready| ready.joined.text.seq).collect()
    }

    #[test]
    fn a_number_s_texts_go_one_after_the_other_and_each_once() {
        let mut hand = hand();
        for expected in [vec![1, 2], vec![3, 4], vec![5], vec![]] {
            assert_eq!(seqs(&hand.next_batch(UnixMillis(0))), expected);
        }
    }

    #[test]
    fn a_text_that_is_tried_again_later_holds_back_those_of_its_number_alone() {
        let mut hand = hand();
        let mut first = hand.next_batch(UnixMillis(0)).remove(0);
        first.not_before = Some(UnixMillis(1_000));
        hand.put_back(first);
        assert_eq!(seqs(&hand.next_batch(UnixMillis(999))), [4]);
        assert_eq!(seqs(&hand.next_batch(UnixMillis(999))), [0; 0]);
        assert_eq!(hand.next_timeout(), Some(UnixMillis(1_000)));
        for expected in [[1], [3], [5]] {
            assert_eq!(seqs(&hand.next_batch(UnixMillis(1_000))), expected);
        }
    }
}
