//! What makes a catalogue unfit: commands that clash, money without a question, replies too long or in too few
//! languages. Each fault names the key, the cause and the cure; whoever loads the file adds the line.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{
    Action, AnswerKind, Authorisation, Catalogue, Command, Confirmation, Consent, Localised, Slot, SlotKind, reply,
};
use crate::command::normalise::fold;
use crate::command::speller::limit;
use crate::command::{Amount, Locale, expand};
use crate::domain::{Name, SenderId, bare};

/// One thing wrong with a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, from `command` on.
    pub key: String,
    /// Another key that it disagrees with.
    pub other: Option<String>,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub cure: String,
}

/// Words that end, begin and explain messages whatever the catalogue says: carriers and laws ask for them.
const CONSENT_WORDS: [(&str, Consent); 3] = [
    ("stop", Consent::Stop),
    ("start", Consent::Start),
    ("help", Consent::Help),
];
/// What answers a question whatever the catalogue says, folded.
const ANSWERS: [(&str, &str); 7] = [
    ("si", "yes"),
    ("ok", "yes"),
    ("yes", "yes"),
    ("no", "no"),
    ("annulla", "no"),
    ("cancel", "no"),
    ("nein", "no"),
];
/// What a reply may use beside `slots`, `vars` and, where something is called, what is in `vars`.
const ROOTS: [&str; 11] = [
    "slots", "vars", "called", "text", "result", "code", "case", "status", "state", "until", "locale",
];
/// Texts that one example may stand for.
const MOST_ALTERNATIVES: usize = 4_096;

/// Everything wrong with a catalogue, in the order of its keys.
pub fn lint(catalogue: &Catalogue) -> Vec<Fault> {
    let mut lint = Lint {
        locales: catalogue
            .values()
            .flat_map(|command| command.title.keys().copied())
            .collect(),
        faults: Vec::new(),
    };
    for (name, command) in catalogue {
        lint.command(&format!("command.{name}"), command);
    }
    lint.clashes(catalogue);
    lint.taken_by_questions(catalogue);
    lint.examples(catalogue);
    lint.answers(catalogue);
    lint.faults
}

struct Lint {
    /// The languages that customers are answered in.
    locales: BTreeSet<Locale>,
    faults: Vec<Fault>,
}

impl Lint {
    fn wrong(&mut self, key: impl Into<String>, cause: impl Into<String>, cure: impl Into<String>) {
        self.faults.push(Fault {
            key: key.into(),
            other: None,
            cause: cause.into(),
            cure: cure.into(),
        });
    }

    fn disagrees(&mut self, key: &str, other: &str, cause: String, cure: &str) {
        self.wrong(key, cause, cure);
        if let Some(fault) = self.faults.last_mut() {
            fault.other = Some(other.to_owned());
        }
    }

    fn within<T: PartialOrd + Display>(&mut self, key: String, value: T, range: RangeInclusive<T>) {
        if !range.contains(&value) {
            let (low, high) = range.into_inner();
            let cause = format!("is {value}, and must be {low} to {high}");
            self.wrong(key, cause, format!("write a number of {low} to {high}"));
        }
    }

    fn command(&mut self, key: &str, command: &Command) {
        let keyworded = command.keywords.values().any(|words| !words.is_empty());
        if command.title.is_empty() && !keyworded {
            self.wrong(
                format!("{key}.title"),
                "there is no title, nor a keyword to stand for it",
                "write e.g. title = { it = \"Saldo\", en = \"Balance\" }",
            );
        }
        self.every_locale(&format!("{key}.title"), &command.title);
        let silent = command.keywords.values().all(Vec::is_empty) && command.examples.values().all(Vec::is_empty);
        if silent && command.answers != Some(AnswerKind::Score) {
            let cause = "has neither a keyword nor an example, so that nobody can ask for it";
            self.wrong(
                key,
                cause,
                "write e.g. keywords = { it = [\"saldo\"], en = [\"balance\"] }",
            );
        }
        self.phrases(key, command);
        for (index, address) in command.addresses.iter().enumerate() {
            if let Err(error) = SenderId::parse(address) {
                let key = format!("{key}.addresses[{index}]");
                let cure = "write one of our own addresses, e.g. addresses = [\"12345\"]";
                self.wrong(key, format!("`{address}` {error}"), cure);
            }
        }
        if command.money && command.confirmation == Confirmation::None {
            let cause = "moves money, and nothing is asked before it does";
            self.wrong(
                format!("{key}.confirmation"),
                cause,
                "write confirmation = \"code\", or \"yes\" where the sender cannot be forged",
            );
        }
        self.authorisation(key, command);
        for (name, slot) in &command.slots {
            self.slot(&format!("{key}.slots.{name}"), name, slot);
        }
        self.limits(key, command);
        if let Some(action) = &command.action {
            self.action(&format!("{key}.action"), action);
        }
        self.replies(key, command);
    }

