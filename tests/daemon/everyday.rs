//! Journey A: ten thousand messages of every kind through two carriers, and three records of them that agree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use araldo::domain::{Class, State};
use rand::RngExt;
use serde::Deserialize;

use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::load::Load;
use crate::support::sample::{Sample, sample};
use crate::support::seed::{rng, seed};
use crate::support::{alone, nothing_may_be_skipped};

const MESSAGES: u32 = 10_000;
/// A message in so many goes by NDJSON; the others are requests of their own.
const IN_BULK: u32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_of_every_kind_end_final_and_ledger_database_and_text_agree() {
    let _stage = alone().await;
    let seed = seed("everyday");
    let house = House::new("");
    let flags = [
        "--receipt-delay",
        "5ms..300ms",
        "--undelivered",
        "0.03",
        "--error-code",
        "11",
        "--seed",
        &seed.to_string(),
    ];
    let hex = Carrier::start(house.path(), "north", &[&flags[..], &["--id-form", "hex"]].concat());
    let decimal = Carrier::start(
        house.path(),
        "south",
        &[&flags[..], &["--id-form", "hex-then-decimal"]].concat(),
    );
    house.configure(&format!(
        "{}{}[route.all]\nsteps = [{{ carriers = [{{ id = \"north\", weight = 2 }}, \"south\"] }}]\n",
        hex.section("binds = 2\nwindow = 50"),
        decimal.section("bind_mode = \"pair\"\nwindow = 20"),
    ));
    let daemon = house.start().await;
    let books = Arc::new(Books::default());
    let samples = samples(seed);
    let (bulk, single): (Vec<Sample>, Vec<Sample>) =
        samples.iter().cloned().partition(|sample| sample.token % IN_BULK == 0);

    let shares: Vec<Vec<Sample>> = single
        .chunks(single.len().div_ceil(8))
        .map(<[Sample]>::to_vec)
        .collect();
    let load = Load::start(&house, &books, 8, 100_000, |client| shares[client as usize].clone());
    for group in bulk.chunks(500) {
        group.iter().for_each(|sample| books.ask(sample));
        let answer = house.client().send_all(group).await.unwrap();
        books.accept_lines(group, &answer);
    }
    load.all().await;
    assert_eq!(books.accepted().len(), samples.len());
    house.settled(Duration::from_secs(60)).await;

    let status = daemon.stop().await;
    assert!(status.success(), "{status}");
    let account = books.account(&house, &[&hex, &decimal]).await;
    account.must_balance("everyday");
    let total = account.total();
    assert_eq!(total.delivered + total.final_failed, MESSAGES);
    assert_eq!((total.duplicated, total.in_doubt), (0, 0));
    assert!(house.alarms().is_empty(), "{:?}", house.alarms());
    agree(&house, &[&hex, &decimal], &samples).await;
    texts_agree(&[&hex, &decimal], &samples);
}

fn samples(seed: u64) -> Vec<Sample> {
    let mut rng = rng(seed, 1);
    let mut one = |token| {
        let class = Class::ALL[rng.random_range(0..Class::ALL.len())];
        sample(&mut rng, token, class, 320 + token % 30)
    };
    (1..=MESSAGES).map(&mut one).collect()
}

