//! Clients that send at a pace and try again, under the same key, until they are promised something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::books::Books;
use super::daemon::House;
use super::sample::Sample;

/// How long a client lets go by before it asks again.
const AGAIN: Duration = Duration::from_millis(20);

/// Clients at work. Dropped, they stop where they are.
pub(crate) struct Load {
    clients: JoinSet<Answers>,
    stop: Arc<AtomicBool>,
}

/// How the requests of a load ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answers {
    /// 2xx.
    pub(crate) accepted: u32,
    /// Of these, the answer to an earlier request.
    pub(crate) replayed: u32,
    /// 503 and 429.
    pub(crate) refused: u32,
    /// The connection was refused or closed with nothing of the request read.
    pub(crate) not_connected: u32,
    /// The connection was cut after the request went out.
    pub(crate) cut: u32,
}

impl Load {
    /// Starts `clients` that together send `rate` messages a second, out of what `make` makes.
    pub(crate) fn start(
        house: &House,
        books: &Arc<Books>,
        clients: u32,
        rate: u32,
        mut make: impl FnMut(u32) -> Vec<Sample>,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut set = JoinSet::new();
        for client in 0..clients {
            let mut http = house.client();
            let (books, stop) = (books.clone(), stop.clone());
            let samples = make(client);
            set.spawn(async move {
                let mut answers = Answers::default();
                let mut tick = tokio::time::interval(Duration::from_secs(1) * clients / rate);
                tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
                for sample in samples {
                    tick.tick().await;
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    books.ask(&sample);
                    loop {
                        match http.send(&sample).await {
                            Ok(answer) if answer.status.is_success() => {
                                answers.accepted += 1;
                                answers.replayed += u32::from(answer.replayed);
                                books.accept(sample.token, &answer.json());
                                break;
                            }
                            Ok(answer) if matches!(answer.status.as_u16(), 429 | 503) => {
                                assert!(
                                    answer.retry_after.is_some(),
                                    "refused without saying until when: {answer:?}"
                                );
                                answers.refused += 1;
                            }
                            Ok(answer) => panic!("{sample:?}: {answer:?}"),
                            Err(no_answer) if no_answer.asked => answers.cut += 1,
                            Err(_) => answers.not_connected += 1,
                        }
                        tokio::time::sleep(AGAIN).await;
                    }
                }
                answers
            });
        }
        Self { clients: set, stop }
    }

    /// Takes no new message in hand, waits until what is in hand is promised, and tells how it went.
    pub(crate) async fn finish(self) -> Answers {
        self.stop.store(true, Ordering::Relaxed);
        self.all().await
    }

    /// Waits until every message is promised, and tells how it went.
    pub(crate) async fn all(mut self) -> Answers {
        let mut all = Answers::default();
        while let Some(ended) = self.clients.join_next().await {
            let answers = ended.unwrap();
            all.accepted += answers.accepted;
            all.replayed += answers.replayed;
            all.refused += answers.refused;
            all.not_connected += answers.not_connected;
            all.cut += answers.cut;
        }
        all
    }
}
