//! The verbs that talk to a running daemon, against a listener that answers as one would, and against none.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answer;
mod bad_line;
mod bench;

use std::fs;
use std::process::Stdio;

use assert_cmd::Command;
use serde_json::{Value, json};

use crate::answer::{ID, daemon, problem};
use crate::bench::Bench;

const VERBS: &[&[&str]] = &[
    &["status"],
    &["status", "--json"],
    &["status", "--watch"],
    &["messages", "list"],
    &["messages", "show", ID],
    &["messages", "cancel", ID],
    &["messages", "requeue", ID, "--yes"],
    &["inbound", "list"],
    &["send", "+393331234567", "Ciao"],
    &["carriers", "list"],
    &["carriers", "start", "tim"],
    &["carriers", "stop", "tim"],
    &["carriers", "drain", "tim"],
    &["carriers", "quarantine", "tim", "--limit", "5"],
    &["queue", "stats"],
];

#[test]
fn a_daemon_that_is_not_there_is_exit_69_with_the_address_tried() {
    let bench = Bench::deserted();
    for verb in VERBS {
        let ended = bench.run(verb);
        assert_eq!((ended.code, ended.out.as_str()), (69, ""), "{verb:?}: {}", ended.err);
        assert!(
            ended.err.contains(&bench.addr.to_string()) && ended.err.contains("cure"),
            "{verb:?}: {}",
            ended.err
        );
    }
}

#[test]
fn somebody_else_on_that_port_is_said_to_be_so() {
    let bench = Bench::new(|_| (200, json!("pong")));
    let ended = bench.run(&["messages", "list"]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "no message\n"),
        "a document without rows"
    );
    let bench = Bench::new(|_| (418, json!("teapot")));
    for verb in VERBS {
        let ended = bench.run(verb);
        assert_eq!(ended.code, 1, "{verb:?}");
        assert!(
            ended.err.contains("does not answer as an araldo daemon does"),
            "{verb:?}: {}",
            ended.err
        );
    }
}

