//! Nothing is promised before it is synced: the daemon runs under strace, and every positive answer of thousands is held
//! against the syncs of its log. This, and no kill, is what shows durability: a killed process loses no page cache.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use araldo::clock::Clock;
use araldo::domain::Class;

use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::load::Load;
use crate::support::sample::{recipient, short};
use crate::support::seed::{rng, seed};
use crate::support::{alone, long, nothing_may_be_skipped, until};
use crate::trace::{Kind, STRACE, Trace};

const CLIENTS: u32 = 16;
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn none_of_ten_thousand_positive_answers_is_given_before_its_sync() {
    if Command::new("strace").arg("--version").output().is_err() {
        assert!(!nothing_may_be_skipped(), "strace is missing: install strace");
        eprintln!("synced: passed over: strace is missing");
        return;
    }
    let _stage = alone().await;
    let seed = seed("synced");
    // Accepts and as many receipts, texts, cancels and their accepts: 10,000 in all, 100,000 in the long form.
    let times = if long() { 10 } else { 1 };
    let (sends, texts, cancels) = (3_600 * times, 1_000 * times, 1_000 * times);
    let mut house = House::new("");
    let carrier = Carrier::start(
        house.path(),
        "north",
        &["--receipt-delay", "0s..200ms", "--phones", "0"],
    );
    house.configure(&format!(
        "{}[address.\"12345\"]\nclient = \"bank\"\n[route.all]\nsteps = [{{ carriers = [\"north\"] }}]\n",
        carrier.section("window = 100\nbinds = 2")
    ));
    let file = house.path().join("trace");
    let words = STRACE.map(str::to_owned).into_iter();
    house.through(words.chain(["-o".to_owned(), file.display().to_string()]));
    let daemon = house.start().await;
    carrier.until(LIMIT, "bound", 2).await;

    let books = Arc::new(Books::default());
    let load = Load::start(&house, &books, CLIENTS, 100_000, |client| {
        let mut rng = rng(seed, u64::from(client));
        let tokens = client * 100_000 + 1..=client * 100_000 + sends / CLIENTS;
        tokens
            .map(|token| short(&mut rng, token, Class::Service, 330))
            .collect()
    });
    let (answers, taken, canceled) = tokio::join!(load.all(), text(&carrier, texts), cancel(&house, &books, cancels));
    assert_eq!((taken, canceled), (texts, cancels));
    house.settled(LIMIT).await;
    assert!(daemon.stop().await.success());
    // strace is a process of its own and may still write.
    let whole = until(LIMIT, "the trace is whole", async || {
        let text = String::from_utf8(std::fs::read(&file).unwrap()).unwrap();
        text.trim_end().ends_with("+++ exited with 0 +++").then_some(text)
    });
    let trace = Trace::read(&whole.await);
    books.account(&house, &[&carrier]).await.must_balance("synced");

    let mut kinds: BTreeMap<Kind, u32> = BTreeMap::new();
    for promise in trace.promises() {
        *kinds.entry(promise.kind).or_default() += 1;
    }
    let early = trace.early();
    eprintln!(
        "synced: {kinds:?} behind {} commits, {} early",
        trace.commits(),
        early.len()
    );
    assert_eq!(
        kinds[&Kind::Accept],
        answers.accepted + cancels,
        "the trace has all that clients heard"
    );
    assert_eq!(kinds[&Kind::Cancel], cancels);
    assert!(kinds[&Kind::Deliver] >= answers.accepted + texts, "{kinds:?}");
    assert!(kinds.values().sum::<u32>() >= 10_000 * times, "{kinds:?}");
    assert!(
        early.is_empty(),
        "{} of them: {:?}",
        early.len(),
        &early[..early.len().min(9)]
    );

    // The same trace without one of its syncs has early answers: the checker can tell.
    let doctored = (0..trace.commits()).map(|which| trace.without_commit(which).early().len());
    assert!(
        doctored.take(200).any(|early| early > 0),
        "a missing sync goes unnoticed"
    );
}

/// Phones text; how many were answered that we have it.
async fn text(carrier: &Carrier, count: u32) -> u32 {
    let one = async |phone: u32| {
        let mut taken = 0;
        for n in 0..count / 10 {
            let answer = carrier
                .text(&recipient(347, phone), "12345", &format!("SALDO {phone} {n}"))
                .await;
            taken += u32::from(answer.is_some_and(|statuses| statuses == ["ESME_ROK"]));
        }
        taken
    };
    futures_util::future::join_all((0..10).map(one)).await.into_iter().sum()
}

/// Messages for tomorrow are accepted and withdrawn; how many were.
async fn cancel(house: &House, books: &Books, count: u32) -> u32 {
    let mut http = house.client();
    let mut canceled = 0;
    let mut rng = rng(1, 77);
    let tomorrow = Clock::system().now().after(Duration::from_hours(24));
    let tomorrow = jiff::Timestamp::from_millisecond(tomorrow.0).unwrap().to_string();
    for token in 9_000_001..=9_000_000 + count {
        let sample = short(&mut rng, token, Class::Service, 331);
        books.ask(&sample);
        let mut body = sample.body();
        body["not_before"] = tomorrow.clone().into();
        let headers = [("content-type", "application/json".to_owned())];
        let answer = http
            .request(
                hyper::Method::POST,
                "/v1/messages",
                &headers,
                body.to_string().into_bytes(),
            )
            .await
            .unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        books.accept(token, &answer.json());
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let answer = http.delete(&format!("/v1/messages/{id}")).await.unwrap();
        canceled += u32::from(answer.status.is_success());
    }
    canceled
}
