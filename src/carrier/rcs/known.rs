//! Which handsets could be reached, and what they can show. What is in here may be old: a promise of nothing, and a
//! question less.

use std::sync::Arc;
use std::time::{Duration, Instant};

use araldo_rcs::{Capabilities, Msisdn};
use moka::Expiry;
use moka::sync::Cache;

use crate::config::RbmConfig;

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

    /// It was reached; what it can show is kept.
    pub(super) fn reached(&self, number: &Msisdn) {
        let capabilities = match self.seen.get(number) {
            Some(Handset::Reachable(capabilities)) => capabilities,
            Some(Handset::NotReachable) | None => None,
        };
        self.seen.insert(number.clone(), Handset::Reachable(capabilities));
    }

    pub(super) fn not_reached(&self, number: &Msisdn) {
        self.seen.insert(number.clone(), Handset::NotReachable);
    }

    /// It was asked: what is believed of it from now on.
    pub(super) fn seen(&self, number: &Msisdn, capabilities: Capabilities) -> Handset {
        let carrier = capabilities.carrier.as_ref();
        let skipped = carrier.is_some_and(|carrier| self.skip_carriers.contains(carrier));
        let handset = if skipped {
            Handset::NotReachable
        } else {
            Handset::Reachable(Some(Arc::new(capabilities)))
        };
        self.seen.insert(number.clone(), handset.clone());
        handset
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
