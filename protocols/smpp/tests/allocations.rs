//! What decoding costs: nothing on the heap for the messages and their responses, and never what a length claims.

use allocation_counter::{AllocationInfo, measure};
use araldo_smpp::framing::next_frame;
use araldo_smpp::{MAX_PDU, Mode, Packet};
use bytes::{Bytes, BytesMut};
use serde_json::Value;

#[test]
fn messages_and_their_responses_are_decoded_without_an_allocation() {
    let file: Value = serde_json::from_str(include_str!("vectors/smpp_pdus.json")).expect("JSON");
    let mut seen = 0;
    for vector in file["vectors"].as_array().expect("vectors") {
        let command = vector["command"].as_str().expect("a command");
        if ![
            "submit_sm",
            "submit_sm_resp",
            "deliver_sm",
            "deliver_sm_resp",
            "data_sm",
            "data_sm_resp",
        ]
        .contains(&command)
        {
            continue;
        }
        seen += 1;
        let frame = frame(&hex::decode(vector["hex"].as_str().expect("hex")).expect("hex"));
        let mut read = None;
        for mode in [Mode::Strict, Mode::Tolerant] {
            let frame = frame.clone();
            let cost = measure(|| read = Some(Packet::decode(frame, mode)));
            assert_eq!(cost.count_total, 0, "{} {mode:?}", vector["id"]);
            assert!(matches!(read, Some(Ok(_))), "{}", vector["id"]);
        }
    }
    assert!(seen > 200, "{seen} vectors");
}

#[test]
fn a_list_reserves_by_the_octets_that_came_and_not_by_the_count_claimed() {
    // submit_multi that claims 255 destinations, and submit_multi_resp that claims 255 refused, each with none.
    for octets in [
        &b"\0\0\0\x14\0\0\0\x21\0\0\0\0\0\0\0\x01\0\0\0\0\xFF"[..],
        b"\0\0\0\x12\x80\0\0\x21\0\0\0\0\0\0\0\x01\0\xFF",
    ] {
        let mut octets = octets.to_vec();
        octets[3] = octets.len() as u8;
        let frame = frame(&octets);
        let cost = measure(|| assert!(Packet::decode(frame, Mode::Strict).is_err()));
        assert!(cost.bytes_max < 100, "{cost:?}");
    }
}

#[test]
fn a_frame_reserves_nothing_for_the_length_it_claims() {
    let mut input = BytesMut::from(&b"\0\x01\0\0\0\0\0\x04"[..]);
    let AllocationInfo { bytes_total, .. } = measure(|| assert_eq!(next_frame(&mut input, MAX_PDU), Ok(None)));
    assert_eq!(bytes_total, 0);
}

/// A frame cut from a stream, as the session cuts it; what follows keeps the memory shared.
fn frame(octets: &[u8]) -> Bytes {
    let mut stream = BytesMut::from(&[octets, b"next"].concat()[..]);
    next_frame(&mut stream, MAX_PDU)
        .expect("a length that can be")
        .expect("all of it")
}
