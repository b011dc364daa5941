//! The processes of a trial at work, and how far they are.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::{sleep, timeout};

use super::child::Process;
use super::generator::{self, Accepts, KEY_VARIABLE};
use super::memory::Growth;
use super::remote::Remote;
use super::sink::Taken;
use super::template::Packing;
use super::trial::{Trial, WARM_UP};
use super::{BenchArgs, BenchError};
use crate::clock::monotonic;

/// How long daemon and simulator may take to be ready.
pub(super) const READY: Duration = Duration::from_secs(30);
/// How often is asked how far it is; the ends of a trial are known this exactly.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long nothing may happen before a trial is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The processes, once they are ready.
pub(super) struct Stage {
    pub(super) simulator: Process,
    pub(super) daemon: Process,
    pub(super) api: SocketAddr,
    pub(super) admin: Remote,
    pub(super) control: Remote,
    pub(super) sink: Option<(Process, Remote)>,
    /// The daemon's peak when a quarter of the messages was accepted.
    pub(super) quarter_peak_rss_kib: u64,
    pub(super) growth: Growth,
}

impl Stage {
    /// Sends messages and waits until all are answered. A refusal ends the trial: half a work has no figures.
    pub(super) async fn work(
        &mut self,
        trial: &Trial<'_>,
        first: u64,
        count: u64,
        bar: &ProgressBar,
    ) -> Result<Accepts, BenchError> {
        let args = trial.args;
        let mut generator = Process::start("generator", trial.directory, true, |command| {
            command.arg("bench-generator").arg("--api").arg(self.api.to_string());
            command.args(["--messages", &count.to_string(), "--first", &first.to_string()]);
            command.args(["--connections", &args.connections.to_string(), "--class", &args.class]);
            match args.packing() {
                Packing::Single => command.args(["--ndjson", "0"]),
                Packing::Ndjson(batch) => command.args(["--ndjson", &batch.to_string()]),
                Packing::Events(batch) => command.args(["--events", &batch.to_string()]),
            };
            if let Some(rate) = args.rate.filter(|_| first >= WARM_UP) {
                command.args(["--rate", &rate.to_string()]);
            }
            for (given, option) in [(args.no_receipt, "--no-receipt"), (args.keys, "--keys")] {
                if given {
                    command.arg(option);
                }
            }
            command.env(KEY_VARIABLE, &trial.key).stdin(Stdio::piped());
        })?;
        let unheard = || BenchError::Process("generator", "it ended without a word".to_owned());
        let mut input = generator.child.stdin.take().ok_or_else(unheard)?;
        let mut lines = BufReader::new(generator.child.stdout.take().ok_or_else(unheard)?).lines();
        loop {
            let line = timeout(PATIENCE, lines.next_line()).await;
            let line = line.map_err(|_| BenchError::Stuck(format!("no word from the generator for {PATIENCE:?}")))?;
            let line = line.ok().flatten().ok_or_else(unheard)?;
            match serde_json::from_str(&line) {
                Ok(generator::Told::Ready) => input.write_all(b"go\n").await.map_err(|_| unheard())?,
                Ok(generator::Told::Accepted(accepted)) => {
                    bar.set_position(accepted);
                    self.grow()?;
                    // A quick trial may be past its quarter at the first word.
                    if accepted * 4 <= count || self.quarter_peak_rss_kib == 0 {
                        self.quarter_peak_rss_kib = self.daemon.peak_rss_kib()?;
                    }
                }
                Ok(generator::Told::Done(accepts)) if accepts.refused > 0 => {
                    let first = accepts.first_refusal.unwrap_or_default();
                    return Err(BenchError::Refused(accepts.refused, first));
                }
                Ok(generator::Told::Done(accepts)) => return Ok(accepts),
                Ok(generator::Told::Failed(why)) => return Err(BenchError::Process("generator", why)),
                Err(_) => return Err(BenchError::Process("generator", line)),
            }
            if let Some(ended) = self.daemon.ended() {
                return Err(ended);
            }
        }
    }

