//! The writer: gathers, commits, hands out.

mod replay;
mod rest;
mod uncertified;
mod withhold;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use metrics::{counter, histogram};
use replay::Again;
use rest::Rests;
use tokio::sync::{broadcast, mpsc, oneshot};
use uncertified::Ended;

use super::arrivals::Arrivals;
use super::bell::Bell;
use super::board::{Board, Taken};
use super::guard::Guarded;
use super::health::{Health, LastWord};
use super::{EnqueueError, EnqueueReply, FEED, Outbox, Policy, Reply, Request, Settings, Settlement, Work};
use crate::clock::{Clock, monotonic};
use crate::domain::{BindRef, Lane, State, UnixMillis};
use crate::store::{
    ActResult, Applied, Batch, Changed, Claim, Claimed, ConsentResult, Enqueue, EnqueueResult, GroupResult,
    InboundResult, Lease, NewInbound, PruneResult, RcsEventResult, RcsResult, ReceiptResult, Seq, Settle, Store,
    StoreError, Sweep, SweepResult, Turn, TurnResult, UnhandledText,
};

/// Items other than new messages that may wait for the writer. Their senders wait; nothing is refused.
const WORK_QUEUE: usize = 4_096;

/// Turns that others of these threads get before a commit: what they are about to hand over goes along, and one sync serves
/// all. Where nobody has anything to do, a turn takes a microsecond or two.
const TURNS: usize = 4;

/// So many share a sync that one more would save next to nothing: then the others get theirs, while what this commit has
/// answered is made use of.
const ENOUGH: usize = 128;

/// Turns without a newcomer after which those whom the last commit has answered are not waited for any longer.
const QUIET_TURNS: usize = 40;

/// Starts the writer on a store whose lease was just taken. It ends when the last handle is dropped.
pub async fn start(
    store: Arc<dyn Store>,
    policy: Arc<Policy>,
    settings: &Settings,
    clock: Clock,
    lease: Lease,
) -> Result<(Outbox, tokio::task::JoinHandle<()>), StoreError> {
    let (requests, request_rx) = mpsc::channel(settings.queue.max(1));
    let (work, work_rx) = mpsc::channel(WORK_QUEUE);
    let feed = broadcast::Sender::new(FEED);
    let health = Arc::new(Health::new());
    let bell = Arc::new(Bell::default());
    let arrivals = Arc::new(Arrivals::default());
    let mut board = Board::default();
    board.load(&store.backlog().await?);
    let gate = policy.gate.clone();
    withhold::learn(&*store, &gate).await?;
    let uncertified = Ended::load(&*store, clock.now()).await?;
    let writer = Writer {
        store,
        policy,
        clock,
        lease,
        batch: settings.batch.max(1),
        board,
        claims: HashMap::new(),
        feed: feed.clone(),
        bell: bell.clone(),
        arrivals: arrivals.clone(),
        health: health.clone(),
        again: Again::default(),
        rests: Rests::default(),
        uncertified,
        withheld: Vec::new(),
    };
    let last_word = LastWord(health.clone());
    let task = tokio::spawn(async move {
        let _last_word = last_word;
        writer.run(request_rx, work_rx).await;
    });
    Ok((
        Outbox {
            requests,
            work,
            feed,
            bell,
            arrivals,
            health,
            gate,
            commit_timeout: settings.commit_timeout,
        },
        task,
    ))
}

struct Writer {
    store: Arc<dyn Store>,
    policy: Arc<Policy>,
    clock: Clock,
    lease: Lease,
    batch: usize,
    board: Board,
    claims: HashMap<BindRef, mpsc::UnboundedSender<Arc<Claimed>>>,
    feed: broadcast::Sender<Arc<Changed>>,
    bell: Arc<Bell>,
    arrivals: Arc<Arrivals>,
    health: Arc<Health>,
    again: Again,
    rests: Rests,
    /// Numbers that were certified and are so no more.
    uncertified: Ended,
    /// Rows that were claimed and are not to be sent, or not now: settled with the next batch.
    withheld: Vec<Settle>,
}

