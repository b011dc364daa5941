//! The one that acts: takes texts as they come, decides, commits what follows, starts calls.
//!
//! Texts come from memory right after their commit; at the start, and whenever too many came at once, they are read from
//! the store. A number's texts are handled one after the other; those of different numbers go in one batch, whose turns
//! share a commit. While one batch is committed, the next is decided upon.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::hand::{Done, Hand, Ready};
use super::turn::Decided;
use super::{Book, Limits, Shelf};
use crate::accept::Intake;
use crate::clock::{Clock, monotonic};
use crate::dispatch::ConsentStep;
use crate::dispatch::action::Actions;
use crate::outbox::Outbox;
use crate::store::{ActionRecord, Between, Standing, Store, StoreError, Turn, TurnResult};

/// Texts read from the store at once.
const PAGE: u32 = 256;
/// How long a store that failed is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// The longest that one sleeps on what the clock says.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// Tries of a text whose turn the store refuses, before it is set aside.
const MOST_TRIES: u8 = 5;
/// Batches under way at once: one that is committed, and one that waits for its commit.
const BATCHES: usize = 2;
/// How long a batch waits for places of calls, before those that have none are left in their rows.
const PLACE_PATIENCE: Duration = Duration::from_millis(20);
/// How often limits forget.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// What handles texts.
pub struct Pipeline {
    /// Where they are.
    pub store: Arc<dyn Store>,
    /// What changes them.
    pub outbox: Outbox,
    /// The time.
    pub clock: Clock,
    /// The catalogue in use.
    pub shelf: Arc<Shelf>,
    /// What is understood: the catalogue as it was when the texts in hand were taken.
    pub book: Arc<Book>,
    /// How often.
    pub limits: Arc<Limits>,
    /// What checks the answers.
    pub intake: Arc<Intake>,
    /// What hears consent words.
    pub consent: Arc<ConsentStep>,
    /// What makes calls.
    pub actions: Arc<Actions>,
    /// How long the segments of a long text are waited for.
    pub reassembly_timeout: Duration,
}

impl Pipeline {
    /// Works until told to stop; what is in hand then is found again in the store.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut hand = Hand::new(self.reassembly_timeout);
        let mut under_way = JoinSet::new();
        let mut swept_at = self.clock.now();
        while !stop.is_cancelled() {
            self.book = self.shelf.load_full();
            if let Err(error) = self.gather(&mut hand).await {
                tracing::warn!(event = "texts_unknown", %error);
                tokio::time::sleep(STORE_PAUSE).await;
            }
            let now = self.clock.now();
            if now.since(swept_at) >= SWEEP_EVERY {
                self.limits.sweep(now);
                swept_at = now;
            }
            let mut wait = LONGEST_SLEEP;
            let has_room = under_way.len() < BATCHES;
            if has_room {
                let batch = hand.next_batch(now);
                if !batch.is_empty() {
                    let end = self.end();
                    let (turns, decided) = self.handle(&mut hand, batch).await;
                    under_way.spawn(end.take_all(turns, decided));
                    continue;
                }
                if hand.wants_more() {
                    continue;
                }
                wait = hand.next_timeout().map_or(wait, |at| at.since(now)).min(wait);
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = under_way.join_next() => hand.done(done.expect("a turn ends")),
                () = self.outbox.arrivals().come(), if has_room => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        // A call whose row says that it is being made is begun.
        while under_way.join_next().await.is_some() {}
    }

    /// Takes what has come, in the order of the places.
    async fn gather(&self, hand: &mut Hand) -> Result<(), StoreError> {
        if !hand.behind {
            let arrived = self.outbox.arrivals().take();
            hand.behind = arrived.missed;
            for text in arrived.texts {
                hand.take(text);
            }
        }
        if hand.wants_more() {
            let texts = self.store.unhandled_texts(hand.last, PAGE).await?;
            hand.behind = !texts.is_empty();
            texts.into_iter().for_each(|text| hand.take(text));
        }
        hand.expire(self.clock.now());
        Ok(())
    }

    /// Decides upon texts of different numbers: what follows is to be committed.
    async fn handle(&self, hand: &mut Hand, batch: Vec<Ready>) -> (Vec<Turn>, Vec<Decided>) {
        let between: Vec<Option<Between>> = batch.iter().map(|ready| self.between(&ready.joined.text)).collect();
        let pairs: Vec<Between> = between.iter().flatten().cloned().collect();
        let standings = match self.store.standings(&pairs).await {
            Ok(standings) => standings,
            Err(error) => {
                tracing::warn!(event = "standings_unknown", %error);
                hand.done(batch.into_iter().map(Done::from).collect());
                tokio::time::sleep(STORE_PAUSE).await;
                return (Vec::new(), Vec::new());
            }
        };
        let mut standings = standings.into_iter();
        let mut turns = Vec::with_capacity(batch.len());
        let mut all = Vec::with_capacity(batch.len());
        for (ready, between) in batch.into_iter().zip(between) {
            let standing = match &between {
                Some(_) => standings.next().unwrap_or_default(),
                None => Standing::default(),
            };
            let (mut turn, mut decided) = self.decide(ready, between, standing);
            if let Some(asks) = decided.asks.take() {
                turn.messages.extend(self.tell_case(&asks).await);
            }
            turns.push(turn);
            all.push(decided);
        }
        let deadline = monotonic() + PLACE_PATIENCE;
        for (turn, decided) in turns.iter_mut().zip(&mut all) {
            self.begin_by(deadline, turn, decided).await;
        }
        (turns, all)
    }

    fn end(&self) -> End {
        End {
            outbox: self.outbox.clone(),
            clock: self.clock.clone(),
            limits: self.limits.clone(),
            actions: self.actions.clone(),
        }
    }
}

/// How a turn ends: its commit, and what begins with it.
struct End {
    outbox: Outbox,
    clock: Clock,
    limits: Arc<Limits>,
    actions: Arc<Actions>,
}

impl End {
    /// Commits turns and begins their calls.
    async fn take_all(self, turns: Vec<Turn>, decided: Vec<Decided>) -> Vec<Done> {
        let answers = self.outbox.turns(turns).await;
        debug_assert_eq!(answers.len(), decided.len());
        let mut done = Vec::with_capacity(decided.len());
        for (decided, answer) in decided.into_iter().zip(answers) {
            done.push(self.taken(decided, answer.wait().await));
        }
        done
    }

