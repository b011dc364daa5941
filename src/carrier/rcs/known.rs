//! Which handsets could be reached, and what they can show. What is in here may be old: a promise of nothing, and a
//! question less.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use araldo_rcs::{Capabilities, Msisdn};
use moka::Expiry;
use moka::sync::Cache;

use crate::config::RbmConfig;

/// Different sets of capabilities that are kept once for all handsets that have them. There are a handful: this is a bound.
const KINDS: usize = 256;

/// What is believed of a handset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handset {
    /// It has RCS; and what it can show, where that was asked.
    Reachable(Option<Arc<Capabilities>>),
    /// It has none, or none that this agent may use.
    NotReachable,
}

impl Handset {
    /// Whether it has RCS.
    pub const fn is_reachable(&self) -> bool {
        matches!(self, Self::Reachable(_))
    }
}

/// What was seen, for as long as it is believed.
pub(super) struct Known {
    seen: Cache<Msisdn, Handset>,
    /// Handsets are many, what they can show is a handful: each kind is kept once.
    kinds: Mutex<Vec<Arc<Capabilities>>>,
    prefixes: Vec<String>,
    without_rcs: Vec<String>,
    skip_carriers: Vec<String>,
}

/// A handset that could be reached is believed to be so for longer than one that could not.
struct Lifetimes {
    reachable: Duration,
    not_reachable: Duration,
}

impl Expiry<Msisdn, Handset> for Lifetimes {
    fn expire_after_create(&self, _: &Msisdn, handset: &Handset, _: Instant) -> Option<Duration> {
        Some(match handset {
            Handset::Reachable(_) => self.reachable,
            Handset::NotReachable => self.not_reachable,
        })
    }

    fn expire_after_update(
        &self,
        to: &Msisdn,
        handset: &Handset,
        at: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(to, handset, at)
    }
}

impl Known {
    pub(super) fn new(config: &RbmConfig) -> Self {
        let lifetimes = Lifetimes {
            reachable: config.reachable_for,
            not_reachable: config.unreachable_for,
        };
        Self {
            seen: Cache::builder()
                .max_capacity(config.remembered.into())
                .expire_after(lifetimes)
                .build(),
            kinds: Mutex::default(),
            prefixes: config.prefixes.clone(),
            without_rcs: config.without_rcs.clone(),
            skip_carriers: config.skip_carriers.clone(),
        }
    }

    pub(super) fn of(&self, number: &Msisdn) -> Option<Handset> {
        if self.is_left_out(number) {
            return Some(Handset::NotReachable);
        }
        self.seen.get(number)
    }

    /// Whether the configuration says that there is no RCS at this number.
    fn is_left_out(&self, number: &Msisdn) -> bool {
        let digits = number.as_str().trim_start_matches('+');
        let begins = |prefix: &String| digits.starts_with(prefix.as_str());
        (!self.prefixes.is_empty() && !self.prefixes.iter().any(begins)) || self.without_rcs.iter().any(begins)
    }

    /// It was reached. What it can show is believed no longer for that: it was asked when it was asked.
    pub(super) fn reached(&self, number: &Msisdn) {
        if !matches!(self.seen.get(number), Some(Handset::Reachable(Some(_)))) {
            self.seen.insert(number.clone(), Handset::Reachable(None));
        }
    }

    /// It could not show what it was said to show: it is asked again.
    pub(super) fn refuted(&self, number: &Msisdn) {
        if matches!(self.seen.get(number), Some(Handset::Reachable(Some(_)))) {
            self.seen.insert(number.clone(), Handset::Reachable(None));
        }
    }

    pub(super) fn not_reached(&self, number: &Msisdn) {
        self.seen.insert(number.clone(), Handset::NotReachable);
    }

    /// It was asked: what is believed of it from now on.
    pub(super) fn seen(&self, number: &Msisdn, capabilities: Capabilities) -> Handset {
        let handset = if capabilities.carrier.as_deref().is_some_and(|name| self.skips(name)) {
            Handset::NotReachable
        } else {
            Handset::Reachable(Some(self.kind(capabilities)))
        };
        self.seen.insert(number.clone(), handset.clone());
        handset
    }

