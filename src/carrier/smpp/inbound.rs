//! deliver_sm and data_sm as receipts and texts.

use araldo_smpp::pdu::{DataSm, DeliverSm};
use araldo_smpp::{EsmClass, Forgiven, Tlvs};
use araldo_sms::{Concat, DeliveryReceipt, LocalDateTime, ReceiptState, ReferenceSize, UserData};
use bytes::Bytes;

use crate::carrier::{InboundReceipt, InboundText};
use crate::config::{CarrierConfig, Zone};
use crate::domain::UnixMillis;

/// A deliver_sm read.
pub(super) enum Delivery {
    /// What became of a message of ours.
    Receipt(InboundReceipt),
    /// A text from a handset.
    Text(InboundText),
    /// A receipt that names no message and no state: there is nothing to match, and a person may want to read it.
    UnreadableReceipt(Bytes),
}

/// What deliver_sm and data_sm have in common.
struct Parts<'a> {
    source: &'a str,
    destination: &'a str,
    esm_class: EsmClass,
    data_coding: u8,
    short_message: &'a Bytes,
    tlvs: &'a Tlvs,
}

/// Reads a deliver_sm.
pub(super) fn deliver_sm(pdu: &DeliverSm, forgiven: &[Forgiven], config: &CarrierConfig) -> Delivery {
    let parts = Parts {
        source: &pdu.source.addr.as_str(),
        destination: &pdu.destination.addr.as_str(),
        esm_class: pdu.esm_class,
        data_coding: pdu.data_coding.0,
        short_message: &pdu.short_message,
        tlvs: &pdu.tlvs,
    };
    read(&parts, forgiven, config)
}

/// Reads a data_sm, whose text is its message_payload.
pub(super) fn data_sm(pdu: &DataSm, forgiven: &[Forgiven], config: &CarrierConfig) -> Delivery {
    let parts = Parts {
        source: &pdu.source.addr.as_str(),
        destination: &pdu.destination.addr.as_str(),
        esm_class: pdu.esm_class,
        data_coding: pdu.data_coding.0,
        short_message: &Bytes::new(),
        tlvs: &pdu.tlvs,
    };
    read(&parts, forgiven, config)
}

fn read(parts: &Parts<'_>, forgiven: &[Forgiven], config: &CarrierConfig) -> Delivery {
    let octets = parts.tlvs.message_payload().filter(|payload| !payload.is_empty());
    let octets = octets.unwrap_or_else(|| parts.short_message.clone());
    if parts.esm_class.is_receipt() || parts.esm_class.is_intermediate() {
        let receipt = receipt(parts, &octets, config);
        let says_nothing =
            receipt.carrier_message_id.is_empty() && receipt.state.is_none() && receipt.reference.is_none();
        return if says_nothing {
            Delivery::UnreadableReceipt(Bytes::copy_from_slice(&octets))
        } else {
            Delivery::Receipt(receipt)
        };
    }
    // The octets are copied: the frame they stand in would keep the whole read buffer alive.
    Delivery::Text(text(parts, Bytes::copy_from_slice(&octets), forgiven, config))
}

fn receipt(parts: &Parts<'_>, octets: &[u8], config: &CarrierConfig) -> InboundReceipt {
    let latin = String::from_utf8_lossy(octets);
    let mut receipt = DeliveryReceipt::parse(&latin);
    let id = parts.tlvs.receipted_message_id();
    let id = id.as_ref().map(|id| id.as_str());
    let state = parts.tlvs.message_state().map(|state| state.0);
    // The TLVs are the better source where both are there (SMPP 3.4 §5.3.2.12, §5.3.2.35).
    let by_tlv = state.map(ReceiptState::from_message_state);
    receipt.fill(id.as_deref(), state);
    let error = receipt
        .err
        .and_then(|err| err.trim().parse().ok())
        .filter(|code| *code != 0);
    let network = parts
        .tlvs
        .network_error_code()
        .map(|code| u32::from(code.error_code))
        .filter(|code| *code != 0);
    InboundReceipt {
        carrier_message_id: id.as_deref().or(receipt.id).unwrap_or_default().trim().into(),
        source: parts.source.into(),
        destination: parts.destination.into(),
        state: by_tlv.or(receipt.state),
        error: error.or(network),
        reference: parts.tlvs.user_message_reference(),
        done_at: receipt.done_date.and_then(|date| instant(date.at?, &config.time_zone)),
    }
}

/// A date by the carrier's clock as an instant. Of an hour that comes twice the first is meant, and a time that summer
/// skips is as much later as summer time is.
fn instant(date: LocalDateTime, zone: &Zone) -> Option<UnixMillis> {
    let number = |part: u8| i8::try_from(part).ok();
    let date = jiff::civil::DateTime::new(
        i16::try_from(date.year).ok()?,
        number(date.month)?,
        number(date.day)?,
        number(date.hour)?,
        number(date.minute)?,
        number(date.second)?,
        0,
    );
    zone.0.to_timestamp(date.ok()?).ok().map(UnixMillis::from)
}

fn text(parts: &Parts<'_>, octets: Bytes, forgiven: &[Forgiven], config: &CarrierConfig) -> InboundText {
    let read = UserData::decode(
        parts.data_coding,
        parts.esm_class.has_udhi(),
        &octets,
        config.default_alphabet,
    );
    let concat = read.concat.or_else(|| sar(parts.tlvs));
    let note = forgiven
        .iter()
        .map(|f| format!("{}: {}", f.field, f.problem))
        .collect::<Vec<_>>()
        .join("; ");
    InboundText {
        source: parts.source.into(),
        destination: parts.destination.into(),
        data_coding: parts.data_coding,
        esm_class: parts.esm_class.0,
        text: read.text().map(Into::into),
        lossy: read.lossy,
        segment: concat,
        carrier_message_id: parts.tlvs.receipted_message_id().map(|id| id.as_str().into()),
        note: (!note.is_empty()).then(|| note.into()),
        octets,
    }
}

/// The segment by its SAR parameters (SMPP 3.4 §5.3.2.22 to §5.3.2.24).
fn sar(tlvs: &Tlvs) -> Option<Concat> {
    Concat::new(
        ReferenceSize::Bits16,
        tlvs.sar_msg_ref_num()?,
        tlvs.sar_total_segments()?,
        tlvs.sar_segment_seqnum()?,
    )
}
