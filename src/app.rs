//! The wiring: builds the parts, starts their tasks, drains them. The one file that names every module.

mod aside;
mod carriers;
mod disk;
mod events;
mod rcs;
mod reload;
mod token;
mod two_way;
mod upkeep;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sd_notify::NotifyState;
use secrecy::ExposeSecret;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::Intake;
use crate::carrier::smpp::SmppCarrier;
use crate::clock::Clock;
use crate::config::{Config, ListenConfig, LoadOptions, LongMessage, SegmentReceipts, check_state_dir};
use crate::consent::Gate;
use crate::dispatch::{CarrierParts, ConsentStep, Dispatch, LaneMap};
use crate::http::{self, AdminState, ApiState, Secret256, ServeSettings, admin_router, api_router, rcs_router};
use crate::outbox::{self, CarrierPolicy, Habit, Outbox, Policy, SegmentHabit, Settings};
use crate::router::Router;
use crate::store::sqlite::{SqliteSettings, SqliteStore};
use crate::store::{Changed, Store, StoreError};
use crate::telemetry::metrics;
use aside::Aside;
use reload::Reload;

/// How much longer than the drain of the carriers the whole stop may take.
const STOP_MARGIN: Duration = Duration::from_secs(10);

/// The gateway at work.
pub struct Daemon {
    /// Where the API listens.
    pub api: SocketAddr,
    /// Where console, metrics and CLI are served.
    pub admin: SocketAddr,
    /// Where the state is kept.
    pub state_dir: PathBuf,
    store: Arc<dyn Store>,
    outbox: Outbox,
    dispatch: Arc<Dispatch>,
    writer: tokio::task::JoinHandle<()>,
    reload: Reload,
    tasks: TaskTracker,
    /// Where texts, calls and webhooks are; it ends last.
    _aside: Aside,
    /// Ends the ways in.
    stop_http: CancellationToken,
    /// Ends what works on its own.
    stop_upkeep: CancellationToken,
    drain: Duration,
}

/// The gateway seen from inside.
pub struct Inside {
    /// What is stored.
    pub store: Arc<dyn Store>,
    /// The carriers' binds.
    pub dispatch: Arc<Dispatch>,
    /// Every change of state from now on.
    pub feed: broadcast::Receiver<Arc<Changed>>,
}

/// Runs the gateway until it is told to stop. A hang-up reads the catalogue anew, by these options.
pub async fn run(config: Config, options: LoadOptions) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be watched")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be watched")?;
    let mut hangup = signal(SignalKind::hangup()).context("SIGHUP cannot be watched")?;
    let daemon = Daemon::start(config, Clock::system(), axum::Router::new()).await?;
    tracing::info!(event = "ready", api = %daemon.api, admin = %daemon.admin, version = env!("CARGO_PKG_VERSION"));
    notify(&[NotifyState::Ready]);
    let failed = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        error = daemon.failed() => Some(error),
        () = reload(&mut hangup, &daemon, &options) => None,
    };
    if let Some(error) = failed {
        // Nothing may be written after a failed sync, or to a damaged file: the process ends as it is, and the next start finds what is
        // on disk.
        return Err(error.into());
    }
    notify(&[NotifyState::Stopping]);
    tracing::info!(event = "stopping");
    daemon.stop().await?;
    tracing::info!(event = "stopped");
    Ok(())
}

/// Reads the catalogue anew at each hang-up.
async fn reload(hangup: &mut Signal, daemon: &Daemon, options: &LoadOptions) {
    while hangup.recv().await.is_some() {
        let now = NotifyState::monotonic_usec_now().ok();
        let reloading: Vec<NotifyState<'_>> = [NotifyState::Reloading].into_iter().chain(now).collect();
        notify(&reloading);
        daemon.reload.reload(options.clone()).await;
        notify(&[NotifyState::Ready]);
    }
    std::future::pending::<()>().await;
}

