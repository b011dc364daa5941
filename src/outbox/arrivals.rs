//! Texts that were stored just now, for the one who handles them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::store::UnhandledText;

/// Texts held at the most; whatever comes beyond is read from the store.
const MOST: usize = 8_192;

/// Hands over texts in the order of their places, from memory, right after their commit. Nothing is lost if nobody
/// listens or too many come: they are in the store, and [`Arrived::missed`] says that one must look there.
#[derive(Debug, Default)]
pub struct Arrivals {
    held: Mutex<Held>,
    wake: Notify,
}

#[derive(Debug)]
struct Held {
    texts: VecDeque<UnhandledText>,
    missed: bool,
}

/// What has come since one last asked.
#[derive(Debug)]
pub struct Arrived {
    /// Texts, in the order of their places.
    pub texts: VecDeque<UnhandledText>,
    /// Whether the store has more behind them.
    pub missed: bool,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            texts: VecDeque::new(),
            // What was stored before anybody listened is in the store alone.
            missed: true,
        }
    }
}

impl Arrivals {
    /// What has come since this was last asked; nothing, where nothing has.
    pub fn take(&self) -> Arrived {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Arrived {
            texts: std::mem::take(&mut held.texts),
            missed: std::mem::take(&mut held.missed),
        }
    }

    /// Waits until something has come. For one listener.
    pub async fn come(&self) {
        self.wake.notified().await;
    }

    pub(super) fn push(&self, texts: impl IntoIterator<Item = UnhandledText>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut any = false;
        for text in texts {
            any = true;
            if held.missed || held.texts.len() >= MOST {
                held.missed = true;
            } else {
                held.texts.push_back(text);
            }
        }
        drop(held);
        if any {
            self.wake.notify_one();
        }
    }
}
