//! What follows from a text: the steps in their order. Values in, a decision out.

use jiff::civil::Date;
use serde_json::{Map, Value as Json};

use super::limits::{Limits, Room};
use super::say::{self, Say};
use super::{Book, guard};
use crate::command::catalogue::{Confirmation, Consent, SlotKind};
use crate::command::slot::{Slots, Value, normal};
use crate::command::{Amount, Command, Explanation, Heard, Locale, Outcome, Understanding, Why};
use crate::dialogue::{Asked, Code, Frozen, Pending, draw};
use crate::domain::{Name, UnixMillis};
use crate::store::two_way::{Between, Person, Spend};
use crate::store::{CaseReason, Certified};

/// From this chance on a person is told what a text was like.
const LIKELY: f32 = 0.05;

/// A text and what stands around it.
pub(super) struct Matter<'a> {
    pub(super) book: &'a Book,
    pub(super) limits: &'a Limits,
    /// What it says.
    pub(super) text: &'a str,
    /// Between whom.
    pub(super) between: &'a Between,
    /// Whether it is a word that ends messages elsewhere and beside a question leaves that: CANCEL.
    pub(super) leaves: bool,
    /// For whom the number is certified.
    pub(super) certified: &'a [Certified],
    /// What a person is there for.
    pub(super) care: Care,
    pub(super) now: UnixMillis,
    pub(super) today: Date,
    /// Random bits, for codes.
    pub(super) bits: [u8; 32],
}

/// What a person is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// Nothing: nobody is.
    Nobody,
    /// What is not understood opens a case.
    Ready,
    /// A case waits for a person; what is not understood joins it, and was acknowledged.
    Waiting,
    /// A person owns the conversation.
    Owned,
}

/// What follows from a text.
#[derive(Debug)]
pub(super) struct Decision {
    /// In a word, for books and counters.
    pub(super) outcome: String,
    /// What becomes of the question that waits.
    pub(super) question: Next,
    /// What is remembered of the number.
    pub(super) person: Person,
    /// What the customer is told.
    pub(super) say: Option<Say>,
    /// In which language.
    pub(super) locale: Locale,
    /// What is to be done.
    pub(super) wish: Option<Wish>,
    /// The command that it is about.
    pub(super) command: Option<Name>,
    /// STOP, START or HELP, said in other words.
    pub(super) plea: Option<Plea>,
    /// What is left to a person.
    pub(super) case: Option<ToPerson>,
    /// Which case is asked about.
    pub(super) enquiry: Option<Enquiry>,
}

/// The wish to hear how a case stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Enquiry {
    /// The number of the case as it was said; `None` is the latest.
    pub(super) number: Option<Box<str>>,
    /// What the reply may use.
    pub(super) values: Frozen,
}

/// A text that a person answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ToPerson {
    pub(super) reason: CaseReason,
    /// What was understood of it.
    pub(super) understood: String,
    /// Whether the customer is told that a person will answer.
    pub(super) tells: bool,
}

/// A wish about what is to be sent, found in a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plea {
    pub(super) word: Consent,
    /// The topic that it names; `None` is everything.
    pub(super) topic: Option<String>,
}

/// What becomes of a question.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// It stays as it is.
    Keep,
    /// None waits.
    Drop,
    /// This one waits.
    Ask(Box<Pending>),
}

/// A confirmed wish.
#[derive(Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) values: Frozen,
    /// The text that first asked for it.
    pub(super) text: String,
    pub(super) spend: Option<Spend>,
}

/// The steps. `question` is what waits for an answer, with whether its time is over.
pub(super) fn decide(matter: &Matter<'_>, person: Person, question: Option<(Pending, bool)>) -> Decision {
    if guard::is_automatic(matter.text) {
        return Decision::silent("automatic", person);
    }
    if matter.care == Care::Owned {
        return owned(matter, person);
    }
    if !matter.limits.address(&matter.between.address) {
        return Decision::silent("address_limited", person);
    }
    if !matter.limits.fence(&matter.between.number) {
        return Decision::silent("fenced", person);
    }
    match question {
        Some((pending, false)) => super::answer::answer(matter, person, pending),
        Some((pending, true)) => super::answer::too_late(matter, person, &pending),
        None => fresh(matter, person, Next::Keep),
    }
}

