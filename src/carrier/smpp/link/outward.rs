//! To the carrier: messages as submit_sm into the window, and what became of each.

use araldo_smpp::session::{Answered, SubmitError};
use araldo_smpp::{Pdu, SequenceNumber};

use super::Driver;
use crate::carrier::smpp::{status, submit};
use crate::carrier::{LinkReport, Message, SubmitReport, SubmitResult};
use crate::clock::monotonic;
use crate::telemetry::panics::caught;

/// Which segment an outstanding submit carries, and where its octets begin in all that this link has written.
pub(super) struct Ticket {
    key: i64,
    number: u8,
    total: u8,
    begins: u64,
}

impl Driver {
    /// Cuts messages into the segments that wait for the window.
    pub(super) fn take(&mut self, messages: Vec<Message>) {
        let now = self.shared.clock.now();
        for message in messages {
            // A text that brings out a fault of ours costs itself alone, and not those that share the link.
            let pdus = caught("submit", || submit::pdus(&self.shared, &message, now)).flatten();
            match pdus {
                Some((pdus, total)) => self
                    .waiting
                    .extend(pdus.into_iter().map(|pdu| (message.key, total, pdu))),
                None => self.outcome(message.key, 1, 1, SubmitResult::Unsendable),
            }
        }
    }

    /// Submits what waits while the window has room.
    pub(super) fn submit_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let now = monotonic();
        while self.session.window_free() > 0 {
            let Some((key, total, segment)) = self.waiting.pop_front() else {
                break;
            };
            let number = segment.number;
            let begins = self.written + (self.output.len() + self.session.transmit().len()) as u64;
            let submitted = self.session.submit(
                &segment.pdu,
                Ticket {
                    key,
                    number,
                    total,
                    begins,
                },
                now,
            );
            if let Err(rejected) = submitted {
                let result = match rejected.error {
                    SubmitError::Encode(_) => SubmitResult::Unsendable,
                    SubmitError::WindowFull | SubmitError::NotBound | SubmitError::NotAllowed(_) => {
                        SubmitResult::NotWritten
                    }
                };
                self.outcome(key, number, total, result);
            }
        }
    }

    pub(super) fn answered(&mut self, answered: Answered<Ticket>) {
        let ticket = answered.ticket;
        self.submit_seconds.record(answered.waited.as_secs_f64());
        let status = answered.command_status;
        let result = if status.is_ok() {
            let id = match &answered.pdu {
                Pdu::SubmitSmResp(resp) if !resp.message_id.is_empty() => Some(resp.message_id.as_str().into()),
                _ => None,
            };
            SubmitResult::Accepted { carrier_message_id: id }
        } else {
            metrics::counter!(
                "araldo_submit_errors_total", "carrier" => self.carrier(), "command_status" => status.to_string()
            )
            .increment(1);
            SubmitResult::Refused {
                status: status.0,
                action: status::action(status, &self.shared.overrides),
            }
        };
        self.outcome(ticket.key, ticket.number, ticket.total, result);
    }

    /// The answer is late: whether the carrier has taken it is not known.
    pub(super) fn overdue(&mut self, sequence_number: SequenceNumber) {
        if let Some(ticket) = self.session.ticket(sequence_number) {
            let (key, number, total) = (ticket.key, ticket.number, ticket.total);
            self.outcome(key, number, total, SubmitResult::Overdue);
        }
    }

    /// What was submitted and has no answer: not written where nothing of it has left, in doubt otherwise.
    pub(super) fn give_back_outstanding(&mut self) {
        let outstanding: Vec<_> = self.session.drain_outstanding().collect();
        for request in outstanding {
            if request.overdue {
                continue;
            }
            let ticket = request.ticket;
            let result = if ticket.begins >= self.written {
                SubmitResult::NotWritten
            } else {
                SubmitResult::Lost
            };
            self.outcome(ticket.key, ticket.number, ticket.total, result);
        }
    }

    /// What found no place in the window.
    pub(super) fn give_back_waiting(&mut self) {
        for (key, total, segment) in std::mem::take(&mut self.waiting) {
            self.outcome(key, segment.number, total, SubmitResult::NotWritten);
        }
    }

    /// Messages of which no segment was made: each is unwritten as a whole.
    pub(super) fn give_back(&mut self, messages: &[Message]) {
        for message in messages {
            self.outcome(message.key, 0, 0, SubmitResult::NotWritten);
        }
    }

    fn outcome(&mut self, key: i64, number: u8, total: u8, result: SubmitResult) {
        self.outcomes.push(SubmitReport {
            key,
            number,
            total,
            result,
        });
    }

    /// Tells the bind what has become of its submits since it was last told.
    pub(super) fn report(&mut self) {
        if !self.outcomes.is_empty() {
            self.reports
                .send(LinkReport::Submits(std::mem::take(&mut self.outcomes)))
                .ok();
        }
    }
}
