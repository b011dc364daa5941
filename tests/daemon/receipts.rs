//! Receipts as carriers send them: in every form, early, twice, for others, once for all.

use std::time::Duration;

use araldo::domain::Class;
use serde_json::json;

use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::sample::{Sample, sample};
use crate::support::seed::{rng, seed};
use crate::support::together;

const LIMIT: Duration = Duration::from_secs(30);
const MESSAGES: u32 = 60;

fn samples(seed: u64) -> Vec<Sample> {
    let mut rng = rng(seed, 1);
    (1..=MESSAGES)
        .map(|token| sample(&mut rng, token, Class::ALL[token as usize % 6], 333))
        .collect()
}

/// Sends sixty messages over a carrier of that kind; every one is delivered.
async fn delivered_over(kind: &str, flags: &[&str], section: &str) -> (House, Carrier) {
    let _stage = together().await;
    let seed = seed(kind);
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "c", flags);
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"c\"] }}]\n",
        carrier.section(section)
    ));
    let daemon = house.start().await;
    let books = Books::default();
    for sample in samples(seed) {
        books.ask(&sample);
        let answer = house.client().send(&sample).await.unwrap();
        books.accept(sample.token, &answer.json());
    }
    house.settled(LIMIT).await;
    assert!(daemon.stop().await.success());
    let account = books.account(&house, &[&carrier]).await;
    account.must_balance(kind);
    assert_eq!(account.total().delivered, MESSAGES);
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
    (house, carrier)
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_told_in_hex_and_reported_in_decimal_are_learned() {
    delivered_over(
        "hex then decimal",
        &["--id-form", "hex-then-decimal", "--no-reference"],
        "",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_reported_in_other_letters_or_with_zeros_are_learned() {
    delivered_over(
        "upper case",
        &["--id-form", "upper-case", "--no-reference", "--receipt-form", "text"],
        "",
    )
    .await;
    delivered_over(
        "zeros",
        &["--id-form", "leading-zeros", "--no-reference", "--receipt-form", "tlv"],
        "",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_before_its_answer_is_kept_and_matched() {
    let flags = ["--before-response", "1", "--response-delay", "50ms", "--no-reference"];
    let (house, _) = delivered_over("before the answer", &flags, "").await;
    assert_eq!(house.database().number("SELECT count(*) FROM parked_receipt").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_comes_twice_changes_nothing() {
    let (house, carrier) = delivered_over("twice", &["--duplicate", "1", "--intermediate", "0.5"], "").await;
    let copies = house.database().number("SELECT sum(copies) FROM message").await;
    let flagged = house
        .database()
        .number("SELECT count(*) FROM message WHERE flags & 2 <> 0")
        .await;
    assert_eq!(
        (copies, flagged),
        (0, 0),
        "a receipt sent twice is no message sent twice"
    );
    assert!(carrier.ledger().receipts.iter().all(|receipt| receipt.taken));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_receipt_stands_for_all_segments_where_the_carrier_does_so() {
    delivered_over(
        "first",
        &["--segment-receipts", "first"],
        "segment_receipts = \"first\"",
    )
    .await;
    delivered_over("last", &["--segment-receipts", "last"], "segment_receipts = \"last\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_for_a_message_that_is_not_ours_is_taken_and_parked() {
    let _stage = together().await;
    let seed = seed("unknown");
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "c", &["--receipt-delay", "1h"]);
    carrier
        .set_receipts(json!({ "delay_min": "1500ms", "delay_max": "1500ms" }))
        .await;
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"c\"] }}]\n",
        carrier.section("")
    ));
    let daemon = house.start().await;
    let samples = samples(seed);
    for sample in &samples[..10] {
        house.client().send(sample).await.unwrap();
    }
    let segments = {
        let due = samples[..10].len() as u64;
        carrier.until(LIMIT, "accepted", due).await;
        let database = house.database();
        crate::support::until(LIMIT, "all are submitted", async || {
            (database
                .number("SELECT count(*) FROM message WHERE state = 'submitted'")
                .await
                == 10)
                .then_some(())
        })
        .await;
        database.number("SELECT sum(segments) FROM message").await
    };
    daemon.kill();
    // Another gateway takes over the account, with tables that know nothing of these.
    house.forget();
    let daemon = house.start().await;
    carrier
        .until(LIMIT, "receipts_taken", u64::try_from(segments).unwrap())
        .await;
    assert_eq!(carrier.count("receipts_refused").await, 0);
    let parked = "SELECT count(*) FROM parked_receipt";
    assert_eq!(house.database().number(parked).await, segments);
    let shown = house.operator().get("/admin/v1/status").await.unwrap().json();
    assert_eq!(shown["receipts_parked"], segments);
    assert!(daemon.stop().await.success());
}
