//! Calls of back ends: made from their rows, and settled in the commit that answers the customer.
//!
//! A call is `running` on disk before its first octet leaves, so that one whose process was killed is known as one that
//! may have been done. Some are made at once, when the turn that asks for them is committed; the others, and those that
//! are tried again, are read as they fall due.

mod make;
mod policy;
mod settle;
mod told;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::settle::moved;
use crate::accept::Intake;
use crate::backend::{self, Called, SimSwap, Webhooks};
use crate::clock::Clock;
use crate::command::Locale;
use crate::domain::UnixMillis;
use crate::inbound::book::Call;
use crate::inbound::{Limits, Shelf};
use crate::outbox::Outbox;
use crate::store::{
    ActionProgress, ActionQuery, ActionRecord, ActionState, Lease, Seq, Store, StoreError, Turn, TurnResult,
};

/// Calls read at once.
const PAGE: u32 = 64;
/// The longest that one sleeps on what the clock says.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often calls are looked for that nobody makes though their rows say so.
const LOST_EVERY: Duration = Duration::from_secs(30);
/// How long a store that failed is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How long a stop waits for calls under way.
const DRAIN: Duration = Duration::from_secs(5);

/// What makes calls.
pub struct Actions {
    parts: Parts,
    permits: Arc<Semaphore>,
    under_way: Mutex<HashSet<Seq>>,
    due: Notify,
    /// Whether calls may wait for a place: whoever leaves one rings.
    behind: AtomicBool,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Calls under way are left: the stop has waited long enough.
    abandoned: CancellationToken,
}

/// Whoever makes calls.
pub trait Caller: Send + Sync + 'static {
    /// Makes one, once.
    fn call<'a>(&'a self, call: backend::Call<'a>) -> BoxFuture<'a, Called>;
}

impl Caller for Webhooks {
    fn call<'a>(&'a self, call: backend::Call<'a>) -> BoxFuture<'a, Called> {
        Box::pin(Self::call(self, call))
    }
}

/// The parts of which [`Actions`] is made.
pub struct Parts {
    /// Their rows.
    pub store: Arc<dyn Store>,
    /// What changes them.
    pub outbox: Outbox,
    /// What calls the back ends.
    pub caller: Box<dyn Caller>,
    /// Who knows of changed SIMs; `None` is nobody.
    pub sim_swap: Option<SimSwap>,
    /// The time.
    pub clock: Clock,
    /// What is called, and what is answered.
    pub shelf: Arc<Shelf>,
    /// What checks the answers.
    pub intake: Arc<Intake>,
    /// What counts them.
    pub limits: Arc<Limits>,
    /// The process.
    pub lease: Lease,
    /// Calls under way at the most.
    pub most: usize,
}

