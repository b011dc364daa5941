//! Secrets, numbers and texts go through every interface at the most talkative level; none comes out where it should
//! not.

use serde_json::json;

use crate::carrier::*;
use crate::daemon::{Home, KEY, PASSWORD, request};

const RECIPIENT: &str = "393471122334";
const HANDSET: &str = "393339988776";
const TEXTS: [&str; 4] = [
    "Canary-OTP-918273",
    "Canary-MO-564738",
    "Canary-dry-102938",
    "Canary-bad-675849",
];

#[test]
fn no_secret_number_or_text_is_in_logs_metrics_errors_or_lists() {
    let hostile = Hostile::new();
    let daemon = Home::with_log(&(hostile.table("evil", "") + &route("evil")), "trace").start();
    let token = daemon.token();
    let mut outputs = Vec::new();
    let mut peer = hostile.bound();

    // The API: good, dry, and wrong in every way that comes back in an error.
    let id = daemon.send(&json!({ "to": format!("+{RECIPIENT}"), "text": TEXTS[0] }));
    peer.accept_submit("c-1");
    daemon.until(&id, "submitted");
    let dry = json!({ "to": format!("+{RECIPIENT}"), "text": TEXTS[2], "dry_run": true });
    // Its owner is told how the number was read, there and nowhere else in the answer.
    let answer = request(daemon.api, "POST", "/v1/messages", KEY, Some(&dry)).1;
    outputs.push(("dry run", answer.replacen(&format!("\"to\":\"+{RECIPIENT}\""), "", 1)));
    for (what, body) in [
        (
            "bad number",
            json!({ "to": format!("00{RECIPIENT}"), "text": TEXTS[3] }),
        ),
        (
            "bad sender",
            json!({ "to": format!("+{RECIPIENT}"), "text": TEXTS[3], "from": format!("{RECIPIENT}{RECIPIENT}") }),
        ),
        (
            "unknown field",
            json!({ "to": format!("+{RECIPIENT}"), "text": TEXTS[3], "zzz": RECIPIENT }),
        ),
        ("a text for a number", json!({ "to": TEXTS[3], "text": "x" })),
        (
            "bad class",
            json!({ "to": format!("+{RECIPIENT}"), "text": TEXTS[3], "class": TEXTS[3] }),
        ),
    ] {
        let (status, body) = request(daemon.api, "POST", "/v1/messages", KEY, Some(&body));
        assert!((400..500).contains(&status), "{what}: {status}");
        outputs.push((what, body));
    }
    outputs.push((
        "wrong key",
        request(daemon.api, "GET", "/v1/messages", &format!("{KEY}x"), None).1,
    ));
    outputs.push((
        "number in the path",
        request(daemon.api, "GET", &format!("/v1/messages/{RECIPIENT}"), KEY, None).1,
    ));
    let listed = request(daemon.api, "GET", &format!("/v1/messages?to=%2B{RECIPIENT}"), KEY, None);
    assert_eq!(listed.0, 200);
    outputs.push((
        "wrong admin token",
        request(daemon.admin, "GET", "/admin/v1/status", &format!("{token}x"), None).1,
    ));

    // The carrier: a text, a receipt with the text in it, octets that cannot be read, a refusal, a lost link.
    let mut text = deliver_sm(0x21, 0, 0, TEXTS[1].as_bytes());
    let at = text.windows(12).position(|octets| octets == b"393331234567").unwrap();
    text[at..at + 12].copy_from_slice(HANDSET.as_bytes());
    peer.say(&text);
    peer.expect(&pdu(DELIVER_SM_RESP, 0, 0x21, b"\0"), "text");
    let receipt = format!(
        "id:c-1 sub:001 dlvrd:001 submit date:2611211000 done date:2611211001 stat:DELIVRD err:000 text:{}",
        TEXTS[0]
    );
    peer.say(&deliver_sm(0x22, 4, 0, receipt.as_bytes()));
    peer.expect(&pdu(DELIVER_SM_RESP, 0, 0x22, b"\0"), "receipt");
    peer.say(&deliver_sm(0x24, 4, 0, TEXTS[3].as_bytes()));
    peer.expect(&pdu(DELIVER_SM_RESP, 0, 0x24, b"\0"), "a receipt that says nothing");
    let mut bad = deliver_sm(0x23, 0, 0, TEXTS[3].as_bytes());
    let length = bad.len() - TEXTS[3].len() - 1;
    bad[length] = 255;
    peer.say(&bad);
    peer.expect(&pdu(DELIVER_SM_RESP, 1, 0x23, b"\0"), "unreadable");
    let refused = daemon.send(&json!({ "to": format!("+{RECIPIENT}"), "text": TEXTS[0] }));
    let sequence = peer.hear_submit();
    peer.say(&pdu(
        SUBMIT_SM_RESP,
        0x0b,
        sequence,
        format!("no such number {RECIPIENT}\0").as_bytes(),
    ));
    daemon.until(&refused, "failed");
    daemon.send(&json!({ "to": format!("+{RECIPIENT}"), "text": TEXTS[0], "class": "marketing" }));
    peer.hear_submit();
    drop(peer);
    let mut peer = hostile.accept();
    let bind = peer.hear_bind();
    peer.say(&pdu(BIND_TRANSCEIVER_RESP, 0x0e, bind.sequence, b""));
    peer.ends("wrong password");
    daemon.until_log("ESME_RINVPASWD");

    // The command line, as tables and as documents.
    for verb in [
        &["status"][..],
        &["messages", "list"],
        &["messages", "show", &id],
        &["inbound", "list"],
        &["carriers", "list"],
        &["carriers", "quarantine"],
        &["queue", "stats"],
        &["send", &format!("00{RECIPIENT}"), TEXTS[3], "--client", "bank"],
        &["messages", "cancel", &id],
    ] {
        for json in [false, true] {
            let mut args = verb.to_vec();
            args.extend(json.then_some("--json"));
            let (_, out, err) = daemon.cli(&args);
            assert!(!out.is_empty() || !err.is_empty(), "{verb:?}");
            outputs.push(("command line", format!("{verb:?}\n{out}{err}")));
        }
    }
    outputs.push(("metrics", request(daemon.admin, "GET", "/metrics", "", None).1));
    outputs.push(("ready", request(daemon.admin, "GET", "/readyz", "", None).1));
    outputs.push(("quarantine", daemon.admin("/admin/v1/quarantine").to_string()));
    outputs.push(("messages, masked", daemon.admin("/admin/v1/messages").to_string()));
    outputs.push(("inbound, masked", daemon.admin("/admin/v1/inbound").to_string()));
    let cmdline = std::fs::read(format!("/proc/{}/cmdline", daemon.pid())).unwrap();
    outputs.push(("process listing", String::from_utf8(cmdline).unwrap()));
    let config = daemon.path().join("araldo.toml");
    let shown = std::process::Command::new(env!("CARGO_BIN_EXE_araldo"))
        .args(["config", "show", "--origin", "--config"])
        .arg(config)
        .output()
        .unwrap();
    outputs.push((
        "config show",
        String::from_utf8_lossy(&[shown.stdout, shown.stderr].concat()).into_owned(),
    ));
    let (code, home) = daemon.stop();
    assert_eq!(code, 0);
    let log = home.log();
    assert!(log.contains("\"level\":\"DEBUG\""), "it was talkative:\n{log}");
    outputs.push(("log", log));

    let mut found = Vec::new();
    let secrets = [KEY, PASSWORD, &token, RECIPIENT, HANDSET].into_iter().chain(TEXTS);
    for secret in secrets
        .map(str::to_owned)
        .flat_map(|plain| [hex::encode(&plain), plain])
    {
        for (what, output) in &outputs {
            for line in output.lines().filter(|line| line.contains(&secret)) {
                // What the caller wrote into its own command line is not ours to hide from it.
                if !(*what == "command line" && line.starts_with('[')) {
                    found.push(format!(
                        "{secret} in {what}: {}",
                        line.chars().take(400).collect::<String>()
                    ));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
