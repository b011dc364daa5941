//! `araldo carriers …`.

use clap::Subcommand;
use serde_json::Value;

use super::client::{query, segment};
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
    /// List the newest PDUs that could not be read: when, whence, why, how they were answered, and their octets.
    ///
    /// In hex, with ** for what may be a number or a text. The table shows their beginning, --json all that is kept.
    #[command(after_help = "Examples:\n  araldo carriers quarantine tim --limit 10\n  \
        araldo carriers quarantine --reveal --json | jq -r '.data[].hex' | araldo pdu decode")]
    Quarantine {
        /// Only this carrier's: its id in the configuration.
        carrier: Option<Name>,
        /// How many, 1 to 1000.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Show numbers and texts too.
        #[arg(long)]
        reveal: bool,
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
                Act::Quarantine { carrier, limit, reveal } => {
                    let parameters = [
                        ("carrier", carrier.as_ref().map(ToString::to_string)),
                        ("limit", Some(limit.to_string())),
                        ("reveal", reveal.then(|| "true".to_owned())),
                    ];
                    let document = client.get(&format!("quarantine{}", query(&parameters))).await?;
                    if screen.wants_json() {
                        screen.json(&document)?;
                    } else {
                        show_quarantine(rows(&document["data"]), screen)?;
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

/// Octets of a PDU that a table shows: the header and what follows it.
const OCTETS_SHOWN: usize = 48;

fn show_quarantine(pdus: &[Value], screen: &mut Screen) -> Result<(), AdminError> {
    let header = ["at", "carrier", "bind", "peer", "answered", "reason", "length", "hex"];
    let mut table = screen.rows(&header, "every PDU could be read");
    for pdu in pdus {
        let mut hex = cell(pdu, "hex");
        if let Some((end, _)) = hex.char_indices().nth(2 * OCTETS_SHOWN) {
            hex.replace_range(end.., "...");
        }
        let cells = [
            screen.time(&cell(pdu, "at")),
            cell(pdu, "carrier"),
            cell(pdu, "bind"),
            cell(pdu, "peer"),
            cell(pdu, "status"),
            cell(pdu, "reason"),
            cell(pdu, "length"),
            hex,
        ];
        screen.add(&mut table, cells);
    }
    screen.table(&table)?;
    Ok(())
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
