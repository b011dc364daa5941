//! The verbs that talk to a running daemon, against a listener that answers as one would, and against none.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

const ID: &str = "msg_01932b5e7c3a70008000000000000001";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A state directory with a token, a configuration, and perhaps somebody who listens.
struct Bench {
    dir: TempDir,
    addr: SocketAddr,
    /// Request line and body of everything asked.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Bench {
    /// With a listener that answers by path.
    fn new(answer: fn(&str) -> (u16, Value)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let bench = Self::at(listener.local_addr().unwrap());
        let asked = bench.asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                while let Some((line, body)) = read_request(&mut reader) {
                    let (status, answer) = answer(&line);
                    asked.lock().unwrap().push((line, body));
                    let answer = answer.to_string();
                    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", answer.len());
                    if reader.get_mut().write_all((head + &answer).as_bytes()).is_err() {
                        break;
                    }
                }
            }
        });
        bench
    }

    /// With nobody who listens.
    fn deserted() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::at(listener.local_addr().unwrap())
    }

    fn at(addr: SocketAddr) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = format!(
            "[store]\nurl = \"sqlite://{}/araldo.db\"\n[http.admin]\nlisten = \"{addr}\"\n\
             [client.bank]\nkey_file = \"not-for-us.key\"\n[carrier.tim]\nhost = \"h\"\nsystem_id = \"a\"\n\
             password_credential = \"tim\"\n",
            dir.path().display()
        );
        fs::write(dir.path().join("araldo.toml"), config).unwrap();
        fs::write(dir.path().join("admin.token"), format!("{TOKEN}\n")).unwrap();
        fs::set_permissions(dir.path().join("admin.token"), fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            dir,
            addr,
            asked: Arc::default(),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("araldo").unwrap();
        command
            .env_clear()
            .env("TZ", "Europe/Rome")
            .args(args)
            .arg("--config")
            .arg(self.dir.path().join("araldo.toml"));
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &[&str], input: &str) -> Ended {
        let output = self.command(args).write_stdin(input).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ended = Ended {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(
            !ended.err.contains("panicked") && !ended.err.contains(TOKEN),
            "{}",
            ended.err
        );
        ended
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().drain(..).collect()
    }
}

fn read_request(reader: &mut BufReader<std::net::TcpStream>) -> Option<(String, String)> {
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let (mut length, mut token) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_lowercase();
        match line.split_once(": ") {
            None => break,
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("authorization", value)) => token = value == format!("bearer {TOKEN}"),
            Some(_) => {}
        }
    }
    assert!(token, "every request shows the token");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = first.trim().strip_suffix(" HTTP/1.1")?.replace("/admin/v1/", "");
    Some((line, String::from_utf8(body).unwrap()))
}

fn message(state: &str, notes: &[&str]) -> Value {
    json!({
        "id": ID, "state": state, "class": "otp", "client": "bank", "to": "+393331234567", "from": "MyBank",
        "segments": 1, "encoding": "gsm7", "accepted_at": "2025-01-02T12:04:05.678Z", "reason": null, "notes": notes,
        "timeline": [{ "at": "2025-01-02T12:04:05.678Z", "event": "accepted" }],
    })
}

fn problem(status: u16, code: &str) -> (u16, Value) {
    (
        status,
        json!({ "title": "That is so", "status": status, "detail": "because", "code": code }),
    )
}

