//! To the ESME: answers and deliveries, into the ledger first and then into the socket.

use std::io;
use std::time::Instant;

use araldo_smpp::framing::carries_password;
use araldo_smpp::pdu::Header;
use araldo_smpp::session::SubmitError;
use araldo_smpp::{CommandId, CommandStatus, MessageState};
use bytes::Bytes;

use super::{Link, Tally, UNWRITTEN};
use crate::clock::monotonic;
use crate::simulator::delivery::{Delivery, What};
use crate::simulator::event::SimulatorEvent;
use crate::simulator::ledger::Direction;
use crate::simulator::receipt;

impl Link {
    /// Sends deliveries that are due while the window has room.
    pub(super) fn pump(&mut self, now: Instant) {
        if self.ending.is_some() || self.bind_unanswered || self.stalled {
            return;
        }
        let any_link = !self.ready.is_empty() && self.centre.receipts_on_any_link();
        // Where the ESME bound to send only, its receipts go by another link.
        let elsewhere = any_link
            || matches!(self.session.state(), araldo_smpp::session::State::Bound { mode, .. } if !mode.delivers());
        while self.session.window_free() > 0 {
            let Some(mut delivery) = self.ready.pop_front() else {
                break;
            };
            if elsewhere && !delivery.posted {
                delivery.posted = true;
                self.centre.post(delivery);
            } else {
                self.deliver(delivery, now);
            }
        }
        let written = self.session.transmit().split();
        self.push_out(&written);
    }

    /// Writes one deliver_sm; puts it back where there is no room.
    pub(super) fn deliver(&mut self, delivery: Delivery, now: Instant) {
        let pdu = match &delivery.what {
            What::Receipt(receipt) => receipt.deliver_sm(),
            What::Mo(segment) => segment.pdu.clone(),
        };
        let told = self.watched.then(|| self.receipt_event(&delivery)).flatten();
        let is_receipt = delivery.is_receipt();
        match self.session.submit(&pdu, delivery, now) {
            Ok(_) => {
                if is_receipt {
                    self.tally.receipts_sent += 1;
                } else {
                    self.tally.mos_sent += 1;
                }
                if let Some(event) = told {
                    self.centre.tell(event);
                }
            }
            Err(rejected) => match rejected.error {
                SubmitError::WindowFull | SubmitError::NotBound => self.ready.push_back(rejected.ticket),
                // Bound to send only: another link of the same ESME has to take it.
                SubmitError::NotAllowed(_) => self.centre.post(rejected.ticket),
                SubmitError::Encode(error) => {
                    tracing::warn!(conn = self.conn, %error, "simulator_delivery_unencodable");
                    self.tally.given_up += 1;
                }
            },
        }
        self.tally.changed = true;
    }

    fn receipt_event(&self, delivery: &Delivery) -> Option<SimulatorEvent> {
        let What::Receipt(receipt) = &delivery.what else {
            return None;
        };
        Some(SimulatorEvent::Receipt {
            at: self.centre.now(),
            id: receipt.id(),
            to: receipt.phone.addr.as_str().into_owned(),
            state: receipt::word(receipt.state),
            is_final: receipt.state != MessageState::ENROUTE,
        })
    }

    /// Puts whole PDUs into the ledger and behind what waits for the socket.
    pub(super) fn push_out(&mut self, pdus: &[u8]) {
        if pdus.is_empty() || self.stalled {
            return;
        }
        self.out.extend_from_slice(pdus);
        let now = monotonic();
        let mut rest = pdus;
        while let Some(header) = Header::parse(rest) {
            let length = usize::try_from(header.command_length)
                .unwrap_or(rest.len())
                .clamp(Header::LENGTH, rest.len());
            let (pdu, tail) = rest.split_at(length);
            self.record(Direction::Out, pdu, now);
            if matches!(header.command_id, CommandId::SUBMIT_SM_RESP | CommandId::DATA_SM_RESP) {
                self.tally.answered(header.command_status);
            }
            rest = tail;
        }
    }

    /// Puts octets that are no PDU behind what waits for the socket; the ledger has them as a note.
    pub(super) fn push_raw(&mut self, what: &str, sequence: u32, octets: &[u8], now: Instant) {
        self.note(what, sequence, octets, now);
        self.out.extend_from_slice(octets);
    }

    /// Enters a PDU into ledger and feed; gives back where the ledger was before.
    pub(super) fn record(&mut self, direction: Direction, pdu: &[u8], now: Instant) -> usize {
        let mark = self.lines.mark();
        if self.centre.ledger.is_some() {
            self.lines.pdu(self.centre.at_ns(now), self.conn, direction, pdu);
        }
        if self.watched
            && let Some(header) = Header::parse(pdu)
        {
            self.centre.tell(SimulatorEvent::Pdu {
                at: self.centre.now(),
                conn: self.conn,
                dir: direction,
                command: header
                    .command_id
                    .name()
                    .map_or_else(|| format!("0x{:08x}", header.command_id.0), str::to_owned),
                sequence: header.sequence_number.0,
                status: header.command_status.to_string(),
                length: header.command_length,
                frame: if carries_password(header.command_id) {
                    Bytes::new()
                } else {
                    Bytes::copy_from_slice(pdu)
                },
            });
        }
        mark
    }

    pub(super) fn note(&mut self, what: &str, sequence: u32, octets: &[u8], now: Instant) {
        if self.centre.ledger.is_some() {
            self.lines
                .note(self.centre.at_ns(now), self.conn, what, sequence, octets);
        }
    }

    /// Writes the ledger, then as much to the socket as it takes at once.
    ///
    /// The ledger's write blocks for as long as the page cache takes; on an error nothing is answered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.settle();
        if !self.lines.is_empty() {
            let recorded = self.centre.record(self.lines.as_bytes());
            self.lines.clear();
            if let Err(error) = recorded {
                tracing::error!(conn = self.conn, %error, "simulator_ledger_lost");
                return Err(error);
            }
        }
        while !self.out.is_empty() {
            match self.stream.try_write(&self.out) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let _ = self.out.split_to(written);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if self.out.len() > UNWRITTEN {
            return Err(io::Error::other("the peer does not read"));
        }
        Ok(())
    }

    /// Hands the counts over.
    pub(super) fn settle(&mut self) {
        if !self.tally.changed {
            return;
        }
        let Tally {
            submits,
            receipts_sent,
            receipts_taken,
            receipts_refused,
            mos_sent,
            mos_taken,
            mos_refused,
            bad_pdus,
            given_up,
            ok,
            other,
            peak_unanswered,
            changed: _,
        } = std::mem::take(&mut self.tally);
        self.centre.count(|stats| {
            stats.submits += submits;
            stats.receipts_sent += receipts_sent;
            stats.receipts_taken += receipts_taken;
            stats.receipts_refused += receipts_refused;
            stats.mos_sent += mos_sent;
            stats.mos_taken += mos_taken;
            stats.mos_refused += mos_refused;
            stats.bad_pdus += bad_pdus;
            stats.given_up += given_up;
            stats.peak_unanswered = stats.peak_unanswered.max(peak_unanswered);
            if ok > 0 {
                stats.answered("ESME_ROK", ok);
            }
            for status in &other {
                stats.answered(status, 1);
            }
        });
    }
}

impl Tally {
    fn answered(&mut self, status: CommandStatus) {
        self.changed = true;
        if status.is_ok() {
            self.ok += 1;
        } else {
            self.other.push(status.to_string());
        }
    }
}