/// Who waits for what in a batch; the order is that of the batch's own items.
#[derive(Default)]
struct Waiting {
    consents: Vec<(usize, Reply<Vec<ConsentResult>>)>,
    requests: Vec<(usize, EnqueueReply<EnqueueResult>)>,
    groups: Vec<(usize, EnqueueReply<GroupResult>)>,
    /// Of each settlement, whether its place in the window is free with it.
    frees_place: Vec<bool>,
    receipts: Vec<(usize, Reply<Vec<ReceiptResult>>)>,
    rcs: Vec<(usize, Reply<Vec<RcsResult>>)>,
    inbound: Vec<Reply<InboundResult>>,
    turns: Vec<Reply<TurnResult>>,
    quarantine: Vec<Reply<()>>,
    certified: Vec<Reply<bool>>,
    acts: Vec<Reply<ActResult>>,
    sweeps: Vec<Reply<SweepResult>>,
    notices: Vec<(usize, Reply<()>)>,
    notice_acts: Vec<Reply<u32>>,
    inbox: Vec<(usize, Reply<()>)>,
    rcs_events: Vec<(usize, Reply<Vec<RcsEventResult>>)>,
    rcs_marks: Vec<(usize, Reply<()>)>,
    prune: Option<Reply<PruneResult>>,
    downs: Vec<oneshot::Sender<()>>,
}

impl Waiting {
    /// How many are told at once when the batch is committed.
    fn answers(&self) -> usize {
        self.requests.len() + self.groups.len() + self.receipts.len() + self.inbound.len() + self.turns.len()
    }
}

