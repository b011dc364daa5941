//! `araldo commands explain`: each stage for one text.

use std::io;

use super::wire::{flat, intent_and_ask};
use crate::cli::Exit;
use crate::cli::table::Screen;
use crate::command::{Heard, Matcher, Outcome};

/// Commands of the model that are shown.
const SHOWN: usize = 5;

pub(super) fn run(matcher: &Matcher, heard: &Heard<'_>) -> io::Result<Exit> {
    let explanation = matcher.explain(heard);
    let understanding = &explanation.understanding;
    let mut screen = Screen::of_stdout(false);
    let mut line = |name: &str, text: &str| screen.line(&format!("{name:<12} {text}"));
    line("language", explanation.locale.code())?;
    line("folded", &explanation.folded)?;
    line("spelt out", &explanation.spelt_out)?;
    line("corrected", explanation.corrected.as_deref().unwrap_or("-"))?;
    line("content", &explanation.content)?;
    let likeliest = explanation.model.iter().take(SHOWN);
    let model: Vec<String> = likeliest
        .map(|(name, probability)| format!("{name} {probability:.2}"))
        .collect();
    line(
        "model",
        &format!("{}; chatter {:.2}", model.join(", "), explanation.chatter),
    )?;
    let (intent, ask) = intent_and_ask(&understanding.outcome);
    let outcome = match &understanding.outcome {
        Outcome::Accept(_) => format!("accept {intent}"),
        Outcome::Ask(_) => format!("ask which: {}", ask.join(", ")),
        Outcome::None => "none".to_owned(),
    };
    line(
        "outcome",
        &format!("{outcome}, confidence {:.2}", understanding.confidence),
    )?;
    line("why", &understanding.why.to_string())?;
    let slots = flat(&understanding.slots);
    if !slots.is_empty() {
        line("slots", &serde_json::Value::Object(slots).to_string())?;
    }
    if !understanding.slots.missing.is_empty() {
        line("to ask for", &understanding.slots.missing.join(", "))?;
    }
    let unsure: Vec<&str> = understanding.slots.unsure.keys().map(String::as_str).collect();
    if !unsure.is_empty() {
        line("more than one", &unsure.join(", "))?;
    }
    screen.flush().map(|()| Exit::Ok)
}
