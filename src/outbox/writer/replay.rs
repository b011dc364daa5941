//! After a failed commit: every item gets a try of its own, so that a bad one costs nobody else's. Settlements, which
//! nobody brings again, are tried until the store takes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Waiting, Writer};
use crate::clock::monotonic;
use crate::domain::UnixMillis;
use crate::outbox::guard::Guarded;
use crate::outbox::{EnqueueError, backoff};
use crate::store::{Applied, Batch, Enqueue, SegmentAnswer, Seq, Settle, StoreError};

/// How long refused settlements wait for their next try; doubles up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Settlements that the store refused, and when they are tried again. Apart from the other batches: what always fails
/// holds up nobody. Bounded by the windows, since each keeps its place until the store has it.
#[derive(Default)]
pub(super) struct Again {
    rows: Vec<Landed>,
    tries: u16,
    at: Option<Instant>,
}

/// What came of one row's submit. Segments and settlements stand or fall together: a receipt finds a long message by
/// its segments.
#[derive(Default)]
struct Landed {
    segments: Vec<SegmentAnswer>,
    /// Each with whether its place in the window is free with it.
    settles: Vec<(Settle, bool)>,
}

impl Again {
    /// When to look again.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Keeps what was refused just now. Its first try does not put off those that wait already.
    fn keep(&mut self, rows: Vec<Landed>) {
        self.rows.extend(rows);
        if !self.rows.is_empty() && self.at.is_none() {
            self.at = Some(monotonic() + backoff(RETRY_MIN, RETRY_MAX, self.tries, 0.0));
        }
    }
}

impl Writer {
    /// Tries refused settlements again, if it is time.
    pub(super) async fn retry_when_due(&mut self) {
        if self.again.at.is_some_and(|at| at <= monotonic()) {
            self.retry().await;
        }
    }

    /// Tries refused settlements again.
    pub(super) async fn retry(&mut self) {
        let Again { rows, tries, .. } = std::mem::take(&mut self.again);
        let refused = self.settle_rows(rows).await;
        if !refused.is_empty() {
            self.again.tries = tries.saturating_add(1);
            self.again.keep(refused);
        }
    }

