//! From the ESME: each PDU into the ledger, past the fault script, through the session, to its answer.

use std::sync::Arc;
use std::time::Instant;

use araldo_smpp::framing::next_frame;
use araldo_smpp::pdu::{Bind, Header};
use araldo_smpp::session::{Answered, CloseReason, Event};
use araldo_smpp::{BindMode, CommandId, CommandStatus, MAX_PDU, Packet, Pdu, StatusClass};
use bytes::{Bytes, BytesMut};

use super::{Act, Ending, Link, Reading, SegmentTrap};
use crate::clock::monotonic;
use crate::simulator::centre::Taken;
use crate::simulator::delivery::{Delivery, TRIES, What};
use crate::simulator::event::SimulatorEvent;
use crate::simulator::fault::{Fault, Subject};
use crate::simulator::ledger::Direction;
use crate::simulator::submission::Submission;

/// Long messages with only some segments to be answered that a link keeps in mind.
const TRAPS: usize = 100;

impl Link {
    /// Acts on every whole PDU that has come.
    pub(super) fn handle_input(&mut self) {
        let now = monotonic();
        self.watched = self.centre.is_watched();
        while self.reads() && !self.session.is_closed() {
            // A length that cannot be is left to the session, which says so and closes.
            let Ok(Some(frame)) = next_frame(&mut self.input, MAX_PDU) else {
                break;
            };
            self.handle_frame(&frame, now);
        }
        if self.reads() {
            self.session.handle_bytes(&mut self.input, now);
            self.drain_session(now);
        }
        self.pump(now);
    }

    /// Takes what the session has to tell and to write outside of an exchange.
    pub(super) fn drain_session(&mut self, now: Instant) {
        while let Some(event) = self.session.poll_event() {
            let _ = self.handle_event(event, now);
        }
        let written = self.session.transmit().split();
        self.push_out(&written);
    }

    fn handle_frame(&mut self, frame: &Bytes, now: Instant) {
        let Some(header) = Header::parse(frame) else { return };
        let mark = self.record(Direction::In, frame, now);
        let mut fault = self.early_fault(header);
        // An answer of the ESME, a probe or an unbind that is passed over leaves the session as it was.
        let passed_over = matches!(
            fault,
            Some(Fault::DropBeforeReading | Fault::DropBeforeResponse | Fault::Reset | Fault::NoResponse)
        );
        if !passed_over {
            self.session.handle_frame(frame, now);
            while let Some(event) = self.session.poll_event() {
                if let Some(later) = self.handle_event(event, now) {
                    fault = Some(later);
                }
            }
        }
        let answer = self.session.transmit().split();
        match fault {
            None => self.answer(header, answer, now),
            Some(fault) => self.befall(&fault, header, answer, mark, now),
        }
    }

    /// Faults of PDUs that the session deals with alone, decided before it sees them.
    fn early_fault(&self, header: Header) -> Option<Fault> {
        let command = header.command_id;
        let alone = command.is_response() || matches!(command, CommandId::ENQUIRE_LINK | CommandId::UNBIND);
        alone.then(|| self.decide(command, None))?
    }

    fn decide(&self, command: CommandId, submission: Option<&Submission<'_>>) -> Option<Fault> {
        let system_id = self.system_id.as_deref().unwrap_or_default();
        self.centre.decide(&Subject {
            command,
            system_id,
            message: submission.map(Submission::subject),
        })
    }

    /// Sends the answer, or lays it by for as long as every submit_sm waits.
    fn answer(&mut self, header: Header, answer: BytesMut, now: Instant) {
        let delay = self.centre.config.response_delay;
        let waits = matches!(header.command_id, CommandId::SUBMIT_SM | CommandId::DATA_SM) && !delay.is_zero();
        if waits && !answer.is_empty() {
            self.lay_by(now + delay, answer);
        } else {
            self.push_out(&answer);
        }
    }

