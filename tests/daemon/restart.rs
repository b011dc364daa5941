//! Journey D: planned restarts under load leave nothing in doubt.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::load::Load;
use crate::support::sample::mixed;
use crate::support::seed::{rng, seed};
use crate::support::{alone, long};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_planned_restarts_under_load_leave_no_doubt_and_no_request_unanswered() {
    let _stage = alone().await;
    let seed = seed("restart");
    let restarts: u32 = if long() { 500 } else { 20 };
    let house = House::new("");
    let flags = ["--receipt-delay", "10ms..100ms", "--response-delay", "20ms"];
    let north = Carrier::start(house.path(), "north", &flags);
    let south = Carrier::start(house.path(), "south", &flags);
    house.configure(&format!(
        "{}{}[route.all]\nsteps = [{{ carriers = [\"north\", \"south\"] }}]\n",
        north.section("window = 20\nbinds = 2"),
        south.section("bind_mode = \"pair\""),
    ));
    let books = Arc::new(Books::default());
    let mut daemon = house.start().await;
    let load = Load::start(&house, &books, 16, 400, |client| mixed(seed, client, restarts * 100));
    let mut moments = rng(seed, 2);
    for restart in 1..=restarts {
        north.until(Duration::from_secs(10), "bound", 2).await;
        south.until(Duration::from_secs(10), "bound", 2).await;
        tokio::time::sleep(Duration::from_millis(moments.random_range(50..1_000))).await;
        let status = daemon.stop().await;
        assert_eq!(status.code(), Some(0), "restart {restart}: {status}");
        daemon = house.start().await;
    }
    let answers = load.finish().await;
    house.settled(Duration::from_secs(60)).await;
    assert_eq!(daemon.stop().await.code(), Some(0));

    let account = books.account(&house, &[&north, &south]).await;
    account.must_balance("restart");
    let total = account.total();
    eprintln!("restart: {restarts} restarts, {answers:?}");
    assert_eq!((total.in_doubt, total.duplicated), (0, 0));
    assert_eq!(total.delivered, total.accepted);
    // A request that was stored and not answered would be replayed to the client that asks again.
    assert_eq!(answers.replayed, 0, "stored, and the client was not told");
    for carrier in [&north, &south] {
        let binds = carrier.count("binds").await;
        let unbinds = carrier.ledger().others("in", "unbind");
        assert_eq!(
            binds, unbinds as u64,
            "{}: every bind ends with an unbind",
            carrier.name
        );
    }
    assert!(house.events("link_lost").is_empty(), "{:?}", house.events("link_lost"));
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
}
