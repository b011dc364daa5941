//! `araldo webhooks …`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{AdminClient, query};
use super::problem::AdminError;
use super::{AdminOptions, cell, confirm, converse, rows};
use crate::cli::table::Screen;
use crate::cli::{Exit, Global};

/// What to do with webhooks.
#[derive(Clone, Debug, clap::Args)]
pub struct WebhooksVerb {
    #[command(flatten)]
    options: AdminOptions,
    #[command(subcommand)]
    act: Act,
}

#[derive(Clone, Debug, Subcommand)]
enum Act {
    /// List the endpoints: what waits for each, what was given up, which are switched off, and why: `switched_off` by a
    /// person, `status_410` by their answer, `failing` for days and asked once an hour.
    List,
    /// List the dead letters, newest first.
    Dead {
        /// Only of this endpoint, as `webhooks list` shows it.
        #[arg(long)]
        endpoint: Option<String>,
        /// How many at the most, 1 to 1000.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// The `next` of the page before.
        #[arg(long)]
        after: Option<String>,
    },
    /// Send dead letters again, under the same ids: one, a range, or all of an endpoint.
    #[command(
        after_help = "Examples:\n  araldo webhooks replay evt_0193...01_42\n  araldo webhooks replay --from 40 --to 99\n  \
                      araldo webhooks replay --endpoint bank"
    )]
    #[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["id", "from", "to", "endpoint"]))]
    Replay {
        /// The event's id.
        #[arg(conflicts_with_all = ["from", "to", "endpoint"])]
        id: Option<String>,
        /// The place of the first, as `webhooks dead` shows it.
        #[arg(long, requires = "to")]
        from: Option<i64>,
        /// The place of the last.
        #[arg(long, requires = "from")]
        to: Option<i64>,
        /// Only of this endpoint.
        #[arg(long)]
        endpoint: Option<String>,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Send to an endpoint again, beginning with what waits for it.
    Enable {
        /// The endpoint, as `webhooks list` shows it.
        endpoint: String,
    },
    /// Send nothing more to an endpoint: what is for it waits.
    Disable {
        /// The endpoint, as `webhooks list` shows it.
        endpoint: String,
    },
}

impl WebhooksVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        converse(global, &self.options, async |client, screen| {
            match &self.act {
                Act::List => list(client, screen).await?,
                Act::Dead { endpoint, limit, after } => {
                    let parameters = [
                        ("endpoint", endpoint.clone()),
                        ("limit", Some(limit.to_string())),
                        ("after", after.clone()),
                    ];
                    dead(client, screen, &query(&parameters)).await?;
                }
                Act::Replay {
                    id,
                    from,
                    to,
                    endpoint,
                    yes,
                } => {
                    if id.is_none() {
                        confirm("every dead letter of that choice is sent again", *yes)?;
                    }
                    let wish = json!({ "id": id, "from": from, "to": to, "endpoint": endpoint });
                    let answer = client.post("webhooks/replay", Some(&wish)).await?;
                    let replayed = answer["replayed"].as_u64().unwrap_or(0);
                    say(screen, &answer, &format!("{replayed} dead letters are sent again"))?;
                    if replayed == 0 {
                        return Ok(Exit::NotFound);
                    }
                }
                Act::Enable { endpoint } => switch(client, screen, endpoint, true).await?,
                Act::Disable { endpoint } => switch(client, screen, endpoint, false).await?,
            }
            Ok(Exit::Ok)
        })
    }
}

async fn list(client: &mut AdminClient, screen: &mut Screen) -> Result<(), AdminError> {
    let document = client.get("webhooks").await?;
    if screen.wants_json() {
        return Ok(screen.json(&document)?);
    }
    let header = [
        "endpoint",
        "state",
        "pending",
        "oldest",
        "dead",
        "paused until",
        "off since",
        "why",
    ];
    let mut table = screen.rows(&header, "no client has a webhook");
    for row in rows(&document["data"]) {
        let cells = [
            cell(row, "endpoint"),
            cell(row, "state"),
            cell(row, "pending"),
            screen.ago(&cell(row, "oldest_pending_at")),
            cell(row, "dead"),
            screen.time(&cell(row, "paused_until")),
            screen.time(&cell(row, "off_since")),
            if row["off_reason"].is_null() {
                cell(row, "pause_reason")
            } else {
                cell(row, "off_reason")
            },
        ];
        screen.add(&mut table, cells);
    }
    Ok(screen.table(&table)?)
}

async fn dead(client: &mut AdminClient, screen: &mut Screen, query: &str) -> Result<(), AdminError> {
    let document = client.get(&format!("webhooks/dead{query}")).await?;
    if screen.wants_json() {
        return Ok(screen.json(&document)?);
    }
    let header = [
        "seq",
        "id",
        "endpoint",
        "type",
        "about",
        "attempts",
        "outcome",
        "dead since",
    ];
    let mut table = screen.rows(&header, "no dead letters");
    for row in rows(&document["data"]) {
        let cells = [
            cell(row, "seq"),
            cell(row, "id"),
            cell(row, "endpoint"),
            cell(row, "type"),
            cell(row, "about"),
            cell(row, "attempts"),
            cell(row, "outcome"),
            screen.time(&cell(row, "dead_at")),
        ];
        screen.add(&mut table, cells);
    }
    screen.table(&table)?;
    if let Some(next) = document["next"].as_str() {
        screen.line(&format!("more: --after {next}"))?;
    }
    Ok(())
}

async fn switch(client: &mut AdminClient, screen: &mut Screen, endpoint: &str, on: bool) -> Result<(), AdminError> {
    let wish = json!({ "endpoint": endpoint, "on": on });
    let answer = client.post("webhooks/switch", Some(&wish)).await?;
    let waiting = answer["pending"].as_u64().unwrap_or(0);
    let done = if on {
        format!("{endpoint} is on; {waiting} events wait for it and go out now")
    } else {
        format!("{endpoint} is off; what is for it waits")
    };
    say(screen, &answer, &done)
}

fn say(screen: &mut Screen, answer: &Value, words: &str) -> Result<(), AdminError> {
    if screen.wants_json() {
        screen.json(answer)?;
    } else {
        screen.line(words)?;
    }
    Ok(())
}
