//! Every carrier down for 48 hours, with a queue of mixed validity: what expires is told, the rest goes out, the oldest of
//! each class first, and memory stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::world::{Faults, World, recipient};
use super::{DAWN, Life, Line, name, runtime};
use crate::backend::{Answer, Keys, Post};
use crate::clock::{self, seeded};
use crate::dispatch::webhook::{Hook, Lane as HookLane, Sender};
use crate::domain::{Class, Encoding, Lane, Msisdn, NewMessage, SenderId, Shape, State, UnixMillis};
use crate::outbox::Hearing;
use crate::store::{Enqueue, MessageQuery, Store};

const DOWN: Duration = Duration::from_hours(48);
/// How long a message may be sent, in hours: some for minutes, some beyond the outage.
const VALIDITIES: [u64; 5] = [1, 12, 47, 60, 72];
/// What the process may grow in two days in which nothing goes out: the notices of what expires stand in the store,
/// which is in memory here.
const GROWTH: u64 = 24 * 1024 * 1024;

/// A back end that takes every webhook, and remembers of which message it told what.
#[derive(Default)]
struct Told(Mutex<BTreeMap<String, BTreeSet<String>>>);

impl Sender for Told {
    fn post<'a>(&'a self, post: Post<'a>) -> BoxFuture<'a, Answer> {
        let events: Vec<Value> = serde_json::from_slice(&post.body).unwrap();
        let mut told = self.0.lock().unwrap();
        for event in events {
            let (id, kind) = (event["data"]["id"].as_str().unwrap(), event["type"].as_str().unwrap());
            told.entry(id.to_owned()).or_default().insert(kind.to_owned());
        }
        Box::pin(async { Answer::Taken { status: 200 } })
    }
}

fn hearing() -> Hearing {
    let mut hearing = Hearing::default();
    hearing.listener(&name("bank"), true, Vec::new());
    hearing
}

fn message(n: usize, now: UnixMillis) -> NewMessage {
    NewMessage {
        id: clock::message_id(now),
        client: name("bank"),
        class: Class::ALL[n % Class::ALL.len()],
        to: Msisdn::parse(&recipient(n)).unwrap(),
        from: SenderId::parse("Bank").unwrap(),
        text: "1".into(),
        encoding: Encoding::Gsm7,
        shape: Shape::default(),
        rich: None,
        segments: 1,
        lane: Lane {
            route: name("italy"),
            step: 0,
        },
        receipt: false,
        reference: None,
        callback: None,
        accepted_at: now,
        not_before: None,
        expires_at: now.after(Duration::from_hours(
            VALIDITIES[n / Class::ALL.len() % VALIDITIES.len()],
        )),
    }
}

