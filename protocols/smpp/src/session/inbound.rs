//! What the peer sends: frames cut, bodies read, each handed to the state it meets.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::timers::{Partial, Probe};
use super::{Answered, BadPdu, BadPduReason, CloseReason, Event, Role, RoleConfig, Session, State, may_send};
use crate::check;
use crate::framing::{announced, carries_password, next_frame};
use crate::pdu::{Decoded, Header, Outbind, Packet, Pdu};
use crate::value::{BindMode, InterfaceVersion};
use crate::{CommandId, CommandStatus as S, Forgiven, FrameError, Mode, SequenceNumber};

impl<T> Session<T> {
    /// Takes every whole PDU out of `input` and acts on it; a part of one stays there for the next call.
    ///
    /// After the session has ended, `input` is emptied.
    pub fn handle_bytes(&mut self, input: &mut BytesMut, now: Instant) {
        while !self.state.is_closed() {
            match next_frame(input, self.settings.max_pdu) {
                Ok(Some(frame)) => {
                    self.partial = None;
                    self.handle_frame(&frame, now);
                }
                Ok(None) => {
                    self.note_partial(input, now);
                    return;
                }
                Err(error) => self.handle_frame_error(error),
            }
        }
        input.clear();
    }

    /// Acts on one PDU cut elsewhere. One whose length disagrees with its header is treated as a bad body.
    pub fn handle_frame(&mut self, frame: &Bytes, now: Instant) {
        if self.state.is_closed() {
            return;
        }
        self.probe = Probe::new(now);
        match Header::parse(frame) {
            Some(header) if header.command_id.is_response() => self.handle_response(header, frame, now),
            Some(header) => self.handle_request(header, frame),
            None => {
                let (got, min, max) = (frame.len() as u32, Header::LENGTH as u32, self.settings.max_pdu as u32);
                self.handle_frame_error(FrameError {
                    got,
                    min,
                    max,
                    sequence_number: None,
                    looks_like: None,
                });
            }
        }
    }

    /// The stream cannot be read on: say so, under the number of the header if there was one, and close.
    fn handle_frame_error(&mut self, error: FrameError) {
        let sequence = error.sequence_number.unwrap_or(SequenceNumber::UNREAD);
        self.answer(CommandId::GENERIC_NACK, sequence, S::ESME_RINVCMDLEN);
        self.shut(CloseReason::Frame(error));
    }

    fn note_partial(&mut self, input: &[u8], now: Instant) {
        self.partial = match self.partial {
            _ if input.is_empty() => None,
            Some(Partial { since, .. }) => Some(Partial {
                since,
                got: input.len(),
                announced: announced(input),
            }),
            None => Some(Partial {
                since: now,
                got: input.len(),
                announced: announced(input),
            }),
        };
    }

    fn handle_request(&mut self, header: Header, frame: &Bytes) {
        let Header {
            command_id,
            sequence_number,
            ..
        } = header;
        if command_id.name().is_none() {
            self.answer(CommandId::GENERIC_NACK, sequence_number, S::ESME_RINVCMDID);
            self.events.push_back(Event::UnknownCommand {
                command_id,
                sequence_number,
            });
            return;
        }
        // enquire_link and unbind are whole without what may follow, and a link is worth more than that.
        let mode = if Pdu::has_fields(command_id) {
            self.settings.mode
        } else {
            Mode::Tolerant
        };
        let Decoded { packet, forgiven } = match Packet::decode(frame.clone(), mode) {
            Ok(decoded) => decoded,
            Err(error) => return self.refuse(header, frame, error.command_status, error.into()),
        };
        match packet.pdu {
            Pdu::EnquireLink(_) => self.answer(command_id, sequence_number, S::ESME_ROK),
            Pdu::Unbind(_) => self.handle_unbind(sequence_number),
            Pdu::BindReceiver(bind) => self.handle_bind(BindMode::Receiver, bind, sequence_number),
            Pdu::BindTransmitter(bind) => self.handle_bind(BindMode::Transmitter, bind, sequence_number),
            Pdu::BindTransceiver(bind) => self.handle_bind(BindMode::Transceiver, bind, sequence_number),
            Pdu::Outbind(outbind) => self.handle_outbind(outbind, sequence_number),
            pdu => self.handle_message(header, frame, pdu, forgiven),
        }
    }

