//! `araldo queue …`.

use clap::Subcommand;
use serde_json::Value;

use super::problem::AdminError;
use super::{AdminOptions, cell, converse, rows};
use crate::cli::table::Screen;
use crate::cli::{Exit, Global};

/// What to do with the queue.
#[derive(Clone, Debug, clap::Args)]
pub struct QueueVerb {
    #[command(flatten)]
    options: AdminOptions,
    #[command(subcommand)]
    act: Act,
}

#[derive(Clone, Debug, Subcommand)]
enum Act {
    /// Show how many messages wait, by class and state, and since when.
    Stats,
}

impl QueueVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        let Act::Stats = self.act;
        converse(global, &self.options, async |client, screen| {
            let document = client.get("queue").await?;
            if screen.wants_json() {
                screen.json(&document)?;
            } else {
                show(&document["open"], screen)?;
                show_lanes(&document["lanes"], screen)?;
            }
            Ok(Exit::Ok)
        })
    }
}

/// One row a class and state.
pub(super) fn show(open: &Value, screen: &mut Screen) -> Result<(), AdminError> {
    let mut table = screen.rows(&["class", "state", "messages", "oldest"], "nothing waits");
    for row in rows(open) {
        let oldest = screen.ago(&cell(row, "oldest_accepted_at"));
        screen.add(
            &mut table,
            [cell(row, "class"), cell(row, "state"), cell(row, "messages"), oldest],
        );
    }
    screen.table(&table).map_err(AdminError::Output)
}

/// One row a step of a route and priority.
fn show_lanes(lanes: &Value, screen: &mut Screen) -> Result<(), AdminError> {
    let mut table = screen.rows(&["route", "step", "priority", "messages", "segments"], "");
    for row in rows(lanes) {
        let cells = ["route", "step", "priority", "messages", "segments"].map(|name| cell(row, name));
        screen.add(&mut table, cells);
    }
    if table.is_filled() {
        screen.line("")?;
        screen.table(&table)?;
    }
    Ok(())
}
