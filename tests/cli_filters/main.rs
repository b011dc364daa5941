//! The filters of the built binary: held against the vectors that other implementations agree on, and asked what else a
//! script may ask of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod vectors;

use std::io::{Read, Write};
use std::process::Stdio;

use assert_cmd::Command;
use serde_json::{Value, json};

/// Feeds the lines, all good, and gives back the lines.
fn filter(args: &[&str], lines: &[String]) -> Vec<String> {
    filter_to(0, args, lines)
}

/// The same where the filter ends with that code.
fn filter_to(code: i32, args: &[&str], lines: &[String]) -> Vec<String> {
    let mut command = Command::cargo_bin("araldo").unwrap();
    let output = command
        .args(args)
        .write_stdin(lines.join("\n") + "\n")
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let out: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(out.len(), lines.len(), "a line for a line");
    out
}

fn filter_json(args: &[&str], lines: &[String]) -> Vec<Value> {
    filter(args, lines)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_bad_line_gets_an_error_line_the_next_one_is_read_and_the_end_is_exit_1() {
    let cases: &[(&[&str], &str, Value)] = &[
        (
            &["pdu", "decode"],
            "xyz",
            json!({ "error": "invalid_hex", "field": "hex" }),
        ),
        (
            &["pdu", "decode"],
            "",
            json!({ "error": "truncated", "field": "header", "detail": "16 octets wanted, 0 left" }),
        ),
        (
            &["pdu", "decode"],
            "0000001000",
            json!({ "error": "truncated", "field": "header" }),
        ),
        (
            &["pdu", "decode"],
            "00000010800000040000000000000007",
            json!({ "error": "unterminated", "field": "message_id" }),
        ),
        (
            &["pdu", "encode"],
            r#"{"command":"submit_sm_resp","command_status":0,"body":false}"#,
            json!({ "error": "unterminated", "field": "message_id" }),
        ),
        (
            &["receipt", "parse"],
            r#"{"short_message":1}"#,
            json!({ "error": "invalid_json" }),
        ),
        (
            &["receipt", "parse"],
            r#"{"stat":"DELIVRD"}"#,
            json!({ "error": "missing_field", "field": "short_message" }),
        ),
        (
            &["receipt", "parse"],
            r#"{"tlvs":[{"tag":1063,"value_hex":"zz"}]}"#,
            json!({ "error": "invalid_hex", "field": "value_hex" }),
        ),
        (
            &["number", "parse"],
            r#"{"input":" ACME "}"#,
            json!({ "error": "not_a_number", "field": "input" }),
        ),
        (
            &["pdu", "decode"],
            "0000001280000004000000000000000141 42",
            json!({ "error": "unterminated", "field": "message_id" }),
        ),
        (&["pdu", "encode"], "{", json!({ "error": "invalid_json" })),
        (
            &["pdu", "encode"],
            "{}",
            json!({ "error": "missing_field", "field": "command" }),
        ),
        (
            &["pdu", "encode"],
            r#"{"command":"submit_smm"}"#,
            json!({ "error": "unknown_command", "field": "command" }),
        ),
        (
            &["pdu", "encode"],
            r#"{"command":"submit_sm_resp"}"#,
            json!({ "error": "missing_field", "field": "message_id" }),
        ),
        (
            &["pdu", "encode"],
            r#"{"command":"enquire_link","fields":{"a":1}}"#,
            json!({ "error": "unknown_field", "field": "a" }),
        ),
        (
            &["pdu", "encode"],
            r#"{"command":"submit_sm_resp","fields":{"message_id":-1}}"#,
            json!({ "error": "invalid_value", "field": "message_id" }),
        ),
        (
            &["pdu", "encode"],
            r#"{"command":"submit_sm_resp","fields":{"message_id":"\u0000"}}"#,
            json!({ "error": "nul_inside", "field": "message_id" }),
        ),
        (
            &["pdu", "encode"],
            r#"{"command":"submit_sm_resp","fields":{"message_id":"x"},"tlvs":[{"name":"no_such"}]}"#,
            json!({ "error": "unknown_tlv", "field": "no_such" }),
        ),
        (
            &["pdu", "answer"],
            r#"{"hex":"0","receiver":"client","state":"OPEN"}"#,
            json!({ "error": "invalid_hex", "field": "hex" }),
        ),
        (
            &["pdu", "answer"],
            r#"{"hex":"","receiver":"nobody","state":"OPEN"}"#,
            json!({ "error": "invalid_value", "field": "receiver" }),
        ),
        (
            &["pdu", "answer"],
            r#"{"hex":"","receiver":"client","state":"open"}"#,
            json!({ "error": "invalid_value", "field": "state" }),
        ),
        (
            &["number", "parse"],
            r#"{"input":"3331234567","default_region":"Italy"}"#,
            json!({ "error": "invalid_value", "field": "default_region" }),
        ),
        (
            &["number", "parse"],
            r#"{"input":"333 123 4567"}"#,
            json!({ "error": "invalid_country_code", "field": "input" }),
        ),
        (&["sms", "split"], "text", json!({ "error": "invalid_json" })),
        (&["sms", "split"], r#"{"text":1}"#, json!({ "error": "invalid_json" })),
        (
            &["sms", "split"],
            r#"{"text":"x","shift_tables":["klingon"]}"#,
            json!({ "error": "invalid_value", "field": "shift_tables" }),
        ),
        (
            &["sms", "decode"],
            r#"{"hex":"0g"}"#,
            json!({ "error": "invalid_hex", "field": "hex" }),
        ),
        (
            &["sms", "split", "--encoding", "gsm7"],
            r#"{"text":"aж"}"#,
            json!({ "error": "unencodable", "field": "text", "offset": 1 }),
        ),
    ];
    for (args, line, want) in cases {
        let got = filter_to(1, args, &[(*line).to_owned(), "next".to_owned()]);
        let got: Value = serde_json::from_str(&got[0]).unwrap();
        for (key, value) in want.as_object().unwrap() {
            assert_eq!(&got[key], value, "{args:?} {line}: {got}");
        }
    }
    let enquire_link = "00000010000000150000000000000001".to_owned();
    filter_to(
        1,
        &["pdu", "decode"],
        &[enquire_link.clone(), "xyz".to_owned(), enquire_link],
    );
}

#[test]
fn an_unknown_command_keeps_its_octets_both_ways() {
    let hex = "0000001300010203000000000000000741ff00";
    let shown = filter(&["pdu", "decode"], &[hex.to_owned()]);
    let json: Value = serde_json::from_str(&shown[0]).unwrap();
    assert_eq!((&json["command"], &json["body_hex"]), (&Value::Null, &json!("41ff00")));
    assert_eq!(filter(&["pdu", "encode"], &shown), [json!({ "hex": hex }).to_string()]);
}

#[test]
fn options_of_split_are_those_of_the_line_or_of_the_command() {
    let text = "x".repeat(306);
    let plain = json!({ "text": text }).to_string();
    let wide = json!({ "text": text, "reference_bits": 16, "encoding": "ucs2" }).to_string();
    let units = |args: &[&str], line: &str| filter_json(args, &[line.to_owned()])[0]["units"].clone();
    assert_eq!(units(&["sms", "split"], &plain), json!([153, 153]));
    assert_eq!(
        units(&["sms", "split", "--reference-bits", "16"], &plain),
        json!([152, 152, 2])
    );
    assert_eq!(
        units(&["sms", "split", "--encoding", "latin1"], &plain),
        json!([134, 134, 38])
    );
    assert_eq!(units(&["sms", "split"], &wide), json!([66, 66, 66, 66, 42]));
}

#[test]
fn an_answer_comes_before_the_next_question_is_asked() {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("araldo"))
        .args(["pdu", "decode"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    stdin.write_all(b"00\n").unwrap();
    let mut first = [0];
    stdout.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"{");
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(1), "not a line could be read");
}

#[test]
fn a_reader_that_leaves_ends_the_filter_quietly() {
    for args in [&["pdu", "decode"][..], &["sms", "split"], &["number", "parse"]] {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("araldo"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut stdin = child.stdin.take().unwrap();
        while stdin.write_all(&b"x\n".repeat(1000)).is_ok() {}
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]), "{args:?}");
    }
}

