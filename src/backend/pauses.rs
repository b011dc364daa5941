//! Which endpoints are left alone for a while, and why: for those who look.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Failure;
use crate::domain::{Endpoint, UnixMillis};

/// A pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Nothing is posted before.
    pub until: UnixMillis,
    /// What the last post met with.
    pub failure: Failure,
}

/// Those at present.
#[derive(Debug, Default)]
pub struct Pauses(Mutex<BTreeMap<Endpoint, Pause>>);

impl Pauses {
    /// The pause of an endpoint.
    pub fn of(&self, endpoint: &Endpoint) -> Option<Pause> {
        self.all().get(endpoint).copied()
    }

    /// An endpoint is left alone from now on.
    pub fn begin(&self, endpoint: &Endpoint, pause: Pause) {
        self.all().insert(endpoint.clone(), pause);
    }

    /// It is asked again.
    pub fn end(&self, endpoint: &Endpoint) {
        self.all().remove(endpoint);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Endpoint, Pause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
