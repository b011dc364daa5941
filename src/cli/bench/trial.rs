//! One trial: simulator, daemon and generator started, the work done, its cost taken.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::configuration::Peer;
use super::generator::Accepts;
use super::memory::Growth;
use super::rcs::Counts;
use super::remote::Remote;
use super::sink::Taken;
use super::stage::Stage;
use super::start::read_token;
use super::{BenchArgs, BenchError};
use crate::cli::Global;
use crate::clock::{monotonic, secret_bits};

/// Messages sent before the trial, so that it does not measure first pages and statements being prepared.
pub(super) const WARM_UP: u64 = 500;

/// The work, and where.
pub(super) struct Trial<'a> {
    pub(super) args: &'a BenchArgs,
    pub(super) global: &'a Global,
    pub(super) directory: &'a Path,
    pub(super) key: String,
}

/// What came out.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) configuration: String,
    pub(super) accepts: Accepts,
    /// From the first request to the last message final.
    pub(super) seconds: f64,
    /// Of the daemon alone, over that time.
    pub(super) cpu_seconds: f64,
    pub(super) peak_rss_kib: u64,
    /// What the daemon's memory grew by over 1,000 messages, once it was warm, in KiB; of a long trial.
    pub(super) growth_kib: Option<f64>,
    pub(super) queued: Option<Queued>,
    pub(super) events: Option<Told>,
    pub(super) rcs: Option<ByRcs>,
}

/// Of a trial over RCS.
#[derive(Clone, Debug)]
pub(super) struct ByRcs {
    /// What the platform counted over the trial.
    pub(super) counts: Counts,
    /// The processor seconds of the platform, which shares the machine.
    pub(super) platform_cpu_seconds: f64,
}

/// Of a trial with events.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// What the back end was told over the trial.
    pub(super) taken: Taken,
    /// The daemon's peak when a quarter of the messages was accepted.
    pub(super) quarter_peak_rss_kib: u64,
}

/// Of a trial that queues first.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    /// The daemon's peak while all were queued.
    pub(super) peak_rss_kib: u64,
    /// Processor seconds of taking them.
    pub(super) accept_cpu_seconds: f64,
    /// From the carrier's start to the last message final.
    pub(super) drain_seconds: f64,
}

impl<'a> Trial<'a> {
    pub(super) fn new(args: &'a BenchArgs, global: &'a Global, directory: &'a Path) -> Self {
        let key = hex::encode(secret_bits());
        Self {
            args,
            global,
            directory,
            key,
        }
    }

    /// Runs it from start to stop.
    pub(super) async fn run(&self) -> Result<Figures, BenchError> {
        let (simulator, peer, control) = self.start_peer().await?;
        let sink = match self.args.events {
            Some(_) => Some(self.start_sink().await?),
            None => None,
        };
        let configuration = self.write_configuration(&peer, sink.as_ref().map(|(_, remote)| remote.addr))?;
        let (daemon, api, admin) = self.start_daemon().await?;
        let mut stage = Stage {
            simulator,
            daemon,
            api,
            admin: Remote::new(admin, &read_token(self.directory)?),
            control,
            sink,
            quarter_peak_rss_kib: 0,
            growth: Growth::new(),
        };
        stage.wait_for_bind().await?;
        if let Peer::Platform(platform) = &peer {
            let url = format!("http://{api}/rcs/simulator");
            let target = json!({ "url": url, "client_token": platform.client_token });
            stage.control.put("/webhook", &target).await?;
        }
        stage.work(self, 0, WARM_UP, &ProgressBar::hidden()).await?;
        stage.wait_for_end(self, WARM_UP, &ProgressBar::hidden()).await?;
        let warm = stage.told().await?;
        let platform = match peer {
            Peer::Platform(_) => Some((Counts::look(&mut stage.control).await?, stage.simulator.cpu_seconds()?)),
            Peer::Carrier(_) => None,
        };
        stage.growth = Growth::new();

        let bar = progress_bar(self.args.count());
        let (start, cpu) = (monotonic(), stage.daemon.cpu_seconds()?);
        let mut figures = match self.args.queued {
            None => {
                let accepts = stage.work(self, WARM_UP, self.args.count(), &bar).await?;
                stage.wait_for_end(self, WARM_UP + accepts.accepted, &bar).await?;
                Figures::new(configuration, accepts)
            }
            Some(count) => self.queue_and_drain(count, &mut stage, configuration, &bar).await?,
        };
        figures.seconds = start.elapsed().as_secs_f64();
        figures.cpu_seconds = stage.daemon.cpu_seconds()? - cpu;
        figures.peak_rss_kib = stage.daemon.peak_rss_kib()?;
        let messages_per_second = figures.accepts.accepted as f64 / figures.seconds;
        let growth = stage.growth.kib_per_second();
        figures.growth_kib = growth.map(|growth| growth * 1_000.0 / messages_per_second);
        if let Some((before, cpu)) = platform {
            figures.rcs = Some(ByRcs {
                counts: Counts::look(&mut stage.control).await?.since(&before),
                platform_cpu_seconds: stage.simulator.cpu_seconds()? - cpu,
            });
        }
        if let (Some(before), Some(after)) = (warm, stage.told().await?) {
            figures.events = Some(Told {
                taken: after.since(before),
                quarter_peak_rss_kib: stage.quarter_peak_rss_kib,
            });
        }
        bar.finish_and_clear();
        let Stage {
            daemon,
            simulator,
            sink,
            ..
        } = stage;
        daemon.stop().await?;
        simulator.stop().await?;
        if let Some((sink, _)) = sink {
            sink.stop().await?;
        }
        Ok(figures)
    }

    async fn queue_and_drain(
        &self,
        count: u64,
        stage: &mut Stage,
        configuration: String,
        bar: &ProgressBar,
    ) -> Result<Figures, BenchError> {
        let cpu = stage.daemon.cpu_seconds()?;
        stage.admin.post("/admin/v1/carriers/simulator/stop").await?;
        stage.wait_for_carrier("stopped").await?;
        bar.set_message("queued");
        let accepts = stage.work(self, WARM_UP, count, bar).await?;
        let peak_rss_kib = stage.daemon.peak_rss_kib()?;
        let accept_cpu_seconds = stage.daemon.cpu_seconds()? - cpu;
        bar.reset();
        bar.set_message("drained");
        let start = monotonic();
        stage.admin.post("/admin/v1/carriers/simulator/start").await?;
        stage.wait_for_end(self, WARM_UP + accepts.accepted, bar).await?;
        let queued = Queued {
            peak_rss_kib,
            accept_cpu_seconds,
            drain_seconds: start.elapsed().as_secs_f64(),
        };
        Ok(Figures {
            queued: Some(queued),
            ..Figures::new(configuration, accepts)
        })
    }
}

impl Figures {
    fn new(configuration: String, accepts: Accepts) -> Self {
        Self {
            configuration,
            accepts,
            seconds: 0.0,
            cpu_seconds: 0.0,
            peak_rss_kib: 0,
            growth_kib: None,
            queued: None,
            events: None,
            rcs: None,
        }
    }
}

/// Shown on a terminal only.
fn progress_bar(count: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} {msg} {per_sec:.0}");
    let bar = ProgressBar::new(count);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
