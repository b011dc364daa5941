//! Calls of back ends: made from their rows, and settled in the commit that answers the customer.
//!
//! A call is `running` on disk before its first octet leaves, so that one whose process was killed is known as one that
//! may have been done. Some are made at once, when the turn that asks for them is committed; the others, and those that
//! are tried again, are read as they fall due.

mod policy;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use metrics::{counter, histogram};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::Intake;
use crate::backend::{self, Called, Said, SimSwap, Swapped, Webhooks};
use crate::clock::{self, Clock};
use crate::command::{Locale, catalogue};
use crate::dialogue::Frozen;
use crate::domain::UnixMillis;
use crate::inbound::Shelf;
use crate::inbound::book::Call;
use crate::inbound::case::{Left, Promise};
use crate::inbound::say::{self, Say};
use crate::outbox::Outbox;
use crate::store::two_way::Leaves;
use crate::store::{
    ActionProgress, ActionQuery, ActionRecord, ActionState, CaseReason, CaseStep, Enqueue, Lease, OpenCase, Seq, Store,
    StoreError, Turn, TurnResult,
};
use policy::{After, End, Manner};

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

/// What is asked of a back end.
#[derive(Serialize)]
struct Body<'a> {
    command: &'a str,
    slots: &'a Frozen,
    number: String,
    from: String,
    to: &'a str,
    text: &'a str,
    language: &'a str,
    conversation: crate::domain::InboundId,
    at: UnixMillis,
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

    /// Looks for calls that are due, now.
    pub fn ring(&self) {
        self.behind.store(true, Ordering::Relaxed);
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
        self.behind.store(true, Ordering::Relaxed);
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
                self.behind.store(false, Ordering::Relaxed);
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

    /// One call, and the word that it takes long. Its place is free once it is answered.
    async fn make(self: &Arc<Self>, mut record: ActionRecord, permit: OwnedSemaphorePermit) {
        let Some(call) = self.parts.shelf.load().call(&record.action.command).cloned() else {
            // The catalogue has changed: nothing was asked of anybody.
            self.leave(permit);
            return self.settle(&record, After::Over(End::Failed), "no_command").await;
        };
        let asks = record.action.progress.asks;
        if !asks && let Some(end) = self.stopped(&record).await {
            self.leave(permit);
            return self.settle(&record, After::Over(end), "sim_check").await;
        }
        let begun = clock::monotonic();
        let body = if asks { Bytes::new() } else { self.body(&record) };
        let key = key(&record);
        let made = backend::Call {
            url: match (&call.status_url, asks) {
                (Some(url), true) => url,
                _ => &call.url,
            },
            method: match (asks, call.method) {
                (true, _) => Method::GET,
                (false, catalogue::Method::Post) => Method::POST,
                (false, catalogue::Method::Put) => Method::PUT,
            },
            key: &key,
            at: self.parts.clock.now(),
            keys: call.keys.as_ref(),
            body,
            timeout: call.timeout,
        };
        let mut answer = std::pin::pin!(self.parts.caller.call(made));
        let late_at = record.action.progress.late_at;
        let called = match late_at {
            None => answer.await,
            Some(at) => {
                let patience = tokio::time::sleep(at.since(self.parts.clock.now()));
                tokio::select! {
                    biased;
                    called = &mut answer => called,
                    () = patience => {
                        self.say_late(&mut record).await;
                        answer.await
                    }
                }
            }
        };
        self.leave(permit);
        histogram!("araldo_command_seconds").record(clock::monotonic().duration_since(begun).as_secs_f64());
        self.note(&record, &called);
        let progress = &record.action.progress;
        let manner = self.manner(&record);
        let after = policy::after(
            &called,
            asks,
            progress.doubt,
            progress.attempts,
            manner,
            self.parts.clock.now(),
            clock::jitter(),
        );
        self.settle(&record, after, &word(&called)).await;
    }

    /// Counts what became of a call, and tells of what is of no use: never what it said.
    fn note(&self, record: &ActionRecord, called: &Called) {
        let outcome = word(called);
        counter!("araldo_calls_total", "outcome" => outcome.clone()).increment(1);
        match called {
            Called::NotDone(_) | Called::Unknown(_) => tracing::warn!(
                event = "call_not_answered", command = %record.action.command, key = key(record), outcome
            ),
            Called::Answered(said) if self.is_strange(record, said) => tracing::warn!(
                event = "result_unknown", command = %record.action.command, key = key(record),
                "the answer's result is none of ok, refused and pending, and the command has no reply to it: taken for refused"
            ),
            Called::Answered(_) | Called::Refused { .. } => {}
        }
    }

    /// Whether an answer's result is a word that neither we know nor the command has a reply to.
    fn is_strange(&self, record: &ActionRecord, said: &Said) -> bool {
        let Some(result) = said.result.as_deref() else {
            return false;
        };
        let book = self.parts.shelf.load();
        let replies = book.command(&record.action.command).map(|command| &command.replies);
        let has_reply = |word: &str| replies.is_some_and(|replies| replies.contains_key(word));
        let by_code = said.code.as_deref().is_some_and(has_reply);
        !matches!(result, "ok" | "refused" | "pending") && !by_code && !has_reply(result)
    }

    /// A place is free, for a call that waits.
    fn leave(&self, permit: OwnedSemaphorePermit) {
        drop(permit);
        if self.behind.load(Ordering::Relaxed) {
            self.due.notify_one();
        }
    }

    /// What a changed SIM makes of a call that moves money or is personal, before it is made.
    async fn stopped(&self, record: &ActionRecord) -> Option<End> {
        let sim_swap = self.parts.sim_swap.as_ref()?;
        let action = &record.action;
        let book = self.parts.shelf.load_full();
        let command = book.command(&action.command)?;
        let money = command.money;
        if !money && !command.personal {
            return None;
        }
        let swapped = sim_swap.ask(&format!("+{}", action.between.number)).await;
        counter!("araldo_sim_checks_total", "result" => swapped.word()).increment(1);
        let end = policy::before(swapped, money, action.progress.doubt);
        if swapped != Swapped::No {
            tracing::warn!(
                event = "sim_check", command = %action.command, key = key(record), %swapped, stopped = end.is_some()
            );
        }
        end
    }

    fn body(&self, record: &ActionRecord) -> Bytes {
        let action = &record.action;
        let slots: Frozen = serde_json::from_str(&action.slots).unwrap_or_default();
        let number = format!("+{}", action.between.number);
        let body = Body {
            command: action.command.as_str(),
            slots: &slots,
            from: number.clone(),
            number,
            to: &action.between.address,
            text: &action.text,
            language: &action.language,
            conversation: action.inbound,
            at: action.at,
        };
        Bytes::from(serde_json::to_vec(&body).unwrap_or_default())
    }

    fn manner(&self, record: &ActionRecord) -> Manner {
        let book = self.parts.shelf.load();
        let call = book.call(&record.action.command);
        call.map_or(
            Manner {
                retries: 0,
                idempotent: false,
                can_ask: false,
            },
            |call| Manner {
                retries: call.retries,
                idempotent: call.idempotent,
                can_ask: call.status_url.is_some(),
            },
        )
    }

    async fn say_late(&self, record: &mut ActionRecord) {
        record.action.progress.late_at = None;
        let say = Say::Words("late", self.called(record));
        let turn = moved(
            record,
            record.action.progress.clone(),
            false,
            self.message(record, &say),
        );
        if self.commit(turn, None).await {
            record.version += 1;
        }
    }

    /// Notes what follows, and tells the customer where it is over: or the person who owns the conversation by then.
    async fn settle(&self, record: &ActionRecord, after: After, outcome: &str) {
        let mut progress = record.action.progress.clone();
        progress.lease = None;
        progress.outcome = Some(outcome.into());
        let again = matches!(after, After::Again { .. });
        let unknown = matches!(after, After::Over(End::Unknown));
        let mut note = None;
        let turn = match after {
            After::Again { at, asks, doubt } => {
                (progress.state, progress.asks, progress.next_at) = (ActionState::Waiting, asks, Some(at));
                progress.doubt = doubt;
                // Where the next call comes later than the customer should hear that it takes long, he hears it now.
                let late = progress.late_at.filter(|late| *late <= at).map(|_| {
                    progress.late_at = None;
                    Say::Words("late", self.called(record))
                });
                let message = late.and_then(|say| self.message(record, &say));
                moved(record, progress, false, message)
            }
            After::Over(end) => {
                (progress.state, progress.next_at, progress.late_at) = (ActionState::Done, None, None);
                let (word, say) = self.said(record, &end);
                note = Some(format!(
                    "{} has ended: {word}. The customer was not told, as a person owns the conversation.",
                    told_apart(record)
                ));
                progress.outcome = Some(word.into());
                counter!(
                    "araldo_commands_total",
                    "command" => record.action.command.to_string(), "outcome" => end.word()
                )
                .increment(1);
                if end == End::Unknown {
                    tracing::error!(
                        event = "action_unknown", command = %record.action.command, key = key(record),
                        "whether the back end has done it is not known; a person must look"
                    );
                }
                let refunds = matches!(end, End::Refused(_) | End::Failed | End::Stopped(_));
                moved(record, progress, refunds, self.message(record, &say))
            }
        };
        match unknown {
            true => self.commit_with_case(record, turn).await,
            false => self.commit(turn, note.as_deref()).await,
        };
        if again {
            self.ring();
        }
    }

    /// What nobody knows is left to a person, in the very commit that says so: the case is looked for anew as often as
    /// it moves meanwhile.
    async fn commit_with_case(&self, record: &ActionRecord, turn: Turn) -> bool {
        loop {
            let mut turn = copy(&turn);
            let done = async {
                let between = std::slice::from_ref(&record.action.between);
                let standing = self.parts.store.standings(between).await?.pop().unwrap_or_default();
                self.to_person(record, standing.case, &mut turn);
                self.parts.outbox.turn(turn).await
            };
            match done.await {
                Ok(TurnResult::NotAsSeen | TurnResult::Owned(_)) => {}
                Ok(result) => return matches!(result, TurnResult::Done { .. }),
                Err(StoreError::Io(_) | StoreError::Open(_)) => return false,
                Err(error) => {
                    tracing::warn!(event = "call_not_settled", %error);
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    fn to_person(&self, record: &ActionRecord, open: Option<OpenCase>, turn: &mut Turn) {
        let action = &record.action;
        let note: Box<str> = format!("Nobody knows whether the back end has done it: {}.", told_apart(record)).into();
        if let Some(open) = open {
            if open.is_taken {
                turn.messages.clear();
            }
            turn.case = Some(CaseStep::Note {
                id: open.id,
                text: note,
            });
            return;
        }
        let book = self.parts.shelf.load();
        let Some(client) = book.named(&action.client).filter(|_| book.desk().opens_cases()) else {
            return;
        };
        let promise = Promise {
            book: &book,
            intake: &self.parts.intake,
        };
        let left = Left {
            id: clock::case_id(),
            between: &action.between,
            client,
            locale: locale(record),
            reason: CaseReason::ActionUnknown,
            understood: Some(action.command.as_str().into()),
            note: Some(note),
            heard_at: action.at,
            tells: true,
        };
        let (step, told) = promise.open(left, self.parts.clock.now());
        turn.case = Some(step);
        turn.messages.extend(told);
    }

    /// The outcome in a word, and what the customer is told.
    fn said(&self, record: &ActionRecord, end: &End) -> (String, Say) {
        let command = record.action.command.clone();
        let slots: Frozen = serde_json::from_str(&record.action.slots).unwrap_or_default();
        let mut vars = say::values(&self.parts.shelf.load(), &command, &slots, locale(record));
        let (result, said, or) = match end {
            End::Answered(said) => {
                let result = said.result.clone().unwrap_or_else(|| "ok".to_owned());
                let or = match result.as_str() {
                    "ok" => "done",
                    "pending" => "late",
                    _ => "refused",
                };
                (result, said.clone(), or)
            }
            End::Refused(said) => {
                let result = said.result.clone().unwrap_or_else(|| "refused".to_owned());
                (result, said.clone(), "refused")
            }
            End::Stopped(word) => ((*word).to_owned(), Said::default(), "sim_check"),
            End::Failed => ("failed".to_owned(), Said::default(), "failed"),
            End::Unknown => ("unknown".to_owned(), Said::default(), "unknown"),
        };
        fill(&mut vars, &said, &result);
        let outcomes = said.code.into_iter().chain([result.clone()]).collect();
        // What else is said is of no use to whoever else has the number.
        let tells = matches!(end, End::Answered(_) | End::Refused(_));
        let own = tells
            && self
                .parts
                .shelf
                .load()
                .command(&command)
                .is_some_and(|command| command.personal);
        let say = Say::Reply {
            command,
            outcomes,
            vars,
            or,
            own,
        };
        (result, say)
    }

    fn called(&self, record: &ActionRecord) -> Map<String, Json> {
        let called = self.parts.shelf.load().called(&record.action.command, locale(record));
        Map::from_iter([("called".to_owned(), called.into())])
    }

    fn message(&self, record: &ActionRecord, say: &Say) -> Option<Enqueue> {
        let action = &record.action;
        let book = self.parts.shelf.load();
        let client = book.named(&action.client)?;
        say::message(
            &book,
            &self.parts.intake,
            client,
            &action.between,
            locale(record),
            say,
            action.at,
        )
    }

    /// Commits what is known now, however long the store takes: nobody else knows it. Where a person owns the
    /// conversation, `note` on the case stands for what the customer would be told.
    async fn commit(&self, turn: Turn, note: Option<&str>) -> bool {
        let mut owned = None;
        loop {
            let mut turn = copy(&turn);
            if let Some(id) = owned {
                turn.messages.clear();
                turn.case = note.map(|text| CaseStep::Note { id, text: text.into() });
            }
            match self.parts.outbox.turn(turn).await {
                Ok(TurnResult::Owned(id)) => owned = Some(id),
                // It was solved meanwhile.
                Ok(TurnResult::NotAsSeen) => owned = None,
                Ok(result) => return matches!(result, TurnResult::Done { .. }),
                Err(StoreError::Io(_) | StoreError::Open(_)) => return false,
                Err(error) => {
                    tracing::warn!(event = "call_not_settled", %error);
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
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

impl End {
    const fn word(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Refused(_) => "refused",
            Self::Stopped(_) => "stopped",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
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

/// What a reply may use of an answer: its `vars` by their names too, and `text` where it is plain.
fn fill(vars: &mut Map<String, Json>, said: &Said, result: &str) {
    for (name, value) in &said.vars {
        vars.entry(name.clone()).or_insert_with(|| value.clone());
    }
    vars.insert("vars".to_owned(), Json::Object(said.vars.clone()));
    vars.insert("result".to_owned(), result.into());
    if let Some(text) = &said.text {
        vars.insert("text".to_owned(), text.as_str().into());
    }
    if let Some(code) = &said.code {
        vars.insert("code".to_owned(), code.as_str().into());
    }
}

fn word(called: &Called) -> String {
    match called {
        Called::Answered(_) => "answered".to_owned(),
        Called::Refused { status, .. } => format!("status_{status}"),
        Called::NotDone(failure) | Called::Unknown(failure) => failure.to_string(),
    }
}

fn moved(record: &ActionRecord, becomes: ActionProgress, refunds: bool, message: Option<Enqueue>) -> Turn {
    let mut turn = Turn::new(Leaves::Action {
        seq: record.seq,
        version: record.version,
        becomes: Box::new(becomes),
        refunds,
    });
    turn.messages.extend(message);
    turn
}

/// The same turn to be tried again: as if no bind had been found for its message.
fn copy(turn: &Turn) -> Turn {
    let mut copy = Turn::new(turn.leaves.clone());
    copy.messages = turn.messages.iter().map(Enqueue::again).collect();
    copy
}
