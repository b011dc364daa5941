//! A carrier's pace: a token for each segment, shared by all its binds. It halves when the carrier says that it is
//! throttled, and climbs back.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

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
/// After so much peace the steps of the slow climb grow, by the square of it: the limit that was met may be no more.
const HASTE_AFTER: Duration = Duration::from_secs(10);
/// What a carrier without a limit of ours refuses for the first time counts as this many segments a second at least:
/// how few had been sent by then says nothing of what it takes. Refused again, it goes lower.
const UNMEASURED: f64 = 20.0;
/// Seconds of which the busiest is what was reached: a link that was cut a moment ago says nothing of what the carrier
/// takes.
const REACHED_IN: usize = 8;
/// So long after there were fewer tokens than wanted, the pace in force is the one that was refused, however little left.
const SHORT_FOR: Duration = Duration::from_secs(2);
/// Steps climbed at once at the most: time in which nothing was wanted says nothing of what the carrier takes.
const MOST_STEPS: f64 = 4.0;
/// Segments a second beyond which a limiter is none.
const FASTEST: f64 = 1e6;
/// A carrier without a limit of ours, once throttled, is unlimited again after this much of peace.
const FORGET_AFTER: Duration = Duration::from_mins(5);

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The monotonic time of our own clock, as the limiter wants it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Monotonic;

impl Clock for Monotonic {
    type Instant = Instant;

    fn now(&self) -> Instant {
        monotonic()
    }
}

/// The pace of one carrier.
pub struct CarrierPace<C: Clock = Monotonic> {
    /// Segments a second that the configuration allows; `None` is as fast as the carrier takes them.
    ceiling: Option<u32>,
    clock: C,
    state: Mutex<State<C>>,
}

struct State<C: Clock> {
    limiter: Option<Limiter<C>>,
    /// The pace in force; without meaning where `limiter` is `None`.
    rate: f64,
    /// The pace at which the carrier last refused.
    refused_at: Option<f64>,
    /// The pace that was halved then.
    halved_at: f64,
    last_refusal: Option<C::Instant>,
    last_climb: Option<C::Instant>,
    /// When there were last fewer tokens than wanted.
    short_at: Option<C::Instant>,
    /// Segments that left without a token, to be made up for first.
    debt: u32,
    /// Segments taken in each of the last seconds, this one at its place in turn: what "half" means without a limit.
    taken: [u32; REACHED_IN],
    /// Which second this is, counted from the first, and when it began.
    second: Option<(usize, C::Instant)>,
}

impl CarrierPace {
    /// A pace of `throughput` segments a second; 0 is unlimited.
    pub fn new(throughput: u32) -> Self {
        Self::with_clock(throughput, Monotonic)
    }
}

impl<C: Clock + Clone> CarrierPace<C> {
    fn with_clock(throughput: u32, clock: C) -> Self {
        let ceiling = (throughput > 0).then_some(throughput);
        let state = State {
            limiter: ceiling.map(|rate| limiter(f64::from(rate), &clock)),
            rate: ceiling.map_or(f64::INFINITY, f64::from),
            refused_at: None,
            halved_at: 1.0,
            last_refusal: None,
            last_climb: None,
            short_at: None,
            debt: 0,
            taken: [0; REACHED_IN],
            second: None,
        };
        Self {
            ceiling,
            clock,
            state: Mutex::new(state),
        }
    }

    /// The carrier said that we are too fast, of one message: halves, and remembers where it hurt. What else was on its
    /// way by then does not halve again; but it was not taken either, so it hurts that much earlier, down to a half.
    pub fn throttled(&self) {
        let now = self.clock.now();
        let mut state = self.state();
        let halved = state
            .last_refusal
            .filter(|at| since::<C>(now, *at) < HALVE_AT_MOST_EVERY);
        let at = match (halved, state.refused_at) {
            (Some(_), Some(at)) => (at - 1.0).max(state.halved_at / 2.0),
            (Some(_), None) => return,
            (None, _) => {
                state.last_refusal = Some(now);
                state.last_climb = Some(now);
                state.halved_at = state.in_force(now).max(1.0);
                state.halved_at
            }
        };
        state.refused_at = Some(at);
        state.set_rate((at / 2.0).max(1.0), &self.clock);
    }

