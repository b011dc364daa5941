//! Both roles face to face, with time turned by hand.

#![expect(clippy::disallowed_methods, reason = "a test may begin its time now")]

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::pdu::{DeliverSm, SubmitSm};
use crate::value::Address;
use crate::{MAX_PDU, Mode};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_bind_is_accepted_and_messages_flow_both_ways() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    let sequence = pair.esme.submit(&submit_sm(), "mt", pair.now).unwrap();
    pair.carry();
    let (command, number) = pair.request_at_mc();
    assert_eq!((command, number), (CommandId::SUBMIT_SM, sequence));
    pair.mc
        .respond(command, number, CommandStatus::ESME_ROK, &COctet::from_static("AB12"))
        .unwrap();
    let mo = pair.mc.submit(&DeliverSm::default(), "mo", pair.now).unwrap();
    pair.carry();
    let answered = pair.answered_at_esme();
    assert_eq!((answered.ticket, answered.late), ("mt", false));
    assert_eq!(answered.pdu.message_id().unwrap(), &"AB12");
    assert!(matches!(pair.esme.poll_event(), Some(Event::Request { packet, .. }) if packet.sequence_number == mo));
}

#[test]
fn a_refused_bind_closes_both_sides_with_the_status() {
    let mut pair = Pair::open();
    pair.esme.bind(BindMode::Transmitter, bind(), pair.now).unwrap();
    pair.carry();
    assert!(pair.mc.refuse_bind(CommandStatus::ESME_RINVPASWD));
    pair.carry();
    assert_eq!(
        pair.esme.state(),
        &State::Closed(CloseReason::BindRefused(CommandStatus::ESME_RINVPASWD))
    );
    assert_eq!(
        pair.mc.state(),
        &State::Closed(CloseReason::RefusedBind(CommandStatus::ESME_RINVPASWD))
    );
}

#[test]
fn a_bind_without_an_answer_runs_out() {
    let mut pair = Pair::open();
    pair.esme.bind(BindMode::Receiver, bind(), pair.now).unwrap();
    pair.pass(10 * SECOND);
    assert_eq!(pair.esme.state(), &State::Closed(CloseReason::BindTimeout));
}

#[test]
fn a_peer_that_never_binds_is_closed_after_ten_seconds() {
    let mut pair = Pair::open();
    assert_eq!(pair.mc.poll_timeout(), Some(pair.now + 10 * SECOND));
    pair.pass(10 * SECOND);
    assert_eq!(pair.mc.state(), &State::Closed(CloseReason::SessionInitTimeout));
}

#[test]
fn a_full_window_gives_the_ticket_back_and_an_answer_frees_a_slot() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    for ticket in ["a", "b", "c", "d"] {
        pair.esme.submit(&submit_sm(), ticket, pair.now).unwrap();
    }
    let written = pair.esme.transmit().len();
    let rejected = pair.esme.submit(&submit_sm(), "e", pair.now).unwrap_err();
    assert_eq!((rejected.ticket, rejected.error), ("e", SubmitError::WindowFull));
    assert_eq!(pair.esme.transmit().len(), written);
    pair.carry();
    pair.answer_one();
    assert_eq!(pair.esme.window_free(), 1);
}

#[test]
fn answers_in_any_order_find_their_tickets() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    for ticket in ["a", "b", "c"] {
        pair.esme.submit(&submit_sm(), ticket, pair.now).unwrap();
    }
    pair.carry();
    let mut requests: Vec<_> = (0..3).map(|_| pair.request_at_mc()).collect();
    requests.reverse();
    for (command, sequence) in requests {
        pair.mc
            .respond(command, sequence, CommandStatus::ESME_ROK, &COctet::from_static("1"))
            .unwrap();
    }
    pair.carry();
    let tickets: Vec<_> = (0..3).map(|_| pair.answered_at_esme().ticket).collect();
    assert_eq!(tickets, ["c", "b", "a"]);
}

#[test]
fn an_overdue_request_keeps_its_slot_and_its_late_answer_is_told() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    let sequence = pair.esme.submit(&submit_sm(), "slow", pair.now).unwrap();
    pair.carry();
    pair.pass(10 * SECOND);
    assert!(matches!(
        pair.esme.poll_event(),
        Some(Event::Overdue { sequence_number, waited, .. }) if sequence_number == sequence && waited == 10 * SECOND
    ));
    assert_eq!(
        (pair.esme.ticket(sequence), pair.esme.outstanding(), pair.esme.overdue()),
        (Some(&"slow"), 1, 1)
    );
    pair.answer_one();
    let answered = pair.answered_at_esme();
    assert!(answered.late);
    assert_eq!((pair.esme.outstanding(), pair.esme.overdue()), (0, 0));
}