/// Resident memory of this process, in octets.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// Memory is told of a process that does nothing else: the test starts itself anew.
#[test]
fn after_48_hours_without_a_carrier_the_expired_are_told_and_the_rest_goes_out_oldest_first() {
    const ALONE: &str = "ARALDO_TEST_ALONE";
    let path = "dispatch::simulated::outage::after_48_hours_without_a_carrier_the_expired_are_told_and_the_rest_goes_out_oldest_first";
    if std::env::var_os(ALONE).is_none() {
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let done = alone
            .args(["--exact", path, "--nocapture"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        eprintln!("{said}{}", String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success() && said.contains("1 passed"));
        return;
    }
    seeded::begin(48);
    let messages = if std::env::var_os("ARALDO_LONG").is_some() {
        100_000
    } else {
        20_000
    };
    let lines = ["tim", "vodafone", "backup"].map(|id| Line {
        id,
        binds: 1,
        window: 10,
        throughput: 100,
    });
    let mut world = World::new(48, &lines, Faults::NONE);
    world.wishes.clear();
    let back = DAWN.after(DOWN);
    world
        .carriers
        .values_mut()
        .for_each(|known| known.outages = vec![(DAWN, back)]);
    let world = Arc::new(Mutex::new(world));
    let life = Life::new(&world, &lines, hearing, Duration::from_secs(30));
    let told = Arc::new(Told::default());
    runtime().block_on(live(&life, &told, messages));
    settle_accounts(&*life.store, &world.lock().unwrap(), &told, messages, back);
    seeded::end();
}

async fn live(life: &Life, told: &Arc<Told>, messages: usize) {
    let alive = life.begin(DAWN).await;
    let hook = Hook {
        url: "https://bank.example/hook".into(),
        keys: Keys::new(["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]).unwrap(),
        batch: 100,
        concurrency: 4,
        timeout: Duration::from_secs(20),
    };
    let webhooks = HookLane {
        store: life.store.clone(),
        outbox: alive.outbox.clone(),
        sender: told.clone(),
        clock: alive.clock.clone(),
        hooks: [(name("bank"), Arc::new(hook))].into(),
        max_pause: Duration::from_mins(5),
        pauses: Arc::default(),
        drain: Duration::from_secs(5),
    };
    tokio::spawn(webhooks.run(CancellationToken::new()));
    let until = async |hours: u64| {
        let at = DAWN.after(Duration::from_hours(hours));
        tokio::time::sleep(at.since(alive.clock.now())).await;
    };
    for first in (0..messages).step_by(100) {
        let items = (first..messages.min(first + 100)).map(|n| Enqueue::new(message(n, alive.clock.now())));
        let stored = alive.outbox.enqueue(items.collect()).await.unwrap();
        assert!(stored.iter().all(Result::is_ok));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    until(2).await;
    let before = resident();
    until(47).await;
    let grown = resident().saturating_sub(before);
    eprintln!(
        "{messages} queued: {} KiB, {} KiB more 45 hours later",
        before / 1_024,
        grown / 1_024
    );
    assert!(grown < GROWTH, "{grown} octets");
    until(50).await;
}

fn settle_accounts(store: &dyn Store, world: &World, told: &Told, messages: usize, back: UnixMillis) {
    use futures_util::FutureExt;
    let query = MessageQuery {
        limit: u32::MAX,
        ..MessageQuery::default()
    };
    let rows = store.messages(&query).now_or_never().unwrap().unwrap().rows;
    assert_eq!(rows.len(), messages);
    let told = told.0.lock().unwrap();
    let (mut expired, mut sent) = (0, 0);
    let mut useful: BTreeMap<Class, Vec<(i64, Box<str>)>> = BTreeMap::new();
    for record in &rows {
        let row = &record.row;
        let events = &told[&row.id.to_string()];
        let copies = world.arrived.get(&(row.to.to_string(), 1)).copied().unwrap_or_default();
        if row.progress.expires_at <= back {
            expired += 1;
            assert_eq!((row.progress.state, copies), (State::Expired, 0), "{:?}", row.progress);
            assert!(events.iter().eq(["message.expired"]), "{events:?}");
        } else {
            sent += 1;
            assert_eq!(
                (row.progress.state, copies),
                (State::Submitted, 1),
                "{:?}",
                row.progress
            );
            assert!(events.contains("message.submitted"), "{events:?}");
            useful.entry(row.class).or_default().push((row.seq, row.to.clone()));
        }
    }
    eprintln!(
        "{expired} expired, {sent} sent in {:?}",
        world.order.last().unwrap().0.since(back)
    );
    assert!(expired > messages / 3 && sent > messages / 3);
    let place: BTreeMap<&str, usize> = world.order.iter().enumerate().map(|(n, (_, to))| (&**to, n)).collect();
    for (class, mut rows) in useful {
        rows.sort_unstable();
        let mut gone: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(age, (_, to))| (place[&**to], age))
            .collect();
        gone.sort_unstable();
        // Two carriers take from one lane: neither is more than what they have in hand ahead of the other.
        for (rank, (_, age)) in gone.iter().enumerate() {
            assert!(rank.abs_diff(*age) <= 60, "{class}: the {age}th goes as the {rank}th");
        }
    }
}
