//! What a text says to the question that waits: an answer, another wish, a no, or nothing that fits.

use std::time::Duration;

use serde_json::Map;

use super::decide::{Decision, Next, fresh, understood, wants};
use super::guard;
use super::matter::Matter;
use super::say::{self, Say};
use super::wish::{Open, ask_again, begin, complete, put, sure};
use crate::command::catalogue::AnswerKind;
use crate::command::{Outcome, Pending as Awaited, Understanding, Why};
use crate::dialogue::{Asked, CODE_DIGITS, Frozen, MOST_AGAIN, Pending, TRIES, digits};
use crate::domain::Name;
use crate::store::two_way::Person;

/// Wrong codes within any [`WRONG_WITHIN`] that lock a number, and for how long.
const MOST_WRONG: usize = 6;
const WRONG_WITHIN: Duration = Duration::from_hours(24);
const LOCKED: Duration = Duration::from_hours(24);

/// What a text said to a question.
enum Said {
    Yes,
    No,
    /// One of the commands offered.
    This(Name),
    /// Another command, exactly.
    Other(Box<Understanding>),
    /// Nothing of these.
    Else,
}

/// The text and the question that waits.
pub(super) fn answer(matter: &Matter<'_>, person: Person, pending: Pending) -> Decision {
    let said = said(matter, &person, &pending.asked);
    let mut decision = Decision {
        locale: pending.language,
        ..Decision::silent("answer", person)
    };
    let is_gone = pending
        .asked
        .command()
        .is_some_and(|name| matter.book.command(name).is_none());
    match (pending.asked.clone(), said) {
        (_, Said::Other(understanding)) => understood(matter, decision.person, Next::Drop, *understanding),
        (_, said) if is_gone || matches!(said, Said::No) => {
            decision.question = Next::Drop;
            decision.say = Some(Say::Words("cancelled", Map::new()));
            decision.because("cancelled")
        }
        (Asked::Which { .. }, Said::This(name)) => {
            let Some(command) = matter.book.command(&name) else {
                return unclear(matter, decision, pending);
            };
            guard::is_there(&mut decision.person);
            decision.question = Next::Drop;
            let first = matter.heard(&decision.person, None);
            let first = crate::command::Heard {
                text: &pending.text,
                ..first
            };
            let slots = matter.book.matcher().values(&name, &first);
            if command.consent.is_some() {
                return wants(decision, name, command, &slots, true);
            }
            begin(matter, decision, name, command, slots)
        }
        (
            Asked::Value {
                command, slot, values, ..
            },
            _,
        ) => value(matter, decision, pending, command, slot, values),
        (Asked::Confirm { command, values }, Said::Yes) => go_on(matter, decision, pending, command, values),
        (
            Asked::Code {
                command,
                values,
                code,
                wrong,
            },
            _,
        ) => match given(matter).filter(|digits| digits.len() >= CODE_DIGITS - 2) {
            Some(tried) if code.is(&tried, &command, &values) => go_on(matter, decision, pending, command, values),
            Some(_) => wrong_code(matter, decision, pending, wrong + 1),
            None => unclear(matter, decision, pending),
        },
        (Asked::Which { .. } | Asked::Confirm { .. }, _) => unclear(matter, decision, pending),
    }
}

/// Whether the text confirms what was asked: with the code that was sent, or with a yes.
pub(super) fn confirms(matter: &Matter<'_>, person: &Person, asked: &Asked) -> bool {
    match asked {
        Asked::Code {
            command, values, code, ..
        } => given(matter).is_some_and(|tried| code.is(&tried, command, values)),
        Asked::Confirm { .. } => matches!(said(matter, person, asked), Said::Yes),
        Asked::Which { .. } | Asked::Value { .. } => false,
    }
}

/// A question whose time is over: an answer to it is told so, all else is a text of its own.
pub(super) fn too_late(matter: &Matter<'_>, person: Person, pending: &Pending) -> Decision {
    let code =
        matches!(pending.asked, Asked::Code { .. }) && given(matter).is_some_and(|digits| digits.len() == CODE_DIGITS);
    let answers = code || matches!(said(matter, &person, &pending.asked), Said::Yes | Said::This(_));
    if !answers {
        return fresh(matter, person, Next::Drop);
    }
    let mut decision = Decision {
        locale: pending.language,
        question: Next::Drop,
        ..Decision::silent("expired", person)
    };
    if guard::may_answer(&mut decision.person, matter.text, matter.now) {
        decision.say = Some(Say::Words("expired", Map::new()));
    }
    decision
}

/// The code that the text gives, also where it calls it a PIN and so was stored without it.
fn given(matter: &Matter<'_>) -> Option<String> {
    matter.code.map(str::to_owned).or_else(|| digits(matter.text))
}

