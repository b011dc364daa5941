//! `araldo simulate rcs`: an RCS platform to test against.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use araldo_rcs::AgentId;
use clap::Args;

use crate::simulator::rcs::{
    DeliveryConfig, Duplicates, FaultRule, Handset, RcsConfig, RcsSimulator, RcsStats, UseCase, WebhookTarget,
};

/// What the control is told.
const CONTROL: &str = r#"The control, with `Content-Type: application/json`:
  POST /user {"from": "+447700900123", "act": …}, where the act is one of
    {"text": "SALDO"}                                        writes
    {"tap": "Block the card"}                                taps the newest suggestion with this label
    {"postback": "0199…-1"}                                  taps the suggestion that brings this back
    {"location": {"latitude": 45.46, "longitude": 9.19}}     shares a place
    {"file": {"uri": "https://files.example/1", "mime_type": "image/jpeg"}}   sends a file
    "typing", "unsubscribe", "subscribe"
  PUT /delivery {"delay_min": "2s", "delay_max": "5s", "read": 0.5}           how messages arrive from now on
  PUT /faults [{"fault": {"status": {"code": 503}}, "when": {"every": 10}}]   what goes wrong from now on
  PUT /handsets/+447700900123 {"rcs": false}                                  a handset, or all that begin so

Example:
  curl -H 'Content-Type: application/json' -d '{"from": "+447700900123", "act": {"text": "SALDO"}}' http://127.0.0.1:2778/user"#;

/// Run a simulated RCS platform: the business messaging API, sign-in, webhooks, faults on request, a ledger of every call.
///
/// Shares are numbers from 0 to 1. Faults, delivery, handsets and the webhook can be changed while it runs, by the HTTP
/// control; `GET /` there lists the routes, and `POST /user` writes and taps as a user.
#[derive(Args, Clone, Debug)]
#[command(after_help = CONTROL)]
pub struct RcsArgs {
    /// Where the API and the token endpoint listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2777")]
    pub listen: SocketAddr,
    /// Where the HTTP control listens. It lets in everybody: keep it on loopback.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2778")]
    pub control: SocketAddr,
    /// The agent.
    #[arg(long, value_name = "ID", default_value = "simulator")]
    pub agent: String,
    /// What the agent may send.
    #[arg(long, value_enum, default_value_t)]
    pub use_case: UseCase,
    /// The key file that the gateway has [default: one that everybody has].
    #[arg(long, value_name = "FILE")]
    pub account: Option<PathBuf>,
    /// Write the key file for the gateway, with the token endpoint of this platform.
    #[arg(long, value_name = "FILE")]
    pub write_account: Option<PathBuf>,
    /// How long an access token is good for.
    #[arg(long, value_name = "SPAN", default_value = "3599s", value_parser = humantime::parse_duration)]
    pub token_lifetime: Duration,
    /// The agent's webhook, as http://127.0.0.1:8480/rcs/rbm.
    #[arg(long, value_name = "URL", requires = "client_token")]
    pub webhook: Option<String>,
    /// The client token that signs what the webhook is told. For secrets use the environment.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ARALDO_SIMULATE_CLIENT_TOKEN",
        hide_env_values = true
    )]
    pub client_token: Option<String>,
    /// Append every call and every webhook to this file, a line of JSON each.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Time until a message is on the handset; as MIN..MAX anything between the two.
    #[arg(long, value_name = "SPAN[..SPAN]", default_value = "0s", value_parser = super::spans)]
    pub delay: (Duration, Duration),
    /// Share of messages that are read.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub read: f64,
    /// Share of messages that never arrive, and expire.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub lost: f64,
    /// Share of expiries that end inconclusive.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub revoke_failed: f64,
    /// Share of revocations that lose the race with the delivery.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub revoke_race: f64,
    /// How a message of an id that was used before is answered.
    #[arg(long, value_enum, default_value_t)]
    pub duplicates: Duplicates,
    /// Numbers that begin so have no RCS. May be repeated.
    #[arg(long, value_name = "PREFIX")]
    pub without_rcs: Vec<String>,
    /// Numbers that begin so are off line. May be repeated.
    #[arg(long, value_name = "PREFIX")]
    pub offline: Vec<String>,
    /// Numbers that begin so show plain text only. May be repeated.
    #[arg(long, value_name = "PREFIX")]
    pub plain: Vec<String>,
    /// A JSON array of fault rules, as [{"fault": {"status": {"code": 503}}, "when": {"every": 10}}].
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Decides every share and probability.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Messages that the virtual phones remember, all together.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub phones: usize,
    /// Print addresses and summary as JSON, a line each.
    #[arg(long)]
    pub json: bool,
}

/// Runs until SIGINT or SIGTERM, then prints what was counted.
pub(super) async fn run(args: RcsArgs) -> anyhow::Result<()> {
    let (json, write_account) = (args.json, args.write_account.clone());
    let simulator = RcsSimulator::start(config(args)?).await?;
    if let Some(path) = write_account {
        write_secret(&path, &simulator.account())?;
    }
    print_addresses(&simulator, json)?;
    super::wait_for_signal().await?;
    print_summary(&simulator.shutdown().await, json)
}

