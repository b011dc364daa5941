//! The malformed vectors: what arrives, in which role and state, and the answers that are right.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "vectors as described; a test may begin its time now"
)]

use std::time::Instant;

use araldo_smpp::session::{Action, Answer, Role, Standing, answer};
use araldo_smpp::{BindMode, CommandId, InterfaceVersion};
use serde_json::Value;

/// Vectors not met yet. A vector met must leave the list, and one lost cannot slip away.
const UNMET: &[&str] = &[];

/// Where the answer is another than the first in the vectors, all of them listed there as acceptable, and why.
const CHOSEN: &[(&str, &[&str])] = &[
    (
        "the status names what is short: the text, or a TLV",
        &["length-15", "length-16", "truncated-10"],
    ),
    (
        "a response is never answered, for that may never end",
        &["command_id-22", "command_id-25", "command_id-26"],
    ),
    (
        "5.0 has a text of 255 octets, and nothing is lost by taking it in 3.4",
        &["sm_length-09"],
    ),
    (
        "what only the message centre behind knows is left to it",
        &["sm_length-14", "time-23", "value-13"],
    ),
    (
        "an ESME keeps a receipt that can be read, for nobody would send it better",
        &["tlv-30", "tlv-32", "seen-01"],
    ),
    (
        "reserved values pass to who may know them (3.4 s3.3)",
        &[
            "value-01", "value-03", "value-04", "value-07", "value-09", "value-11", "value-12",
        ],
    ),
    ("the destination that is not there is what fails first", &["value-18"]),
];

#[test]
fn every_malformed_pdu_gets_an_answer_that_is_right() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 185);
    let mut unmet = Vec::new();
    for vector in &vectors {
        let outcome = outcome(vector);
        if !answers(vector).any(|expected| meets(&outcome, expected)) {
            eprintln!(
                "{} {}\n  {outcome:?}\n  {}",
                vector["id"], vector["description"], vector["expect"]
            );
            unmet.push(vector["id"].as_str().unwrap());
        }
    }
    assert_eq!(unmet, UNMET);
}

#[test]
fn the_first_answer_is_given_but_where_another_was_chosen_with_a_reason() {
    let second: Vec<_> = vectors()
        .iter()
        .filter(|vector| !meets(&outcome(vector), &vector["expect"]))
        .map(|vector| vector["id"].as_str().unwrap().to_owned())
        .collect();
    let mut chosen: Vec<_> = CHOSEN.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    chosen.sort_by_key(|id| second.iter().position(|other| other == id));
    assert_eq!(second, chosen);
}

#[test]
fn three_pdus_in_one_segment_get_three_answers() {
    let outcome = outcome(vectors().iter().find(|vector| vector["id"] == "incomplete-09").unwrap());
    let numbers: Vec<_> = outcome.sent.iter().map(|header| header.sequence_number.0).collect();
    assert_eq!(numbers, [7, 8, 9]);
}

#[test]
fn an_unknown_command_is_skipped_by_its_length_and_the_next_pdu_is_read() {
    let outcome = outcome(vectors().iter().find(|vector| vector["id"] == "command_id-21").unwrap());
    let answers: Vec<_> = outcome
        .sent
        .iter()
        .map(|header| (header.command_id, header.sequence_number.0))
        .collect();
    assert_eq!(
        answers,
        [(CommandId::GENERIC_NACK, 7), (CommandId::ENQUIRE_LINK_RESP, 8)]
    );
}

#[test]
fn a_response_that_can_hardly_be_read_still_completes_its_request() {
    for vector in vectors().iter().filter(|vector| vector["expect"]["action"] == "accept") {
        assert_eq!(outcome(vector).action, Action::Accept, "{}", vector["id"]);
    }
}

fn meets(outcome: &Answer, expected: &Value) -> bool {
    let connection = match expected["connection"].as_str() {
        Some("close") => outcome.closes(),
        Some("keep") => !outcome.closes(),
        _ => true,
    };
    let command = match expected["action"].as_str().unwrap() {
        "wait" | "ignore" | "accept" => return outcome.sent.is_empty() && !outcome.closes(),
        "close" => return outcome.closes(),
        "generic_nack" => CommandId::GENERIC_NACK,
        "response" => match CommandId::from_name(expected["command"].as_str().unwrap()) {
            Some(command) => command,
            None => return false,
        },
        other => panic!("action {other}"),
    };
    connection
        && outcome.sent.first().is_some_and(|header| {
            header.command_id == command
                && u64::from(header.command_status.0) == expected["command_status_value"].as_u64().unwrap()
                && u64::from(header.sequence_number.0) == expected["sequence_number"].as_u64().unwrap()
        })
}

/// What a session in the role and state of the vector does about its octets.
fn outcome(vector: &Value) -> Answer {
    let octets = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
    answer(standing(vector, &octets), &octets, Instant::now())
}

fn standing(vector: &Value, octets: &[u8]) -> Standing {
    let role = match vector["receiver"].as_str().unwrap() {
        "server" => Role::MessageCentre,
        "client" => Role::Esme,
        other => panic!("receiver {other}"),
    };
    let bound = match vector["state"].as_str().unwrap() {
        "OPEN" => None,
        "BOUND_TX" => Some(BindMode::Transmitter),
        "BOUND_RX" => Some(BindMode::Receiver),
        "BOUND_TRX" => Some(BindMode::Transceiver),
        other => panic!("state {other}"),
    };
    let mut standing = Standing::new(role, bound);
    if vector["description"].as_str().unwrap().contains("5.0 session") {
        standing.version = InterfaceVersion::V5_0;
    }
    if vector["expect"]["action"] == "accept" {
        standing = standing.awaiting(octets);
    }
    standing
}

fn answers(vector: &Value) -> impl Iterator<Item = &Value> {
    std::iter::once(&vector["expect"]).chain(vector["also_acceptable"].as_array().into_iter().flatten())
}

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors/smpp_malformed.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}
