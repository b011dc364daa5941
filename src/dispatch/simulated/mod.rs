//! The whole way out in simulated time: outbox, dispatcher, throttle and retries over the store in memory, with carriers
//! that fail by seed and processes that die.
//!
//! A seed is a world: what is sent when, what each carrier does with each submit, which commits fail, when the process
//! dies. It is run in paused time on one thread, so that the same seed is the same trace. `ARALDO_SEED=n` runs one seed
//! and shows its trace; `ARALDO_LONG=1` runs 10,000.

mod books;
mod carrier;
mod order;
mod outage;
mod poison;
mod store;
mod world;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::carrier::Simulated;
use self::store::Watched;
use self::world::{Faults, World};
use super::{CarrierParts, ConsentStep, Dispatch, LaneMap};
use crate::accept::Intake;
use crate::clock::{Clock, seeded};
use crate::config::{CarrierConfig, Config, RouteConfig, StepCarrier, StepConfig};
use crate::domain::{Channel, Name, PlanStep, UnixMillis};
use crate::inbound::Limits;
use crate::outbox::{self, CarrierPolicy, EnqueueError, Hearing, Outbox, Policy, Settings};
use crate::router::Router;
use crate::store::double::Double;
use crate::store::memory::MemoryStore;
use crate::store::{Enqueue, EnqueueResult, IdempotencyKey, Store};

/// When the world begins.
const DAWN: UnixMillis = UnixMillis(1_800_000_000_000);
/// How long an unanswered submit is awaited.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long after the end of validity a receipt is awaited.
const GRACE: Duration = Duration::from_secs(60);
/// How long a doubt is held.
const DOUBT_HOLD: Duration = Duration::from_secs(30);
/// How long a process that died is away.
const AWAY: Duration = Duration::from_secs(2);

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A carrier of the world: its window, and segments a second.
#[derive(Clone, Copy, Debug)]
struct Line {
    id: &'static str,
    binds: u16,
    window: u16,
    throughput: u32,
}

/// One process: everything that works, and what is left of it when it ends.
struct Life {
    world: Arc<Mutex<World>>,
    store: Arc<dyn Store>,
    watched: Arc<Watched>,
    lines: Vec<Line>,
    hearing: fn() -> Hearing,
    /// How often due rows are looked for.
    sweep: Duration,
}

/// What a life has to work with.
struct Alive {
    outbox: Outbox,
    clock: Clock,
    _dispatch: Arc<Dispatch>,
}

impl Life {
    fn new(world: &Arc<Mutex<World>>, lines: &[Line], hearing: fn() -> Hearing, sweep: Duration) -> Self {
        let watched = Arc::new(Watched::new(world.clone(), lines));
        Self {
            store: Arc::new(Double::new(Arc::new(MemoryStore::new()), watched.clone())),
            watched,
            world: world.clone(),
            lines: lines.to_vec(),
            hearing,
            sweep,
        }
    }

    /// Starts as the daemon does: the lease, the orphans, the binds, the sweeps.
    async fn begin(&self, now: UnixMillis) -> Alive {
        let clock = Clock::simulated(now);
        self.world.lock().unwrap().clock = clock.clone();
        let store = self.store.clone();
        let lease = store.take_lease().await.unwrap();
        let policy = Arc::new(self.policy());
        let settings = Settings {
            queue: 1_000,
            batch: 100,
            commit_timeout: Duration::from_secs(10),
            promote_interval: self.sweep,
            rescue_interval: self.sweep,
            prune_interval: Duration::from_hours(1_000),
            prune_step: 1,
            retention: Duration::from_hours(1_000),
            idempotency_retention: Duration::from_hours(1_000),
        };
        let started = outbox::start(store, policy.clone(), &settings, clock.clone(), lease);
        let (outbox, _) = started.await.unwrap();
        // A commit may fail; the daemon would be started again.
        while outbox::rescue::orphans(&outbox, lease).await.is_err() {}
        let parts = self.lines.iter().map(|line| self.parts(*line)).collect();
        let config = Config::default();
        let intake = Intake::new(
            &config,
            Arc::new(Router::new(&config.route, |id| config.channel_of(id))),
            clock.clone(),
        );
        let limits = Arc::new(Limits::new(&config.command, 0, 100));
        let consent = Arc::new(ConsentStep::new(&config, Arc::new(intake), limits));
        let dispatch = Dispatch::start(parts, lanes(), &outbox, &policy, &consent, &clock);
        tokio::spawn(outbox::rescue::run(outbox.clone(), settings, CancellationToken::new()));
        Alive {
            outbox,
            clock,
            _dispatch: dispatch,
        }
    }