    pub(super) async fn wait_for_bind(&mut self) -> Result<(), BenchError> {
        self.wait_for_carrier("up").await
    }

    pub(super) async fn wait_for_carrier(&mut self, state: &str) -> Result<(), BenchError> {
        let start = monotonic();
        while start.elapsed() < READY {
            let carriers = self.admin.get("/admin/v1/carriers").await?;
            if carriers["data"][0]["state"] == state {
                return Ok(());
            }
            sleep(LOOK_EVERY).await;
        }
        Err(BenchError::Stuck(format!("the carrier is not {state} after {READY:?}")))
    }

    /// Waits until so many messages, counted from the daemon's start, are final. The simulator is asked, since asking
    /// the daemon would cost what is measured; only the last word is the daemon's.
    pub(super) async fn wait_for_end(
        &mut self,
        trial: &Trial<'_>,
        count: u64,
        bar: &ProgressBar,
    ) -> Result<(), BenchError> {
        let mut last = Moved::new();
        loop {
            let settled = self.settled(trial.args).await?;
            bar.set_position(settled.saturating_sub(WARM_UP));
            if settled >= count {
                break;
            }
            last.check(settled, || {
                format!("{settled} of {count} messages have come to their end")
            })?;
            self.grow()?;
            sleep(LOOK_EVERY).await;
        }
        let mut last = Moved::new();
        loop {
            let queue = self.admin.get("/admin/v1/queue").await?;
            let open = queue["open"].as_array().map_or(&[][..], Vec::as_slice);
            // Where no receipt is wanted, submitted is the end.
            let open = open
                .iter()
                .filter(|row| !(trial.args.no_receipt && row["state"] == "submitted"));
            let open: u64 = open.filter_map(|row| row["messages"].as_u64()).sum();
            if open == 0 {
                break;
            }
            last.check(open, || format!("{open} messages are not final: {}", queue["open"]))?;
            sleep(LOOK_EVERY).await;
        }
        let mut last = Moved::new();
        while let Some(taken) = self.told().await? {
            // Each message was submitted, and delivered.
            if taken.webhooks >= count * 2 {
                break;
            }
            last.check(taken.webhooks, || {
                format!("{} of {} outcomes are told", taken.webhooks, count * 2)
            })?;
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Messages of which the simulator has told the last, and was heard.
    async fn settled(&mut self, args: &BenchArgs) -> Result<u64, BenchError> {
        let stats = self.control.get("/stats").await?;
        let count = |name: &str| stats[name].as_u64().unwrap_or(0);
        Ok(match (args.rcs, args.no_receipt) {
            // Delivered, and perhaps read.
            (true, _) => count("webhooks_taken") / (1 + u64::from(args.read)),
            (false, true) => count("accepted"),
            (false, false) => count("receipts_taken"),
        })
    }

    /// Looks at the daemon's memory now and then.
    fn grow(&mut self) -> Result<(), BenchError> {
        if self.growth.is_due() {
            self.growth.note(self.daemon.rss_kib()?);
        }
        Ok(())
    }

    /// What the back end was told, if there is one.
    pub(super) async fn told(&mut self) -> Result<Option<Taken>, BenchError> {
        let Some((_, sink)) = &mut self.sink else {
            return Ok(None);
        };
        let stats = sink.get("/stats").await?;
        let taken = serde_json::from_value(stats);
        taken
            .map(Some)
            .map_err(|error| BenchError::Process("sink", error.to_string()))
    }
}

/// Notices when a number does not move any more.
struct Moved {
    value: u64,
    at: Instant,
}

impl Moved {
    fn new() -> Self {
        Self {
            value: 0,
            at: monotonic(),
        }
    }

    fn check(&mut self, value: u64, what: impl FnOnce() -> String) -> Result<(), BenchError> {
        if value != self.value {
            (self.value, self.at) = (value, monotonic());
        }
        if self.at.elapsed() < PATIENCE {
            return Ok(());
        }
        Err(BenchError::Stuck(format!("nothing moves for {PATIENCE:?}: {}", what())))
    }
}
