//! `araldo cases …`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{AdminClient, query, segment};
use super::messages::{more, page_query};
use super::problem::AdminError;
use super::{AdminOptions, cell, converse, rows};
use crate::cli::table::{Screen, number};
use crate::cli::{Exit, Global};

/// What to do with cases: what customers texted that a person answers.
#[derive(Clone, Debug, clap::Args)]
pub struct CasesVerb {
    #[command(flatten)]
    options: AdminOptions,
    #[command(subcommand)]
    act: Act,
}

#[derive(Clone, Debug, Subcommand)]
enum Act {
    /// List them, the newest first. Numbers are masked.
    List {
        /// Only in this state: opened, taken, solved.
        #[arg(long)]
        state: Option<String>,
        /// Only of this owner.
        #[arg(long)]
        owner: Option<String>,
        /// How many, 1 to 1000.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Go on where the page before ended.
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
        /// Show numbers whole; the daemon notes it.
        #[arg(long)]
        reveal: bool,
    },
    /// Show one with its notes and the customer's latest texts.
    Show {
        /// The case's number, e.g. TK-48213077.
        case: String,
        /// Show number and texts; the daemon notes it.
        #[arg(long)]
        reveal: bool,
    },
    /// Take one: from then on the conversation is yours.
    Take {
        /// The case's number.
        case: String,
        /// Who takes it.
        #[arg(long)]
        by: String,
        /// Who owns it now, to take it over.
        #[arg(long, value_name = "OWNER")]
        from: Option<String>,
    },
    /// Sign a note on one.
    Note {
        /// The case's number.
        case: String,
        /// Who notes it.
        #[arg(long)]
        by: String,
        /// What.
        text: String,
    },
    /// Answer the customer, as its owner.
    Answer {
        /// The case's number.
        case: String,
        /// Who answers.
        #[arg(long)]
        by: String,
        /// What.
        text: String,
    },
    /// Close one, as its owner.
    Solve {
        /// The case's number.
        case: String,
        /// Who closes it.
        #[arg(long)]
        by: String,
    },
}

impl CasesVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        converse(global, &self.options, async |client, screen| match &self.act {
            Act::List {
                state,
                owner,
                limit,
                after,
                reveal,
            } => {
                let mut parameters = page_query(*limit, after.as_ref(), *reveal).to_vec();
                parameters.push(("state", state.clone()));
                parameters.push(("owner", owner.clone()));
                let document = client.get(&format!("cases{}", query(&parameters))).await?;
                list(screen, &document, *reveal)
            }
            Act::Show { case, reveal } => {
                let parameters = [("reveal", reveal.then(|| "true".to_owned()))];
                let path = format!("cases/{}{}", segment(case), query(&parameters));
                let document = client.get(&path).await?;
                show(screen, &document, *reveal)
            }
            Act::Take { case, by, from } => {
                let mut body = json!({ "by": by });
                if let Some(from) = from {
                    body["from"] = json!(from);
                }
                act(client, screen, case, "take", &body).await
            }
            Act::Note { case, by, text } => act(client, screen, case, "note", &json!({ "by": by, "text": text })).await,
            Act::Answer { case, by, text } => {
                act(client, screen, case, "answer", &json!({ "by": by, "text": text })).await
            }
            Act::Solve { case, by } => act(client, screen, case, "solve", &json!({ "by": by })).await,
        })
    }
}

async fn act(
    client: &mut AdminClient,
    screen: &mut Screen,
    case: &str,
    act: &str,
    body: &Value,
) -> Result<Exit, AdminError> {
    let path = format!("cases/{}/{act}", segment(case));
    let document = client.post(&path, Some(body)).await?;
    show(screen, &document, false)
}

fn list(screen: &mut Screen, document: &Value, reveal: bool) -> Result<Exit, AdminError> {
    if screen.wants_json() {
        screen.json(document)?;
        return Ok(Exit::Ok);
    }
    let mut table = screen.rows(
        &["case", "state", "number", "address", "owner", "opened", "due"],
        "no case",
    );
    for row in rows(&document["data"]) {
        let cells = [
            cell(row, "id"),
            format!("{} ({})", cell(row, "state"), cell(row, "colour")),
            number(&cell(row, "msisdn"), reveal),
            cell(row, "address"),
            cell(row, "owner"),
            screen.time(&cell(row, "opened_at")),
            screen.time(&cell(row, "due_at")),
        ];
        screen.add(&mut table, cells);
    }
    screen.table(&table)?;
    more(document, screen)?;
    Ok(Exit::Ok)
}

fn show(screen: &mut Screen, document: &Value, reveal: bool) -> Result<Exit, AdminError> {
    if screen.wants_json() {
        screen.json(document)?;
        return Ok(Exit::Ok);
    }
    let who = number(&cell(document, "msisdn"), reveal);
    let owner = cell(document, "owner");
    screen.line(&format!(
        "{} {} ({}){}: {who} to {}, understood: {}",
        cell(document, "id"),
        cell(document, "state"),
        cell(document, "colour"),
        if owner.is_empty() {
            String::new()
        } else {
            format!(", {owner}'s")
        },
        cell(document, "address"),
        cell(document, "understood"),
    ))?;
    let mut notes = screen.rows(&["at", "by", "note"], "no note");
    for note in rows(&document["notes"]) {
        let cells = [screen.time(&cell(note, "at")), cell(note, "by"), cell(note, "text")];
        screen.add(&mut notes, cells);
    }
    screen.table(&notes)?;
    let mut texts = screen.rows(&["at", "direction", "text", "state"], "no text");
    for text in rows(&document["history"]) {
        let cells = [
            screen.time(&cell(text, "at")),
            cell(text, "direction"),
            cell(text, "text"),
            cell(text, "state"),
        ];
        screen.add(&mut texts, cells);
    }
    screen.table(&texts)?;
    Ok(Exit::Ok)
}
