//! `araldo inbound …`.

use clap::Subcommand;

use super::client::query;
use super::messages::{more, page_query};
use super::{AdminOptions, cell, converse, rows};
use crate::cli::table::number;
use crate::cli::{Exit, Global};

/// What to do with the texts that customers sent.
#[derive(Clone, Debug, clap::Args)]
pub struct InboundVerb {
    #[command(flatten)]
    options: AdminOptions,
    #[command(subcommand)]
    act: Act,
}

#[derive(Clone, Debug, Subcommand)]
enum Act {
    /// List them, the newest first. Numbers are masked and texts hidden.
    ///
    /// Who sent one is shown as the carrier gave it, most often E.164 without plus.
    List {
        /// How many, 1 to 1000.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Go on where the page before ended.
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
        /// Show numbers and texts whole; the daemon notes it.
        #[arg(long)]
        reveal: bool,
    },
}

impl InboundVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        let Act::List { limit, after, reveal } = &self.act;
        converse(global, &self.options, async |client, screen| {
            let parameters = page_query(*limit, after.as_ref(), *reveal);
            let document = client.get(&format!("inbound{}", query(&parameters))).await?;
            if screen.wants_json() {
                screen.json(&document)?;
                return Ok(Exit::Ok);
            }
            let mut table = screen.rows(&["id", "at", "carrier", "from", "to", "text"], "no inbound text");
            for row in rows(&document["data"]) {
                let cells = [
                    cell(row, "id"),
                    screen.time(&cell(row, "received_at")),
                    cell(row, "carrier"),
                    number(&cell(row, "from"), *reveal),
                    cell(row, "to"),
                    cell(row, "text"),
                ];
                screen.add(&mut table, cells);
            }
            screen.table(&table)?;
            more(&document, screen)?;
            Ok(Exit::Ok)
        })
    }
}