    fn authorisation(&mut self, key: &str, command: &Command) {
        match (command.authorisation, &command.profile) {
            (Authorisation::Profile, None) => {
                let key = format!("{key}.profile");
                let cause = "is missing, and authorisation is \"profile\"";
                self.wrong(
                    key,
                    cause,
                    "write e.g. profile = \"gold\", or authorisation = \"certified\"",
                );
            }
            (Authorisation::None, Some(profile)) => {
                let cause = format!("is `{profile}`, and authorisation lets anyone ask");
                let (key, other) = (format!("{key}.profile"), format!("{key}.authorisation"));
                self.disagrees(&key, &other, cause, "write authorisation = \"profile\"");
            }
            (Authorisation::None | Authorisation::Certified, None)
            | (Authorisation::Certified | Authorisation::Profile, Some(_)) => {}
        }
    }

    fn phrases(&mut self, key: &str, command: &Command) {
        for (locale, keywords) in &command.keywords {
            let mut seen = BTreeSet::new();
            for (index, keyword) in keywords.iter().enumerate() {
                let folded = fold(keyword);
                let key = format!("{key}.keywords.{locale}[{index}]");
                if folded.is_empty() {
                    self.wrong(key, "has neither letter nor digit", "leave it out");
                } else if !seen.insert(folded.clone()) {
                    self.wrong(key, format!("`{folded}` stands there already"), "leave it out");
                }
            }
        }
        for (locale, examples) in &command.examples {
            for (index, example) in examples.iter().enumerate() {
                let key = format!("{key}.examples.{locale}[{index}]");
                match expand::count(example) {
                    None => self.wrong(
                        key,
                        "has a round bracket without its partner, or one in another",
                        "write e.g. \"(vorrei|voglio) il saldo\"",
                    ),
                    Some(texts) if texts > MOST_ALTERNATIVES => {
                        let cause = format!("stands for {texts} texts, and {MOST_ALTERNATIVES} are the most");
                        self.wrong(key, cause, "write two examples with fewer alternatives");
                    }
                    Some(_) => {}
                }
            }
        }
    }

    /// Whoever is answered in a language is answered in it always.
    fn every_locale(&mut self, key: &str, texts: &Localised<String>) {
        let missing: Vec<&str> = self
            .locales
            .iter()
            .filter(|locale| !texts.contains_key(locale))
            .map(|locale| locale.code())
            .collect();
        if !missing.is_empty() && !texts.is_empty() {
            let missing = missing.join(", ");
            let cause = format!("is not there in {missing}, which other commands have a title in");
            self.wrong(
                key,
                cause,
                format!("add {key}.{}", missing.split(',').next().unwrap_or_default()),
            );
        }
    }

