//! `araldo messages …`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::Value;

use super::client::{AdminClient, query};
use super::problem::AdminError;
use super::{AdminOptions, cell, confirm, converse, rows};
use crate::cli::table::{Screen, number};
use crate::cli::{Exit, Global};
use crate::domain::{Class, MessageId, Name, State};

/// What to do with messages.
#[derive(Clone, Debug, clap::Args)]
pub struct MessagesVerb {
    #[command(flatten)]
    options: AdminOptions,
    #[command(subcommand)]
    act: Act,
}

#[derive(Clone, Debug, Subcommand)]
enum Act {
    /// List messages, the newest first. Numbers are masked and texts hidden.
    #[command(after_help = "Example:\n  araldo messages list --state failed --class otp --limit 20")]
    List(ListArgs),
    /// Show one message with its timeline.
    Show {
        /// Its id, as `msg_0199…`.
        id: MessageId,
        /// Show number and text whole; the daemon notes it.
        #[arg(long)]
        reveal: bool,
    },
    /// Take messages back that no carrier has yet.
    Cancel {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<MessageId>,
    },
    /// Queue messages again that have ended without success.
    ///
    /// Each is looked at first: one that has not ended, or was delivered, stops it. One that a carrier may already have
    /// delivered would reach its recipient twice: that is asked. One whose validity is over gets a new one, that of its
    /// class from now on.
    Requeue {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<MessageId>,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Clone, Debug, clap::Args)]
struct ListArgs {
    /// Only in this state.
    #[arg(long, value_parser = PossibleValuesParser::new(State::ALL.map(State::as_str)))]
    state: Option<String>,
    /// Only of this class.
    #[arg(long, value_parser = PossibleValuesParser::new(Class::ALL.map(Class::as_str)))]
    class: Option<String>,
    /// Only of this client.
    #[arg(long)]
    client: Option<Name>,
    /// Only to this number.
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// Only with this reference.
    #[arg(long)]
    reference: Option<String>,
    /// How many, 1 to 1000.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where the page before ended.
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Show numbers and texts whole; the daemon notes it.
    #[arg(long)]
    reveal: bool,
}

impl MessagesVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        converse(global, &self.options, async |client, screen| {
            match &self.act {
                Act::List(args) => args.list(client, screen).await?,
                Act::Show { id, reveal } => show(*id, *reveal, client, screen).await?,
                Act::Cancel { ids } => act(ids, "cancel", "canceled", client, screen).await?,
                Act::Requeue { ids, yes } => {
                    ask_about_copies(ids, *yes, client).await?;
                    act(ids, "requeue", "queued again", client, screen).await?;
                }
            }
            Ok(Exit::Ok)
        })
    }
}

impl ListArgs {
    async fn list(&self, client: &mut AdminClient, screen: &mut Screen) -> Result<(), AdminError> {
        let mut parameters = vec![
            ("state", self.state.clone()),
            ("class", self.class.clone()),
            ("client", self.client.as_ref().map(Name::to_string)),
            ("to", self.to.clone()),
            ("reference", self.reference.clone()),
        ];
        parameters.extend(page_query(self.limit, self.after.as_ref(), self.reveal));
        let document = client.get(&format!("messages{}", query(&parameters))).await?;
        if screen.wants_json() {
            return Ok(screen.json(&document)?);
        }
        let header = [
            "id", "accepted", "class", "to", "from", "segments", "state", "reason", "carrier",
        ];
        let mut table = screen.rows(&header, "no message");
        for row in rows(&document["data"]) {
            let cells = [
                cell(row, "id"),
                screen.time(&cell(row, "accepted_at")),
                cell(row, "class"),
                number(&cell(row, "to"), self.reveal),
                cell(row, "from"),
                cell(row, "segments"),
                cell(row, "state"),
                cell(row, "reason"),
                cell(row, "carrier"),
            ];
            screen.add(&mut table, cells);
        }
        screen.table(&table)?;
        more(&document, screen)
    }
}

