//! How many messages a second a client may hand in.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
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
    /// Messages that were made of events and have had no place yet; nothing is taken before they have.
    owed: Mutex<u32>,
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
            owed: Mutex::default(),
        })
    }

    /// Messages a second.
    pub fn rate(&self) -> u32 {
        self.rate.get()
    }

    /// Takes one message's place, or says how long to wait for it.
    pub fn take(&self) -> Result<(), Duration> {
        self.repay()?;
        self.limiter
            .check()
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Takes places for at most `wanted` messages, as many as fit a second, and says how many; or how long to wait.
    pub fn take_some(&self, wanted: NonZeroU32) -> Result<u32, Duration> {
        self.repay()?;
        self.places(wanted)
    }

    /// Counts messages that nobody could know of when a place was taken: those beyond the first that an event makes.
    /// Their places are taken before any other.
    pub fn owe(&self, messages: usize) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        *owed = owed.saturating_add(u32::try_from(messages).unwrap_or(u32::MAX));
    }

    /// Takes the places of what is owed, or says how long until all of them are free.
    fn repay(&self) -> Result<(), Duration> {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(left) = NonZeroU32::new(*owed) {
            match self.places(left) {
                Ok(taken) => *owed -= taken,
                Err(wait) => {
                    let later = *owed - left.min(self.rate).get();
                    return Err(wait + Duration::from_secs(later.into()) / self.rate.get());
                }
            }
        }
        Ok(())
    }

    fn places(&self, wanted: NonZeroU32) -> Result<u32, Duration> {
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
    fn what_is_owed_has_its_places_before_anything_else() {
        let throttle = ClientThrottle::new(2).unwrap();
        assert_eq!(throttle.take(), Ok(()));
        throttle.owe(99);
        for wait in [
            throttle.take().unwrap_err(),
            throttle.take_some(NonZeroU32::MIN).unwrap_err(),
        ] {
            // One place was free; of the 99 others the last is free after 49 seconds.
            assert!((48..=50).contains(&wait.as_secs()), "{wait:?}");
        }
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