    /// Gives each item of a batch that failed a commit of its own.
    pub(super) async fn replay(&mut self, batch: Batch, waiting: Waiting) {
        let now = batch.now;
        let empty = || Batch::new(now);
        let rows = landed(batch.segments, batch.settle.into_iter().zip(waiting.frees_place));
        let settles = rows.len();
        let refused = self.settle_rows(rows).await;
        let mut works = refused.len() < settles;
        self.again.keep(refused);
        let mut consents = batch.consents.into_iter();
        for (len, reply) in waiting.consents {
            let consents = consents.by_ref().take(len).collect();
            let done = self.one(&Batch { consents, ..empty() }).await;
            reply.send(done.map(|applied| applied.consents)).ok();
        }
        let mut rcs = batch.rcs.into_iter();
        for (len, reply) in waiting.rcs {
            let rcs = rcs.by_ref().take(len).collect();
            let done = self.one(&Batch { rcs, ..empty() }).await;
            reply.send(done.map(|applied| applied.rcs)).ok();
        }
        let mut receipts = batch.receipts.into_iter();
        for (len, reply) in waiting.receipts {
            let receipts = receipts.by_ref().take(len).collect();
            let done = self.one(&Batch { receipts, ..empty() }).await;
            reply.send(done.map(|applied| applied.receipts)).ok();
        }
        for (text, reply) in batch.inbound.into_iter().zip(waiting.inbound) {
            let batch = Batch {
                inbound: vec![text],
                ..empty()
            };
            let done = self.one(&batch).await;
            if let Ok(applied) = &done {
                self.arrived(&batch.inbound, &applied.inbound);
            }
            reply.send(done.and_then(|applied| first(applied.inbound))).ok();
        }
        for (mut turn, reply) in batch.turns.into_iter().zip(waiting.turns) {
            turn.messages.iter_mut().for_each(|item| item.claim = None);
            let turns = vec![turn];
            let done = self.one(&Batch { turns, ..empty() }).await;
            reply.send(done.and_then(|applied| first(applied.turns))).ok();
        }
        for (pdu, reply) in batch.quarantine.into_iter().zip(waiting.quarantine) {
            let quarantine = vec![pdu];
            let done = self.one(&Batch { quarantine, ..empty() }).await;
            reply.send(done.map(|_| ())).ok();
        }
        for (act, reply) in batch.certified.into_iter().zip(waiting.certified) {
            let certified = vec![act];
            let done = self.one(&Batch { certified, ..empty() }).await;
            reply.send(done.and_then(|applied| first(applied.certified))).ok();
        }
        for (item, reply) in batch.acts.into_iter().zip(waiting.acts) {
            let acts = vec![item];
            let done = self.one(&Batch { acts, ..empty() }).await;
            reply.send(done.and_then(|applied| first(applied.acts))).ok();
        }
        for (sweep, reply) in batch.sweeps.into_iter().zip(waiting.sweeps) {
            let sweeps = vec![sweep];
            let done = self.one(&Batch { sweeps, ..empty() }).await;
            reply.send(done.and_then(|applied| first(applied.sweeps))).ok();
        }
        let mut notices = batch.notices.into_iter();
        for (len, reply) in waiting.notices {
            let notices = notices.by_ref().take(len).collect();
            let done = self.one(&Batch { notices, ..empty() }).await;
            reply.send(done.map(|_| ())).ok();
        }
        let mut marks = batch.inbox.into_iter();
        for (len, reply) in waiting.inbox {
            let inbox = marks.by_ref().take(len).collect();
            let done = self.one(&Batch { inbox, ..empty() }).await;
            reply.send(done.map(|_| ())).ok();
        }
        let mut events = batch.rcs_events.into_iter();
        for (len, reply) in waiting.rcs_events {
            let rcs_events = events.by_ref().take(len).collect();
            let done = self.one(&Batch { rcs_events, ..empty() }).await;
            reply.send(done.map(|applied| applied.rcs_events)).ok();
        }
        let mut marks = batch.rcs_marks.into_iter();
        for (len, reply) in waiting.rcs_marks {
            let rcs_marks = marks.by_ref().take(len).collect();
            let done = self.one(&Batch { rcs_marks, ..empty() }).await;
            reply.send(done.map(|_| ())).ok();
        }
        for (act, reply) in batch.notice_acts.into_iter().zip(waiting.notice_acts) {
            let notice_acts = vec![act];
            let done = self.one(&Batch { notice_acts, ..empty() }).await;
            reply.send(done.and_then(|applied| first(applied.notice_acts))).ok();
        }
        if let (prune @ Some(_), Some(reply)) = (batch.prune, waiting.prune) {
            let done = self.one(&Batch { prune, ..empty() }).await;
            reply.send(done.map(|applied| applied.prune.unwrap_or_default())).ok();
        }
        let mut items = batch.enqueue.into_iter();
        for (len, reply) in waiting.requests {
            let mut results = Vec::with_capacity(len);
            for item in items.by_ref().take(len) {
                let enqueue = vec![Enqueue { claim: None, ..item }];
                let done = self.one(&Batch { enqueue, ..empty() }).await;
                results.push(done.and_then(|applied| first(applied.enqueue)).map_err(enqueue_error));
            }
            works |= results.iter().any(Result::is_ok);
            reply.send(Ok(results)).ok();
        }
        let mut groups = batch.groups.into_iter();
        for (len, reply) in waiting.groups {
            let mut results = Vec::with_capacity(len);
            for mut group in groups.by_ref().take(len) {
                group.members.iter_mut().for_each(|item| item.claim = None);
                let groups = vec![group];
                let done = self.one(&Batch { groups, ..empty() }).await;
                results.push(done.and_then(|applied| first(applied.groups)).map_err(enqueue_error));
            }
            works |= results.iter().any(Result::is_ok);
            reply.send(Ok(results)).ok();
        }
        self.health.working.store(works, Ordering::Relaxed);
    }

