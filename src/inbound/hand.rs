//! What is held between batches: texts that are ready, those of one number one after the other, over batches that are
//! under way as well.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use super::joined::{Joined, Joiner};
use super::limits::Verdicts;
use crate::domain::{UnixMillis, bare};
use crate::store::{Seq, UnhandledText};

/// Texts handled at once.
const AT_ONCE: usize = 256;
/// Texts held at the most before more are read.
const MOST_HELD: usize = 1_024;

/// Texts in hand.
pub(super) struct Hand {
    joiner: Joiner,
    ready: VecDeque<Ready>,
    /// Whose texts are under way.
    busy: HashSet<Box<str>>,
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

/// What became of a text that was under way.
pub(super) struct Done {
    /// Of whom it is.
    number: Box<str>,
    /// It is to be handled again.
    again: Option<Ready>,
}

impl Done {
    /// Handled.
    pub(super) fn of(ready: &Ready) -> Self {
        Self {
            number: ready.number(),
            again: None,
        }
    }
}

impl From<Ready> for Done {
    /// To be handled again.
    fn from(ready: Ready) -> Self {
        Self {
            number: ready.number(),
            again: Some(ready),
        }
    }
}

impl Ready {
    /// Of whom it is.
    pub(super) fn number(&self) -> Box<str> {
        bare(&self.joined.text.from).into()
    }
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
            busy: HashSet::new(),
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

    /// The texts of a batch are no longer under way; those that are to be handled again are so before the later ones
    /// of their numbers.
    pub(super) fn done(&mut self, batch: Vec<Done>) {
        for Done { number, again } in batch.into_iter().rev() {
            self.busy.remove(&number);
            again.into_iter().for_each(|ready| self.ready.push_front(ready));
        }
    }

    /// When there is something to do that nobody brings.
    pub(super) fn next_timeout(&self) -> Option<UnixMillis> {
        let tries = self.ready.iter().filter_map(|ready| ready.not_before);
        tries.chain(self.joiner.next_timeout()).min()
    }

    /// The next texts, one of each number at the most, and none of a number that has one under way; the others stay in
    /// their order. Those behind one that is not to be tried yet wait with it.
    pub(super) fn next_batch(&mut self, now: UnixMillis) -> Vec<Ready> {
        let mut batch = Vec::with_capacity(self.ready.len().min(AT_ONCE));
        let mut later = HashSet::new();
        let mut left = Vec::new();
        while batch.len() < AT_ONCE
            && let Some(ready) = self.ready.pop_front()
        {
            let number = ready.number();
            let is_first = !self.busy.contains(&number) && !later.contains(&number);
            if is_first && ready.not_before.is_none_or(|at| at <= now) {
                self.busy.insert(number);
                batch.push(ready);
            } else {
                later.insert(number);
                left.push(ready);
            }
        }
        left.into_iter().rev().for_each(|ready| self.ready.push_front(ready));
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
            let batch = hand.next_batch(UnixMillis(0));
            assert_eq!(seqs(&batch), expected);
            assert_eq!(
                seqs(&hand.next_batch(UnixMillis(0))),
                [0; 0],
                "their numbers have one under way"
            );
            hand.done(batch.iter().map(Done::of).collect());
        }
    }

    #[test]
    fn a_text_that_is_tried_again_later_holds_back_those_of_its_number_alone() {
        let mut hand = hand();
        let mut batch = hand.next_batch(UnixMillis(0));
        let mut first = batch.remove(0);
        first.not_before = Some(UnixMillis(1_000));
        hand.done(vec![first.into(), Done::of(&batch[0])]);
        assert_eq!(seqs(&hand.next_batch(UnixMillis(999))), [4]);
        assert_eq!(seqs(&hand.next_batch(UnixMillis(999))), [0; 0]);
        assert_eq!(hand.next_timeout(), Some(UnixMillis(1_000)));
        for expected in [[1], [3], [5]] {
            let batch = hand.next_batch(UnixMillis(1_000));
            assert_eq!(seqs(&batch), expected);
            hand.done(batch.iter().map(Done::of).collect());
        }
    }
}
