//! `araldo db …`: a look at the store, with or without a daemon at work.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::table::Screen;
use super::{Exit, Global, report};
use crate::config::Config;
use crate::store::sqlite;
use crate::store::{CheckReport, CheckStage, StoreError};

/// What to do with the store.
#[derive(Clone, Debug, Subcommand)]
pub enum DbVerb {
    /// Check the whole store: pages, tables and indexes, and each row against its checksum.
    ///
    /// Reads only, and may run beside the daemon, which checks by itself after each start. Exit code: 0 if all is well, 1
    /// if rows are damaged (the daemon sets them aside as it meets them), 74 if the file is damaged or cannot be read.
    Check {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl DbVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        let Self::Check { json } = self;
        let config = match Config::load(&global.load_options()) {
            Ok(loaded) => loaded.config,
            Err(error) => return report(&error, &mut io::stderr().lock()).unwrap_or(Exit::Config),
        };
        let Some(file) = config.store.sqlite_path() else {
            return refuse("store.url: only sqlite:// is built in yet", Exit::Config);
        };
        match check(&file) {
            Ok(found) => show(&file, &found, *json).unwrap_or(Exit::Ok),
            Err(error) => refuse(&error, Exit::from_code(error.exit_code())),
        }
    }
}

fn refuse(error: &(impl std::fmt::Display + ?Sized), exit: Exit) -> Exit {
    // A closed standard error leaves the exit code.
    let _ = writeln!(io::stderr(), "error: {error}");
    exit
}

fn check(file: &Path) -> Result<CheckReport, StoreError> {
    let bar = progress_bar();
    let tell = |stage: CheckStage| match stage {
        CheckStage::Structure => bar.set_message("pages, tables and indexes"),
        CheckStage::Rows { done, all } => {
            bar.set_length(all);
            bar.set_position(done);
            bar.set_message("rows");
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StoreError::Open(error.to_string()))?;
    let found = runtime.block_on(sqlite::check(file, &tell));
    bar.finish_and_clear();
    found
}

/// On a terminal only: what is piped has no bar.
fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    match ProgressStyle::with_template("{spinner} {wide_bar} {human_pos}/{human_len} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn show(file: &Path, found: &CheckReport, wants_json: bool) -> io::Result<Exit> {
    let mut screen = Screen::of_stdout(wants_json);
    if wants_json {
        screen.json(&json!({
            "file": file.display().to_string(),
            "rows": found.rows,
            "without_checksum": found.unchecked,
            "damaged": found.damaged,
            "messages": found.messages,
            "inbound": found.texts,
        }))?;
    } else {
        let old = match found.unchecked {
            0 => String::new(),
            old => format!(", {old} of them from before there were checksums"),
        };
        screen.line(&format!(
            "{}: the file is sound, {} rows{old}",
            file.display(),
            found.rows
        ))?;
        let seqs = |seqs: &[i64]| seqs.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        for (table, damaged) in [("message", &found.messages), ("inbound", &found.texts)] {
            if !damaged.is_empty() {
                screen.line(&format!("damaged rows of table {table}, by seq: {}", seqs(damaged)))?;
            }
        }
        if found.damaged > 0 {
            screen.line("cure: the daemon sends none of them; look at what a backup has of them, and at the disk")?;
        }
    }
    screen.flush()?;
    Ok(if found.damaged == 0 { Exit::Ok } else { Exit::Error })
}
