//! A message as submit_sm PDUs.

use std::time::Duration;

use araldo_smpp::TlvTag;
use araldo_smpp::pdu::SubmitSm;
use araldo_smpp::{Address, COctet, DataCoding, EsmClass, Npi, RegisteredDelivery, Tlvs, TlvsMut, Ton};
use araldo_sms::{Encoding, ReferenceSize, Segment, SplitMode, SplitOptions};
use bytes::Bytes;

use super::Shared;
use crate::carrier::Message;
use crate::config::{CarrierConfig, LongMessage, Numbering, ValidityFormat};
use crate::domain::{AddressKind, UnixMillis};

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

fn split_options(long: LongMessage, message: &Message) -> SplitOptions {
    let mode = match long {
        LongMessage::Udh8 | LongMessage::Udh16 => SplitMode::UdhConcat,
        LongMessage::Sar => SplitMode::Sar,
        LongMessage::Payload => SplitMode::Payload,
    };
    let reference_size = match long {
        LongMessage::Udh16 => ReferenceSize::Bits16,
        LongMessage::Udh8 | LongMessage::Sar | LongMessage::Payload => ReferenceSize::Bits8,
    };
    let reference = match reference_size {
        ReferenceSize::Bits8 if mode == SplitMode::UdhConcat => message.concat_reference & 0xff,
        _ => message.concat_reference,
    };
    SplitOptions {
        encoding: Some(message.encoding),
        mode,
        reference_size,
        reference,
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
        data_coding: DataCoding(message.encoding.data_coding()),
        ..SubmitSm::default()
    })
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
    match (config.long_message, segment.concat) {
        (LongMessage::Sar, Some(concat)) => {
            tlvs.push_u16(TlvTag::SAR_MSG_REF_NUM, concat.reference);
            tlvs.push_u8(TlvTag::SAR_TOTAL_SEGMENTS, concat.total);
            tlvs.push_u8(TlvTag::SAR_SEGMENT_SEQNUM, concat.number);
            pdu.short_message = Bytes::from(segment.data);
        }
        (LongMessage::Payload, _) if segment.data.len() > Encoding::Gsm7.single_limit() => {
            tlvs.push_octets(TlvTag::MESSAGE_PAYLOAD, &segment.data).ok()?;
        }
        _ => pdu.short_message = Bytes::from(segment.data),
    }
    pdu.tlvs = if config.reference_tlv || config.long_message != LongMessage::Udh8 {
        tlvs.freeze()
    } else {
        Tlvs::EMPTY
    };
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
