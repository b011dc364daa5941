//! The malformed vectors: what arrives, in which role and state, and the answers that are right.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "vectors as described; a test may begin its time now"
)]

use std::time::{Duration, Instant};

use araldo_smpp::pdu::{Bind, DataSm, DeliverSm, QuerySm, Request, SubmitSm};
use araldo_smpp::session::{EsmeConfig, Event, McConfig, Settings};
use araldo_smpp::{BindMode, COctet, CommandId, CommandStatus, Header, InterfaceVersion, SequenceNumber, Session};
use bytes::BytesMut;
use serde_json::Value;

/// Vectors not met yet. A vector met must leave the list, and one lost cannot slip away.
const UNMET: &[&str] = &[];

#[test]
fn every_malformed_pdu_gets_an_answer_that_is_right() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 185);
    let mut unmet = Vec::new();
    for vector in &vectors {
        let outcome = answer(vector);
        if !answers(vector).any(|expected| outcome.meets(expected)) {
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
        .filter(|vector| answer(vector).meets(&vector["expect"]))
        .count();
    assert!(first >= 164, "{first} of 185");
}

#[test]
fn three_pdus_in_one_segment_get_three_answers() {
    let outcome = answer(vectors().iter().find(|vector| vector["id"] == "incomplete-09").unwrap());
    let numbers: Vec<_> = outcome.sent.iter().map(|header| header.sequence_number.0).collect();
    assert_eq!(numbers, [7, 8, 9]);
}

#[test]
fn an_unknown_command_is_skipped_by_its_length_and_the_next_pdu_is_read() {
    let outcome = answer(vectors().iter().find(|vector| vector["id"] == "command_id-21").unwrap());
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
        assert!(answer(vector).answered, "{}", vector["id"]);
    }
}

#[derive(Debug)]
struct Outcome {
    sent: Vec<Header>,
    closed: bool,
    answered: bool,
}

impl Outcome {
    fn meets(&self, expected: &Value) -> bool {
        let connection = match expected["connection"].as_str() {
            Some("close") => self.closed,
            Some("keep") => !self.closed,
            _ => true,
        };
        let command = match expected["action"].as_str().unwrap() {
            "wait" | "ignore" | "accept" => return self.sent.is_empty() && !self.closed,
            "close" => return self.closed,
            "generic_nack" => CommandId::GENERIC_NACK,
            "response" => match CommandId::from_name(expected["command"].as_str().unwrap()) {
                Some(command) => command,
                None => return false,
            },
            other => panic!("action {other}"),
        };
        connection
            && self.sent.first().is_some_and(|header| {
                header.command_id == command
                    && u64::from(header.command_status.0) == expected["command_status_value"].as_u64().unwrap()
                    && u64::from(header.sequence_number.0) == expected["sequence_number"].as_u64().unwrap()
            })
    }
}

/// Feeds the octets to a session in the role and state of the vector, and answers what it hands on.
///
/// Where an answer closes the connection, so may the wait for octets that were announced and never come.
fn answer(vector: &Value) -> Outcome {
    let now = Instant::now();
    let octets = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
    let header = Header::parse(&octets);
    let mut session = session(vector, header, now);
    let mut input = BytesMut::from(&octets[..]);
    session.handle_bytes(&mut input, now);
    let mut answered = false;
    while let Some(event) = session.poll_event() {
        match event {
            Event::BindRequested { .. } => assert!(session.accept_bind()),
            Event::Request { packet, .. } => {
                let (command, id) = (packet.command_id(), COctet::from_static("1"));
                let sequence = packet.sequence_number;
                match command {
                    CommandId::QUERY_SM | CommandId::CANCEL_SM | CommandId::REPLACE_SM => {
                        session.respond(command, sequence, not_issued(command), &id).unwrap();
                    }
                    _ => session
                        .respond(command, sequence, CommandStatus::ESME_ROK, &id)
                        .unwrap(),
                }
            }
            Event::Answered(_) => answered = true,
            _ => {}
        }
    }
    let waits_to_close = !input.is_empty() && vector["expect"]["connection"] == "close";
    if waits_to_close {
        session.handle_timeout(now + Duration::from_secs(11));
    }
    Outcome {
        sent: sent(session.transmit()),
        closed: session.is_closed(),
        answered,
    }
}

