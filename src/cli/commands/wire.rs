//! Texts and what they were taken for, as JSON.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::cli::filter::Fault;
use crate::command::slot::{Slots, normal};
use crate::command::{Heard, Matcher, Outcome, Pending};

/// A line to match. Keys beside these are let be, so that a labelled line goes in as it is.
#[derive(Debug, Deserialize)]
struct Given {
    #[serde(default)]
    id: Json,
    text: String,
    #[serde(default)]
    context: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: Json,
    intent: String,
    ask: Vec<String>,
    slots: Map<String, Json>,
    confidence: f64,
    why: String,
}

/// What a line was taken for.
pub(super) fn answer(matcher: &Matcher, today: Date, line: &str) -> Result<Shown, Fault> {
    let given: Given = serde_json::from_str(line)?;
    let pending = pending(given.context.as_deref())
        .map_err(|known| Fault::new("invalid_value").field("context").detail(known))?;
    let understanding = matcher.understand(&Heard {
        text: &given.text,
        address: None,
        pending,
        locale: None,
        today,
    });
    let (intent, ask) = intent_and_ask(&understanding.outcome);
    Ok(Shown {
        id: given.id,
        intent,
        ask,
        slots: flat(&understanding.slots),
        confidence: (f64::from(understanding.confidence) * 1_000.0).round() / 1_000.0,
        why: understanding.why.to_string(),
    })
}

/// The pending question by its name, or the names that there are.
pub(super) fn pending(context: Option<&str>) -> Result<Option<Pending<'static>>, &'static str> {
    Ok(match context {
        None => None,
        Some("confirm") => Some(Pending::Confirm),
        Some("survey_nps") => Some(Pending::Score(0, 10)),
        Some("survey_csat5") => Some(Pending::Score(1, 5)),
        Some(_) => return Err("confirm, survey_nps, survey_csat5"),
    })
}

/// A command's name or `oos`, and the commands to ask about.
pub(super) fn intent_and_ask(outcome: &Outcome) -> (String, Vec<String>) {
    match outcome {
        Outcome::Accept(name) => (name.to_string(), Vec::new()),
        Outcome::Ask(names) => ("oos".to_owned(), names.iter().map(ToString::to_string).collect()),
        Outcome::None => ("oos".to_owned(), Vec::new()),
    }
}

/// Slots in their normal forms; a sum's currency stands beside it.
pub(super) fn flat(slots: &Slots) -> Map<String, Json> {
    // What is out of the command's range was said all the same.
    normal(slots.values.iter().chain(&slots.refused))
}
