//! What a message centre refuses in a request that could be read: times, destinations, contradictions, missing TLVs.
//!
//! Reserved values of TON, NPI, data_coding and flags pass: SMPP 3.4 §3.3 asks to be lenient with what is newer.

use bytes::Bytes;

use crate::pdu::{Destination, Pdu};
use crate::value::{COctet, SmppTime};
use crate::{CommandStatus as S, TlvTag, Tlvs};

/// Why a request that could be read is refused all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is refused with {command_status}")]
pub struct Refusal {
    /// The field or TLV at fault.
    pub field: &'static str,
    /// The status to answer with.
    pub command_status: S,
}

/// What a message centre checks in a request of an ESME before it is handed on.
///
/// ```
/// use araldo_smpp::CommandStatus;
/// use araldo_smpp::pdu::SubmitSm;
///
/// let refusal = araldo_smpp::check::submitted(&SubmitSm::default().into()).unwrap_err();
/// assert_eq!(refusal.command_status, CommandStatus::ESME_RINVDSTADR);
/// ```
pub fn submitted(pdu: &Pdu) -> Result<(), Refusal> {
    match pdu {
        Pdu::SubmitSm(body) => {
            destination(&body.destination.addr)?;
            times(&body.schedule_delivery_time, &body.validity_period)?;
            one_text(&body.short_message, &body.tlvs)
        }
        Pdu::SubmitMulti(body) => {
            if body.dest_address.0.is_empty() {
                return Err(Refusal {
                    field: "number_of_dests",
                    command_status: S::ESME_RINVNUMDESTS,
                });
            }
            let nameless = |to: &Destination| matches!(to, Destination::DistributionList(name) if name.is_empty());
            if body.dest_address.0.iter().any(nameless) {
                return Err(Refusal {
                    field: "dl_name",
                    command_status: S::ESME_RINVDLNAME,
                });
            }
            times(&body.schedule_delivery_time, &body.validity_period)?;
            one_text(&body.short_message, &body.tlvs)
        }
        Pdu::DataSm(body) => destination(&body.destination.addr),
        Pdu::ReplaceSm(body) => {
            times(&body.schedule_delivery_time, &body.validity_period)?;
            one_text(&body.short_message, &body.tlvs)
        }
        Pdu::BroadcastSm(body) => {
            times(&body.schedule_delivery_time, &body.validity_period)?;
            mandatory_tlvs(&body.tlvs)
        }
        _ => Ok(()),
    }
}

/// What an ESME checks in a request of a message centre: two texts that differ, of which none can be preferred.
pub fn delivered(pdu: &Pdu) -> Result<(), Refusal> {
    match pdu {
        Pdu::DeliverSm(body) => one_text(&body.short_message, &body.tlvs),
        _ => Ok(()),
    }
}

fn destination(addr: &COctet) -> Result<(), Refusal> {
    if addr.is_empty() {
        return Err(Refusal {
            field: "destination_addr",
            command_status: S::ESME_RINVDSTADR,
        });
    }
    Ok(())
}

fn times(schedule: &COctet, validity: &COctet) -> Result<(), Refusal> {
    let refusal = |field, command_status| move |_| Refusal { field, command_status };
    SmppTime::parse(schedule.as_bytes()).map_err(refusal("schedule_delivery_time", S::ESME_RINVSCHED))?;
    SmppTime::parse(validity.as_bytes()).map_err(refusal("validity_period", S::ESME_RINVEXPIRY))?;
    Ok(())
}

/// short_message and message_payload exclude each other (SMPP 3.4 §5.3.2.32); the same text twice is no contradiction.
fn one_text(short_message: &Bytes, tlvs: &Tlvs) -> Result<(), Refusal> {
    if short_message.is_empty() || tlvs.is_empty() {
        return Ok(());
    }
    match tlvs.get(TlvTag::MESSAGE_PAYLOAD) {
        Some(payload) if payload != short_message => Err(Refusal {
            field: "message_payload",
            command_status: S::ESME_RINVMSGLEN,
        }),
        Some(_) | None => Ok(()),
    }
}

/// What a broadcast cannot do without (SMPP 5.0 §4.4.1.1); broadcast_rep_num may be left to the message centre.
fn mandatory_tlvs(tlvs: &Tlvs) -> Result<(), Refusal> {
    let mandatory = [
        TlvTag::BROADCAST_AREA_IDENTIFIER,
        TlvTag::BROADCAST_CONTENT_TYPE,
        TlvTag::BROADCAST_FREQUENCY_INTERVAL,
    ];
    match mandatory.into_iter().find(|tag| tlvs.get(*tag).is_none()) {
        Some(tag) => Err(Refusal {
            field: tag.name(),
            command_status: S::ESME_RMISSINGOPTPARAM,
        }),
        None => Ok(()),
    }
}
