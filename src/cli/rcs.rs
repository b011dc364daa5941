//! `araldo rcs …`: whether an agent can sign in and is let in, and which handsets it reaches. The platform is asked, not the daemon.

use std::io::{self, Write};

use araldo_rcs::error::Advice;
use araldo_rcs::{ErrorKind, Msisdn};
use clap::Subcommand;
use serde_json::{Value, json};

use super::table::Screen;
use super::{Exit, Global, report};
use crate::carrier::rcs::{CallError, Handset, RcsCarrier, SignInError};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Name, mask_number};

/// A number that is nobody's: of those that Ofcom keeps for drama.
const NOBODY: &str = "+447700900000";

/// What to ask of the platform.
#[derive(Clone, Debug, Subcommand)]
pub enum RcsVerb {
    /// Sign in as the agent of a carrier and ask the API about a number that is nobody's: whether key, clock, network and
    /// agent are right.
    ///
    /// Exit code: 0 let in, 3 no such carrier, 69 not: the error says which of the four is wrong.
    Check {
        /// The carrier.
        carrier: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask which numbers the agent reaches; of a single one, what its handset can show.
    ///
    /// Exit code: 0 asked, 3 no such carrier, 69 no answer.
    Reach {
        /// The carrier.
        carrier: String,
        /// Numbers with country code, as +393331234567.
        #[arg(required = true)]
        numbers: Vec<String>,
        /// Print JSON, a line a number.
        #[arg(long)]
        json: bool,
    },
}

/// Why there is nothing to show.
struct Refused(String, Exit);

impl RcsVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        let config = match Config::load(&global.load_options()) {
            Ok(loaded) => loaded.config,
            Err(error) => return report(&error, &mut io::stderr().lock()).unwrap_or(Exit::Config),
        };
        let done = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Refused(error.to_string(), Exit::Io))
            .and_then(|runtime| runtime.block_on(self.ask(&config)));
        match done {
            Ok(()) => Exit::Ok,
            Err(Refused(error, exit)) => {
                // A closed standard error leaves the exit code.
                let _ = writeln!(io::stderr(), "error: {error}");
                exit
            }
        }
    }

    async fn ask(&self, config: &Config) -> Result<(), Refused> {
        match self {
            Self::Check { carrier, json } => {
                let carrier = carrier_of(config, carrier)?;
                let lifetime = carrier.sign_in().await.map_err(|error| not_signed_in(&error))?;
                try_api(&carrier).await?;
                let mut screen = Screen::of_stdout(*json);
                let agent = carrier.agent().as_str();
                let shown = if *json {
                    screen.json(&json!({ "agent": agent, "signed_in": true, "let_in": true, "token_seconds": lifetime.as_secs() }))
                } else {
                    let seconds = lifetime.as_secs();
                    screen.line(&format!(
                        "{agent}: signed in, with a token for {seconds} s; the API lets the agent in"
                    ))
                };
                shown.and_then(|()| screen.flush()).map_err(|error| output(&error))
            }
            Self::Reach { carrier, numbers, json } => {
                let carrier = carrier_of(config, carrier)?;
                let numbers = numbers.iter().map(|number| number_of(number));
                let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
                let answers = answers(&carrier, &numbers).await?;
                show(&answers, *json).map_err(|error| output(&error))
            }
        }
    }
}

/// Which of key, clock and network keeps the account from its token.
fn not_signed_in(error: &SignInError) -> Refused {
    let SignInError::Refused(refused) = error else {
        return unavailable(&format!("network: {error}"));
    };
    let said = refused.description.to_ascii_lowercase();
    let is_of = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let what = match refused.advice() {
        Advice::Retry { .. } => "network",
        _ if is_of(&["timeframe", "short-lived", "iat", "exp "]) => "clock",
        _ if is_of(&["signature", "account", "issuer", "email", "audience"]) => "key",
        _ => "key or clock",
    };
    unavailable(&format!("{what}: {error}"))
}