    fn policy(&self) -> Policy {
        let patience = CarrierPolicy {
            doubt_hold: DOUBT_HOLD,
            max_tries: 4,
            retry_min: Duration::from_secs(2),
            retry_max: Duration::from_secs(20),
            whole_texts: false,
            channel: Channel::Sms,
        };
        Policy {
            steps: HashMap::from([(name("italy"), vec![PlanStep::sms(None), PlanStep::sms(None)])]),
            agents: HashMap::new(),
            receipt_grace: GRACE,
            carriers: self.lines.iter().map(|line| (name(line.id), patience)).collect(),
            former_carrier: patience,
            habits: Mutex::default(),
            hearing: (self.hearing)(),
            gate: Arc::default(),
        }
    }

    fn parts(&self, line: Line) -> CarrierParts {
        let config = CarrierConfig {
            binds: line.binds,
            window: line.window,
            throughput: line.throughput,
            ..CarrierConfig::default()
        };
        let carrier = Simulated {
            world: self.world.clone(),
            line,
        };
        CarrierParts {
            name: name(line.id),
            config,
            carrier: Arc::new(carrier),
        }
    }
}

/// One route: two carriers share the first step, a third is the second.
fn lanes() -> LaneMap {
    let step = |ids: &[&str]| StepConfig {
        carriers: ids
            .iter()
            .map(|id| StepCarrier {
                id: name(id),
                weight: 1,
            })
            .collect(),
        ..StepConfig::default()
    };
    let route = RouteConfig {
        steps: vec![step(&["tim", "vodafone"]), step(&["backup"])],
        ..RouteConfig::default()
    };
    LaneMap::new(&BTreeMap::from([(name("italy"), route)]))
}

/// A back end: hands each message in at its time and asks again until it is answered, under one key.
async fn back_end(outbox: Outbox, clock: Clock, world: Arc<Mutex<World>>) {
    loop {
        let (now, next) = (clock.now(), world.lock().unwrap().wish(clock.now()));
        let Some((at, n)) = next else { return };
        if at > now {
            tokio::time::sleep(at.since(now)).await;
            continue;
        }
        let message = world.lock().unwrap().message(n, now);
        let key = IdempotencyKey {
            key: format!("wish-{n}").into(),
            fingerprint: [0; 32],
            answer: "".into(),
        };
        let item = Enqueue {
            key: Some(key),
            ..Enqueue::new(message)
        };
        let answer = outbox.enqueue(vec![item]).await;
        match answer.and_then(|mut results| results.remove(0)) {
            Ok(EnqueueResult::Stored(_) | EnqueueResult::Replayed(_)) => world.lock().unwrap().accepted(n),
            Ok(other) => panic!("{other:?}"),
            Err(EnqueueError::QueueFull | EnqueueError::OutcomeUnknown | EnqueueError::Unavailable) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error @ EnqueueError::StorageLow) => panic!("{error}"),
        }
    }
}

/// Paused time, on this thread alone.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

/// Lives through a seed, and gives the hash of all that happened.
fn live(seed: u64) -> [u8; 32] {
    seeded::begin(seed);
    let lines = vec![
        Line {
            id: "tim",
            binds: 2,
            window: 4,
            throughput: 5,
        },
        Line {
            id: "vodafone",
            binds: 1,
            window: 10,
            throughput: 0,
        },
        Line {
            id: "backup",
            binds: 1,
            window: 2,
            throughput: 3,
        },
    ];
    let world = Arc::new(Mutex::new(World::new(seed, &lines, Faults::by_seed(seed))));
    let life = Life::new(&world, &lines, Hearing::default, Duration::from_secs(1));
    let deaths = world.lock().unwrap().deaths();
    let mut begins = DAWN;
    for ends in deaths.into_iter().chain([world::HORIZON]) {
        let ends = DAWN.after(ends);
        let runtime = runtime();
        runtime.block_on(async {
            let alive = life.begin(begins).await;
            tokio::spawn(back_end(alive.outbox.clone(), alive.clock.clone(), world.clone()));
            tokio::time::sleep(ends.since(alive.clock.now())).await;
        });
        // With the runtime every task is gone at once: a process that was killed.
        drop(runtime);
        life.watched.died();
        begins = ends.after(AWAY);
    }
    books::close(&*life.store, &world.lock().unwrap());
    seeded::end();
    let world = world.lock().unwrap();
    world.trace()
}

#[test]
fn whatever_fails_nothing_is_lost_and_no_bound_is_broken() {
    if let Ok(seed) = std::env::var("ARALDO_SEED") {
        live(seed.parse().unwrap());
        return;
    }
    let long = std::env::var_os("ARALDO_LONG").is_some();
    let (seeds, again) = if long { (10_000, 100) } else { (300, 10) };
    for seed in 0..seeds {
        let lived = std::panic::catch_unwind(|| live(seed));
        let Ok(trace) = lived else {
            panic!("ARALDO_SEED={seed}");
        };
        if seed.is_multiple_of(again) {
            assert_eq!(trace, live(seed), "ARALDO_SEED={seed}: another trace the second time");
        }
    }
}
