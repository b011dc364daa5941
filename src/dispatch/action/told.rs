//! What the customer is told of a call, in the words of its command.

use serde_json::{Map, Value as Json};

use super::policy::End;
use super::{Actions, locale};
use crate::backend::Said;
use crate::dialogue::Frozen;
use crate::inbound::say::{self, Say};
use crate::store::{ActionRecord, Enqueue};

impl Actions {
    /// The outcome in a word, and what the customer is told.
    pub(super) fn said(&self, record: &ActionRecord, end: &End) -> (String, Say) {
        let command = record.action.command.clone();
        let slots: Frozen = serde_json::from_str(&record.action.slots).unwrap_or_default();
        let mut vars = say::values(&self.parts.shelf.load(), &command, &slots, locale(record));
        let (result, said, or) = match end {
            End::Answered(said) => {
                let result = said.result.clone().unwrap_or_else(|| "ok".to_owned());
                let or = match result.as_str() {
                    "ok" => "done",
                    "pending" => "late",
                    _ => "refused",
                };
                (result, said.clone(), or)
            }
            End::Refused(said) => {
                let result = said.result.clone().unwrap_or_else(|| "refused".to_owned());
                (result, said.clone(), "refused")
            }
            End::Stopped(word) => ((*word).to_owned(), Said::default(), "sim_check"),
            End::Failed => ("failed".to_owned(), Said::default(), "failed"),
            End::Unknown => ("unknown".to_owned(), Said::default(), "unknown"),
        };
        fill(&mut vars, &said, &result);
        let outcomes = said.code.into_iter().chain([result.clone()]).collect();
        // What else is said is of no use to whoever else has the number.
        let tells = matches!(end, End::Answered(_) | End::Refused(_));
        let own = tells
            && self
                .parts
                .shelf
                .load()
                .command(&command)
                .is_some_and(|command| command.personal);
        let say = Say::Reply {
            command,
            outcomes,
            vars,
            or,
            own,
        };
        (result, say)
    }

    pub(super) fn called(&self, record: &ActionRecord) -> Map<String, Json> {
        let called = self.parts.shelf.load().called(&record.action.command, locale(record));
        Map::from_iter([("called".to_owned(), called.into())])
    }

    pub(super) fn message(&self, record: &ActionRecord, say: &Say) -> Option<Enqueue> {
        let action = &record.action;
        let book = self.parts.shelf.load();
        let client = book.named(&action.client)?;
        say::message(
            &book,
            &self.parts.intake,
            client,
            &action.between,
            locale(record),
            say,
            action.at,
        )
    }
}

/// What a reply may use of an answer: its `vars` by their names too, and `text` where it is plain.
fn fill(vars: &mut Map<String, Json>, said: &Said, result: &str) {
    for (name, value) in &said.vars {
        vars.entry(name.clone()).or_insert_with(|| value.clone());
    }
    vars.insert("vars".to_owned(), Json::Object(said.vars.clone()));
    vars.insert("result".to_owned(), result.into());
    if let Some(text) = &said.text {
        vars.insert("text".to_owned(), text.as_str().into());
    }
    if let Some(code) = &said.code {
        vars.insert("code".to_owned(), code.as_str().into());
    }
}
