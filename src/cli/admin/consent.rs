//! `araldo consent …`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{AdminClient, query, segment};
use super::messages::{more, page_query};
use super::problem::AdminError;
use super::{AdminOptions, cell, converse, rows};
use crate::cli::filter::{self, Fault};
use crate::cli::table::{Screen, number};
use crate::cli::{Exit, Global};
use crate::config::Config;
use crate::consent::{Ear, Word};

/// Entries of a list that are sent together.
const AT_ONCE: usize = 200;

/// What to do with what people want to be sent.
#[derive(Clone, Debug, clap::Args)]
pub struct ConsentVerb {
    #[command(flatten)]
    options: AdminOptions,
    #[command(subcommand)]
    act: Act,
}

#[derive(Clone, Debug, Subcommand)]
enum Act {
    /// List what people want, oldest entry first. Numbers are masked.
    List {
        /// Only of this brand: a client, or a [brand.ID].
        #[arg(long)]
        brand: Option<String>,
        /// How many, 1 to 1000.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Go on where the page before ended.
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
        /// Show numbers whole; the daemon notes it.
        #[arg(long)]
        reveal: bool,
    },
    /// Show what one person wants, and every change of it.
    Show {
        /// The number in E.164.
        msisdn: String,
        /// Only of this brand.
        #[arg(long)]
        brand: Option<String>,
    },
    /// Note that a person wants no more messages: what waits for the number ends at once.
    Stop(Change),
    /// Note that a person wants messages.
    Start(Change),
    /// Note every entry of a file, a JSON object a line as `export` writes it. What is older than what is known changes
    /// nothing.
    Import {
        /// The file; `-` is standard input.
        file: PathBuf,
    },
    /// Write every entry, a JSON object a line, numbers whole; the daemon notes it.
    Export {
        /// Only of this brand.
        #[arg(long)]
        brand: Option<String>,
    },
    /// See which texts are consent words: {"id", "text"} to {"id", "word", "topic", "locale", "soft"}, a line each.
    ///
    /// "word" is stop, start, help or null. A "soft" one, such as CANCEL, means something else beside a pending question.
    #[command(after_help = "Example:\n  echo '{\"text\":\"Stop offerte, grazie\"}' | araldo consent match")]
    Match,
}

#[derive(Clone, Debug, clap::Args)]
struct Change {
    /// The number in E.164.
    msisdn: String,
    /// Whose messages: a client, or a [brand.ID]; may be left out where there is one alone.
    #[arg(long)]
    brand: Option<String>,
    /// Only of this topic.
    #[arg(long)]
    topic: Option<String>,
    /// A word for the history: a letter, a call.
    #[arg(long)]
    note: Option<String>,
}

impl ConsentVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        if let Act::Match = self.act {
            return match_lines(global);
        }
        converse(global, &self.options, async |client, screen| match &self.act {
            Act::List {
                brand,
                limit,
                after,
                reveal,
            } => list(client, screen, brand.as_ref(), (*limit, after.as_ref(), *reveal)).await,
            Act::Show { msisdn, brand } => {
                let path = format!("consents/{}{}", segment(msisdn), query(&[("brand", brand.clone())]));
                let document = client.get(&path).await?;
                show(screen, &document)
            }
            Act::Stop(change) => set(client, screen, change, "opted_out").await,
            Act::Start(change) => set(client, screen, change, "opted_in").await,
            Act::Import { file } => import(client, screen, file).await,
            Act::Export { brand } => export(client, brand.as_ref()).await,
            Act::Match => Ok(Exit::Ok),
        })
    }
}

async fn list(
    client: &mut AdminClient,
    screen: &mut Screen,
    brand: Option<&String>,
    (limit, after, reveal): (u32, Option<&String>, bool),
) -> Result<Exit, AdminError> {
    let mut parameters = page_query(limit, after, reveal).to_vec();
    parameters.push(("brand", brand.cloned()));
    let document = client.get(&format!("consents{}", query(&parameters))).await?;
    if screen.wants_json() {
        screen.json(&document)?;
        return Ok(Exit::Ok);
    }
    entries(screen, &document["data"], reveal, "nobody has said anything")?;
    more(&document, screen)?;
    Ok(Exit::Ok)
}

fn entries(screen: &mut Screen, list: &Value, reveal: bool, none: &'static str) -> Result<(), AdminError> {
    let mut table = screen.rows(&["number", "brand", "topic", "state", "source", "at", "note"], none);
    for row in rows(list) {
        let cells = [
            number(&cell(row, "msisdn"), reveal),
            cell(row, "brand"),
            cell(row, "topic"),
            cell(row, "state"),
            cell(row, "source"),
            screen.time(&cell(row, "at")),
            cell(row, "note"),
        ];
        screen.add(&mut table, cells);
    }
    screen.table(&table)?;
    Ok(())
}

fn show(screen: &mut Screen, document: &Value) -> Result<Exit, AdminError> {
    if screen.wants_json() {
        screen.json(document)?;
        return Ok(Exit::Ok);
    }
    entries(screen, &document["consents"], true, "nothing is known of this number")?;
    if !rows(&document["history"]).is_empty() {
        screen.line("\nWhat was said, newest first:")?;
        entries(screen, &document["history"], true, "")?;
    }
    Ok(Exit::Ok)
}