impl Daemon {
    /// Opens the store, takes its lease, puts into doubt what a dead process had claimed, opens the listeners, and
    /// starts the carriers without waiting for them.
    /// `pages` are served on the admin listener beside health and metrics.
    pub async fn start(config: Config, clock: Clock, pages: axum::Router) -> anyhow::Result<Self> {
        check_state_dir(&config.state_dir)?;
        let recorder = metrics::install().context("no metrics")?;
        // First: a second daemon by mistake hears that its state is in use, rather than its port.
        let store = open_store(&config).await?;
        let api_listener = crate::http::bind(&config.http.api).context("http.api.listen")?;
        let admin_listener = crate::http::bind(&config.http.admin).context("http.admin.listen")?;
        let lease = store.take_lease().await?;
        let router = Arc::new(Router::new(&config.route, |id| config.channel_of(id)));
        let policy = Arc::new(policy(&config, &router));
        let settings = settings(&config);
        let (outbox, writer) = outbox::start(store.clone(), policy.clone(), &settings, clock.clone(), lease).await?;
        let in_doubt = outbox::rescue::orphans(&outbox, lease).await?;
        if in_doubt > 0 {
            tracing::warn!(
                event = "rescued",
                in_doubt,
                "claimed by a process that ended without settling them"
            );
        }
        let lanes = LaneMap::new(&config.route);
        let strays = outbox::rescue::strays(&store, &outbox, |lane| lanes.has(lane), |lane| lanes.replacement(lane));
        let strays = strays.await?;
        if strays > 0 {
            tracing::warn!(
                event = "lanes_gone",
                strays,
                "waited in steps that the configuration no longer has"
            );
        }
        let intake = Intake::new(&config, router.clone(), clock.clone()).with_gate(outbox.gate().clone());
        let limits = two_way::limits(&config);
        let consent = Arc::new(ConsentStep::new(&config, Arc::new(intake), limits.clone()));
        let agents = rcs::agents(&config, &clock)?;
        let mut carriers = carriers(&config, &clock)?;
        carriers.extend(rcs::carriers(&config, &agents));
        let dispatch = Dispatch::start(carriers, lanes, &outbox, &policy, &consent, &clock);

        let tasks = TaskTracker::new();
        let stop_upkeep = CancellationToken::new();
        let stop_http = CancellationToken::new();
        let aside = Aside::new().context("no threads for webhooks and calls")?;
        let upkeep = upkeep::Upkeep {
            store: store.clone(),
            outbox: outbox.clone(),
            dispatch: dispatch.clone(),
            recorder: recorder.clone(),
            clock: clock.clone(),
            aside: aside.handle().clone(),
            stop: stop_upkeep.clone(),
        };
        upkeep.start(&tasks, &settings, disk::Watch::new(&config.state_dir, &config.store));
        tasks.spawn(metrics::count_changes(outbox.feed()));
        let pauses = Arc::default();
        let lane = webhooks::lane(&config, &store, &outbox, &clock, &pauses)?;
        tasks.spawn_on(lane.run(stop_upkeep.clone()), aside.handle());
        let state = ApiState::new(
            &config,
            outbox.clone(),
            store.clone(),
            router,
            clock.clone(),
            stop_http.clone(),
        )?;
        state.recall().await?;
        events::start(&config, &state, &tasks, &stop_http);
        let hooks = rcs::start(
            (&config, agents),
            (&store, &outbox),
            (&dispatch, &consent),
            &clock,
            &tasks,
            &stop_upkeep,
        );
        let book = (&store, &outbox, lease);
        let rules = (&state.intake, consent.clone(), limits.clone());
        let shelf = two_way::start(&config, book, rules, &clock, (&tasks, aside.handle()), &stop_upkeep)?;
        let reload = Reload {
            running: Arc::new(config.clone()),
            shelf,
            limits,
            consent,
            api: state.clone(),
        };
        let api = api_listener.local_addr()?;
        let admin = admin_listener.local_addr()?;
        let token = token::ensure(&config.state_dir)?;
        let admin_state = Arc::new(AdminState {
            api: state.clone(),
            carriers: Arc::new(carriers::Control(dispatch.clone())),
            pauses,
            token: Secret256::new(token.expose_secret()),
            metrics: recorder,
            stopping: stop_http.clone(),
            started_at: clock.now(),
        });
        let serve = |listener, listen: &ListenConfig, router| {
            let settings = ServeSettings::new(&config.http, config.outbox.drain_timeout);
            let (listen, stop) = (listen.clone(), stop_http.clone());
            tasks.spawn(async move {
                if let Err(error) = http::serve(listener, &listen, router, settings, stop).await {
                    tracing::error!(event = "listener_ended", listen = %listen.listen, %error);
                }
            });
        };
        let api_routes = api_router(state).merge(rcs_router(hooks, config.http.max_requests));
        serve(api_listener, &config.http.api, api_routes);
        serve(admin_listener, &config.http.admin, admin_router(admin_state, pages));
        Ok(Self {
            api,
            admin,
            state_dir: config.state_dir,
            store,
            outbox,
            dispatch,
            writer,
            reload,
            tasks,
            _aside: aside,
            stop_http,
            stop_upkeep,
            drain: config.outbox.drain_timeout,
        })
    }

