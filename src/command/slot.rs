//! Slots: the values that a text carries, read from the text as it was written.
//!
//! Each kind has its reader. A reader takes the tokens that are its own, so that no number is read twice: what can be
//! nothing else (phone numbers, dates, sums with a currency) goes first.

mod choice;
mod date;
mod digits;
mod money;
mod number;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value as Json};

pub(crate) use choice::is_language;
pub(crate) use date::is_date_word;
pub(crate) use money::{currency_in, currency_of};
pub(crate) use number::{is_number_word, spoken};

use super::Locale;
use super::amount::Amount;
use super::catalogue::{Command, Slot, SlotKind};
use super::normalise::Token;
use crate::domain::{Msisdn, Region};

/// A value of a slot, in its normal form.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A sum, and its currency by ISO 4217 if it was said.
    Money(Amount, Option<&'static str>),
    /// A phone number.
    Msisdn(Msisdn),
    /// Digits or letters: the end of a card's number, a case in upper case, a language by ISO 639-1, a choice, a text.
    Word(String),
    /// A day.
    Date(Date),
    /// A whole number.
    Count(u32),
}

/// What a text gave for the slots of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slots {
    /// What is known, by the slot's name.
    pub values: BTreeMap<String, Value>,
    /// Required slots for which nothing was found: to be asked for.
    pub missing: Vec<String>,
    /// Slots for which two values or more were found, or one that cannot be read: to be asked about.
    pub unsure: BTreeMap<String, Vec<Value>>,
    /// Slots whose value the catalogue does not allow, out of range or in another currency, with that value.
    pub refused: BTreeMap<String, Value>,
}

/// What a reader knows beside the text.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The language of the text: it decides what a comma means.
    pub locale: Locale,
    /// The customer's day, from which `yesterday` is counted.
    pub today: Date,
    /// The country of numbers written without its code.
    pub home: Region,
}

/// What a reader found.
#[derive(Debug, Default)]
struct Found {
    values: Vec<Value>,
    /// There is a value that nobody can read for sure.
    unsure: bool,
}

/// The text in tokens, with those marked that a slot has taken.
struct Page<'a> {
    tokens: &'a [Token<'a>],
    text: &'a str,
    taken: Vec<bool>,
    setting: Setting,
}

