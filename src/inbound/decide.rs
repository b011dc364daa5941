//! What follows from a text: the steps in their order. Values in, a decision out.

use serde_json::{Map, Value as Json};

use super::guard::{self, Notice};
use super::limits::Room;
use super::matter::{Care, Matter};
use super::say::Say;
use super::wish::{Wish, begin};
use crate::command::catalogue::Consent;
use crate::command::slot::{Slots, normal};
use crate::command::{Command, Explanation, Locale, Outcome, Understanding, Why};
use crate::dialogue::{Asked, Frozen, Pending};
use crate::domain::{Name, Shared};
use crate::store::CaseReason;
use crate::store::two_way::Person;

/// From this chance on a person is told what a text was like.
const LIKELY: f32 = 0.05;

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

/// The steps. `question` is what waits for an answer, with whether its time is over.
pub(super) fn decide(matter: &Matter<'_>, person: Person, question: Option<(Pending, bool)>) -> Decision {
    if Shared::is_marked(matter.text) && matter.care == Care::Owned {
        return shared(matter, person);
    }
    if matter.care == Care::Owned {
        return unanswered(matter, person, "owned");
    }
    if is_automatic(matter, &person) {
        return unanswered(matter, person, "automatic");
    }
    if !matter.has_room {
        return fenced(matter, person, question);
    }
    match matter.address_room() {
        Room::Yes => {}
        Room::No => {
            let mut decision = unanswered(matter, person, "address_limited");
            if decision.plea.is_none() {
                decision.say = Some(Say::Words("busy", Map::new()));
            }
            return decision;
        }
        Room::Silent => return unanswered(matter, person, "address_limited"),
    }
    if Shared::is_marked(matter.text) {
        return shared(matter, person);
    }
    match question {
        Some((pending, false)) => super::answer::answer(matter, person, pending),
        Some((pending, true)) => super::answer::too_late(matter, person, &pending),
        None => fresh(matter, person, Next::Keep),
    }
}

/// Whether the text is a machine's: it looks like a notice as a whole, and no wish is heard in it that people have who are
/// away. What says of itself that a machine wrote it must ask for help to be taken for a person's.
fn is_automatic(matter: &Matter<'_>, person: &Person) -> bool {
    let Some(notice) = guard::notice(matter.text) else {
        return false;
    };
    let understanding = matter.book.matcher().understand(&matter.heard(person, None));
    match (notice, understanding.outcome) {
        (_, Outcome::None) | (Notice::Declared, Outcome::Ask(_)) => true,
        (Notice::Away, Outcome::Accept(_) | Outcome::Ask(_)) => false,
        (Notice::Declared, Outcome::Accept(name)) => {
            let command = matter.book.command(&name);
            !command.is_some_and(|command| command.sensitive || command.case)
        }
    }
}

/// So much was sent by itself of late that two machines may be at it. What confirms a wish is heard, since no loop says it;
/// what cannot wait goes to a person, and nothing is said.
fn fenced(matter: &Matter<'_>, person: Person, question: Option<(Pending, bool)>) -> Decision {
    if let Some((pending, false)) = question
        && super::answer::confirms(matter, &person, &pending.asked)
    {
        return super::answer::answer(matter, person, pending);
    }
    let understanding = matter.book.matcher().understand(&matter.heard(&person, None));
    let mut decision = unanswered(matter, person, "fenced");
    if let Outcome::Accept(name) = understanding.outcome
        && matter.care == Care::Ready
        && matter
            .book
            .command(&name)
            .is_some_and(|command| command.sensitive || command.case)
    {
        decision.case = Some(to_person(name.to_string(), false));
    }
    decision
}

/// A text that no machine answers: it goes into the conversation that a person has or is to have, and whoever wants no
/// more messages is heard all the same, but for a machine in whose words that merely sounds so.
fn unanswered(matter: &Matter<'_>, person: Person, why: &str) -> Decision {
    let understanding = matter.book.matcher().understand(&matter.heard(&person, None));
    let joins = matches!(matter.care, Care::Owned | Care::Waiting);
    let mut decision = Decision {
        locale: matter.locale(&person, &understanding),
        case: joins.then(|| to_person(String::new(), false)),
        ..Decision::silent(why, person)
    };
    if matter.care == Care::Owned {
        decision.question = Next::Drop;
    }
    if let Outcome::Accept(name) = understanding.outcome
        && let Some(command) = matter.book.command(&name)
    {
        let is_sure = matches!(understanding.why, Why::Keyword(_));
        let heard = match command.consent {
            Some(Consent::Stop) => is_sure || why != "automatic",
            Some(Consent::Start) => is_sure,
            Some(Consent::Help) | None => false,
        };
        if heard {
            decision = consent(decision, name, command, &understanding.slots, &understanding.why);
        }
    }
    decision
}

/// A place or a file: no words, so neither a command nor the answer to a question, which goes on waiting. A person looks at
/// it, where one is there.
fn shared(matter: &Matter<'_>, mut person: Person) -> Decision {
    let tells = matter.care == Care::Ready && guard::may_answer(&mut person, matter.text, matter.now);
    let locale = matter.preferred(&person);
    let mut decision = Decision::silent("shared", person);
    decision.locale = locale.unwrap_or(decision.locale);
    let kind = Shared::read(matter.text).map_or("object", |shared| shared.kind());
    decision.case = (matter.care != Care::Nobody).then(|| to_person(format!("a shared {kind}"), tells));
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

pub(super) fn which_of(matter: &Matter<'_>, names: &[Name], locale: Locale) -> Say {
    let options: Vec<String> = (1..)
        .zip(names)
        .map(|(number, name)| format!("{number} {}", matter.book.called(name, locale)))
        .collect();
    Say::Words(
        "which",
        Map::from_iter([("options".to_owned(), Json::from(options.join(", ")))]),
    )
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