#[test]
fn half_the_window_overdue_is_told_once() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    for ticket in ["a", "b"] {
        pair.esme.submit(&submit_sm(), ticket, pair.now).unwrap();
    }
    pair.pass(10 * SECOND);
    pair.pass(SECOND);
    let stalled = pair
        .esme
        .events
        .iter()
        .filter(|event| matches!(event, Event::Stalled { overdue: 2, window: 4 }));
    assert_eq!(stalled.count(), 1);
}

#[test]
fn an_answered_request_is_never_overdue() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    pair.esme.submit(&submit_sm(), "a", pair.now).unwrap();
    pair.carry();
    pair.answer_one();
    pair.answered_at_esme();
    pair.pass(10 * SECOND);
    assert!(pair.esme.poll_event().is_none());
}

#[test]
fn a_silent_peer_is_asked_twice_and_then_given_up() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    for _ in 0..2 {
        assert_eq!(pair.esme.poll_timeout(), Some(pair.now + 30 * SECOND));
        pair.pass(30 * SECOND);
        let octets = pair.esme.transmit().split().freeze();
        let packet = Packet::decode(octets, Mode::Strict).unwrap().packet;
        assert_eq!(packet.command_id(), CommandId::ENQUIRE_LINK);
    }
    pair.pass(30 * SECOND);
    assert_eq!(pair.esme.state(), &State::Closed(CloseReason::LinkDead));
}

#[test]
fn an_answered_enquire_link_keeps_the_session() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    for _ in 0..10 {
        pair.pass(30 * SECOND);
        pair.carry();
    }
    assert!(pair.esme.is_bound() && pair.mc.is_bound());
    assert!(
        pair.esme.poll_event().is_none(),
        "enquire_link is the session's own affair"
    );
}

#[test]
fn unbind_waits_for_the_answer_and_takes_those_still_due() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    pair.esme.submit(&submit_sm(), "last", pair.now).unwrap();
    pair.carry();
    pair.esme.unbind(pair.now);
    let rejected = pair.esme.submit(&submit_sm(), "too late", pair.now).unwrap_err();
    assert_eq!(rejected.error, SubmitError::NotBound);
    pair.answer_one();
    assert_eq!(pair.answered_at_esme().ticket, "last");
    pair.carry();
    assert_eq!(pair.esme.state(), &State::Closed(CloseReason::Unbound));
    assert_eq!(pair.mc.state(), &State::Closed(CloseReason::PeerUnbound));
    assert_eq!(pair.esme.drain_outstanding().count(), 0);
}

#[test]
fn an_unbind_without_an_answer_runs_out() {
    let mut pair = Pair::bound(BindMode::Transmitter);
    pair.esme.unbind(pair.now);
    pair.pass(10 * SECOND);
    assert_eq!(pair.esme.state(), &State::Closed(CloseReason::UnbindTimeout));
}

#[test]
fn a_lost_link_leaves_every_unanswered_request_in_doubt() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    for ticket in ["a", "b", "c"] {
        pair.esme.submit(&submit_sm(), ticket, pair.now).unwrap();
    }
    pair.esme.close(CloseReason::LinkLost);
    assert!(matches!(
        pair.esme.poll_event(),
        Some(Event::Closed(CloseReason::LinkLost))
    ));
    let tickets: Vec<_> = pair
        .esme
        .drain_outstanding()
        .map(|outstanding| outstanding.ticket)
        .collect();
    assert_eq!(tickets, ["a", "b", "c"]);
    assert_eq!((pair.esme.outstanding(), pair.esme.poll_timeout()), (0, None));
}

#[test]
fn sequence_numbers_begin_again_at_one_and_pass_over_those_outstanding() {
    let mut window: Window<&str> = Window::new(4, SequenceNumber(SequenceNumber::LAST.0 - 1));
    let now = Instant::now();
    let numbers = ["a", "b", "c"].map(|ticket| window.push(CommandId::SUBMIT_SM, ticket, now));
    assert_eq!(numbers.map(|number| number.0), [0x7FFF_FFFE, 0x7FFF_FFFF, 1]);
    window.skip_a_lap();
    assert_eq!(
        window.push(CommandId::SUBMIT_SM, "d", now),
        SequenceNumber(2),
        "0x7FFFFFFE to 1 are outstanding"
    );
    for (number, ticket) in [(1, "c"), (0x7FFF_FFFE, "a"), (2, "d"), (0x7FFF_FFFF, "b")] {
        assert_eq!(window.take(SequenceNumber(number), None).unwrap().0.ticket, ticket);
    }
}

