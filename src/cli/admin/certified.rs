//! `araldo certified …`.

use clap::Subcommand;
use serde_json::Value;

use super::client::{AdminClient, query, segment};
use super::messages::{more, page_query};
use super::problem::AdminError;
use super::{AdminOptions, cell, confirm, converse, rows};
use crate::cli::table::{Screen, number};
use crate::cli::{Exit, Global};

/// What to do with certified numbers.
#[derive(Clone, Debug, clap::Args)]
pub struct CertifiedVerb {
    #[command(flatten)]
    options: AdminOptions,
    #[command(subcommand)]
    act: Act,
}

#[derive(Clone, Debug, Subcommand)]
enum Act {
    /// List the numbers that are certified, oldest first. Numbers are masked.
    List {
        /// Only of this client.
        #[arg(long)]
        client: Option<String>,
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
    /// Show for whom one number is certified, and was.
    Show {
        /// The number in E.164.
        msisdn: String,
        /// Only of this client.
        #[arg(long)]
        client: Option<String>,
    },
    /// Take back that a number is a customer's: what is personal goes there no more.
    Revoke {
        /// The number in E.164.
        msisdn: String,
        /// Whose customer.
        #[arg(long)]
        client: String,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

impl CertifiedVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        converse(global, &self.options, async |client, screen| match &self.act {
            Act::List {
                client: of,
                limit,
                after,
                reveal,
            } => {
                let mut parameters = page_query(*limit, after.as_ref(), *reveal).to_vec();
                parameters.push(("client", of.clone()));
                list(client, screen, &parameters, *reveal).await
            }
            Act::Show { msisdn, client: of } => {
                let path = format!("certified/{}{}", segment(msisdn), query(&[("client", of.clone())]));
                let document = client.get(&path).await?;
                show(screen, &document)
            }
            Act::Revoke {
                msisdn,
                client: of,
                yes,
            } => {
                confirm(&format!("{msisdn} will be certified for {of} no more"), *yes)?;
                let path = format!(
                    "certified/{}{}",
                    segment(msisdn),
                    query(&[("client", Some(of.clone()))])
                );
                let document = client.delete(&path).await?;
                show(screen, &document)
            }
        })
    }
}

async fn list(
    client: &mut AdminClient,
    screen: &mut Screen,
    parameters: &[(&str, Option<String>)],
    reveal: bool,
) -> Result<Exit, AdminError> {
    let document = client.get(&format!("certified{}", query(parameters))).await?;
    if screen.wants_json() {
        screen.json(&document)?;
        return Ok(Exit::Ok);
    }
    entries(screen, &document["data"], reveal, "no number is certified")?;
    more(&document, screen)?;
    Ok(Exit::Ok)
}

fn entries(screen: &mut Screen, list: &Value, reveal: bool, none: &'static str) -> Result<(), AdminError> {
    let header = ["number", "client", "customer", "profile", "state", "at", "ended"];
    let mut table = screen.rows(&header, none);
    for row in rows(list) {
        let cells = [
            number(&cell(row, "msisdn"), reveal),
            cell(row, "client"),
            cell(row, "customer"),
            cell(row, "profile"),
            cell(row, "state"),
            screen.time(&cell(row, "at")),
            screen.time(&cell(row, "ended_at")),
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
    entries(screen, &document["certified"], true, "this number is not certified")?;
    if !rows(&document["history"]).is_empty() {
        screen.line("\nWhat has ended:")?;
        entries(screen, &document["history"], true, "")?;
    }
    Ok(Exit::Ok)
}
