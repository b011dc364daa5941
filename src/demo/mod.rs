//! `araldo demo`: the whole gateway at work on one machine, with a page on which a person sees it happen.
//!
//! The daemon is the real one, started through [`Daemon::start`] with a configuration built here; the two carriers and
//! the RCS platform are simulators reached over real SMPP and HTTP on loopback; the bank that sends and publishes is an ordinary client of the HTTP
//! API, told by signed webhooks what became of its messages. No path of the daemon knows that it is being shown.
//!
//! | module | what it holds |
//! |---|---|
//! | `setting` | the daemon's configuration, the phones, where the files go |
//! | `carrier` | the two simulated carriers, and how each may be broken |
//! | `platform` | the simulated RCS platform, and which phones it reaches |
//! | `back_end` | the bank as a client: sends messages, publishes events, over HTTP with its key |
//! | `bank` | the bank that is told and asked: verifies webhooks and calls by itself |
//! | `account` | what it knows of each phone, and what it does for a customer |
//! | `event`, `story` | the shipped events and the demo's own, made new for a phone and a language |
//! | `script`, `trickle` | what it sends, and when |
//! | `watch` | follows outbox, store and simulators |
//! | `board` | what the page shows, and the events that change it |
//! | `wire` | the PDUs of late, and which belong to a message |
//! | `view`, `card`, `detail` | a row, a bubble, a card with chips, a carrier, a message as the page shows them |
//! | `page`, `publish`, `phone`, `live`, `guard` | routes, the stream of events, who may ask and what a browser may do |
//! | `template`, `asset` | templates and files, embedded |
//! | `port`, `banner` | free ports; what the terminal is told |
//!
//! Everything shown has a bound: rows, bubbles, PDUs and latencies are kept in rings.

mod account;
mod asset;
mod back_end;
mod bank;
mod banner;
mod board;
mod card;
mod carrier;
mod detail;
mod event;
mod guard;
mod live;
mod page;
mod phone;
mod platform;
mod port;
mod publish;
mod script;
mod setting;
mod stage;
mod story;
mod template;
mod trickle;
mod view;
mod watch;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use banner::{banner, summary};
pub use board::Summary;

use crate::app::Daemon;
use crate::clock::{self, Clock, monotonic};
use back_end::BackEnd;
use bank::Bank;
use platform::Platform;
use setting::Home;
use stage::Stage;

/// The ports of the API and of the page, where they are free.
const API_PORT: u16 = 8480;
const PAGE_PORT: u16 = 8481;

/// What the demo is told.
#[derive(Clone, Debug, Default)]
pub struct DemoOptions {
    /// Where the database is kept. `None`: in a directory that is gone when the demo ends.
    pub keep: Option<PathBuf>,
    /// Takes any free ports instead of the well-known ones, for tests.
    pub any_port: bool,
    /// Begins with the trickle paused.
    pub quiet: bool,
}

/// The demo at work.
pub struct Demo {
    /// Where the API listens.
    pub api: SocketAddr,
    /// Where the page is.
    pub page: SocketAddr,
    /// The key of the one client, drawn for this run.
    pub key: String,
    /// Ports that were taken, with those used instead.
    pub taken: Vec<(u16, u16)>,
    /// Where the bank is told by webhook.
    pub bank_url: String,
    /// Where each carrier listens.
    pub carriers: Vec<(&'static str, SocketAddr)>,
    /// Where the RCS platform listens, and which phone it reaches.
    pub platform: SocketAddr,
    /// Where the database is kept; `None` where it is temporary.
    pub kept: Option<PathBuf>,
    /// A date in some days, for an example.
    soon: String,
    /// How long the start took.
    pub started_in: Duration,
    daemon: Daemon,
    stage: Arc<Stage>,
    tasks: TaskTracker,
    bank: JoinHandle<()>,
    stop_bank: Stop,
    home: Home,
}

impl Demo {
    /// Starts carriers, daemon and page.
    pub async fn start(options: &DemoOptions) -> anyhow::Result<Self> {
        let begun = monotonic();
        let clock = Clock::system();
        let soon = clock.now().after(Duration::from_hours(5 * 24)).timestamp();
        let home = Home::make(options.keep.as_deref())?;
        let ports = port::choose(options.any_port)?;
        let key = hex::encode(clock::secret_bits());
        let carriers = carrier::start_all(&clock).await?;
        let platform = Platform::start(&clock).await?;
        let (bank, heard) = Bank::open().await?;
        let config = setting::config(&home, &ports, &key, (&carriers, &platform), &bank)?;
        let back_end = BackEnd::new(config.http.api.listen, &key);
        let stage = Stage::new(clock.clone(), (carriers, platform), (back_end, bank), !options.quiet)?;
        let stage = Arc::new(stage);
        let daemon = Daemon::start(config, clock, page::router(stage.clone())).await?;

        let tasks = TaskTracker::new();
        let stop_bank = Stop::new();
        let bank = tokio::spawn(bank::serve(stage.clone(), heard, stop_bank.clone()));
        let inside = daemon.inside();
        stage.store.set(inside.store.clone()).ok();
        watch::start(&tasks, &stage, inside).await;
        stage.platform.tell(daemon.api).await?;
        tasks.spawn(trickle::run(stage.clone()));
        Ok(Self {
            api: daemon.api,
            page: daemon.admin,
            key,
            bank_url: stage.bank.url(),
            taken: ports.taken,
            carriers: stage
                .carriers
                .iter()
                .map(|carrier| (carrier.name(), carrier.addr()))
                .collect(),
            platform: stage.platform.addr(),
            kept: options.keep.clone(),
            soon: soon.strftime("%Y-%m-%d").to_string(),
            started_in: monotonic().duration_since(begun),
            daemon,
            stage,
            tasks,
            bank,
            stop_bank,
            home,
        })
    }

    /// Waits until a sync of the database has failed.
    pub async fn failed(&self) -> crate::store::StoreError {
        self.daemon.failed().await
    }

    /// Ends it all in good order and tells how it went. A temporary database is gone then.
    pub async fn stop(self) -> Summary {
        let Self {
            daemon,
            stage,
            tasks,
            bank,
            stop_bank,
            home,
            ..
        } = self;
        stage.stop.cancel();
        tasks.close();
        tasks.wait().await;
        if let Err(error) = daemon.stop().await {
            tracing::error!(event = "stop_failed", %error);
        }
        // The daemon's last webhooks have been heard.
        stop_bank.cancel();
        bank.await.ok();
        for carrier in &stage.carriers {
            carrier.shutdown().await;
        }
        let summary = stage.board.summary();
        home.leave();
        summary
    }
}

/// A token that ends the demo's own tasks and streams.
type Stop = CancellationToken;

#[cfg(test)]
mod tests;