    fn slot(&mut self, key: &str, name: &str, slot: &Slot) {
        if name == "currency" {
            self.wrong(key, "`currency` is what a sum brings with it", "choose another name");
        }
        if slot.required && slot.prompt.is_empty() && slot.default.is_none() {
            let cause = "is required, and there is no question for it";
            self.wrong(
                format!("{key}.prompt"),
                cause,
                "write prompt = { it = \"…\", en = \"…\" }",
            );
        }
        self.every_locale(&format!("{key}.prompt"), &slot.prompt);
        if (slot.kind == SlotKind::Choice) == slot.values.is_empty() {
            let cause = if slot.values.is_empty() {
                "a choice has no values"
            } else {
                "only a choice has values"
            };
            self.wrong(
                format!("{key}.values"),
                cause,
                "write type = \"choice\" and e.g. values = { promo = [\"promo\", \"offerte\"] }",
            );
        }
        if let Some(currency) = &slot.currency {
            let key = format!("{key}.currency");
            let is_code = currency.len() == 3 && currency.bytes().all(|c| c.is_ascii_uppercase());
            if slot.kind != SlotKind::Money {
                self.wrong(key, "only a sum has a currency", "leave it out");
            } else if !is_code {
                let cause = format!("`{currency}` is no currency of ISO 4217");
                self.wrong(key, cause, "write e.g. currency = \"EUR\"");
            }
        }
        let ranged = matches!(slot.kind, SlotKind::Money | SlotKind::Count);
        for (bound, literal) in [("min", &slot.min), ("max", &slot.max)] {
            let Some(literal) = literal else { continue };
            if !ranged {
                self.wrong(
                    format!("{key}.{bound}"),
                    "only a sum or a count has a range",
                    "leave it out",
                );
            } else if slot.value_of(literal.as_str()).is_none() {
                self.wrong(
                    format!("{key}.{bound}"),
                    format!("`{literal}` is no such value"),
                    "write e.g. \"10.50\", or 10",
                );
            }
        }
        if let (Some(min), Some(max)) = (&slot.min, &slot.max)
            && Amount::parse(min.as_str()) > Amount::parse(max.as_str())
        {
            let cause = format!("is {min}, more than max, which is {max}");
            self.disagrees(&format!("{key}.min"), &format!("{key}.max"), cause, "keep min <= max");
        }
        if let Some(default) = &slot.default
            && !slot.value_of(default.as_str()).is_some_and(|value| slot.allows(&value))
        {
            let cause = format!("`{default}` is not a value that the slot allows");
            self.wrong(
                format!("{key}.default"),
                cause,
                "write one that it does, or leave it out",
            );
        }
    }

    fn limits(&mut self, key: &str, command: &Command) {
        self.within(
            format!("{key}.limits.number_per_hour"),
            command.limits.number_per_hour,
            1..=1_000,
        );
        let Some(most) = &command.limits.value_per_day else {
            return;
        };
        let key = format!("{key}.limits.value_per_day");
        if Amount::parse(most.as_str()).is_none() {
            self.wrong(key, format!("`{most}` is no sum"), "write e.g. \"500.00\"");
        } else if !command.slots.values().any(|slot| slot.kind == SlotKind::Money) {
            self.wrong(
                key,
                "the command carries no sum",
                "add a slot with type = \"money\", or leave the limit out",
            );
        }
    }

    fn action(&mut self, key: &str, action: &Action) {
        let status = action.status_url.as_ref().map(|url| ("status_url", url));
        for (name, url) in [("url", &action.url)].into_iter().chain(status) {
            if is_fixed(url) {
                continue;
            }
            let cause = "is not a fixed http or https URL";
            self.wrong(
                format!("{key}.{name}"),
                cause,
                "write e.g. \"https://bank.example/actions/topup\"; values travel in the body",
            );
        }
        for (name, span) in [("timeout", action.timeout), ("late_after", action.late_after)] {
            if !(Duration::from_millis(100)..=Duration::from_secs(60)).contains(&span) {
                let cause = format!("is {span:?}, and must be 100ms to 60s");
                self.wrong(format!("{key}.{name}"), cause, "write e.g. \"10s\"");
            }
        }
        self.within(format!("{key}.retries"), action.retries, 0..=10);
    }

    fn replies(&mut self, key: &str, command: &Command) {
        self.within(format!("{key}.max_segments"), command.max_segments, 1..=10);
        for (outcome, texts) in &command.replies {
            let key_of = format!("{key}.replies.{outcome}");
            self.every_locale(&key_of, texts);
            for (locale, template) in texts {
                let at = format!("{key_of}.{locale}");
                self.names(&at, template, command);
                match reply::segments(template) {
                    Ok(made) if made > command.max_segments.into() => {
                        let most = command.max_segments;
                        let cause = format!(
                            "makes {made} segments with ten characters for each value, and {most} are the most"
                        );
                        self.disagrees(
                            &at,
                            &format!("{key}.max_segments"),
                            cause,
                            "shorten it, or raise max_segments",
                        );
                    }
                    Ok(_) => {}
                    Err(error) => self.wrong(
                        at,
                        format!("is no template: {error}"),
                        "write values as {{ slots.amount }} or {{ vars.balance }}",
                    ),
                }
            }
        }
    }

