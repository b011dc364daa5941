//! Commits that are held up or made to fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

use crate::store::double::Commits;
use crate::store::{Applied, Batch, Rules, Store, StoreError};

pub(super) struct Gate {
    open: Semaphore,
    /// Commits that have come to the gate.
    came: watch::Sender<usize>,
    failing: AtomicBool,
    full: AtomicBool,
    /// The key of a group that is refused.
    refused: Mutex<Option<Box<str>>>,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            open: Semaphore::new(1),
            came: watch::Sender::new(0),
            failing: AtomicBool::new(false),
            full: AtomicBool::new(false),
            refused: Mutex::default(),
        }
    }

    /// Commits wait until the permit is dropped.
    pub(super) async fn close(&self) -> SemaphorePermit<'_> {
        self.open.acquire().await.unwrap()
    }

    /// Waits until so many commits have come, whether they passed or not.
    pub(super) async fn came(&self, commits: usize) {
        let mut came = self.came.subscribe();
        came.wait_for(|came| *came >= commits).await.unwrap();
    }

    /// Commits fail from now on.
    pub(super) fn fail(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }

    /// The disk is full for commits from now on, or no longer.
    pub(super) fn fill(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// Batches with a group of this key are refused from now on.
    pub(super) fn refuse(&self, key: &str) {
        *self.refused.lock().unwrap() = Some(key.into());
    }

    fn refuses(&self, batch: &Batch) -> bool {
        let refused = self.refused.lock().unwrap();
        let mut keys = batch.groups.iter().map(|group| &group.key.key);
        keys.any(|key| refused.as_ref() == Some(key))
    }
}

impl Commits for Gate {
    fn commit<'a>(
        &'a self,
        store: &'a dyn Store,
        batch: &'a Batch,
        rules: &'a dyn Rules,
    ) -> BoxFuture<'a, Result<Applied, StoreError>> {
        async move {
            self.came.send_modify(|came| *came += 1);
            let _open = self.open.acquire().await.unwrap();
            if self.failing.load(Ordering::Relaxed) {
                return Err(StoreError::Open("gone".to_owned()));
            }
            if self.full.load(Ordering::Relaxed) {
                return Err(StoreError::Full);
            }
            if self.refuses(batch) {
                return Err(StoreError::Statement("not this one".to_owned()));
            }
            store.commit(batch, rules).await
        }
        .boxed()
    }
}