    /// A request about a message: the state, the version and its own sense decide whether the caller sees it.
    fn handle_message(&mut self, header: Header, frame: &Bytes, pdu: Pdu, forgiven: Vec<Forgiven>) {
        let Header {
            command_id,
            sequence_number,
            ..
        } = header;
        let peer = match self.role() {
            Role::Esme => Role::MessageCentre,
            Role::MessageCentre => Role::Esme,
        };
        if !self.state.mode().is_some_and(|mode| may_send(peer, mode, command_id)) {
            return self.not_allowed(command_id, sequence_number);
        }
        if command_id.is_version_5()
            && self
                .state
                .version()
                .is_some_and(|version| version < InterfaceVersion::V5_0)
        {
            self.answer(CommandId::GENERIC_NACK, sequence_number, S::ESME_RINVCMDID);
            self.events.push_back(Event::UnknownCommand {
                command_id,
                sequence_number,
            });
            return;
        }
        let checked = match self.role {
            RoleConfig::Esme { .. } => check::delivered(&pdu),
            RoleConfig::MessageCentre { .. } => check::submitted(&pdu),
        };
        match (checked, pdu) {
            (Err(refusal), _) => self.refuse(header, frame, refusal.command_status, refusal.into()),
            (Ok(()), Pdu::AlertNotification(alert)) => self.events.push_back(Event::Alert(alert)),
            (Ok(()), pdu) => {
                let packet = Packet {
                    command_status: header.command_status,
                    sequence_number,
                    pdu,
                };
                self.events.push_back(Event::Request { packet, forgiven });
            }
        }
    }

    fn handle_bind(&mut self, mode: BindMode, bind: crate::pdu::Bind, sequence: SequenceNumber) {
        match (&self.role, self.state) {
            (RoleConfig::MessageCentre { .. }, State::Open { .. }) => {
                self.state = State::Deciding {
                    sequence,
                    mode,
                    offered: bind.interface_version,
                };
                self.events.push_back(Event::BindRequested { mode, bind });
            }
            (RoleConfig::MessageCentre { .. }, _) => self.answer(mode.command(), sequence, S::ESME_RALYBND),
            (RoleConfig::Esme { .. }, _) => self.not_allowed(mode.command(), sequence),
        }
    }

    fn handle_outbind(&mut self, outbind: Outbind, sequence: SequenceNumber) {
        match (&self.role, self.state) {
            (RoleConfig::Esme { accept_outbind: true }, State::Open { .. }) => {
                self.events.push_back(Event::Outbind(outbind));
            }
            (RoleConfig::Esme { accept_outbind: false }, State::Open { .. } | State::Binding { .. }) => {
                self.shut(CloseReason::OutbindRefused);
            }
            _ => self.not_allowed(CommandId::OUTBIND, sequence),
        }
    }

    fn handle_unbind(&mut self, sequence: SequenceNumber) {
        match self.state {
            State::Bound { .. } | State::Unbinding { .. } => {
                self.answer(CommandId::UNBIND, sequence, S::ESME_ROK);
                self.shut(CloseReason::PeerUnbound);
            }
            State::Open { .. } | State::Binding { .. } | State::Deciding { .. } | State::Closed(_) => {
                self.not_allowed(CommandId::UNBIND, sequence);
            }
        }
    }

    /// Refuses what this state does not allow. While our bind waits, nothing but its answer is in place: that ends it.
    fn not_allowed(&mut self, command_id: CommandId, sequence_number: SequenceNumber) {
        self.answer(command_id, sequence_number, S::ESME_RINVBNDSTS);
        self.events.push_back(Event::NotAllowed {
            command_id,
            sequence_number,
        });
        if let State::Binding { .. } = self.state {
            self.shut(CloseReason::UnexpectedPdu(command_id));
        }
    }

    /// Answers a body that cannot be taken, and tells of it; the session lives.
    fn refuse(&mut self, header: Header, frame: &Bytes, status: S, reason: BadPduReason) {
        let answered = header.command_id.response().map(|_| status);
        if answered.is_some() {
            self.answer(header.command_id, header.sequence_number, status);
        }
        self.tell_bad(header, frame, reason, answered);
    }