#[test]
fn arguments_that_make_no_sense_are_exit_2() {
    for (args, hint) in [
        (&["pdu", "decod"][..], "'decode'"),
        (&["pdu"], "Usage"),
        (&["sms", "split", "--encoding", "gsm"], "gsm7"),
        (&["sms", "split", "--reference-bits", "12"], "16"),
        (&["receipt", "parse", "--jsn"], "unexpected argument"),
    ] {
        let output = Command::cargo_bin("araldo").unwrap().args(args).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(hint), "{args:?}: {err}");
    }
}

#[test]
fn look_alikes_and_national_tables_shorten_a_text_where_they_are_wanted() {
    let quotes = r#"{"text":"\u201cCiao\u201d"}"#.to_owned();
    let turkish = json!({ "text": "ş".repeat(100) }).to_string();
    let answers = |args: &[&str]| -> Vec<Value> {
        let lines = filter_to(0, args, &[quotes.clone(), turkish.clone()]);
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let plain = answers(&["sms", "split"]);
    assert_eq!(
        (&plain[0]["encoding"], &plain[0]["characters_replaced"]),
        (&json!("ucs2"), &json!([]))
    );
    assert_eq!(plain[1]["segments"], 2);
    let smart = answers(&["sms", "split", "--smart", "--shift-tables"]);
    assert_eq!(
        (&smart[0]["encoding"], &smart[0]["characters_replaced"]),
        (&json!("gsm7"), &json!(["\u{201c}", "\u{201d}"]))
    );
    assert_eq!(
        (&smart[1]["encoding"], &smart[1]["segments"]),
        (&json!("gsm7"), &json!(1))
    );
    assert_eq!(smart[1]["locking_shift"], "turkish");
}

#[test]
fn a_segment_is_decoded_with_its_header_and_what_is_no_text_as_octets() {
    let lines = [
        r#"{"hex":"0500030702014369616f","data_coding":0,"esm_class":64}"#.to_owned(),
        r#"{"hex":"20ac","data_coding":8}"#.to_owned(),
        r#"{"hex":"00ff","data_coding":4}"#.to_owned(),
        r#"{"hex":"4369616f","data_coding":240}"#.to_owned(),
    ];
    let answers: Vec<Value> = filter_to(0, &["sms", "decode"], &lines)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers[0]["text"], "Ciao");
    let alphabets = answers.iter().map(|answer| &answer["alphabet"]);
    let named = [json!("gsm7"), json!("ucs2"), Value::Null, json!("gsm7")];
    assert!(alphabets.eq(&named), "{answers:?}");
    let segment = json!({ "reference": 7, "reference_bits": 8, "total": 2, "number": 1 });
    assert_eq!(
        (&answers[0]["segment"], &answers[0]["udh"]),
        (&segment, &json!([{ "id": 0, "value_hex": "070201" }]))
    );
    assert_eq!(
        (&answers[1]["text"], &answers[1]["segment"]),
        (&json!("€"), &Value::Null)
    );
    assert_eq!(
        (&answers[2]["text"], &answers[2]["octets"]),
        (&Value::Null, &json!("00ff"))
    );
    assert_eq!((&answers[3]["text"], &answers[3]["class"]), (&json!("Ciao"), &json!(0)));
}