    /// The values that a reply names, as far as they can be known before there is an answer.
    fn names(&mut self, key: &str, template: &str, command: &Command) {
        for name in reply::names(template) {
            let mut path = name.split('.');
            let root = path.next().unwrap_or_default();
            let has_sum = command.slots.values().any(|slot| slot.kind == SlotKind::Money);
            let is_known = |slot: &str| command.slots.contains_key(slot) || has_sum && slot == "currency";
            match (root, path.next()) {
                ("slots", Some(slot)) if !is_known(slot) => {
                    let known: Vec<&str> = command.slots.keys().map(String::as_str).collect();
                    let cure = match known.as_slice() {
                        [] => format!("add [{}.slots.{slot}], or leave it out", up_to_command(key)),
                        known => format!("the slots are {}", known.join(", ")),
                    };
                    self.wrong(key, format!("names `slots.{slot}`, and there is no such slot"), cure);
                }
                _ if ROOTS.contains(&root) => {}
                _ => {
                    let cure = match ROOTS.iter().find(|known| near(known, root)) {
                        Some(known) => format!("did you mean `{known}`?"),
                        // What is in an answer's `vars` stands for itself, too.
                        None if command.action.is_some() => continue,
                        None => "write what the text gave, e.g. {{ slots.amount }}".to_owned(),
                    };
                    self.wrong(key, format!("names `{name}`, which there is not"), cure);
                }
            }
        }
    }

    /// Keywords by which a question is answered: while one waits, they ask for nothing.
    fn taken_by_questions(&mut self, catalogue: &Catalogue) {
        let mut answers: BTreeMap<String, &str> = ANSWERS.map(|(word, says)| (word.to_owned(), says)).into();
        for command in catalogue.values() {
            let says = match command.answers {
                Some(AnswerKind::Yes) => "yes",
                Some(AnswerKind::No) => "no",
                Some(AnswerKind::Score) | None => continue,
            };
            answers.extend(command.keywords.values().flatten().map(|keyword| (fold(keyword), says)));
        }
        for keyword in Keyword::all(catalogue) {
            // STOP and its like are heard before any question.
            if keyword.answer || keyword.consent.is_some() {
                continue;
            }
            let folded = &keyword.folded;
            let says = match folded.bytes().all(|octet| octet.is_ascii_digit()) {
                _ if folded.is_empty() => None,
                true => Some("a number"),
                false => answers.get(folded).copied(),
            };
            if let Some(says) = says {
                let cause =
                    format!("`{folded}` is an answer ({says}): while a question waits, it asks for nothing else");
                self.wrong(&keyword.key, cause, "choose another keyword");
            }
        }
    }

    /// Examples that two commands have.
    fn examples(&mut self, catalogue: &Catalogue) {
        let mut seen: HashMap<String, (&Name, &Command, String)> = HashMap::new();
        for (name, command) in catalogue {
            for (locale, examples) in &command.examples {
                for (index, example) in examples.iter().enumerate() {
                    let key = format!("command.{name}.examples.{locale}[{index}]");
                    let texts = expand::some(example, MOST_ALTERNATIVES);
                    let clash = texts.iter().map(|text| fold(text)).find_map(|text| {
                        let (other, its, at) = seen.get(&text)?;
                        let both = both_hear(&command.addresses, &its.addresses);
                        (*other != name && both).then(|| (text, (*other).clone(), at.clone()))
                    });
                    if let Some((text, other, at)) = clash {
                        let cause = format!("`{text}` is an example of `{other}`, too");
                        self.disagrees(&key, &at, cause, "leave it in one of the two");
                    }
                    for text in texts {
                        seen.entry(fold(&text)).or_insert_with(|| (name, command, key.clone()));
                    }
                }
            }
        }
    }

