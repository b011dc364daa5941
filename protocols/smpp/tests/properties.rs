//! Octets at random and PDUs at random: nothing panics, nothing is lost between writing and reading.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests; one may begin its time now"
)]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use araldo_smpp::pdu::{Bind, DeliverSm, SubmitSm};
use araldo_smpp::session::{EsmeConfig, McConfig};
use araldo_smpp::{BindMode, COctet, Mode, Packet, Pdu, Session, Tlvs};
use bytes::{BufMut, Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{Dice, REQUESTS};

proptest! {
    #[test]
    fn a_frame_of_any_octets_is_read_or_refused_and_never_panics(frame in frame(vec(any::<u8>(), 0..300))) {
        for mode in [Mode::Strict, Mode::Tolerant] {
            if let Ok(decoded) = Packet::decode(frame.clone(), mode) {
                let _ = (decoded.packet.pdu.fields(), decoded.packet.pdu.tlvs().iter().count());
            }
        }
    }

    #[test]
    fn a_frame_of_likely_octets_is_read_or_refused_and_never_panics(
        frame in frame(vec(prop_oneof![Just(0_u8), Just(1), Just(4), Just(0x24), b'0'..=b'9'], 0..120)),
    ) {
        let strict = Packet::decode(frame.clone(), Mode::Strict);
        let tolerant = Packet::decode(frame, Mode::Tolerant);
        prop_assert!(strict.is_err() || tolerant.is_ok(), "tolerant reads what strict reads");
    }

    #[test]
    fn what_strict_mode_accepts_is_written_back_octet_for_octet(
        likely in frame(vec(prop_oneof![4 => Just(0_u8), 1 => Just(1), 1 => Just(4), 1 => b'0'..=b'9'], 0..80)),
        any in frame(vec(any::<u8>(), 0..60)),
    ) {
        for frame in [likely, any] {
            if let Ok(decoded) = Packet::decode(frame.clone(), Mode::Strict) {
                prop_assert!(decoded.forgiven.is_empty());
                prop_assert_eq!(encoded(&decoded.packet), frame);
            }
        }
    }

    #[test]
    fn a_text_and_whatever_is_long_share_the_frame(octets in vec(any::<u8>(), 3000)) {
        let frame = encoded(&Dice(&octets).packet());
        let inside = frame.as_ptr_range();
        let pdu = Packet::decode(frame, Mode::Strict).unwrap().packet.pdu;
        if let Some(id) = pdu.message_id().filter(|id| id.len() > COctet::SHORT) {
            prop_assert!(inside.contains(&id.as_bytes().as_ptr()));
        }
        let (text, tlvs) = match &pdu {
            Pdu::SubmitSm(body) => (&body.short_message[..], &body.tlvs),
            Pdu::DeliverSm(body) => (&body.short_message[..], &body.tlvs),
            other => (&[][..], other.tlvs()),
        };
        prop_assert!(text.is_empty() || inside.contains(&text.as_ptr()));
        prop_assert!(tlvs.as_bytes().len() <= Tlvs::SHORT || inside.contains(&tlvs.as_bytes().as_ptr()));
    }

    #[test]
    fn any_pdu_written_is_read_back(octets in vec(any::<u8>(), 0..6000)) {
        let packet = Dice(&octets).packet();
        let frame = encoded(&packet);
        for mode in [Mode::Strict, Mode::Tolerant] {
            let decoded = Packet::decode(frame.clone(), mode).unwrap();
            prop_assert_eq!(&decoded.packet, &packet);
            prop_assert!(decoded.forgiven.is_empty());
        }
    }

    #[test]
    fn any_pdu_cut_short_or_changed_is_read_or_refused(octets in vec(any::<u8>(), 0..3000), at in any::<usize>(), to in any::<u8>()) {
        let mut frame = BytesMut::from(encoded(&Dice(&octets).packet()));
        let at = 16 + at % frame.len().saturating_sub(16).max(1);
        match to {
            0..128 => frame.truncate(at),
            _ => if let Some(octet) = frame.get_mut(at) { *octet = to },
        }
        let length = frame.len() as u32;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        let frame = frame.freeze();
        let (strict, tolerant) = (Packet::decode(frame.clone(), Mode::Strict), Packet::decode(frame.clone(), Mode::Tolerant));
        if let Ok(strict) = strict {
            prop_assert_eq!(encoded(&strict.packet), frame);
            prop_assert_eq!(tolerant, Ok(strict), "tolerant reads what strict reads, and as strict reads it");
        }
    }

    #[test]
    fn a_session_fed_pdus_in_any_order_keeps_its_bounds(octets in vec(any::<u8>(), 0..6000), esme in any::<bool>()) {
        let now = Instant::now();
        let mut session = bound(esme, now);
        let (mut dice, mut input, mut fed) = (Dice(&octets), BytesMut::new(), 0);
        while !dice.0.is_empty() {
            let _ = session.submit(&SubmitSm::default(), (), now);
            let _ = session.submit(&DeliverSm::default(), (), now);
            input.extend_from_slice(&encoded(&dice.packet()));
            fed += 1;
            session.transmit().clear();
            session.handle_bytes(&mut input, now);
            prop_assert!(session.outstanding() <= 10, "the window");
            prop_assert!(session.overdue() <= session.outstanding());
            prop_assert!(session.transmit().len() <= 17, "one PDU has one short answer");
            let mut events = 0;
            while session.poll_event().is_some() { events += 1; }
            prop_assert!(events <= 3, "{events} events");
            prop_assert!(input.is_empty(), "whole PDUs are used up");
        }
        session.handle_timeout(now + Duration::from_secs(60));
        prop_assert!(fed == 0 || session.poll_timeout().is_none_or(|at| at >= now));
    }

    #[test]
    fn a_session_survives_any_octets_in_any_portions(stream in vec(portion(), 0..8), is_bound in any::<bool>()) {
        let now = Instant::now();
        let fresh: [Session<()>; 2] =
            [Session::esme(EsmeConfig::default(), now), Session::message_centre(McConfig::default(), now)];
        let sessions = if is_bound { [true, false].map(|esme| bound(esme, now)) } else { fresh };
        for mut session in sessions {
            let mut input = BytesMut::new();
            for portion in &stream {
                input.extend_from_slice(portion);
                session.handle_bytes(&mut input, now);
                while session.poll_event().is_some() {}
            }
            prop_assert!(session.transmit().len() <= 64 * stream.len() * 8, "answers are short");
        }
    }
}

#[test]
fn every_command_is_thrown() {
    let thrown: BTreeSet<_> = (0..=u16::MAX)
        .map(|octets| Dice(&octets.to_be_bytes()).packet().command_id())
        .collect();
    assert_eq!(thrown.len(), 33);
}

fn encoded(packet: &Packet) -> Bytes {
    let mut out = BytesMut::new();
    packet.encode(&mut out).unwrap();
    out.freeze()
}

/// A session bound as transceiver to another.
fn bound(is_esme: bool, now: Instant) -> Session<()> {
    let mut esme = Session::esme(EsmeConfig::default(), now);
    let mut centre = Session::message_centre(McConfig::default(), now);
    esme.bind(BindMode::Transceiver, Bind::default(), now).unwrap();
    centre.handle_bytes(esme.transmit(), now);
    assert!(centre.accept_bind());
    esme.handle_bytes(centre.transmit(), now);
    while esme.poll_event().is_some() {}
    while centre.poll_event().is_some() {}
    if is_esme { esme } else { centre }
}

/// Octets behind a header whose length is right and whose command exists.
fn frame(body: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Bytes> {
    (proptest::sample::select(&REQUESTS[..]), any::<bool>(), 0_u32..2, body).prop_map(
        |(command, response, status, body)| {
            let mut frame = BytesMut::new();
            frame.put_u32(16 + body.len() as u32);
            frame.put_u32(command | u32::from(response) << 31);
            frame.put_u32(status);
            frame.put_u32(1);
            frame.put_slice(&body);
            frame.freeze()
        },
    )
}

fn portion() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        frame(vec(any::<u8>(), 0..60)),
        vec(any::<u8>(), 0..40).prop_map(Bytes::from)
    ]
}
