//! How every bind is: written by the binds, read by people, metrics and fail-over.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::carrier::LinkMode;
use crate::clock::{Clock, monotonic};
use crate::domain::{BindRef, UnixMillis};
use crate::store::{Loss, NewInbound};

/// Where a bind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BindState {
    /// Stopped by a person.
    Stopped,
    /// Connecting and binding; or on trial: up, and given one message at a time until it takes one.
    Connecting,
    /// Up.
    Bound,
    /// Waiting for its last answers before it unbinds.
    Draining,
    /// Waiting before the next try.
    Waiting,
    /// The carrier refused name or password three times: waits for a person.
    Refused,
}

/// How a bind is.
#[derive(Clone, Debug)]
pub struct BindStatus {
    /// Which way it carries traffic.
    pub mode: LinkMode,
    /// Where it is.
    pub state: BindState,
    /// Since when.
    pub since: UnixMillis,
    /// Messages claimed by it and not settled.
    pub in_flight: u32,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// How all binds of a carrier are.
#[derive(Debug)]
pub struct CarrierState {
    clock: Clock,
    /// What happened since the start.
    pub counts: Counts,
    inner: Mutex<Inner>,
}

/// What happened with a carrier since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Answers that said to slow down.
    pub throttled: AtomicU64,
    /// Segments that it took.
    pub submitted: AtomicU64,
    /// Segments that it refused.
    pub refused: AtomicU64,
    /// Receipts that it brought.
    pub receipts: AtomicU64,
    /// Texts that it brought.
    pub inbound: AtomicU64,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[derive(Debug)]
struct Inner {
    binds: BTreeMap<BindRef, BindStatus>,
    /// Since when no bind can submit.
    down_since: Option<Instant>,
    /// When answers to the carrier may not have arrived, as far as that still matters. Each stands for the minute before
    /// it too, so that they are a minute apart at least.
    losses: VecDeque<Loss>,
}

impl Inner {
    fn lose_answers(&mut self, at: UnixMillis) {
        self.forget_losses(at);
        match self.losses.back_mut() {
            Some(last) if at.before(NewInbound::ANSWER_IN_FLIGHT) <= last.to => last.to = at,
            _ => self.losses.push_back(Loss { from: at, to: at }),
        }
    }

    fn forget_losses(&mut self, now: UnixMillis) {
        self.losses
            .retain(|loss| now <= loss.to.after(NewInbound::REPEATED_WITHIN));
    }
}

impl CarrierState {
    /// A carrier with no bind yet. Answers given before the process started may have been lost with it.
    pub fn new(clock: Clock) -> Self {
        let now = clock.now();
        let losses = VecDeque::from([Loss { from: now, to: now }]);
        let inner = Inner {
            binds: BTreeMap::new(),
            down_since: Some(monotonic()),
            losses,
        };
        Self {
            clock,
            counts: Counts::default(),
            inner: Mutex::new(inner),
        }
    }

    /// Says where a bind is, and why.
    pub fn set(&self, bind: &BindRef, mode: LinkMode, state: BindState, error: Option<String>) {
        let since = self.clock.now();
        let mut inner = self.inner();
        let was = inner.binds.get(bind).map(|status| status.state);
        let in_flight = inner.binds.get(bind).map_or(0, |status| status.in_flight);
        let last_error = error.or_else(|| inner.binds.get(bind).and_then(|status| status.last_error.clone()));
        let last_error = last_error.filter(|_| state != BindState::Bound);
        inner.binds.insert(
            bind.clone(),
            BindStatus {
                mode,
                state,
                since,
                in_flight,
                last_error,
            },
        );
        let was_up = matches!(was, Some(BindState::Bound | BindState::Draining));
        if was_up && state == BindState::Waiting {
            inner.lose_answers(since);
        }
        let up = inner
            .binds
            .values()
            .any(|status| status.state == BindState::Bound && status.mode.submits());
        inner.down_since = if up {
            None
        } else {
            inner.down_since.or_else(|| Some(monotonic()))
        };
        drop(inner);
        metrics::gauge!(
            "araldo_carrier_bound", "carrier" => bind.carrier.as_str().to_owned(), "bind" => bind.bind.to_string()
        )
        .set(f64::from(u8::from(state == BindState::Bound)));
    }

    /// Says what keeps messages from going over a bind that is up; shown until it is opened anew.
    pub fn fault(&self, bind: &BindRef, text: String) {
        if let Some(status) = self.inner().binds.get_mut(bind) {
            status.last_error = Some(text);
        }
    }

    /// Notes that the carrier was told that we are busy with what may be stored all the same.
    pub(super) fn answered_busy(&self) {
        let now = self.clock.now();
        self.inner().lose_answers(now);
    }

    /// Says how many messages a bind has in flight.
    pub fn set_in_flight(&self, bind: &BindRef, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if let Some(status) = self.inner().binds.get_mut(bind) {
            status.in_flight = count;
        }
    }

    /// How every bind is.
    pub fn binds(&self) -> Vec<(BindRef, BindStatus)> {
        self.inner()
            .binds
            .iter()
            .map(|(bind, status)| (bind.clone(), status.clone()))
            .collect()
    }

    /// How long no bind could submit; `None` while one can.
    pub fn down_for(&self) -> Option<Duration> {
        self.inner()
            .down_since
            .map(|since| monotonic().saturating_duration_since(since))
    }

    /// When answers to the carrier may have been lost.
    pub fn losses(&self) -> Vec<Loss> {
        let mut inner = self.inner();
        inner.forget_losses(self.clock.now());
        inner.losses.iter().copied().collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Name;

    /// The losses that these states leave, each a minute and a second after the one before.
    fn losses_after(states: &[BindState]) -> usize {
        let clock = Clock::manual(UnixMillis(1_000_000));
        let state = CarrierState::new(clock.clone());
        let bind = BindRef {
            carrier: Name::parse("tim").unwrap(),
            bind: 0,
        };
        for next in states {
            clock.set(clock.now().after(Duration::from_secs(61)));
            state.set(&bind, LinkMode::Both, *next, None);
        }
        state.losses().len() - 1
    }

    #[test]
    fn a_planned_stop_loses_no_answer_and_a_lost_link_may() {
        use BindState::{Bound, Connecting, Draining, Stopped, Waiting};
        assert_eq!(losses_after(&[Connecting, Bound, Draining, Stopped]), 0);
        assert_eq!(losses_after(&[Connecting, Waiting]), 0);
        assert_eq!(losses_after(&[Connecting, Bound, Waiting]), 1);
        assert_eq!(losses_after(&[Connecting, Bound, Draining, Waiting]), 1);
    }

    #[test]
    fn a_spell_of_busy_answers_is_one_loss_from_its_first_to_its_last() {
        let start = UnixMillis(1_000_000);
        let clock = Clock::manual(start);
        let state = CarrierState::new(clock.clone());
        for _ in 0..180 {
            clock.set(clock.now().after(Duration::from_secs(1)));
            state.answered_busy();
        }
        let whole = Loss {
            from: start,
            to: start.after(Duration::from_secs(180)),
        };
        assert_eq!(state.losses(), [whole]);
        clock.set(whole.to.after(NewInbound::REPEATED_WITHIN + Duration::from_millis(1)));
        assert_eq!(state.losses(), [], "what is brought again by now is new");
    }
}
