//! The PDUs of late, in pairs, and which of them belong to a message.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use araldo_smpp::{CommandStatus, Header, Mode, Packet, Pdu};
use araldo_sms::{DeliveryReceipt, Encoding, UserData};
use bytes::Bytes;

use crate::domain::UnixMillis;
use crate::simulator::Direction;

/// Pairs kept; the oldest go first.
const PAIRS: usize = 4_000;

/// The PDUs of late, of both carriers.
#[derive(Default)]
pub(super) struct Wire(Mutex<VecDeque<Exchange>>);

/// A request and its answer.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) carrier: &'static str,
    pub(super) conn: u64,
    pub(super) sequence: u32,
    /// Whose request it was.
    pub(super) direction: Direction,
    pub(super) request: Seen,
    pub(super) answer: Option<Seen>,
    key: Key,
}

/// A PDU and when it was seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) at: UnixMillis,
    pub(super) frame: Bytes,
}

/// What tells whose exchange it is.
#[derive(Clone, Debug, Default)]
struct Key {
    /// The phone's number.
    phone: String,
    /// `user_message_reference`.
    reference: Option<u16>,
    /// The carrier's id: of a submit_sm out of its answer, of a deliver_sm out of the receipt.
    id: Option<String>,
    is_receipt: bool,
}

/// What is known of the message whose exchanges are wanted.
pub(super) struct Sought<'a> {
    pub(super) phone: &'a str,
    pub(super) reference: u16,
    pub(super) since: UnixMillis,
    /// The carrier's ids that are known, of one segment or of several.
    pub(super) ids: Vec<String>,
}

impl Wire {
    /// Takes a PDU as a carrier saw it.
    pub(super) fn take(&self, carrier: &'static str, conn: u64, direction: Direction, at: UnixMillis, frame: &Bytes) {
        let Some(header) = Header::parse(frame) else { return };
        let seen = Seen {
            at,
            frame: frame.clone(),
        };
        let sequence = header.sequence_number.0;
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if header.command_id.is_response() {
            let asked = pairs.iter_mut().rev().find(|pair| {
                let same = pair.carrier == carrier && pair.conn == conn && pair.sequence == sequence;
                same && pair.direction != direction && pair.answer.is_none()
            });
            let Some(pair) = asked else { return };
            if let Ok(Pdu::SubmitSmResp(answer)) = decode(frame) {
                pair.key.id = Some(answer.message_id.as_str().into_owned());
            }
            pair.answer = Some(seen);
            return;
        }
        let Some(key) = key(frame) else { return };
        if pairs.len() >= PAIRS {
            pairs.pop_front();
        }
        pairs.push_back(Exchange {
            carrier,
            conn,
            sequence,
            direction,
            request: seen,
            answer: None,
            key,
        });
    }

    /// The exchanges of a message, oldest first.
    pub(super) fn of(&self, sought: &Sought<'_>) -> Vec<Exchange> {
        let pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = pairs
            .iter()
            .filter(|pair| pair.request.at >= sought.since && pair.key.phone == sought.phone);
        let submits = since
            .clone()
            .filter(|pair| !pair.key.is_receipt && pair.key.reference == Some(sought.reference));
        let mut ids = sought.ids.clone();
        ids.extend(submits.clone().filter_map(|pair| pair.key.id.clone()));
        let is_ours = |pair: &Exchange| {
            let by_id = pair
                .key
                .id
                .as_deref()
                .is_some_and(|id| ids.iter().any(|known| same_id(known, id)));
            pair.key.reference == Some(sought.reference) || by_id
        };
        since.filter(|pair| is_ours(pair)).cloned().collect()
    }
}

fn key(frame: &Bytes) -> Option<Key> {
    match decode(frame).ok()? {
        Pdu::SubmitSm(submit) => Some(Key {
            phone: submit.destination.addr.as_str().into_owned(),
            reference: submit.tlvs.user_message_reference(),
            id: None,
            is_receipt: false,
        }),
        Pdu::DeliverSm(deliver) if deliver.esm_class.is_receipt() => {
            let coding = (deliver.data_coding.0, deliver.esm_class.has_udhi());
            let read = UserData::decode(coding.0, coding.1, &deliver.short_message, Encoding::Gsm7);
            let in_text = DeliveryReceipt::parse(read.text().unwrap_or_default())
                .id
                .map(str::to_owned);
            let in_tlv = deliver.tlvs.receipted_message_id().map(|id| id.as_str().into_owned());
            Some(Key {
                phone: deliver.source.addr.as_str().into_owned(),
                reference: deliver.tlvs.user_message_reference(),
                id: in_tlv.or(in_text),
                is_receipt: true,
            })
        }
        _ => None,
    }
}

/// The body of a frame; `Err` for what cannot be read.
pub(super) fn decode(frame: &Bytes) -> Result<Pdu, CommandStatus> {
    Packet::decode(frame.clone(), Mode::Tolerant)
        .map(|decoded| decoded.packet.pdu)
        .map_err(|error| error.command_status)
}

/// Whether a carrier means the same by two of its ids: some answer in hex and report in decimal.
fn same_id(answered: &str, reported: &str) -> bool {
    let bare = |id: &str| id.trim_start_matches('0').to_ascii_lowercase();
    let in_hex = u64::from_str_radix(answered, 16).ok();
    bare(answered) == bare(reported) || (in_hex.is_some() && in_hex == reported.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_answered_in_hex_is_known_again_in_decimal() {
        assert!(same_id("ff", "255") && same_id("00AB12", "ab12") && same_id("17", "17"));
        assert!(!same_id("ff", "254") && !same_id("17", "18"));
    }
}