fn said(matter: &Matter<'_>, person: &Person, asked: &Asked) -> Said {
    if matter.code.is_some() && matches!(asked, Asked::Code { .. }) {
        return Said::Else;
    }
    let understand = |awaited| matter.book.matcher().understand(&matter.heard(person, Some(awaited)));
    let offered = match asked {
        Asked::Which { offered } => offered.as_slice(),
        Asked::Value { .. } | Asked::Confirm { .. } | Asked::Code { .. } => &[],
    };
    if !offered.is_empty() {
        let understanding = understand(Awaited::Choose(offered));
        if let (Outcome::Accept(name), true) = (&understanding.outcome, understanding.why == Why::Answer) {
            return Said::This(name.clone());
        }
    }
    let understanding = understand(Awaited::Confirm);
    let Outcome::Accept(name) = &understanding.outcome else {
        return if matter.leaves { Said::No } else { Said::Else };
    };
    let command = matter.book.command(name);
    // The word was heard already as one that leaves the question.
    if matter.leaves && command.is_some_and(|command| command.consent.is_some()) {
        return Said::No;
    }
    match command.and_then(|command| command.answers) {
        Some(AnswerKind::Yes) => Said::Yes,
        Some(AnswerKind::No) => Said::No,
        Some(AnswerKind::Score) => Said::Else,
        // The name of a command that was offered chooses it; what was said first has its values.
        None if offered.contains(name) && matches!(understanding.why, Why::Keyword(_)) => Said::This(name.clone()),
        None => Said::Other(Box::new(understanding)),
    }
}

fn value(
    matter: &Matter<'_>,
    decision: Decision,
    mut pending: Pending,
    name: Name,
    slot: String,
    mut values: Frozen,
) -> Decision {
    let Some(command) = matter.book.command(&name) else {
        return unclear(matter, decision, pending);
    };
    let heard = matter.heard(&decision.person, None);
    let heard = crate::command::Heard {
        locale: Some(pending.language),
        ..heard
    };
    let found = matter.book.matcher().answer(&name, &slot, &heard);
    let allows = |value| command.slots.get(&slot).is_some_and(|slot| slot.allows(value));
    match found.as_slice() {
        [only] if allows(only) => {
            put(&mut values, &slot, only);
            complete(matter, decision, name, command, values, None, pending.text)
        }
        [_] => {
            if pending.again >= MOST_AGAIN {
                return unclear(matter, decision, pending);
            }
            let again = pending.again + 1;
            let mut decision = complete(
                matter,
                decision,
                name,
                command,
                values,
                Some(Open::refused(slot)),
                pending.text,
            );
            if let Next::Ask(pending) = &mut decision.question {
                pending.again = again;
            }
            decision
        }
        several => {
            if let (Asked::Value { found, .. }, [_, _, ..]) = (&mut pending.asked, several) {
                *found = say::found(several, pending.language);
            }
            unclear(matter, decision, pending)
        }
    }
}

/// Confirmed.
fn go_on(matter: &Matter<'_>, mut decision: Decision, pending: Pending, name: Name, values: Frozen) -> Decision {
    let Some(command) = matter.book.command(&name) else {
        return unclear(matter, decision, pending);
    };
    guard::is_there(&mut decision.person);
    decision.question = Next::Drop;
    sure(matter, decision, name, command, values, pending.text)
}

fn wrong_code(matter: &Matter<'_>, mut decision: Decision, mut pending: Pending, tried: u8) -> Decision {
    let person = &mut decision.person;
    person.wrong.retain(|at| matter.now.since(*at) < WRONG_WITHIN);
    person.wrong.push(matter.now);
    if person.wrong.len() >= MOST_WRONG {
        person.locked_until = Some(matter.now.after(LOCKED));
        person.wrong.clear();
        decision.question = Next::Drop;
        decision.say = Some(Say::Words("locked", Map::new()));
        return decision.because("locked");
    }
    if tried >= TRIES {
        decision.question = Next::Drop;
        decision.say = Some(Say::Words("code_spent", Map::new()));
        return decision.because("code_spent");
    }
    if let Asked::Code { wrong, .. } = &mut pending.asked {
        *wrong = tried;
    }
    let left = Map::from_iter([("left".to_owned(), (TRIES - tried).into())]);
    decision.say = Some(Say::Words("code_wrong", left));
    decision.question = Next::Ask(Box::new(pending));
    decision.because("code_wrong")
}

/// Nothing that fits: asked again, or given up.
fn unclear(matter: &Matter<'_>, mut decision: Decision, mut pending: Pending) -> Decision {
    if pending.again >= MOST_AGAIN {
        decision.question = Next::Drop;
        decision.say = Some(Say::Words("given_up", Map::new()));
        return decision.because("given_up");
    }
    if !guard::may_answer(&mut decision.person, matter.text, matter.now) {
        return decision.because("unclear");
    }
    pending.again += 1;
    decision.say = Some(ask_again(matter, &pending));
    decision.question = Next::Ask(Box::new(pending));
    decision.because("unclear")
}
