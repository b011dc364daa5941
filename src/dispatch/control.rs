//! All carriers' binds: started together, looked at, stopped one carrier at a time or all in good order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bind::{Bind, DownFor, Shared, Wanted};
use super::consent::ConsentStep;
use super::failover::LaneMap;
use super::status::{BindState, BindStatus, CarrierState};
use crate::carrier::{Carrier, LinkMode};
use crate::clock::Clock;
use crate::config::{BindMode, CarrierConfig, Protocol, ReceiptId};
use crate::domain::{BindRef, Name};
use crate::outbox::{Outbox, Policy, Service};
use crate::receipt::{Correlator, Transform};
use crate::throttle::CarrierPace;

/// How often fail-over is looked at.
const FAILOVER_EVERY: Duration = Duration::from_millis(250);

/// A carrier to dispatch to.
pub struct CarrierParts {
    /// Its name.
    pub name: Name,
    /// Its configuration.
    pub config: CarrierConfig,
    /// How it is reached.
    pub carrier: Arc<dyn Carrier>,
}

/// The binds of all carriers at work.
pub struct Dispatch {
    carriers: BTreeMap<Name, Entry>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

struct Entry {
    shared: Arc<Shared>,
    binds: Vec<(BindRef, LinkMode)>,
    wanted: watch::Sender<Wanted>,
}

/// How a carrier is, for people.
#[derive(Clone, Debug)]
pub struct CarrierReport {
    /// Its name.
    pub id: Name,
    /// What it speaks.
    pub protocol: Protocol,
    /// Segments a second that the configuration allows; 0 is as fast as it takes them.
    pub throughput: u32,
    /// Segments a second that its pace allows now; `None` is unlimited.
    pub pace: Option<f64>,
    /// The window of each bind.
    pub window: u16,
    /// Its binds.
    pub binds: Vec<(BindRef, BindStatus)>,
    /// How it is, with what happened since the start.
    pub state: Arc<CarrierState>,
}

impl Dispatch {
    /// Starts every bind.
    pub fn start(
        parts: Vec<CarrierParts>,
        lanes: LaneMap,
        outbox: &Outbox,
        policy: &Arc<Policy>,
        consent: &Arc<ConsentStep>,
        clock: &Clock,
    ) -> Arc<Self> {
        let lanes = Arc::new(lanes);
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let states: BTreeMap<Name, Arc<CarrierState>> = parts
            .iter()
            .map(|parts| (parts.name.clone(), Arc::new(CarrierState::new(clock.clone()))))
            .collect();
        let by_name = states.clone();
        let down_for: Arc<DownFor> = Arc::new(move |carrier| {
            by_name
                .get(carrier)
                .map_or(Some(Duration::MAX), |state| state.down_for())
        });
        let carriers = parts
            .into_iter()
            .map(|parts| {
                let shared = Arc::new(Shared {
                    state: states[&parts.name].clone(),
                    pace: parts
                        .carrier
                        .pace()
                        .unwrap_or_else(|| Arc::new(CarrierPace::new(parts.config.throughput))),
                    correlator: Arc::new(Mutex::new(Correlator::new(fixed_transform(parts.config.receipt_id)))),
                    name: parts.name.clone(),
                    config: parts.config,
                    carrier: parts.carrier,
                    outbox: outbox.clone(),
                    policy: policy.clone(),
                    consent: consent.clone(),
                    lanes: lanes.clone(),
                    down_for: down_for.clone(),
                    clock: clock.clone(),
                    tasks: tasks.clone(),
                });
                let entry = Entry {
                    binds: binds_of(&shared),
                    wanted: watch::Sender::new(Wanted::Run),
                    shared,
                };
                (parts.name, entry)
            })
            .collect();
        let dispatch = Arc::new(Self { carriers, tasks, stop });
        dispatch.spawn_binds();
        dispatch
            .tasks
            .spawn(watch_failover(dispatch.clone(), dispatch.stop.clone()));
        dispatch
    }

    fn spawn_binds(&self) {
        for entry in self.carriers.values() {
            for (bind, mode) in &entry.binds {
                let bind = Bind {
                    shared: entry.shared.clone(),
                    bind: bind.clone(),
                    mode: *mode,
                    wanted: entry.wanted.subscribe(),
                    stop: self.stop.clone(),
                };
                self.tasks.spawn(bind.run());
            }
        }
    }