impl Writer {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>, mut work: mpsc::Receiver<Work>) {
        let mut wake: Option<Instant> = None;
        let mut answered = 0;
        loop {
            let mut batch = Batch::new(self.clock.now());
            let mut waiting = Waiting::default();
            tokio::select! {
                biased;
                item = work.recv() => match item {
                    Some(item) => self.gather(item, &mut batch, &mut waiting),
                    None => break,
                },
                Some(request) = requests.recv() => Self::gather_request(request, &mut batch, &mut waiting),
                () = sleep_until(wake) => {}
            }
            let here = || requests.len() + work.len();
            company(answered, here).await;
            while batch_len(&batch) < self.batch {
                let Ok(item) = work.try_recv() else { break };
                self.gather(item, &mut batch, &mut waiting);
            }
            while batch_len(&batch) < self.batch {
                let Ok(request) = requests.try_recv() else { break };
                Self::gather_request(request, &mut batch, &mut waiting);
            }
            answered = waiting.answers();
            self.retry_when_due().await;
            batch.now = self.clock.now();
            if !self.health.has_failed() {
                wake = self.cycle(batch, waiting).await;
            }
            if self.health.has_failed() {
                // A later sync may succeed over pages that are lost: nothing more is written, nobody is answered, and
                // the process ends.
                drop((requests, work));
                return std::future::pending().await;
            }
        }
        self.finish(&mut requests).await;
    }

    /// The last handle is gone: what was handed over is still stored.
    async fn finish(mut self, requests: &mut mpsc::Receiver<Request>) {
        let mut batch = Batch::new(self.clock.now());
        let mut waiting = Waiting::default();
        while let Ok(request) = requests.try_recv() {
            Self::gather_request(request, &mut batch, &mut waiting);
        }
        self.cycle(batch, waiting).await;
        self.retry().await;
        self.store.close().await;
    }

    fn gather_request(request: Request, batch: &mut Batch, waiting: &mut Waiting) {
        match request {
            Request::Messages { items, reply } => {
                waiting.requests.push((items.len(), reply));
                batch.enqueue.extend(items);
            }
            Request::Groups { groups, reply } => {
                waiting.groups.push((groups.len(), reply));
                batch.groups.extend(groups);
            }
        }
    }

    fn gather(&mut self, work: Work, batch: &mut Batch, waiting: &mut Waiting) {
        match work {
            Work::Settle { settles, segments } => {
                batch.segments.extend(segments);
                // At once, in the order of the queue: an offer that comes after it counts what is taken without it.
                for Settlement { settle, frees_place } in settles {
                    self.free_place(&settle, frees_place);
                    batch.settle.push(settle);
                    waiting.frees_place.push(frees_place);
                }
            }
            Work::Receipts { receipts, reply } => {
                waiting.receipts.push((receipts.len(), reply));
                batch.receipts.extend(receipts);
            }
            Work::Rcs { reports, reply } => {
                waiting.rcs.push((reports.len(), reply));
                batch.rcs.extend(reports);
            }
            Work::Inbound { text, reply } => {
                batch.inbound.push(*text);
                waiting.inbound.push(reply);
            }
            Work::Turns { turns, replies } => {
                batch.turns.extend(turns);
                waiting.turns.extend(replies);
            }
            Work::Consents { consents, reply } => {
                waiting.consents.push((consents.len(), reply));
                batch.consents.extend(consents);
            }
            Work::Quarantine { pdu, reply } => {
                batch.quarantine.push(pdu);
                waiting.quarantine.push(reply);
            }
            Work::Notices { notices, reply } => {
                waiting.notices.push((notices.len(), reply));
                batch.notices.extend(notices);
            }
            Work::NoticeAct { act, reply } => {
                batch.notice_acts.push(act);
                waiting.notice_acts.push(reply);
            }
            Work::Inbox { marks, reply } => {
                waiting.inbox.push((marks.len(), reply));
                batch.inbox.extend(marks);
            }
            Work::RcsEvents { events, reply } => {
                waiting.rcs_events.push((events.len(), reply));
                batch.rcs_events.extend(events);
            }
            Work::RcsMarks { marks, reply } => {
                waiting.rcs_marks.push((marks.len(), reply));
                batch.rcs_marks.extend(marks);
            }
            Work::Certified { act, reply } => {
                batch.certified.push(act);
                waiting.certified.push(reply);
            }
            Work::Act { item, reply } => {
                batch.acts.push(item);
                waiting.acts.push(reply);
            }
            Work::Sweep { sweep, reply } => {
                batch.sweeps.push(sweep);
                waiting.sweeps.push(reply);
            }
            Work::Prune { prune, reply } => {
                batch.prune = Some(prune);
                waiting.prune = Some(reply);
            }
            Work::BindUp { bind, offer, claims } => {
                self.board.bind_up(bind.clone(), offer);
                self.claims.insert(bind, claims);
            }
            Work::BindDown { bind, reply } => {
                self.board.bind_down(&bind);
                self.claims.remove(&bind);
                waiting.downs.push(reply);
            }
            Work::Serve { bind, services } => self.board.serve(&bind, services),
        }
    }

    /// One commit. Says when to look again if nobody calls.
    async fn cycle(&mut self, mut batch: Batch, mut waiting: Waiting) -> Option<Instant> {
        self.settle_withheld(&mut batch, &mut waiting);
        self.withhold(&mut batch);
        self.place(&mut batch);
        self.rests.note(&batch.settle, &self.policy);
        let rests_wait = self.claim_rests(&mut batch);
        let plan = self.board.plan();
        // They are in no lane yet: nobody else would call for them.
        let answers = batch.inbound.iter().any(|text| !text.answers.is_empty());
        for (bind, lanes) in plan.claims {
            batch.claims.push(Claim {
                bind,
                lease: self.lease,
                lanes,
            });
        }
        for down in waiting.downs.drain(..) {
            down.send(()).ok();
        }
        if !batch.is_empty() {
            let begun = monotonic();
            let done = self.store.commit(&batch, &Guarded(&*self.policy)).await;
            histogram!("araldo_commit_seconds").record(monotonic().duration_since(begun).as_secs_f64());
            #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
            histogram!("araldo_batch_items").record(batch_len(&batch) as f64);
            match done {
                Ok(applied) => {
                    let strays = batch.sweeps.iter().any(|sweep| matches!(sweep, Sweep::Strays { .. }));
                    self.hand_out(&batch, applied, waiting);
                    if strays {
                        self.count_lanes().await;
                    }
                }
                Err(error) => {
                    self.recover(batch, waiting, error).await;
                    // What was stored one by one has not been offered to anybody yet.
                    return Some(monotonic());
                }
            }
        }
        if answers || !self.withheld.is_empty() {
            return Some(monotonic());
        }
        let tokens = plan.wait.into_iter().chain(rests_wait).map(|wait| monotonic() + wait);
        tokens.chain(self.again.at()).min()
    }

    /// What the claim of a settlement holds no longer of its bind's window.
    fn free_place(&mut self, settle: &Settle, frees_place: bool) {
        if let Some(bind) = &settle.claimed.progress.bind {
            self.board.free(bind, freed(settle, frees_place));
        }
    }

    /// New messages that a bind can take at once are stored as claimed; the others join their lane.
    fn place(&mut self, batch: &mut Batch) {
        let members = batch.groups.iter_mut().flat_map(|group| &mut group.members);
        let told = batch.turns.iter_mut().flat_map(|turn| &mut turn.messages);
        for item in batch.enqueue.iter_mut().chain(members).chain(told) {
            let message = &item.message;
            if item.fails() || message.not_before.is_some_and(|at| at > batch.now) {
                continue;
            }
            match self.board.place(&message.lane, message.class, message.segments) {
                Some(bind) => item.claim = Some((bind, self.lease)),
                None => {
                    self.board
                        .add(&message.lane, message.class.priority(), u64::from(message.segments));
                }
            }
        }
    }

    fn hand_out(&mut self, batch: &Batch, mut applied: Applied, waiting: Waiting) {
        self.health.working.store(true, Ordering::Relaxed);
        self.health.commits.fetch_add(1, Ordering::Relaxed);
        self.policy.gate.learn(&applied.wants);
        self.uncertified
            .learn(std::mem::take(&mut applied.uncertified), batch.now);
        self.ring(&mut applied);
        self.hand_out_placed(batch, &applied);
        self.count_answers(batch, &applied);
        self.rests.check(batch, &applied);
        self.hand_out_rests(batch, std::mem::take(&mut applied.rests));
        self.hand_out_claims(batch, applied.claims);
        for changed in applied.changed {
            self.count(&changed);
            self.feed.send(Arc::new(changed)).ok();
        }
        let mut results = applied.consents.into_iter();
        for (len, reply) in waiting.consents {
            reply.send(Ok(results.by_ref().take(len).collect())).ok();
        }
        let mut results = applied.enqueue.into_iter();
        for (len, reply) in waiting.requests {
            reply.send(Ok(results.by_ref().take(len).map(Ok).collect())).ok();
        }
        let mut results = applied.groups.into_iter();
        for (len, reply) in waiting.groups {
            reply.send(Ok(results.by_ref().take(len).map(Ok).collect())).ok();
        }
        let mut results = applied.receipts.into_iter();
        for (len, reply) in waiting.receipts {
            reply.send(Ok(results.by_ref().take(len).collect())).ok();
        }
        let mut results = applied.rcs.into_iter();
        for (len, reply) in waiting.rcs {
            reply.send(Ok(results.by_ref().take(len).collect())).ok();
        }
        self.arrived(&batch.inbound, &applied.inbound);
        reply_all(waiting.inbound, applied.inbound);
        reply_all(waiting.turns, applied.turns);
        let kept = vec![(); waiting.quarantine.len()];
        reply_all(waiting.quarantine, kept);
        let kept = waiting.notices.into_iter().chain(waiting.inbox);
        for (_, reply) in kept.chain(waiting.rcs_marks) {
            reply.send(Ok(())).ok();
        }
        let mut results = applied.rcs_events.into_iter();
        for (len, reply) in waiting.rcs_events {
            reply.send(Ok(results.by_ref().take(len).collect())).ok();
        }
        reply_all(waiting.notice_acts, applied.notice_acts);
        reply_all(waiting.certified, applied.certified);
        reply_all(waiting.acts, applied.acts);
        reply_all(waiting.sweeps, applied.sweeps);
        if let (Some(reply), Some(result)) = (waiting.prune, applied.prune) {
            reply.send(Ok(result)).ok();
        }
    }

    /// Calls those who tell of what was committed.
    fn ring(&self, applied: &mut Applied) {
        if applied.noticed {
            self.bell.noticed();
        }
        self.bell
            .ring(std::mem::take(&mut applied.heard_by), !applied.notice_acts.is_empty());
    }

    fn hand_out_placed(&mut self, batch: &Batch, applied: &Applied) {
        for (turn, result) in batch.turns.iter().zip(&applied.turns) {
            self.hand_out_turn(turn, result, batch.now);
        }
        for (item, result) in batch.enqueue.iter().zip(&applied.enqueue) {
            let seq = match result {
                EnqueueResult::Stored(seq) => Some(*seq),
                EnqueueResult::Replayed(_) | EnqueueResult::KeyReused => None,
            };
            self.hand_out_item(item, seq, batch.now);
        }
        for (group, result) in batch.groups.iter().zip(&applied.groups) {
            let seqs = match result {
                GroupResult::Stored(seqs) => seqs.as_slice(),
                GroupResult::Replayed(_) | GroupResult::KeyReused | GroupResult::Withdrawn => &[],
            };
            for (index, item) in group.members.iter().enumerate() {
                self.hand_out_item(item, seqs.get(index).copied(), batch.now);
            }
        }
    }

    fn hand_out_turn(&mut self, turn: &Turn, result: &TurnResult, now: UnixMillis) {
        let seqs = match result {
            TurnResult::Done { messages, .. } => messages.as_slice(),
            TurnResult::Gone
            | TurnResult::OverLimit
            | TurnResult::NotAsSeen
            | TurnResult::Refused(_)
            | TurnResult::Owned(_)
            | TurnResult::Replayed(_)
            | TurnResult::KeyReused => &[],
        };
        for (index, item) in turn.messages.iter().enumerate() {
            self.hand_out_item(item, seqs.get(index).copied(), now);
        }
    }

    /// Hands texts over of which all is still to be made, in the order in which they were stored.
    fn arrived(&self, texts: &[NewInbound], results: &[InboundResult]) {
        let stored = texts.iter().zip(results).filter_map(|(text, result)| match result {
            InboundResult::Stored(seq) if text.handled.is_none() => Some(UnhandledText::of(*seq, text)),
            InboundResult::Stored(_) | InboundResult::Repeated => None,
        });
        self.arrivals.push(stored);
    }

    /// A message that was stored, or not, where it was stored before.
    fn hand_out_item(&mut self, item: &Enqueue, stored: Option<Seq>, now: UnixMillis) {
        let message = &item.message;
        match (stored, &item.claim) {
            (Some(seq), Some((bind, _))) => {
                let claimed = Arc::new(Claimed::new(message, seq, item.stored_as(now)));
                match self.held_back(&claimed, now) {
                    Some(settle) => {
                        self.board.settled(bind, message.class, message.segments);
                        self.withheld.push(settle);
                    }
                    None => self.hand_to(bind, claimed),
                }
            }
            (Some(_), None) => {}
            (None, Some((bind, _))) => self.board.settled(bind, message.class, message.segments),
            (None, None) if item.fails() || message.not_before.is_some_and(|at| at > now) => {}
            (None, None) => {
                self.board
                    .remove(&message.lane, message.class.priority(), u64::from(message.segments));
            }
        }
    }

    fn hand_out_claims(&mut self, batch: &Batch, claims: Vec<Vec<crate::store::LaneClaimed>>) {
        for (claim, lanes) in batch.claims.iter().zip(claims) {
            for (asked, got) in claim.lanes.iter().zip(lanes) {
                let mut segments = 0;
                for row in got.rows {
                    segments += u32::from(row.segments);
                    self.board.remove(&asked.lane, asked.priority, u64::from(row.segments));
                    let row = Arc::new(row);
                    if let Some(settle) = self.held_back(&row, batch.now) {
                        self.withheld.push(settle);
                        continue;
                    }
                    self.board.claimed(&claim.bind, row.class, row.segments);
                    self.hand_to(&claim.bind, row);
                }
                // The last row goes out whole, however long it is.
                self.board
                    .overran(&claim.bind, asked, segments.saturating_sub(asked.segments));
                if got.quarantined > 0 {
                    tracing::error!(event = "rows_quarantined", rows = got.quarantined, route = %asked.lane.route);
                } else if segments < asked.segments {
                    self.board.emptied(&asked.lane, asked.priority);
                }
            }
        }
    }

    fn hand_to(&self, bind: &BindRef, claimed: Arc<Claimed>) {
        // A bind that went down in the meantime is told so by its dispatcher, which gives back what it still finds in
        // its channel; a send can fail only when that dispatcher itself is gone, and then the lease is lost with it.
        if let Some(claims) = self.claims.get(bind) {
            claims.send(claimed).ok();
        }
    }

    fn count(&mut self, changed: &Changed) {
        let (priority, segments) = (changed.class.priority(), u64::from(changed.segments));
        let seq = changed.seq;
        if changed.from == State::Queued && !self.rests.was_due(seq) {
            let lane = Lane {
                route: changed.route.clone(),
                step: changed.from_step,
            };
            if changed.progress.expires_at <= changed.at {
                self.board.expired(&lane, priority, segments);
            } else {
                self.board.remove(&lane, priority, segments);
            }
        }
        let state = changed.progress.state;
        if !matches!(state, State::Queued | State::Scheduled) {
            self.rests.forget(seq);
        }
        if state == State::Queued {
            let lane = Lane {
                route: changed.route.clone(),
                step: changed.progress.step,
            };
            if !self.rests.is_due(seq, &lane, changed.at) {
                self.board.add(&lane, priority, segments);
            }
        }
    }

    /// A commit failed. A failed sync ends the process; otherwise every item gets a try of its own, so that a bad one
    /// costs nobody else's.
    async fn recover(&mut self, batch: Batch, waiting: Waiting, error: StoreError) {
        counter!("araldo_commit_failures_total").increment(1);
        tracing::error!(event = "commit_failed", %error, items = batch_len(&batch));
        let members = batch.groups.iter().flat_map(|group| &group.members);
        let told = batch.turns.iter().flat_map(|turn| &turn.messages);
        for item in batch.enqueue.iter().chain(members).chain(told) {
            if let Some((bind, _)) = &item.claim {
                self.board.settled(bind, item.message.class, item.message.segments);
            }
        }
        self.free_rests(&batch);
        if error.is_fatal() || matches!(error, StoreError::Open(_)) {
            self.health.working.store(false, Ordering::Relaxed);
            self.health.fail(&error);
            for (_, reply) in waiting.requests {
                reply.send(Err(EnqueueError::Unavailable)).ok();
            }
            for (_, reply) in waiting.groups {
                reply.send(Err(EnqueueError::Unavailable)).ok();
            }
            return;
        }
        // What is not settled in the store is still claimed there.
        for (settle, frees_place) in batch.settle.iter().zip(&waiting.frees_place) {
            if let Some(bind) = &settle.claimed.progress.bind {
                self.board.take(bind, freed(settle, *frees_place));
            }
        }
        self.replay(batch, waiting).await;
        self.count_lanes().await;
    }

    /// Counts what waits anew: rows have moved that no item tells of.
    async fn count_lanes(&mut self) {
        match self.store.backlog().await {
            Ok(backlog) => {
                self.board.load(&backlog);
                self.rests.uncount(&mut self.board);
            }
            Err(error) => tracing::error!(event = "backlog_unknown", %error),
        }
    }
}

