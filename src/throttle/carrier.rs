//! A carrier's pace: a token for each segment, shared by all its binds. It halves when the carrier says that it is
//! throttled, and climbs back.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::DefaultClock;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::clock::monotonic;
use crate::outbox::Pace;

/// How often a slowed pace climbs.
const CLIMB_EVERY: Duration = Duration::from_millis(250);
/// After a refusal, further refusals of what was already on its way do not halve again for this long.
const HALVE_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Steps of the quick climb, up to nearly the pace at which the carrier refused.
const QUICK_STEPS: f64 = 16.0;
/// How near to that pace the quick climb goes; from there it feels its way.
const NEARLY: f64 = 0.95;
/// The slow climb, a part of the pace each step.
const SLOW_STEP: f64 = 0.0025;
/// A carrier without a limit of ours, once throttled, is unlimited again after this much of peace.
const FORGET_AFTER: Duration = Duration::from_mins(5);

/// The pace of one carrier.
pub struct CarrierPace {
    /// Segments a second that the configuration allows; `None` is as fast as the carrier takes them.
    ceiling: Option<u32>,
    state: Mutex<State>,
}

struct State {
    limiter: Option<DefaultDirectRateLimiter>,
    /// The pace in force; without meaning where `limiter` is `None`.
    rate: f64,
    /// The pace at which the carrier last refused.
    refused_at: Option<f64>,
    last_refusal: Option<Instant>,
    last_climb: Option<Instant>,
    /// Segments that left without a token, to be made up for first.
    debt: u32,
    /// Segments taken in this second and in the last whole one: what "half" means without a limit.
    taken: u32,
    taken_before: u32,
    second: Option<Instant>,
}

impl CarrierPace {
    /// A pace of `throughput` segments a second; 0 is unlimited.
    pub fn new(throughput: u32) -> Self {
        let ceiling = (throughput > 0).then_some(throughput);
        let state = State {
            limiter: ceiling.map(f64::from).map(limiter),
            rate: ceiling.map_or(f64::INFINITY, f64::from),
            refused_at: None,
            last_refusal: None,
            last_climb: None,
            debt: 0,
            taken: 0,
            taken_before: 0,
            second: None,
        };
        Self {
            ceiling,
            state: Mutex::new(state),
        }
    }

    /// The carrier said that we are too fast: halves, and remembers where it hurt.
    pub fn throttled(&self) {
        let now = monotonic();
        let mut state = self.state();
        if state
            .last_refusal
            .is_some_and(|at| now.duration_since(at) < HALVE_AT_MOST_EVERY)
        {
            return;
        }
        let reached = f64::from(state.taken.max(state.taken_before)).max(1.0);
        let at = if state.rate.is_finite() {
            state.rate.min(reached.max(state.rate / 2.0))
        } else {
            reached
        };
        state.refused_at = Some(at);
        state.last_refusal = Some(now);
        state.last_climb = Some(now);
        state.set_rate((at / 2.0).max(1.0));
    }

    /// Segments a second now; `None` is unlimited.
    pub fn rate(&self) -> Option<f64> {
        let state = self.state();
        state.limiter.is_some().then_some(state.rate)
    }

    fn climb(&self, state: &mut State, now: Instant) {
        let (Some(refused_at), Some(last)) = (state.refused_at, state.last_climb) else {
            return;
        };
        if now.duration_since(last) < CLIMB_EVERY {
            return;
        }
        state.last_climb = Some(now);
        let peace = state.last_refusal.map_or(FORGET_AFTER, |at| now.duration_since(at));
        if peace >= FORGET_AFTER && self.ceiling.is_none() {
            state.refused_at = None;
            state.limiter = None;
            state.debt = 0;
            state.rate = f64::INFINITY;
            return;
        }
        let target = refused_at * NEARLY;
        let faster = if state.rate < target {
            (state.rate + refused_at / QUICK_STEPS).min(target)
        } else {
            state.rate * (1.0 + SLOW_STEP)
        };
        let ceiling = self.ceiling.map_or(f64::INFINITY, f64::from);
        if faster >= ceiling {
            state.refused_at = None;
        }
        state.set_rate(faster.min(ceiling));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_state<T>(&self, ask: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        if state.refused_at.is_some() || self.ceiling.is_none() {
            let now = monotonic();
            state.tick(now);
            self.climb(&mut state, now);
        }
        ask(&mut state)
    }
}

impl Pace for CarrierPace {
    fn take(&self, wanted: u32) -> u32 {
        self.with_state(|state| {
            let paid = state.pay();
            let got = match &state.limiter {
                None => wanted,
                Some(_) if !paid => 0,
                Some(limiter) => tokens(limiter, wanted),
            };
            state.taken = state.taken.saturating_add(got);
            got
        })
    }