#[test]
fn a_whole_row_of_the_vectors_is_split_with_the_encoding_it_names() {
    let rows = [
        json!({ "id": "a", "text": "Ciao", "encoding": "GSM-7", "segments": 1 }).to_string(),
        json!({ "id": "b", "text": "Ciao", "encoding": "UCS-2", "segments": 1 }).to_string(),
    ];
    let answers = filter_json(&["sms", "split"], &rows);
    assert_eq!(
        (&answers[0]["encoding"], &answers[1]["encoding"]),
        (&json!("gsm7"), &json!("ucs2"))
    );
}

#[test]
fn a_receipt_is_read_from_tlvs_as_decode_prints_them_and_behind_a_byte_order_mark() {
    let lines = [
        r#"{"short_message":"id:1 stat:DELIVRD","tlvs":null}"#.to_owned(),
        r#"{"short_message":"","tlvs":[{"tag":30,"value_hex":"4142433100"},{"tag":1063,"value_hex":"02"}]}"#.to_owned(),
        r#"{"tlvs":[{"name":"receipted_message_id","value_hex":"4142433100"},{"name":"message_state","value":2}]}"#
            .to_owned(),
        "\u{feff}id:1 stat:DLVRD".to_owned(),
        json!({ "short_message": "\u{feff}id:1 submit;date:2601311200 stat:DELIVRD" }).to_string(),
        "{id:1 stat:DELIVRD".to_owned(),
    ];
    let answers = filter_json(&["receipt", "parse"], &lines);
    for (answer, id) in answers.iter().zip(["1", "ABC1", "ABC1", "1", "1"]) {
        assert_eq!(
            (&answer["id"], &answer["state"]),
            (&json!(id), &json!("delivered")),
            "{answer}"
        );
    }
    assert_eq!(answers[4]["submit_date"], "2026-01-31T12:00:00");
    assert_eq!(answers[5]["stat"], "DELIVRD", "a text that only looks like JSON");
}

