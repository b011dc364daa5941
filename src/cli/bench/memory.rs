//! How the daemon's memory goes on over a trial.

use std::time::{Duration, Instant};

use crate::clock::monotonic;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What was resident, and when.
pub(super) struct Growth {
    start: Instant,
    /// Seconds since the start, and KiB.
    seen: Vec<(f64, f64)>,
}

impl Growth {
    /// From now on.
    pub(super) fn new() -> Self {
        Self {
            start: monotonic(),
            seen: Vec::new(),
        }
    }

    /// Whether it is time to look.
    pub(super) fn is_due(&self) -> bool {
        let last = self.seen.last().map_or(0.0, |(at, _)| *at);
        self.start.elapsed().as_secs_f64() - last >= LOOK_EVERY.as_secs_f64()
    }

    /// Notes what is resident now.
    pub(super) fn note(&mut self, rss_kib: u64) {
        self.seen.push((self.start.elapsed().as_secs_f64(), rss_kib as f64));
    }

    /// KiB a second, the line through the last three quarters of what was seen (least squares): pools and caches have
    /// their size by then. `None` where too little was seen.
    pub(super) fn kib_per_second(&self) -> Option<f64> {
        let late = &self.seen[self.seen.len() / 4..];
        if late.len() < 8 {
            return None;
        }
        let count = late.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| late.iter().map(of).sum::<f64>() / count;
        let (at, rss) = (mean(|seen| seen.0), mean(|seen| seen.1));
        let spread: f64 = late.iter().map(|seen| (seen.0 - at).powi(2)).sum();
        let slope = late.iter().map(|seen| (seen.0 - at) * (seen.1 - rss)).sum::<f64>();
        (spread > 0.0).then(|| slope / spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(rss: impl Fn(f64) -> f64) -> Growth {
        Growth {
            start: monotonic(),
            seen: (0..40).map(|n| (f64::from(n), rss(f64::from(n)))).collect(),
        }
    }

    #[test]
    fn what_grows_at_first_and_then_stays_is_flat() {
        let growth = seen(|at| 1_000.0 * at.min(10.0));
        assert!(growth.kib_per_second().unwrap().abs() < 1e-9);
        assert!((seen(|at| 7.0 * at).kib_per_second().unwrap() - 7.0).abs() < 1e-9);
    }

    #[test]
    fn a_short_trial_tells_no_slope() {
        assert_eq!(Growth::new().kib_per_second(), None);
    }
}