    /// Whether the users of this carrier are sent no RCS.
    pub(super) fn skips(&self, carrier: &str) -> bool {
        self.skip_carriers.iter().any(|skipped| skipped == carrier)
    }

    /// Frees what is believed no longer. Without it that goes on beside other calls, and not at all where there are none.
    pub(super) fn sweep(&self) {
        self.seen.run_pending_tasks();
        self.kinds().retain(|kind| Arc::strong_count(kind) > 1);
    }

    /// These capabilities, shared with all that have the same.
    fn kind(&self, capabilities: Capabilities) -> Arc<Capabilities> {
        let mut kinds = self.kinds();
        if let Some(kind) = kinds.iter().find(|kind| ***kind == capabilities) {
            return kind.clone();
        }
        let kind = Arc::new(capabilities);
        if kinds.len() < KINDS {
            kinds.push(kind.clone());
        }
        kind
    }

    fn kinds(&self) -> MutexGuard<'_, Vec<Arc<Capabilities>>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    fn number(text: &str) -> Msisdn {
        Msisdn::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_left_out_by_country_and_by_block() {
        let known = Known::new(&RbmConfig {
            prefixes: vec!["39".into(), "44".into()],
            without_rcs: vec!["39333".into()],
            ..RbmConfig::default()
        });
        assert_eq!(known.of(&number("+33612345678")), Some(Handset::NotReachable));
        assert_eq!(known.of(&number("+393331234567")), Some(Handset::NotReachable));
        assert_eq!(known.of(&number("+393471234567")), None);
    }

    #[test]
    fn a_skipped_carrier_counts_as_out_of_reach() {
        let known = Known::new(&RbmConfig {
            skip_carriers: vec!["us-carrier-example".into()],
            ..RbmConfig::default()
        });
        let capabilities = Capabilities {
            carrier: Some("us-carrier-example".into()),
            ..Capabilities::default()
        };
        let user = number("+12025550143");
        assert_eq!(known.seen(&user, capabilities), Handset::NotReachable);
        assert_eq!(known.of(&user), Some(Handset::NotReachable));
    }

    #[test]
    fn what_a_handset_can_show_outlives_that_it_was_reached_again() {
        let known = Known::new(&RbmConfig::default());
        let user = number("+393471234567");
        let seen = known.seen(&user, Capabilities::default());
        known.reached(&user);
        assert_eq!(known.of(&user), Some(seen));
        known.not_reached(&user);
        known.reached(&user);
        assert_eq!(known.of(&user), Some(Handset::Reachable(None)));
    }

    #[test]
    fn handsets_of_one_kind_share_what_they_can_show_and_what_nobody_has_any_more_is_freed() {
        let known = Known::new(&RbmConfig::default());
        let numbers = || (0..1_000).map(|n| number(&format!("+3934712{n:05}")));
        numbers().for_each(|user| drop(known.seen(&user, Capabilities::default())));
        known.sweep();
        assert_eq!((known.seen.entry_count(), known.kinds().len()), (1_000, 1));
        numbers().for_each(|user| known.not_reached(&user));
        // The cache lets go of what it held once no thread, of this test or of another, may still look at it.
        let is_freed = || {
            known.sweep();
            std::thread::yield_now();
            known.kinds().is_empty()
        };
        assert!((0..100_000).any(|_| is_freed()));
        assert_eq!(known.seen.entry_count(), 1_000);
    }

    #[test]
    fn no_more_handsets_are_remembered_than_is_allowed() {
        let known = Known::new(&RbmConfig {
            remembered: 1_000,
            ..RbmConfig::default()
        });
        for n in 0..5_000 {
            known.not_reached(&number(&format!("+3934712{n:05}")));
        }
        known.sweep();
        assert!(known.seen.entry_count() <= 1_000);
    }

    #[test]
    fn bad_news_is_believed_for_less_long_than_good() {
        let config = RbmConfig::default();
        let lifetimes = Lifetimes {
            reachable: config.reachable_for,
            not_reachable: config.unreachable_for,
        };
        let of = |handset| lifetimes.expire_after_create(&number("+393471234567"), &handset, monotonic());
        assert_eq!(of(Handset::Reachable(None)), Some(Duration::from_hours(4)));
        assert_eq!(of(Handset::NotReachable), Some(Duration::from_hours(1)));
    }
}
