//! A text, and what stands around it.

use jiff::civil::Date;

use super::Book;
use super::decide::{Decision, Next, locale_of};
use super::limits::{Limits, Room, Verdicts};
use crate::command::{Heard, Locale, Understanding};
use crate::dialogue::{Asked, Pending};
use crate::domain::{Name, UnixMillis};
use crate::store::Certified;
use crate::store::two_way::{Between, Person};

/// A text and what stands around it.
pub(super) struct Matter<'a> {
    pub(super) book: &'a Book,
    pub(super) limits: &'a Limits,
    /// What those have said of the text.
    pub(super) verdicts: &'a Verdicts,
    /// Whether a text may be sent by itself once more.
    pub(super) has_room: bool,
    /// What it says.
    pub(super) text: &'a str,
    /// Digits of it that are not kept, as they stood behind a word for a secret.
    pub(super) code: Option<&'a str>,
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
    pub(super) fn preferred(&self, person: &Person) -> Option<Locale> {
        let chosen = person.language.as_deref().and_then(locale_of);
        chosen.or_else(|| self.book.locale_of(&self.between.address))
    }

    /// The language of the answer.
    pub(super) fn locale(&self, person: &Person, understanding: &Understanding) -> Locale {
        let chosen = person.language.as_deref().and_then(locale_of);
        chosen.unwrap_or(understanding.locale)
    }

    /// Whether the address takes the text.
    pub(super) fn address_room(&self) -> Room {
        let Between { number, address } = self.between;
        self.verdicts.once("", || self.limits.address(number, address))
    }

    /// Whether the number may ask for the command.
    pub(super) fn room(&self, command: &Name) -> Room {
        let ask = || self.limits.room(&self.between.number, command);
        self.verdicts.once(command.as_str(), ask)
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
