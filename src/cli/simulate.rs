//! `araldo simulate`: carriers to test against.

mod rcs;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use araldo_sms::DefaultAlphabet;
use clap::{Args, Subcommand};

use crate::simulator::{
    ExpiredState, FaultRule, IdForm, ReceiptConfig, ReceiptForm, SegmentReceipts, Simulator, SimulatorConfig, Stats,
};

/// Run a simulated message centre: SMPP over TCP, receipts, faults on request, a ledger of every PDU.
///
/// Shares are numbers from 0 to 1. Faults, receipts and the state of the line can be changed while it runs, by the HTTP
/// control; `GET /` there lists the routes.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SimulateArgs {
    /// Another carrier than a message centre.
    #[command(subcommand)]
    pub other: Option<Other>,
    /// Where ESMEs connect; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2775")]
    pub listen: SocketAddr,
    /// Where the HTTP control listens. It lets in everybody: keep it on loopback.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2776")]
    pub control: SocketAddr,
    /// Go without the HTTP control.
    #[arg(long, conflicts_with = "control")]
    pub no_control: bool,
    /// The name in bind responses.
    #[arg(long, default_value = "simulator")]
    pub name: String,
    /// The one system_id let in [default: any].
    #[arg(long, value_name = "ID")]
    pub system_id: Option<String>,
    /// The one password let in [default: any]. For secrets use the environment.
    #[arg(long, env = "ARALDO_SIMULATE_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// Append every PDU to this file, a line of JSON each, before its answer is sent.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Answer ESME_RTHROTTLED above so many segments a second.
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u32).range(1..))]
    pub throttle: Option<u32>,
    /// Answer ESME_RTHROTTLED when so many requests of one link wait for their delayed answer.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub submit_window: Option<u16>,
    /// How long every submit_sm waits for its answer.
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = humantime::parse_duration)]
    pub response_delay: Duration,
    /// deliver_sm outstanding on one link at most.
    #[arg(long, value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..))]
    pub deliver_window: u16,
    /// Send no receipts.
    #[arg(long)]
    pub no_receipts: bool,
    /// Time from submit_sm to the final state; as MIN..MAX anything between the two.
    #[arg(long, value_name = "SPAN[..SPAN]", default_value = "0s", value_parser = spans)]
    pub receipt_delay: (Duration, Duration),
    /// Where id and state stand in receipts.
    #[arg(long, value_enum, default_value_t)]
    pub receipt_form: ReceiptForm,
    /// How ids are written in responses and in receipts.
    #[arg(long, value_enum, default_value_t)]
    pub id_form: IdForm,
    /// Share of messages that end undelivered.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub undelivered: f64,
    /// The error code of those.
    #[arg(long, value_name = "CODE", default_value_t = 1)]
    pub error_code: u16,
    /// Share of messages whose receipt never comes.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub silent: f64,
    /// Share of receipts sent before the submit_sm_resp.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub before_response: f64,
    /// Share of receipts sent twice.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub duplicate: f64,
    /// Share of messages with an ENROUTE notification before their receipt.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub intermediate: f64,
    /// Which segments of a long message get a receipt.
    #[arg(long, value_enum, default_value_t)]
    pub segment_receipts: SegmentReceipts,
    /// The state of messages whose validity_period is over before their delay.
    #[arg(long, value_enum, default_value_t)]
    pub after_expiry: ExpiredState,
    /// Send receipts on any link of the same system_id, not on the one the message came on.
    #[arg(long)]
    pub receipts_on_any_link: bool,
    /// Leave user_message_reference out of receipts.
    #[arg(long)]
    pub no_reference: bool,
    /// A JSON array of fault rules, as [{"fault": "reset", "when": {"probability": 0.01}}].
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Decides every share and probability.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Messages that the virtual phones remember, all together; 0 saves the work.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub phones: usize,
    /// What data_coding 0 means, both ways.
    #[arg(long, default_value = "gsm7", value_name = "gsm7|gsm7_packed|ascii|latin1|utf8|ucs2")]
    pub default_alphabet: DefaultAlphabet,
    /// Take sloppy PDUs instead of refusing them as the standard has it.
    #[arg(long)]
    pub tolerant: bool,
    /// Print addresses and summary as JSON, a line each.
    #[arg(long)]
    pub json: bool,
}

/// Carriers that speak something else than SMPP.
#[derive(Clone, Debug, Subcommand)]
pub enum Other {
    /// Run a simulated RCS platform: the business messaging API, webhooks, faults on request.
    Rcs(Box<rcs::RcsArgs>),
}

/// Runs until SIGINT or SIGTERM, then prints what was counted.
pub async fn run(mut args: SimulateArgs) -> anyhow::Result<()> {
    if let Some(Other::Rcs(args)) = args.other.take() {
        return rcs::run(*args).await;
    }
    let json = args.json;
    let simulator = Simulator::start(config(args)?).await?;
    print_addresses(&simulator, json)?;
    wait_for_signal().await?;
    print_summary(&simulator.shutdown().await, json)
}

