//! Faults of ours that one row brings out: caught where they cost that row alone, counted and told.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does the work, and gives `None` where it panics. Only for work that leaves nothing half done.
pub fn caught<T>(place: &'static str, work: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => Some(done),
        Err(_) => {
            tell(place);
            None
        }
    }
}

/// Counts and tells a panic that was caught.
pub fn tell(place: &'static str) {
    metrics::counter!("araldo_panics_caught_total", "place" => place).increment(1);
    tracing::error!(
        event = "panic_caught",
        place,
        "a fault of Araldo's own: please report it with the lines above"
    );
}
