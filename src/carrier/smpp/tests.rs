//! A carrier's texts over a real link, written and read by the simulator.

use std::time::Duration;

use araldo_smpp::pdu::DeliverSm;
use araldo_smpp::{EsmClass, TlvTag, TlvsMut};
use araldo_sms::{Concat, Language, ReferenceSize, ShiftTables};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::SmppCarrier;
use crate::carrier::{Carrier, Inbound, InboundReceipt, InboundText, Link, LinkMode, Message, Verdict};
use crate::clock::Clock;
use crate::config::{CarrierConfig, DefaultAlphabet, FlashCoding, LongMessage, Zone};
use crate::domain::{BindRef, Encoding, Name, SenderId, Shape, UnixMillis};
use crate::simulator::{Mo, Simulator, SimulatorConfig};

const LIMIT: Duration = Duration::from_secs(20);
const PHONE: &str = "393331234567";
/// 2026-01-31T11:01:30Z.
const NOW: UnixMillis = UnixMillis(1_769_857_290_000);

/// A carrier in the simulator, and a bind to it.
struct Line {
    simulator: Simulator,
    link: Link,
}

impl Line {
    async fn new(config: CarrierConfig) -> Self {
        let clock = Clock::manual(NOW);
        let simulator = Simulator::start(SimulatorConfig {
            control: None,
            default_alphabet: config.default_alphabet.into(),
            clock: clock.clone(),
            ..SimulatorConfig::on_free_ports()
        });
        let simulator = simulator.await.unwrap();
        let config = CarrierConfig {
            host: "127.0.0.1".into(),
            port: simulator.addr.port(),
            system_id: "araldo".into(),
            tls: false,
            ..config
        };
        let bind = BindRef {
            carrier: Name::parse("tim").unwrap(),
            bind: 0,
        };
        let carrier = SmppCarrier::new(&config, LIMIT, clock).unwrap();
        let link = carrier.open(bind, LinkMode::Both).await.unwrap();
        Self { simulator, link }
    }

    /// Sends a text and gives its receipt, which comes once the phone has it.
    async fn send(&mut self, message: Message) -> InboundReceipt {
        self.link.submits.send(vec![message]).unwrap();
        match self.brought().await {
            Inbound::Receipt(receipt, slot) => {
                slot.answer(Verdict::Taken);
                receipt
            }
            other => panic!("{other:?}"),
        }
    }

    /// What the phone shows of a text, and in how many segments it came.
    async fn shown(&mut self, message: Message) -> (String, u8) {
        self.send(message).await;
        let mut messages = self.simulator.messages(Some(PHONE), 1);
        let message = messages.remove(0);
        (message.text, message.segments)
    }

    /// A text from the phone, segment by segment.
    async fn texted(&mut self, text: &str, segments: usize) -> Vec<InboundText> {
        let mo = Mo {
            from: PHONE.into(),
            to: "12345".into(),
            text: text.into(),
            system_id: None,
        };
        let inbound = &mut self.link.inbound;
        let (_, texts) = tokio::join!(self.simulator.inject_mo(mo), taken(inbound, segments));
        texts
    }

    async fn brought(&mut self) -> Inbound {
        let brought = tokio::time::timeout(LIMIT, self.link.inbound.recv()).await;
        brought.expect("in time").expect("the link is up")
    }
}

async fn taken(inbound: &mut mpsc::Receiver<Inbound>, segments: usize) -> Vec<InboundText> {
    let mut texts = Vec::new();
    while texts.len() < segments {
        match tokio::time::timeout(LIMIT, inbound.recv()).await {
            Ok(Some(Inbound::Text(text, slot))) => {
                slot.answer(Verdict::Taken);
                texts.push(text);
            }
            other => panic!("{other:?}"),
        }
    }
    texts
}