#[test]
fn a_token_that_cannot_be_read_is_named() {
    let bench = Bench::new(daemon);
    fs::remove_file(bench.dir.path().join("admin.token")).unwrap();
    let ended = bench.run(&["status"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("admin.token: the admin token cannot be read"),
        "{}",
        ended.err
    );
    fs::write(bench.dir.path().join("admin.token"), "").unwrap();
    assert!(bench.run(&["status"]).err.contains("it holds no token"));
}

#[test]
fn no_configuration_is_needed_where_address_and_token_are_given() {
    let bench = Bench::new(daemon);
    let output = Command::cargo_bin("araldo")
        .unwrap()
        .env_clear()
        .args([
            "queue",
            "stats",
            "--config",
            "/nowhere/araldo.toml",
            "--admin",
            &bench.addr.to_string(),
            "--token-file",
        ])
        .arg(bench.dir.path().join("admin.token"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "nothing waits\n");
    assert_eq!(
        bench.run(&["queue", "stats", "--config", "/nowhere/araldo.toml"]).code,
        2,
        "twice"
    );
}

#[test]
fn what_the_daemon_refuses_is_shown_with_its_code() {
    let bench = Bench::new(daemon);
    let other = ID.replace('1', "7");
    for (verb, code, hint) in [
        (
            &["messages", "show", &other][..],
            3,
            "error: that is so (not_found, 404)\n  because\n",
        ),
        (&["messages", "requeue", &other], 3, "not_found"),
        (&["carriers", "start", "nobody"], 3, "not_found"),
        (&["carriers", "drain", "busy"], 4, "carrier_state, 409"),
    ] {
        let ended = bench.run(verb);
        assert_eq!(ended.code, code, "{verb:?}: {}", ended.err);
        assert!(ended.err.contains(hint), "{verb:?}: {}", ended.err);
    }
    let bench = Bench::new(|_| problem(503, "queue_full"));
    assert_eq!(bench.run(&["send", "+393331234567", "Ciao"]).code, 69);
    let bench = Bench::new(|_| problem(500, "internal"));
    assert_eq!(bench.run(&["queue", "stats"]).code, 1);
}

#[test]
fn pdus_that_could_not_be_read_are_listed_with_their_beginning() {
    let bench = Bench::new(daemon);
    let ended = bench.run(&["carriers", "quarantine", "tim", "--limit", "7"]);
    assert_eq!(bench.asked()[0].0, "GET quarantine?carrier=tim&limit=7");
    for words in [
        "2025-01-02 13:04 CET",
        "192.0.2.7:2775",
        "ESME_RINVMSGLEN",
        "short_message: cut short",
        &format!("0000003c00000005{}...", "**".repeat(40)),
    ] {
        assert!(ended.out.contains(words), "{words}: {}", ended.out);
    }
    bench.run(&["carriers", "quarantine", "--reveal"]);
    assert_eq!(bench.asked()[0].0, "GET quarantine?limit=50&reveal=true");
    let ended = bench.run(&["carriers", "quarantine", "--json"]);
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(document["data"][0]["hex"].as_str().unwrap().len(), 120);
}

#[test]
fn lists_are_tables_with_masked_numbers_and_json_is_the_document() {
    let bench = Bench::new(daemon);
    let ended = bench.run(&[
        "messages", "list", "--state", "failed", "--to", "+39 1", "--limit", "20",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.contains("+39333***4567") && ended.out.contains("2025-01-02 13:04 CET"),
        "{}",
        ended.out
    );
    assert!(ended.out.is_ascii() && ended.out.lines().count() == 2, "{}", ended.out);
    assert_eq!(ended.err, "there are more: --after c2\n");
    assert_eq!(bench.asked()[0].0, "GET messages?state=failed&to=%2B39%201&limit=20");
    let ended = bench.run(&["messages", "list", "--reveal"]);
    assert!(ended.out.contains("+393331234567"));
    let ended = bench.run(&["messages", "list", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&ended.out).unwrap()["next"], "c2");
    let ended = bench.run(&["inbound", "list"]);
    assert!(
        ended.out.contains("39333***4567") && ended.out.contains("SALDO\\u{1b}[31m"),
        "{}",
        ended.out
    );
}

#[test]
fn status_shows_carriers_and_queue() {
    let bench = Bench::new(daemon);
    let out = bench.run(&["status"]).out;
    for fragment in [
        "araldo 0.1.0 running, up 2 h",
        "tim",
        "1/2",
        "7/200",
        "queued",
        "12",
        " d",
        "3 receipts match no message: they came before",
        "if their number grows, see carrier.ID.receipt_id",
    ] {
        assert!(out.contains(fragment), "{fragment} in\n{out}");
    }
    let out = bench.run(&["messages", "show", ID]).out;
    assert!(
        out.contains("accepted") && out.contains("+39333***4567") && out.contains("was_uncertain"),
        "{out}"
    );
}

#[test]
fn requeue_of_what_may_have_arrived_needs_a_yes() {
    let bench = Bench::new(daemon);
    let ended = bench.run(&["messages", "requeue", ID]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.err.contains("1 of 1 may already have been delivered (1 otp)"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("--yes"), "{}", ended.err);
    assert!(
        bench.asked().iter().all(|(line, _)| line.starts_with("GET")),
        "nothing was done"
    );
    assert_eq!(bench.run(&["messages", "requeue", ID, "--yes"]).code, 0);
    // One that failed before it was sent needs no yes.
    let other = ID.replace("0001", "0002");
    assert_eq!(
        bench.run(&["messages", "requeue", &other]).out,
        format!("{other} queued again\n")
    );
    assert_eq!(
        bench.run(&["messages", "cancel", ID, &other]).out,
        format!("{ID} canceled\n{other} canceled\n")
    );
    let ended = bench.run(&["messages", "cancel", ID, &other, "--json"]);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&ended.out).unwrap().len(), 2);
}

#[test]
fn requeue_of_what_was_delivered_is_refused_before_anything_is_asked_or_done() {
    let bench = Bench::new(daemon);
    let delivered = ID.replace("0001", "0003");
    for args in [
        &["messages", "requeue", &delivered][..],
        &["messages", "requeue", ID, &delivered, "--yes"],
    ] {
        let ended = bench.run(args);
        assert_eq!((ended.code, ended.out.as_str()), (4, ""), "{}", ended.err);
        assert!(
            ended.err.contains(&format!("{delivered} is delivered")) && !ended.err.contains("--yes"),
            "{}",
            ended.err
        );
        assert!(bench.asked().iter().all(|(line, _)| line.starts_with("GET")));
    }
}

#[test]
fn send_takes_the_text_from_arguments_or_standard_input() {
    let bench = Bench::new(daemon);
    let sent = |args: &[&str], input: &str| -> Value {
        let ended = bench.run_with(args, input);
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(!ended.out.contains("1234567"), "{}", ended.out);
        serde_json::from_str(&bench.asked()[0].1).unwrap()
    };
    let want = json!({ "to": "+393331234567", "text": "Ciao a te", "client": "bank" });
    assert_eq!(sent(&["send", "+393331234567", "Ciao", "a", "te"], ""), want);
    assert_eq!(sent(&["send", "+393331234567"], "Ciao a te\n"), want);
    assert_eq!(sent(&["send"], "+393331234567\nCiao a te\n"), want);
    let ended = bench.run(&["send", "393331234567", "Ciao"]);
    assert!(
        ended.out.contains(" to +39333***4567 in"),
        "as the daemon read it: {}",
        ended.out
    );
    bench.asked();
    let all = [
        "--from",
        "MyBank",
        "--class",
        "otp",
        "--client",
        "shop",
        "--reference",
        "r1",
        "--dry-run",
        "--no-receipt",
    ];
    let body = sent(&[&["send", "+393331234567", "x"][..], &all].concat(), "");
    let want = json!({ "to": "+393331234567", "text": "x", "client": "shop", "from": "MyBank", "class": "otp",
        "reference": "r1", "dry_run": true, "receipt": false });
    assert_eq!(body, want);
}

#[test]
fn a_reader_that_leaves_is_exit_0_quietly() {
    let bench = Bench::new(daemon);
    for verb in VERBS.iter().filter(|verb| !verb.contains(&"--watch")) {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("araldo"))
            .args(*verb)
            .arg("--config")
            .arg(bench.dir.path().join("araldo.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        if output.status.code() != Some(3) {
            assert_eq!(output.status.code(), Some(0), "{verb:?}: {err}");
            assert!(err.is_empty() || err.starts_with("there are more"), "{verb:?}: {err}");
        }
    }
}

#[test]
fn every_verb_has_help_within_a_screen() {
    let mut verbs: Vec<&[&str]> = VERBS.to_vec();
    verbs.extend::<[&[&str]; 4]>([
        &["pdu", "decode"],
        &["pdu", "encode"],
        &["sms", "split"],
        &["receipt", "parse"],
    ]);
    for verb in verbs {
        let words = verb
            .iter()
            .take_while(|word| !word.starts_with(['-', '+', 'm'].as_ref()) || **word == "messages");
        let output = Command::cargo_bin("araldo")
            .unwrap()
            .args(words)
            .arg("--help")
            .output()
            .unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{verb:?}");
        assert!(help.contains("Usage: araldo"), "{verb:?}");
    }
    let help = Command::cargo_bin("araldo").unwrap().arg("--help").output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().lines().count() <= 40);
}
