//! Who of several goes next, so that over time each gets its part.

use std::collections::BTreeMap;

/// What one that did not ask for a while is owed at most when it asks again; more has lapsed to the others.
const OWED: f64 = 1_000.0;

/// What each has been given, over its weight. The one with the least goes next; one that was away, or is new, joins
/// near the level of the others.
pub(super) struct Shares<K> {
    given: BTreeMap<K, f64>,
    /// The most that anybody had been given when his turn came.
    level: f64,
}

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self {
            given: BTreeMap::new(),
            level: 0.0,
        }
    }
}

impl<K: Clone + Ord> Shares<K> {
    /// What counts as given to `who`: the one with the least goes next.
    pub(super) fn of(&self, who: &K) -> f64 {
        let given = self.given.get(who).copied().unwrap_or(self.level);
        given.max(self.level - OWED)
    }

    /// `who` was given `segments`; its weight is the part of them that it counts.
    pub(super) fn give(&mut self, who: &K, segments: u32, weight: u32) {
        let given = self.of(who);
        self.level = self.level.max(given);
        let given = given + f64::from(segments) / f64::from(weight.max(1));
        match self.given.get_mut(who) {
            Some(of_who) => *of_who = given,
            None => {
                self.given.insert(who.clone(), given);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(
        shares: &mut Shares<&'static str>,
        weights: &[(&'static str, u32)],
        turns: u32,
    ) -> BTreeMap<&'static str, u32> {
        let mut got = BTreeMap::new();
        for _ in 0..turns {
            let (who, weight) = weights
                .iter()
                .min_by(|a, b| shares.of(&a.0).total_cmp(&shares.of(&b.0)))
                .unwrap();
            shares.give(who, 1, *weight);
            *got.entry(*who).or_default() += 1;
        }
        got
    }

    #[test]
    fn each_gets_its_part_by_weight() {
        let got = turns(&mut Shares::default(), &[("tim", 3), ("vodafone", 1)], 400);
        assert_eq!(got, BTreeMap::from([("tim", 300), ("vodafone", 100)]));
    }

    #[test]
    fn one_that_was_away_does_not_get_all_that_it_missed() {
        let mut shares = Shares::default();
        let both = [("tim", 1), ("vodafone", 1)];
        turns(&mut shares, &both, 10);
        turns(&mut shares, &both[..1], 1_000_000);
        let got = turns(&mut shares, &both, 10_000);
        assert!(got["vodafone"] <= 5_600, "{got:?}");
        assert!(got["vodafone"] >= 5_000, "{got:?}");
    }
}
