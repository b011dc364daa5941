//! The one that acts: takes texts as they come, decides, commits what follows, starts calls.
//!
//! Texts come from memory right after their commit; at the start, and whenever too many came at once, they are read from
//! the store. A number's texts are handled one after the other; those of different numbers go in one batch, whose turns
//! share their commits.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use metrics::counter;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::case::{Asks, Left, Promise};
use super::decide::{Care, Decision, Matter, Next, Plea, ToPerson, decide, help, locale_of};
use super::joined::{Joined, Joiner};
use super::say::{self, Say};
use super::{Book, Limits, Shelf, guard};
use crate::accept::{Client, Intake};
use crate::clock::{self, Clock};
use crate::command::{self, Locale, Outcome, Why};
use crate::consent::{Heard, Reaction, Word};
use crate::dialogue::{Asked, Pending};
use crate::dispatch::ConsentStep;
use crate::dispatch::action::Actions;
use crate::domain::{Msisdn, UnixMillis};
use crate::outbox::Outbox;
use crate::store::two_way::{Leaves, NewAction, Question, QuestionChange, Whole};
use crate::store::{
    ActionRecord, ActionState, Between, CaseStep, Enqueue, Seq, Standing, Store, StoreError, Turn, TurnResult,
    UnhandledText,
};

/// Texts handled at once.
const AT_ONCE: usize = 128;
/// Texts read from the store at once, and held at the most before more are read.
const PAGE: u32 = 256;
const MOST_HELD: usize = 1_024;
/// How long a store that failed is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// The longest that one sleeps on what the clock says.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// Tries of a text whose turn the store refuses, before it is set aside.
const MOST_TRIES: u8 = 5;
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

/// What is held between batches.
struct Hand {
    joiner: Joiner,
    ready: VecDeque<Ready>,
    /// The last place that was taken.
    last: Seq,
    /// Whether the store has more behind it.
    behind: bool,
    swept_at: UnixMillis,
}

/// A text to handle.
struct Ready {
    joined: Joined,
    tries: u8,
}

/// A text that was decided upon.
struct Decided {
    ready: Ready,
    between: Option<Between>,
    standing: Standing,
    permit: Option<OwnedSemaphorePermit>,
    action: Option<NewAction>,
    /// The case that is asked about.
    asks: Option<Asks>,
}

