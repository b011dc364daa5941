//! Rings when a commit has left something to tell.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use crate::domain::Endpoint;

/// Calls those who tell owners what became of their messages: webhooks by the endpoints for which something is due, a
/// stream by every notice. Nothing is lost if nobody listens: the notices are in the store.
#[derive(Debug)]
pub struct Bell {
    rung: Mutex<Rung>,
    wake: Notify,
    notices: watch::Sender<u64>,
}

/// For whom it has rung.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rung {
    /// These endpoints have new notices.
    pub endpoints: BTreeSet<Endpoint>,
    /// A person wishes that these are asked now, whatever came of it before.
    pub afresh: BTreeSet<Endpoint>,
    /// Any endpoint may have: a person has replayed some, or switched one on or off.
    pub all: bool,
}

impl Default for Bell {
    fn default() -> Self {
        Self {
            rung: Mutex::default(),
            wake: Notify::new(),
            notices: watch::Sender::new(0),
        }
    }
}

impl Bell {
    /// Waits until it has rung since it was last asked, and says for whom. For one listener.
    pub async fn rung(&self) -> Rung {
        loop {
            let rung = std::mem::take(&mut *self.rung.lock().unwrap_or_else(PoisonError::into_inner));
            if rung != Rung::default() {
                return rung;
            }
            self.wake.notified().await;
        }
    }

    /// Changes with every commit that has made notices.
    pub fn notices(&self) -> watch::Receiver<u64> {
        self.notices.subscribe()
    }

    pub(super) fn ring(&self, endpoints: BTreeSet<Endpoint>, all: bool) {
        if endpoints.is_empty() && !all {
            return;
        }
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        rung.endpoints.extend(endpoints);
        rung.all |= all;
        drop(rung);
        self.wake.notify_one();
    }

    /// A person wishes that an endpoint is asked now, whatever came of it before.
    pub fn begin_afresh(&self, endpoint: Endpoint) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        rung.afresh.insert(endpoint);
        drop(rung);
        self.wake.notify_one();
    }

    pub(super) fn noticed(&self) {
        self.notices.send_modify(|commits| *commits += 1);
    }
}
