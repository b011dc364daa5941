//! Journey C: links are dropped in every place where an answer can be lost, in every class.

use std::collections::BTreeMap;
use std::time::Duration;

use araldo::clock::monotonic;
use araldo::domain::Class;
use araldo::simulator::{Fault, FaultRule};
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::support::accountant::allowance;
use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::{House, carrier_section};
use crate::support::proxy::Proxy;
use crate::support::sample::{Sample, five_segments, mark, sample};
use crate::support::seed::{rng, seed};
use crate::support::{alone, long};

const PER_CLASS: u32 = 5_000;
/// Each of the five places where an answer is lost befalls one submit in so many; together 1 %.
const EVERY: u32 = 400;
/// A message in so many makes five segments.
const LONG: u32 = 10;
/// Carriers by their window: share of the messages in tenths, binds.
const WINDOWS: [(u32, u32, u32); 3] = [(1, 2, 4), (10, 3, 2), (100, 5, 2)];

/// What the ledger cannot show, the tables must: how each doubt ended.
#[derive(Debug, Default)]
struct Outcomes {
    doubts: u32,
    settled: u32,
    resent: u32,
    given_up: u32,
    copies: u32,
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_lost_answer_hides_is_recorded_and_copied_no_more_than_its_class_allows() {
    let _stage = alone().await;
    let seed = seed("doubt");
    let per_class = if long() { PER_CLASS * 4 } else { PER_CLASS };
    let house = House::new("");
    let marks: Vec<String> = Class::ALL.into_iter().map(mark).collect();
    let mut carriers = Vec::new();
    let mut proxies = Vec::new();
    let mut config = "[outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\n".to_owned();
    for (window, _, binds) in WINDOWS {
        let name = format!("w{window}");
        // Some receipts come before the hold is over, some when the copy is out already.
        let flags = [
            "--receipt-delay",
            "20ms..3s",
            "--phones",
            "0",
            "--seed",
            &seed.to_string(),
        ];
        let carrier = Carrier::start(house.path(), &name, &flags);
        carrier.set_faults(&faults()).await;
        let proxy = Proxy::start(carrier.smpp, &marks, EVERY).await;
        config += &carrier_section(&name, proxy.addr, &format!("window = {window}\nbinds = {binds}"));
        // An alert in doubt goes to the next carrier.
        let other = if window == 10 { "w100" } else { "w10" };
        config += &format!(
            "[route.r{window}]\nprefixes = [\"39{}\"]\nsteps = [{{ carriers = [\"{name}\"] }}, {{ carriers = [\"{other}\"] }}]\n",
            operator(window)
        );
        carriers.push(carrier);
        proxies.push(proxy);
    }
    house.configure(&config);
    let daemon = house.start().await;
    let books = Books::default();
    let samples = samples(seed, per_class);
    let begun = monotonic();
    let mut client = house.client();
    for group in samples.chunks(5_000) {
        group.iter().for_each(|sample| books.ask(sample));
        let answer = client.send_all(group).await.unwrap();
        books.accept_lines(group, &answer);
    }
    house.settled(Duration::from_secs(if long() { 900 } else { 300 })).await;
    // Receipts of copies may still be on their way; they change nothing, and must be taken.
    assert!(daemon.stop().await.success());
    eprintln!(
        "doubt: {} messages settled in {:?}",
        samples.len(),
        monotonic().duration_since(begun)
    );

    let carriers: Vec<&Carrier> = carriers.iter().collect();
    let account = books.account(&house, &carriers).await;
    account.must_balance("doubt");
    let mut drops = BTreeMap::new();
    for (carrier, proxy) in carriers.iter().zip(&proxies) {
        let faults = carrier.stats().await["faults"].clone();
        let cuts: u32 = proxy.cuts().iter().map(|(_, cuts)| cuts).sum();
        eprintln!("doubt: {}: {faults}, cut in mid-PDU {cuts}", carrier.name);
        for place in [
            "drop_before_reading",
            "drop_before_response",
            "drop_after_response",
            "answer_segments",
        ] {
            assert!(
                faults[place].as_u64().is_some_and(|times| times > 0),
                "{}: no {place}",
                carrier.name
            );
        }
        assert!(
            proxy.cuts().iter().all(|(_, cuts)| *cuts > 0),
            "{}: {:?}",
            carrier.name,
            proxy.cuts()
        );
        let times: u64 = faults
            .as_object()
            .unwrap()
            .values()
            .filter_map(serde_json::Value::as_u64)
            .sum();
        drops.insert(carrier.name.clone(), times + u64::from(cuts));
    }
    outcomes(&house).await;
    bounded(&house, &drops).await;
    let marketing = account.classes[&Class::Marketing];
    assert_eq!(marketing.duplicated, 0, "marketing is never sent twice");
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
}

fn operator(window: u32) -> u32 {
    300 + window
}

fn faults() -> Vec<FaultRule> {
    let mut rules = Vec::new();
    for class in Class::ALL {
        let every = |fault, every: u32| FaultRule::every(fault, u64::from(every)).saying(&mark(class));
        rules.push(every(Fault::AnswerSegments { answered: 2 }, EVERY / LONG));
        rules.push(every(Fault::DropBeforeReading, EVERY));
        rules.push(every(Fault::DropBeforeResponse, EVERY));
        rules.push(every(Fault::DropAfterResponse, EVERY));
    }
    rules
}

fn samples(seed: u64, per_class: u32) -> Vec<Sample> {
    let mut rng = rng(seed, 1);
    let mut samples = Vec::new();
    let mut token = 0;
    for class in Class::ALL {
        for (window, tenths, _) in WINDOWS {
            for n in 0..per_class * tenths / 10 {
                token += 1;
                let make = if n % LONG == 0 { five_segments } else { sample };
                let mut made = make(&mut rng, token, class, operator(window));
                if n % LONG != 0 && rng.random_bool(0.7) {
                    // Most messages are short; the trial is about links, not lengths.
                    made.text = made.text.chars().take(70).collect::<String>().trim_end().to_owned();
                }
                samples.push(made);
            }
        }
    }
    samples.shuffle(&mut rng);
    samples
}

/// Every class saw doubts, and every doubt has an end that is written down.
async fn outcomes(house: &House) {
    let mut classes: BTreeMap<Class, Outcomes> = BTreeMap::new();
    for whole in house.database().whole().await {
        let row = whole.row;
        if row.doubts == 0 {
            continue;
        }
        let outcomes = classes.entry(row.class).or_default();
        let settled = whole
            .events
            .iter()
            .any(|event| event == "doubt_settled" || event == "corrected");
        let given_up = row.reason.as_deref() == Some("outcome_unknown");
        assert!(
            settled || given_up || row.resends > 0,
            "in doubt, and nobody knows what came of it: {row:?} {:?}",
            whole.events
        );
        assert!(row.copies <= allowance(row.class), "{row:?}");
        outcomes.doubts += row.doubts;
        outcomes.settled += u32::from(settled);
        outcomes.resent += row.resends;
        outcomes.given_up += u32::from(given_up);
        outcomes.copies += row.copies;
    }
    for class in Class::ALL {
        let outcomes = classes.remove(&class).unwrap_or_default();
        eprintln!("doubt: {class}: {outcomes:?}");
        assert!(outcomes.doubts > 0, "{class} saw no doubt: the trial proves nothing");
    }
}

/// A dropped link puts at most its window in doubt.
async fn bounded(house: &House, drops: &BTreeMap<String, u64>) {
    for (window, _, _) in WINDOWS {
        let name = format!("w{window}");
        let doubts = house.database().doubts(&name).await;
        let most = drops[&name] * u64::from(window);
        eprintln!(
            "doubt: {name}: {} drops, {doubts} messages in doubt, {most} at most",
            drops[&name]
        );
        assert!(
            doubts <= most,
            "{name}: {doubts} messages in doubt after {} drops",
            drops[&name]
        );
    }
}
