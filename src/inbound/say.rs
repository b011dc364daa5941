//! A text to a customer: an ordinary message of class `reply`, checked, measured and routed as any other.

use serde_json::{Map, Value as Json};

use super::Book;
use crate::accept::{Accepted, Body, Client, Code, Fault, Intake, Text, Wish, accept_answer};
use crate::command::Locale;
use crate::command::slot::Value;
use crate::dialogue::Frozen;
use crate::domain::{Flag, Flags, Name, UnixMillis};
use crate::store::Enqueue;
use crate::store::two_way::Between;

/// What a customer is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Say {
    /// As it stands.
    Plain(String),
    /// One of our own texts, with its values.
    Words(&'static str, Map<String, Json>),
    /// The same, for the recipient's eyes alone.
    Secret(&'static str, Map<String, Json>),
    /// A command's reply to an outcome; where it has none, one of our own texts.
    Reply {
        /// The command.
        command: Name,
        /// The outcomes for which it may have one, the likeliest first.
        outcomes: Vec<String>,
        /// The values of the reply.
        vars: Map<String, Json>,
        /// Our own text.
        or: &'static str,
        /// Whether it is for a certified number alone, still when it is sent: what a personal command came to.
        own: bool,
    },
}

/// Cuts of a text that is too long before nothing is left to say.
const CUTS: u32 = 12;

/// The message that says it, in answer to a text of `heard_at`; `None` where nothing can be said, which is logged.
pub fn message(
    book: &Book,
    intake: &Intake,
    client: &Client,
    between: &Between,
    locale: Locale,
    say: &Say,
    heard_at: UnixMillis,
) -> Option<Enqueue> {
    let personal = Flags::default().with(Flag::Personal);
    let (text, marks, most) = match say {
        Say::Plain(text) => (text.clone(), Flags::default(), None),
        Say::Words(key, vars) => (book.words(key, locale, vars)?.text, Flags::default(), None),
        Say::Secret(key, vars) => (book.words(key, locale, vars)?.text, personal, None),
        Say::Reply {
            command,
            outcomes,
            vars,
            or,
            own,
        } => {
            let most = book.command(command).map(|command| command.max_segments);
            let mut replies = outcomes
                .iter()
                .filter_map(|outcome| book.reply(command, outcome, locale, vars));
            let rendered = replies.next().or_else(|| book.words(or, locale, vars))?;
            let marks = if *own {
                personal.with(Flag::ForCertified)
            } else {
                personal
            };
            (rendered.text, marks, most)
        }
    };
    let accepted = accepted(book, intake, client, between, text, most, heard_at)
        .inspect_err(|faults| {
            let codes: Vec<String> = faults.iter().map(|fault| format!("{:?}", fault.code)).collect();
            tracing::error!(event = "reply_not_sent", client = %client.name, why = codes.join(", "));
        })
        .ok()?;
    client.count_accepted(accepted.message.class);
    let birth = crate::store::Birth {
        failed: accepted.ended,
        flags: Flags(accepted.flags.0 | marks.0),
        ..crate::store::Birth::default()
    };
    Some(Enqueue {
        birth: Some(Box::new(birth)),
        ..Enqueue::new(accepted.message)
    })
}

fn accepted(
    book: &Book,
    intake: &Intake,
    client: &Client,
    between: &Between,
    mut text: String,
    max_segments: Option<u8>,
    heard_at: UnixMillis,
) -> Result<Accepted, Vec<Fault>> {
    let is_name = crate::domain::SenderId::parse(&between.address).is_ok();
    let wish = Wish {
        to: Some(Text(format!("+{}", between.number).into())),
        from: is_name.then(|| Text((&*between.address).into())),
        class: Some(Text("reply".into())),
        receipt: Some(book.receipts()),
        ..Wish::default()
    };
    let mut cuts = 0;
    loop {
        let body = Body {
            text: &text,
            rich: None,
            max_segments,
            pointer: "/text",
        };
        match accept_answer(intake, client, &wish, body, heard_at) {
            Err(faults) if cuts < CUTS && faults.iter().any(|fault| fault.code == Code::TextTooLong) => {
                // What a back end gives may be longer than a reply may be: it is cut rather than kept from the customer.
                let keep = text.floor_char_boundary(text.len() * 3 / 4);
                text.truncate(keep);
                text.push_str("...");
                cuts += 1;
            }
            done => return done,
        }
    }
}

/// The values of a command as people read them, and what it is called.
pub fn values(book: &Book, command: &Name, values: &Frozen, locale: Locale) -> Map<String, Json> {
    let mut vars = Map::new();
    vars.insert("called".to_owned(), book.called(command, locale).into());
    let mut slots = values.clone();
    let sum = book.command(command).and_then(|command| command.sum());
    if let Some(sum) = sum
        && let Some(amount) = values.get(sum).and_then(Json::as_str)
    {
        slots.insert(sum.to_owned(), shown(amount, locale).into());
    }
    vars.insert("slots".to_owned(), Json::Object(slots));
    vars
}

/// The values of a command in a row: what a customer confirms.
pub(super) fn details(book: &Book, command: &Name, values: &Frozen, locale: Locale) -> String {
    let Some(command) = book.command(command) else {
        return String::new();
    };
    let mut details = String::new();
    for name in command.slots.keys() {
        let Some(value) = values.get(name) else { continue };
        let text = match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let text = if command.sum() == Some(name) {
            let said = values.get("currency").and_then(Json::as_str);
            let currency = said.unwrap_or_else(|| command.currency());
            format!("{} {currency}", shown(&text, locale))
        } else {
            text
        };
        details.push_str(if details.is_empty() { " " } else { ", " });
        details.push_str(&text);
    }
    details
}

/// Values that were found where one is wanted, as people read them.
pub(super) fn found(values: &[Value], locale: Locale) -> Vec<String> {
    let read = |value: &Value| match value {
        Value::Money(amount, currency) => {
            let amount = amount.to_string();
            let amount = shown(amount.strip_suffix(".00").unwrap_or(&amount), locale);
            currency.map_or(amount.clone(), |currency| format!("{amount} {currency}"))
        }
        Value::Msisdn(number) => number.to_string(),
        Value::Word(word) => word.clone(),
        Value::Date(date) => date.to_string(),
        Value::Count(count) => count.to_string(),
    };
    values.iter().map(read).collect()
}

/// A sum as the language writes it.
pub(super) fn shown(amount: &str, locale: Locale) -> String {
    match locale {
        Locale::En => amount.to_owned(),
        Locale::It | Locale::Fr | Locale::De | Locale::Es | Locale::Pt => amount.replace('.', ","),
    }
}
