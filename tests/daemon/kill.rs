//! Journey B: the process dies at any moment, under load, with clients that try again.

use std::sync::Arc;
use std::time::Duration;

use araldo::clock::monotonic;
use araldo::domain::Class;
use rand::RngExt;

use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::{House, carrier_section};
use crate::support::load::Load;
use crate::support::sample::{Sample, mixed, short};
use crate::support::seed::{rng, seed};
use crate::support::{alone, long};

const OUTBOX: &str = "[outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\n";
/// A start after a crash may take this long until messages are taken again.
const READY: Duration = Duration::from_secs(2);
const BACKLOG: u32 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_thirty_moments_under_load_it_loses_nothing_and_doubles_only_what_was_in_doubt() {
    let _stage = alone().await;
    let seed = seed("kill");
    let kills = if long() { 1_000 } else { 30 };
    let house = House::new("");
    // Answers take a while, so that every death finds windows full; and some receipts come when the hold is over.
    let flags = [
        "--receipt-delay",
        "10ms..4s",
        "--response-delay",
        "30ms",
        "--no-reference",
    ];
    let north = Carrier::start(house.path(), "north", &flags);
    let south = Carrier::start(house.path(), "south", &flags);
    house.configure(&format!(
        "{OUTBOX}{}{}[route.all]\nsteps = [{{ carriers = [\"north\", \"south\"] }}]\n",
        north.section("window = 10"),
        south.section("window = 50\nbinds = 2"),
    ));
    let books = Arc::new(Books::default());
    let mut daemon = house.start().await;
    // More than the kills can use up.
    let load = Load::start(&house, &books, 16, 400, |client| mixed(seed, client, kills * 80));
    let mut moments = rng(seed, 2);
    let mut slowest = Duration::ZERO;
    let begun = monotonic();
    for kill in 1..=kills {
        tokio::time::sleep(Duration::from_millis(moments.random_range(50..2_000))).await;
        daemon.kill();
        if kill % 10 == 0 {
            assert_eq!(house.database().integrity().await, "ok", "after {kill} kills");
        }
        daemon = house.spawn();
        slowest = slowest.max(house.ready(Duration::from_secs(10)).await);
    }
    let lasted = monotonic().duration_since(begun);
    let answers = load.finish().await;
    house.settled(Duration::from_secs(60)).await;
    assert!(daemon.stop().await.success());
    assert_eq!(house.database().integrity().await, "ok");

    let account = books.account(&house, &[&north, &south]).await;
    account.must_balance("kill");
    let total = account.total();
    eprintln!(
        "kill: {kills} kills in {lasted:?}, {answers:?}, {} accepted, {} doubled of {} in doubt, slowest start {slowest:?}",
        total.accepted, total.duplicated, total.in_doubt
    );
    assert!(
        f64::from(total.accepted) / lasted.as_secs_f64() > 150.0,
        "hardly any load: {} in {lasted:?}",
        total.accepted
    );
    assert!(total.in_doubt > 0, "no kill found anything under way");
    assert!(answers.cut > 0, "no client was cut off");
    assert!(total.duplicated <= total.in_doubt);
    assert!(slowest <= READY, "a start took {slowest:?}");
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_hundred_thousand_queued_it_is_ready_within_two_seconds_of_its_death() {
    let _stage = alone().await;
    let seed = seed("backlog");
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "north", &["--phones", "0"]);
    carrier.set_up(false).await;
    house.configure(&format!(
        "{OUTBOX}{}[route.all]\nsteps = [{{ carriers = [\"north\"] }}]\n",
        carrier_section("north", carrier.smpp, "window = 100\nbinds = 2")
    ));
    let daemon = house.start().await;
    let books = Books::default();
    let mut rng = rng(seed, 3);
    let samples: Vec<Sample> = (1..=BACKLOG)
        .map(|token| short(&mut rng, token, Class::ALL[token as usize % 6], 340))
        .collect();
    let mut client = house.client();
    for group in samples.chunks(10_000) {
        group.iter().for_each(|sample| books.ask(sample));
        let answer = client.send_all(group).await.unwrap();
        books.accept_lines(group, &answer);
    }
    daemon.kill();
    carrier.set_up(true).await;
    let begun = monotonic();
    let daemon = house.spawn();
    let ready = house.ready(Duration::from_secs(10)).await;
    carrier.until(Duration::from_secs(10), "submits", 1).await;
    let first = monotonic().duration_since(begun);
    house.settled(Duration::from_secs(120)).await;
    let drained = monotonic().duration_since(begun);
    assert!(daemon.stop().await.success());
    eprintln!(
        "backlog: {BACKLOG} queued: ready after {ready:?}, first submit after {first:?}, all delivered after {drained:?}"
    );
    let account = books.account(&house, &[&carrier]).await;
    account.must_balance("backlog");
    assert_eq!(account.total().delivered, BACKLOG);
    assert!(ready <= READY, "ready after {ready:?}");
    assert!(first <= READY * 2, "first submit after {first:?}");
    assert_eq!(house.database().integrity().await, "ok");
}
