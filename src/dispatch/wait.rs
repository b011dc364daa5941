//! Waits that customers were promised and that are over: told to them, and to the case's client, once.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio_util::sync::CancellationToken;

use crate::accept::Intake;
use crate::clock::Clock;
use crate::inbound::case::Promise;
use crate::inbound::{Limits, Shelf};
use crate::outbox::Outbox;
use crate::store::two_way::Leaves;
use crate::store::{Between, CaseAct, CaseChange, Store, StoreError, Turn, TurnResult};

/// How often waits are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Cases looked at together.
const PAGE: u32 = 64;

/// What keeps an eye on the waits.
pub struct Waits {
    /// Where the cases are.
    pub store: Arc<dyn Store>,
    /// What changes them.
    pub outbox: Outbox,
    /// The time.
    pub clock: Clock,
    /// What is said, and in whose name.
    pub shelf: Arc<Shelf>,
    /// What checks the texts.
    pub intake: Arc<Intake>,
    /// What counts them.
    pub limits: Arc<Limits>,
}

impl Waits {
    /// Looks until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.look().await {
                tracing::warn!(event = "waits_unknown", %error);
            }
        }
    }

    /// Tells of those that are over now.
    pub async fn look(&self) -> Result<(), StoreError> {
        let book = self.shelf.load_full();
        let promise = Promise {
            book: &book,
            intake: &self.intake,
        };
        for case in self.store.due_cases(self.clock.now(), PAGE).await? {
            let mut turn = Turn::new(Leaves::Case(Box::new(CaseAct {
                id: case.id,
                client: None,
                change: CaseChange::Overdue,
            })));
            turn.messages.extend(promise.broken(&case));
            // Refused is an answer that came just now.
            if let TurnResult::Done { messages, .. } = self.outbox.turn(turn).await? {
                let Between { number, address } = &case.between;
                self.limits.sent(number, address, messages.len(), self.clock.now());
                counter!("araldo_cases_overdue_total").increment(1);
                tracing::warn!(event = "case_overdue", case = %case.id, "nobody has answered within the wait that was promised");
            }
        }
        Ok(())
    }
}
