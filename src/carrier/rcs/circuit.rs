//! Whether the platform takes messages, as the tries of messages tell: where it takes none for some seconds, those that
//! wait are not to wait for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::clock::monotonic;

/// How long no message is taken until the platform counts as out. Shorter spells are what tries with pauses are for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Tries that must have failed by then: one answer that was lost tells nothing.
const TRIES: u32 = 3;

/// Closed while messages are taken, open while none are, and on trial in between: then the first try decides.
pub(super) struct Circuit {
    tries: Mutex<Tries>,
    open: watch::Sender<bool>,
}

struct Tries {
    /// When the platform took or refused a message last, or when it was first looked at.
    answered: Instant,
    /// Those since, which all failed.
    failed: Option<Failed>,
    on_trial: bool,
}

struct Failed {
    since: Instant,
    count: u32,
    why: String,
}

impl Circuit {
    pub(super) fn new() -> Self {
        let tries = Tries {
            answered: monotonic(),
            failed: None,
            on_trial: false,
        };
        Self {
            tries: Mutex::new(tries),
            open: watch::Sender::new(false),
        }
    }

    /// The platform took a message, or said what is wrong with it.
    pub(super) fn answered(&self) {
        let mut tries = self.tries();
        tries.answered = monotonic();
        tries.failed = None;
        tries.on_trial = false;
    }

    /// A try came to nothing that began then.
    pub(super) fn failed(&self, begun: Instant, why: impl Into<String>) {
        let mut tries = self.tries();
        let since = begun.max(tries.answered);
        let failed = tries.failed.get_or_insert(Failed {
            since,
            count: 0,
            why: String::new(),
        });
        failed.since = failed.since.min(since);
        failed.count = failed.count.saturating_add(1);
        failed.why = why.into();
    }

    /// Why the platform counts as out; `None` while it takes messages, or may.
    pub(super) fn outage(&self) -> Option<String> {
        let tries = self.tries();
        let failed = tries.failed.as_ref()?;
        let lasts = monotonic().saturating_duration_since(failed.since) >= PATIENCE;
        ((lasts && failed.count >= TRIES) || tries.on_trial).then(|| {
            format!(
                "the platform takes no message ({}): it is tried with one at a time until it takes one; look at its status \
                 page, at api_base and at the network",
                failed.why
            )
        })
    }

    /// Nothing more is to be tried; what waits to be tried again is given up.
    pub(super) fn open(&self) {
        self.tries().on_trial = true;
        self.open.send_replace(true);
    }

    /// One message may be tried, where it was open; whether it was.
    pub(super) fn try_again(&self) -> bool {
        self.open.send_replace(false);
        let mut tries = self.tries();
        tries.failed = None;
        tries.on_trial
    }

    pub(super) fn is_on_trial(&self) -> bool {
        self.tries().on_trial
    }

    /// Done once it is open.
    pub(super) async fn opened(&self) {
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.ok();
    }

    /// As if what was seen had been seen so long before.
    #[cfg(test)]
    pub(super) fn age(&self, span: Duration) {
        let mut tries = self.tries();
        tries.answered -= span;
        if let Some(failed) = &mut tries.failed {
            failed.since -= span;
        }
    }

    fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that was answered that long ago, and has failed so often since.
    fn after(span: Duration, failures: u32) -> Circuit {
        let circuit = Circuit::new();
        (0..failures).for_each(|_| circuit.failed(monotonic(), "status 503"));
        circuit.age(span);
        circuit
    }

    #[test]
    fn it_is_out_after_some_seconds_and_some_tries_of_which_none_was_taken() {
        assert!(after(PATIENCE, TRIES).outage().unwrap().contains("status 503"));
        assert_eq!(
            after(PATIENCE, TRIES - 1).outage(),
            None,
            "one lost answer is no outage"
        );
        assert_eq!(after(PATIENCE / 2, 100).outage(), None, "it may be a burst");
        let circuit = after(PATIENCE, TRIES);
        circuit.answered();
        assert_eq!(circuit.outage(), None);
    }

    #[test]
    fn slow_tries_that_fail_beside_others_that_are_taken_are_no_outage() {
        let circuit = after(PATIENCE, 0);
        let begun = monotonic().checked_sub(PATIENCE).unwrap();
        circuit.answered();
        (0..TRIES).for_each(|_| circuit.failed(begun, "no answer"));
        assert_eq!(circuit.outage(), None);
    }

    #[tokio::test]
    async fn on_trial_the_first_try_decides() {
        let circuit = after(PATIENCE, TRIES);
        circuit.open();
        circuit.opened().await;
        assert!(circuit.try_again());
        assert_eq!(circuit.outage(), None, "not tried yet");
        circuit.failed(monotonic(), "no connection");
        assert!(circuit.outage().is_some());
        assert!(circuit.try_again());
        circuit.answered();
        assert!(!circuit.is_on_trial());
        circuit.failed(monotonic(), "status 503");
        assert_eq!(circuit.outage(), None, "patience again");
    }
}
