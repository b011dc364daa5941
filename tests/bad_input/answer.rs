//! Answers to submit_sm as they should not be.

use serde_json::json;

use crate::carrier::*;
use crate::daemon::{Daemon, Home};

fn start(more: &str) -> (Hostile, Daemon, Peer) {
    let hostile = Hostile::new();
    let daemon = Home::new(&(hostile.table("evil", more) + &route("evil"))).start();
    let peer = hostile.bound();
    (hostile, daemon, peer)
}

#[test]
fn a_second_answer_is_passed_over() {
    let (_hostile, mut daemon, mut peer) = start("");
    let id = daemon.send_text("once");
    let sequence = peer.hear_submit();
    peer.say(&submit_sm_resp(sequence, "first"));
    peer.say(&submit_sm_resp(sequence, "second"));
    peer.say(&pdu(SUBMIT_SM_RESP, 0x45, sequence, b""));
    peer.lives("after three answers");
    let message = daemon.until(&id, "submitted");
    assert_eq!(message["carrier_message_id"], "first");
    peer.say(&receipt(0x11, "first", "DELIVRD"));
    peer.expect(&pdu(DELIVER_SM_RESP, 0, 0x11, b"\0"), "receipt");
    daemon.until(&id, "delivered");
    assert!(daemon.log().contains("unknown_response"));
    daemon.is_well();
}

#[test]
fn a_late_answer_settles_the_doubt() {
    let (_hostile, mut daemon, mut peer) = start("response_timeout = \"1s\"\ndoubt_hold = \"20s\"\nwindow = 10");
    let id = daemon.send_text("late");
    let sequence = peer.hear_submit();
    daemon.until(&id, "uncertain");
    peer.say(&submit_sm_resp(sequence, "late-1"));
    let message = daemon.until(&id, "submitted");
    assert_eq!(
        (&message["carrier_message_id"], &message["copies"]),
        (&json!("late-1"), &json!(0))
    );
    peer.lives("after a late answer");
    daemon.is_well();
}

#[test]
fn an_answer_without_id_is_an_acceptance_and_is_noted() {
    let (_hostile, mut daemon, mut peer) = start("response_timeout = \"2s\"\ndoubt_hold = \"20s\"");
    for body in [&b"\0"[..], b""] {
        let id = daemon.send_text("no id");
        let sequence = peer.hear_submit();
        peer.say(&pdu(SUBMIT_SM_RESP, 0, sequence, body));
        let message = daemon.until(&id, "submitted");
        assert_eq!(message["notes"], json!(["no_carrier_id"]), "{message:#}");
        peer.lives("after an answer without id");
    }
    // A doubt is settled by the reference that we sent; an acceptance without id is not matched by it yet.
    let id = daemon.send_text("by reference");
    let heard = peer.hear_past_probes();
    daemon.until(&id, "uncertain");
    let at = heard
        .octets
        .windows(4)
        .position(|tlv| tlv == [0x02, 0x04, 0, 2])
        .expect("user_message_reference");
    let mut receipt = receipt(0x21, "whatever", "DELIVRD");
    receipt.extend_from_slice(&heard.octets[at..at + 6]);
    let length = u32::try_from(receipt.len()).unwrap();
    receipt[..4].copy_from_slice(&length.to_be_bytes());
    peer.say(&receipt);
    peer.expect(&pdu(DELIVER_SM_RESP, 0, 0x21, b"\0"), "receipt by reference");
    daemon.until(&id, "delivered");
    daemon.is_well();
}

#[test]
fn octets_after_an_error_do_not_hide_it() {
    let (_hostile, mut daemon, mut peer) = start("");
    for body in [&b"\0"[..], b"", b"why not\0\x04\x25\0\x03abc", b"\xff\xff\xff"] {
        let id = daemon.send_text("to nobody");
        let sequence = peer.hear_submit();
        peer.say(&pdu(SUBMIT_SM_RESP, 0x0b, sequence, body));
        let message = daemon.until(&id, "failed");
        assert_eq!(
            (&message["reason"], &message["code"]),
            (&json!("invalid_destination"), &json!(0x0b))
        );
        peer.lives("after an error with a body");
    }
    daemon.is_well();
}

#[test]
fn a_vendors_status_is_retried_and_a_table_can_say_otherwise() {
    let table = "retry_min = \"100ms\"\nretry_max = \"1s\"\nmax_tries = 3\nstatus = { 0x00000413 = \"final\" }";
    let (_hostile, mut daemon, mut peer) = start(table);
    let id = daemon.send_text("vendor");
    for status in [0x0400, 0x04ff] {
        let sequence = peer.hear_submit();
        peer.say(&pdu(SUBMIT_SM_RESP, status, sequence, b""));
    }
    peer.accept_submit("third-time");
    let message = daemon.until(&id, "submitted");
    assert_eq!(message["attempts"], 3);
    let id = daemon.send_text("vendor, three times");
    for _ in 0..3 {
        let sequence = peer.hear_submit();
        peer.say(&pdu(SUBMIT_SM_RESP, 0x0401, sequence, b""));
    }
    assert_eq!(daemon.until(&id, "failed")["code"], 0x0401);
    let id = daemon.send_text("vendor, final");
    let sequence = peer.hear_submit();
    peer.say(&pdu(SUBMIT_SM_RESP, 0x0413, sequence, b""));
    let message = daemon.until(&id, "failed");
    assert_eq!((&message["attempts"], &message["code"]), (&json!(1), &json!(0x0413)));
    let metrics = crate::daemon::request(daemon.admin, "GET", "/metrics", "", None).1;
    assert!(
        metrics.contains("0x00000413") || metrics.to_lowercase().contains("0x413"),
        "a status is shown in hex"
    );
    peer.lives("after a vendor's status");
    daemon.is_well();
}

#[test]
fn a_generic_nack_for_a_submit_is_a_refusal() {
    let (_hostile, mut daemon, mut peer) = start("max_tries = 1");
    let id = daemon.send_text("nack");
    let sequence = peer.hear_submit();
    peer.say(&pdu(0x8000_0000, 3, sequence, b""));
    daemon.until(&id, "failed");
    peer.lives("after a generic_nack");
    daemon.is_well();
}

#[test]
fn a_receipt_in_another_base_meets_its_message_and_an_unknown_stat_changes_nothing() {
    let (_hostile, mut daemon, mut peer) = start("");
    for (number, (answered, reported)) in [
        ("1f4a", "8010"),
        ("FF", "255"),
        ("3735928559", "deadbeef"),
        ("ABC1", "abc1"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = daemon.send_text("base");
        peer.accept_submit(answered);
        daemon.until(&id, "submitted");
        let sequence = 0x100 + u32::try_from(number).unwrap() * 4;
        // Neither of these ends anything.
        for (sequence, stat) in [(sequence, "FLYING"), (sequence + 1, "ENROUTE")] {
            peer.say(&receipt(sequence, answered, stat));
            peer.expect(&pdu(DELIVER_SM_RESP, 0, sequence, b"\0"), stat);
            assert_eq!(daemon.message(&id)["state"], "submitted", "{stat}");
        }
        peer.say(&receipt(sequence + 2, reported, "DELIVRD"));
        peer.expect(&pdu(DELIVER_SM_RESP, 0, sequence + 2, b"\0"), "receipt");
        daemon.until(&id, "delivered");
    }
    daemon.is_well();
}
