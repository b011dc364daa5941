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
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
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
use crate::store::{ActionProgress, ActionQuery, ActionRecord, ActionState, Lease, Seq, Store, StoreError, TurnResult};

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
    pub async fn permit_until(&self, deadline: Instant) -> Option<OwnedSemaphorePermit> {
        let place = self.permits.clone().acquire_owned();
        tokio::time::timeout_at(deadline.into(), place).await.ok()?.ok()
    }

    /// How a call enters its row: it waits for its place.
    pub fn waiting(call: &Call, now: UnixMillis) -> ActionProgress {
        ActionProgress {
            state: ActionState::Waiting,
            asks: false,
            doubt: false,
            attempts: 0,
            lease: None,
            next_at: Some(now),
            late_at: Some(now.after(call.late_after)),
            outcome: None,
        }
    }

    /// Moves a call on in its row: it has its place, and is being made.
    pub fn begin(&self, progress: &mut ActionProgress) {
        progress.state = ActionState::Running;
        progress.attempts = progress.attempts.saturating_add(1);
        (progress.lease, progress.next_at) = (Some(self.parts.lease), None);
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

    /// Looks for calls that are due, now.
    pub fn ring(&self) {
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

    /// Begins calls that are due. Each waits for its place in one row with those of new texts.
    async fn make_due(self: &Arc<Self>, now: UnixMillis) -> Result<(), StoreError> {
        loop {
            let due = self.parts.store.actions(ActionQuery::Due { now, limit: PAGE }).await?;
            let is_last = due.len() < PAGE as usize;
            let mut due = due.into_iter();
            while due.len() > 0 {
                let Some(place) = self.place().await else { return Ok(()) };
                let places = std::iter::once(place).chain(std::iter::from_fn(|| self.permit()));
                self.begin_all(places.zip(due.by_ref()).collect()).await?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// A place for a call; `None` where it is time to stop.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            place = self.permits.clone().acquire_owned() => place.ok(),
        }
    }

    /// Begins calls that have their places, in one commit.
    async fn begin_all(
        self: &Arc<Self>,
        mut calls: Vec<(OwnedSemaphorePermit, ActionRecord)>,
    ) -> Result<(), StoreError> {
        for (_, record) in &mut calls {
            self.begin(&mut record.action.progress);
        }
        let turns = calls
            .iter()
            .map(|(_, record)| moved(record, record.action.progress.clone(), false, None))
            .collect();
        let answers = self.parts.outbox.turns(turns).await;
        debug_assert_eq!(answers.len(), calls.len());
        let mut failed = Ok(());
        for (answer, (place, mut record)) in answers.into_iter().zip(calls) {
            match answer.wait().await {
                Ok(TurnResult::Done { .. }) => {
                    record.version += 1;
                    self.start(record, place);
                }
                // It has moved on meanwhile.
                Ok(_) => {}
                Err(error) => failed = Err(error),
            }
        }
        failed
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
