//! `araldo commands …`: what customers' texts are taken for.

mod eval;
mod explain;
mod wire;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use jiff::civil::Date;
use serde_json::json;

use super::filter;
use super::table::Screen;
use super::{Exit, Global, report};
use crate::clock::Clock;
use crate::command::catalogue::{Catalogue, lint, shipped};
use crate::command::{Heard, Matcher};
use crate::config::{Config, ConfigError, Problem};
use crate::domain::Region;

/// What to do with texts. Without --config the catalogue is the one that Araldo ships with.
#[derive(Clone, Debug, Subcommand)]
pub enum CommandsVerb {
    /// Match: {"id", "text", "context"?} to {"id", "intent", "ask", "slots", "confidence", "why"}, a line each.
    ///
    /// "intent" is a command's name, or "oos" for none; "ask" the commands to ask about where one alone is not sure.
    /// "context" is the question that waits: "confirm", "survey_nps" (0 to 10), "survey_csat5" (1 to 5).
    #[command(
        after_help = "Example:\n  echo '{\"id\":1,\"text\":\"ricarica 10 euro\"}' | araldo commands match\n\nExit code: 1 if a line could not be read, else 0."
    )]
    Match {
        /// The day that `yesterday` is counted from: that of the labelled corpora, so that a line has one answer.
        #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-03-10")]
        today: Date,
    },
    /// Hold the matcher against labelled texts, and print how often it is right, by class.
    ///
    /// A .jsonl file has {"text", "intent", "class", "context", "slots", "alternatives"?} a line; a .tsv file a label, a
    /// tab and a text that asks for nothing.
    Eval {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The day that `yesterday` is counted from.
        #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-03-10")]
        today: Date,
        /// Print each text that was taken for something else, too.
        #[arg(long)]
        mistakes: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what each stage makes of one text.
    Explain {
        /// The text.
        text: String,
        /// The question that waits: confirm, survey_nps, survey_csat5.
        #[arg(long, value_name = "QUESTION")]
        context: Option<String>,
        /// Our address that it came to.
        #[arg(long)]
        address: Option<String>,
    },
    /// List the commands.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl CommandsVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        let (catalogue, home) = match catalogue(global) {
            Ok(found) => found,
            Err(error) => return report(&error, &mut io::stderr().lock()).unwrap_or(Exit::Config),
        };
        let matcher = || Matcher::new(&catalogue).at_home_in(home);
        let done = match self {
            Self::Match { today } => {
                let matcher = matcher();
                return filter::run(|line| wire::answer(&matcher, *today, line));
            }
            Self::Eval {
                files,
                today,
                mistakes,
                json,
            } => eval::run(&matcher(), &catalogue, files, *today, *mistakes, *json),
            Self::Explain { text, context, address } => {
                let pending = match wire::pending(context.as_deref()) {
                    Ok(pending) => pending,
                    Err(known) => {
                        let _ = writeln!(io::stderr(), "error: --context is one of {known}");
                        return Exit::Usage;
                    }
                };
                let heard = Heard {
                    text,
                    address: address.as_deref(),
                    pending,
                    locale: None,
                    today: Clock::system()
                        .now()
                        .timestamp()
                        .to_zoned(jiff::tz::TimeZone::system())
                        .date(),
                };
                explain::run(&matcher(), &heard)
            }
            Self::List { json } => list(&catalogue, *json),
        };
        match done {
            Ok(exit) => exit,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: {error}");
                Exit::Io
            }
        }
    }
}

/// The catalogue of the configuration named, and its country, or else the one shipped.
fn catalogue(global: &Global) -> Result<(Catalogue, Region), ConfigError> {
    if global.config.is_none() && global.set.is_empty() {
        return Ok((shipped(), Region::home()));
    }
    let config = Config::load_without_secrets(&global.load_options())?;
    let faults = lint(&config.command);
    if !faults.is_empty() {
        let problems = faults
            .into_iter()
            .map(|fault| Problem::new(fault.key, fault.cause).cure(fault.cure));
        return Err(ConfigError::Invalid(problems.collect()));
    }
    if config.command.is_empty() {
        let cure = "copy the shipped catalogue to conf.d/, or leave out --config to use it";
        return Err(ConfigError::Invalid(vec![
            Problem::new("command", "there is no command").cure(cure),
        ]));
    }
    let home = Region::parse(&config.two_way.country).unwrap_or_else(Region::home);
    Ok((config.command, home))
}

fn list(catalogue: &Catalogue, json: bool) -> io::Result<Exit> {
    let mut screen = Screen::of_stdout(json);
    if screen.wants_json() {
        screen.json(&json!(catalogue))?;
        return screen.flush().map(|()| Exit::Ok);
    }
    let mut rows = screen.rows(
        &["COMMAND", "TITLE", "KEYWORDS", "SLOTS", "CONFIRMATION"],
        "no commands",
    );
    for (name, command) in catalogue {
        let keywords: Vec<&str> = command.keywords.values().flatten().map(String::as_str).collect();
        let slots: Vec<&str> = command.slots.keys().map(String::as_str).collect();
        let confirmation = json!(command.confirmation);
        let cells = [
            name.to_string(),
            command.title.values().next().cloned().unwrap_or_default(),
            keywords.join(", "),
            slots.join(", "),
            confirmation.as_str().unwrap_or_default().to_owned(),
        ];
        screen.add(&mut rows, cells);
    }
    screen.table(&rows)?;
    screen.flush().map(|()| Exit::Ok)
}
