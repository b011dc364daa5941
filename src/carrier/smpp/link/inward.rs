//! From the carrier: deliver_sm and data_sm inward, and back to each its answer once we have committed it.

use std::time::Instant;

use araldo_smpp::session::{BadPduReason, Event};
use araldo_smpp::{COctet, CommandId, CommandStatus, Forgiven, Packet, Pdu, SequenceNumber};
use bytes::Bytes;

use super::{Driver, Ticket};
use crate::carrier::smpp::ANSWER_WITHIN;
use crate::carrier::smpp::inbound::{self, Delivery};
use crate::carrier::{AnswerSlot, Inbound, LinkReport, Verdict};
use crate::clock::monotonic;

/// Octets of an unreadable PDU that are kept.
const KEEP_OF_BAD_PDU: usize = 4_096;

/// A request of the carrier's that waits for its answer.
pub(super) struct Unanswered {
    ticket: u64,
    sequence: SequenceNumber,
    command: CommandId,
    deadline: Instant,
    done: bool,
}

impl Driver {
    /// Offers a deliver_sm or data_sm inward and keeps its place until it is answered.
    pub(super) fn request(&mut self, packet: Packet, forgiven: &[Forgiven]) {
        let config = &self.shared.config;
        let delivery = match &packet.pdu {
            Pdu::DeliverSm(pdu) => inbound::deliver_sm(pdu, forgiven, config),
            Pdu::DataSm(pdu) => inbound::data_sm(pdu, forgiven, config),
            other => {
                let command = other.command_id();
                self.respond(command, packet.sequence_number, CommandStatus::ESME_RINVCMDID);
                return;
            }
        };
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let slot = AnswerSlot::new(self.answers.clone(), ticket);
        self.unanswered.push_back(Unanswered {
            ticket,
            sequence: packet.sequence_number,
            command: packet.command_id(),
            deadline: monotonic() + ANSWER_WITHIN,
            done: false,
        });
        let inbound = match delivery {
            Delivery::Receipt(receipt) => Inbound::Receipt(receipt, slot),
            Delivery::Text(text) => Inbound::Text(text, slot),
            Delivery::UnreadableReceipt(mut octets) => {
                tracing::warn!(event = "receipt_unparsed", bind = %self.bind, octets = octets.len());
                octets.truncate(KEEP_OF_BAD_PDU);
                Inbound::Unreadable {
                    reason: "receipt_unparsed".to_owned(),
                    status: 0,
                    octets,
                    slot: Some(slot),
                }
            }
        };
        // A full queue drops the slot, and a dropped slot answers busy.
        self.inbound.try_send(inbound).ok();
    }

    /// Answers the request of this ticket, unless it has been.
    pub(super) fn answer(&mut self, ticket: u64, verdict: Verdict) {
        let Some(first) = self.unanswered.front().map(|request| request.ticket) else {
            return;
        };
        let place = ticket.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        let Some(request) = place.and_then(|place| self.unanswered.get_mut(place)) else {
            return;
        };
        if std::mem::replace(&mut request.done, true) {
            return;
        }
        let (command, sequence) = (request.command, request.sequence);
        let status = match verdict {
            Verdict::Taken => CommandStatus::ESME_ROK,
            Verdict::Busy => self.shared.busy_status(),
        };
        self.respond(command, sequence, status);
        while self.unanswered.front().is_some_and(|request| request.done) {
            self.unanswered.pop_front();
        }
    }

    /// Whether a request still waits for our commit.
    pub(super) fn owes_answers(&self) -> bool {
        self.unanswered.iter().any(|request| !request.done)
    }

    /// When the first request has waited long enough.
    pub(super) fn next_answer_due(&self) -> Option<Instant> {
        self.unanswered.front().map(|request| request.deadline)
    }

    pub(super) fn answer_busy_what_waited_too_long(&mut self, now: Instant) {
        while let Some(request) = self.unanswered.pop_front_if(|request| request.deadline <= now) {
            if !request.done {
                metrics::counter!("araldo_inbound_busy_total", "carrier" => self.carrier()).increment(1);
                self.reports.send(LinkReport::AnsweredBusy).ok();
                let status = self.shared.busy_status();
                self.respond(request.command, request.sequence, status);
            }
        }
    }

    fn respond(&mut self, command: CommandId, sequence: SequenceNumber, status: CommandStatus) {
        if let Err(error) = self.session.respond(command, sequence, status, &COctet::EMPTY) {
            tracing::debug!(event = "answer_not_sent", bind = %self.bind, %error);
        }
    }

    /// Events that change nothing for a message.
    pub(super) fn note(&mut self, event: &Event<Ticket>) {
        match event {
            Event::BadPdu(bad) => {
                let reason = match &bad.reason {
                    BadPduReason::Unreadable(error) => error.to_string(),
                    BadPduReason::Refused(refusal) => format!("{}: {}", refusal.field, refusal.command_status),
                };
                let status = bad.answered.map_or(0, |status| status.0);
                tracing::warn!(event = "bad_pdu", bind = %self.bind, command = %bad.command_id.0, reason, status);
                let kept = bad.octets.len().min(KEEP_OF_BAD_PDU);
                let octets = Bytes::copy_from_slice(&bad.octets[..kept]);
                let bad = Inbound::Unreadable {
                    reason,
                    status,
                    octets,
                    slot: None,
                };
                self.inbound.try_send(bad).ok();
            }
            Event::UnknownResponse { sequence_number, .. } => {
                metrics::counter!("araldo_unknown_responses_total", "carrier" => self.carrier()).increment(1);
                tracing::debug!(event = "unknown_response", bind = %self.bind, sequence = sequence_number.0);
            }
            Event::UnknownCommand { command_id, .. } | Event::NotAllowed { command_id, .. } => {
                tracing::warn!(event = "pdu_not_allowed", bind = %self.bind, command = %format_args!("{:#010x}", command_id.0));
            }
            Event::Alert(_) | Event::Outbind(_) => tracing::info!(event = "pdu_ignored", bind = %self.bind),
            Event::Bound { .. }
            | Event::BindRequested { .. }
            | Event::Request { .. }
            | Event::Answered(_)
            | Event::Overdue { .. }
            | Event::Stalled { .. }
            | Event::Closed(_) => {}
        }
    }
}