impl Pipeline {
    /// Works until told to stop; what is in hand then is found again in the store.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut hand = Hand {
            joiner: Joiner::new(self.reassembly_timeout),
            ready: VecDeque::new(),
            last: 0,
            behind: true,
            swept_at: self.clock.now(),
        };
        while !stop.is_cancelled() {
            self.book = self.shelf.load_full();
            if let Err(error) = self.gather(&mut hand).await {
                tracing::warn!(event = "texts_unknown", %error);
                tokio::time::sleep(STORE_PAUSE).await;
            }
            let batch = hand.next_batch();
            if !batch.is_empty() {
                self.handle(&mut hand, batch).await;
                continue;
            }
            if hand.behind {
                continue;
            }
            let now = self.clock.now();
            if now.since(hand.swept_at) >= SWEEP_EVERY {
                self.limits.sweep();
                hand.swept_at = now;
            }
            let wait = hand.joiner.next_timeout().map_or(LONGEST_SLEEP, |at| at.since(now));
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.outbox.arrivals().come() => {}
                () = tokio::time::sleep(wait.min(LONGEST_SLEEP)) => {}
            }
        }
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
        if hand.behind && hand.ready.len() < MOST_HELD {
            let texts = self.store.unhandled_texts(hand.last, PAGE).await?;
            hand.behind = !texts.is_empty();
            texts.into_iter().for_each(|text| hand.take(text));
        }
        for joined in hand.joiner.expire(self.clock.now()) {
            hand.ready.push_back(Ready { joined, tries: 0 });
        }
        Ok(())
    }

    /// Decides upon texts of different numbers and commits what follows.
    async fn handle(&self, hand: &mut Hand, batch: Vec<Ready>) {
        let between: Vec<Option<Between>> = batch.iter().map(|ready| self.between(&ready.joined.text)).collect();
        let pairs: Vec<Between> = between.iter().flatten().cloned().collect();
        let standings = match self.store.standings(&pairs).await {
            Ok(standings) => standings,
            Err(error) => {
                tracing::warn!(event = "standings_unknown", %error);
                batch.into_iter().rev().for_each(|ready| hand.ready.push_front(ready));
                return tokio::time::sleep(STORE_PAUSE).await;
            }
        };
        let mut standings = standings.into_iter();
        let mut turns = Vec::with_capacity(batch.len());
        let mut decided = Vec::with_capacity(batch.len());
        for (ready, between) in batch.into_iter().zip(between) {
            let standing = match &between {
                Some(_) => standings.next().unwrap_or_default(),
                None => Standing::default(),
            };
            let (mut turn, mut one) = self.decide(ready, between, standing, false);
            if let Some(asks) = one.asks.take() {
                turn.messages.extend(self.tell_case(&asks).await);
            }
            turns.push(turn);
            decided.push(one);
        }
        let results = join_all(turns.into_iter().map(|turn| self.outbox.turn(turn))).await;
        for (result, one) in results.into_iter().zip(decided) {
            self.settled(hand, result, one).await;
        }
    }

    async fn settled(&self, hand: &mut Hand, result: Result<TurnResult, StoreError>, decided: Decided) {
        let result = match result {
            Ok(TurnResult::OverLimit) => {
                let (turn, again) = self.decide(decided.ready, decided.between, decided.standing, true);
                return match self.outbox.turn(turn).await {
                    Ok(_) => {}
                    Err(error) => self.again(hand, again.ready, &error).await,
                };
            }
            result => result,
        };
        match result {
            Ok(TurnResult::Done { action: Some(seq), .. }) => match (decided.action, decided.permit) {
                (Some(action), Some(permit)) => {
                    let record = ActionRecord {
                        seq,
                        version: 1,
                        action,
                    };
                    self.actions.start(record, permit);
                }
                // It waits for a place.
                _ => self.actions.ring(),
            },
            // A person or a back end was faster: decided upon again.
            Ok(TurnResult::NotAsSeen) => hand.ready.push_front(decided.ready),
            // All but the first two are said to others: to who acts on a case, and to calls.
            Ok(TurnResult::Done { action: None, .. } | TurnResult::Gone | TurnResult::OverLimit)
            | Ok(TurnResult::Refused(_) | TurnResult::Owned(_) | TurnResult::Replayed(_) | TurnResult::KeyReused) => {}
            Err(error) => self.again(hand, decided.ready, &error).await,
        }
    }

    /// A text whose turn was not taken: tried again, and set aside where it is the text that the store refuses.
    async fn again(&self, hand: &mut Hand, mut ready: Ready, error: &StoreError) {
        ready.tries = ready.tries.saturating_add(1);
        let seq = ready.joined.text.seq;
        tracing::warn!(event = "turn_not_taken", seq, tries = ready.tries, %error);
        if ready.tries > MOST_TRIES && matches!(error, StoreError::Statement(_)) {
            tracing::error!(event = "text_set_aside", seq, "it is looked at again at the next start");
            return;
        }
        hand.ready.push_front(ready);
        tokio::time::sleep(STORE_PAUSE).await;
    }

    /// Between whom a text is; `None` where nobody is answered.
    fn between(&self, text: &UnhandledText) -> Option<Between> {
        let number = guard::person(&text.from, |address| self.book.is_ours(address))?;
        Some(Between {
            number: number.digits().into(),
            address: text.to.clone(),
        })
    }

    fn decide(&self, ready: Ready, between: Option<Between>, standing: Standing, over: bool) -> (Turn, Decided) {
        let now = self.clock.now();
        let joined = &ready.joined;
        let mut turn = Turn::new(Leaves::Text {
            seq: joined.text.seq,
            parts: joined.parts.clone(),
            outcome: "silent".into(),
            whole: joined.is_long.then(|| Box::new(whole(&joined.text))),
        });
        let mut decided = Decided {
            between: between.clone(),
            standing,
            permit: None,
            action: None,
            asks: None,
            ready,
        };
        let outcome = match (&between, decided.ready.joined.text.text.clone()) {
            (None, _) => "no_person".to_owned(),
            (_, None) => "no_text".to_owned(),
            (Some(between), Some(text)) => match self.hear(&decided, between, &text, now) {
                Some(reaction) => self.obey(&mut turn, &decided, between, reaction),
                None if !self.has_commands(between) => "no_commands".to_owned(),
                None => self.act(&mut turn, &mut decided, between, &text, over, now),
            },
        };
        let source = self.consent.source(&decided.ready.joined.text.carrier);
        turn.consents.iter_mut().for_each(|noted| noted.source = source);
        counter!("araldo_inbound_handled_total", "outcome" => bounded(&outcome)).increment(1);
        if let Leaves::Text { outcome: word, .. } = &mut turn.leaves {
            *word = outcome.into();
        }
        (turn, decided)
    }

    fn has_commands(&self, between: &Between) -> bool {
        !self.book.is_empty() && self.book.listens_on(&between.address)
    }

    /// A consent word that was not obeyed as it was stored: in a long text, one that means something else beside a
    /// question, or HELP.
    fn hear(&self, decided: &Decided, between: &Between, text: &str, now: UnixMillis) -> Option<Reaction> {
        let question = decided.standing.question.as_ref();
        let pending = question.is_some_and(|question| question.expires_at > now);
        let reaction = self.heard(decided, text, pending)?;
        // A keyword of the operator's own comes before what its word means elsewhere.
        let command = reaction.spoken.soft && self.has_commands(between) && self.is_command(between, text, now);
        (!command).then_some(reaction)
    }

    fn heard(&self, decided: &Decided, text: &str, pending: bool) -> Option<Reaction> {
        let came = &decided.ready.joined.text;
        self.consent.hear(&Heard {
            text,
            from: &came.from,
            to: &came.to,
            at: came.at,
            pending,
        })
    }

    /// Whether the text is a word that ends messages where no question waits, and beside one leaves that.
    fn leaves_question(&self, decided: &Decided, text: &str) -> bool {
        let stops = |reaction: Reaction| reaction.spoken.soft && reaction.spoken.word == Word::Stop;
        decided.standing.question.is_some() && self.heard(decided, text, false).is_some_and(stops)
    }

    fn is_command(&self, between: &Between, text: &str, now: UnixMillis) -> bool {
        let understanding = self.book.matcher().understand(&command::Heard {
            text,
            address: Some(&between.address),
            pending: None,
            locale: self.book.locale_of(&between.address),
            today: self.book.day(now),
        });
        let Outcome::Accept(name) = &understanding.outcome else {
            return false;
        };
        let command = self.book.command(name);
        matches!(understanding.why, Why::Keyword(_))
            && command.is_some_and(|command| command.consent.is_none() && command.answers.is_none())
    }

    /// What follows from a consent word goes into its turn. HELP is answered by the catalogue where that has a reply.
    fn obey(&self, turn: &mut Turn, decided: &Decided, between: &Between, reaction: Reaction) -> String {
        let at = decided.ready.joined.text.at;
        let spoken = &reaction.spoken;
        if spoken.word == Word::Stop && spoken.topic.is_none() && decided.standing.question.is_some() {
            turn.question = Some(QuestionChange::Drop(between.clone()));
        }
        let room = self.consent.has_room(&between.number);
        let helps = room && spoken.word == Word::Help;
        let help = helps.then(|| self.help(decided, between, reaction.locale)).flatten();
        let answered = room && help.is_none();
        let obeyed = self
            .consent
            .obey(reaction, &between.number, &between.address, at, answered);
        turn.consents = obeyed.consents;
        turn.messages.extend(help.or(obeyed.answer));
        obeyed.word.to_owned()
    }

    /// The catalogue's reply to HELP, where it has one for the address.
    fn help(&self, decided: &Decided, between: &Between, locale: Locale) -> Option<Enqueue> {
        let command = self.book.help().filter(|_| self.has_commands(between))?;
        let client = self.book.client(&between.address, Some(command))?;
        let person = decided.standing.person.as_ref();
        let chosen = person.and_then(|person| locale_of(person.language.as_deref()?));
        let (say, at) = (help(command.clone()), decided.ready.joined.text.at);
        let locale = chosen.unwrap_or(locale);
        say::message(&self.book, &self.intake, client, between, locale, &say, at)
    }

    /// What follows from a consent word that was said in other words.
    fn plead(&self, turn: &mut Turn, plea: &Plea, locale: Locale, between: &Between, at: UnixMillis) {
        let Ok(number) = Msisdn::written(&between.number) else {
            return;
        };
        let reaction = self.consent.understood(
            (plea.word, plea.topic.as_deref()),
            locale,
            &number,
            &between.address,
            at,
        );
        let obeyed = self.consent.obey(reaction, &between.number, &between.address, at, true);
        turn.consents = obeyed.consents;
        turn.messages.extend(obeyed.answer);
    }

    /// Everything that follows from a text goes into its turn.
    fn act(
        &self,
        turn: &mut Turn,
        decided: &mut Decided,
        between: &Between,
        text: &str,
        over: bool,
        now: UnixMillis,
    ) -> String {
        let matter = Matter {
            book: &self.book,
            limits: &self.limits,
            text,
            between,
            leaves: self.leaves_question(decided, text),
            certified: &decided.standing.certified,
            care: self.care(&decided.standing),
            now,
            today: self.book.day(now),
            bits: clock::secret_bits(),
        };
        let before = decided.standing.person.clone().unwrap_or_default();
        let waiting = decided.standing.question.clone();
        let waiting = waiting.as_ref();
        let pending = waiting.and_then(|question| {
            let pending: Pending = serde_json::from_str(&question.said).ok()?;
            Some((pending, question.expires_at <= now))
        });
        let mut decision = decide(&matter, before.clone(), pending);
        if over {
            decision = over_limit(&matter, decision);
        }
        if decision.person != before {
            turn.person = Some((between.number.clone(), decision.person.clone()));
        }
        turn.question = question(&decision, between, waiting, now);
        let client = self.book.client(&between.address, decision.command.as_ref()).cloned();
        if let Some(left) = decision.case.take() {
            self.leave(turn, decided, between, left, (client.as_deref(), decision.locale), now);
        }
        let heard_at = decided.ready.joined.text.at;
        if let Some(plea) = &decision.plea {
            self.plead(turn, plea, decision.locale, between, heard_at);
            return decision.outcome;
        }
        let Some(client) = client else {
            // Nobody in whose name one could answer: the text was told to whoever hears it, and that is all.
            return turn
                .case
                .as_ref()
                .map_or_else(|| "no_client".to_owned(), |_| decision.outcome);
        };
        if let (Some(enquiry), Some(command)) = (decision.enquiry, &decision.command) {
            decided.asks = Some(Asks {
                between: between.clone(),
                client: client.clone(),
                locale: decision.locale,
                command: command.clone(),
                values: enquiry.values,
                number: enquiry.number,
                heard_at,
            });
        }
        if let (Some(wish), Some(command)) = (decision.wish, &decision.command)
            && let Some(call) = self.book.call(command)
        {
            let permit = self.actions.permit();
            let action = NewAction {
                id: fresh_id(now),
                inbound: decided.ready.joined.text.id,
                between: between.clone(),
                client: client.name.clone(),
                command: command.clone(),
                language: decision.locale.code().into(),
                slots: serde_json::to_string(&wish.values).unwrap_or_default().into(),
                text: wish.text.into(),
                spend: wish.spend,
                at: now,
                progress: self.actions.begun(call, now, permit.is_some()),
            };
            debug_assert_eq!(permit.is_some(), action.progress.state == ActionState::Running);
            decided.permit = permit;
            decided.action = Some(action.clone());
            turn.action = Some(Box::new(action));
        }
        let message = decision.say.as_ref().and_then(|say| {
            let locale = decision.locale;
            say::message(&self.book, &self.intake, &client, between, locale, say, heard_at)
        });
        turn.messages.extend::<Option<Enqueue>>(message);
        decision.outcome
    }

    /// How a case stands, for whoever asks.
    async fn tell_case(&self, asks: &Asks) -> Option<Enqueue> {
        let promise = Promise {
            book: &self.book,
            intake: &self.intake,
        };
        match asks.find(&*self.store).await {
            Ok(case) => promise.told(asks, case.as_ref()),
            Err(error) => {
                tracing::warn!(event = "case_unknown", %error);
                let vars = say::values(&self.book, &asks.command, &asks.values, asks.locale);
                let say = Say::Words("failed", vars);
                let (client, between) = (&asks.client, &asks.between);
                say::message(
                    &self.book,
                    &self.intake,
                    client,
                    between,
                    asks.locale,
                    &say,
                    asks.heard_at,
                )
            }
        }
    }

    fn care(&self, standing: &Standing) -> Care {
        match standing.case {
            Some(case) if case.is_taken => Care::Owned,
            Some(_) => Care::Waiting,
            None if self.book.desk().opens_cases() => Care::Ready,
            None => Care::Nobody,
        }
    }

    /// What a person answers goes into the turn: a case, and that the customer is told of it.
    fn leave(
        &self,
        turn: &mut Turn,
        decided: &Decided,
        between: &Between,
        left: ToPerson,
        (client, locale): (Option<&Client>, Locale),
        now: UnixMillis,
    ) {
        let heard_at = decided.ready.joined.text.at;
        if let Some(open) = decided.standing.case {
            turn.case = Some(CaseStep::Join { id: open.id, heard_at });
            return;
        }
        let Some(client) = client else { return };
        let promise = Promise {
            book: &self.book,
            intake: &self.intake,
        };
        let left = Left {
            id: clock::case_id(),
            between,
            client,
            locale,
            reason: left.reason,
            understood: Some(left.understood.into()),
            note: None,
            heard_at,
            tells: left.tells,
        };
        let (step, told) = promise.open(left, now);
        turn.case = Some(step);
        turn.messages.extend(told);
    }
}