#[test]
fn a_response_to_nothing_is_counted_and_passed_over() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    let sequence = pair.esme.submit(&submit_sm(), "a", pair.now).unwrap();
    let id = COctet::from_static("1");
    pair.mc
        .respond(CommandId::SUBMIT_SM, SequenceNumber(999), CommandStatus::ESME_ROK, &id)
        .unwrap();
    pair.mc
        .respond(CommandId::DATA_SM, sequence, CommandStatus::ESME_ROK, &id)
        .unwrap();
    pair.carry();
    assert_eq!((pair.esme.unknown_responses(), pair.esme.outstanding()), (2, 1));
}

#[test]
fn a_generic_nack_ends_its_request_as_failed_even_when_it_says_rok() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    let sequence = pair.esme.submit(&submit_sm(), "a", pair.now).unwrap();
    pair.mc
        .answer(CommandId::GENERIC_NACK, sequence, CommandStatus::ESME_ROK);
    pair.carry();
    assert_eq!(pair.answered_at_esme().command_status, CommandStatus::ESME_RUNKNOWNERR);
}

#[test]
fn a_header_whose_body_never_comes_closes_after_ten_seconds() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    let mut input = BytesMut::from(&b"\0\0\0\x78\0\0\0\x05\0\0\0\0\0\0\0\x07"[..]);
    pair.esme.handle_bytes(&mut input, pair.now);
    pair.pass(9 * SECOND);
    assert!(pair.esme.is_bound());
    pair.pass(SECOND);
    assert_eq!(
        pair.esme.state(),
        &State::Closed(CloseReason::PduReadTimeout { got: 16, want: 120 })
    );
}

#[test]
fn one_octet_at_a_time_is_as_good_as_all_at_once() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    pair.mc.submit(&DeliverSm::default(), "mo", pair.now).unwrap();
    let mut input = BytesMut::new();
    for octet in pair.mc.transmit().split() {
        input.extend_from_slice(&[octet]);
        pair.esme.handle_bytes(&mut input, pair.now);
    }
    assert!(matches!(pair.esme.poll_event(), Some(Event::Request { .. })));
}

#[test]
fn a_bad_deliver_sm_is_answered_and_told_and_a_thousand_of_them_leave_the_session_bound() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    let bad = Bytes::from_static(b"\0\0\0\x12\0\0\0\x05\0\0\0\0\0\0\0\x07\0\0");
    for _ in 0..1_000 {
        pair.esme.handle_frame(&bad, pair.now);
        let Some(Event::BadPdu(told)) = pair.esme.poll_event() else {
            panic!("a bad PDU is told")
        };
        assert_eq!(
            (told.octets, told.answered),
            (bad.clone(), Some(CommandStatus::ESME_RINVCMDLEN))
        );
    }
    assert!(pair.esme.is_bound());
}

#[test]
fn a_bad_bind_is_told_without_its_octets_because_of_the_password() {
    let mut pair = Pair::open();
    let bad = Bytes::from_static(b"\0\0\0\x17\0\0\0\x09\0\0\0\0\0\0\0\x07a\0geheim");
    pair.mc.handle_frame(&bad, pair.now);
    let Some(Event::BadPdu(told)) = pair.mc.poll_event() else {
        panic!("a bad PDU is told")
    };
    assert!(told.octets.is_empty());
}

#[test]
fn an_outbind_nobody_asked_for_closes_and_one_allowed_is_told() {
    let mut pair = Pair::open();
    pair.mc.outbind(Outbind::default()).unwrap();
    pair.carry();
    assert_eq!(pair.esme.state(), &State::Closed(CloseReason::OutbindRefused));

    let mut pair = Pair::open();
    pair.esme = Session::esme(
        EsmeConfig {
            accept_outbind: true,
            ..EsmeConfig::default()
        },
        pair.now,
    );
    pair.mc.outbind(Outbind::default()).unwrap();
    pair.carry();
    assert!(matches!(pair.esme.poll_event(), Some(Event::Outbind(_))));
}

#[test]
fn a_pdu_before_the_bind_response_is_refused_and_closes() {
    let mut pair = Pair::open();
    pair.esme.bind(BindMode::Transceiver, bind(), pair.now).unwrap();
    pair.esme.transmit().clear();
    let mut input = BytesMut::new();
    Packet::new(SequenceNumber(5), DeliverSm::default())
        .encode(&mut input)
        .unwrap();
    pair.esme.handle_bytes(&mut input, pair.now);
    let octets = pair.esme.transmit().split().freeze();
    let answer = Packet::decode(octets, Mode::Strict).unwrap().packet;
    assert_eq!(answer.command_status, CommandStatus::ESME_RINVBNDSTS);
    assert_eq!(
        pair.esme.state(),
        &State::Closed(CloseReason::UnexpectedPdu(CommandId::DELIVER_SM))
    );
}

