//! `araldo demo`: the whole gateway on one machine, with a page to watch it.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::LogConfig;
use crate::demo::{self, Demo, DemoOptions};
use crate::telemetry::logs;

/// Run the gateway with two simulated carriers and a page to watch it. Needs no file, no root and no network.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Keep the database in this directory; else it is temporary.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Begin with the trickle of messages paused.
    #[arg(long)]
    pub quiet: bool,
    /// Take any free ports, for tests.
    #[arg(long, hide = true)]
    pub any_port: bool,
    /// What is logged on standard error, as in `info,araldo::carrier=debug`.
    #[arg(long, value_name = "FILTER", default_value = "error")]
    pub log: String,
}

/// Runs the demo until Ctrl-C or SIGTERM.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    logs::start(&LogConfig {
        filter: args.log.clone(),
        ..LogConfig::default()
    })?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be watched")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be watched")?;
    let options = DemoOptions {
        keep: args.keep.clone(),
        any_port: args.any_port,
        quiet: args.quiet,
    };
    let demo = Demo::start(&options).await?;
    let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    print(&demo::banner(&demo, colours));
    let failed = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        error = demo.failed() => Some(error),
    };
    if let Some(error) = failed {
        return Err(error.into());
    }
    let summary = demo.stop().await;
    print(&demo::summary(&summary, args.keep.as_deref(), colours));
    Ok(())
}

/// Whoever has closed the pipe does not want to know.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
