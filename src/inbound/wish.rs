//! From a command that is asked for to a wish that nothing more is asked about: may it be, with which values, and is it
//! sure? Values in, a decision out.

use jiff::civil::Date;
use serde_json::{Map, Value as Json};

use super::decide::{Decision, Enquiry, Next, ToPerson, locale_of, which_of};
use super::limits::Room;
use super::matter::{Care, Matter};
use super::say::{self, Say};
use crate::command::catalogue::{Confirmation, SlotKind};
use crate::command::slot::{Slots, Value, normal};
use crate::command::{Amount, Command, Locale};
use crate::dialogue::{Asked, Code, Frozen, Pending, draw};
use crate::domain::Name;
use crate::store::CaseReason;
use crate::store::two_way::{Person, Spend};

/// A confirmed wish.
#[derive(Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) values: Frozen,
    /// The text that first asked for it.
    pub(super) text: String,
    pub(super) spend: Option<Spend>,
}

/// A slot that is to be asked for.
pub(super) struct Open {
    slot: String,
    /// It has a value, which is out of its range.
    refused: bool,
    /// The values that were found where one is wanted, as people read them.
    found: Vec<String>,
}

impl Open {
    fn of(slots: &Slots, locale: Locale) -> Option<Self> {
        let refused = slots.refused.keys().next().cloned().map(Self::refused);
        let unsure = || {
            let (slot, values) = slots.unsure.first_key_value()?;
            let found = say::found(values, locale);
            Some(Self {
                found,
                ..Self::missing(slot.clone())
            })
        };
        let missing = || slots.missing.first().cloned().map(Self::missing);
        refused.or_else(unsure).or_else(missing)
    }

    fn missing(slot: String) -> Self {
        Self {
            slot,
            refused: false,
            found: Vec::new(),
        }
    }

    pub(super) fn refused(slot: String) -> Self {
        Self {
            refused: true,
            ..Self::missing(slot)
        }
    }
}

/// A command that is asked for: may it be, with which values, and is it sure?
pub(super) fn begin(
    matter: &Matter<'_>,
    mut decision: Decision,
    name: Name,
    command: &Command,
    mut slots: Slots,
) -> Decision {
    decision.command = Some(name.clone());
    if decision.question == Next::Keep {
        decision.question = Next::Drop;
    }
    if let Some(why) = matter.refusal(&decision.person, &name, command) {
        decision.say = Some(matter.refused(name, why, decision.locale));
        return decision.because(why);
    }
    match matter.room(&name) {
        Room::Yes => {}
        Room::No => {
            decision.say = Some(Say::Words("limited", matter.called(&name, decision.locale)));
            return decision.because("limited");
        }
        Room::Silent => return decision.because("limited"),
    }
    for (slot, config) in &command.slots {
        let default = || config.value_of(config.default.as_ref()?.as_str());
        let said = slots.refused.contains_key(slot) || slots.unsure.contains_key(slot);
        if !slots.values.contains_key(slot)
            && !said
            && let Some(value) = default()
        {
            slots.values.insert(slot.clone(), value);
        }
    }
    let values = normal(&slots.values);
    let open = Open::of(&slots, decision.locale);
    complete(matter, decision, name, command, values, open, matter.text.to_owned())
}

/// Asks for the next value, for a confirmation, or for nothing more.
pub(super) fn complete(
    matter: &Matter<'_>,
    mut decision: Decision,
    name: Name,
    command: &Command,
    values: Frozen,
    open: Option<Open>,
    text: String,
) -> Decision {
    decision.command = Some(name.clone());
    let missing = || {
        let mut required = command.slots.iter().filter(|(_, slot)| slot.required);
        let slot = required.find(|(slot, _)| !values.contains_key(*slot))?.0.clone();
        Some(Open::missing(slot))
    };
    if let Some(open) = open.or_else(missing) {
        decision.say = Some(matter.prompt(&name, command, &open, decision.locale));
        let asked = Asked::Value {
            command: name,
            slot: open.slot,
            values,
            found: open.found,
        };
        return matter.ask(decision, asked, text, 0);
    }
    match command.confirmation {
        Confirmation::None => sure(matter, decision, name, command, values, text),
        Confirmation::Yes => {
            decision.say = Some(Say::Words("confirm", matter.shown(&name, &values, decision.locale)));
            let asked = Asked::Confirm { command: name, values };
            matter.ask(decision, asked, text, 0)
        }
        Confirmation::Code => {
            let (code, nonce) = draw(matter.bits);
            let mut vars = matter.shown(&name, &values, decision.locale);
            vars.insert("code".to_owned(), code.clone().into());
            decision.say = Some(Say::Secret("code", vars));
            let asked = Asked::Code {
                code: Code::of(&code, &nonce, &name, &values),
                command: name,
                values,
                wrong: 0,
            };
            matter.ask(decision, asked, text, 0)
        }
    }
}