/// Places that are free with a settlement. One that is overdue stays taken, but no longer as one of marketing's.
fn freed(settle: &Settle, frees_place: bool) -> Taken {
    let Claimed { class, segments, .. } = *settle.claimed;
    let (overdue, whole) = (Taken::overdue(segments), Taken::of(class, segments));
    let was_overdue = settle.claimed.progress.state == State::Uncertain;
    let is_overdue = settle.progress.state == State::Uncertain;
    match (frees_place, was_overdue) {
        (true, false) => whole,
        (true, true) => overdue,
        (false, false) if is_overdue => Taken { segments: 0, ..whole },
        (false, _) => Taken::default(),
    }
}

fn reply_all<T>(waiting: Vec<Reply<T>>, results: Vec<T>) {
    for (reply, result) in waiting.into_iter().zip(results) {
        reply.send(Ok(result)).ok();
    }
}

fn batch_len(batch: &Batch) -> usize {
    // The key of a group is a row too.
    batch.consents.len()
        + batch.enqueue.len()
        + batch.groups.iter().map(|group| group.members.len() + 1).sum::<usize>()
        + batch.settle.len()
        + batch.segments.len()
        + batch.receipts.len()
        + batch.rcs.len()
        + batch.inbound.len()
        + batch
            .turns
            .iter()
            .map(|turn| turn.messages.len() + turn.consents.len() + 1)
            .sum::<usize>()
        + batch.quarantine.len()
        + batch.certified.len()
        + batch.acts.len()
        + batch.sweeps.len()
        + batch.notices.len()
        + batch.notice_acts.len()
        + batch.inbox.len()
        + batch.rcs_events.len()
        + batch.rcs_marks.len()
        + usize::from(batch.prune.is_some())
}

/// Lets others in before a commit. Who was answered by the last one often has the next thing to say at once: a peer
/// that sends one after the other. So as many as were answered are waited for, as long as they keep coming and are not
/// enough; `here` counts those who are.
async fn company(answered: usize, here: impl Fn() -> usize) {
    let answered = answered.min(ENOUGH);
    let (mut turns, mut last_came) = (0, 0);
    let mut known = 0;
    while turns < TURNS || (known + 1 < answered && turns - last_came < QUIET_TURNS) {
        tokio::task::yield_now().await;
        turns += 1;
        let now = here();
        if now > known {
            (known, last_came) = (now, turns);
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
