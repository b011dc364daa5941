//! `araldo status`: how the daemon is.

use std::time::Duration;

use serde_json::Value;

use super::client::AdminClient;
use super::problem::AdminError;
use super::{AdminOptions, carriers, cell, converse, queue, rows};
use crate::cli::table::{Screen, short_seconds};
use crate::cli::{Exit, Global};

/// Options of `araldo status`.
#[derive(Clone, Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    options: AdminOptions,
    /// Show it again and again until interrupted; with --json, a line each time.
    #[arg(long, short)]
    watch: bool,
    /// Seconds between two looks, 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
}

impl StatusArgs {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        converse(global, &self.options, async |client, screen| {
            if self.watch {
                self.watch(client, screen).await
            } else {
                once(client, screen).await
            }
        })
    }

    /// A daemon that goes away while it is watched is waited for.
    async fn watch(&self, client: &mut AdminClient, screen: &mut Screen) -> Result<Exit, AdminError> {
        loop {
            match client.get("status").await {
                Ok(status) => {
                    if screen.wants_json() {
                        screen.json_line(&status)?;
                    } else {
                        screen.home()?;
                        show(&status, screen)?;
                    }
                }
                Err(AdminError::Unreachable { addr, source }) if screen.is_terminal() => {
                    screen.home()?;
                    screen.line(&format!("no answer from {addr}: {source}"))?;
                }
                Err(error) => return Err(error),
            }
            screen.flush()?;
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(self.interval)) => {}
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Ok),
            }
        }
    }
}

async fn once(client: &mut AdminClient, screen: &mut Screen) -> Result<Exit, AdminError> {
    let status = client.get("status").await?;
    if screen.wants_json() {
        screen.json(&status)?;
    } else {
        show(&status, screen)?;
    }
    Ok(Exit::Ok)
}

fn show(status: &Value, screen: &mut Screen) -> Result<(), AdminError> {
    let version = cell(status, "version");
    let up = short_seconds(status["uptime_seconds"].as_u64().unwrap_or(0));
    let state = if status["stopping"] == true {
        "stopping"
    } else {
        "running"
    };
    screen.line(&format!("araldo {version} {state}, up {up}"))?;
    if version != env!("CARGO_PKG_VERSION") {
        screen.line(&format!("this command is version {}", env!("CARGO_PKG_VERSION")))?;
    }
    if status["store"]["working"] == false {
        screen.line("THE STORE DOES NOT WORK: see the log; nothing is accepted until it is restarted")?;
    }
    if status["store"]["storage_low"] == true {
        screen.line("THE DISK IS NEARLY FULL: new messages are refused")?;
    }
    if let Some(parked) = status["receipts_parked"].as_u64().filter(|parked| *parked > 0) {
        screen.line(&format!(
            "{parked} receipts match no message: they came before its answer, or another gateway sent it under our system_id"
        ))?;
        screen.line("  they are kept and matched later; if their number grows, see carrier.ID.receipt_id")?;
    }
    webhooks(&status["webhooks"], screen)?;
    screen.line("")?;
    carriers::show(rows(&status["carriers"]), screen)?;
    screen.line("")?;
    queue::show(&status["outbox"], screen)
}

/// A line where something waits, was given up or is switched off.
fn webhooks(webhooks: &Value, screen: &mut Screen) -> Result<(), AdminError> {
    let count = |name: &str| webhooks[name].as_u64().unwrap_or(0);
    let off = rows(&webhooks["off"]);
    if count("pending") + count("dead") > 0 || !off.is_empty() {
        let oldest = screen.ago(&cell(webhooks, "oldest_pending_at"));
        let mut line = format!("webhooks: {} wait", count("pending"));
        if !oldest.is_empty() {
            line += &format!(" (oldest {oldest})");
        }
        line += &format!(", {} dead", count("dead"));
        if !off.is_empty() {
            line += &format!(", switched off: {}", cell(webhooks, "off"));
        }
        screen.line(&line)?;
    }
    Ok(())
}
