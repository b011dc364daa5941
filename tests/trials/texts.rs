//! Phones that text us all the while.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::sample::recipient;

const PHONES: u32 = 4;

/// Phones at work. Dropped, they go on with the carrier.
pub(crate) struct Texts {
    stop: Arc<AtomicBool>,
    phones: Vec<JoinHandle<BTreeSet<String>>>,
}

/// The texts that we said we have.
pub(crate) struct TextsTaken(BTreeSet<String>);

impl Texts {
    /// A text from each phone, and the next one `pause` after the answer to it.
    pub(crate) fn start(carrier: Arc<Carrier>, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let phones = (0..PHONES).map(|phone| {
            let (carrier, stop) = (carrier.clone(), stop.clone());
            tokio::spawn(async move {
                let mut taken = BTreeSet::new();
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let text = format!("SALDO {phone} {number}");
                    let answer = carrier.text(&recipient(347, phone), "12345", &text).await;
                    if answer.is_some_and(|statuses| statuses == ["ESME_ROK"]) {
                        taken.insert(text);
                    }
                    tokio::time::sleep(pause).await;
                }
                taken
            })
        });
        let phones = phones.collect();
        Self { stop, phones }
    }

    /// Waits for the answers that are due.
    pub(crate) async fn finish(self) -> TextsTaken {
        self.stop.store(true, Ordering::Relaxed);
        let mut taken = BTreeSet::new();
        for phone in self.phones {
            taken.extend(phone.await.unwrap());
        }
        TextsTaken(taken)
    }
}

impl TextsTaken {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Those that the tables do not have.
    pub(crate) async fn lost(&self, house: &House) -> Vec<&String> {
        let kept = house.database().texts().await;
        self.0.iter().filter(|text| !kept.contains(*text)).collect()
    }
}
