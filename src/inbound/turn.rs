//! From a text to its turn: all that follows from it, to be stored whole or not at all.

use std::time::Instant;

use metrics::counter;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::case::{Asks, Left, Promise};
use super::decide::{Decision, Next, ToPerson, decide};
use super::hand::Ready;
use super::matter::{Care, Matter};
use super::{Pipeline, guard, say};
use crate::accept::Client;
use crate::clock;
use crate::command::Locale;
use crate::dialogue::{Asked, Pending};
use crate::dispatch::action::Actions;
use crate::domain::UnixMillis;
use crate::store::two_way::{Leaves, NewAction, Question, QuestionChange, Whole};
use crate::store::{Between, CaseStep, Enqueue, Standing, Turn, UnhandledText};
use say::Say;

/// A text that was decided upon.
pub(super) struct Decided {
    pub(super) ready: Ready,
    pub(super) between: Option<Between>,
    pub(super) standing: Standing,
    /// The call that is made once its turn is committed, and its place.
    pub(super) begins: Option<(NewAction, OwnedSemaphorePermit)>,
    /// The case that is asked about.
    pub(super) asks: Option<Asks>,
}

impl Pipeline {
    /// Between whom a text is; `None` where nobody is answered.
    pub(super) fn between(&self, text: &UnhandledText) -> Option<Between> {
        let number = guard::person(&text.from, |address| self.book.is_ours(address))?;
        Some(Between {
            number: number.digits().into(),
            address: text.to.clone(),
        })
    }

    pub(super) fn decide(&self, ready: Ready, between: Option<Between>, standing: Standing) -> (Turn, Decided) {
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
            begins: None,
            asks: None,
            ready,
        };
        let outcome = match (&between, decided.ready.joined.text.text.clone()) {
            (None, _) => "no_person".to_owned(),
            (_, None) => "no_text".to_owned(),
            (Some(between), Some(text)) => match self.hear(&decided, between, &text, now) {
                Some(reaction) => self.obey(&mut turn, &decided, between, reaction),
                None if !self.has_commands(between) => "no_commands".to_owned(),
                None => self.act(&mut turn, &mut decided, between, &text, now),
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

    /// Everything that follows from a text goes into its turn.
    fn act(&self, turn: &mut Turn, decided: &mut Decided, between: &Between, text: &str, now: UnixMillis) -> String {
        turn.seen = Some((between.clone(), decided.standing.case));
        let matter = Matter {
            book: &self.book,
            limits: &self.limits,
            verdicts: &decided.ready.verdicts,
            has_room: self.has_room(between, text),
            text,
            code: decided.ready.joined.text.code.as_deref(),
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
        if decided.ready.over {
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
            self.plead(turn, plea, decision.locale, between, (text, heard_at));
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
            turn.action = Some(Box::new(NewAction {
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
                progress: Actions::waiting(call, now),
            }));
        }
        let message = decision.say.as_ref().and_then(|say| {
            let locale = decision.locale;
            say::message(&self.book, &self.intake, &client, between, locale, say, heard_at)
        });
        turn.messages.extend::<Option<Enqueue>>(message);
        decision.outcome
    }

    /// The call of a turn begins with it, if there is a place for it by then; else it waits in its row.
    pub(super) async fn begin_by(&self, deadline: Instant, turn: &mut Turn, decided: &mut Decided) {
        let Some(action) = &mut turn.action else { return };
        if let Some(permit) = self.actions.permit_until(deadline).await {
            self.actions.begin(&mut action.progress);
            decided.begins = Some(((**action).clone(), permit));
        }
    }

    /// How a case stands, for whoever asks.
    pub(super) async fn tell_case(&self, asks: &Asks) -> Option<Enqueue> {
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
    let (Some(command), Some(_)) = (&decision.command, &decision.wish) else {
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