    fn tell_bad(&mut self, header: Header, frame: &Bytes, reason: BadPduReason, answered: Option<S>) {
        let Header {
            command_id,
            sequence_number,
            ..
        } = header;
        let octets = if carries_password(command_id) {
            Bytes::new()
        } else {
            frame.clone()
        };
        self.events.push_back(Event::BadPdu(BadPdu {
            command_id,
            sequence_number,
            octets,
            reason,
            answered,
        }));
    }

    fn handle_response(&mut self, header: Header, frame: &Bytes, now: Instant) {
        let Header {
            command_id,
            command_status,
            sequence_number,
            ..
        } = header;
        match (self.state, command_id) {
            (_, CommandId::ENQUIRE_LINK_RESP) => {}
            (
                State::Binding {
                    sequence,
                    mode,
                    offered,
                    ..
                },
                _,
            ) => {
                let nack = command_id == CommandId::GENERIC_NACK;
                let command_status = reason_given(command_id, command_status);
                let ours = BindMode::from_command(command_id) == Some(mode) && sequence == sequence_number;
                if nack || (ours && !command_status.is_ok()) {
                    self.shut(CloseReason::BindRefused(command_status));
                } else if ours {
                    self.handle_bind_resp(header, frame, mode, offered);
                } else {
                    self.shut(CloseReason::UnexpectedPdu(command_id));
                }
            }
            (State::Unbinding { sequence, .. }, CommandId::UNBIND_RESP | CommandId::GENERIC_NACK)
                if sequence == sequence_number =>
            {
                self.shut(CloseReason::Unbound);
            }
            _ => self.handle_answer(header, frame, now),
        }
    }

    fn handle_bind_resp(&mut self, header: Header, frame: &Bytes, mode: BindMode, offered: InterfaceVersion) {
        let (system_id, peer) = match Packet::decode(frame.clone(), Mode::Tolerant) {
            Ok(Decoded { packet, .. }) => match packet.pdu {
                Pdu::BindReceiverResp(body) | Pdu::BindTransmitterResp(body) | Pdu::BindTransceiverResp(body) => {
                    (body.system_id, body.tlvs.sc_interface_version())
                }
                _ => Default::default(),
            },
            Err(error) => {
                self.tell_bad(header, frame, error.into(), None);
                Default::default()
            }
        };
        // Without sc_interface_version the peer knows no TLVs by the letter (SMPP 3.4 §4.1.2); in practice it speaks 3.4.
        let version = offered.negotiate(peer.unwrap_or(InterfaceVersion::V3_4));
        self.state = State::Bound { mode, version };
        self.events.push_back(Event::Bound {
            mode,
            system_id,
            version,
        });
    }

    /// The answer to a request in the window, or to nothing.
    fn handle_answer(&mut self, header: Header, frame: &Bytes, now: Instant) {
        let Header {
            command_id,
            command_status,
            sequence_number,
            ..
        } = header;
        let taken = match command_id.request() {
            None => self.window.take(sequence_number, None),
            Some(request) if command_id.name().is_some() => self.window.take(sequence_number, Some(request)),
            Some(_) => None,
        };
        let Some((slot, late)) = taken else {
            self.unknown_responses += 1;
            self.events.push_back(Event::UnknownResponse {
                command_id,
                command_status,
                sequence_number,
            });
            return;
        };
        let (pdu, forgiven) = self.read_answer(header, frame);
        self.events.push_back(Event::Answered(Answered {
            ticket: slot.ticket,
            sequence_number,
            command_id: slot.command,
            command_status: reason_given(command_id, command_status),
            pdu,
            forgiven,
            late,
            waited: now.saturating_duration_since(slot.sent),
        }));
    }

    fn read_answer(&mut self, header: Header, frame: &Bytes) -> (Pdu, Vec<Forgiven>) {
        match Packet::decode(frame.clone(), Mode::Tolerant) {
            Ok(Decoded { packet, forgiven }) => (packet.pdu, forgiven),
            Err(error) => {
                self.tell_bad(header, frame, error.into(), None);
                (Pdu::Bodiless(header.command_id), Vec::new())
            }
        }
    }
}

/// A generic_nack is no success, whatever its status says.
fn reason_given(command: CommandId, status: S) -> S {
    if command == CommandId::GENERIC_NACK && status.is_ok() {
        S::ESME_RUNKNOWNERR
    } else {
        status
    }
}
