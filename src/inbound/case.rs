//! What is left to a person: the case, what the customer is told of it, and what one hears who asks how it stands.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::say::{self, Say};
use super::{Book, decide};
use crate::accept::{Client, Intake};
use crate::command::Locale;
use crate::dialogue::Frozen;
use crate::domain::{CaseId, Name, UnixMillis};
use crate::store::two_way::Between;
use crate::store::{CaseQuery, CaseReason, CaseRecord, CaseState, CaseStep, Enqueue, NewCase, Store, StoreError};

/// A customer's cases that are looked at for one that is open.
const LATEST: u32 = 20;

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

/// A customer who asks how a case stands.
pub(super) struct Asks {
    /// Who.
    pub(super) between: Between,
    /// In whose name the customer is answered.
    pub(super) client: Arc<Client>,
    /// The customer's language.
    pub(super) locale: Locale,
    /// The command that asks for it.
    pub(super) command: Name,
    /// Its values.
    pub(super) values: Frozen,
    /// The number of the case as it was said; `None` is the latest.
    pub(super) number: Option<Box<str>>,
    /// When the text came.
    pub(super) heard_at: UnixMillis,
}

impl Asks {
    /// The case: the customer's own with that number, or the latest that is open, or the latest.
    pub(super) async fn find(&self, store: &dyn Store) -> Result<Option<CaseRecord>, StoreError> {
        let Some(said) = &self.number else {
            let query = CaseQuery {
                client: Some(self.client.name.clone()),
                number: Some(self.between.number.clone()),
                limit: LATEST,
                ..CaseQuery::default()
            };
            let cases = store.cases(&query).await?.rows;
            let open = cases.iter().find(|case| case.state != CaseState::Solved);
            return Ok(open.or(cases.first()).cloned());
        };
        let Ok(id) = said.parse().or_else(|_| format!("TK-{said}").parse()) else {
            return Ok(None);
        };
        let own = |case: &CaseRecord| case.client == self.client.name && case.between.number == self.between.number;
        Ok(store.case(id).await?.filter(own))
    }
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

    /// How a case stands, for the customer who asked; `None` is a case that is not that customer's, or none at all.
    pub(super) fn told(&self, asks: &Asks, case: Option<&CaseRecord>) -> Option<Enqueue> {
        let mut vars = say::values(self.book, &asks.command, &asks.values, asks.locale);
        let (outcome, or) = match case {
            Some(case) => {
                let about = self.standing(case, asks.locale)?;
                vars.insert("vars".to_owned(), about.clone().into());
                vars.extend(about);
                ("ok", "case_status")
            }
            None => ("case_not_found", "case_not_found"),
        };
        let say = Say::Reply {
            command: asks.command.clone(),
            outcomes: vec![outcome.to_owned()],
            vars,
            or,
            own: self.book.command(&asks.command).is_some_and(|command| command.personal),
        };
        let (client, between) = (&asks.client, &asks.between);
        say::message(
            self.book,
            self.intake,
            client,
            between,
            asks.locale,
            &say,
            asks.heard_at,
        )
    }

    /// Number, state, until when, and all of it in words.
    fn standing(&self, case: &CaseRecord, locale: Locale) -> Option<Map<String, Json>> {
        let (key, moment) = match (case.state, case.due_at) {
            (CaseState::Solved, _) => ("case_is_solved", case.solved_at),
            (CaseState::Opened | CaseState::Taken, Some(due)) => ("case_waits", Some(due)),
            (CaseState::Opened, None) => ("case_is_late", None),
            (CaseState::Taken, None) => ("case_in_hand", None),
        };
        let until = moment
            .map(|at| self.book.desk().written(at, locale))
            .unwrap_or_default();
        let mut about = Map::new();
        about.insert("case".to_owned(), case.id.to_string().into());
        about.insert("state".to_owned(), case.state.as_str().into());
        about.insert("until".to_owned(), until.into());
        let status = self.book.words(key, locale, &about)?.text;
        about.insert("status".to_owned(), status.into());
        Some(about)
    }

    fn words(&self, key: &'static str, case: CaseId, until: UnixMillis, locale: Locale) -> Say {
        let until = self.book.desk().written(until, locale);
        let vars = [("case", case.to_string()), ("until", until)];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.into()));
        Say::Words(key, Map::from_iter(vars))
    }
}
