//! The pace that a carrier allows.

use std::time::Instant;

/// A token bucket: so many a second, a tenth of a second's worth at once.
#[derive(Debug)]
pub(super) struct Pace {
    rate: f64,
    most: f64,
    left: f64,
    since: Instant,
}

impl Pace {
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        let rate = f64::from(rate);
        let most = (rate / 10.0).max(10.0);
        Self {
            rate,
            most,
            left: most,
            since: now,
        }
    }

    pub(super) fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.since).as_secs_f64() * self.rate;
        self.left = (self.left + gained).min(self.most);
        self.since = now;
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::monotonic;

    #[test]
    fn the_pace_lets_a_tenth_of_a_second_through_at_once_and_then_its_rate() {
        let start = monotonic();
        let mut pace = Pace::new(200, start);
        assert_eq!((0..100).filter(|_| pace.take(start)).count(), 20);
        let later = start + Duration::from_millis(50);
        assert_eq!((0..100).filter(|_| pace.take(later)).count(), 10);
    }
}
