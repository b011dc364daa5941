//! How often something may be sent to one number, whoever asks for it.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Numbers remembered. Beyond them, numbers that are new share one place.
const MOST_NUMBERS: usize = 100_000;
/// Places taken between two times of forgetting those who have not asked for long.
const SWEEP_EVERY: u32 = 1_024;
/// The one key of all numbers beyond the bound.
const OTHERS: &str = "";

/// So many times an hour for each number, as many of them at once.
pub struct NumberThrottle {
    per_hour: NonZeroU32,
    limiter: DefaultKeyedRateLimiter<Box<str>>,
    clock: DefaultClock,
    taken: AtomicU32,
}

impl NumberThrottle {
    /// A throttle for so many times an hour, at least one.
    pub fn new(per_hour: u32) -> Self {
        let per_hour = NonZeroU32::new(per_hour).unwrap_or(NonZeroU32::MIN);
        Self {
            per_hour,
            limiter: RateLimiter::keyed(Quota::per_hour(per_hour)),
            clock: DefaultClock::default(),
            taken: AtomicU32::new(0),
        }
    }

    /// Times an hour.
    pub fn per_hour(&self) -> u32 {
        self.per_hour.get()
    }

    /// Takes a place for the number, or says how long to wait for it.
    pub fn take(&self, number: &str) -> Result<(), Duration> {
        if self.taken.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let key = if self.limiter.len() < MOST_NUMBERS {
            number
        } else {
            OTHERS
        };
        let taken = self.limiter.check_key(&key.into());
        taken.map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_its_own_places_and_the_numbers_remembered_are_bounded() {
        let throttle = NumberThrottle::new(2);
        assert!(throttle.take("1").is_ok() && throttle.take("1").is_ok());
        let wait = throttle.take("1").unwrap_err();
        assert!(
            wait <= Duration::from_mins(30) && wait > Duration::from_mins(29),
            "{wait:?}"
        );
        assert!(throttle.take("2").is_ok());
        (0..MOST_NUMBERS + 5_000).for_each(|n| {
            throttle.take(&format!("n{n}")).ok();
        });
        assert!(throttle.limiter.len() <= MOST_NUMBERS + 1, "{}", throttle.limiter.len());
    }
}