#[test]
fn a_header_alone_with_status_0_is_forgiven_by_tolerant_reading_only() {
    let line = ["00000010800000040000000000000007".to_owned()];
    let answer = &filter_json(&["pdu", "decode", "--tolerant"], &line)[0];
    assert_eq!(
        (&answer["body"], &answer["forgiven"][0]["field"]),
        (&json!(false), &json!("body"))
    );
}

#[test]
fn an_outbind_in_open_is_taken_and_a_distribution_list_without_name_refused() {
    let outbind = json!({ "hex": "000000120000000b00000000000000070000", "receiver": "client", "state": "OPEN" });
    // As value-15 of the vectors, with dest_flag 2 and no name.
    let submit_multi = "0000002a00000021000000000000000700050041434d45000102000000000000010000000548656c6c6f";
    let submit_multi = json!({ "hex": submit_multi, "receiver": "server", "state": "BOUND_TX" });
    let answers = filter_json(&["pdu", "answer"], &[outbind.to_string(), submit_multi.to_string()]);
    assert_eq!(
        (&answers[0]["action"], &answers[0]["connection"]),
        (&json!("accept"), &json!("keep"))
    );
    assert_eq!(answers[1]["command_status"], "ESME_RINVDLNAME");
}

#[test]
fn numbers_as_short_as_short_codes_are_numbers_where_the_plan_has_them() {
    let number = |input: &str, region: &str| json!({ "input": input, "default_region": region }).to_string();
    let lines = [
        number("312345", "AD"),
        number("312 345", "AD"),
        number("40404", "DE"),
        number("48222", "IT"),
    ];
    let answers = filter_json(&["number", "parse"], &lines);
    let addresses = answers
        .iter()
        .map(|answer| (&answer["ton"], answer["address"].as_str().unwrap()));
    let (international, network) = (json!(1), json!(3));
    let wanted = [
        (&international, "376312345"),
        (&international, "376312345"),
        (&network, "40404"),
        (&network, "48222"),
    ];
    assert!(addresses.eq(wanted), "{answers:?}");
}

#[test]
fn a_customers_text_is_matched_with_its_slots_and_a_bad_line_is_answered() {
    let lines = [
        r#"{"id":7,"text":"Ricarica 10,50 euro al 333 1234567"}"#.to_owned(),
        r#"{"id":"a","text":"ok","context":"confirm"}"#.to_owned(),
        r#"{"text":"ok"}"#.to_owned(),
        r#"{"text":"saldo e movimenti","lang":"it"}"#.to_owned(),
        r#"{"text":"9","context":"survey_nps"}"#.to_owned(),
        r#"{"text":"9","context":"quiz"}"#.to_owned(),
    ];
    let answers: Vec<Value> = filter_to(1, &["commands", "match"], &lines)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let slots = json!({ "amount": "10.50", "currency": "EUR", "msisdn": "+393331234567" });
    assert_eq!(
        (&answers[0]["id"], &answers[0]["intent"], &answers[0]["slots"]),
        (&json!(7), &json!("topup"), &slots)
    );
    assert_eq!(
        (&answers[1]["id"], &answers[1]["intent"]),
        (&json!("a"), &json!("confirm_yes"))
    );
    assert_eq!((&answers[2]["intent"], &answers[2]["ask"]), (&json!("oos"), &json!([])));
    assert_eq!(answers[3]["ask"], json!(["balance", "last_transactions"]));
    assert_eq!(answers[4]["slots"], json!({ "score": 9, "scale": 10 }));
    assert_eq!(
        (&answers[5]["error"], &answers[5]["field"]),
        (&json!("invalid_value"), &json!("context"))
    );
}

#[test]
fn eval_explain_and_list_tell_of_the_shipped_catalogue() {
    let run = |args: &[&str]| {
        let output = Command::cargo_bin("araldo")
            .unwrap()
            .env_clear()
            .args(args)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let table = run(&["commands", "eval", "tests/corpora/commands.jsonl"]);
    assert!(
        table.contains("near_miss") && table.contains("resolved within one question"),
        "{table}"
    );
    let score: Value =
        serde_json::from_str(&run(&["commands", "eval", "--json", "tests/corpora/commands.jsonl"])).unwrap();
    assert_eq!(score["in_scope"]["lines"], 348);
    let stages = run(&["commands", "explain", "qnt credto mi resta?"]);
    for stage in [
        "language     it",
        "spelt out    quanto",
        "corrected    quanto credito mi resta",
        "outcome      accept balance",
    ] {
        assert!(stages.contains(stage), "{stage} in\n{stages}");
    }
    assert!(run(&["commands", "list"]).contains("block_card"));
}
