//! Carriers that refuse the bind, or answer it with something else.

use crate::carrier::*;
use crate::daemon::{Daemon, Home, wait_for};

fn state(daemon: &Daemon) -> (String, String, String) {
    let carrier = daemon.carrier("evil");
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (
        word(&carrier["state"]),
        word(&carrier["binds"][0]["state"]),
        word(&carrier["binds"][0]["last_error"]),
    )
}

#[test]
fn a_refused_name_or_password_stops_after_three_and_a_person_starts_it_again() {
    for (status, name, hint) in [
        (0x0e, "ESME_RINVPASWD", "check password"),
        (0x0f, "ESME_RINVSYSID", "check system_id"),
    ] {
        let hostile = Hostile::new();
        let mut daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
        for _ in 0..3 {
            let mut peer = hostile.accept();
            let bind = peer.hear_bind();
            peer.say(&pdu(BIND_TRANSCEIVER_RESP, status, bind.sequence, b""));
            peer.ends("a refused bind");
        }
        let (carrier, bind, error) = wait_for("the carrier to be refused", || {
            let state = state(&daemon);
            (state.0 == "refused").then_some(state)
        });
        assert_eq!((carrier.as_str(), bind.as_str()), ("refused", "refused"));
        assert!(error.contains(name) && error.contains(hint), "{error}");
        assert!(
            hostile.accept_within(std::time::Duration::from_secs(1)).is_none(),
            "it is not tried a fourth time"
        );
        daemon.until_log("bind_refused_for_good");
        let (_, table, _) = daemon.cli(&["carriers", "list"]);
        assert!(table.contains("refused") && table.contains(name), "{table}");
        assert_eq!(daemon.cli(&["carriers", "start", "evil"]).0, 0);
        let mut peer = hostile.bound();
        peer.lives("after a person started it");
        daemon.is_well();
    }
}

#[test]
fn a_bind_refused_for_now_is_tried_again_with_its_reason() {
    for (status, name, hint) in [
        (0x0d, "ESME_RBINDFAIL", "check system_type, bind_mode"),
        (0x05, "ESME_RALYBND", "another session is bound"),
        (0x08, "ESME_RSYSERR", ""),
        (0x0400, "0x00000400", ""),
    ] {
        let hostile = Hostile::new();
        let mut daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
        for _ in 0..4 {
            let mut peer = hostile.accept();
            let bind = peer.hear_bind();
            peer.say(&pdu(BIND_TRANSCEIVER_RESP, status, bind.sequence, b"evil\0"));
            peer.ends("a refused bind");
        }
        let (carrier, bind, error) = state(&daemon);
        assert_eq!(carrier, "down");
        assert!(["waiting", "connecting"].contains(&bind.as_str()), "{bind}");
        assert!(error.contains(name) && error.contains(hint), "{error}");
        let mut peer = hostile.bound();
        peer.lives("after it was let in");
        assert_eq!(
            wait_for("it to be up", || Some(state(&daemon)).filter(|state| state.0 == "up")).2,
            ""
        );
        daemon.is_well();
    }
}

#[test]
fn another_pdu_where_the_bind_resp_is_due_ends_the_link() {
    let hostile = Hostile::new();
    let mut daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    // A response of another command, the right command under another number, responses to nothing.
    for (command, number, what) in [
        (0x8000_0001, 0, "bind_receiver_resp"),
        (0x8000_0002, 0, "bind_transmitter_resp"),
        (SUBMIT_SM_RESP, 0, "submit_sm_resp"),
        (BIND_TRANSCEIVER_RESP, 7, "another number"),
    ] {
        let mut peer = hostile.accept();
        let bind = peer.hear_bind();
        peer.say(&pdu(command, 0, bind.sequence + number, b"evil\0"));
        peer.ends(what);
    }
    // Requests are told so before the end.
    for (request, answer) in [
        (deliver_sm(0x31, 0, 0, b"early"), pdu(DELIVER_SM_RESP, 4, 0x31, b"\0")),
        (pdu(UNBIND, 0, 0x32, b""), pdu(UNBIND_RESP, 4, 0x32, b"")),
    ] {
        let mut peer = hostile.accept();
        peer.hear_bind();
        peer.say(&request);
        peer.expect(&answer, "a request before the bind_resp");
        peer.ends("a request before the bind_resp");
    }
    let mut peer = hostile.accept();
    let bind = peer.hear_bind();
    peer.say(&pdu(0x8000_0000, 3, bind.sequence, b""));
    peer.ends("generic_nack");
    hostile.bound().lives("after all that");
    assert_eq!(daemon.admin("/admin/v1/inbound")["data"], serde_json::json!([]));
    daemon.is_well();
}

#[test]
fn an_outbind_is_refused() {
    let hostile = Hostile::new();
    let mut daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let mut peer = hostile.accept();
    peer.hear_bind();
    peer.say(&pdu(OUTBIND, 0, 1, b"evil\0secret\0"));
    peer.ends("outbind");
    daemon.until_log("outbind refused");
    // On a bound link it is a request out of place.
    let mut peer = hostile.bound();
    peer.say(&pdu(OUTBIND, 0, 0x61, b"evil\0secret\0"));
    peer.expect(&pdu(0x8000_0000, 4, 0x61, b""), "outbind on a bound link");
    peer.lives("after an outbind");
    assert!(!daemon.log().contains("secret"), "{}", daemon.log());
    daemon.is_well();
}
