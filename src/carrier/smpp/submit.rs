//! A message as submit_sm PDUs.

use std::time::Duration;

use araldo_smpp::TlvTag;
use araldo_smpp::pdu::SubmitSm;
use araldo_smpp::{Address, COctet, DataCoding, EsmClass, Npi, RegisteredDelivery, TlvsMut, Ton};
use araldo_sms::{Encoding, National, Segment, ShiftTables, SplitMode, SplitOptions};
use bytes::Bytes;

use super::Shared;
use crate::carrier::Message;
use crate::config::{CarrierConfig, LongMessage, Numbering, ValidityFormat};
use crate::domain::{AddressKind, UnixMillis};

/// Octets of short_message at the most (SMPP 3.4 §5.2.21). A default alphabet of several octets a character may need more.
const MAX_SHORT_MESSAGE: usize = 254;

/// A PDU of a message, with its place in it.
pub(super) struct SegmentPdu {
    pub(super) number: u8,
    pub(super) pdu: SubmitSm,
}

/// The PDUs of a message that this carrier does not have yet, and how many it has in all. `None` where the text cannot
/// be written.
pub(super) fn pdus(shared: &Shared, message: &Message, now: UnixMillis) -> Option<(Vec<SegmentPdu>, u8)> {
    let config = &shared.config;
    let options = split_options(config.long_message, message);
    let segments = araldo_sms::split(&message.text, &options).ok()?.segments;
    let total = u8::try_from(segments.len()).ok()?;
    let frame = frame(config, message, now)?;
    let pdus = (1..=total)
        .zip(segments)
        .filter(|(number, _)| !message.skip.contains(number))
        .map(|(number, segment)| segment_pdu(config, message, &frame, number, segment))
        .collect::<Option<Vec<_>>>()?;
    Some((pdus, total))
}

/// As the text was counted when it was accepted; only how its segments belong together is the carrier's own.
fn split_options(long: LongMessage, message: &Message) -> SplitOptions {
    let shape = &message.shape;
    SplitOptions {
        encoding: Some(message.encoding),
        mode: match long {
            LongMessage::Udh8 | LongMessage::Udh16 => SplitMode::UdhConcat,
            LongMessage::Sar => SplitMode::Sar,
            LongMessage::Payload => SplitMode::Payload,
        },
        reference_size: shape.reference_size,
        reference: message.concat_reference,
        national: if shape.tables == ShiftTables::DEFAULT {
            National::Never
        } else {
            National::Always(shape.tables)
        },
        whole_graphemes: shape.whole_graphemes,
        ..SplitOptions::default()
    }
}

/// What all segments share.
fn frame(config: &CarrierConfig, message: &Message, now: UnixMillis) -> Option<SubmitSm> {
    let source = message.from.address();
    let left = message
        .expires_at
        .since(now)
        .min(config.max_validity)
        .max(Duration::from_secs(1));
    Some(SubmitSm {
        service_type: COctet::from_latin1(&config.service_type)?,
        source: address(&config.source, source.kind, source.text)?,
        destination: address(&config.destination, AddressKind::International, &message.to)?,
        validity_period: COctet::from(validity(config.validity_format, left, now)),
        registered_delivery: RegisteredDelivery(u8::from(message.receipt)),
        data_coding: DataCoding(data_coding(config, message)?),
        ..SubmitSm::default()
    })
}

/// `None` for a flash message in an alphabet that has none.
fn data_coding(config: &CarrierConfig, message: &Message) -> Option<u8> {
    if message.shape.flash {
        message.encoding.flash_data_coding(config.flash_coding.into())
    } else {
        Some(message.encoding.data_coding())
    }
}

fn segment_pdu(
    config: &CarrierConfig,
    message: &Message,
    frame: &SubmitSm,
    number: u8,
    segment: Segment,
) -> Option<SegmentPdu> {
    let mut pdu = frame.clone();
    let mut tlvs = TlvsMut::new();
    if segment.udhi() {
        pdu.esm_class = EsmClass(EsmClass::UDHI.0);
    }
    if config.reference_tlv {
        tlvs.push_u16(TlvTag::USER_MESSAGE_REFERENCE, message.reference);
    }
    if let (LongMessage::Sar, Some(concat)) = (config.long_message, segment.concat) {
        tlvs.push_u16(TlvTag::SAR_MSG_REF_NUM, concat.reference);
        tlvs.push_u8(TlvTag::SAR_TOTAL_SEGMENTS, concat.total);
        tlvs.push_u8(TlvTag::SAR_SEGMENT_SEQNUM, concat.number);
    }
    let octets = match message.encoding {
        Encoding::Gsm7 => segment.into_alphabet(&message.text, config.default_alphabet.into())?,
        Encoding::Latin1 | Encoding::Ucs2 => segment.data,
    };
    let most = match config.long_message {
        LongMessage::Payload => Encoding::Gsm7.single_limit(),
        LongMessage::Udh8 | LongMessage::Udh16 | LongMessage::Sar => MAX_SHORT_MESSAGE,
    };
    if octets.len() > most {
        tlvs.push_octets(TlvTag::MESSAGE_PAYLOAD, &octets).ok()?;
    } else {
        pdu.short_message = Bytes::from(octets);
    }
    pdu.tlvs = tlvs.freeze();
    Some(SegmentPdu { number, pdu })
}

fn address(numbering: &Numbering, kind: AddressKind, text: &str) -> Option<Address> {
    let numbering = numbering.of(kind);
    Some(Address::new(
        Ton(numbering.ton),
        Npi(numbering.npi),
        COctet::from_latin1(text)?,
    ))
}

/// The end of validity (SMPP 3.4 §7.1.1): relative unless the carrier only understands absolute times.
fn validity(format: ValidityFormat, left: Duration, now: UnixMillis) -> String {
    match format {
        ValidityFormat::Relative => araldo_smpp::value::RelativeTime::from(left).to_string(),
        ValidityFormat::Absolute => now.after(left).timestamp().strftime("%y%m%d%H%M%S000+").to_string(),
    }
}