    /// Begins the call of a turn that was committed; gives the text back that is to be handled again.
    fn taken(&self, decided: Decided, taken: Result<TurnResult, StoreError>) -> Done {
        let mut ready = decided.ready;
        match taken {
            Ok(TurnResult::Done { action, messages }) => {
                if let Some(Between { number, address }) = &decided.between {
                    let now = self.clock.now();
                    self.limits.sent(number, address, messages.len(), now);
                    if let (Some(text), true) = (&ready.joined.text.text, action.is_some() || !messages.is_empty()) {
                        self.limits.answered(number, address, text, now);
                    }
                }
                match (action, decided.begins) {
                    (Some(seq), Some((action, permit))) => {
                        let record = ActionRecord {
                            seq,
                            version: 1,
                            action,
                        };
                        self.actions.start(record, permit);
                    }
                    // It waits for a place.
                    (Some(_), None) => self.actions.ring(),
                    (None, begins) => debug_assert!(begins.is_none(), "who begins a call has its place"),
                }
                Done::of(&ready)
            }
            Ok(TurnResult::OverLimit) => {
                ready.over = true;
                ready.into()
            }
            // A person or a back end was faster: decided upon again.
            Ok(TurnResult::NotAsSeen) => ready.into(),
            // All but the first are said to others: to who acts on a case, and to calls.
            Ok(TurnResult::Gone)
            | Ok(TurnResult::Refused(_) | TurnResult::Owned(_) | TurnResult::Replayed(_) | TurnResult::KeyReused) => {
                Done::of(&ready)
            }
            Err(error) => self.later(ready, &error),
        }
    }

    /// A text whose turn was not taken: tried again in a while, and set aside where it is the text that the store refuses.
    fn later(&self, mut ready: Ready, error: &StoreError) -> Done {
        ready.tries = ready.tries.saturating_add(1);
        let seq = ready.joined.text.seq;
        tracing::warn!(event = "turn_not_taken", seq, tries = ready.tries, %error);
        if ready.tries > MOST_TRIES && matches!(error, StoreError::Statement(_)) {
            tracing::error!(event = "text_set_aside", seq, "it is looked at again at the next start");
            return Done::of(&ready);
        }
        ready.not_before = Some(self.clock.now().after(STORE_PAUSE));
        ready.into()
    }
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod case_tests;

#[cfg(test)]
#[path = "consent_tests.rs"]
mod consent_tests;

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod pipeline_tests;
