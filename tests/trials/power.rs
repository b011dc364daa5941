//! The power goes, or a sync fails, and the disk forgets what was not synced: whatever was promised is there afterwards.
//!
//! The page cache outlives a killed process, so a kill proves little. Here the library that is loaded into the daemon puts
//! back what its database files held at their last sync, and then ends the process or fails the sync.

use std::sync::Arc;
use std::time::Duration;

use araldo::clock::monotonic;
use rand::RngExt;

use crate::shim::{SYNC, Shim, WRITE};
use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::{Daemon, House};
use crate::support::load::Load;
use crate::support::sample::mixed;
use crate::support::seed::{rng, seed};
use crate::support::{alone, long, until};
use crate::texts::Texts;

const LIMIT: Duration = Duration::from_secs(30);
/// A process whose sync failed has ended within this time; on a machine that does nothing else, at once.
const END: Duration = Duration::from_secs(2);
/// A process that ends for a failed sync says so.
const FAILED_SYNC: i32 = 70;
/// Linux's number for an I/O error.
const EIO: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_outlives_power_cuts_and_failed_syncs_that_lose_the_unsynced() {
    let _stage = alone().await;
    let seed = seed("power");
    let rounds = if long() { 500 } else { 50 };
    let mut house = House::new("");
    let flags = [
        "--receipt-delay",
        "10ms..500ms",
        "--response-delay",
        "10ms",
        "--phones",
        "0",
    ];
    let carrier = Carrier::start(house.path(), "north", &flags);
    house.configure(&format!(
        "[outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\n{}[address.\"12345\"]\nclient = \"bank\"\n\
         [route.all]\nsteps = [{{ carriers = [\"north\"] }}]\n",
        carrier.section("window = 20")
    ));
    let Some(shim) = Shim::load(&mut house) else { return };
    shim.lose_what_is_not_synced();
    let books = Arc::new(Books::default());
    let mut daemon = house.start().await;
    let load = Load::start(&house, &books, 8, 200, |client| mixed(seed, client, rounds * 100));
    let carrier = Arc::new(carrier);
    let texts = Texts::start(carrier.clone(), Duration::from_millis(20));

    let mut rng = rng(seed, 5);
    let mut slowest = Duration::ZERO;
    let (mut cuts, mut failures) = (0, 0);
    for round in 0..rounds {
        if round % 4 == 3 {
            shim.fail(SYNC, rng.random_range(1..50), EIO);
            slowest = slowest.max(ends_for_its_failed_sync(&house, &shim, &mut daemon).await);
            failures += 1;
        } else {
            shim.cut(SYNC | WRITE, rng.random_range(1..400));
            assert_eq!(daemon.ended(LIMIT).await.code(), None, "it ended by itself");
            cuts += 1;
        }
        if round % 5 == 4 {
            // And again, before it is quite there.
            shim.cut(SYNC | WRITE, rng.random_range(1..40));
            assert_eq!(house.spawn().ended(LIMIT).await.code(), None, "it ended by itself");
            cuts += 1;
        }
        shim.count(0);
        daemon = house.start().await;
    }
    let answers = load.finish().await;
    let taken = texts.finish().await;
    house.settled(LIMIT).await;
    assert!(daemon.stop().await.success());
    assert_eq!(house.database().integrity().await, "ok");

    let account = books.account(&house, &[&carrier]).await;
    account.must_balance("power");
    let total = account.total();
    let lost = taken.lost(&house).await;
    eprintln!(
        "power: {cuts} power cuts, {failures} failed syncs, {answers:?}, {} accepted, {} doubled of {} in doubt, {} texts \
         taken, {} of them lost; ended {slowest:?} after a failed sync at most",
        total.accepted,
        total.duplicated,
        total.in_doubt,
        taken.count(),
        lost.len()
    );
    assert!(lost.is_empty(), "taken and forgotten: {lost:?}");
    assert!(
        answers.cut > 0 && total.in_doubt > 0 && taken.count() > 0,
        "nothing was under way"
    );
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
}

/// How long it lived on.
async fn ends_for_its_failed_sync(house: &House, shim: &Shim, daemon: &mut Daemon) -> Duration {
    until(LIMIT, "a sync fails", async || (shim.hits() > 0).then_some(())).await;
    let begun = monotonic();
    let status = daemon.ended(LIMIT).await;
    let lived = monotonic().duration_since(begun);
    assert_eq!(status.code(), Some(FAILED_SYNC), "{status}");
    assert!(lived < END, "it lived on for {lived:?}");
    let said = house.events("stopped");
    let said = said.last().map(ToString::to_string).unwrap_or_default();
    assert!(said.contains("disk I/O error"), "it does not say why it ended: {said}");
    lived
}