/// A wish that nothing more is asked about.
pub(super) fn sure(
    matter: &Matter<'_>,
    mut decision: Decision,
    name: Name,
    command: &Command,
    values: Frozen,
    text: String,
) -> Decision {
    decision.outcome = format!("command.{name}");
    decision.command = Some(name.clone());
    if !matches!(decision.question, Next::Keep) {
        decision.question = Next::Drop;
    }
    if let Some(why) = matter.refusal(&decision.person, &name, command) {
        decision.say = Some(matter.refused(name, why, decision.locale));
        return decision.because(why);
    }
    if command.action.is_some() {
        decision.wish = Some(Wish {
            spend: spend(command, &values, matter.today),
            values,
            text,
        });
        return decision;
    }
    if command.case && matter.care != Care::Nobody {
        let details = say::details(matter.book, &name, &values, decision.locale);
        decision.case = Some(ToPerson {
            reason: CaseReason::Asked,
            understood: format!("{name}{details}"),
            tells: matter.care == Care::Ready,
        });
        return decision;
    }
    // The daemon's own: how a case stands.
    let case = command.slots.iter().find(|(_, slot)| slot.kind == SlotKind::CaseId);
    if let Some((slot, _)) = case {
        let number = values.get(slot).and_then(Json::as_str).map(Into::into);
        decision.enquiry = Some(Enquiry { number, values });
        return decision;
    }
    // And the language of the customer. All else is an answer that needs nobody, or one that nobody gives.
    let language = command.slots.iter().find(|(_, slot)| slot.kind == SlotKind::Lang);
    if let Some(language) = language.and_then(|(slot, _)| values.get(slot)?.as_str()) {
        decision.person.language = Some(language.into());
        decision.locale = locale_of(language).unwrap_or(decision.locale);
    }
    decision.say = Some(Say::Reply {
        vars: say::values(matter.book, &name, &values, decision.locale),
        command: name,
        outcomes: vec!["ok".to_owned()],
        or: "no_service",
        own: command.personal,
    });
    decision
}

/// What a wish moves, where a day has a limit.
fn spend(command: &Command, values: &Frozen, today: Date) -> Option<Spend> {
    let limit = Amount::parse(command.limits.value_per_day.as_ref()?.as_str())?;
    let amount = Amount::parse(values.get(command.sum()?)?.as_str()?)?;
    let epoch = Date::constant(1970, 1, 1);
    Some(Spend {
        day: (today - epoch).get_days().into(),
        hundredths: amount.as_hundredths(),
        limit: limit.as_hundredths(),
    })
}

/// The words in which a question is asked again.
pub(super) fn ask_again(matter: &Matter<'_>, pending: &Pending) -> Say {
    let locale = pending.language;
    match &pending.asked {
        Asked::Which { offered } => which_of(matter, offered, locale),
        Asked::Value {
            command: name,
            slot,
            found,
            ..
        } => {
            let open = Open {
                slot: slot.clone(),
                refused: false,
                found: found.clone(),
            };
            match matter.book.command(name) {
                Some(command) => matter.prompt(name, command, &open, locale),
                None => Say::Words("given_up", Map::new()),
            }
        }
        Asked::Confirm { command, values } => Say::Words("confirm", matter.shown(command, values, locale)),
        Asked::Code { .. } => Say::Words("code_unclear", Map::new()),
    }
}

impl Matter<'_> {
    /// Why a command may not be asked for: the key of what is said.
    fn refusal(&self, person: &Person, name: &Name, command: &Command) -> Option<&'static str> {
        let locked = person.locked_until.is_some_and(|until| until > self.now);
        if command.money && locked {
            return Some("locked");
        }
        (!self.may_ask(name, command)).then_some("not_certified")
    }

    /// Whether the number is certified for the client of a command that asks for it, with the profile that it asks for.
    fn may_ask(&self, name: &Name, command: &Command) -> bool {
        if !command.needs_certified() {
            return true;
        }
        let client = self.book.client(&self.between.address, Some(name));
        let held = client.and_then(|client| self.certified.iter().find(|held| held.client == client.name));
        held.is_some_and(|held| command.profile.is_none() || held.profile == command.profile)
    }

    /// What is said to who may not ask: the same whatever is missing.
    fn refused(&self, command: Name, why: &'static str, locale: Locale) -> Say {
        Say::Reply {
            vars: self.called(&command, locale),
            command,
            outcomes: vec![why.to_owned()],
            or: why,
            own: false,
        }
    }

    pub(super) fn called(&self, command: &Name, locale: Locale) -> Map<String, Json> {
        Map::from_iter([("called".to_owned(), self.book.called(command, locale).into())])
    }

    fn shown(&self, command: &Name, values: &Frozen, locale: Locale) -> Map<String, Json> {
        let mut vars = self.called(command, locale);
        let details = say::details(self.book, command, values, locale);
        vars.insert("details".to_owned(), details.into());
        vars
    }

    /// The question for a slot.
    pub(super) fn prompt(&self, name: &Name, command: &Command, open: &Open, locale: Locale) -> Say {
        let slot = command.slots.get(&open.slot);
        if let Some(slot) = slot.filter(|_| open.refused) {
            let mut vars = self.called(name, locale);
            for (key, bound) in [("min", &slot.min), ("max", &slot.max)] {
                let bound = bound.as_ref().map(|bound| say::shown(bound.as_str(), locale));
                vars.insert(key.to_owned(), bound.map_or(Json::Null, Json::from));
            }
            vars.insert("currency".to_owned(), Json::from(slot.currency.clone()));
            return Say::Words("range", vars);
        }
        if !open.found.is_empty() {
            let mut vars = self.called(name, locale);
            vars.insert("found".to_owned(), open.found.clone().into());
            return Say::Words("either", vars);
        }
        let prompt = slot.and_then(|slot| slot.prompt.get(&locale).or_else(|| slot.prompt.get(&Locale::En)));
        let prompt = prompt.or_else(|| slot?.prompt.values().next());
        match prompt {
            Some(prompt) => Say::Plain(prompt.clone()),
            None => Say::Words("value", self.called(name, locale)),
        }
    }
}

/// A value that answers a question, in its normal form.
pub(super) fn put(values: &mut Frozen, slot: &str, value: &Value) {
    values.extend(normal([(&slot.to_owned(), value)]));
}