impl Actions {
    /// Ready to make calls.
    pub fn new(parts: Parts, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(parts.most.max(1))),
            parts,
            under_way: Mutex::default(),
            due: Notify::new(),
            behind: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            stop,
            abandoned: CancellationToken::new(),
        })
    }

    /// A place for one more call, if there is one.
    pub fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permits.clone().try_acquire_owned().ok()
    }

    /// A place for one more call, waited for until then: one that is free soon costs less than a row that waits for it.
    /// Where rows wait, they come first.
    pub async fn permit_until(&self, deadline: Instant) -> Option<OwnedSemaphorePermit> {
        if self.behind.load(Ordering::SeqCst) {
            return None;
        }
        let place = self.permits.clone().acquire_owned();
        tokio::time::timeout_at(deadline.into(), place).await.ok()?.ok()
    }

    /// How a call enters its row: as being made, where there is a place for it.
    pub fn begun(&self, call: &Call, now: UnixMillis, has_place: bool) -> ActionProgress {
        ActionProgress {
            state: if has_place {
                ActionState::Running
            } else {
                ActionState::Waiting
            },
            asks: false,
            doubt: false,
            attempts: u16::from(has_place),
            lease: has_place.then_some(self.parts.lease),
            next_at: (!has_place).then_some(now),
            late_at: Some(now.after(call.late_after)),
            outcome: None,
        }
    }

    /// Makes a call whose row was committed as being made.
    pub fn start(self: &Arc<Self>, record: ActionRecord, permit: OwnedSemaphorePermit) {
        self.mark(record.seq, true);
        let actions = self.clone();
        self.tasks.spawn(async move {
            let seq = record.seq;
            tokio::select! {
                biased;
                () = actions.make(record, permit) => {}
                () = actions.abandoned.cancelled() => {}
            }
            actions.mark(seq, false);
        });
    }

    /// A place is free, for a call that waits.
    pub fn leave(&self, permit: OwnedSemaphorePermit) {
        drop(permit);
        if self.behind.load(Ordering::SeqCst) {
            self.due.notify_one();
        }
    }

    /// Looks for calls that are due, now.
    pub fn ring(&self) {
        self.behind.store(true, Ordering::SeqCst);
        self.due.notify_one();
    }

    /// Makes calls as they fall due, until told to stop.
    pub async fn run(self: Arc<Self>) {
        let mut look_for_lost = self.parts.clock.now();
        loop {
            let now = self.parts.clock.now();
            if now >= look_for_lost {
                if let Err(error) = self.find_lost(now).await {
                    tracing::warn!(event = "calls_unknown", %error);
                }
                look_for_lost = now.after(LOST_EVERY);
            }
            if let Err(error) = self.make_due(now).await {
                tracing::warn!(event = "calls_unknown", %error);
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                () = self.due.notified() => {}
                () = tokio::time::sleep(LONGEST_SLEEP) => {}
            }
        }
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                event = "calls_left",
                "calls are still under way: what became of them is asked at the next start"
            );
            self.abandoned.cancel();
        }
    }

    /// Calls whose rows say that they are being made, though nobody does: their process was killed.
    async fn find_lost(&self, now: UnixMillis) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let page = self
                .parts
                .store
                .actions(ActionQuery::Running { after, limit: PAGE })
                .await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.seq;
            for record in page.iter().filter(|record| !self.is_under_way(record.seq)) {
                let progress = &record.action.progress;
                let fresh = progress.lease == Some(self.parts.lease) && now.since(record.action.at) < LOST_EVERY;
                if fresh {
                    continue;
                }
                tracing::warn!(event = "call_orphaned", command = %record.action.command, seq = record.seq);
                let manner = self.manner(record);
                let after = policy::orphaned(progress.asks, progress.attempts, manner, now);
                self.settle(record, after, "orphaned").await;
            }
        }
    }

    /// Begins calls that are due, as many as there are places, in one commit.
    async fn make_due(self: &Arc<Self>, now: UnixMillis) -> Result<(), StoreError> {
        // Until it is known that none waits, whoever leaves a place rings.
        self.behind.store(true, Ordering::SeqCst);
        while !self.stop.is_cancelled() {
            let limit = PAGE.min(u32::try_from(self.permits.available_permits()).unwrap_or(PAGE));
            if limit == 0 {
                return Ok(());
            }
            let due = self.parts.store.actions(ActionQuery::Due { now, limit }).await?;
            let is_last = due.len() < limit as usize;
            let places = due.into_iter().map_while(|record| Some((record, self.permit()?)));
            let begun: Vec<_> = places.map(|(record, permit)| (self.begin(record), permit)).collect();
            let turns = begun
                .iter()
                .map(|(record, _)| self.take(moved(record, record.action.progress.clone(), false, None)));
            let mut failed = Ok(());
            for (taken, (mut record, permit)) in join_all(turns).await.into_iter().zip(begun) {
                match taken {
                    Ok(true) => {
                        record.version += 1;
                        self.start(record, permit);
                    }
                    Ok(false) => {}
                    Err(error) => failed = Err(error),
                }
            }
            failed?;
            if is_last {
                self.behind.store(false, Ordering::SeqCst);
                return Ok(());
            }
        }
        Ok(())
    }

    /// The call as it is once it has a place.
    fn begin(&self, mut record: ActionRecord) -> ActionRecord {
        let progress = &mut record.action.progress;
        progress.state = ActionState::Running;
        progress.attempts = progress.attempts.saturating_add(1);
        (progress.lease, progress.next_at) = (Some(self.parts.lease), None);
        record
    }

    async fn take(&self, turn: Turn) -> Result<bool, StoreError> {
        Ok(matches!(self.parts.outbox.turn(turn).await?, TurnResult::Done { .. }))
    }

    fn mark(&self, seq: Seq, under_way: bool) {
        let mut all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way {
            all.insert(seq);
        } else {
            all.remove(&seq);
        }
    }

    fn is_under_way(&self, seq: Seq) -> bool {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&seq)
    }
}

/// `Idempotency-Key`: the same over all calls of one confirmed wish.
fn key(record: &ActionRecord) -> String {
    format!("act_{}", record.action.id.simple())
}

/// A call as a person tells it from others.
fn told_apart(record: &ActionRecord) -> String {
    let action = &record.action;
    format!("{} {}, Idempotency-Key {}", action.command, action.slots, key(record))
}

fn locale(record: &ActionRecord) -> Locale {
    let code = &*record.action.language;
    Locale::ALL
        .into_iter()
        .find(|locale| locale.code() == code)
        .unwrap_or(Locale::En)
}