    fn lay_by(&mut self, due: Instant, answer: BytesMut) {
        self.unanswered += 1;
        self.tally.peak_unanswered = self.tally.peak_unanswered.max(self.unanswered as u64);
        self.tally.changed = true;
        self.do_later(due, Act::Answer(answer.freeze()));
    }

    /// Lets the fault happen. `answer` is what would have been written, `mark` where the ledger was before the PDU.
    fn befall(&mut self, fault: &Fault, header: Header, mut answer: BytesMut, mark: usize, now: Instant) {
        let sequence = header.sequence_number.0;
        if *fault == Fault::DropBeforeReading {
            self.lines.forget(mark);
        }
        self.note(fault.name(), sequence, &[], now);
        if self.watched {
            let at = self.centre.now();
            self.centre.tell(SimulatorEvent::Fault {
                at,
                conn: self.conn,
                fault: fault.name(),
                sequence,
            });
        }
        match *fault {
            // Octets left unread make the system reset the link, so a reset is what the peer would see.
            Fault::DropBeforeReading | Fault::Reset => self.end(Ending::Reset),
            Fault::DropBeforeResponse => self.end(Ending::Drop),
            Fault::DropAfterResponse => {
                self.push_out(&answer);
                self.end(Ending::Graceful);
            }
            Fault::Stall { drop_after } => {
                let half = answer.split_to(answer.len() / 2);
                self.push_raw("half of the answer", sequence, &half, now);
                self.stalled = true;
                self.reading = Reading::Off(None);
                if let Some(span) = drop_after {
                    self.do_later(now + span, Act::End(Ending::Drop));
                }
            }
            Fault::Delay { by } if !answer.is_empty() => {
                self.bind_unanswered |= header.command_id.is_bind();
                self.lay_by(now + by, answer);
            }
            Fault::Delay { .. } => {}
            Fault::WrongSequence => {
                let wrong = header.sequence_number.0 ^ 0x4000_0000;
                if let Some(octets) = answer.get_mut(12..16) {
                    octets.copy_from_slice(&wrong.to_be_bytes());
                }
                self.push_out(&answer);
            }
            Fault::DuplicateResponse => {
                self.push_out(&answer);
                self.push_out(&answer);
            }
            Fault::Status(status) => {
                // Already so but for what the session answers alone.
                if let Some(octets) = answer.get_mut(8..12) {
                    octets.copy_from_slice(&status.0.0.to_be_bytes());
                }
                self.answer(header, answer, now);
            }
            Fault::Garbage { octets } => {
                // No length that a PDU may have, whatever comes before.
                let garbage = vec![0xFF; usize::from(octets)];
                self.push_raw("garbage", sequence, &garbage, now);
            }
            Fault::AnswerSegments { .. } => self.push_out(&answer),
            Fault::Unbind => {
                self.deaf = true;
                self.session.unbind(now);
                self.drain_session(now);
            }
            Fault::NoResponse => self.bind_unanswered |= header.command_id.is_bind(),
            Fault::StopReading { resume_after } => {
                self.push_out(&answer);
                self.reading = Reading::Off(resume_after.map(|span| now + span));
            }
        }
    }

    /// Acts on an event; gives back the fault that befalls the PDU it came from.
    fn handle_event(&mut self, event: Event<Delivery>, now: Instant) -> Option<Fault> {
        match event {
            Event::BindRequested { mode, bind } => return self.handle_bind(mode, &bind),
            Event::Request { .. } if self.deaf => return Some(Fault::NoResponse),
            Event::Request { packet, .. } => return self.handle_request(&packet, now),
            Event::Answered(answered) => self.handle_answered(answered, now),
            Event::BadPdu(_) | Event::NotAllowed { .. } | Event::UnknownCommand { .. } => {
                self.tally.bad_pdus += 1;
                self.tally.changed = true;
            }
            Event::Closed(reason) => self.end(match reason {
                CloseReason::LinkLost => Ending::Drop,
                _ => Ending::Graceful,
            }),
            Event::Bound { .. }
            | Event::Outbind(_)
            | Event::Alert(_)
            | Event::Overdue { .. }
            | Event::Stalled { .. }
            | Event::UnknownResponse { .. } => {}
        }
        None
    }