/// Reads every slot of a command. `rest` is where the text goes on behind the keyword, in bytes: what a `text` slot is.
pub fn read(command: &Command, text: &str, tokens: &[Token<'_>], rest: usize, setting: Setting) -> Slots {
    let mut page = Page {
        tokens,
        text,
        taken: vec![false; tokens.len()],
        setting,
    };
    let mut order: Vec<(&String, &Slot)> = command.slots.iter().collect();
    order.sort_by_key(|(_, slot)| turn(slot.kind));
    let mut slots = Slots::default();
    for (name, slot) in order {
        let found = page.read(slot, rest);
        slots.enter(name, slot, found);
    }
    slots
}

/// Reads one slot from a text that answers the question for it.
pub fn answer(slot: &Slot, text: &str, tokens: &[Token<'_>], setting: Setting) -> Vec<Value> {
    let taken = vec![false; tokens.len()];
    let mut page = Page {
        tokens,
        text,
        taken,
        setting,
    };
    let found = page.read(slot, 0);
    // Beside what cannot be read, nothing is sure.
    if found.unsure && found.values.len() < 2 {
        return Vec::new();
    }
    found.values
}

/// The order of the readers: the surest first.
const fn turn(kind: SlotKind) -> u8 {
    match kind {
        SlotKind::Msisdn => 0,
        SlotKind::CardLast4 => 1,
        SlotKind::Date => 2,
        SlotKind::Money => 3,
        SlotKind::CaseId => 4,
        SlotKind::Count => 5,
        SlotKind::Lang => 6,
        SlotKind::Choice => 7,
        SlotKind::Text => 8,
    }
}

impl Slots {
    fn enter(&mut self, name: &str, slot: &Slot, found: Found) {
        let Found {
            values: mut found,
            unsure,
        } = found;
        if unsure {
            // Nobody is asked which of one.
            if found.len() < 2 {
                found.clear();
            }
            self.unsure.insert(name.to_owned(), found);
            return;
        }
        if found.is_empty() {
            match slot
                .default
                .as_ref()
                .and_then(|literal| slot.value_of(literal.as_str()))
            {
                // A default is what the action uses; it was not said, so it is no value of the text.
                Some(_) => {}
                None if slot.required => self.missing.push(name.to_owned()),
                None => {}
            }
            return;
        }
        if found.len() > 1 {
            self.unsure.insert(name.to_owned(), found);
            return;
        }
        let value = found.remove(0);
        if slot.allows(&value) {
            self.values.insert(name.to_owned(), value);
        } else {
            self.refused.insert(name.to_owned(), value);
        }
    }
}

/// Values in their normal forms, as back ends get them; a sum's currency stands beside it.
pub fn normal<'a>(values: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Map<String, Json> {
    let mut normal = Map::new();
    for (name, value) in values {
        if let Value::Money(_, Some(currency)) = value {
            normal.insert("currency".to_owned(), Json::from(*currency));
        }
        normal.insert(name.clone(), value.normal());
    }
    normal
}

impl Value {
    fn normal(&self) -> Json {
        match self {
            Self::Money(amount, _) => Json::from(amount.to_string()),
            Self::Msisdn(number) => Json::from(number.to_string()),
            Self::Word(word) => Json::from(word.as_str()),
            Self::Date(date) => Json::from(date.to_string()),
            Self::Count(count) => Json::from(*count),
        }
    }
}

impl Slot {
    /// A value as the configuration writes it: the default.
    pub fn value_of(&self, literal: &str) -> Option<Value> {
        match self.kind {
            SlotKind::Money => Amount::parse(literal).map(|amount| Value::Money(amount, None)),
            SlotKind::Count => literal.parse().ok().map(Value::Count),
            SlotKind::Msisdn => Msisdn::parse(literal).ok().map(Value::Msisdn),
            SlotKind::Date => None,
            SlotKind::Choice => self
                .values
                .contains_key(literal)
                .then(|| Value::Word(literal.to_owned())),
            SlotKind::CardLast4 | SlotKind::CaseId | SlotKind::Text | SlotKind::Lang => {
                Some(Value::Word(literal.to_owned()))
            }
        }
    }

    /// Whether the value is within the slot's range, and of its currency.
    pub fn allows(&self, value: &Value) -> bool {
        let value = match value {
            Value::Money(_, Some(said)) if self.currency.as_ref().is_some_and(|own| own != said) => return false,
            Value::Money(amount, _) => *amount,
            Value::Count(count) => Amount::units((*count).into()),
            Value::Msisdn(_) | Value::Word(_) | Value::Date(_) => return true,
        };
        let bound = |literal: &Option<super::catalogue::Literal>| {
            literal.as_ref().and_then(|literal| Amount::parse(literal.as_str()))
        };
        bound(&self.min).is_none_or(|min| min <= value) && bound(&self.max).is_none_or(|max| value <= max)
    }
}

impl Page<'_> {
    fn read(&mut self, slot: &Slot, rest: usize) -> Found {
        let values = match slot.kind {
            SlotKind::Money => return self.money(),
            SlotKind::Msisdn => self.msisdn(),
            SlotKind::CardLast4 => self.card_last4(),
            SlotKind::Date => self.date(),
            SlotKind::Count => self.count(slot),
            SlotKind::Choice => self.choice(slot),
            SlotKind::CaseId => self.case_id(),
            SlotKind::Lang => self.language(),
            SlotKind::Text => self.rest(rest),
        };
        Found { values, unsure: false }
    }

    fn rest(&self, from: usize) -> Vec<Value> {
        let rest = self.text.get(from..).unwrap_or_default().trim();
        if rest.is_empty() {
            Vec::new()
        } else {
            vec![Value::Word(rest.to_owned())]
        }
    }

    /// The folded token at a place that no slot has taken.
    fn free(&self, at: usize) -> Option<&str> {
        let token = self.tokens.get(at)?;
        (!self.taken[at]).then_some(token.folded.as_str())
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.folded)
    }

    fn before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |before| self.word(before))
    }

    fn take(&mut self, from: usize, to: usize) {
        self.taken[from..to].fill(true);
    }
}

/// The distinct values, in the order of the text.
fn distinct(values: Vec<Value>) -> Vec<Value> {
    let mut distinct: Vec<Value> = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}
