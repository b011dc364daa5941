//! Beside the crate rusmpp: PDUs that both know are read alike and written alike.

#![expect(clippy::unwrap_used, reason = "a vector that is not as described fails its test")]

mod support;

use araldo_smpp::{Mode, Packet, Pdu};
use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::{Command, Pdu as Theirs};
use serde_json::Value;
use support::Dice;
use tokio_util::codec::{Decoder, Encoder};

/// Vectors that rusmpp 0.4.0 refuses or writes otherwise, and why it is not we who are wrong.
const DIFFERENCES: &[(&str, &[&str])] = &[
    (
        "it drops TLVs of responses that list none; 5.0 lets congestion_state stand on any (5.0 s4.8.4)",
        &["bind-032", "session-016"],
    ),
    (
        "it wants source_telematics_id in 2 octets; 3.4 s5.3.2.8 says 1",
        &["tlv-041"],
    ),
    (
        "it refuses addresses over 21 octets in data_sm; 3.4 s4.7.1 says 65",
        &["data_sm-002"],
    ),
    (
        "it reads broadcast_rep_num as 1 octet; 5.0 s4.8.4 says 2",
        &[
            "broadcast-002",
            "broadcast-004",
            "broadcast-005",
            "broadcast-006",
            "broadcast-007",
            "broadcast-008",
            "broadcast-009",
            "broadcast-010",
            "broadcast-013",
            "broadcast-015",
            "broadcast-016",
            "broadcast-018",
            "broadcast-019",
            "broadcast-021",
            "broadcast-022",
            "broadcast-023",
        ],
    ),
];

#[test]
fn vectors_that_both_know_are_written_alike() {
    let mut differ = Vec::new();
    for vector in vectors() {
        let frame = Bytes::from(hex::decode(vector["hex"].as_str().unwrap()).unwrap());
        if theirs(&frame).map(|command| written(&command)) != Some(ours(&frame)) {
            differ.push(vector["id"].as_str().unwrap().to_owned());
        }
    }
    let listed: Vec<_> = DIFFERENCES.iter().flat_map(|(_, ids)| ids.iter()).copied().collect();
    assert_eq!(differ, listed);
}

#[test]
fn messages_of_the_vectors_are_read_alike() {
    let mut compared = 0;
    for vector in vectors() {
        let frame = Bytes::from(hex::decode(vector["hex"].as_str().unwrap()).unwrap());
        compared += usize::from(read_alike(&frame));
    }
    assert!(compared > 150, "{compared} messages");
}

proptest! {
    #[test]
    fn messages_at_random_are_read_alike(octets in vec(any::<u8>(), 600), deliver in any::<bool>()) {
        // The first two octets choose the command: submit_sm or deliver_sm, the request.
        let octets = [&[if deliver { 5 } else { 4 }, 0], &octets[..]].concat();
        let mut out = BytesMut::new();
        Dice(&octets).packet().encode(&mut out).unwrap();
        read_alike(&out.freeze());
    }
}

/// Compares the fields of a submit_sm or deliver_sm. `false` where it is another PDU, or rusmpp refuses it.
fn read_alike(frame: &Bytes) -> bool {
    let Some(theirs) = theirs(frame) else { return false };
    let packet = Packet::decode(frame.clone(), Mode::Strict).unwrap().packet;
    assert_eq!(theirs.sequence_number, packet.sequence_number.0);
    macro_rules! alike {
        ($ours:expr, $theirs:expr) => {{
            let (ours, theirs) = ($ours, $theirs);
            assert_eq!(ours.source.addr.as_bytes(), theirs.source_addr.to_string().as_bytes());
            assert_eq!(
                ours.destination.addr.as_bytes(),
                theirs.destination_addr.to_string().as_bytes()
            );
            assert_eq!(ours.source.ton.0, u8::from(theirs.source_addr_ton));
            assert_eq!(ours.destination.npi.0, u8::from(theirs.dest_addr_npi));
            assert_eq!(ours.data_coding.0, u8::from(theirs.data_coding));
            assert_eq!(ours.short_message[..], *theirs.short_message().as_ref());
            assert_eq!(ours.tlvs.iter().count(), theirs.tlvs().len());
        }};
    }
    match (&packet.pdu, theirs.pdu()) {
        (Pdu::SubmitSm(ours), Some(Theirs::SubmitSm(theirs))) => alike!(ours, theirs),
        (Pdu::DeliverSm(ours), Some(Theirs::DeliverSm(theirs))) => alike!(ours, theirs),
        _ => return false,
    }
    true
}

fn theirs(frame: &Bytes) -> Option<Command> {
    CommandCodec::new()
        .without_max_length()
        .decode(&mut BytesMut::from(&frame[..]))
        .ok()
        .flatten()
}

fn written(command: &Command) -> Bytes {
    let mut out = BytesMut::new();
    CommandCodec::new().encode(command, &mut out).unwrap();
    out.freeze()
}

fn ours(frame: &Bytes) -> Bytes {
    let mut out = BytesMut::new();
    Packet::decode(frame.clone(), Mode::Strict)
        .unwrap()
        .packet
        .encode(&mut out)
        .unwrap();
    out.freeze()
}

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors/smpp_pdus.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}
