//! `araldo carriers …`.

use clap::Subcommand;
use serde_json::Value;

use super::client::segment;
use super::problem::AdminError;
use super::{AdminOptions, cell, converse, rows};
use crate::cli::table::Screen;
use crate::cli::{Exit, Global};
use crate::domain::Name;

/// What to do with carriers.
#[derive(Clone, Debug, clap::Args)]
pub struct CarriersVerb {
    #[command(flatten)]
    options: AdminOptions,
    #[command(subcommand)]
    act: Act,
}

#[derive(Clone, Debug, Subcommand)]
enum Act {
    /// List the carriers with the state of their binds.
    List,
    /// Connect and send again.
    #[command(after_help = "Example:\n  araldo carriers start tim")]
    Start {
        /// The carrier's id in the configuration.
        carrier: Name,
    },
    /// Send nothing new, wait for the answers that are due (outbox.drain_timeout at most), then unbind.
    Stop {
        /// The carrier's id in the configuration.
        carrier: Name,
    },
    /// Send nothing new and stay bound: answers, receipts and texts are taken until it is started or stopped.
    Drain {
        /// The carrier's id in the configuration.
        carrier: Name,
    },
}

impl CarriersVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        converse(global, &self.options, async |client, screen| {
            let (carrier, act, done) = match &self.act {
                Act::List => {
                    let document = client.get("carriers").await?;
                    if screen.wants_json() {
                        screen.json(&document)?;
                    } else {
                        show(rows(&document["data"]), screen)?;
                    }
                    return Ok(Exit::Ok);
                }
                Act::Start { carrier } => (carrier, "start", "starts"),
                Act::Stop { carrier } => (carrier, "stop", "stops"),
                Act::Drain { carrier } => (carrier, "drain", "drains"),
            };
            let path = format!("carriers/{}/{act}", segment(carrier.as_str()));
            let answer = client.post(&path, None).await?;
            if screen.wants_json() {
                screen.json(&answer)?;
            } else {
                screen.line(&format!("carrier {carrier} {done}"))?;
            }
            Ok(Exit::Ok)
        })
    }
}

/// One row a carrier, and one for each bind that has something to say.
pub(super) fn show(carriers: &[Value], screen: &mut Screen) -> Result<(), AdminError> {
    let header = [
        "carrier",
        "state",
        "binds",
        "in flight",
        "submitted",
        "refused",
        "throttled",
        "receipts",
        "inbound",
    ];
    let mut table = screen.rows(&header, "no carrier is configured");
    let mut binds_table = screen.rows(&["carrier", "bind", "state", "since", "last error"], "");
    for carrier in carriers {
        let binds = rows(&carrier["binds"]);
        let bound = binds.iter().filter(|bind| bind["state"] == "bound").count();
        let sum = |name: &str| binds.iter().filter_map(|bind| bind[name].as_u64()).sum::<u64>();
        let cells = [
            cell(carrier, "id"),
            cell(carrier, "state"),
            format!("{bound}/{}", binds.len()),
            format!("{}/{}", sum("in_flight"), sum("window")),
            cell(carrier, "submitted_total"),
            cell(carrier, "refused_total"),
            cell(carrier, "throttled_total"),
            cell(carrier, "receipts_total"),
            cell(carrier, "inbound_total"),
        ];
        screen.add(&mut table, cells);
        for bind in binds
            .iter()
            .filter(|bind| bind["state"] != "bound" || !bind["last_error"].is_null())
        {
            let cells = [
                cell(carrier, "id"),
                cell(bind, "bind"),
                cell(bind, "state"),
                screen.time(&cell(bind, "since")),
                cell(bind, "last_error"),
            ];
            screen.add(&mut binds_table, cells);
        }
    }
    screen.table(&table)?;
    if binds_table.is_filled() {
        screen.line("")?;
        screen.table(&binds_table)?;
    }
    Ok(())
}