fn config(args: SimulateArgs) -> anyhow::Result<SimulatorConfig> {
    let faults = match &args.faults {
        Some(path) => read_faults(path)?,
        None => Vec::new(),
    };
    let (delay_min, delay_max) = args.receipt_delay;
    Ok(SimulatorConfig {
        listen: args.listen,
        control: (!args.no_control).then_some(args.control),
        name: args.name,
        system_id: args.system_id,
        password: args.password,
        ledger: args.ledger,
        throughput: args.throttle,
        submit_window: args.submit_window,
        response_delay: args.response_delay,
        deliver_window: args.deliver_window,
        receipts: ReceiptConfig {
            enabled: !args.no_receipts,
            delay_min,
            delay_max,
            undelivered: args.undelivered,
            error_code: args.error_code,
            silent: args.silent,
            form: args.receipt_form,
            before_response: args.before_response,
            duplicate: args.duplicate,
            intermediate: args.intermediate,
            segments: args.segment_receipts,
            after_expiry: args.after_expiry,
            on_any_link: args.receipts_on_any_link,
            echo_reference: !args.no_reference,
        },
        id_form: args.id_form,
        faults,
        seed: args.seed,
        phone_memory: args.phones,
        default_alphabet: args.default_alphabet,
        tolerant: args.tolerant,
        ..SimulatorConfig::default()
    })
}

fn read_faults(path: &PathBuf) -> anyhow::Result<Vec<FaultRule>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no array of fault rules", path.display()))
}

/// `2s` or `1s..5s`.
fn spans(text: &str) -> Result<(Duration, Duration), humantime::DurationError> {
    match text.split_once("..") {
        Some((min, max)) => Ok((humantime::parse_duration(min)?, humantime::parse_duration(max)?)),
        None => humantime::parse_duration(text).map(|span| (span, span)),
    }
}

fn print_addresses(simulator: &Simulator, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        let line = serde_json::json!({ "smpp": simulator.addr, "control": simulator.control_addr });
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "SMPP     {}", simulator.addr)?;
        if let Some(control) = simulator.control_addr {
            writeln!(out, "control  http://{control}")?;
        }
    }
    out.flush().context("standard output")
}

async fn wait_for_signal() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn print_summary(stats: &Stats, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(stats)?)?;
        return Ok(());
    }
    let counts = |counts: &std::collections::BTreeMap<String, u64>| {
        let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        counts.join(", ")
    };
    writeln!(
        out,
        "binds      {} accepted, {} refused",
        stats.binds, stats.binds_refused
    )?;
    writeln!(out, "submits    {} read, {} accepted", stats.submits, stats.accepted)?;
    if !stats.answers.is_empty() {
        writeln!(out, "answers    {}", counts(&stats.answers))?;
    }
    writeln!(
        out,
        "receipts   {} sent, {} taken, {} refused, {} waiting",
        stats.receipts_sent, stats.receipts_taken, stats.receipts_refused, stats.waiting
    )?;
    writeln!(
        out,
        "MOs        {} sent, {} taken, {} refused",
        stats.mos_sent, stats.mos_taken, stats.mos_refused
    )?;
    if !stats.faults.is_empty() {
        writeln!(out, "faults     {}", counts(&stats.faults))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: SimulateArgs,
    }

    #[test]
    fn without_a_flag_the_simulator_is_the_default_one() {
        let config = config(Cli::parse_from(["simulate"]).args).expect("config");
        let default = SimulatorConfig::default();
        assert_eq!((config.listen, config.control), (default.listen, default.control));
        assert_eq!(config.receipts, default.receipts);
        assert_eq!((config.seed, config.phone_memory), (default.seed, default.phone_memory));
    }

    #[test]
    fn a_delay_may_be_a_range() {
        assert_eq!(spans("1s..5s"), Ok((Duration::from_secs(1), Duration::from_secs(5))));
        assert_eq!(
            spans("200ms"),
            Ok((Duration::from_millis(200), Duration::from_millis(200)))
        );
        assert!(spans("soon").is_err());
    }

    #[test]
    fn faults_come_from_a_file_and_a_bad_one_is_named() {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        let path = file.path().to_owned();
        let args = || Cli::parse_from(["simulate", "--faults", path.to_str().expect("path")]).args;
        file.write_all(br#"[{"fault": "reset", "when": {"nth": 2}}]"#)
            .expect("written");
        assert_eq!(config(args()).expect("config").faults.len(), 1);
        file.write_all(b"]").expect("written");
        let error = config(args()).expect_err("trailing octets");
        assert!(error.to_string().contains(path.to_str().expect("path")), "{error}");
    }
}