fn daemon(asked: &str) -> (u16, Value) {
    match asked {
        "GET status" => (
            200,
            json!({
                "version": "0.1.0", "uptime_seconds": 7200, "stopping": false,
                "store": { "working": true, "storage_low": true, "commits": 1 }, "receipts_parked": 3,
                "carriers": [{ "id": "tim", "state": "up",
                    "binds": [{ "state": "bound", "window": 100, "in_flight": 7 }, { "state": "waiting", "since": "2025-01-02T12:04:05.678Z", "last_error": "refused", "window": 100, "in_flight": 0 }] }],
                "outbox": [{ "class": "otp", "state": "queued", "messages": 12, "oldest_accepted_at": "2025-01-02T12:04:05Z" }],
            }),
        ),
        "GET queue" => (200, json!({ "open": [], "lanes": [] })),
        "GET carriers" => (
            200,
            json!({ "data": [{ "id": "tim", "state": "stopped", "binds": [] }] }),
        ),
        "POST carriers/tim/stop" => (200, json!({ "id": "tim", "state": "stopping" })),
        "POST messages" => (
            202,
            json!({ "id": ID, "to": "+393331234567", "state": "queued", "segments": 1, "encoding": "gsm7" }),
        ),
        _ if asked.starts_with("GET messages?") => (200, json!({ "data": [message("delivered", &[])], "next": "c2" })),
        _ if asked.starts_with("GET inbound?") => (
            200,
            json!({ "data": [{ "id": "in_1", "received_at": "2025-01-02T12:04:05Z", "carrier": "tim", "from": "393331234567",
                "to": "12345", "text": "SALDO\u{1b}[31m" }], "next": null }),
        ),
        _ if asked.ends_with(&format!("messages/{ID}")) => (200, message("failed", &["was_uncertain"])),
        _ if asked.ends_with("0002") => (200, message("failed", &[])),
        _ if asked.ends_with("0003") => (200, message("delivered", &[])),
        _ if asked.ends_with("/requeue") || asked.ends_with("/cancel") => (200, message("queued", &[])),
        _ if asked.contains("carriers/busy") => problem(409, "carrier_state"),
        _ => problem(404, "not_found"),
    }
}

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

/// RELIABILITY §5.6: verb and input, exit code, a fragment of the answer.
const SECTION_5_6: &[(&str, &[&str], &str, i32, &str)] = &[
    ("unknown command", &["mesages", "list"], "", 2, "'messages'"),
    ("unknown verb", &["messages", "lst"], "", 2, "'list'"),
    ("unknown flag", &["messages", "list", "--lmit", "5"], "", 2, "'--limit'"),
    (
        "no confirmation in a pipe",
        &["messages", "requeue", ID],
        "",
        2,
        "needs --yes",
    ),
    (
        "number twice",
        &["send", "+393331234567"],
        "+393337654321\nCiao\n",
        2,
        "a number by argument and another",
    ),
    ("no number", &["send"], "Ciao\n", 2, "no number"),
    ("no text", &["send", "+393331234567"], "", 2, "no text"),
    (
        "bad date",
        &["send", "+393331234567", "x", "--not-before", "tomorrow"],
        "",
        2,
        "--not-before",
    ),
    (
        "date without zone",
        &["send", "+393331234567", "x", "--expires-at", "2026-11-21T10:00:00"],
        "",
        2,
        "--expires-at",
    ),
    ("negative limit", &["messages", "list", "--limit=-1"], "", 2, "1..=1000"),
    ("limit 0", &["inbound", "list", "--limit", "0"], "", 2, "1..=1000"),
    (
        "huge limit",
        &["messages", "list", "--limit", "1000000000"],
        "",
        2,
        "1..=1000",
    ),
    ("no id", &["messages", "show", "42"], "", 2, "msg_"),
    ("no state", &["messages", "list", "--state", "sent"], "", 2, "submitted"),
    (
        "no class",
        &["send", "+393331234567", "x", "--class", "urgent"],
        "",
        2,
        "marketing",
    ),
    ("carrier that is no name", &["carriers", "stop", "Tim!"], "", 2, "a-z"),
    (
        "token across the network",
        &["status", "--admin", "192.0.2.1:8481"],
        "",
        2,
        "of this host",
    ),
    (
        "no address",
        &["status", "--admin", "localhost"],
        "",
        2,
        "127.0.0.1:8481",
    ),
    (
        "interval 0",
        &["status", "--watch", "--interval", "0"],
        "",
        2,
        "1..=3600",
    ),
];

#[test]
fn bad_command_lines_are_exit_2_and_say_what_would_be_right() {
    let bench = Bench::new(daemon);
    for (what, args, input, code, fragment) in SECTION_5_6 {
        let ended = bench.run_with(args, input);
        assert_eq!((ended.code, ended.out.as_str()), (*code, ""), "{what}: {}", ended.err);
        assert!(ended.err.contains(fragment), "{what}: {}", ended.err);
        assert!(
            bench.asked().iter().all(|(line, _)| line.starts_with("GET")),
            "{what}: nothing was done"
        );
    }
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
