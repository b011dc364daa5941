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
fn most_answers_are_the_first_choice_and_not_merely_acceptable() {
    let first = vectors()
        .iter()
        .filter(|vector| meets(&outcome(vector), &vector["expect"]))
        .count();
    assert!(first >= 164, "{first} of 185");
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