    /// Settles what the store takes, and gives what it refuses. A part that fails is halved until the bad row is found;
    /// for want of space, which halving does not mend, it waits whole.
    async fn settle_rows(&mut self, rows: Vec<Landed>) -> Vec<Landed> {
        let mut refused = Vec::new();
        let mut parts = vec![rows];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.one(&batch_of(&part, self.clock.now())).await {
                Ok(_) => {
                    for (settle, frees_place) in part.iter().flat_map(|row| &row.settles) {
                        self.free_place(settle, *frees_place);
                    }
                }
                Err(StoreError::Statement(_)) if part.len() > 1 => {
                    parts.push(part.split_off(part.len() / 2));
                    parts.push(part);
                }
                Err(error) => {
                    tracing::error!(event = "settle_refused", rows = part.len(), seq = part[0].seq(), %error);
                    refused.extend(part);
                }
            }
        }
        refused
    }

    async fn one(&mut self, batch: &Batch) -> Result<Applied, StoreError> {
        if self.health.has_failed() {
            return Err(StoreError::Io("an earlier write has failed".to_owned()));
        }
        let committed = self.store.commit(batch, &Guarded(&*self.policy)).await;
        if let Err(error) = &committed
            && error.is_fatal()
        {
            self.health.fail(error);
        }
        let mut applied = committed?;
        self.policy.gate.learn(&applied.wants);
        self.uncertified
            .learn(std::mem::take(&mut applied.uncertified), batch.now);
        self.ring(&mut applied);
        self.rests.check(batch, &applied);
        for changed in std::mem::take(&mut applied.changed) {
            self.count(&changed);
            self.feed.send(Arc::new(changed)).ok();
        }
        Ok(applied)
    }
}

impl Landed {
    /// The row, for a person who looks for it.
    fn seq(&self) -> Option<Seq> {
        let of_settle = self.settles.first().map(|(settle, _)| settle.claimed.seq);
        of_settle.or_else(|| self.segments.first().map(|segment| segment.seq))
    }
}

/// By row, each row's own in their order.
fn landed(segments: Vec<SegmentAnswer>, settles: impl Iterator<Item = (Settle, bool)>) -> Vec<Landed> {
    let mut rows: BTreeMap<Seq, Landed> = BTreeMap::new();
    for segment in segments {
        rows.entry(segment.seq).or_default().segments.push(segment);
    }
    for (settle, frees_place) in settles {
        let row = rows.entry(settle.claimed.seq).or_default();
        row.settles.push((settle, frees_place));
    }
    rows.into_values().collect()
}

fn batch_of(rows: &[Landed], now: UnixMillis) -> Batch {
    Batch {
        segments: rows.iter().flat_map(|row| row.segments.clone()).collect(),
        settle: rows
            .iter()
            .flat_map(|row| &row.settles)
            .map(|(settle, _)| settle.clone())
            .collect(),
        ..Batch::new(now)
    }
}

fn first<T>(results: Vec<T>) -> Result<T, StoreError> {
    results
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::Statement("no result for an item".to_owned()))
}

fn enqueue_error(error: StoreError) -> EnqueueError {
    match error {
        StoreError::Full => EnqueueError::StorageLow,
        StoreError::Unknown(_) => EnqueueError::OutcomeUnknown,
        StoreError::Open(_)
        | StoreError::InUse { .. }
        | StoreError::Locked(_)
        | StoreError::TooNew(_)
        | StoreError::Io(_)
        | StoreError::Damaged(_)
        | StoreError::TooSlow
        | StoreError::Statement(_) => EnqueueError::Unavailable,
    }
}