/// A look-up of a number of the block that is kept for fiction: whether it is reachable does not matter.
async fn try_api(carrier: &RcsCarrier) -> Result<(), Refused> {
    let nobody = Msisdn::parse(NOBODY).map_err(|error| unavailable(&error))?;
    let Err(error) = carrier.ask(&nobody).await else {
        return Ok(());
    };
    let what = match &error {
        CallError::Refused(error) => match error.kind {
            ErrorKind::PermissionDenied | ErrorKind::InvalidArgument => "agent",
            ErrorKind::Unauthenticated => "key",
            // The agent was let in, and its number of look-ups is used up.
            ErrorKind::RateLimited | ErrorKind::UserTrafficLimit | ErrorKind::NotReachable => return Ok(()),
            ErrorKind::Unavailable | ErrorKind::Unreadable | ErrorKind::Refused => "network (api_base)",
        },
        CallError::SignIn(error) => return Err(not_signed_in(error)),
        CallError::Broken(_) | CallError::Later(_) | CallError::InDoubt => "network (api_base)",
    };
    Err(unavailable(&format!("signed in, but not let in; {what}: {error}")))
}

/// What is known of each number, in their order; features only of one that was asked for alone.
async fn answers(carrier: &RcsCarrier, numbers: &[Msisdn]) -> Result<Vec<(Msisdn, Handset)>, Refused> {
    if let [number] = numbers {
        let handset = carrier
            .capabilities(number)
            .await
            .map_err(|error| unavailable(&error))?;
        return Ok(vec![(number.clone(), handset)]);
    }
    let found = carrier.reach(numbers).await.map_err(|error| unavailable(&error))?;
    let answer = |number: &Msisdn| match found.get(number) {
        Some(true) => Handset::Reachable(None),
        Some(false) | None => Handset::NotReachable,
    };
    Ok(numbers.iter().map(|number| (number.clone(), answer(number))).collect())
}

fn show(answers: &[(Msisdn, Handset)], wants_json: bool) -> io::Result<()> {
    let mut screen = Screen::of_stdout(wants_json);
    for (number, handset) in answers {
        let features: Option<Vec<&str>> = match handset {
            Handset::Reachable(Some(known)) => Some(known.features.iter().map(araldo_rcs::Feature::as_str).collect()),
            Handset::Reachable(None) | Handset::NotReachable => None,
        };
        if wants_json {
            let mut line = json!({ "number": number.as_str(), "reachable": handset.is_reachable() });
            if let Some(features) = features {
                line["features"] = Value::from(features);
            }
            screen.json_line(&line)?;
        } else {
            let number = mask_number(number.as_str());
            let word = if handset.is_reachable() { "RCS" } else { "no RCS" };
            let features = features.map_or_else(String::new, |features| format!(": {}", features.join(", ")));
            screen.line(&format!("{number}  {word}{features}"))?;
        }
    }
    screen.flush()
}

fn carrier_of(config: &Config, id: &str) -> Result<RcsCarrier, Refused> {
    let found = Name::parse(id).ok().and_then(|name| config.rbm.get_key_value(&name));
    let Some((name, settings)) = found else {
        let known: Vec<_> = config.rbm.keys().map(Name::as_str).collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        let cause = format!("there is no carrier `{id}` with protocol = \"rbm\"; those that there are: {known}");
        return Err(Refused(cause, Exit::NotFound));
    };
    RcsCarrier::new(name, settings, Clock::system())
        .map_err(|error| Refused(format!("carrier.{name}: {error}"), Exit::Config))
}

fn number_of(text: &str) -> Result<Msisdn, Refused> {
    Msisdn::parse(text).map_err(|error| Refused(format!("`{}` {error}", mask_number(text)), Exit::Usage))
}

fn unavailable(error: &dyn std::fmt::Display) -> Refused {
    Refused(error.to_string(), Exit::Unavailable)
}

fn output(error: &io::Error) -> Refused {
    Refused(format!("standard output: {error}"), Exit::Io)
}
