//! A long text of which the carrier brings the segments in no order, over several links, and some of them twice.

use serde_json::{Value, json};

use crate::carrier::*;
use crate::daemon::{Daemon, Home, wait_for};
use crate::database::query;

const UDHI: u8 = 0x40;
/// One command, which is answered at once.
const HOURS: &str = "[command.hours]\ntitle = { it = \"Orari\" }\nkeywords = { it = [\"orari\"] }\n\
                     replies = { ok = { it = \"Dalle 9 alle 13\" } }\n";
const TEXT: [&str; 4] = ["orari ", "per favore, ", "grazie ", "mille"];

/// Segment `number` of the text, from 1.
fn segment(sequence: u32, number: u8) -> Vec<u8> {
    let header = [5, 0, 3, 0x77, u8::try_from(TEXT.len()).unwrap(), number];
    let text = TEXT[usize::from(number) - 1].as_bytes();
    deliver_sm(sequence, UDHI, 0, &[&header, text].concat())
}

/// Two links, as two binds make them.
fn links(hostile: &Hostile) -> [Peer; 2] {
    [hostile.bound(), hostile.bound()]
}

/// Brings a segment, which is taken; the answer to the whole text may come before.
fn brings(peer: &mut Peer, sequence: u32, number: u8) {
    peer.say(&segment(sequence, number));
    let mut heard = peer.hear_past_probes();
    if heard.command == SUBMIT_SM {
        peer.say(&submit_sm_resp(heard.sequence, "answer"));
        heard = peer.hear_past_probes();
    }
    assert_eq!(
        hex::encode(&heard.octets),
        hex::encode(pdu(DELIVER_SM_RESP, 0, sequence, b"\0"))
    );
}

fn rows(daemon: &Daemon, path: &str) -> Vec<Value> {
    daemon.admin(path)["data"].as_array().unwrap().clone()
}

#[test]
fn the_segments_that_come_over_two_links_before_and_after_a_kill_and_a_restart_are_one_text() {
    let hostile = Hostile::new();
    let config = hostile.table("evil", "binds = 2") + &route("evil") + HOURS;
    let daemon = Home::new(&config).start();
    let [mut one, mut other] = links(&hostile);
    brings(&mut one, 11, 3);
    brings(&mut other, 12, 1);
    let home = daemon.kill();
    drop((one, other));
    hostile.forget();

    // What a kill may have cut off is brought again.
    let daemon = home.start();
    let [mut one, mut other] = links(&hostile);
    brings(&mut one, 21, 1);
    brings(&mut other, 22, 4);
    drop((one, other));
    let (code, home) = daemon.stop();
    assert_eq!(code, 0);
    hostile.forget();

    let mut daemon = home.start();
    let [mut one, mut other] = links(&hostile);
    assert_eq!(rows(&daemon, "/admin/v1/messages"), [Value::Null; 0], "it is not whole");
    brings(&mut other, 31, 2);
    wait_for("an answer", || {
        (!rows(&daemon, "/admin/v1/messages").is_empty()).then_some(())
    });
    let texts = rows(&daemon, "/admin/v1/inbound?reveal=true");
    let whole: Vec<&Value> = texts.iter().filter(|row| row["segment"].is_null()).collect();
    assert_eq!(whole.len(), 1, "{texts:#?}");
    assert_eq!(whole[0]["text"], json!(TEXT.concat()));
    // The last segment once more changes nothing.
    brings(&mut one, 32, 2);
    daemon.is_well();
    let home = daemon.kill();
    assert_eq!(query(&home, "SELECT text FROM message"), ["Dalle 9 alle 13"]);
}