/// A person owns the conversation: the machine is silent, but for who wants no more messages.
fn owned(matter: &Matter<'_>, person: Person) -> Decision {
    let understanding = matter.book.matcher().understand(&matter.heard(&person, None));
    let mut decision = Decision {
        question: Next::Drop,
        locale: matter.locale(&person, &understanding),
        case: Some(to_person(String::new(), false)),
        ..Decision::silent("owned", person)
    };
    if let Outcome::Accept(name) = understanding.outcome
        && let Some(command) = matter.book.command(&name)
        && command.consent == Some(Consent::Stop)
    {
        decision = consent(decision, name, command, &understanding.slots, &understanding.why);
    }
    decision
}

/// A text that answers no question.
pub(super) fn fresh(matter: &Matter<'_>, person: Person, question: Next) -> Decision {
    let understanding = matter.book.matcher().understand(&matter.heard(&person, None));
    understood(matter, person, question, understanding)
}

/// A text that was understood, or not.
pub(super) fn understood(
    matter: &Matter<'_>,
    person: Person,
    question: Next,
    understanding: Understanding,
) -> Decision {
    let locale = matter.locale(&person, &understanding);
    let mut decision = Decision {
        question,
        locale,
        ..Decision::silent("none", person)
    };
    let command_of = |name: &Name| matter.book.command(name);
    match understanding.outcome {
        Outcome::Accept(name) => match command_of(&name) {
            Some(command) if command.answers.is_some() => decision.because("bare_answer"),
            Some(command) if command.consent.is_some() => {
                consent(decision, name, command, &understanding.slots, &understanding.why)
            }
            Some(command) => {
                guard::is_there(&mut decision.person);
                begin(matter, decision, name, command, understanding.slots)
            }
            None => decision,
        },
        Outcome::Ask(mut names) => {
            names.retain(|name| command_of(name).is_some_and(|it| it.answers.is_none()));
            which(matter, decision, names)
        }
        Outcome::None => not_understood(matter, decision, &understanding.why),
    }
}

/// STOP, START and HELP in a sentence: whole texts of them were heard before. Nobody is taken to want messages again for
/// what merely sounds like it: they are told how to say so.
fn consent(decision: Decision, name: Name, command: &Command, slots: &Slots, why: &Why) -> Decision {
    wants(decision, name, command, slots, matches!(why, Why::Keyword(_)))
}

/// What a consent command does; START where it was asked for in so many words or chosen from an offer.
pub(super) fn wants(decision: Decision, name: Name, command: &Command, slots: &Slots, is_sure: bool) -> Decision {
    let decision = Decision {
        command: Some(name.clone()),
        ..decision
    };
    let topic = slots.values.get_key_value("topic");
    let topic = topic.and_then(|slot| normal([slot]).get("topic")?.as_str().map(str::to_owned));
    let plea = |word| Some(Plea { word, topic });
    match command.consent {
        Some(Consent::Stop) => Decision {
            plea: plea(Consent::Stop),
            question: Next::Drop,
            ..decision.because("stop")
        },
        Some(Consent::Start) if is_sure => Decision {
            plea: plea(Consent::Start),
            ..decision.because("start")
        },
        Some(Consent::Help) if command.replies_to_help() => Decision {
            say: Some(help(name)),
            ..decision.because("help")
        },
        Some(Consent::Start | Consent::Help) => Decision {
            plea: Some(Plea {
                word: Consent::Help,
                topic: None,
            }),
            ..decision.because("help")
        },
        None => decision,
    }
}

/// The catalogue's reply to HELP.
pub(super) fn help(command: Name) -> Say {
    Say::Reply {
        command,
        outcomes: vec!["ok".to_owned()],
        vars: Map::new(),
        or: "not_understood",
        own: false,
    }
}

fn which(matter: &Matter<'_>, mut decision: Decision, names: Vec<Name>) -> Decision {
    if names.is_empty() {
        return not_understood(matter, decision, &Why::Nothing);
    }
    if !guard::may_answer(&mut decision.person, matter.text, matter.now) {
        return decision.because("unsure");
    }
    decision.say = Some(which_of(matter, &names, decision.locale));
    let asked = Asked::Which { offered: names };
    matter.ask(decision, asked, matter.text.to_owned(), 0)
}