    fn take_all(&self, wanted: u32) -> bool {
        self.with_state(|state| {
            let wanted_tokens = NonZeroU32::new(wanted).unwrap_or(NonZeroU32::MIN);
            let paid = state.pay();
            let taken = match &state.limiter {
                None => true,
                Some(_) if !paid => false,
                Some(limiter) => matches!(limiter.check_n(wanted_tokens), Ok(Ok(()))),
            };
            if taken {
                state.taken = state.taken.saturating_add(wanted);
            }
            taken
        })
    }

    fn owe(&self, segments: u32) {
        self.with_state(|state| {
            state.taken = state.taken.saturating_add(segments);
            if state.limiter.is_some() {
                state.debt = state.debt.saturating_add(segments);
            }
        });
    }

    fn wait(&self) -> Duration {
        let state = self.state();
        if state.limiter.is_none() {
            return Duration::ZERO;
        }
        // A token comes every 1/rate; asking for one only to be told when would take it.
        let tokens = f64::from(state.debt) + 1.0;
        Duration::from_secs_f64((tokens / state.rate.max(0.001)).clamp(0.001, 1.0))
    }
}

impl State {
    fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
        self.limiter = Some(limiter(rate));
    }

    /// Pays what is owed with the tokens that there are; says whether all of it is paid.
    fn pay(&mut self) -> bool {
        if let Some(limiter) = &self.limiter {
            self.debt -= tokens(limiter, self.debt);
        }
        self.debt == 0
    }

    fn tick(&mut self, now: Instant) {
        match self.second {
            Some(begun) if now.duration_since(begun) < Duration::from_secs(1) => {}
            Some(begun) => {
                let whole = now.duration_since(begun) < Duration::from_secs(2);
                self.taken_before = if whole { self.taken } else { 0 };
                self.taken = 0;
                self.second = Some(now);
            }
            None => self.second = Some(now),
        }
    }
}

/// Takes up to `wanted` tokens and says how many there were.
fn tokens(limiter: &DefaultDirectRateLimiter, wanted: u32) -> u32 {
    let mut got = 0;
    while got < wanted && limiter.check().is_ok() {
        got += 1;
    }
    got
}

/// In any second at most the rate and a burst of a fiftieth of it (DESIGN §3). Starts empty, so that a new pace does
/// not begin with a burst.
fn limiter(rate: f64) -> DefaultDirectRateLimiter {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate between 1 and 2^32"
    )]
    let burst = NonZeroU32::new((rate / 50.0) as u32).unwrap_or(NonZeroU32::MIN);
    let period = Duration::from_secs_f64(1.0 / rate.max(0.001));
    let quota = Quota::with_period(period)
        .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
        .allow_burst(burst);
    let limiter = RateLimiter::direct_with_clock(quota, DefaultClock::default());
    limiter.check_n(burst).ok();
    limiter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlimited_pace_gives_what_is_wanted() {
        let pace = CarrierPace::new(0);
        assert_eq!(pace.take(5_000), 5_000);
        assert!(pace.take_all(100));
        assert_eq!(pace.rate(), None);
    }

    #[test]
    fn a_limited_pace_begins_without_a_burst() {
        let pace = CarrierPace::new(1);
        assert_eq!(pace.take(10), 0);
        assert!(pace.wait() <= Duration::from_secs(1));
    }

    #[test]
    fn what_left_without_a_token_is_made_up_for_first() {
        let pace = CarrierPace::new(1_000);
        pace.owe(1_000_000);
        assert_eq!(pace.take(1), 0);
        assert!(!pace.take_all(1));
        assert_eq!(pace.wait(), Duration::from_secs(1));
    }

    #[test]
    fn a_pace_without_a_limit_owes_nothing() {
        let pace = CarrierPace::new(0);
        pace.owe(1_000);
        assert_eq!(pace.take(5), 5);
    }

    #[test]
    fn a_refusal_halves_what_was_reached_and_further_ones_wait() {
        let pace = CarrierPace::new(0);
        pace.take(1_000);
        pace.throttled();
        assert_eq!(pace.rate(), Some(500.0));
        pace.throttled();
        assert_eq!(pace.rate(), Some(500.0), "what was on its way does not halve again");
    }
}