async fn set(client: &mut AdminClient, screen: &mut Screen, change: &Change, state: &str) -> Result<Exit, AdminError> {
    let mut body = json!({ "state": state });
    for (name, value) in [
        ("brand", &change.brand),
        ("topic", &change.topic),
        ("note", &change.note),
    ] {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    let path = format!("consents/{}", segment(&change.msisdn));
    let document = client.post(&path, Some(&body)).await?;
    if !screen.wants_json() {
        let ended = cell(&document, "suppressed");
        if !["", "0"].contains(&ended.as_str()) {
            screen.line(&format!("{ended} waiting messages are not sent"))?;
        }
    }
    show(screen, &document)
}

async fn import(client: &mut AdminClient, screen: &mut Screen, file: &Path) -> Result<Exit, AdminError> {
    let mut input: Box<dyn BufRead> = match file == Path::new("-") {
        true => Box::new(BufReader::new(io::stdin())),
        false => {
            Box::new(BufReader::new(File::open(file).map_err(|error| {
                AdminError::Usage(format!("{}: {error}", file.display()))
            })?))
        }
    };
    let mut totals = [0_u64; 4];
    let mut line = 0_u64;
    loop {
        let mut group = Vec::new();
        let mut places = Vec::new();
        let mut text = String::new();
        while group.len() < AT_ONCE && input.read_line(&mut text).map_err(AdminError::Output)? > 0 {
            line += 1;
            let said = std::mem::take(&mut text);
            if said.trim().is_empty() {
                continue;
            }
            let entry: Value = serde_json::from_str(&said).map_err(|error| {
                AdminError::Usage(format!("line {line} is no JSON: {error}; nothing after it is noted"))
            })?;
            group.push(entry);
            places.push(line);
        }
        if group.is_empty() {
            break;
        }
        let document = client.post("consents", Some(&json!({ "entries": group }))).await?;
        for (total, name) in totals.iter_mut().zip(["noted", "same", "outdated"]) {
            *total += document[name].as_u64().unwrap_or(0);
        }
        for error in rows(&document["errors"]) {
            totals[3] += 1;
            let place = error["entry"]
                .as_u64()
                .and_then(|entry| places.get(usize::try_from(entry).ok()? - 1));
            let place = place.copied().unwrap_or(line);
            let _ = writeln!(io::stderr(), "line {place}: {}", cell(error, "detail"));
        }
    }
    let [noted, same, outdated, wrong] = totals;
    if screen.wants_json() {
        screen.json(&json!({ "noted": noted, "same": same, "outdated": outdated, "wrong": wrong }))?;
    } else {
        screen.line(&format!(
            "{noted} noted, {same} known, {outdated} older than what is known, {wrong} wrong"
        ))?;
    }
    Ok(if wrong > 0 { Exit::Error } else { Exit::Ok })
}

async fn export(client: &mut AdminClient, brand: Option<&String>) -> Result<Exit, AdminError> {
    let mut out = io::stdout().lock();
    let mut after: Option<String> = None;
    loop {
        let mut parameters = page_query(1_000, after.as_ref(), true).to_vec();
        parameters.push(("brand", brand.cloned()));
        let document = client.get(&format!("consents{}", query(&parameters))).await?;
        for entry in rows(&document["data"]) {
            writeln!(out, "{entry}").map_err(AdminError::Output)?;
        }
        after = Some(cell(&document, "next")).filter(|next| !next.is_empty());
        if after.is_none() {
            out.flush().map_err(AdminError::Output)?;
            return Ok(Exit::Ok);
        }
    }
}

#[derive(Deserialize)]
struct GivenText {
    #[serde(default)]
    id: Value,
    text: String,
}

#[derive(Serialize)]
struct HeardWord {
    id: Value,
    word: Option<&'static str>,
    topic: Option<String>,
    locale: Option<&'static str>,
    soft: bool,
}

/// By the configuration that is named, or by the built-in words and topics.
fn match_lines(global: &Global) -> Exit {
    let config = match global.config.is_none() && global.set.is_empty() {
        true => Config {
            command: crate::command::catalogue::shipped(),
            ..Config::default()
        },
        false => match Config::load_without_secrets(&global.load_options()) {
            Ok(config) => config,
            Err(error) => return AdminError::Config(error).report(&mut io::stderr().lock()),
        },
    };
    let ear = Ear::new(&config);
    filter::run(|line| -> Result<HeardWord, Fault> {
        let given: GivenText = serde_json::from_str(line)?;
        let spoken = ear.words().hear(&given.text);
        let word = |word| match word {
            Word::Stop => "stop",
            Word::Start => "start",
            Word::Help => "help",
        };
        Ok(HeardWord {
            id: given.id,
            word: spoken.as_ref().map(|spoken| word(spoken.word)),
            topic: spoken
                .as_ref()
                .and_then(|spoken| Some(spoken.topic.as_ref()?.to_string())),
            locale: spoken.as_ref().and_then(|spoken| Some(spoken.locale?.code())),
            soft: spoken.is_some_and(|spoken| spoken.soft),
        })
    })
}
