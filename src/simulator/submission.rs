//! A message as an ESME hands it in, by whichever command.

use araldo_smpp::pdu::{DataSm, SubmitSm};
use araldo_smpp::{Address, COctet, DataCoding, EsmClass, RegisteredDelivery, Tlvs};
use araldo_sms::{Concat, ReferenceSize, UserDataHeader};
use bytes::Bytes;

use super::fault::SubjectMessage;

/// data_sm has no validity_period.
static NOTHING: COctet = COctet::EMPTY;

/// What submit_sm and data_sm have in common.
#[derive(Clone, Debug)]
pub(super) struct Submission<'a> {
    pub(super) source: &'a Address,
    pub(super) destination: &'a Address,
    pub(super) esm_class: EsmClass,
    pub(super) data_coding: DataCoding,
    pub(super) registered_delivery: RegisteredDelivery,
    pub(super) validity_period: &'a COctet,
    /// short_message, or message_payload where that is empty.
    pub(super) octets: Bytes,
    pub(super) tlvs: &'a Tlvs,
}

impl<'a> Submission<'a> {
    pub(super) fn of_submit_sm(pdu: &'a SubmitSm) -> Self {
        let octets = if pdu.short_message.is_empty() {
            pdu.tlvs.message_payload().unwrap_or_default()
        } else {
            pdu.short_message.clone()
        };
        Self {
            source: &pdu.source,
            destination: &pdu.destination,
            esm_class: pdu.esm_class,
            data_coding: pdu.data_coding,
            registered_delivery: pdu.registered_delivery,
            validity_period: &pdu.validity_period,
            octets,
            tlvs: &pdu.tlvs,
        }
    }

    pub(super) fn of_data_sm(pdu: &'a DataSm) -> Self {
        Self {
            source: &pdu.source,
            destination: &pdu.destination,
            esm_class: pdu.esm_class,
            data_coding: pdu.data_coding,
            registered_delivery: pdu.registered_delivery,
            validity_period: &NOTHING,
            octets: pdu.tlvs.message_payload().unwrap_or_default(),
            tlvs: &pdu.tlvs,
        }
    }

    /// The place in a longer message, by user data header or by the `sar_` TLVs.
    pub(super) fn concat(&self) -> Option<Concat> {
        if self.esm_class.has_udhi()
            && let Ok((header, _)) = UserDataHeader::parse(&self.octets)
            && let Some(concat) = header.concat()
        {
            return Some(concat);
        }
        let reference = self.tlvs.sar_msg_ref_num()?;
        let (total, number) = (self.tlvs.sar_total_segments()?, self.tlvs.sar_segment_seqnum()?);
        Concat::new(ReferenceSize::Bits16, reference, total, number)
    }

    pub(super) fn subject(&self) -> SubjectMessage<'_> {
        SubjectMessage {
            destination: self.destination.addr.as_bytes(),
            octets: &self.octets,
            data_coding: self.data_coding.0,
            udhi: self.esm_class.has_udhi(),
            concat: self.concat(),
        }
    }
}
