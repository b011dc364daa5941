//! The one place that reads the clock and draws random numbers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use rand::RngExt;
use rand::distr::{Distribution, StandardUniform};
use uuid::Uuid;

use crate::domain::{CaseId, InboundId, MessageId, UnixMillis, VerificationId};

/// Hands out the time. Cloned freely; tests hold one whose hands they turn.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
    #[cfg(test)]
    Simulated {
        start: UnixMillis,
        origin: Instant,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::set`].
    pub fn manual(start: UnixMillis) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// A wall clock that shows `start` now and goes with [`monotonic`], which a test may have paused.
    #[cfg(test)]
    pub(crate) fn simulated(start: UnixMillis) -> Self {
        let origin = monotonic();
        Self(Source::Simulated { start, origin })
    }

    /// The wall-clock time.
    pub fn now(&self) -> UnixMillis {
        match &self.0 {
            Source::System => jiff_now(),
            Source::Manual(at) => UnixMillis(at.load(Ordering::Relaxed)),
            #[cfg(test)]
            Source::Simulated { start, origin } => start.after(monotonic().duration_since(*origin)),
        }
    }

    /// Turns the hands of a manual clock; the machine's clock is left alone.
    pub fn set(&self, now: UnixMillis) {
        if let Source::Manual(at) = &self.0 {
            at.store(now.0, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
fn jiff_now() -> UnixMillis {
    jiff::Timestamp::now().into()
}

/// The monotonic time, for deadlines inside the process. Follows tokio's clock, so that a test may pause it.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn monotonic() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A fresh message id.
pub fn message_id(now: UnixMillis) -> MessageId {
    MessageId(uuid_v7(now))
}

/// A fresh id for an inbound text.
pub fn inbound_id(now: UnixMillis) -> InboundId {
    InboundId(uuid_v7(now))
}

/// A number for a new case: eight digits that say nothing of how many there are.
pub fn case_id() -> CaseId {
    CaseId(rand::rng().random_range(10_000_000..100_000_000))
}

/// A fresh id for a code that is sent to certify a number.
pub fn verification_id(now: UnixMillis) -> VerificationId {
    VerificationId(uuid_v7(now))
}

fn uuid_v7(now: UnixMillis) -> Uuid {
    let random: [u8; 10] = draw();
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or(0), &random).into_uuid()
}

/// A number in `0.0..1.0`, for jitter.
pub fn jitter() -> f64 {
    draw()
}

/// 256 random bits.
pub fn secret_bits() -> [u8; 32] {
    draw()
}

/// A draw whose value nobody must guess nor repeat, but for a test.
fn draw<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    #[cfg(test)]
    if let Some(drawn) = seeded::draw() {
        return drawn;
    }
    rand::rng().random()
}

/// Draws that can be had again: of the thread that a simulation runs on.
#[cfg(test)]
pub(crate) mod seeded {
    use std::cell::RefCell;

    use rand::distr::{Distribution, StandardUniform};
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    thread_local! {
        static DRAWS: RefCell<Option<StdRng>> = const { RefCell::new(None) };
    }

    /// From now on this thread draws the same as whoever began with this seed.
    pub(crate) fn begin(seed: u64) {
        DRAWS.set(Some(StdRng::seed_from_u64(seed)));
    }

    /// This thread draws from the machine again.
    pub(crate) fn end() {
        DRAWS.set(None);
    }

    pub(super) fn draw<T>() -> Option<T>
    where
        StandardUniform: Distribution<T>,
    {
        DRAWS.with_borrow_mut(|draws| draws.as_mut().map(RngExt::random))
    }
}
