//! What is left to a person: the case, and what the customer is told of it.

use serde_json::Map;

use super::say::{self, Say};
use super::{Book, decide};
use crate::accept::{Client, Intake};
use crate::command::Locale;
use crate::domain::{CaseId, UnixMillis};
use crate::store::two_way::Between;
use crate::store::{CaseReason, CaseRecord, CaseStep, Enqueue, NewCase};

/// What promises an answer by a person, and says so.
#[derive(Clone, Copy)]
pub struct Promise<'a> {
    /// The people and the words.
    pub book: &'a Book,
    /// What checks the texts.
    pub intake: &'a Intake,
}

/// What is left to a person.
pub struct Left<'a> {
    /// The number of its case.
    pub id: CaseId,
    /// Between whom.
    pub between: &'a Between,
    /// In whose name the customer is answered.
    pub client: &'a Client,
    /// The customer's language.
    pub locale: Locale,
    /// Why.
    pub reason: CaseReason,
    /// What was understood of the text.
    pub understood: Option<Box<str>>,
    /// What the owner should know beside the text.
    pub note: Option<Box<str>>,
    /// When the text came.
    pub heard_at: UnixMillis,
    /// Whether the customer is told.
    pub tells: bool,
}

impl Promise<'_> {
    /// Opens a case, and tells the customer until when a person answers.
    pub fn open(&self, left: Left<'_>, now: UnixMillis) -> (CaseStep, Option<Enqueue>) {
        let due_at = self.book.desk().due(now);
        let key = match left.reason {
            CaseReason::NotUnderstood | CaseReason::Asked => "case_opened",
            CaseReason::ActionUnknown => "case_unknown",
        };
        let told = left.tells.then(|| {
            let say = self.words(key, left.id, due_at, left.locale);
            let (client, between) = (left.client, left.between);
            say::message(
                self.book,
                self.intake,
                client,
                between,
                left.locale,
                &say,
                left.heard_at,
            )
        });
        let new = NewCase {
            id: left.id,
            between: left.between.clone(),
            client: left.client.name.clone(),
            reason: left.reason,
            understood: left.understood,
            language: left.locale.code().into(),
            heard_at: left.heard_at,
            due_at,
            note: left.note,
        };
        (CaseStep::Open(Box::new(new)), told.flatten())
    }

    /// The truth when the wait is over and nobody has answered.
    pub fn broken(&self, case: &CaseRecord) -> Option<Enqueue> {
        let client = self.book.named(&case.client)?;
        let locale = decide::locale_of(&case.language).unwrap_or(Locale::En);
        let say = self.words("case_overdue", case.id, case.due_at?, locale);
        say::message(
            self.book,
            self.intake,
            client,
            &case.between,
            locale,
            &say,
            case.heard_at,
        )
    }

    fn words(&self, key: &'static str, case: CaseId, until: UnixMillis, locale: Locale) -> Say {
        let until = self.book.desk().written(until, locale);
        let vars = [("case", case.to_string()), ("until", until)];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.into()));
        Say::Words(key, Map::from_iter(vars))
    }
}
