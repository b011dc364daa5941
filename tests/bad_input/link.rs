//! Links that die in their own ways.

use std::time::Duration;

use serde_json::json;

use crate::carrier::*;
use crate::daemon::Home;

#[test]
fn a_pdu_whose_rest_never_comes_ends_the_link_after_ten_seconds() {
    let hostile = Hostile::new();
    let mut daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let mut peer = hostile.bound();
    let begun = std::time::Instant::now();
    peer.say(
        &[
            &120_u32.to_be_bytes()[..],
            &DELIVER_SM.to_be_bytes(),
            &[0; 4],
            &[0, 0, 0, 9],
        ]
        .concat(),
    );
    peer.ends("the rest never came");
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_secs(9) && waited < Duration::from_secs(15),
        "{waited:?}"
    );
    daemon.until_log("pdu_read_timeout got=16 want=120");
    hostile.bound().lives("after the half PDU");
    daemon.is_well();
}

#[test]
fn a_carrier_that_answers_no_enquire_link_is_left_and_its_messages_are_in_doubt() {
    let hostile = Hostile::new();
    let more = "enquire_link_interval = \"1s\"\ndoubt_hold = \"1s\"";
    let mut daemon = Home::new(&(hostile.table("evil", more) + &route("evil"))).start();
    let mut peer = hostile.bound();
    let id = daemon.send(&json!({ "to": "+393331234567", "text": "in doubt", "class": "marketing" }));
    peer.hear_submit();
    let begun = std::time::Instant::now();
    let mut asked = 0;
    while let Some(heard) = peer.hear_or_end() {
        assert_eq!(heard.command, ENQUIRE_LINK);
        asked += 1;
    }
    let waited = begun.elapsed();
    assert_eq!(asked, 2);
    assert!(
        waited > Duration::from_millis(2_500) && waited < Duration::from_secs(6),
        "{waited:?}"
    );
    daemon.until_log("enquire_link was not answered");
    let mut peer = hostile.bound();
    let message = daemon.until(&id, "failed");
    assert_eq!(
        (&message["reason"], &message["copies"]),
        (&json!("outcome_unknown"), &json!(0))
    );
    peer.lives("the next link");
    daemon.is_well();
}

#[test]
fn an_unbind_in_mid_window_is_answered_and_the_rest_is_in_doubt() {
    let hostile = Hostile::new();
    let mut daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let mut peer = hostile.bound();
    let class = |class: &str| daemon.send(&json!({ "to": "+393331234567", "text": "in flight", "class": class }));
    let (answered, resent, given_up) = (class("service"), class("transaction"), class("marketing"));
    // In whatever order they come.
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(peer.hear_submit());
    }
    peer.say(&submit_sm_resp(open[0], "taken"));
    daemon.until(&answered, "submitted");
    peer.say(&pdu(UNBIND, 0, 0x71, b""));
    peer.expect(&pdu(UNBIND_RESP, 0, 0x71, b""), "unbind");
    peer.ends("after the unbind_resp");
    let mut peer = hostile.bound();
    let message = daemon.until(&given_up, "failed");
    assert_eq!(message["reason"], "outcome_unknown");
    // The class of the other one allows a copy.
    peer.accept_submit("copy");
    let message = daemon.until(&resent, "submitted");
    assert_eq!(message["copies"], 1, "{message:#}");
    assert!(
        message["notes"]
            .as_array()
            .unwrap()
            .contains(&json!("possible_duplicate")),
        "{message:#}"
    );
    peer.lives("the next link");
    daemon.is_well();
}

#[test]
fn a_reset_in_mid_pdu_is_a_lost_link() {
    let hostile = Hostile::new();
    let mut daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let mut peer = hostile.bound();
    let deliver = deliver_sm(0x81, 0, 0, b"half");
    peer.say(&deliver[..20]);
    drop(peer);
    let mut peer = hostile.bound();
    peer.lives("after half a PDU");
    assert_eq!(daemon.admin("/admin/v1/inbound")["data"], json!([]));
    daemon.is_well();
}
