//! Carriers that are half there: they take the connection and say nothing, read nothing, or dribble.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::carrier::*;
use crate::daemon::{Home, PATIENCE};

#[test]
fn a_carrier_that_never_answers_the_bind_is_left_and_tried_again() {
    let hostile = Hostile::new();
    let tame = Tame::new();
    let carriers = hostile.table("evil", "bind_timeout = \"1s\"") + &tame.table("tame", "") + &route("tame");
    let mut daemon = Home::new(&carriers).start();
    for _ in 0..2 {
        let mut peer = hostile.accept();
        peer.hear_bind();
        let begun = Instant::now();
        peer.ends("no answer to the bind");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    let id = daemon.send_text("over the other one");
    daemon.until(&id, "submitted");
    let carrier = daemon.carrier("evil");
    assert_eq!(carrier["state"], "down");
    assert!(
        carrier["binds"][0]["last_error"]
            .as_str()
            .unwrap()
            .contains("no answer to the bind within 1s"),
        "{carrier}"
    );
    hostile.bound().lives("after it was let in");
    daemon.is_well();
}

#[test]
fn a_stop_does_not_wait_for_a_carrier_that_never_answers_the_bind() {
    let hostile = Hostile::new();
    let daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let mut peer = hostile.accept();
    peer.hear_bind();
    let begun = Instant::now();
    assert_eq!(daemon.stop().0, 0);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_carrier_that_dribbles_its_bind_resp_is_left_in_time() {
    let hostile = Hostile::new();
    let mut daemon = Home::new(&(hostile.table("evil", "bind_timeout = \"1s\"") + &route("evil"))).start();
    let mut peer = hostile.accept();
    let bind = peer.hear_bind();
    let answer = pdu(BIND_TRANSCEIVER_RESP, 0, bind.sequence, b"evil\0");
    let begun = Instant::now();
    for octet in &answer {
        if peer.try_say(&[*octet]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(begun.elapsed() < Duration::from_secs(6));
    let mut peer = hostile.bound();
    peer.lives("after the dribble");
    daemon.is_well();
}

#[test]
fn a_carrier_that_stops_reading_costs_bounded_memory_and_its_messages_are_in_doubt() {
    const MESSAGES: usize = 1_500;
    let hostile = Hostile::new();
    let tame = Tame::new();
    // A window that is larger than what the sockets hold, and answers that are never given.
    let more = "window = 5000\nresponse_timeout = \"4s\"\nenquire_link_interval = \"1s\"\ndoubt_hold = \"1s\"";
    let routes = "[route.evil]\nprefixes = [\"39\"]\nsteps = [{ carriers = [\"evil\"] }]\n\
                  [route.tame]\nprefixes = [\"49\"]\nsteps = [{ carriers = [\"tame\"] }]\n";
    let mut daemon = Home::new(&(hostile.table("evil", more) + &tame.table("tame", "") + routes)).start();
    let mut peer = hostile.bound();
    peer.lives("before it stops reading");
    let before = daemon.resident();
    // Ten segments each, so that it is megabytes: more than a socket holds.
    let text = "0123456789 ".repeat(139);
    let line = json!({ "to": "+393331234567", "text": text, "class": "marketing" }).to_string() + "\n";
    ndjson(daemon.api, &line.repeat(MESSAGES));
    let id = daemon.send(&json!({ "to": "+491511234567", "text": "over the other one" }));
    daemon.until(&id, "submitted");
    let mut peak = 0;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        peak = peak.max(daemon.resident());
        std::thread::sleep(Duration::from_millis(50));
    }
    let grown = peak.saturating_sub(before) >> 20;
    assert!(grown < 64, "{grown} MiB more than before");
    // It is left, and what may have been read over there is not sent again: that is marketing's rule.
    drop(peer);
    let failed = begun;
    loop {
        let queue = daemon.admin("/admin/v1/queue").to_string();
        if !queue.contains("uncertain") && !queue.contains("claimed") {
            break;
        }
        assert!(failed.elapsed() < PATIENCE, "{queue}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let failed = daemon.admin("/admin/v1/messages?state=failed&limit=1000");
    let failed = failed["data"].as_array().unwrap();
    assert!(!failed.is_empty(), "a submit without answer is a doubt");
    assert!(
        failed
            .iter()
            .all(|message| message["reason"] == "outcome_unknown" && message["copies"] == 0)
    );
    hostile.bound().lives("the next link");
    daemon.is_well();
}

#[test]
fn a_carrier_that_dribbles_its_answers_is_read_to_the_octet() {
    let hostile = Hostile::new();
    let mut daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let mut peer = hostile.bound();
    let ids: Vec<_> = (0..3).map(|n| daemon.send_text(&format!("dribble {n}"))).collect();
    let mut answers = Vec::new();
    for n in 0..3 {
        answers.extend(submit_sm_resp(peer.hear_submit(), &format!("d-{n}")));
    }
    for octet in answers {
        peer.say(&[octet]);
        std::thread::sleep(Duration::from_millis(3));
    }
    for id in ids {
        daemon.until(&id, "submitted");
    }
    daemon.is_well();
}

/// Sends lines and reads the answer to its end.
fn ndjson(api: std::net::SocketAddr, lines: &str) {
    let mut stream = std::net::TcpStream::connect(api).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    });
    write!(
        stream,
        "POST /v1/messages HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n{lines}",
        crate::daemon::KEY,
        lines.len()
    )
    .unwrap();
    let answer = reading.join().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200"),
        "{}",
        &answer[..answer.len().min(400)]
    );
}