impl Hand {
    fn take(&mut self, text: UnhandledText) {
        // What was read from the store may come from memory, too.
        if text.seq <= self.last {
            return;
        }
        self.last = text.seq;
        let joined = self.joiner.take(text);
        let ready = joined.into_iter().map(|joined| Ready { joined, tries: 0 });
        self.ready.extend(ready);
    }

    /// The next texts, one of each number at the most; the others stay in their order.
    fn next_batch(&mut self) -> Vec<Ready> {
        let mut numbers: HashSet<Box<str>> = HashSet::new();
        let mut batch = Vec::new();
        let mut left = VecDeque::new();
        while let Some(ready) = self.ready.pop_front() {
            let number = ready.joined.text.from.trim_start_matches('+');
            if numbers.insert(number.into()) {
                batch.push(ready);
            } else {
                left.push_back(ready);
            }
            if batch.len() == AT_ONCE {
                break;
            }
        }
        left.append(&mut self.ready);
        self.ready = left;
        batch
    }
}

/// What becomes of the question that waits.
fn question(
    decision: &Decision,
    between: &Between,
    waiting: Option<&Question>,
    now: UnixMillis,
) -> Option<QuestionChange> {
    match &decision.question {
        Next::Keep => None,
        Next::Drop => waiting.map(|_| QuestionChange::Drop(between.clone())),
        Next::Ask(pending) => {
            let asked_again = waiting.filter(|waiting| {
                let before: Option<Pending> = serde_json::from_str(&waiting.said).ok();
                matches!(
                    (before.map(|before| before.asked), &pending.asked),
                    (Some(Asked::Code { code: before, .. }), Asked::Code { code, .. }) if before == *code
                )
            });
            // A code lives no longer for being asked for again.
            let (asked_at, expires_at) = match asked_again {
                Some(waiting) => (waiting.asked_at, waiting.expires_at),
                None => (now, now.after(pending.asked.patience())),
            };
            Some(QuestionChange::Ask(Question {
                between: between.clone(),
                said: serde_json::to_string(pending).unwrap_or_default().into(),
                asked_at,
                expires_at,
            }))
        }
    }
}