    /// What a page needs that shows the gateway from inside. To be dropped before [`Daemon::stop`], which waits for it.
    pub fn inside(&self) -> Inside {
        Inside {
            store: self.store.clone(),
            dispatch: self.dispatch.clone(),
            feed: self.outbox.feed(),
        }
    }

    /// Waits until a sync has failed or the file is found damaged.
    pub async fn failed(&self) -> StoreError {
        self.outbox.health().failed().await
    }

    /// A planned stop: requests in hand are answered, windows empty, binds unbind, everything is on disk. Fails where the
    /// disk does.
    pub async fn stop(self) -> Result<(), StoreError> {
        let Self {
            outbox,
            dispatch,
            writer,
            reload,
            tasks,
            stop_http,
            stop_upkeep,
            drain,
            ..
        } = self;
        let health = outbox.health().clone();
        let all = async {
            stop_http.cancel();
            dispatch.shutdown().await;
            stop_upkeep.cancel();
            drop((outbox, dispatch, reload));
            tasks.close();
            tasks.wait().await;
            writer.await.ok();
        };
        let extend = u32::try_from((drain + STOP_MARGIN).as_micros()).unwrap_or(u32::MAX);
        notify(&[NotifyState::ExtendTimeoutUsec(extend)]);
        let stopped = tokio::select! {
            stopped = tokio::time::timeout(drain + STOP_MARGIN, all) => stopped,
            error = health.failed() => return Err(error),
        };
        if stopped.is_err() {
            tracing::error!(
                event = "stop_overdue",
                "some parts did not end in time; what is claimed is in doubt at the next start"
            );
        }
        Ok(())
    }
}

async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let file = config
        .store
        .sqlite_path()
        .context("store.url: only sqlite:// is built in yet")?;
    let settings = SqliteSettings {
        file,
        readers: config.store.read_connections,
        read_deadline: config.store.read_timeout,
    };
    Ok(Arc::new(SqliteStore::open(&settings).await?))
}

fn carriers(config: &Config, clock: &Clock) -> anyhow::Result<Vec<CarrierParts>> {
    let parts = config.carrier.iter().map(|(name, carrier)| {
        let built = SmppCarrier::new(carrier, config.outbox.drain_timeout, clock.clone());
        let built = built.with_context(|| format!("carrier.{name}"))?;
        Ok(CarrierParts {
            name: name.clone(),
            config: carrier.clone(),
            carrier: Arc::new(built),
        })
    });
    parts.collect()
}

fn policy(config: &Config, router: &Router) -> Policy {
    let carriers = config.carrier.iter().map(|(name, carrier)| {
        let patience = CarrierPolicy {
            doubt_hold: config.doubt_hold(carrier),
            max_tries: carrier.max_tries,
            retry_min: carrier.retry_min,
            retry_max: carrier.retry_max,
            channel: config.channel_of(name),
            whole_texts: carrier.long_message == LongMessage::Payload,
        };
        (name.clone(), patience)
    });
    // A platform tries by itself, and what it tells of a message is told of all of it.
    let agents = config.rbm.keys().map(|name| {
        let patience = CarrierPolicy {
            doubt_hold: config.outbox.doubt_hold,
            channel: config.channel_of(name),
            whole_texts: true,
            ..CarrierPolicy::default()
        };
        (name.clone(), patience)
    });
    let habits = config.carrier.iter().filter_map(|(name, carrier)| {
        let habit = match carrier.segment_receipts {
            SegmentReceipts::Learned => return None,
            SegmentReceipts::Each => Habit::Each,
            SegmentReceipts::First | SegmentReceipts::Last => Habit::One,
        };
        Some((name.clone(), SegmentHabit::fixed(habit)))
    });
    Policy {
        steps: router.steps(),
        agents: router.agents(),
        receipt_grace: config.outbox.receipt_grace,
        carriers: carriers.chain(agents).collect(),
        former_carrier: CarrierPolicy {
            doubt_hold: config.outbox.doubt_hold,
            ..CarrierPolicy::default()
        },
        habits: std::sync::Mutex::new(habits.collect()),
        hearing: webhooks::hearing(config),
        gate: Arc::new(Gate::new(config)),
    }
}

fn settings(config: &Config) -> Settings {
    let outbox = &config.outbox;
    Settings {
        queue: outbox.queue as usize,
        batch: outbox.batch as usize,
        commit_timeout: outbox.commit_timeout,
        promote_interval: outbox.promote_interval,
        rescue_interval: outbox.rescue_interval,
        prune_interval: outbox.prune_interval,
        prune_step: outbox.prune_step,
        retention: config.store.retention,
        idempotency_retention: config.store.idempotency_retention,
    }
}

/// Tells systemd, where there is one.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(event = "not_notified", %error);
    }
}
