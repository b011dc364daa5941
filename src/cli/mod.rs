//! The command line: global options and the verbs, a file a verb group.

mod admin;
mod bench;
mod commands;
mod config;
mod db;
pub mod demo;
mod exit;
mod filter;
mod number;
mod pdu;
mod rcs;
mod receipt;
pub mod simulate;
mod sms;
mod table;
mod template;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use admin::{
    AdminOptions, CarriersVerb, CasesVerb, CertifiedVerb, ConsentVerb, InboundVerb, MessagesVerb, QueueVerb, SendArgs,
    StatusArgs, WebhooksVerb,
};
pub use bench::{BenchArgs, GeneratorArgs, SinkArgs};
pub use commands::CommandsVerb;
pub use config::{ConfigVerb, report};
pub use db::DbVerb;
pub use exit::Exit;
pub use number::NumberVerb;
pub use pdu::PduVerb;
pub use rcs::RcsVerb;
pub use receipt::ReceiptVerb;
pub use sms::{GivenEncoding, SmsVerb};
pub use template::TemplateVerb;

use crate::config::LoadOptions;

/// SMS and RCS gateway daemon.
#[derive(Debug, Parser)]
#[command(name = "araldo", version, about, long_about = None, max_term_width = 120)]
pub struct Cli {
    /// The configuration's options, which every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options that every verb takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Global {
    /// The configuration file [default: /etc/araldo/araldo.toml, then ./araldo.toml].
    #[arg(long, global = true, value_name = "FILE", env = "ARALDO_CONFIG")]
    pub config: Option<PathBuf>,
    /// Overrides a key, e.g. --set carrier.tim.window=50. May be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Verb {
    /// Whether the configuration has a say in it.
    pub fn reads_configuration(&self) -> bool {
        match self {
            Self::Run
            | Self::Config(_)
            | Self::Db(_)
            | Self::Commands(_)
            | Self::Status(_)
            | Self::Messages(_)
            | Self::Inbound(_)
            | Self::Consent(_)
            | Self::Cases(_)
            | Self::Certified(_)
            | Self::Send(_)
            | Self::Carriers(_)
            | Self::Queue(_)
            | Self::Rcs(_)
            | Self::Template(_)
            | Self::Webhooks(_)
            | Self::Bench(_) => true,
            Self::Demo(_)
            | Self::Simulate(_)
            | Self::BenchGenerator(_)
            | Self::BenchSink(_)
            | Self::Pdu(_)
            | Self::Sms(_)
            | Self::Receipt(_)
            | Self::Number(_) => false,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the gateway.
    Run,
    /// See it at work: the gateway, two simulated carriers, and a page to watch them.
    Demo(demo::DemoArgs),
    /// Run a carrier to test against, SMPP or RCS: over real sockets, hostile on request.
    Simulate(Box<simulate::SimulateArgs>),
    /// Check, show or print the configuration.
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Check the store.
    #[command(subcommand)]
    Db(DbVerb),
    /// Check and try the texts of messages.
    #[command(subcommand)]
    Template(TemplateVerb),
    /// See what customers' texts are taken for.
    #[command(subcommand)]
    Commands(CommandsVerb),
    /// Show how a running daemon is: carriers, queue.
    Status(StatusArgs),
    /// List, show, cancel, requeue messages.
    Messages(MessagesVerb),
    /// List the texts that customers sent.
    Inbound(InboundVerb),
    /// See and note what people want to be sent: STOP and START.
    Consent(ConsentVerb),
    /// See, take, answer, note and solve what customers texted that a person answers.
    Cases(CasesVerb),
    /// See and revoke the numbers that are certified for customers.
    Certified(CertifiedVerb),
    /// Send a message by hand.
    Send(SendArgs),
    /// List, start, stop, drain carriers.
    Carriers(CarriersVerb),
    /// Show what waits.
    Queue(QueueVerb),
    /// Ask the RCS platform: sign in, reach.
    #[command(subcommand)]
    Rcs(RcsVerb),
    /// List endpoints and dead letters, replay, enable, disable.
    Webhooks(WebhooksVerb),
    /// Measure what this machine does: daemon, simulator and generator as processes of their own.
    Bench(BenchArgs),
    /// The load of `bench`.
    #[command(hide = true)]
    BenchGenerator(GeneratorArgs),
    /// The back end of `bench`.
    #[command(hide = true)]
    BenchSink(SinkArgs),
    /// Decode and encode SMPP's PDUs, a line each.
    #[command(subcommand)]
    Pdu(PduVerb),
    /// See how texts become short messages, a line each.
    #[command(subcommand)]
    Sms(SmsVerb),
    /// Read carriers' receipts, a line each.
    #[command(subcommand)]
    Receipt(ReceiptVerb),
    /// Read numbers and senders, a line each.
    #[command(subcommand)]
    Number(NumberVerb),
}

impl Global {
    /// What the configuration is made of, with the environment of this process.
    pub fn load_options(&self) -> LoadOptions {
        LoadOptions::from_env(self.config.clone(), self.set.clone())
    }
}
