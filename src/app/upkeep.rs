//! What works on its own: due rows, old rows, checkpoints, a check of the store, free space, gauges, the watchdog.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::disk::Watch;
use super::notify;
use crate::clock::{Clock, monotonic};
use crate::dispatch::Dispatch;
use crate::outbox::{self, Outbox, Settings};
use crate::store::{Store, Sweep};
use crate::telemetry::metrics::{show_endpoints, show_totals};

/// How often the log is moved into the file.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(500);
/// How long after the start the store is checked: what waited for the start goes first.
const CHECK_AFTER: Duration = Duration::from_secs(30);
/// How long until a check that gave way is tried again.
const CHECK_AGAIN_AFTER: Duration = Duration::from_mins(30);
/// How often free space is looked at.
const DISK_EVERY: Duration = Duration::from_millis(250);
/// How often gauges are drawn and the recorder tidies up.
const GAUGES_EVERY: Duration = Duration::from_secs(5);

/// Counting a long queue takes a while: the pause is at least this many times as long.
const GAUGES_PAUSE: u32 = 50;

/// What the upkeep works on.
#[derive(Clone)]
pub(super) struct Upkeep {
    pub(super) store: Arc<dyn Store>,
    pub(super) outbox: Outbox,
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) recorder: PrometheusHandle,
    pub(super) clock: Clock,
    /// The threads of texts, calls and webhooks.
    pub(super) aside: Handle,
    pub(super) stop: CancellationToken,
}

impl Upkeep {
    /// Starts every task.
    pub(super) fn start(self, tasks: &TaskTracker, settings: &Settings, disk: Watch) {
        let stop = self.stop.clone();
        tasks.spawn(outbox::rescue::run(self.outbox.clone(), settings.clone(), stop.clone()));
        tasks.spawn(outbox::prune::run(
            self.outbox.clone(),
            settings.clone(),
            self.clock.clone(),
            stop,
        ));
        tasks.spawn(self.clone().checkpoints());
        tasks.spawn(self.clone().check());
        tasks.spawn(self.clone().watch_disk(disk));
        tasks.spawn(self.clone().gauges());
        tasks.spawn(self.watchdog());
    }

    async fn checkpoints(self) {
        let mut commits = 0;
        while self.wait(CHECKPOINT_EVERY).await {
            if let Some(damage) = self.store.damage() {
                tracing::error!(event = "store_damaged", "{damage}");
                self.outbox.health().fail(&damage);
                return;
            }
            let now = self.outbox.health().commits();
            if now == commits {
                continue;
            }
            commits = now;
            if let Err(error) = self.store.checkpoint().await {
                tracing::warn!(event = "checkpoint_failed", %error);
                if error.is_fatal() {
                    // A sync that failed is not tried again: what it was about may be lost.
                    self.outbox.health().fail(&error);
                }
            }
        }
    }

    /// Looks at the whole store once, and has damaged messages set aside. What is wrong with the file as a whole ends the
    /// process; see [`Upkeep::checkpoints`].
    async fn check(self) {
        let mut pause = CHECK_AFTER;
        while self.wait(pause).await {
            pause = CHECK_AGAIN_AFTER;
            let stop = self.stop.clone();
            let checked = tokio::select! {
                checked = self.store.check() => checked,
                () = stop.cancelled() => return,
            };
            match checked {
                Ok(report) => {
                    let (rows, damaged, whole) = (report.rows, report.damaged, report.is_whole);
                    tracing::info!(event = "store_checked", rows, damaged, whole);
                    let seqs = report.messages;
                    if !seqs.is_empty()
                        && let Err(error) = self.outbox.sweep(Sweep::Damaged { seqs }).await
                    {
                        tracing::warn!(event = "damaged_rows_not_isolated", %error);
                    }
                    if whole {
                        return;
                    }
                }
                Err(error) => tracing::error!(event = "store_not_checked", %error),
            }
        }
    }

    async fn watch_disk(self, disk: Watch) {
        let disk = Arc::new(disk);
        loop {
            let watch = disk.clone();
            // Looking at the file system may block, and so may making the reserve.
            let low = tokio::task::spawn_blocking(move || watch.is_low())
                .await
                .unwrap_or(false);
            let health = self.outbox.health();
            if low != health.storage_low() {
                tracing::warn!(event = "storage", low);
                health.set_storage_low(low);
            }
            if !self.wait(DISK_EVERY).await {
                return;
            }
        }
    }

    async fn gauges(self) {
        let process = metrics_process::Collector::new("araldo_");
        process.describe();
        gauge!("araldo_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let mut told = BTreeSet::new();
        loop {
            process.collect();
            self.recorder.run_upkeep();
            let begun = monotonic();
            match self.store.totals().await {
                Ok(totals) => {
                    show_totals(&totals, self.clock.now());
                    let queued: u64 = totals.open.iter().map(|(_, _, rows, _)| rows).sum();
                    let (up, all) = self.dispatch.bound();
                    notify(&[NotifyState::Status(&format!(
                        "{up}/{all} carriers bound, {queued} open"
                    ))]);
                }
                Err(error) => tracing::warn!(event = "totals_unknown", %error),
            }
            match self.store.endpoints().await {
                Ok(known) => show_endpoints(&known, &mut told, self.clock.now()),
                Err(error) => tracing::warn!(event = "endpoints_unknown", %error),
            }
            let pause = GAUGES_EVERY.max(monotonic().duration_since(begun) * GAUGES_PAUSE);
            for carrier in self.dispatch.report() {
                for (bind, status) in carrier.binds {
                    gauge!(
                        "araldo_carrier_window_in_use",
                        "carrier" => bind.carrier.as_str().to_owned(), "bind" => bind.bind.to_string()
                    )
                    .set(f64::from(status.in_flight));
                }
            }
            if !self.wait(pause).await {
                return;
            }
        }
    }

    /// Pings systemd only while the writer answers, or waits for another program's lock, and the threads aside do: a sweep
    /// that finds nothing goes all the way through a commit.
    async fn watchdog(self) {
        let Some(limit) = sd_notify::watchdog_enabled() else {
            return;
        };
        while self.wait(limit / 3).await {
            let limit = crate::domain::State::Scheduled;
            let patience = Duration::from_secs(5);
            let commit = self.outbox.sweep(Sweep::Due { state: limit, limit: 1 });
            let (commit, aside) = tokio::join!(
                tokio::time::timeout(patience, commit),
                tokio::time::timeout(patience, self.aside.spawn(async {})),
            );
            let commits = commit.is_ok_and(|done| done.is_ok()) || self.store.waits_for_lock();
            if commits && aside.is_ok() {
                notify(&[NotifyState::Watchdog]);
            }
        }
    }

    /// Waits; `false` when told to stop.
    async fn wait(&self, span: Duration) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(span) => true,
        }
    }
}
