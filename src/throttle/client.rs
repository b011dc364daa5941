//! How many messages a second a client may hand in.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// A client's pace: so many messages a second, with a second's worth at once. Made anew when the configuration
/// changes.
#[derive(Debug)]
pub struct ClientThrottle {
    rate: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl ClientThrottle {
    /// A throttle for `rate` messages a second; `None` for 0, which is unlimited.
    pub fn new(rate: u32) -> Option<Self> {
        let rate = NonZeroU32::new(rate)?;
        let limiter = RateLimiter::direct(Quota::per_second(rate));
        Some(Self {
            rate,
            limiter,
            clock: DefaultClock::default(),
        })
    }

    /// Messages a second.
    pub fn rate(&self) -> u32 {
        self.rate.get()
    }

    /// Takes one message's place, or says how long to wait for it.
    pub fn take(&self) -> Result<(), Duration> {
        self.limiter
            .check()
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Takes places for at most `wanted` messages, as many as fit a second, and says how many; or how long to wait.
    pub fn take_some(&self, wanted: NonZeroU32) -> Result<u32, Duration> {
        let some = wanted.min(self.rate);
        match self.limiter.check_n(some) {
            Ok(Ok(())) => Ok(some.get()),
            Ok(Err(not_until)) => Err(not_until.wait_time_from(self.clock.now())),
            // Not reached, since `some` is never above the burst.
            Err(_) => Ok(some.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_may_come_at_once_and_then_it_says_how_long_to_wait() {
        let throttle = ClientThrottle::new(3).unwrap();
        assert!((0..3).all(|_| throttle.take().is_ok()));
        let wait = throttle.take().unwrap_err();
        assert!(wait <= Duration::from_secs(1) && !wait.is_zero(), "{wait:?}");
    }

    #[test]
    fn zero_is_unlimited() {
        assert!(ClientThrottle::new(0).is_none());
    }

    #[test]
    fn a_large_group_takes_a_second_s_worth_at_a_time() {
        let throttle = ClientThrottle::new(5).unwrap();
        assert_eq!(throttle.take_some(NonZeroU32::new(100).unwrap()), Ok(5));
        assert!(throttle.take_some(NonZeroU32::new(100).unwrap()).is_err());
    }
}
