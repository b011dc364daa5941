//! Who goes first, and how fast.

use std::time::Duration;

use araldo::clock::monotonic;
use araldo::domain::Class;
use araldo::simulator::{Fault, FaultRule};

use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::ledger::Handed;
use crate::support::sample::{Sample, sample, short};
use crate::support::seed::{rng, seed};
use crate::support::{alone, long, together, until};

const LIMIT: Duration = Duration::from_secs(60);
/// An alert is with its carrier within this time of its acceptance, whatever waits.
const ALERT: Duration = Duration::from_secs(1);
/// The share of a carrier that a lower class keeps.
const SHARE: f64 = 0.1;
/// Scheduling on a busy machine moves a PDU by this much, so that a second by the carrier's clock may hold more of our
/// seconds.
const JITTER_MS: u32 = 60;

async fn bulk(house: &House, books: &Books, samples: &[Sample]) {
    for group in samples.chunks(5_000) {
        group.iter().for_each(|sample| books.ask(sample));
        let answer = house.client().send_all(group).await.unwrap();
        books.accept_lines(group, &answer);
    }
}

fn messages(seed: u64, from: u32, count: u32, class: Class) -> Vec<Sample> {
    let mut rng = rng(seed, u64::from(from));
    (from..from + count)
        .map(|token| short(&mut rng, token, class, 333))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_overtakes_twenty_thousand_offers_and_the_offers_keep_their_share() {
    let _stage = alone().await;
    let seed = seed("priorities");
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "slow", &["--no-receipts"]);
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"slow\"] }}]\n",
        carrier.section("throughput = 200\nwindow = 50")
    ));
    let daemon = house.start().await;
    let books = Books::default();
    bulk(&house, &books, &messages(seed, 1, 20_000, Class::Marketing)).await;
    carrier.until(LIMIT, "submits", 200).await;

    let mut client = house.client();
    let mut waits = Vec::new();
    for alert in messages(seed, 30_001, 30, Class::Alert) {
        books.ask(&alert);
        let answer = client.send(&alert).await.unwrap();
        let accepted = monotonic();
        books.accept(alert.token, &answer.json());
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        until(ALERT * 5, "the alert is submitted", async || {
            let shown = client.get(&format!("/v1/messages/{id}")).await.unwrap().json();
            (shown["state"] == "submitted").then_some(())
        })
        .await;
        waits.push(monotonic().duration_since(accepted));
    }
    waits.sort();
    eprintln!(
        "priorities: alerts waited {:?} in the middle, {:?} at most",
        waits[15], waits[29]
    );
    assert!(waits[29] < ALERT, "{waits:?}");

    // With transactions enough to fill the carrier, offers keep a tenth of it.
    let before = carrier.count("submits").await;
    bulk(&house, &books, &messages(seed, 40_001, 2_000, Class::Transaction)).await;
    carrier.until(LIMIT, "submits", before + 1_200).await;
    daemon.kill();
    let ledger = carrier.ledger();
    let first = ledger
        .submits
        .iter()
        .position(|submit| submit.token > Some(40_000))
        .unwrap();
    let shared = &ledger.submits[first..first + 1_000];
    let offers = shared.iter().filter(|submit| submit.token <= Some(20_000)).count();
    eprintln!("priorities: {offers} of 1000 submits were offers while transactions waited");
    let share = f64::from(u32::try_from(offers).unwrap()) / 1_000.0;
    assert!((SHARE * 0.9..SHARE * 1.5).contains(&share), "{share}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_of_the_carriers_clock_holds_more_than_the_rate_and_the_burst() {
    let _stage = alone().await;
    let seed = seed("rate");
    let rate: u32 = 100;
    let burst = (rate / 50).max(1);
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "paced", &["--no-receipts"]);
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"paced\"] }}]\n",
        carrier.section(&format!("throughput = {rate}\nwindow = 100\nbinds = 2"))
    ));
    let daemon = house.start().await;
    carrier.until(LIMIT, "bound", 2).await;
    let books = Books::default();
    let begun = monotonic();
    let samples = messages(seed, 1, 1_000, Class::Service);
    bulk(&house, &books, &samples).await;
    carrier.until(LIMIT, "submits", 1_000).await;
    let lasted = monotonic().duration_since(begun);
    daemon.kill();
    let most = busiest_second(&carrier.ledger().submits);
    eprintln!("rate: at most {most} in a second of {rate} + {burst}; 1,000 took {lasted:?}");
    let allowed = rate + burst + rate * JITTER_MS / 1_000;
    assert!(most <= allowed as usize, "{most} in one second, {allowed} allowed");
    assert!(lasted < Duration::from_secs(12), "slower than its pace: {lasted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_throttles_is_given_time_and_costs_no_message_a_try() {
    let _stage = alone().await;
    let seed = seed("throttled");
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "tight", &["--throttle", "50"]);
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"tight\"] }}]\n",
        carrier.section("throughput = 200\nwindow = 20\nmax_tries = 2")
    ));
    let daemon = house.start().await;
    let books = Books::default();
    bulk(&house, &books, &messages(seed, 1, 600, Class::Service)).await;
    house.settled(LIMIT).await;
    let throttled = carrier.count("throttled").await;
    let shown = house.operator().get("/admin/v1/carriers").await.unwrap().json();
    assert!(daemon.stop().await.success());
    let account = books.account(&house, &[&carrier]).await;
    account.must_balance("throttled");
    assert_eq!(account.total().delivered, 600);
    assert!(throttled > 0, "the carrier never throttled");
    assert_eq!(shown["data"][0]["throttled_total"], throttled);
    assert_eq!(
        house.database().number("SELECT max(tries) FROM message").await,
        0,
        "a try was burned"
    );
    // Halving finds the carrier's pace soon: most submits are taken.
    eprintln!("throttled: {throttled} of {} submits", carrier.count("submits").await);
    assert!(throttled < 600, "{throttled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_throttles_everything_and_then_takes_twenty_a_second_is_never_pressed() {
    const RATE: u32 = 100;
    const WINDOW: usize = 10;
    let _stage = together().await;
    let seed = seed("shut");
    let (shut, count) = if long() { (60, 1_000) } else { (5, 60) };
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "shut", &["--throttle", "20"]);
    let throttled = serde_json::from_value(serde_json::json!("ESME_RTHROTTLED")).unwrap();
    let all = FaultRule::always(Fault::Status(throttled)).on("submit_sm");
    carrier.set_faults(&[all]).await;
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"shut\"] }}]\n",
        carrier.section(&format!("throughput = {RATE}\nwindow = {WINDOW}\nmax_tries = 2"))
    ));
    let daemon = house.start().await;
    let books = Books::default();
    let mut rng = rng(seed, 1);
    // Of every class and length: of a long one some segments are refused and others taken.
    let samples: Vec<Sample> = (1..=count)
        .map(|token| sample(&mut rng, token, Class::ALL[token as usize % 6], 333))
        .collect();
    bulk(&house, &books, &samples).await;
    tokio::time::sleep(Duration::from_secs(shut)).await;
    let refused = carrier.count("submits").await;
    carrier.set_faults(&[]).await;
    house.settled(LIMIT * 5).await;
    let shown = house.operator().get("/admin/v1/carriers").await.unwrap().json();
    assert!(daemon.stop().await.success());
    let account = books.account(&house, &[&carrier]).await;
    account.must_balance("shut");
    let total = account.total();
    let ledger = carrier.ledger();
    let most = busiest_second(&ledger.submits);
    eprintln!(
        "shut: {refused} submits in {shut} s of refusals, {} in all, {} refused; {most} in a second at most, {} outstanding",
        ledger.submits.len(),
        shown["data"][0]["throttled_total"],
        ledger.outstanding
    );
    assert_eq!((total.delivered, total.duplicated), (count, 0));
    assert!(ledger.outstanding <= WINDOW, "{}", ledger.outstanding);
    let allowed = RATE + RATE / 50 + RATE * JITTER_MS / 1_000;
    assert!(most <= allowed as usize, "{most} in one second, {allowed} allowed");
    // Halving: what refuses all is asked a few times a second.
    assert!(refused > 0 && refused < u64::from(RATE) * shut / 5, "{refused}");
    let tries = house.database().number("SELECT max(tries) FROM message").await;
    assert_eq!(tries, 0, "a try was burned");
}

/// The most PDUs in any second.
fn busiest_second(submits: &[Handed]) -> usize {
    let mut times: Vec<u128> = submits.iter().map(|submit| submit.at_ns).collect();
    times.sort_unstable();
    let mut from = 0;
    let mut most = 0;
    for (at, time) in times.iter().enumerate() {
        while times[from] + 1_000_000_000 <= *time {
            from += 1;
        }
        most = most.max(at + 1 - from);
    }
    most
}