    fn handle_bind(&mut self, mode: BindMode, bind: &Bind) -> Option<Fault> {
        let system_id: Arc<str> = bind.system_id.as_str().into();
        self.system_id = Some(Arc::clone(&system_id));
        let fault = self.decide(mode.command(), None);
        let refused = match &fault {
            // Neither let in nor refused, or never read.
            Some(Fault::NoResponse | Fault::DropBeforeReading | Fault::DropBeforeResponse | Fault::Reset) => {
                return fault;
            }
            Some(Fault::Status(status)) => Some(status.0),
            _ => self.centre.admit(bind).err(),
        };
        if let Some(status) = refused {
            self.session.refuse_bind(status);
            self.centre.count(|stats| stats.binds_refused += 1);
            return fault;
        }
        if self.session.accept_bind() {
            let waiting = self.centre.enter(self.conn, &system_id, mode, &self.mailbox);
            self.ready.extend(waiting);
            let (at, mode) = (self.centre.now(), mode_word(mode));
            tracing::debug!(conn = self.conn, system_id = &*system_id, mode, "simulator_bound");
            self.centre.tell(SimulatorEvent::Bound {
                at,
                conn: self.conn,
                system_id: system_id.to_string(),
                mode,
            });
        }
        fault
    }

    fn handle_request(&mut self, packet: &Packet, now: Instant) -> Option<Fault> {
        let submission = match &packet.pdu {
            Pdu::SubmitSm(pdu) => Submission::of_submit_sm(pdu),
            Pdu::DataSm(pdu) => Submission::of_data_sm(pdu),
            _ => return self.handle_other(packet, now),
        };
        let fault = match self.trapped(&submission) {
            Some(trapped) => trapped,
            None => self
                .decide(packet.command_id(), Some(&submission))
                .map(|fault| self.set_trap(fault, &submission)),
        };
        if fault == Some(Fault::DropBeforeReading) {
            return fault;
        }
        self.tally.submits += 1;
        self.tally.changed = true;
        if let Some(Fault::Status(status)) = fault {
            self.respond(packet, status.0, "");
            return fault;
        }
        let Some(system_id) = self.system_id.clone() else {
            return fault;
        };
        match self.centre.take(&submission, &system_id, self.unanswered, now) {
            Taken::Refused(status) => self.respond(packet, status, ""),
            Taken::As { id, receipts, early } => {
                if let Some(receipt) = early {
                    self.deliver(Delivery::receipt(&system_id, receipt), now);
                    let before = self.session.transmit().split();
                    self.push_out(&before);
                }
                self.respond(packet, CommandStatus::ESME_ROK, &id.as_str());
                self.schedule(&system_id, receipts, now);
            }
        }
        fault
    }

    fn schedule(
        &mut self,
        system_id: &Arc<str>,
        receipts: Vec<(Instant, crate::simulator::receipt::Receipt)>,
        now: Instant,
    ) {
        for (due, receipt) in receipts {
            let delivery = Delivery::receipt(system_id, receipt);
            if due <= now {
                self.ready.push_back(delivery);
            } else {
                self.do_later(due, Act::Deliver(delivery));
            }
        }
    }

