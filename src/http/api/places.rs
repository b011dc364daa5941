//! The places for streams: so many of a client, so many of the operators.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::BREATH;
use crate::config::HttpConfig;
use crate::domain::Name;
use crate::http::problem::{Code, Problem};

/// How long a newcomer waits for the place of somebody who has left.
const PATIENCE: Duration = Duration::from_secs(1);

/// All of them.
pub(in crate::http) struct Streams {
    max: u32,
    of_client: HashMap<Name, Places>,
    operators: Places,
}

struct Places {
    free: Arc<Semaphore>,
    sought: watch::Sender<()>,
}

/// A place, until it is dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    /// Changes when a newcomer finds no place. Whoever has left without a word is noticed only when he is written to.
    pub(super) sought: watch::Receiver<()>,
}

impl Streams {
    pub(super) fn new<'a>(http: &HttpConfig, clients: impl Iterator<Item = &'a Name>) -> Self {
        let places = || Places::new(http.max_streams);
        Self {
            max: http.max_streams,
            of_client: clients.map(|client| (client.clone(), places())).collect(),
            operators: places(),
        }
    }

    /// Takes a place, of a client or of the operators, or answers 429.
    pub(super) async fn take(&self, client: Option<&Name>) -> Result<Place, Problem> {
        let places = client.map_or(Some(&self.operators), |client| self.of_client.get(client));
        let place = match places {
            Some(places) => places.take().await,
            None => None,
        };
        place.ok_or_else(|| {
            let detail = format!("{} streams are open already; close one", self.max);
            Problem::with_detail(Code::TooManyStreams, detail)
                .with("limit", self.max)
                .retry_after(BREATH)
        })
    }
}

impl Places {
    pub(super) fn new(max: u32) -> Self {
        Self {
            free: Arc::new(Semaphore::new(max as usize)),
            sought: watch::Sender::new(()),
        }
    }

    pub(super) async fn take(&self) -> Option<Place> {
        let place = |permit| Place {
            _permit: permit,
            sought: self.sought.subscribe(),
        };
        if let Ok(permit) = self.free.clone().try_acquire_owned() {
            return Some(place(permit));
        }
        self.sought.send_replace(());
        let left = timeout(PATIENCE, self.free.clone().acquire_owned()).await;
        left.ok()?.ok().map(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_has_the_others_asked_and_takes_the_place_of_one_that_left() {
        let places = Places::new(1);
        let mut first = places.take().await.unwrap();
        let leaving = async {
            first.sought.changed().await.unwrap();
            drop(first);
        };
        assert!(tokio::join!(places.take(), leaving).0.is_some());
        let _second = places.take().await.unwrap();
        assert!(places.take().await.is_none());
    }
}
