//! `araldo send`: one message, by hand.

use std::io::{self, IsTerminal, Read};

use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::problem::AdminError;
use super::{AdminOptions, cell, converse};
use crate::cli::table::number;
use crate::cli::{Exit, Global};
use crate::domain::{Class, Name};

/// The longest text read: the daemon takes far less.
const MAX_TEXT: u64 = 64 << 10;

/// Options of `araldo send`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    araldo send +393331234567 'Your card is on its way' --from MyBank\n  \
    echo 'Your card is on its way' | araldo send +393331234567 --class service\n  \
    printf '+393331234567\\nYour card is on its way' | araldo send --dry-run")]
pub struct SendArgs {
    #[command(flatten)]
    options: AdminOptions,
    /// The recipient in E.164, e.g. +393331234567; left out, the first line of standard input.
    #[arg(value_name = "NUMBER")]
    to: Option<String>,
    /// The text; left out, standard input.
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    /// The sender: a number, a short code or a name.
    #[arg(long, value_name = "SENDER")]
    from: Option<String>,
    /// The class.
    #[arg(long, value_parser = PossibleValuesParser::new(Class::ALL.map(Class::as_str)))]
    class: Option<String>,
    /// The client in whose name [default: the only one].
    #[arg(long)]
    client: Option<Name>,
    /// A word of yours, shown with the message.
    #[arg(long)]
    reference: Option<String>,
    /// Not before this time, with zone, e.g. 2026-10-01T09:00:00+02:00.
    #[arg(long, value_name = "TIME")]
    not_before: Option<Timestamp>,
    /// Not after this time.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Timestamp>,
    /// The encoding.
    #[arg(long, value_parser = ["auto", "gsm7", "latin1", "ucs2"])]
    encoding: Option<String>,
    /// Replace look-alikes (curly quotes, dashes) where that keeps the text in GSM-7 [default: as the carriers are
    /// configured].
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    smart: Option<bool>,
    /// Have the handset show it at once and not keep it.
    #[arg(long)]
    flash: bool,
    /// Ask for no receipt.
    #[arg(long)]
    no_receipt: bool,
    /// Check and count, and send nothing.
    #[arg(long)]
    dry_run: bool,
}

impl SendArgs {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        let (to, text) = match self.message() {
            Ok(message) => message,
            Err(error) => return error.report(&mut io::stderr().lock()),
        };
        converse(global, &self.options, async |client, screen| {
            let only = client.config().filter(|config| config.client.len() == 1);
            let only = only.and_then(|config| config.client.keys().next().cloned());
            let body = self.body(&to, &text, only);
            let answer = client.post("messages", Some(&body)).await?;
            if screen.wants_json() {
                screen.json(&answer)?;
                return Ok(Exit::Ok);
            }
            let plural = if answer["segments"] == 1 { "" } else { "s" };
            let shape = format!(
                "{} {} segment{plural}",
                cell(&answer, "segments"),
                cell(&answer, "encoding")
            );
            // As the daemon read it.
            let to = number(&cell(&answer, "to"), false);
            if self.dry_run {
                screen.line(&format!("would go to {to} in {shape}"))?;
            } else {
                let (id, state) = (cell(&answer, "id"), cell(&answer, "state"));
                screen.line(&format!("{id} {state} to {to} in {shape}"))?;
            }
            let replaced = cell(&answer, "characters_replaced");
            if !replaced.is_empty() {
                screen.line(&format!("replaced to stay in gsm7: {replaced}"))?;
            }
            Ok(Exit::Ok)
        })
    }

    /// The number and the text, from wherever they were given.
    fn message(&self) -> Result<(String, String), AdminError> {
        let Some(to) = self.to.as_deref() else {
            return from_input(&read_input()?);
        };
        let text = if self.text.is_empty() {
            read_input()?
        } else {
            self.text.join(" ")
        };
        if self.text.is_empty() && text.lines().count() > 1 && text.lines().next().is_some_and(is_number) {
            let both = "a number by argument and another by standard input: leave one of them out";
            return Err(AdminError::Usage(both.to_owned()));
        }
        whole(to, text.strip_suffix('\n').unwrap_or(&text))
    }

    fn body(&self, to: &str, text: &str, only: Option<Name>) -> Value {
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        put("to", Some(json!(to)));
        put("text", Some(json!(text)));
        put("client", self.client.clone().or(only).map(|name| json!(name)));
        put("from", self.from.as_ref().map(|from| json!(from)));
        put("class", self.class.as_ref().map(|class| json!(class)));
        put("reference", self.reference.as_ref().map(|reference| json!(reference)));
        put("not_before", self.not_before.map(|at| json!(at)));
        put("expires_at", self.expires_at.map(|at| json!(at)));
        put("encoding", self.encoding.as_ref().map(|encoding| json!(encoding)));
        put("smart", self.smart.map(Value::Bool));
        put("flash", self.flash.then_some(Value::Bool(true)));
        put("receipt", self.no_receipt.then_some(Value::Bool(false)));
        put("dry_run", self.dry_run.then_some(Value::Bool(true)));
        Value::Object(body)
    }
}

/// `NUMBER`, then the text on the lines after it.
fn from_input(input: &str) -> Result<(String, String), AdminError> {
    let (to, text) = input.split_once('\n').unwrap_or((input, ""));
    if !is_number(to) {
        let text = "no number: give it as the first argument, or as the first line of standard input";
        return Err(AdminError::Usage(text.to_owned()));
    }
    whole(to.trim(), text.strip_suffix('\n').unwrap_or(text))
}

fn whole(to: &str, text: &str) -> Result<(String, String), AdminError> {
    if text.is_empty() {
        return Err(AdminError::Usage(
            "no text: give it after the number, or on standard input".to_owned(),
        ));
    }
    Ok((to.to_owned(), text.to_owned()))
}

/// Whether a line is a number and nothing else.
fn is_number(line: &str) -> bool {
    let digits = line.trim().strip_prefix('+').unwrap_or_default();
    (3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn read_input() -> Result<String, AdminError> {
    if io::stdin().is_terminal() {
        return Err(AdminError::Usage(
            "no text: give it after the number, or on standard input".to_owned(),
        ));
    }
    let mut text = String::new();
    let read = io::stdin().lock().take(MAX_TEXT + 1).read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 > MAX_TEXT => {
            Err(AdminError::Usage(format!("the text is longer than {MAX_TEXT} bytes")))
        }
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(AdminError::Usage("the text is not UTF-8".to_owned()))
        }
        Err(error) => Err(AdminError::Output(error)),
    }
}
