//! `araldo bench`: what this machine does. Daemon, simulator and generator are processes of their own; the daemon's CPU
//! and memory are measured from outside, and nothing in it knows that it is measured.

mod child;
mod configuration;
mod generator;
mod http;
mod machine;
mod memory;
mod rcs;
mod remote;
mod report;
mod sink;
mod stage;
mod start;
mod template;
mod trial;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;

pub use generator::GeneratorArgs;
pub use sink::SinkArgs;

use super::table::Screen;
use super::{Exit, Global};
use crate::clock::secret_bits;
use crate::domain::Class;
use machine::Machine;
use template::Packing;
use trial::Trial;

/// Options of `araldo bench`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    araldo bench\n  \
    araldo bench --class otp --keys --json\n  \
    araldo bench --queued 1000000\n  \
    araldo bench --events\n  \
    araldo bench --rcs --read --rate 2000\n  \
    araldo bench --set carrier.simulator.binds=2 --window 1000\n\n\
    Keys of the daemon's configuration are set with --set; it has one carrier, `simulator`.")]
pub struct BenchArgs {
    /// Messages.
    #[arg(long, short = 'n', default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    messages: u64,
    /// Keep-alive connections of the generator.
    #[arg(long, short, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// The class of the messages.
    #[arg(long, default_value = "transaction", value_parser = PossibleValuesParser::new(Class::ALL.map(Class::as_str)))]
    class: String,
    /// Ask for no receipts: a message ends with the answer to its submit_sm.
    #[arg(long)]
    no_receipt: bool,
    /// Send NDJSON, so many messages a request, instead of a request each.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    ndjson: Option<u32>,
    /// Publish events, so many a batch; each makes a message from a template, and a back end is told of its outcomes by
    /// webhook, as many a post.
    #[arg(long, value_name = "COUNT", num_args = 0..=1, default_missing_value = "100", conflicts_with_all = ["ndjson", "keys", "queued", "no_receipt"], value_parser = clap::value_parser!(u32).range(2..=1000))]
    events: Option<u32>,
    /// Send by RCS, to a platform that holds every body against its schema and tells of deliveries by signed webhooks.
    #[arg(long, conflicts_with_all = ["events", "queued", "no_receipt"])]
    rcs: bool,
    /// Every message is read, too: the platform tells of it twice.
    #[arg(long, requires = "rcs")]
    read: bool,
    /// Messages a second [default: as fast as the daemon takes them].
    #[arg(long, value_name = "COUNT", conflicts_with = "queued", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Send an Idempotency-Key with each message.
    #[arg(long)]
    keys: bool,
    /// Queue so many messages while the carrier is stopped (by NDJSON), then let them go: memory and time to drain.
    #[arg(long, value_name = "COUNT", conflicts_with = "messages", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    queued: Option<u64>,
    /// Requests outstanding with the carrier [default: carrier.*.window of the configuration].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=5000))]
    window: Option<u16>,
    /// Where to make the directory of the trial; the disk there is what is measured [default: the working directory].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Leave the directory there, with database, configuration and logs.
    #[arg(long)]
    keep: bool,
    /// Accept a store in memory. Such figures say nothing about a gateway that syncs.
    #[arg(long)]
    allow_tmpfs: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub(super) enum BenchError {
    /// The directory is not fit.
    #[error("{}: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    /// The store would be in memory.
    #[error(
        "{} is on {file_system}, where a sync costs nothing and keeps nothing: name a directory on a disk with --dir, \
         or say --allow-tmpfs for figures that are not to be published",
        path.display()
    )]
    InMemory { path: PathBuf, file_system: String },
    /// A process of the trial did not do as expected.
    #[error("{0}: {1}")]
    Process(&'static str, String),
    /// The daemon refused the work.
    #[error("the daemon refused {0} of the messages: {1}")]
    Refused(u64, String),
    /// Not all came to an end.
    #[error("{0}")]
    Stuck(String),
    /// Interrupted by a person.
    #[error("interrupted")]
    Interrupted,
    /// Our own output failed.
    #[error("{0}")]
    Output(io::Error),
}

impl BenchError {
    fn directory(path: &Path, source: io::Error) -> Self {
        Self::Directory {
            path: path.to_owned(),
            source,
        }
    }
}

/// The directory of a trial; removed with all that is in it, unless it is to be kept.
struct Workplace {
    path: PathBuf,
    keep: bool,
}

impl BenchArgs {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        match self.measure(global) {
            Ok(()) => Exit::Ok,
            Err(BenchError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Err(error) => {
                // A closed standard error leaves the exit code.
                let _ = writeln!(io::stderr(), "error: {error}");
                match error {
                    BenchError::InMemory { .. } | BenchError::Refused(..) => Exit::Refused,
                    BenchError::Directory { .. } => Exit::CannotCreate,
                    BenchError::Output(_) => Exit::Io,
                    BenchError::Process(..) | BenchError::Stuck(_) | BenchError::Interrupted => Exit::Error,
                }
            }
        }
    }

    fn measure(&self, global: &Global) -> Result<(), BenchError> {
        let mut workplace = Workplace::make(self.dir.as_deref().unwrap_or(Path::new(".")), self.keep)?;
        let directory = workplace.path.clone();
        let machine = Machine::look(&directory).map_err(|source| BenchError::directory(&directory, source))?;
        if machine.is_memory() && !self.allow_tmpfs {
            return Err(BenchError::InMemory {
                path: directory,
                file_system: machine.file_system,
            });
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(BenchError::Output)?;
        let figures = runtime.block_on(async {
            let trial = Trial::new(self, global, &directory);
            tokio::select! {
                figures = trial.run() => figures,
                _ = tokio::signal::ctrl_c() => Err(BenchError::Interrupted),
            }
        });
        let figures = figures.inspect_err(|error| workplace.keep_logs(error))?;
        let mut screen = Screen::of_stdout(self.json);
        let shown = report::show(self, &machine, &directory, &figures, &mut screen);
        shown.and_then(|()| screen.flush()).map_err(BenchError::Output)
    }

    /// Messages of the trial.
    fn count(&self) -> u64 {
        self.queued.unwrap_or(self.messages)
    }

    /// What a request holds.
    fn packing(&self) -> Packing {
        match (self.events, self.ndjson, self.queued) {
            (Some(count), ..) => Packing::Events(count),
            (None, Some(count), _) => Packing::Ndjson(count),
            (None, None, Some(_)) => Packing::Ndjson(1_000),
            (None, None, None) => Packing::Single,
        }
    }
}

impl Workplace {
    fn make(parent: &Path, keep: bool) -> Result<Self, BenchError> {
        let path = parent.join(format!("araldo-bench-{}", hex::encode(&secret_bits()[..4])));
        let made = fs::create_dir_all(parent)
            .and_then(|()| fs::create_dir(&path))
            .and_then(|()| path.canonicalize());
        let path = made.map_err(|source| BenchError::directory(&path, source))?;
        Ok(Self { path, keep })
    }

    /// What went wrong can be read in the logs, so they stay.
    fn keep_logs(&mut self, error: &BenchError) {
        if !matches!(error, BenchError::Interrupted) {
            self.keep = true;
            let _ = writeln!(io::stderr(), "logs and database are left in {}", self.path.display());
        }
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            let _ = writeln!(io::stderr(), "{} is left behind: {error}", self.path.display());
        }
    }
}
