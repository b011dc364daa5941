//! Octets at random and PDUs at random: nothing panics, nothing is lost between writing and reading.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests; one may begin its time now"
)]

use std::time::Instant;

use araldo_smpp::pdu::{Bind, DeliverSm, Destination, Destinations, SubmitMulti, SubmitSm, SubmitSmResp};
use araldo_smpp::session::{EsmeConfig, McConfig};
use araldo_smpp::{
    Address, BindMode, COctet, CommandStatus, Mode, Packet, Pdu, SequenceNumber, Session, TlvTag, Tlvs, TlvsMut,
};
use bytes::{BufMut, Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

const COMMANDS: [u32; 18] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0B, 0x15, 0x21, 0x102, 0x103, 0x111, 0x112, 0x113,
];

proptest! {
    #[test]
    fn a_frame_of_any_octets_is_read_or_refused_and_never_panics(frame in frame(vec(any::<u8>(), 0..300))) {
        for mode in [Mode::Strict, Mode::Tolerant] {
            if let Ok(decoded) = Packet::decode(&frame, mode) {
                let _ = (decoded.packet.pdu.fields(), decoded.packet.pdu.tlvs().iter().count());
            }
        }
    }

    #[test]
    fn a_frame_of_likely_octets_is_read_or_refused_and_never_panics(
        frame in frame(vec(prop_oneof![Just(0_u8), Just(1), Just(4), Just(0x24), b'0'..=b'9'], 0..120)),
    ) {
        let strict = Packet::decode(&frame, Mode::Strict);
        let tolerant = Packet::decode(&frame, Mode::Tolerant);
        prop_assert!(strict.is_err() || tolerant.is_ok(), "tolerant reads what strict reads");
    }

    #[test]
    fn what_is_read_shares_the_frame_and_copies_nothing(frame in frame(vec(any::<u8>(), 40..300))) {
        let Ok(decoded) = Packet::decode(&frame, Mode::Tolerant) else { return Ok(()) };
        let parts: Vec<Bytes> = match decoded.packet.pdu {
            Pdu::SubmitSm(SubmitSm { destination, short_message, tlvs, .. })
            | Pdu::DeliverSm(DeliverSm { destination, short_message, tlvs, .. }) => {
                let payload = tlvs.message_payload().unwrap_or_default();
                vec![destination.addr.to_bytes(), short_message, payload]
            }
            Pdu::SubmitMulti(SubmitMulti { dest_address, .. }) => {
                prop_assert!(dest_address.0.capacity() <= frame.len(), "a list is bounded by what came");
                vec![]
            }
            _ => vec![],
        };
        let inside = frame.as_ptr_range();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            prop_assert!(inside.contains(&part.as_ptr()));
        }
    }

    #[test]
    fn a_submit_sm_written_is_read_back(submit_sm in submit_sm(), sequence in 1_u32..0x8000_0000) {
        read_back(&Packet::new(SequenceNumber(sequence), submit_sm))?;
    }

    #[test]
    fn a_submit_multi_written_is_read_back(names in vec(c_octet(20), 0..255), source in address()) {
        let list = names.into_iter().map(Destination::DistributionList).collect();
        let body = SubmitMulti { source, dest_address: Destinations(list), ..SubmitMulti::default() };
        read_back(&Packet::new(SequenceNumber(1), body))?;
    }

    #[test]
    fn a_response_written_is_read_back(message_id in c_octet(64), status in any::<u32>()) {
        let pdu = Pdu::SubmitSmResp(SubmitSmResp { message_id, tlvs: Tlvs::EMPTY });
        read_back(&Packet { command_status: CommandStatus(status), sequence_number: SequenceNumber(1), pdu })?;
    }

    #[test]
    fn a_session_survives_any_octets_in_any_portions(stream in vec(portion(), 0..8), bound in any::<bool>()) {
        let now = Instant::now();
        let mut esme = Session::<()>::esme(EsmeConfig::default(), now);
        let mut mc = Session::<()>::message_centre(McConfig::default(), now);
        if bound {
            esme.bind(BindMode::Transceiver, Bind::default(), now).unwrap();
            mc.handle_bytes(esme.transmit(), now);
            mc.accept_bind();
            esme.handle_bytes(mc.transmit(), now);
        }
        for session in [&mut esme, &mut mc] {
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

fn read_back(packet: &Packet) -> Result<(), TestCaseError> {
    let mut out = BytesMut::new();
    packet.encode(&mut out).unwrap();
    let decoded = Packet::decode(&out.freeze(), Mode::Strict).unwrap();
    prop_assert_eq!(&decoded.packet, packet);
    prop_assert!(decoded.forgiven.is_empty());
    Ok(())
}

/// Octets behind a header whose length is right and whose command exists.
fn frame(body: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Bytes> {
    (proptest::sample::select(&COMMANDS[..]), any::<bool>(), 0_u32..2, body).prop_map(
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

fn c_octet(max: usize) -> impl Strategy<Value = COctet> {
    vec(1_u8.., 0..=max).prop_map(|octets| COctet::from(Bytes::from(octets)))
}

fn address() -> impl Strategy<Value = Address> {
    (any::<u8>(), any::<u8>(), c_octet(20)).prop_map(|(ton, npi, addr)| Address::new(ton.into(), npi.into(), addr))
}

fn submit_sm() -> impl Strategy<Value = SubmitSm> {
    let octets = any::<[u8; 6]>();
    (
        c_octet(5),
        address(),
        address(),
        octets,
        c_octet(16),
        c_octet(16),
        vec(any::<u8>(), 0..=255),
        tlvs(),
    )
        .prop_map(
            |(service_type, source, destination, octets, schedule_delivery_time, validity_period, text, tlvs)| {
                SubmitSm {
                    service_type,
                    source,
                    destination,
                    esm_class: octets[0].into(),
                    protocol_id: octets[1],
                    priority_flag: octets[2],
                    schedule_delivery_time,
                    validity_period,
                    registered_delivery: octets[3].into(),
                    replace_if_present_flag: octets[4],
                    data_coding: octets[5].into(),
                    sm_default_msg_id: 0,
                    short_message: text.into(),
                    tlvs,
                }
            },
        )
}

fn tlvs() -> impl Strategy<Value = Tlvs> {
    vec((any::<u16>(), vec(any::<u8>(), 0..20)), 0..5).prop_map(|list| {
        let mut tlvs = TlvsMut::new();
        for (reference, payload) in list {
            tlvs.push_u16(TlvTag::USER_MESSAGE_REFERENCE, reference);
            tlvs.push_octets(TlvTag::MESSAGE_PAYLOAD, &payload).unwrap();
        }
        tlvs.freeze()
    })
}
