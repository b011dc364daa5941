//! Conversations in simulated time: customers who ask for top-ups, type codes, err and say things twice; a carrier that
//! brings texts again; a bank that is down, slow, mute; commits that fail; a process that is killed between any two steps.
//! Whatever happens, money moves once for each code that was typed, and never without one.
//!
//! A seed is a world, run in paused time on one thread. `ARALDO_SEED=n` runs one and shows its trace; `ARALDO_LONG=1` runs
//! 10,000.

mod bank;
mod books;
mod customer;
mod world;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::RngExt;
use tokio_util::sync::CancellationToken;

use self::bank::SimulatedBank;
use self::world::{AWAY, CALM, DAWN, HORIZON, World};
use super::{Limits, Pipeline, Shelf};
use crate::accept::Intake;
use crate::clock::{Clock, seeded};
use crate::config::Config;
use crate::dispatch::ConsentStep;
use crate::dispatch::action::{Actions, Parts};
use crate::domain::UnixMillis;
use crate::fixture;
use crate::router::Router;
use crate::store::double::{Commits, Double};
use crate::store::memory::MemoryStore;
use crate::store::two_way::Leaves;
use crate::store::{Applied, Batch, Rules, Store, StoreError};

/// Commits on their way to the store: each takes a moment on either side, in which the process may die, and some fail.
struct Hurdles(Arc<Mutex<World>>);

impl Commits for Hurdles {
    fn commit<'a>(
        &'a self,
        store: &'a dyn Store,
        batch: &'a Batch,
        rules: &'a dyn Rules,
    ) -> BoxFuture<'a, Result<Applied, StoreError>> {
        let draw = |most: u64| Duration::from_millis(self.0.lock().unwrap().random.random_range(0..most));
        async move {
            tokio::time::sleep(draw(10)).await;
            {
                let mut world = self.0.lock().unwrap();
                let often = world.faults.commit;
                if world.fails(often) {
                    return Err(StoreError::Statement("out of mood".to_owned()));
                }
            }
            let applied = store.commit(batch, rules).await?;
            for turn in &batch.turns {
                if let Leaves::Text { seq, outcome, .. } = &turn.leaves {
                    assert!(&**outcome != "fenced", "a customer of ours is no loop");
                    self.0.lock().unwrap().note(format_args!("text {seq}: {outcome}"));
                }
            }
            tokio::time::sleep(draw(20)).await;
            Ok(applied)
        }
        .boxed()
    }
}

/// One process, from its start to its end; gives the time at which it died.
async fn live_once(
    world: &Arc<Mutex<World>>,
    store: &Arc<dyn Store>,
    config: &Config,
    begins: UnixMillis,
) -> UnixMillis {
    let clock = Clock::simulated(begins);
    let (dies, falls) = world.lock().unwrap().begin(&clock);
    let lease = store.take_lease().await.unwrap();
    let (policy, settings) = (Arc::new(fixture::policy()), fixture::settings());
    let started = crate::outbox::start(store.clone(), policy, &settings, clock.clone(), lease);
    let (outbox, _) = started.await.unwrap();
    let intake = || {
        let router = Arc::new(Router::new(&config.route, |id| config.channel_of(id)));
        Arc::new(Intake::new(config, router, clock.clone()))
    };
    let limits = Arc::new(Limits::new(&config.command, 0, 100));
    let book = world::book(config);
    let shelf = Arc::new(Shelf::new(book.clone()));
    let parts = Parts {
        store: store.clone(),
        outbox: outbox.clone(),
        caller: Box::new(SimulatedBank(world.clone())),
        sim_swap: None,
        clock: clock.clone(),
        shelf: shelf.clone(),
        intake: intake(),
        limits: limits.clone(),
        lease,
        most: 4,
    };
    let actions = Actions::new(parts, CancellationToken::new());
    let pipeline = Pipeline {
        store: store.clone(),
        outbox: outbox.clone(),
        clock: clock.clone(),
        book,
        shelf,
        limits: limits.clone(),
        intake: intake(),
        consent: Arc::new(ConsentStep::new(config, intake(), limits)),
        actions: actions.clone(),
        reassembly_timeout: Duration::from_mins(5),
    };
    tokio::spawn(pipeline.run(CancellationToken::new()));
    tokio::spawn(actions.run());
    let customers = world.lock().unwrap().customers.len();
    for n in 0..customers {
        tokio::spawn(customer::live(n, world.clone(), outbox.clone(), store.clone()));
    }
    tokio::select! {
        biased;
        () = tokio::time::sleep(dies.since(begins)) => {}
        () = falls.notified() => {
            let moment = world.lock().unwrap().random.random_range(0..60);
            tokio::time::sleep(Duration::from_millis(moment)).await;
        }
    }
    clock.now()
}

/// Lives through a seed, and gives the hash of all that happened.
fn live(seed: u64) -> [u8; 32] {
    seeded::begin(seed);
    let world = Arc::new(Mutex::new(World::new(seed)));
    let config = world.lock().unwrap().kind.config();
    let store: Arc<dyn Store> = Arc::new(Double::new(
        Arc::new(MemoryStore::new()),
        Arc::new(Hurdles(world.clone())),
    ));
    let mut begins = DAWN;
    while begins < DAWN.after(HORIZON) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let died = runtime.block_on(live_once(&world, &store, &config, begins));
        // With the runtime every task is gone at once: a process that was killed.
        drop(runtime);
        begins = died.after(AWAY);
    }
    let mut world = world.lock().unwrap();
    books::close(&*store, &mut world);
    seeded::end();
    world.trace()
}

#[test]
fn whatever_fails_money_moves_once_for_each_code_and_never_without() {
    if let Ok(seed) = std::env::var("ARALDO_SEED") {
        live(seed.parse().unwrap());
        return;
    }
    let long = std::env::var_os("ARALDO_LONG").is_some();
    let (seeds, again) = if long { (10_000, 100) } else { (500, 25) };
    for seed in 0..seeds {
        let Ok(trace) = std::panic::catch_unwind(|| live(seed)) else {
            panic!("ARALDO_SEED={seed}");
        };
        if seed.is_multiple_of(again) {
            assert_eq!(trace, live(seed), "ARALDO_SEED={seed}: another trace the second time");
        }
    }
}

/// Before the calm everything may fail; from then on nothing does, so that all must come to its end.
const _: () = assert!(CALM.as_secs() + 300 < HORIZON.as_secs());
