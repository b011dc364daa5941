//! A thousand malformed deliver_sm, drawn under a seed, each with an enquire_link behind it: every one gets its answer, and
//! the session lives through all of them.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::carrier::{DELIVER_SM, DELIVER_SM_RESP, ENQUIRE_LINK, ENQUIRE_LINK_RESP, Hostile, pdu, route};
use crate::daemon::Home;

const BODIES: u32 = 1_000;
const TEXT: &[u8] = b"SALDO per favore";
/// Octets of the body before the text: service_type to sm_length.
const MANDATORY: usize = 1 + 2 + 13 + 2 + 6 + 10;
const ROK: u32 = 0;
const RINVMSGLEN: u32 = 1;
const RINVCMDLEN: u32 = 2;
const RINVPARLEN: u32 = 0xc2;

/// A way to be malformed, how its octets are made, and which answers are right (vectors/smpp_malformed.json).
struct Way {
    name: &'static str,
    make: fn(&mut StdRng) -> Vec<u8>,
    right: &'static [u32],
}

const WAYS: [Way; 8] = [
    Way {
        name: "cut amid the mandatory fields",
        make: |draw| good()[..draw.random_range(0..MANDATORY)].to_vec(),
        right: &[RINVCMDLEN],
    },
    Way {
        name: "cut amid the text",
        make: |draw| good()[..draw.random_range(MANDATORY..MANDATORY + TEXT.len())].to_vec(),
        right: &[RINVMSGLEN],
    },
    Way {
        name: "sm_length beyond the end",
        make: |draw| {
            let mut body = good();
            body[MANDATORY - 1] = draw.random_range(17..=255);
            body
        },
        right: &[RINVMSGLEN],
    },
    Way {
        name: "no NUL in the whole body",
        make: |draw| {
            (0..draw.random_range(1..300))
                .map(|_| draw.random_range(1..=255))
                .collect()
        },
        right: &[RINVCMDLEN],
    },
    Way {
        name: "an address longer than its field",
        make: |draw| {
            let long = vec![b'9'; draw.random_range(21..200)];
            let body = good();
            [&body[..3], &long, &body[15..]].concat()
        },
        right: &[ROK],
    },
    Way {
        name: "a TLV longer than what is left",
        make: |draw| {
            let length: u16 = draw.random_range(5..=u16::MAX);
            [&good(), &[0x14, 0x03][..], &length.to_be_bytes(), &[1, 2, 3, 4]].concat()
        },
        right: &[ROK],
    },
    Way {
        name: "octets behind the end",
        make: |draw| {
            let more: Vec<u8> = (0..draw.random_range(1..4)).map(|_| draw.random()).collect();
            [good(), more].concat()
        },
        right: &[ROK],
    },
    Way {
        name: "noise",
        make: |draw| (0..draw.random_range(0..400)).map(|_| draw.random()).collect(),
        right: &[ROK, RINVCMDLEN, RINVMSGLEN, RINVPARLEN],
    },
];

#[test]
fn a_thousand_malformed_bodies_are_answered_and_drop_no_session() {
    let seed: u64 = std::env::var("ARALDO_SEED").map_or(20_260_808, |text| text.parse().unwrap());
    println!("thousand: ARALDO_SEED={seed}");
    let mut draw = StdRng::seed_from_u64(seed);
    let hostile = Hostile::new();
    let mut daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let mut peer = hostile.bound();
    let mut wrong = Vec::new();
    let mut answers: BTreeMap<(&str, u32), u32> = BTreeMap::new();
    for number in 0..BODIES {
        let way = &WAYS[number as usize % WAYS.len()];
        let body = (way.make)(&mut draw);
        let sequence = 0x1000 + number * 2;
        peer.say(
            &[
                pdu(DELIVER_SM, 0, sequence, &body),
                pdu(ENQUIRE_LINK, 0, sequence + 1, b""),
            ]
            .concat(),
        );
        // The probe is answered at once, the delivery after its commit.
        let mut heard = [peer.hear_past_probes(), peer.hear_past_probes()];
        heard.sort_by_key(|heard| heard.sequence);
        let [answer, probe] = heard;
        assert_eq!(
            (probe.command, probe.status, probe.sequence),
            (ENQUIRE_LINK_RESP, 0, sequence + 1)
        );
        *answers.entry((way.name, answer.status)).or_default() += 1;
        let named = (answer.command, answer.sequence) == (DELIVER_SM_RESP, sequence);
        if !named || !way.right.contains(&answer.status) {
            wrong.push(format!("{}: {} got {:02x?}", way.name, hex::encode(&body), answer));
        }
    }
    println!(
        "thousand: {BODIES} bodies, session drops 0, {} wrong answers, {answers:?}",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        hostile.accept_within(std::time::Duration::ZERO).is_none(),
        "a second link was opened"
    );
    peer.lives("after all of them");
    daemon.is_well();
}

/// A deliver_sm that nothing is wrong with, octet by octet.
fn good() -> Vec<u8> {
    let mut body = b"\0\x01\x01393331234567\0\0\0".to_vec();
    body.extend_from_slice(b"12345\0");
    body.extend_from_slice(&[0; 9]);
    body.push(u8::try_from(TEXT.len()).unwrap());
    body.extend_from_slice(TEXT);
    body
}
