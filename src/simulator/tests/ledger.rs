//! The ledger: what it holds and what it leaves out.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::esme::{Esme, hello};
use super::simulator;
use crate::simulator::{Fault, FaultRule};

fn lines(ledger: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(ledger).expect("ledger");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

#[tokio::test]
async fn the_ledger_holds_every_pdu_before_its_answer_arrives() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("ledger.jsonl");
    let simulator = simulator(|config| {
        config.ledger = Some(path.clone());
        config.receipts.enabled = false;
    })
    .await;
    let mut esme = Esme::bound(&simulator).await;
    for ticket in 0..50 {
        esme.submit(ticket, &hello("391")).await;
        let (_, id) = esme.answer_to(ticket).await;
        let last = lines(&path).pop().expect("a line");
        assert_eq!(
            (&last["dir"], &last["command"], &last["status"]),
            (&json!("out"), &json!("submit_sm_resp"), &json!(0))
        );
        let octets = hex::decode(last["hex"].as_str().expect("hex")).expect("hex");
        assert_eq!(&octets[16..], [id.as_bytes(), b"\0"].concat());
    }
    let all = lines(&path);
    let count = |dir: &str, command: &str| {
        all.iter()
            .filter(|line| line["dir"] == dir && line["command"] == command)
            .count()
    };
    assert_eq!((count("in", "submit_sm"), count("out", "submit_sm_resp")), (50, 50));
    assert_eq!(
        (count("in", "bind_transceiver"), count("out", "bind_transceiver_resp")),
        (1, 1)
    );
    let secret = hex::encode("secret");
    assert!(
        all.iter()
            .all(|line| !line["hex"].as_str().expect("hex").contains(&secret))
    );
}

#[tokio::test]
async fn the_ledger_notes_faults_and_leaves_out_what_was_never_read_or_never_whole() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("ledger.jsonl");
    let stall = Fault::Stall {
        drop_after: Some(Duration::from_millis(10)),
    };
    let simulator = simulator(|config| {
        config.ledger = Some(path.clone());
        config.faults = vec![
            FaultRule::always(Fault::DropBeforeReading).to("391"),
            FaultRule::always(stall).to("392"),
        ];
    })
    .await;
    for to in ["391", "392"] {
        let mut esme = Esme::bound(&simulator).await;
        esme.submit(1, &hello(to)).await;
        esme.close_reason().await;
    }
    let all = lines(&path);
    let count = |dir: &str, command: &str| {
        all.iter()
            .filter(|line| line["dir"] == dir && line["command"] == command)
            .count()
    };
    assert_eq!((count("in", "submit_sm"), count("out", "submit_sm_resp")), (1, 0));
    let notes: Vec<&str> = all.iter().filter_map(|line| line["note"].as_str()).collect();
    assert_eq!(notes, ["drop_before_reading", "stall", "half of the answer"]);
}