fn message(text: &str, encoding: Encoding) -> Message {
    Message {
        key: 1,
        to: PHONE.into(),
        from: SenderId::parse("Bank").unwrap(),
        text: text.into(),
        encoding,
        shape: Shape::default(),
        expires_at: NOW.after(Duration::from_secs(600)),
        receipt: true,
        reference: 7,
        concat_reference: 0x1207,
        skip: Vec::new(),
        rcs: None,
    }
}

const ALPHABETS: [DefaultAlphabet; 6] = [
    DefaultAlphabet::Gsm7,
    DefaultAlphabet::Gsm7Packed,
    DefaultAlphabet::Ascii,
    DefaultAlphabet::Latin1,
    DefaultAlphabet::Utf8,
    DefaultAlphabet::Ucs2,
];

#[tokio::test]
async fn a_text_goes_out_and_comes_in_by_the_carriers_own_alphabet() {
    for default_alphabet in ALPHABETS {
        let mut line = Line::new(CarrierConfig {
            default_alphabet,
            ..CarrierConfig::default()
        })
        .await;
        let text = if default_alphabet == DefaultAlphabet::Ascii {
            "@ Hello_[5]"
        } else {
            "Perch\u{e9} no? @ \u{a3}5"
        };
        assert_eq!(
            line.shown(message(text, Encoding::Gsm7)).await,
            (text.to_owned(), 1),
            "{default_alphabet:?}"
        );
        let back = line.texted(text, 1).await.remove(0);
        assert_eq!(
            (back.text.as_deref(), back.lossy, back.data_coding),
            (Some(text), false, 0),
            "{default_alphabet:?}"
        );
    }
}