    /// How every carrier is.
    pub fn report(&self) -> Vec<CarrierReport> {
        let report = |(name, entry): (&Name, &Entry)| CarrierReport {
            id: name.clone(),
            protocol: entry.shared.config.protocol,
            throughput: entry.shared.config.throughput,
            pace: entry.shared.pace.rate(),
            window: entry.shared.config.window,
            binds: entry.shared.state.binds(),
            state: entry.shared.state.clone(),
        };
        self.carriers.iter().map(report).collect()
    }

    /// How a carrier is; `None` where there is none of this name.
    pub fn state(&self, carrier: &Name) -> Option<Arc<CarrierState>> {
        self.carriers.get(carrier).map(|entry| entry.shared.state.clone())
    }

    /// Carriers with a bind that is up, and carriers in all.
    pub fn bound(&self) -> (usize, usize) {
        let up = self
            .carriers
            .values()
            .filter(|entry| entry.shared.state.down_for().is_none())
            .count();
        (up, self.carriers.len())
    }

    /// Brings a carrier up, also one that gave up for a refused password. `false` when there is none of that name.
    pub fn start_carrier(&self, name: &Name) -> bool {
        self.want(name, Wanted::Run)
    }

    /// Takes a carrier down in good order: what is outstanding is awaited, nothing new is claimed. Returns at once.
    pub fn stop_carrier(&self, name: &Name) -> bool {
        self.want(name, Wanted::Stop)
    }

    /// Claims nothing more for a carrier; its binds stay up for receipts and texts.
    pub fn drain_carrier(&self, name: &Name) -> bool {
        self.want(name, Wanted::Drain)
    }

    fn want(&self, name: &Name, wanted: Wanted) -> bool {
        let Some(entry) = self.carriers.get(name) else {
            return false;
        };
        tracing::info!(event = "carrier_wanted", carrier = %name, wanted = ?wanted);
        entry.wanted.send_replace(wanted);
        true
    }

    /// A planned stop: nothing new is claimed, the windows empty, the binds unbind.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn binds_of(shared: &Shared) -> Vec<(BindRef, LinkMode)> {
    let count = shared.config.binds;
    let bind = |bind: u16, mode: LinkMode| {
        (
            BindRef {
                carrier: shared.name.clone(),
                bind,
            },
            mode,
        )
    };
    match shared.config.bind_mode {
        BindMode::Transceiver => (0..count).map(|n| bind(n, LinkMode::Both)).collect(),
        BindMode::Transmitter => (0..count).map(|n| bind(n, LinkMode::Out)).collect(),
        BindMode::Receiver => (0..count).map(|n| bind(n, LinkMode::In)).collect(),
        BindMode::Pair => (0..count)
            .map(|n| bind(n, LinkMode::Out))
            .chain((count..count.saturating_mul(2)).map(|n| bind(n, LinkMode::In)))
            .collect(),
    }
}

fn fixed_transform(configured: ReceiptId) -> Option<Transform> {
    match configured {
        ReceiptId::Learned => None,
        ReceiptId::AsIs => Some(Transform::AsIs),
        ReceiptId::HexToDecimal => Some(Transform::DecimalToHex),
        ReceiptId::DecimalToHex => Some(Transform::HexToDecimal),
    }
}

/// Tells each bind what it serves, as carriers go down and come back.
async fn watch_failover(dispatch: Arc<Dispatch>, stop: CancellationToken) {
    let mut known: BTreeMap<BindRef, Vec<Service>> = BTreeMap::new();
    let mut tick = tokio::time::interval(FAILOVER_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        for entry in dispatch.carriers.values() {
            let shared = &entry.shared;
            let services = shared
                .lanes
                .services(&shared.name, |carrier| (shared.down_for)(carrier));
            for (bind, status) in shared.state.binds() {
                if status.state != BindState::Bound || !status.mode.submits() {
                    known.remove(&bind);
                } else if known.get(&bind) != Some(&services) {
                    if known.contains_key(&bind) {
                        tracing::info!(event = "lanes_served", bind = %bind, lanes = services.len());
                    }
                    shared.outbox.serve(bind.clone(), services.clone()).await;
                    known.insert(bind, services.clone());
                }
            }
        }
    }
}
