//! How a worker is called, and told whether its endpoint is switched off.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::store::OffReason;

/// What a worker and those who call it share.
#[derive(Default)]
pub(super) struct Call {
    wake: Notify,
    /// Something may be due since the worker last looked.
    due: AtomicBool,
    /// Why the endpoint is switched off, while it is.
    off: Mutex<Option<OffReason>>,
    /// The worker has had it switched since the store was last asked.
    ahead: AtomicBool,
    /// It was switched on again: what its circuit has seen is forgotten.
    afresh: AtomicBool,
}

impl Call {
    pub(super) fn new(off: Option<OffReason>) -> Self {
        Self {
            off: Mutex::new(off),
            ..Self::default()
        }
    }

    /// Calls the worker: something may be due.
    pub(super) fn ring(&self) {
        self.due.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Waits for a call.
    pub(super) async fn rung(&self) {
        self.wake.notified().await;
    }

    /// Whether it was called since this was last asked.
    pub(super) fn heard(&self) -> bool {
        self.due.swap(false, Ordering::AcqRel)
    }

    /// Whether it is called and has not heard it yet.
    pub(super) fn is_due(&self) -> bool {
        self.due.load(Ordering::Acquire)
    }

    /// The store is to be asked which endpoints are off.
    pub(super) fn before_look(&self) {
        self.ahead.store(false, Ordering::Release);
    }

    /// What the store has said. Where the worker has had it switched in the meantime, that may be older: the next look
    /// tells.
    pub(super) fn found(&self, off: Option<OffReason>) {
        if !self.ahead.load(Ordering::Acquire) {
            self.switch(off);
        }
    }

    /// The worker has had it switched in the store, and asks for a look.
    pub(super) fn switched(&self, off: Option<OffReason>) {
        self.ahead.store(true, Ordering::Release);
        self.switch(off);
    }

    /// A person wishes that it is asked now, whatever its circuit has seen.
    pub(super) fn begin_afresh(&self) {
        self.afresh.store(true, Ordering::Release);
        self.ring();
    }

    /// Whether it was switched on again since this was last asked.
    pub(super) fn begins_afresh(&self) -> bool {
        self.afresh.swap(false, Ordering::AcqRel)
    }

    pub(super) fn is_on(&self) -> bool {
        self.off().is_none()
    }

    /// Whether nothing at all goes there.
    pub(super) fn is_stopped(&self) -> bool {
        matches!(*self.off(), Some(OffReason::Wished | OffReason::Gone))
    }

    /// Whether it was given up: one post now and then finds out if it is back.
    pub(super) fn is_failing(&self) -> bool {
        *self.off() == Some(OffReason::Failing)
    }

    fn switch(&self, off: Option<OffReason>) {
        let before = std::mem::replace(&mut *self.off(), off);
        if before.is_some() && off.is_none() {
            self.afresh.store(true, Ordering::Release);
        }
    }

    fn off(&self) -> MutexGuard<'_, Option<OffReason>> {
        self.off.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_began_before_a_switch_does_not_undo_it_and_the_next_one_counts() {
        let call = Call::new(None);
        call.before_look();
        call.switched(Some(OffReason::Failing));
        call.found(None);
        assert!(call.is_failing() && !call.begins_afresh());
        call.before_look();
        call.found(Some(OffReason::Wished));
        assert!(call.is_stopped(), "a person was first");
        call.before_look();
        call.found(None);
        assert!(call.is_on() && call.begins_afresh());
    }
}