#[tokio::test]
async fn long_texts_are_whole_on_the_phone_however_their_segments_belong_together() {
    let text = "Perch\u{e9} no? @ \u{a3}5. ".repeat(20);
    for default_alphabet in [
        DefaultAlphabet::Gsm7,
        DefaultAlphabet::Gsm7Packed,
        DefaultAlphabet::Ucs2,
    ] {
        for (long_message, segments) in [
            (LongMessage::Udh8, 3),
            (LongMessage::Udh16, 3),
            (LongMessage::Sar, 3),
            (LongMessage::Payload, 1),
        ] {
            let mut line = Line::new(CarrierConfig {
                default_alphabet,
                long_message,
                ..CarrierConfig::default()
            })
            .await;
            let mut long = message(&text, Encoding::Gsm7);
            if long_message == LongMessage::Udh16 {
                long.shape.reference_size = ReferenceSize::Bits16;
            }
            line.link.submits.send(vec![long]).unwrap();
            for _ in 0..segments {
                assert!(matches!(line.brought().await, Inbound::Receipt(..)));
            }
            let shown = line.simulator.messages(Some(PHONE), 1).remove(0);
            assert_eq!(
                (shown.text.as_str(), shown.segments),
                (text.as_str(), segments),
                "{default_alphabet:?}, {long_message:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_text_with_national_tables_is_read_by_its_header() {
    let mut line = Line::new(CarrierConfig::default()).await;
    let text = "Yar\u{131}n saat \u{fc}\u{e7}te g\u{f6}r\u{fc}\u{15f}elim, \u{e7}ar\u{15f}\u{131}da bulu\u{15f}uruz.";
    let mut turkish = message(text, Encoding::Gsm7);
    turkish.shape.tables = ShiftTables {
        locking: Some(Language::Turkish),
        single: None,
    };
    assert_eq!(line.shown(turkish).await, (text.to_owned(), 1));
}

#[tokio::test]
async fn segments_of_a_text_from_a_phone_keep_the_size_of_their_reference() {
    let mut line = Line::new(CarrierConfig::default()).await;
    let texts = line.texted(&"x".repeat(200), 2).await;
    let place = texts[1].segment.unwrap();
    assert_eq!(
        (place.reference_size, place.total, place.number),
        (ReferenceSize::Bits8, 2, 2)
    );
}

#[test]
fn a_segment_is_placed_by_its_header_or_its_tlvs_wherever_its_octets_stand() {
    let config = CarrierConfig::default();
    let read = |pdu: &DeliverSm| match super::inbound::deliver_sm(pdu, &[], &config) {
        super::inbound::Delivery::Text(text) => text,
        _ => panic!("no text"),
    };
    // A header with a reference of two octets, in message_payload.
    let mut tlvs = TlvsMut::new();
    let octets = [&[6, 8, 4, 0x12, 0x07, 3, 2][..], b"Ciao"].concat();
    tlvs.push_octets(TlvTag::MESSAGE_PAYLOAD, &octets).unwrap();
    let in_payload = DeliverSm {
        esm_class: EsmClass::UDHI,
        tlvs: tlvs.freeze(),
        ..DeliverSm::default()
    };
    let mut tlvs = TlvsMut::new();
    tlvs.push_u16(TlvTag::SAR_MSG_REF_NUM, 0x1207);
    tlvs.push_u8(TlvTag::SAR_TOTAL_SEGMENTS, 3);
    tlvs.push_u8(TlvTag::SAR_SEGMENT_SEQNUM, 2);
    let by_tlvs = DeliverSm {
        short_message: Bytes::from_static(b"Ciao"),
        tlvs: tlvs.freeze(),
        ..DeliverSm::default()
    };
    for pdu in [in_payload, by_tlvs] {
        let text = read(&pdu);
        assert_eq!(text.text.as_deref(), Some("Ciao"));
        assert_eq!(text.segment, Concat::new(ReferenceSize::Bits16, 0x1207, 3, 2));
    }
    let of_one_octet = DeliverSm {
        esm_class: EsmClass::UDHI,
        short_message: Bytes::from_static(b"\x05\0\x03\x07\x03\x02Ciao"),
        ..DeliverSm::default()
    };
    assert_eq!(read(&of_one_octet).segment, Concat::new(ReferenceSize::Bits8, 7, 3, 2));
}

#[tokio::test]
async fn a_flash_message_has_the_data_coding_that_the_carrier_knows() {
    for (flash_coding, encoding, data_coding) in [
        (FlashCoding::General, Encoding::Gsm7, 0x10),
        (FlashCoding::MessageClass, Encoding::Gsm7, 0xF0),
        (FlashCoding::General, Encoding::Ucs2, 0x18),
    ] {
        let config = CarrierConfig {
            flash_coding,
            ..CarrierConfig::default()
        };
        let mut flash = message("Ciao", encoding);
        flash.shape.flash = true;
        let (segments, _) = super::submit::pdus(&shared(&config), &flash, NOW).unwrap();
        assert_eq!(segments[0].pdu.data_coding.0, data_coding);
        let mut line = Line::new(config).await;
        assert_eq!(line.shown(flash).await, ("Ciao".to_owned(), 1));
    }
    let mut latin1 = message("Ciao", Encoding::Latin1);
    latin1.shape.flash = true;
    assert!(super::submit::pdus(&shared(&CarrierConfig::default()), &latin1, NOW).is_none());
}

#[tokio::test]
async fn the_date_of_a_receipt_is_read_by_the_carriers_zone() {
    // The simulator's clock stands at UTC; this carrier's is said to stand elsewhere.
    for (zone, done_at) in [
        ("UTC", NOW.before(Duration::from_secs(30))),
        ("Europe/Rome", NOW.before(Duration::from_secs(3_630))),
        ("-03:00", NOW.after(Duration::from_secs(3 * 3_600 - 30))),
    ] {
        let time_zone: Zone = serde_json::from_value(zone.into()).unwrap();
        let mut line = Line::new(CarrierConfig {
            time_zone,
            ..CarrierConfig::default()
        })
        .await;
        let receipt = line.send(message("Ciao", Encoding::Gsm7)).await;
        assert_eq!(receipt.done_at, Some(done_at), "{zone}");
    }
}

fn shared(config: &CarrierConfig) -> super::Shared {
    super::Shared {
        config: config.clone(),
        tls: None,
        overrides: std::collections::HashMap::new(),
        drain: LIMIT,
        clock: Clock::manual(NOW),
    }
}