/// Tables and ledgers tell the same of each message: its segments, whose they are, and what became of them.
async fn agree(house: &House, carriers: &[&Carrier], samples: &[Sample]) {
    let texts: HashMap<u32, &str> = samples
        .iter()
        .map(|sample| (sample.token, sample.text.as_str()))
        .collect();
    let mut handed: HashMap<u32, Vec<(u8, String, String)>> = HashMap::new();
    // How each message was cut: one way only, and under one reference.
    let mut cuts: HashMap<u32, BTreeSet<(u8, Option<u16>)>> = HashMap::new();
    // Every carrier's receipts by message: how many, and how many say that it failed.
    let mut reported: HashMap<u32, (usize, usize)> = HashMap::new();
    for carrier in carriers {
        let ledger = carrier.ledger();
        assert!(
            ledger.submits.len() > 500,
            "{} had hardly anything to do: {}",
            carrier.name,
            ledger.submits.len()
        );
        for submit in ledger.submits {
            cuts.entry(submit.token.unwrap())
                .or_default()
                .insert((submit.total, submit.reference));
            let id = submit.id.unwrap();
            handed
                .entry(submit.token.unwrap())
                .or_default()
                .push((submit.number, carrier.name.clone(), id));
        }
        for receipt in ledger.receipts {
            assert!(receipt.taken, "{receipt:?}: not answered ESME_ROK");
            let (all, failed) = reported.entry(receipt.token.unwrap()).or_default();
            *all += 1;
            *failed += usize::from(!receipt.delivered);
        }
    }
    let mut undelivered = 0;
    for whole in house.database().whole().await {
        let token = whole.row.token.unwrap();
        assert_eq!(whole.text, texts[&token]);
        let mut segments = handed
            .remove(&token)
            .unwrap_or_else(|| panic!("{token} is in no ledger"));
        segments.sort();
        assert_eq!(segments.len(), usize::from(whole.row.segments), "{token}");
        let cut = &cuts[&token];
        assert!(
            cut.len() == 1 && cut.iter().all(|(total, _)| *total == whole.row.segments),
            "{token}: {cut:?}"
        );
        assert!(
            segments
                .iter()
                .all(|(_, carrier, _)| Some(carrier) == whole.carrier.as_ref()),
            "{token}: {segments:?}"
        );
        let (all, failed) = reported
            .remove(&token)
            .unwrap_or_else(|| panic!("no receipt for {token}"));
        assert_eq!(all, segments.len(), "{token}: a receipt for every segment");
        let expected = if failed > 0 {
            State::Undelivered
        } else {
            State::Delivered
        };
        assert_eq!(
            whole.row.state, expected,
            "{token}: {failed} of {all} receipts say undelivered; {whole:?}"
        );
        undelivered += usize::from(failed > 0);
        if whole.row.segments == 1 {
            assert_eq!(
                whole.carrier_message_id.as_deref(),
                Some(segments[0].2.as_str()),
                "{token}"
            );
        } else {
            let ids: Vec<(u8, &str)> = whole
                .segments
                .iter()
                .map(|(number, _, id)| (*number, id.as_deref().unwrap()))
                .collect();
            let expected: Vec<(u8, &str)> = segments.iter().map(|(number, _, id)| (*number, id.as_str())).collect();
            assert_eq!(ids, expected, "{token}");
            let failed_here = whole
                .segments
                .iter()
                .filter(|(_, state, _)| state == "undelivered")
                .count();
            assert_eq!(failed_here, failed, "{token}: {:?}", whole.segments);
        }
    }
    assert!(handed.is_empty(), "in a ledger and in no table: {:?}", handed.keys());
    assert!(undelivered > 100, "the carriers failed only {undelivered} on purpose");
    eprintln!("everyday: {undelivered} messages failed on purpose");
}

/// A text as a program that is not ours reads it out of a ledger.
#[derive(Deserialize)]
struct Read {
    destination: String,
    text: String,
    segments: u8,
}

/// Reads every text out of the ledgers' octets with smpplib, and compares with what the clients sent.
fn texts_agree(carriers: &[&Carrier], samples: &[Sample]) {
    let Some(python) = python() else {
        assert!(
            !nothing_may_be_skipped(),
            "no python with smpplib and gsm0338: tests/run installs them"
        );
        eprintln!(
            "everyday: SKIPPED the texts by smpplib: no python with smpplib and gsm0338; tests/run installs them"
        );
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/ledger_texts.py");
    let output = Command::new(python)
        .arg(script)
        .args(carriers.iter().map(|carrier| carrier.ledger_file()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut read = BTreeMap::new();
    for line in output
        .stdout
        .split(|octet| *octet == b'\n')
        .filter(|line| !line.is_empty())
    {
        let text: Read = serde_json::from_slice(line).unwrap();
        assert!(read.insert(text.destination.clone(), text).is_none(), "twice");
    }
    for sample in samples {
        let Read { text, segments, .. } = read
            .remove(&sample.to)
            .unwrap_or_else(|| panic!("{} not read", sample.token));
        assert_eq!(text, sample.text, "{} in {segments} segments", sample.token);
    }
    assert!(read.is_empty());
    eprintln!(
        "everyday: {} texts read from the ledgers' octets by smpplib, all as they were sent",
        samples.len()
    );
}

/// The interpreter that has what the script needs.
fn python() -> Option<PathBuf> {
    let given = std::env::var_os("ARALDO_PYTHON").map(PathBuf::from);
    let installed = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/venv/bin/python"));
    given
        .into_iter()
        .chain([installed, PathBuf::from("python3")])
        .find(|python| {
            let asked = Command::new(python).args(["-c", "import smpplib, gsm0338"]).output();
            asked.is_ok_and(|output| output.status.success())
        })
}