/// The day has no room for what the wish would move: nothing is done, and the customer is told.
fn over_limit(matter: &Matter<'_>, mut decision: Decision) -> Decision {
    let Some(command) = &decision.command else {
        return decision;
    };
    let mut vars = matter.called(command, decision.locale);
    let limits = matter.book.command(command).map(|command| &command.limits);
    let limit = limits.and_then(|limits| limits.value_per_day.as_ref());
    let limit = limit.map_or_else(String::new, |limit| say::shown(limit.as_str(), decision.locale));
    vars.insert("limit".to_owned(), limit.into());
    decision.say = Some(Say::Words("over_limit", vars));
    decision.wish = None;
    decision.because("over_limit")
}

fn whole(text: &UnhandledText) -> Whole {
    Whole {
        text: text.text.clone(),
        to: text.to.clone(),
        carrier: text.carrier.clone(),
        at: text.at,
    }
}

fn fresh_id(now: UnixMillis) -> Uuid {
    clock::message_id(now).0
}

/// A label of few values: commands by their names are counted when their calls end.
fn bounded(outcome: &str) -> String {
    let word = outcome.split('.').next().unwrap_or_default();
    word.to_owned()
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod case_tests;

#[cfg(test)]
#[path = "consent_tests.rs"]
mod consent_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{InboundId, Name};

    fn text(seq: Seq, from: &str) -> UnhandledText {
        UnhandledText {
            seq,
            id: InboundId(Uuid::nil()),
            carrier: Name::parse("tim").unwrap(),
            from: from.into(),
            to: "12345".into(),
            text: Some("saldo".into()),
            segment: None,
            at: UnixMillis(0),
        }
    }

    #[test]
    fn a_number_s_texts_go_one_after_the_other_and_each_once() {
        let mut hand = Hand {
            joiner: Joiner::new(Duration::from_mins(5)),
            ready: VecDeque::new(),
            last: 0,
            behind: false,
            swept_at: UnixMillis(0),
        };
        for (seq, from) in [(1, "a"), (2, "b"), (3, "+a"), (3, "a"), (2, "b"), (4, "b"), (5, "a")] {
            hand.take(text(seq, from));
        }
        let mut batches = Vec::new();
        loop {
            let batch = hand.next_batch();
            if batch.is_empty() {
                break;
            }
            batches.push(batch.iter().map(|ready| ready.joined.text.seq).collect::<Vec<_>>());
        }
        assert_eq!(batches, [vec![1, 2], vec![3, 4], vec![5]]);
    }
}