/// What a message centre says of an id it never issued.
fn not_issued(command: CommandId) -> CommandStatus {
    match command {
        CommandId::QUERY_SM => CommandStatus::ESME_RQUERYFAIL,
        CommandId::CANCEL_SM => CommandStatus::ESME_RCANCELFAIL,
        _ => CommandStatus::ESME_RREPLACEFAIL,
    }
}

fn session(vector: &Value, header: Option<Header>, now: Instant) -> Session<()> {
    let mode = match vector["state"].as_str().unwrap() {
        "OPEN" => None,
        "BOUND_TX" => Some(BindMode::Transmitter),
        "BOUND_RX" => Some(BindMode::Receiver),
        "BOUND_TRX" => Some(BindMode::Transceiver),
        other => panic!("state {other}"),
    };
    let version_5 = vector["description"].as_str().unwrap().contains("5.0 session");
    let interface_version = if version_5 {
        InterfaceVersion::V5_0
    } else {
        InterfaceVersion::V3_4
    };
    let bind = mode.map(|mode| {
        let bind = Bind {
            interface_version,
            ..Bind::default()
        };
        (mode, bind)
    });
    let awaited = header.filter(|_| vector["expect"]["action"] == "accept");
    let server = vector["receiver"] == "server";
    let mut session = if server {
        message_centre(bind, awaited, now)
    } else {
        esme(bind, awaited, now)
    };
    if let Some(header) = awaited {
        assert_eq!(request(&mut session, header.command_id, now), header.sequence_number);
    }
    while session.poll_event().is_some() {}
    session.transmit().clear();
    session
}

fn message_centre(bind: Option<(BindMode, Bind)>, awaited: Option<Header>, now: Instant) -> Session<()> {
    let defaults = McConfig::default();
    let first_sequence = awaited.map_or(SequenceNumber(1_000), |header| header.sequence_number);
    let settings = Settings {
        first_sequence,
        ..defaults.settings
    };
    let mut session = Session::message_centre(McConfig { settings, ..defaults }, now);
    if let Some((mode, bind)) = bind {
        let mut peer = Session::<()>::esme(EsmeConfig::default(), now);
        peer.bind(mode, bind, now).unwrap();
        session.handle_bytes(peer.transmit(), now);
        assert!(session.accept_bind());
    }
    session
}

fn esme(bind: Option<(BindMode, Bind)>, awaited: Option<Header>, now: Instant) -> Session<()> {
    let first = awaited.map_or(1_000, |header| header.sequence_number.0 - 1);
    let settings = Settings {
        first_sequence: SequenceNumber(first),
        ..Settings::default()
    };
    let mut session = Session::esme(
        EsmeConfig {
            settings,
            ..EsmeConfig::default()
        },
        now,
    );
    if let Some((mode, bind)) = bind {
        session.bind(mode, bind, now).unwrap();
        let mut peer = Session::<()>::message_centre(McConfig::default(), now);
        peer.handle_bytes(session.transmit(), now);
        assert!(peer.accept_bind());
        session.handle_bytes(peer.transmit(), now);
        assert!(session.is_bound());
    }
    session
}

/// Sends the request that the vector's response answers.
fn request(session: &mut Session<()>, response: CommandId, now: Instant) -> SequenceNumber {
    fn send<R: Request>(session: &mut Session<()>, request: &R, now: Instant) -> SequenceNumber {
        session.submit(request, (), now).unwrap()
    }
    match response {
        CommandId::SUBMIT_SM_RESP => send(session, &SubmitSm::default(), now),
        CommandId::DELIVER_SM_RESP => send(session, &DeliverSm::default(), now),
        CommandId::DATA_SM_RESP => send(session, &DataSm::default(), now),
        CommandId::QUERY_SM_RESP => send(session, &QuerySm::default(), now),
        other => panic!("no request for {other}"),
    }
}

fn sent(out: &mut BytesMut) -> Vec<Header> {
    let mut sent = Vec::new();
    while let Some(frame) = araldo_smpp::framing::next_frame(out, araldo_smpp::MAX_PDU).unwrap() {
        sent.push(Header::parse(&frame).unwrap());
    }
    sent
}

fn answers(vector: &Value) -> impl Iterator<Item = &Value> {
    std::iter::once(&vector["expect"]).chain(vector["also_acceptable"].as_array().into_iter().flatten())
}

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors/smpp_malformed.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}
