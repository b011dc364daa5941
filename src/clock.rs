//! The one place that reads the clock and draws random numbers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use rand::RngExt;
use uuid::Uuid;

use crate::domain::{InboundId, MessageId, UnixMillis};

/// Hands out the time. Cloned freely; tests hold one whose hands they turn.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
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

    /// The wall-clock time.
    pub fn now(&self) -> UnixMillis {
        match &self.0 {
            Source::System => jiff_now(),
            Source::Manual(at) => UnixMillis(at.load(Ordering::Relaxed)),
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

fn uuid_v7(now: UnixMillis) -> Uuid {
    let random: [u8; 10] = rand::rng().random();
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or(0), &random).into_uuid()
}

/// A number in `0.0..1.0`, for jitter.
pub fn jitter() -> f64 {
    rand::rng().random()
}

/// 256 random bits.
pub fn secret_bits() -> [u8; 32] {
    rand::rng().random()
}