fn config(args: RcsArgs) -> anyhow::Result<RcsConfig> {
    let account = match &args.account {
        Some(path) => Some(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?),
        None => None,
    };
    let faults = match &args.faults {
        Some(path) => read_faults(path)?,
        None => Vec::new(),
    };
    let webhook = args.webhook.zip(args.client_token).map(|(url, token)| WebhookTarget {
        url,
        client_token: token.into(),
    });
    let (delay_min, delay_max) = args.delay;
    let handsets =
        |prefixes: Vec<String>, handset: fn() -> Handset| prefixes.into_iter().map(move |at| (at, handset()));
    let handsets = handsets(args.without_rcs, Handset::without_rcs)
        .chain(handsets(args.offline, Handset::offline))
        .chain(handsets(args.plain, Handset::plain));
    Ok(RcsConfig {
        listen: args.listen,
        control: Some(args.control),
        agent: AgentId::parse(&args.agent).with_context(|| format!("--agent `{}`", args.agent))?,
        use_case: args.use_case,
        account,
        token_lifetime: args.token_lifetime,
        webhook,
        ledger: args.ledger,
        delivery: DeliveryConfig {
            delay_min,
            delay_max,
            read: args.read,
            lost: args.lost,
            revoke_failed: args.revoke_failed,
            revoke_race: args.revoke_race,
            ..DeliveryConfig::default()
        },
        duplicates: args.duplicates,
        handsets: handsets.collect(),
        faults,
        seed: args.seed,
        phone_memory: args.phones,
        ..RcsConfig::default()
    })
}

fn read_faults(path: &Path) -> anyhow::Result<Vec<FaultRule>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no array of fault rules", path.display()))
}

/// The gateway takes no key file that others may read.
fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn print_addresses(simulator: &RcsSimulator, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        let line = serde_json::json!({ "api": simulator.base(), "control": simulator.control_addr });
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "API      {}", simulator.base())?;
        if let Some(control) = simulator.control_addr {
            writeln!(out, "control  http://{control}")?;
        }
    }
    out.flush().context("standard output")
}

fn print_summary(stats: &RcsStats, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(stats)?)?;
        return Ok(());
    }
    let answers: Vec<String> = stats
        .answers
        .iter()
        .map(|(name, count)| format!("{name}: {count}"))
        .collect();
    writeln!(out, "answers    {}", answers.join(", "))?;
    writeln!(
        out,
        "messages   {} accepted, {} came again, {} refused, {} delivered, {} read, {} withdrawn, {} waiting",
        stats.accepted, stats.duplicates, stats.refused, stats.delivered, stats.read, stats.withdrawn, stats.waiting
    )?;
    writeln!(
        out,
        "webhooks   {} sent, {} taken, {} refused, {} waiting",
        stats.webhooks_sent, stats.webhooks_taken, stats.webhooks_refused, stats.webhooks_waiting
    )?;
    if !stats.faults.is_empty() {
        let faults: Vec<String> = stats
            .faults
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        writeln!(out, "faults     {}", faults.join(", "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Other, SimulateArgs};
    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn parsed(words: &[&str]) -> RcsConfig {
        let all = ["simulate", "rcs"].iter().chain(words);
        let Some(Other::Rcs(args)) = Cli::parse_from(all).args.other else {
            panic!("it is the platform");
        };
        config(*args).unwrap()
    }

    #[test]
    fn without_a_flag_the_platform_is_the_default_one() {
        let (config, default) = (parsed(&[]), RcsConfig::default());
        assert_eq!((config.listen, config.control), (default.listen, default.control));
        assert_eq!((config.agent, config.delivery), (default.agent, default.delivery));
        assert_eq!(
            (config.token_lifetime, config.seed),
            (default.token_lifetime, default.seed)
        );
    }

    #[test]
    fn what_the_help_says_of_the_control_is_what_the_control_reads() {
        let json = |line: &str| {
            let from = line.find(['{', '[']).unwrap_or_default();
            let mut values = serde_json::Deserializer::from_str(&line[from..]).into_iter::<serde_json::Value>();
            values.next().unwrap().unwrap()
        };
        let lines_of = |begins: &str| {
            CONTROL
                .lines()
                .filter(|line| line.trim_start().starts_with(begins))
                .collect::<Vec<_>>()
        };
        let acts = lines_of("{\"");
        assert_eq!(acts.len(), 5);
        for act in acts {
            let user = serde_json::json!({ "from": "+447700900123", "act": json(act) });
            serde_json::from_value::<crate::simulator::rcs::UserAct>(user).unwrap();
        }
        serde_json::from_value::<DeliveryConfig>(json(lines_of("PUT /delivery")[0])).unwrap();
        serde_json::from_value::<Vec<FaultRule>>(json(lines_of("PUT /faults")[0])).unwrap();
        assert!(
            !serde_json::from_value::<Handset>(json(lines_of("PUT /handsets")[0]))
                .unwrap()
                .rcs
        );
    }

    #[test]
    fn prefixes_have_handsets_of_their_own() {
        let config = parsed(&["--without-rcs", "+39", "--plain", "+4477"]);
        assert!(!config.handsets["+39"].rcs);
        assert!(config.handsets["+4477"].rcs && config.handsets["+4477"].features.is_empty());
    }
}