#[test]
fn a_peer_of_3_3_is_told_no_version_and_one_of_3_4_is() {
    for (offered, told) in [
        (InterfaceVersion::V3_3, None),
        (InterfaceVersion::V3_4, Some(InterfaceVersion::V5_0)),
    ] {
        let mut pair = Pair::open();
        let bind = Bind {
            interface_version: offered,
            ..bind()
        };
        pair.esme.bind(BindMode::Transmitter, bind, pair.now).unwrap();
        pair.carry();
        assert!(pair.mc.accept_bind());
        let octets = pair.mc.transmit().split().freeze();
        let packet = Packet::decode(octets, Mode::Strict).unwrap().packet;
        assert_eq!(packet.pdu.tlvs().sc_interface_version(), told);
        assert_eq!(pair.mc.state().version(), Some(offered));
    }
}

#[test]
fn a_frame_that_is_no_smpp_is_nacked_and_closed_at_once() {
    let mut pair = Pair::open();
    let mut input = BytesMut::from(&b"GET / HTTP/1.1\r\n\r\n"[..]);
    pair.mc.handle_bytes(&mut input, pair.now);
    assert!(input.is_empty() && input.capacity() < MAX_PDU);
    let State::Closed(CloseReason::Frame(error)) = pair.mc.state() else {
        panic!("closed")
    };
    assert!(error.to_string().ends_with("hint=\"peer speaks HTTP\""));
}

#[test]
fn requests_the_bind_does_not_allow_are_refused_on_our_side_too() {
    let mut pair = Pair::bound(BindMode::Receiver);
    let rejected = pair.esme.submit(&submit_sm(), "a", pair.now).unwrap_err();
    assert_eq!(rejected.error, SubmitError::NotAllowed(CommandId::SUBMIT_SM));
}

#[test]
fn a_request_that_cannot_be_written_leaves_no_octet_and_no_slot() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    let long = SubmitSm {
        short_message: Bytes::from(vec![0; 256]),
        ..submit_sm()
    };
    let rejected = pair.esme.submit(&long, "a", pair.now).unwrap_err();
    assert!(matches!(rejected.error, SubmitError::Encode(_)));
    assert!(pair.esme.transmit().is_empty() && pair.esme.outstanding() == 0);
}

/// An ESME and a message centre, a link between them that carries when told to, and a clock turned by hand.
struct Pair {
    esme: Session<&'static str>,
    mc: Session<&'static str>,
    now: Instant,
}

impl Pair {
    fn open() -> Self {
        let now = Instant::now();
        let settings = Settings {
            window: 4,
            ..Settings::default()
        };
        let esme = Session::esme(
            EsmeConfig {
                settings,
                ..EsmeConfig::default()
            },
            now,
        );
        Self {
            esme,
            mc: Session::message_centre(McConfig::default(), now),
            now,
        }
    }

    fn bound(mode: BindMode) -> Self {
        let mut pair = Self::open();
        pair.esme.bind(mode, bind(), pair.now).unwrap();
        pair.carry();
        assert!(matches!(pair.mc.poll_event(), Some(Event::BindRequested { .. })));
        assert!(pair.mc.accept_bind());
        pair.carry();
        assert!(matches!(pair.esme.poll_event(), Some(Event::Bound { .. })));
        pair
    }

    /// What each side has written reaches the other, until both are silent.
    fn carry(&mut self) {
        while !self.esme.transmit().is_empty() || !self.mc.transmit().is_empty() {
            let mut octets = self.esme.transmit().split();
            self.mc.handle_bytes(&mut octets, self.now);
            let mut octets = self.mc.transmit().split();
            self.esme.handle_bytes(&mut octets, self.now);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.esme.handle_timeout(self.now);
        self.mc.handle_timeout(self.now);
    }

    fn request_at_mc(&mut self) -> (CommandId, SequenceNumber) {
        match self.mc.poll_event() {
            Some(Event::Request { packet, .. }) => (packet.command_id(), packet.sequence_number),
            other => panic!("no request: {other:?}"),
        }
    }

    fn answer_one(&mut self) {
        let (command, sequence) = self.request_at_mc();
        self.mc
            .respond(command, sequence, CommandStatus::ESME_ROK, &COctet::from_static("1"))
            .unwrap();
        self.carry();
    }

    fn answered_at_esme(&mut self) -> Answered<&'static str> {
        match self.esme.poll_event() {
            Some(Event::Answered(answered)) => answered,
            other => panic!("no answer: {other:?}"),
        }
    }
}

fn bind() -> Bind {
    Bind {
        system_id: "araldo".into(),
        interface_version: InterfaceVersion::V3_4,
        ..Bind::default()
    }
}

fn submit_sm() -> SubmitSm {
    SubmitSm {
        destination: Address::international("393331234567"),
        ..SubmitSm::default()
    }
}
