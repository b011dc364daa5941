//! How a carrier reports on long messages: a receipt for each segment, or one for all.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::UnixMillis;
use crate::store::Seq;

/// Long messages watched at a time; the oldest make room.
const WATCHED: usize = 1_000;
/// Messages with one lonely receipt from which on one is taken for all.
const LONELY: usize = 3;
/// How long a receipt must stand alone to count.
const ALONE_FOR: Duration = Duration::from_secs(60);

/// What a carrier is known to do.
#[derive(Debug, Default)]
pub struct SegmentHabit {
    fixed: Option<Habit>,
    learned: Option<Habit>,
    /// Messages of which some segments were reported, with the time of the first report.
    partial: BTreeMap<Seq, UnixMillis>,
}

/// One receipt for each segment, or one for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Every segment is reported.
    Each,
    /// One report stands for all.
    One,
}

impl SegmentHabit {
    /// A habit that the configuration states.
    pub fn fixed(habit: Habit) -> Self {
        Self {
            fixed: Some(habit),
            ..Self::default()
        }
    }

    /// A segment of an answered message was reported delivered, `delivered` of them so far. Says whether that stands
    /// for the whole message.
    pub fn reported(&mut self, seq: Seq, delivered: usize, at: UnixMillis) -> bool {
        if let Some(habit) = self.fixed {
            return habit == Habit::One;
        }
        if delivered > 1 {
            self.learned = Some(Habit::Each);
            self.partial.remove(&seq);
            return false;
        }
        if self.learned == Some(Habit::Each) {
            return false;
        }
        let lonely = self
            .partial
            .values()
            .filter(|first| at.since(**first) >= ALONE_FOR)
            .count();
        if lonely >= LONELY {
            self.learned = Some(Habit::One);
        }
        if self.learned == Some(Habit::One) {
            return true;
        }
        if self.partial.len() == WATCHED {
            self.partial.pop_first();
        }
        self.partial.entry(seq).or_insert(at);
        false
    }

    /// Whether the one report that came for a message stood for all of it, as was learned later.
    pub fn stands_for_all(&self, seq: Seq) -> bool {
        self.learned == Some(Habit::One) && self.partial.contains_key(&seq)
    }

    /// Every segment of a message was reported.
    pub fn whole(&mut self, seq: Seq) {
        self.partial.remove(&seq);
        if self.fixed.is_none() {
            self.learned = Some(Habit::Each);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lonely_receipts_teach_that_one_stands_for_all() {
        let mut habit = SegmentHabit::default();
        for seq in 1..=3 {
            assert!(!habit.reported(seq, 1, UnixMillis(seq * 1_000)));
        }
        assert!(
            !habit.reported(4, 1, UnixMillis(10_000)),
            "none has stood alone for long"
        );
        assert!(!habit.stands_for_all(1), "not known yet");
        assert!(habit.reported(5, 1, UnixMillis(120_000)));
        assert!(habit.stands_for_all(1));
        assert!(!habit.stands_for_all(6), "of which none came");
    }

    #[test]
    fn a_second_receipt_for_one_message_teaches_that_each_is_reported() {
        let mut habit = SegmentHabit::default();
        habit.reported(1, 1, UnixMillis(0));
        assert!(!habit.reported(1, 2, UnixMillis(1)));
        for seq in 2..10 {
            assert!(!habit.reported(seq, 1, UnixMillis(seq * 100_000)));
        }
    }

    #[test]
    fn a_stated_habit_is_not_unlearned() {
        let mut habit = SegmentHabit::fixed(Habit::One);
        assert!(habit.reported(1, 1, UnixMillis(0)));
        habit.whole(1);
        assert!(habit.reported(2, 1, UnixMillis(0)));
    }
}
