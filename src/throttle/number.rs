//! How often something may be sent to one number, whoever asks for it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::domain::UnixMillis;

/// Numbers remembered. Beyond them, numbers that are new share one place.
pub const MOST_NUMBERS: u32 = 100_000;
/// Places taken between two times of forgetting those who have not asked for long.
const SWEEP_EVERY: u32 = 1_024;
/// The one key of all numbers beyond the bound.
const OTHERS: &str = "";

/// So many times an hour for each number, as many of them at once.
pub struct NumberThrottle {
    per_hour: NonZeroU32,
    limiter: RateLimiter<Box<str>, DefaultKeyedStateStore<Box<str>>, Told, NoOpMiddleware<Nanos>>,
    time: Told,
    taken: AtomicU32,
}

/// The time as it is told with each question, in milliseconds since 1970; it does not go back.
#[derive(Clone, Default)]
struct Told(Arc<AtomicI64>);

impl Clock for Told {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let millis = u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0);
        Duration::from_millis(millis).into()
    }
}

impl NumberThrottle {
    /// A throttle for so many times an hour, at least one.
    pub fn new(per_hour: u32) -> Self {
        let per_hour = NonZeroU32::new(per_hour).unwrap_or(NonZeroU32::MIN);
        let time = Told::default();
        Self {
            per_hour,
            limiter: RateLimiter::new(
                Quota::per_hour(per_hour),
                DefaultKeyedStateStore::default(),
                time.clone(),
            ),
            time,
            taken: AtomicU32::new(0),
        }
    }

    /// Times an hour.
    pub fn per_hour(&self) -> u32 {
        self.per_hour.get()
    }

    /// Takes a place for the number at this time, or says how long to wait for it.
    pub fn take(&self, number: &str, at: UnixMillis) -> Result<(), Duration> {
        self.time.0.fetch_max(at.0, Ordering::Relaxed);
        if self.taken.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let key = if self.limiter.len() < MOST_NUMBERS as usize {
            number
        } else {
            OTHERS
        };
        let taken = self.limiter.check_key(&key.into());
        taken.map_err(|not_until| not_until.wait_time_from(self.time.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(minutes: i64) -> UnixMillis {
        UnixMillis(1_773_100_800_000 + minutes * 60_000)
    }

    #[test]
    fn a_number_has_its_own_places_and_they_come_back_one_by_one() {
        let throttle = NumberThrottle::new(2);
        assert!(throttle.take("1", at(0)).is_ok() && throttle.take("1", at(10)).is_ok());
        assert_eq!(throttle.take("1", at(10)), Err(Duration::from_mins(20)));
        assert!(throttle.take("2", at(10)).is_ok());
        assert_eq!(
            throttle.take("1", at(0)),
            Err(Duration::from_mins(20)),
            "no time is won by a clock set back"
        );
        assert!(throttle.take("1", at(30)).is_ok());
        assert!(throttle.take("1", at(31)).is_err());
    }

    #[test]
    fn the_numbers_remembered_are_bounded() {
        let throttle = NumberThrottle::new(2);
        (0..MOST_NUMBERS + 5_000).for_each(|n| {
            throttle.take(&format!("n{n}"), at(0)).ok();
        });
        assert!(
            throttle.limiter.len() <= MOST_NUMBERS as usize + 1,
            "{}",
            throttle.limiter.len()
        );
    }
}
