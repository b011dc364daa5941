//! The malformed vectors: what arrives, in which role and state, and the answers that are right.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "vectors as described; a test may begin its time now"
)]

use std::collections::BTreeMap;
use std::time::Instant;

use araldo_smpp::session::{Answer, Standing, answer};
use araldo_smpp::{CommandId, InterfaceVersion};
use serde_json::Value;

/// Vectors not met yet. A vector met must leave the list, and one lost cannot slip away.
const UNMET: &[&str] = &[];

/// Where the answer is another than the first in the vectors, all of them listed there as acceptable: why, and which.
const CHOSEN: &str = include_str!("vectors/chosen.json");

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
    let chosen: BTreeMap<String, Vec<String>> = serde_json::from_str(CHOSEN).unwrap();
    let mut chosen: Vec<_> = chosen.into_values().flatten().collect();
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
fn in_a_session_of_5_0_a_broadcast_is_refused_for_the_tlvs_that_it_lacks() {
    let vectors = vectors();
    let vector = vectors.iter().find(|vector| vector["id"] == "version-11").unwrap();
    let octets = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
    let standing = Standing {
        version: InterfaceVersion::V5_0,
        ..standing(vector, &octets)
    };
    assert!(meets(&answer(standing, &octets, Instant::now()), &vector["expect"]));
}

fn meets(outcome: &Answer, expected: &Value) -> bool {
    let connection = match expected["connection"].as_str() {
        Some("close") => outcome.closes(),
        Some("keep") => !outcome.closes(),
        _ => true,
    };
    let command = match expected["action"].as_str().unwrap() {
        silent @ ("wait" | "ignore" | "accept") => return outcome.action.name() == silent && !outcome.closes(),
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
    let word = |key: &str| vector[key].as_str().unwrap();
    Standing::named(word("receiver"), word("state"), octets).unwrap()
}

fn answers(vector: &Value) -> impl Iterator<Item = &Value> {
    std::iter::once(&vector["expect"]).chain(vector["also_acceptable"].as_array().into_iter().flatten())
}

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors/smpp_malformed.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}
