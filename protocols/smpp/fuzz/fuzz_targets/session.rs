//! A session in either role, bound or not, fed PDUs and other octets: it never panics and keeps its bounds.

#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use araldo_smpp::pdu::{Bind, DeliverSm, SubmitSm};
use araldo_smpp::session::{EsmeConfig, McConfig};
use araldo_smpp::{BindMode, Session};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use support::Dice;

fuzz_target!(|octets: &[u8]| {
    let Some((&first, octets)) = octets.split_first() else { return };
    let mut now = Instant::now();
    let mut session = session(first, now);
    let mut input = BytesMut::new();
    if first & 0x80 != 0 {
        input.extend_from_slice(octets);
        session.handle_bytes(&mut input, now);
    }
    let mut dice = Dice(octets);
    while !dice.0.is_empty() && !session.is_closed() {
        let _ = session.submit(&SubmitSm::default(), (), now);
        let _ = session.submit(&DeliverSm::default(), (), now);
        dice.packet().encode(&mut input).expect("made to be written");
        session.transmit().clear();
        session.handle_bytes(&mut input, now);
        assert!(session.outstanding() <= 10 && session.overdue() <= session.outstanding());
        while session.poll_event().is_some() {}
        now += Duration::from_secs(1);
        session.handle_timeout(now);
    }
});

fn session(first: u8, now: Instant) -> Session<()> {
    let mut esme = Session::esme(EsmeConfig::default(), now);
    let mut centre = Session::message_centre(McConfig::default(), now);
    let mode = match first & 0x03 {
        0 => None,
        1 => Some(BindMode::Transmitter),
        2 => Some(BindMode::Receiver),
        _ => Some(BindMode::Transceiver),
    };
    if let Some(mode) = mode {
        esme.bind(mode, Bind::default(), now).expect("open");
        centre.handle_bytes(esme.transmit(), now);
        centre.accept_bind();
        esme.handle_bytes(centre.transmit(), now);
    }
    if first & 0x04 == 0 { esme } else { centre }
}