    /// Keywords that two commands have, or that a typo turns into one another.
    fn clashes(&mut self, catalogue: &Catalogue) {
        let mut seen: Vec<Keyword<'_>> = Vec::new();
        for keyword in Keyword::all(catalogue) {
            if let Some((word, consent)) = keyword.shadowed_by(&seen) {
                let cause = if word == keyword.folded {
                    format!("`{word}` is a consent word ({consent}), which is obeyed before any command")
                } else {
                    format!(
                        "`{}` is so near the consent word `{word}` ({consent}) that it would be taken for it",
                        keyword.folded
                    )
                };
                self.wrong(&keyword.key, cause, "choose another keyword");
                continue;
            }
            let clash = seen.iter().find(|other| other.clashes_with(&keyword));
            if let Some(other) = clash {
                let cause = if other.folded == keyword.folded {
                    format!("`{}` is a keyword of `{}`, too", keyword.folded, other.command)
                } else {
                    format!(
                        "`{}` is one typo away from `{}`, a keyword of `{}`",
                        keyword.folded, other.folded, other.command
                    )
                };
                let other = other.key.clone();
                self.disagrees(&keyword.key, &other, cause, "choose another keyword for one of the two");
            } else {
                seen.push(keyword);
            }
        }
    }

    /// A question has one yes, one no, one score.
    fn answers(&mut self, catalogue: &Catalogue) {
        let mut seen: Vec<(AnswerKind, &Name)> = Vec::new();
        for (name, kind) in catalogue
            .iter()
            .filter_map(|(name, command)| Some((name, command.answers?)))
        {
            let key = format!("command.{name}.answers");
            match seen.iter().find(|(other, _)| *other == kind) {
                Some((_, other)) => {
                    let cause = format!("`{other}` is that answer already");
                    self.disagrees(
                        &key,
                        &format!("command.{other}.answers"),
                        cause,
                        "put the keywords in one command",
                    );
                }
                None => seen.push((kind, name)),
            }
        }
    }
}

struct Keyword<'a> {
    command: &'a Name,
    key: String,
    folded: String,
    consent: Option<Consent>,
    answer: bool,
    addresses: &'a [String],
}

impl<'a> Keyword<'a> {
    /// Every keyword, those of the consent words first.
    fn all(catalogue: &'a Catalogue) -> Vec<Self> {
        let mut all = Vec::new();
        for (name, command) in catalogue {
            for (locale, keywords) in &command.keywords {
                all.extend(keywords.iter().enumerate().map(|(index, keyword)| Self {
                    command: name,
                    key: format!("command.{name}.keywords.{locale}[{index}]"),
                    folded: fold(keyword),
                    consent: command.consent,
                    answer: command.answers.is_some(),
                    addresses: &command.addresses,
                }));
            }
        }
        all.sort_by_key(|keyword| keyword.consent.is_none());
        all
    }

    /// The consent word that would be heard instead; the answers to a question are safe, since a question is asked first.
    fn shadowed_by(&self, seen: &[Self]) -> Option<(String, Consent)> {
        if self.consent.is_some() || self.answer {
            return None;
        }
        let of_catalogue = seen
            .iter()
            .filter_map(|other| Some((other.folded.as_str(), other.consent?)));
        let mut words = CONSENT_WORDS.into_iter().chain(of_catalogue);
        words
            .find(|(word, _)| near(word, &self.folded))
            .map(|(word, consent)| (word.to_owned(), consent))
    }

    fn clashes_with(&self, other: &Self) -> bool {
        let both_hear = both_hear(self.addresses, other.addresses);
        self.command != other.command && self.answer == other.answer && both_hear && near(&self.folded, &other.folded)
    }
}

/// Whether there is an address on which both are heard.
fn both_hear(one: &[String], other: &[String]) -> bool {
    one.is_empty()
        || other.is_empty()
        || one
            .iter()
            .any(|own| other.iter().any(|address| bare(own) == bare(address)))
}

/// `command.topup` of a key in it.
fn up_to_command(key: &str) -> String {
    key.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// Whether it is a URL in which nothing is to be filled in.
fn is_fixed(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with('/')) && !url.contains(['{', ' '])
}

/// The same, or a typo apart.
fn near(one: &str, other: &str) -> bool {
    let shorter = one.chars().count().min(other.chars().count());
    one == other || strsim::osa_distance(one, other) <= limit(shorter).min(1) && limit(shorter) > 0
}
