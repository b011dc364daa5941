//! How the store is, as the writer sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::watch;

use crate::store::StoreError;

/// How the store is: shared with whoever answers for it.
#[derive(Debug)]
pub struct Health {
    storage_low: AtomicBool,
    pub(super) working: AtomicBool,
    pub(super) commits: AtomicU64,
    fatal: watch::Sender<Option<StoreError>>,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            storage_low: AtomicBool::new(false),
            working: AtomicBool::new(true),
            commits: AtomicU64::new(0),
            fatal: watch::Sender::new(None),
        }
    }

    /// Whether new messages are refused for want of space.
    pub fn storage_low(&self) -> bool {
        self.storage_low.load(Ordering::Relaxed)
    }

    /// Says whether space is short.
    pub fn set_storage_low(&self, low: bool) {
        self.storage_low.store(low, Ordering::Relaxed);
    }

    /// Whether the last commit succeeded.
    pub fn is_working(&self) -> bool {
        self.working.load(Ordering::Relaxed)
    }

    /// Commits since the start: a heartbeat.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Nothing more may be written: the process must end.
    pub fn fail(&self, error: &StoreError) {
        self.fatal.send_replace(Some(error.clone()));
    }

    /// Whether a sync has failed, the file is damaged, or the writer has died.
    pub(super) fn has_failed(&self) -> bool {
        self.fatal.borrow().is_some()
    }

    /// Waits until a sync has failed, the file is found damaged or the writer has died, and says how: the process must
    /// end then.
    pub async fn failed(&self) -> StoreError {
        let mut fatal = self.fatal.subscribe();
        loop {
            if let Some(error) = &*fatal.borrow_and_update() {
                return error.clone();
            }
            if fatal.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Dropped with the writer: should it have panicked, the process must not go on without it.
pub(super) struct LastWord(pub(super) Arc<Health>);

impl Drop for LastWord {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(&StoreError::Io("the writer has died".to_owned()));
        }
    }
}