    fn handle_other(&mut self, packet: &Packet, now: Instant) -> Option<Fault> {
        let fault = self.decide(packet.command_id(), None);
        if let Some(Fault::Status(status)) = fault {
            self.respond(packet, status.0, "");
            return fault;
        }
        match &packet.pdu {
            Pdu::QuerySm(query) => match self.centre.query(&query.message_id, now) {
                Some(answer) => {
                    let answered = self
                        .session
                        .respond_with(&Packet::new(packet.sequence_number, Pdu::QuerySmResp(answer)));
                    debug_assert!(answered.is_ok(), "an id that came can go back");
                }
                None => self.respond(packet, CommandStatus::ESME_RQUERYFAIL, ""),
            },
            Pdu::CancelSm(_) => self.respond(packet, CommandStatus::ESME_RCANCELFAIL, ""),
            Pdu::ReplaceSm(_) => self.respond(packet, CommandStatus::ESME_RREPLACEFAIL, ""),
            Pdu::SubmitMulti(_) => self.respond(packet, CommandStatus::ESME_RSUBMITFAIL, ""),
            _ => self.respond(packet, CommandStatus::ESME_RPROHIBITED, ""),
        }
        fault
    }

    fn respond(&mut self, packet: &Packet, status: CommandStatus, id: &str) {
        let command = packet.command_id();
        let answered = self
            .session
            .respond(command, packet.sequence_number, status, &id.into());
        if answered.is_err() {
            let Some(response) = command.response() else { return };
            let bare = Packet {
                command_status: status,
                sequence_number: packet.sequence_number,
                pdu: Pdu::Bodiless(response),
            };
            let _ = self.session.respond_with(&bare);
        }
    }

    /// What befalls a segment of a message of which only some are answered; `None` for every other message.
    fn trapped(&mut self, submission: &Submission<'_>) -> Option<Option<Fault>> {
        if self.traps.is_empty() {
            return None;
        }
        let concat = submission.concat()?;
        let ours = |trap: &&mut SegmentTrap| {
            trap.reference == concat.reference && trap.destination == submission.destination.addr
        };
        let trap = self.traps.iter_mut().find(ours)?;
        match trap.left.checked_sub(1) {
            Some(left) => {
                trap.left = left;
                Some(None)
            }
            None => Some(Some(Fault::DropBeforeResponse)),
        }
    }

    /// Remembers how many segments more of this message, of which the first has come, are answered.
    fn set_trap(&mut self, fault: Fault, submission: &Submission<'_>) -> Fault {
        let (Fault::AnswerSegments { answered }, Some(concat)) = (&fault, submission.concat()) else {
            return fault;
        };
        let Some(left) = answered.checked_sub(1) else {
            return Fault::DropBeforeResponse;
        };
        if self.traps.len() >= TRAPS {
            self.traps.remove(0);
        }
        let destination = submission.destination.addr.detached();
        self.traps.push(SegmentTrap {
            destination,
            reference: concat.reference,
            left,
        });
        fault
    }

    fn handle_answered(&mut self, answered: Answered<Delivery>, now: Instant) {
        let Answered {
            ticket: mut delivery,
            command_status: status,
            ..
        } = answered;
        let ok = status.is_ok();
        match &mut delivery.what {
            What::Receipt(_) if ok => self.tally.receipts_taken += 1,
            What::Receipt(_) => self.tally.receipts_refused += 1,
            What::Mo(segment) => {
                if ok {
                    self.tally.mos_taken += 1;
                } else {
                    self.tally.mos_refused += 1;
                }
                if let Some(waiting) = segment.answer.take() {
                    // Whoever asked may have gone.
                    let _ = waiting.send(status);
                }
            }
        }
        self.tally.changed = true;
        if ok {
            return;
        }
        delivery.tries += 1;
        match status.class() {
            StatusClass::Throttled | StatusClass::Temporary if delivery.tries < TRIES => {
                self.do_later(now + self.centre.config.deliver_retry, Act::Deliver(delivery));
            }
            _ => self.tally.given_up += 1,
        }
    }
}

fn mode_word(mode: BindMode) -> &'static str {
    match mode {
        BindMode::Transmitter => "transmitter",
        BindMode::Receiver => "receiver",
        BindMode::Transceiver => "transceiver",
    }
}