fn to_person(understood: String, tells: bool) -> ToPerson {
    ToPerson {
        reason: CaseReason::NotUnderstood,
        understood,
        tells,
    }
}

/// The commands that a text is likest, with how likely they are.
fn likeliest(explanation: &Explanation) -> String {
    let likely = explanation.model.iter().filter(|(_, chance)| *chance >= LIKELY);
    let likely: Vec<String> = likely
        .take(2)
        .map(|(name, chance)| format!("{name} {chance:.2}"))
        .collect();
    if likely.is_empty() {
        "nothing".to_owned()
    } else {
        likely.join(", ")
    }
}

/// What nothing matched: left to a person, or said so, where that may help.
fn not_understood(matter: &Matter<'_>, mut decision: Decision, why: &Why) -> Decision {
    // Numbers, courtesy, yes and no to nothing: nobody waits for an answer.
    let confirm = crate::command::Pending::Confirm;
    let heard = matter.heard(&decision.person, Some(confirm));
    // What is taken back was begun at some time: that is no answer to nothing.
    let answers = || *why != Why::Denied && matter.book.matcher().understand(&heard).why == Why::Answer;
    let bare = *why == Why::Nothing || answers();
    if bare {
        return decision.because("bare_answer");
    }
    let explanation = matter.book.matcher().explain(&matter.heard(&decision.person, None));
    // A person is not bothered with mere courtesy.
    let care = match explanation.content.is_empty() {
        true => Care::Nobody,
        false => matter.care,
    };
    if care == Care::Waiting {
        decision.case = Some(to_person(String::new(), false));
        return decision.because("case");
    }
    let answers = guard::may_answer(&mut decision.person, matter.text, matter.now);
    if care == Care::Ready {
        decision.case = Some(to_person(likeliest(&explanation), answers));
        return decision.because("case");
    }
    if answers {
        decision.say = Some(Say::Words("not_understood", Map::new()));
    }
    decision
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
    match matter.limits.room(&matter.between.number, &name) {
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

fn which_of(matter: &Matter<'_>, names: &[Name], locale: Locale) -> Say {
    let options: Vec<String> = (1..)
        .zip(names)
        .map(|(number, name)| format!("{number} {}", matter.book.called(name, locale)))
        .collect();
    Say::Words(
        "which",
        Map::from_iter([("options".to_owned(), Json::from(options.join(", ")))]),
    )
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

pub(super) fn locale_of(code: &str) -> Option<Locale> {
    Locale::ALL.into_iter().find(|locale| locale.code() == code)
}

impl Decision {
    pub(super) fn silent(outcome: &str, person: Person) -> Self {
        Self {
            outcome: outcome.to_owned(),
            question: Next::Keep,
            person,
            say: None,
            locale: Locale::En,
            wish: None,
            command: None,
            plea: None,
            case: None,
            enquiry: None,
        }
    }

    pub(super) fn because(mut self, outcome: &str) -> Self {
        outcome.clone_into(&mut self.outcome);
        self
    }
}

impl Matter<'_> {
    pub(super) fn heard<'h>(&'h self, person: &Person, pending: Option<crate::command::Pending<'h>>) -> Heard<'h> {
        Heard {
            text: self.text,
            address: Some(&self.between.address),
            pending,
            locale: self.preferred(person),
            today: self.today,
        }
    }

    /// The language that the customer has chosen, or else the address's.
    fn preferred(&self, person: &Person) -> Option<Locale> {
        let chosen = person.language.as_deref().and_then(locale_of);
        chosen.or_else(|| self.book.locale_of(&self.between.address))
    }

    /// The language of the answer.
    fn locale(&self, person: &Person, understanding: &Understanding) -> Locale {
        let chosen = person.language.as_deref().and_then(locale_of);
        chosen.unwrap_or(understanding.locale)
    }

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

    pub(super) fn ask(&self, mut decision: Decision, asked: Asked, text: String, again: u8) -> Decision {
        decision.outcome = format!("asked.{}", asked.kind());
        decision.question = Next::Ask(Box::new(Pending {
            asked,
            language: decision.locale,
            text,
            again,
        }));
        decision
    }
}

/// A value that answers a question, in its normal form.
pub(super) fn put(values: &mut Frozen, slot: &str, value: &Value) {
    values.extend(normal([(&slot.to_owned(), value)]));
}