async fn show(id: MessageId, reveal: bool, client: &mut AdminClient, screen: &mut Screen) -> Result<(), AdminError> {
    let reveal_parameter = reveal.then(|| "true".to_owned());
    let message = client
        .get(&format!("messages/{id}{}", query(&[("reveal", reveal_parameter)])))
        .await?;
    if screen.wants_json() {
        return Ok(screen.json(&message)?);
    }
    let mut table = screen.rows(&[], "nothing is known of it");
    for (name, value) in message.as_object().into_iter().flatten() {
        if value.is_null()
            || name == "timeline"
            || name == "segment_states"
            || value.as_array().is_some_and(Vec::is_empty)
        {
            continue;
        }
        let text = cell(&message, name);
        let shown = match name.as_str() {
            "to" => number(&text, reveal),
            name if name.ends_with("_at") || name == "not_before" => screen.time(&text),
            _ => text,
        };
        screen.add(&mut table, [name.replace('_', " "), shown]);
    }
    screen.table(&table)?;
    let mut segments = screen.rows(&["segment", "at", "state", "carrier", "carrier's id", "code"], "");
    for row in rows(&message["segment_states"]) {
        let at = screen.time(&cell(row, "at"));
        let [number, state, carrier, id, code] =
            ["number", "state", "carrier", "carrier_message_id", "code"].map(|name| cell(row, name));
        screen.add(&mut segments, [number, at, state, carrier, id, code]);
    }
    if segments.is_filled() {
        screen.line("")?;
        screen.table(&segments)?;
    }
    let mut timeline = screen.rows(&["at", "event", "carrier", "detail"], "no timeline");
    for event in rows(&message["timeline"]) {
        let known = ["at", "event", "carrier"];
        let rest = event.as_object().into_iter().flatten();
        let rest = rest.filter(|(name, value)| !known.contains(&name.as_str()) && !value.is_null());
        let rest: Vec<String> = rest.map(|(name, _)| format!("{name} {}", cell(event, name))).collect();
        let cells = [
            screen.time(&cell(event, "at")),
            cell(event, "event"),
            cell(event, "carrier"),
            rest.join(", "),
        ];
        screen.add(&mut timeline, cells);
    }
    screen.line("")?;
    Ok(screen.table(&timeline)?)
}

/// Does it to each. The first that the daemon refuses ends it, and what was done is said.
async fn act(
    ids: &[MessageId],
    act: &str,
    done: &str,
    client: &mut AdminClient,
    screen: &mut Screen,
) -> Result<(), AdminError> {
    let mut answers = Vec::new();
    for id in ids {
        let answer = client.post(&format!("messages/{id}/{act}"), None).await;
        match answer {
            Ok(answer) if screen.wants_json() => answers.push(answer),
            Ok(_) => screen.line(&format!("{id} {done}"))?,
            Err(error) => {
                screen.flush()?;
                if ids.len() > 1 {
                    // The error itself follows.
                    let _ = writeln!(io::stderr(), "{id}:");
                }
                return Err(error);
            }
        }
    }
    if screen.wants_json() {
        match (ids, answers.pop()) {
            ([_], Some(answer)) => screen.json(&answer)?,
            (_, last) => screen.json(&answers.into_iter().chain(last).collect())?,
        }
    }
    Ok(())
}

/// Looks at each. Stops at one that cannot be queued again; else says how many of each class may reach their recipient
/// a second time, and asks.
async fn ask_about_copies(ids: &[MessageId], yes: bool, client: &mut AdminClient) -> Result<(), AdminError> {
    let mut doubtful: BTreeMap<String, usize> = BTreeMap::new();
    for id in ids {
        let message = client.get(&format!("messages/{id}")).await?;
        let Some(may_have) = may_have_arrived(&message) else {
            let state = cell(&message, "state");
            return Err(AdminError::Refused(format!(
                "error: {id} is {state}: only what has ended without success can be queued again; nothing was done"
            )));
        };
        if may_have {
            *doubtful.entry(cell(&message, "class")).or_default() += 1;
        }
    }
    if doubtful.is_empty() {
        return Ok(());
    }
    let classes: Vec<String> = doubtful
        .iter()
        .map(|(class, count)| format!("{count} {class}"))
        .collect();
    let total: usize = doubtful.values().sum();
    let question = format!(
        "{total} of {} may already have been delivered ({})",
        ids.len(),
        classes.join(", ")
    );
    confirm(&question, yes)
}

/// Whether a carrier may have delivered it; `None` where the daemon does not queue it again.
fn may_have_arrived(message: &Value) -> Option<bool> {
    let notes = message.get("notes").and_then(Value::as_array);
    let doubted = notes.is_some_and(|notes| {
        notes
            .iter()
            .any(|note| note == "was_uncertain" || note == "possible_duplicate" || note == "no_carrier_id")
    });
    match cell(message, "state").parse() {
        // A state of a newer daemon.
        Ok(State::Unconfirmed) | Err(_) => Some(true),
        Ok(State::Failed) => Some(doubted || cell(message, "reason") == "outcome_unknown"),
        Ok(State::Undelivered | State::Expired | State::Quarantined) => Some(doubted),
        Ok(
            State::Scheduled
            | State::Queued
            | State::Claimed
            | State::Submitted
            | State::Uncertain
            | State::Delivered
            | State::Canceled
            | State::Suppressed,
        ) => None,
    }
}

/// The parameters of a page.
pub(super) fn page_query(limit: u32, after: Option<&String>, reveal: bool) -> [(&'static str, Option<String>); 3] {
    [
        ("limit", Some(limit.to_string())),
        ("after", after.cloned()),
        ("reveal", reveal.then(|| "true".to_owned())),
    ]
}

/// How to see the next page, to a person.
pub(super) fn more(document: &Value, screen: &mut Screen) -> Result<(), AdminError> {
    let next = cell(document, "next");
    if !next.is_empty() {
        screen.flush()?;
        // A closed standard error is no reason to fail.
        let _ = writeln!(io::stderr(), "there are more: --after {next}");
    }
    Ok(())
}
