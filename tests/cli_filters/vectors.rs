//! All vectors, each by its filter.

use serde_json::{Value, json};

use crate::{filter, filter_json, filter_to};

const PDUS: &str = include_str!("../../protocols/smpp/tests/vectors/smpp_pdus.json");
const MALFORMED: &str = include_str!("../../protocols/smpp/tests/vectors/smpp_malformed.json");
const CHOSEN: &str = include_str!("../../protocols/smpp/tests/vectors/chosen.json");
const SEGMENTS: &str = include_str!("../../protocols/sms/tests/vectors/segments.json");
const NUMBERS: &str = include_str!("../vectors/msisdn.json");
const RECEIPTS: &str = include_str!("../../protocols/sms/tests/vectors/dlr_texts.json");

fn vectors(file: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(file).unwrap()["vectors"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn pdu_decode_shows_all_352_pdus_as_listed() {
    let vectors = vectors(PDUS);
    let lines: Vec<String> = vectors
        .iter()
        .map(|vector| vector["hex"].as_str().unwrap().to_owned())
        .collect();
    for args in [&["pdu", "decode"][..], &["pdu", "decode", "--tolerant"]] {
        for (got, vector) in filter_json(args, &lines).iter().zip(&vectors) {
            let mut want = json!({});
            for key in [
                "command",
                "command_id",
                "command_length",
                "command_status",
                "sequence_number",
                "body",
                "fields",
                "tlvs",
            ] {
                want[key] = vector[key].clone();
            }
            for tlv in want["tlvs"].as_array_mut().unwrap() {
                tlv.as_object_mut().unwrap().remove("format");
            }
            assert_eq!(got, &want, "{}", vector["id"]);
        }
    }
    assert_eq!(vectors.len(), 352);
}

#[test]
fn pdu_encode_gives_back_the_octets_of_all_352_from_the_vector_and_from_what_decode_printed() {
    let vectors = vectors(PDUS);
    let hexes: Vec<String> = vectors
        .iter()
        .map(|vector| vector["hex"].as_str().unwrap().to_owned())
        .collect();
    let printed = filter(&["pdu", "decode"], &hexes);
    let listed = vectors.iter().map(|vector| {
        let mut vector = vector.clone();
        vector.as_object_mut().unwrap().remove("hex");
        vector.to_string()
    });
    for lines in [listed.collect::<Vec<_>>(), printed] {
        for (got, hex) in filter_json(&["pdu", "encode"], &lines).iter().zip(&hexes) {
            assert_eq!(got, &json!({ "hex": hex }));
        }
    }
    assert_eq!(hexes.len(), 352);
}

#[test]
fn pdu_answer_does_with_all_185_malformed_inputs_as_listed_first_or_as_chosen_with_a_reason() {
    let vectors = vectors(MALFORMED);
    let lines: Vec<String> = vectors
        .iter()
        .map(|vector| {
            json!({ "hex": vector["hex"], "receiver": vector["receiver"], "state": vector["state"] }).to_string()
        })
        .collect();
    let mut second = Vec::new();
    for (got, vector) in filter_json(&["pdu", "answer"], &lines).iter().zip(&vectors) {
        let keys: Vec<&String> = got.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["action", "command", "command_status", "connection", "sequence_number"]
        );
        if !is_answer(got, &vector["expect"]) {
            let others = vector["also_acceptable"].as_array().unwrap();
            assert!(others.iter().any(|other| is_answer(got, other)), "{got}: {vector}");
            second.push(vector["id"].as_str().unwrap());
        }
    }
    let chosen: Value = serde_json::from_str(CHOSEN).unwrap();
    let chosen = chosen.as_object().unwrap().values();
    let mut chosen: Vec<&str> = chosen
        .flat_map(|ids| ids.as_array().unwrap())
        .map(|id| id.as_str().unwrap())
        .collect();
    chosen.sort_by_key(|id| vectors.iter().position(|vector| vector["id"] == *id));
    assert_eq!(second, chosen);
    assert_eq!(vectors.len(), 185);
}

/// Whether the answer has what is expected of it, in each key where something is.
fn is_answer(got: &Value, expected: &Value) -> bool {
    ["action", "command_status", "sequence_number", "command", "connection"]
        .iter()
        .all(|key| expected[key].is_null() || got[key] == expected[key])
}

#[test]
fn sms_split_divides_all_148_texts_as_listed() {
    let vectors = vectors(SEGMENTS);
    let lines: Vec<String> = vectors
        .iter()
        .map(|vector| json!({ "text": vector["text"] }).to_string())
        .collect();
    for (got, vector) in filter_json(&["sms", "split"], &lines).iter().zip(&vectors) {
        let encoding = if vector["encoding"] == "GSM-7" { "gsm7" } else { "ucs2" };
        let want = json!({
            "encoding": encoding, "segments": vector["segments"], "units": vector["segment_units"],
            "characters_replaced": [],
        });
        assert_eq!(got, &want, "{}", vector["id"]);
    }
    assert_eq!(vectors.len(), 148);
}

#[test]
fn receipt_parse_reads_all_98_receipts_as_listed() {
    let vectors = vectors(RECEIPTS);
    // The plain text where it is one line and says all, JSON where it is not.
    let lines: Vec<String> = vectors
        .iter()
        .map(|vector| match vector["short_message"].as_str().unwrap() {
            _ if !vector["tlvs"].as_array().unwrap().is_empty() => vector.to_string(),
            text if text.contains('\n') => vector["short_message"].to_string(),
            text => text.to_owned(),
        })
        .collect();
    assert!(lines.iter().filter(|line| line.starts_with(['{', '"'])).count() <= 12);
    let mut checked = 0;
    for (got, vector) in filter_json(&["receipt", "parse"], &lines).iter().zip(&vectors) {
        checked += 1;
        assert_eq!(got.as_object().unwrap().len(), 9);
        if vector["expected"].is_null() {
            // It is esm_class that says no receipt; the text is read all the same.
            continue;
        }
        for (field, value) in got.as_object().unwrap() {
            assert_eq!(value, &vector["expected"][field], "{} {field}", vector["id"]);
        }
    }
    assert_eq!(checked, 98);
}

/// Numbers that are read otherwise than in the vectors, and why.
const NUMBERS_READ_OTHERWISE: &[(&str, &str)] = &[(
    "num-012",
    "4915123456789 in Germany is a mobile with its country code, for texts go to mobiles, rather than a fixed line of 13 \
     digits without its trunk 0",
)];

#[test]
fn number_parse_reads_all_250_numbers_and_senders_as_listed_but_one() {
    let numbers: Value = serde_json::from_str(NUMBERS).unwrap();
    let numbers = numbers["numbers"].as_array().unwrap();
    let lines: Vec<String> = numbers.iter().map(|record| number_line(record).to_string()).collect();
    let otherwise: Vec<&str> = filter_to(1, &["number", "parse"], &lines)
        .iter()
        .zip(numbers)
        .filter(|(got, record)| !is_number(&serde_json::from_str(got).unwrap(), record))
        .map(|(_, record)| record["id"].as_str().unwrap())
        .collect();
    let known: Vec<&str> = NUMBERS_READ_OTHERWISE.iter().map(|(id, _)| *id).collect();
    assert_eq!(otherwise, known);
    assert_eq!(numbers.len(), 250);
}

/// The record's question; its note names the region where its key does not.
fn number_line(record: &Value) -> Value {
    let noted = record["note"]
        .as_str()
        .filter(|note| note.starts_with("with default region IT"));
    let region = noted.map_or(record["default_region"].clone(), |_| json!("IT"));
    json!({ "input": record["input"], "default_region": region })
}

fn is_number(got: &Value, record: &Value) -> bool {
    let refused = got["error"].is_string() && got["field"] == "input";
    if record["parses"] == false || record["usable_as_sender"] == false || record["possible"] == false {
        return refused;
    }
    // Possible by its length, though in no range that is open: the number is read, its region a hint.
    if record["valid"] == false {
        return got["e164"] == record["e164"];
    }
    let address = json!({ "ton": got["ton"], "npi": got["npi"], "address": got["address"] });
    let is_sender = record["usable_as_sender"] == true;
    address == record["smpp"] && (is_sender || (got["e164"] == record["e164"] && got["region"] == record["region"]))
}