    /// Segments a second now; `None` is unlimited.
    pub fn rate(&self) -> Option<f64> {
        let state = self.state();
        state.limiter.is_some().then_some(state.rate)
    }

    /// Climbs by the steps that are due. Only where tokens have just been taken: a faster limiter starts without the
    /// tokens that the slower one had gathered.
    fn climb(&self, state: &mut State<C>, now: C::Instant) {
        let (Some(refused_at), Some(last)) = (state.refused_at, state.last_climb) else {
            return;
        };
        let steps = (since::<C>(now, last).as_secs_f64() / CLIMB_EVERY.as_secs_f64())
            .floor()
            .min(MOST_STEPS);
        if steps < 1.0 {
            return;
        }
        state.last_climb = Some(now);
        let peace = state.last_refusal.map_or(FORGET_AFTER, |at| since::<C>(now, at));
        if peace >= FORGET_AFTER && self.ceiling.is_none() {
            state.refused_at = None;
            state.limiter = None;
            state.debt = 0;
            state.rate = f64::INFINITY;
            return;
        }
        let target = refused_at * NEARLY;
        let faster = if state.rate < target {
            (state.rate + steps * refused_at / QUICK_STEPS).min(target)
        } else {
            let haste = peace.as_secs_f64() / HASTE_AFTER.as_secs_f64();
            state.rate * (1.0 + SLOW_STEP * haste.powi(2).max(1.0)).powf(steps)
        };
        let ceiling = self.ceiling.map_or(f64::INFINITY, f64::from);
        if faster >= ceiling {
            state.refused_at = None;
        }
        state.set_rate(faster.min(ceiling).min(FASTEST), &self.clock);
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes tokens, and climbs after it where they had come to an end: a pace that suffices need not grow.
    fn take_with(&self, take: impl FnOnce(&mut State<C>, C::Instant) -> u32) -> u32 {
        let now = self.clock.now();
        let mut state = self.state();
        state.tick(now);
        let got = take(&mut state, now);
        state.count(got);
        if got > 0 && state.short_at >= state.last_climb {
            self.climb(&mut state, now);
        }
        got
    }
}

impl<C> Pace for CarrierPace<C>
where
    C: Clock + Clone + Send + Sync,
    C::Instant: Send,
{
    fn take(&self, wanted: u32) -> u32 {
        self.take_with(|state, now| {
            let got = match (state.pay(), &state.limiter) {
                (false, _) => 0,
                (true, None) => wanted,
                (true, Some(limiter)) => tokens(limiter, wanted),
            };
            if got < wanted {
                state.short_at = Some(now);
            }
            got
        })
    }

    fn take_all(&self, wanted: u32) -> bool {
        let all = NonZeroU32::new(wanted).unwrap_or(NonZeroU32::MIN);
        let got = self.take_with(|state, _| {
            let paid = state.pay();
            let there = match &state.limiter {
                None => true,
                Some(limiter) => paid && matches!(limiter.check_n(all), Ok(Ok(()))),
            };
            if there { wanted } else { 0 }
        });
        got == wanted
    }

    fn owe(&self, segments: u32) {
        let mut state = self.state();
        state.count(segments);
        if state.limiter.is_some() {
            state.debt = state.debt.saturating_add(segments);
        }
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

impl<C: Clock + Clone> State<C> {
    /// The pace that the carrier has just refused: ours, or what was reached of it where it was not made use of.
    fn in_force(&self, now: C::Instant) -> f64 {
        let reached = f64::from(self.taken.iter().copied().max().unwrap_or(0));
        if self.rate.is_infinite() {
            return reached.max(UNMEASURED);
        }
        match self.short_at {
            Some(at) if since::<C>(now, at) < SHORT_FOR => self.rate,
            _ => self.rate.min(reached.max(self.rate / 2.0)),
        }
    }

    fn set_rate(&mut self, rate: f64, clock: &C) {
        self.rate = rate;
        self.limiter = Some(limiter(rate, clock));
    }

    /// Pays what is owed with the tokens that there are; says whether all of it is paid.
    fn pay(&mut self) -> bool {
        if let Some(limiter) = &self.limiter {
            self.debt -= tokens(limiter, self.debt);
        }
        self.debt == 0
    }

    /// Begins the seconds that have begun since the last look.
    fn tick(&mut self, now: C::Instant) {
        let (second, begun) = *self.second.get_or_insert((0, now));
        let passed = since::<C>(now, begun).as_secs();
        if passed == 0 {
            return;
        }
        let passed = usize::try_from(passed).unwrap_or(REACHED_IN);
        for empty in (second + 1..=second + passed).rev().take(REACHED_IN) {
            self.taken[empty % REACHED_IN] = 0;
        }
        self.second = Some((second + passed, now));
    }

    fn count(&mut self, segments: u32) {
        let second = self.second.map_or(0, |(second, _)| second);
        let taken = &mut self.taken[second % REACHED_IN];
        *taken = taken.saturating_add(segments);
    }
}

fn since<C: Clock>(now: C::Instant, earlier: C::Instant) -> Duration {
    now.duration_since(earlier).into()
}

/// Takes up to `wanted` tokens and says how many there were.
fn tokens<C: Clock>(limiter: &Limiter<C>, wanted: u32) -> u32 {
    let mut got = 0;
    while got < wanted && limiter.check().is_ok() {
        got += 1;
    }
    got
}

/// In any second at most the rate and a burst of a fiftieth of it (DESIGN §3). Starts empty, so that a new pace does
/// not begin with a burst.
fn limiter<C: Clock + Clone>(rate: f64, clock: &C) -> Limiter<C> {
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
    let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
    limiter.check_n(burst).ok();
    limiter
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

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

    /// Asks every 5 ms, as the writer does that has rows waiting; gives the segments that left in each second.
    fn seconds(pace: &CarrierPace<FakeRelativeClock>, seconds: usize) -> Vec<u32> {
        let second = || {
            let ask = |_| {
                pace.clock.advance(Duration::from_millis(5));
                pace.take(1_000)
            };
            (0..200).map(ask).sum()
        };
        std::iter::repeat_with(second).take(seconds).collect()
    }

    #[test]
    fn what_left_without_a_token_is_made_up_for_first() {
        let pace = CarrierPace::with_clock(10, FakeRelativeClock::default());
        pace.owe(30);
        assert!(!pace.take_all(1));
        assert_eq!(pace.wait(), Duration::from_secs(1));
        let left = seconds(&pace, 5);
        assert_eq!(left[..3].iter().sum::<u32>(), 0, "{left:?}");
        assert!(left[4] >= 9, "{left:?}");
    }

    #[test]
    fn a_slow_carrier_that_throttles_is_still_served_and_no_faster_than_it_takes() {
        let pace = CarrierPace::with_clock(0, FakeRelativeClock::default());
        pace.take(1);
        pace.throttled();
        // It takes one a second: whatever is more is refused.
        let mut left = Vec::new();
        for _ in 0..60 {
            let taken = seconds(&pace, 1)[0];
            if taken > 1 {
                pace.throttled();
            }
            left.push(taken);
        }
        assert!(left.iter().sum::<u32>() >= 50, "{left:?}");
        assert!(left[10..].iter().all(|segments| *segments <= 4), "{left:?}");
    }

    #[test]
    fn a_refusal_of_the_first_message_costs_less_than_a_minute() {
        let pace = CarrierPace::with_clock(0, FakeRelativeClock::default());
        pace.take(1);
        pace.throttled();
        assert_eq!(pace.rate(), Some(10.0));
        let left = seconds(&pace, 60);
        assert!(left[0] >= 9, "{left:?}");
        assert!(left[4] >= 17, "{left:?}");
        assert!(left[59] >= 1_000, "{left:?}");
    }

    #[test]
    fn a_halved_pace_climbs_back_to_nearly_where_it_was_refused_and_then_feels_its_way() {
        let pace = CarrierPace::with_clock(200, FakeRelativeClock::default());
        seconds(&pace, 3);
        pace.throttled();
        let left = seconds(&pace, 60);
        assert!(left[0] <= 140, "{left:?}");
        assert!(left[5] >= 160, "{left:?}");
        assert!(left[59] >= 180, "{left:?}");
        assert!(left.iter().all(|segments| *segments <= 204), "{left:?}");
    }

    /// A carrier that takes more than there is, cuts its link for 300 ms of every second and refuses one segment in
    /// 5,000, always right after such a cut.
    #[test]
    fn seldom_refusals_after_cuts_do_not_hold_a_carrier_back() {
        let pace = CarrierPace::with_clock(0, FakeRelativeClock::default());
        let (mut waiting, mut taken, mut refusals) = (0, 0, 0);
        for _ in 0..600 {
            for tick in 0..200 {
                pace.clock.advance(Duration::from_millis(5));
                waiting += 500 / 200 + u32::from(tick % 2 == 0);
                if tick < 60 {
                    continue;
                }
                let got = pace.take(waiting);
                waiting -= got;
                taken += got;
                if taken / 5_000 > refusals && tick < 70 {
                    refusals += 1;
                    pace.throttled();
                }
            }
        }
        assert!(refusals >= 50, "{refusals}");
        assert!(waiting < 5_000, "{waiting} of {} wait", waiting + taken);
    }

    /// All of a window is refused, its answers after a second and a half: that is one refusal, not a hundred.
    #[test]
    fn a_window_that_is_refused_whole_costs_seconds() {
        let pace = CarrierPace::with_clock(0, FakeRelativeClock::default());
        assert_eq!(pace.take(100), 100);
        pace.clock.advance(Duration::from_millis(1_500));
        (0..100).for_each(|_| pace.throttled());
        let left = seconds(&pace, 30);
        assert!(left[0] >= 20 && left.iter().sum::<u32>() >= 1_200, "{left:?}");
    }

    #[test]
    fn a_carrier_with_a_limit_of_ours_is_slowed_to_what_it_was_sent() {
        let pace = CarrierPace::with_clock(1_000, FakeRelativeClock::default());
        for _ in 0..100 {
            pace.clock.advance(Duration::from_millis(100));
            assert_eq!(pace.take(1), 1);
        }
        pace.throttled();
        assert!(pace.rate() <= Some(250.0), "{:?}", pace.rate());
    }

    #[test]
    fn a_carrier_that_had_nothing_to_take_since_it_refused_is_as_fast_as_before() {
        let pace = CarrierPace::with_clock(0, FakeRelativeClock::default());
        pace.take(500);
        pace.throttled();
        for idle in [30, 60, 120] {
            pace.clock.advance(Duration::from_secs(idle));
            let left = seconds(&pace, 2);
            assert!(left[1] >= 450, "{left:?} after {idle} s");
        }
    }

    /// What a carrier of 500 a second that gathers up to `depth` of them takes in two minutes, once it has been known for
    /// one, and what it refuses: looked at every 5 ms.
    fn taken_and_refused(depth: f64) -> (u32, u32) {
        let pace = CarrierPace::with_clock(0, FakeRelativeClock::default());
        let (mut room, mut left, mut refused) = (depth, 0, 0);
        for tick in 0..180 * 200 {
            if tick == 60 * 200 {
                (left, refused) = (0, 0);
            }
            pace.clock.advance(Duration::from_millis(5));
            room = f64::min(room + 2.5, depth);
            // What fits into a window.
            for _ in 0..pace.take(100) {
                left += 1;
                if room >= 1.0 {
                    room -= 1.0;
                } else {
                    refused += 1;
                    pace.throttled();
                }
            }
        }
        (left - refused, refused)
    }

    #[test]
    fn a_carrier_with_a_limit_is_used_up_to_it_with_few_refusals() {
        for (depth, least) in [(500.0, 58_000), (50.0, 56_000), (20.0, 54_000)] {
            let (taken, refused) = taken_and_refused(depth);
            assert!(
                taken >= least && refused <= 600,
                "{taken} taken, {refused} refused, depth {depth}"
            );
        }
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
        assert_eq!(pace.rate(), Some(499.5), "what was on its way does not halve again");
    }
}
