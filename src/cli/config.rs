//! `araldo config …`: check, show, default.

use std::io::{self, IsTerminal, Write};

use clap::Subcommand;
use serde_json::json;

use super::{Exit, Global};
use crate::config::{Config, ConfigError, DEFAULT_FILE, Loaded, check_state_dir};
use crate::inbound::Book;
use crate::notify::Notifier;

/// What to do with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigVerb {
    /// Check everything that can be checked without starting: exit 0, or 78 configuration, 73 state directory, 74 I/O,
    /// 77 permission.
    ///
    /// The values in effect go to standard output where that is no terminal; the verdict is the last that is said.
    Check {
        /// Take warnings for errors.
        #[arg(long)]
        strict: bool,
        /// Print nothing when all is well.
        #[arg(long, short)]
        quiet: bool,
    },
    /// Print the values in effect, secrets starred.
    Show {
        /// Say where each value comes from.
        #[arg(long)]
        origin: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a configuration file that documents every key, with unit and default.
    Default,
}

impl ConfigVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
        let done = match self {
            Self::Check { strict, quiet } => check(global, *strict, *quiet, &mut out, &mut err),
            Self::Show { origin, json } => show(global, *origin, *json, &mut out, &mut err),
            Self::Default => out.write_all(DEFAULT_FILE.as_bytes()).map(|()| Exit::Ok),
        };
        match done.and_then(|exit| out.flush().map(|()| exit)) {
            Ok(exit) => exit,
            // Whoever reads has had enough, as in `araldo config show | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Err(_) => Exit::Io,
        }
    }
}

/// Says what is wrong on standard error, one problem a paragraph, and how many.
pub fn report(error: &ConfigError, err: &mut impl Write) -> io::Result<Exit> {
    match error {
        ConfigError::Read { .. } => writeln!(err, "error: {error}")?,
        ConfigError::Invalid(problems) => {
            for problem in problems {
                writeln!(err, "error: {problem}")?;
            }
            let plural = if problems.len() == 1 { "" } else { "s" };
            writeln!(err, "{} error{plural} in the configuration", problems.len())?;
        }
    }
    Ok(Exit::from_code(error.exit_code()))
}

fn check(global: &Global, strict: bool, quiet: bool, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let loaded = match Config::load(&global.load_options()) {
        Ok(loaded) => loaded,
        Err(error) => return report(&error, err),
    };
    if let Some(error) = loaded.unconfigured() {
        return report(&error, err);
    }
    if let Err(error) = Notifier::load(&loaded.config, &loaded.origins) {
        return report(&error, err);
    }
    if let Err(error) = Book::load(&loaded.config, &loaded.origins) {
        return report(&error, err);
    }
    let level = if strict { "error" } else { "warning" };
    for warning in &loaded.warnings {
        writeln!(err, "{level}: {warning}")?;
    }
    if strict && !loaded.warnings.is_empty() {
        writeln!(
            err,
            "{} warnings, which --strict takes for errors",
            loaded.warnings.len()
        )?;
        return Ok(Exit::Config);
    }
    if let Err(error) = check_state_dir(&loaded.config.state_dir) {
        writeln!(err, "error: {error}")?;
        return Ok(Exit::from_code(error.exit_code()));
    }
    if !quiet {
        // Hundreds of lines would hide the verdict from who sits at a terminal; a script reads them.
        let at_terminal = io::stdout().is_terminal();
        if !at_terminal {
            print_table(&loaded, true, out)?;
        }
        let files: Vec<String> = loaded.files.iter().map(|file| file.display().to_string()).collect();
        writeln!(
            err,
            "the configuration is good: {}",
            if files.is_empty() {
                "defaults only".into()
            } else {
                files.join(", ")
            }
        )?;
        if at_terminal {
            writeln!(err, "`araldo config show --origin` prints the values in effect")?;
        }
    }
    Ok(Exit::Ok)
}

fn show(global: &Global, origin: bool, json: bool, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let loaded = match Config::load(&global.load_options()) {
        Ok(loaded) => loaded,
        Err(error) => return report(&error, err),
    };
    if json && origin {
        let rows = loaded.effective().into_iter();
        let rows: Vec<_> = rows
            .map(|row| json!({ "key": row.key, "value": row.value, "layer": row.place.layer(), "place": row.place.to_string() }))
            .collect();
        writeln!(out, "{:#}", json!(rows))?;
    } else if json {
        writeln!(out, "{:#}", loaded.tree())?;
    } else {
        print_table(&loaded, origin, out)?;
    }
    Ok(Exit::Ok)
}

/// `key = value`, with `# place` where asked. A key without a value is left out.
fn print_table(loaded: &Loaded, origin: bool, out: &mut impl Write) -> io::Result<()> {
    for row in loaded.effective().into_iter().filter(|row| !row.value.is_null()) {
        if origin {
            writeln!(out, "{} = {}  # {}", row.key, row.value, row.place)?;
        } else {
            writeln!(out, "{} = {}", row.key, row.value)?;
        }
    }
    Ok(())
}
