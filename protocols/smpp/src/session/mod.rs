//! A session without a socket: octets and time go in; octets, events and the next deadline come out.
//!
//! The driver owns socket and timer. After each call of [`Session::handle_bytes`], [`Session::handle_timeout`],
//! [`Session::submit`] and the like it writes what [`Session::transmit`] holds, takes every event, and sets its timer to
//! [`Session::poll_timeout`]. Neither side of a session ever waits for the other inside this module.

mod answer;
mod config;
mod error;
mod event;
mod inbound;
mod state;
mod table;
mod timers;
mod window;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::BytesMut;

pub use answer::{Action, Answer, Standing, answer};
pub use config::{EsmeConfig, McConfig, Settings, UNANSWERED_ENQUIRE_LINKS};
pub use error::{Rejected, RespondError, SubmitError, Submitted};
pub use event::{Answered, BadPdu, BadPduReason, Event, Outstanding};
pub use state::{CloseReason, Role, State};
pub use table::may_send;

use crate::field::EncodeError;
use crate::pdu::{
    AlertNotification, Bind, BindResp, BroadcastSmResp, DataSmResp, DeliverSmResp, Outbind, Packet, Pdu,
    QueryBroadcastSmResp, Request, SubmitSmResp, Unbind, encode_request,
};
use crate::value::{BindMode, COctet, InterfaceVersion};
use crate::{CommandId, CommandStatus, SequenceNumber, TlvTag, Tlvs, TlvsMut};
use timers::{Partial, Probe};
use window::Window;

/// One session in either role. `T` is what the caller wants back with the answer to a request.
#[derive(Debug)]
pub struct Session<T> {
    role: RoleConfig,
    settings: Settings,
    state: State,
    window: Window<T>,
    stalled: bool,
    out: BytesMut,
    events: VecDeque<Event<T>>,
    probe: Probe,
    partial: Option<Partial>,
    unknown_responses: u64,
}

#[derive(Debug)]
enum RoleConfig {
    Esme {
        accept_outbind: bool,
    },
    MessageCentre {
        system_id: COctet,
        version: InterfaceVersion,
    },
}

impl<T> Session<T> {
    /// A session on a link that we opened, or that is ours to bind on.
    pub fn esme(config: EsmeConfig, now: Instant) -> Self {
        let role = RoleConfig::Esme {
            accept_outbind: config.accept_outbind,
        };
        Self::new(role, config.settings, State::Open { deadline: None }, now)
    }

    /// A session on a link that somebody opened to us.
    pub fn message_centre(config: McConfig, now: Instant) -> Self {
        let role = RoleConfig::MessageCentre {
            system_id: config.system_id,
            version: config.version,
        };
        let deadline = Some(now + config.session_init_timeout);
        Self::new(role, config.settings, State::Open { deadline }, now)
    }

    fn new(role: RoleConfig, settings: Settings, state: State, now: Instant) -> Self {
        Self {
            role,
            window: Window::new(settings.window, settings.first_sequence),
            settings,
            state,
            stalled: false,
            out: BytesMut::new(),
            events: VecDeque::new(),
            probe: Probe::new(now),
            partial: None,
            unknown_responses: 0,
        }
    }

    /// ESME: asks to bind. [`Event::Bound`] or [`Event::Closed`] follows.
    pub fn bind(&mut self, mode: BindMode, bind: Bind, now: Instant) -> Result<SequenceNumber, SubmitError> {
        let (RoleConfig::Esme { .. }, State::Open { .. }) = (&self.role, &self.state) else {
            return Err(SubmitError::NotAllowed(mode.command()));
        };
        let offered = bind.interface_version;
        let sequence = self.send_control(Pdu::bind(mode, bind))?;
        let deadline = now + self.settings.response_timeout;
        self.state = State::Binding {
            sequence,
            mode,
            offered,
            deadline,
        };
        Ok(sequence)
    }

    /// Message centre: asks the ESME to bind as receiver. There is no answer but the bind.
    pub fn outbind(&mut self, outbind: Outbind) -> Result<SequenceNumber, SubmitError> {
        match (&self.role, &self.state) {
            (RoleConfig::MessageCentre { .. }, State::Open { .. }) => self.send_control(Pdu::Outbind(outbind)),
            _ => Err(SubmitError::NotAllowed(CommandId::OUTBIND)),
        }
    }

    /// Message centre: lets the peer in that [`Event::BindRequested`] told of. `false` when nobody waits for it.
    ///
    /// A peer of 3.4 or later is told our version; one of 3.3 gets no TLV.
    pub fn accept_bind(&mut self) -> bool {
        let (
            RoleConfig::MessageCentre { system_id, version },
            State::Deciding {
                sequence,
                mode,
                offered,
            },
        ) = (&self.role, self.state)
        else {
            return false;
        };
        let mut tlvs = TlvsMut::new();
        if offered.knows_tlvs() {
            tlvs.push_u8(TlvTag::SC_INTERFACE_VERSION, version.0);
        }
        let (body, version) = (
            BindResp {
                system_id: system_id.clone(),
                tlvs: tlvs.freeze(),
            },
            version.negotiate(offered),
        );
        let pdu = match mode {
            BindMode::Receiver => Pdu::BindReceiverResp(body),
            BindMode::Transmitter => Pdu::BindTransmitterResp(body),
            BindMode::Transceiver => Pdu::BindTransceiverResp(body),
        };
        if Packet::new(sequence, pdu).encode(&mut self.out).is_err() {
            self.answer(mode.command(), sequence, CommandStatus::ESME_RSYSERR);
            self.shut(CloseReason::RefusedBind(CommandStatus::ESME_RSYSERR));
            return false;
        }
        self.state = State::Bound { mode, version };
        true
    }

    /// Message centre: refuses the bind that [`Event::BindRequested`] told of, and closes.
    pub fn refuse_bind(&mut self, status: CommandStatus) -> bool {
        let State::Deciding { sequence, mode, .. } = self.state else {
            return false;
        };
        self.answer(mode.command(), sequence, status);
        self.shut(CloseReason::RefusedBind(status));
        true
    }

    /// Sends a request that will be answered: submit_sm, deliver_sm and the like.
    ///
    /// [`Event::Answered`] brings the ticket back; if the session ends before, [`Self::drain_outstanding`] does.
    pub fn submit<R: Request>(&mut self, request: &R, ticket: T, now: Instant) -> Submitted<T> {
        match self.encode_submit(request) {
            Ok(()) => Ok(self.window.push(R::COMMAND, ticket, now)),
            Err(error) => Err(Rejected { ticket, error }),
        }
    }

    fn encode_submit<R: Request>(&mut self, request: &R) -> Result<(), SubmitError> {
        self.may_send_now(R::COMMAND)?;
        if self.window.free() == 0 {
            return Err(SubmitError::WindowFull);
        }
        let sequence = self.window.upcoming();
        encode_request(request, sequence, &mut self.out).map_err(SubmitError::from)
    }

    /// Message centre: tells that a handset is reachable again; there is no answer.
    pub fn alert(&mut self, alert: AlertNotification) -> Result<SequenceNumber, SubmitError> {
        self.may_send_now(CommandId::ALERT_NOTIFICATION)?;
        self.send_control(Pdu::AlertNotification(alert))
    }

    /// Answers a request told by [`Event::Request`] whose response has a `message_id` or no field at all.
    ///
    /// `message_id` goes out with ESME_ROK only, and never with deliver_sm_resp, where it is unused.
    pub fn respond(
        &mut self,
        command: CommandId,
        sequence: SequenceNumber,
        status: CommandStatus,
        message_id: &COctet,
    ) -> Result<(), RespondError> {
        let response = command.response().ok_or(RespondError::NoResponse(command))?;
        let id = if status.is_ok() {
            message_id.clone()
        } else {
            COctet::EMPTY
        };
        let tlvs = Tlvs::EMPTY;
        let pdu = match command {
            CommandId::DELIVER_SM => Pdu::DeliverSmResp(DeliverSmResp::default()),
            CommandId::DATA_SM => Pdu::DataSmResp(DataSmResp { message_id: id, tlvs }),
            _ if !status.is_ok() => Pdu::Bodiless(response),
            CommandId::SUBMIT_SM => Pdu::SubmitSmResp(SubmitSmResp { message_id: id, tlvs }),
            CommandId::BROADCAST_SM => Pdu::BroadcastSmResp(BroadcastSmResp { message_id: id, tlvs }),
            CommandId::QUERY_BROADCAST_SM => Pdu::QueryBroadcastSmResp(QueryBroadcastSmResp { message_id: id, tlvs }),
            CommandId::CANCEL_SM | CommandId::REPLACE_SM | CommandId::CANCEL_BROADCAST_SM => Pdu::Bodiless(response),
            _ => return Err(RespondError::NeedsBody(command)),
        };
        self.respond_with(&Packet {
            command_status: status,
            sequence_number: sequence,
            pdu,
        })
    }

    /// Answers a request with a response put together by the caller.
    pub fn respond_with(&mut self, response: &Packet) -> Result<(), RespondError> {
        if self.state.is_closed() {
            return Err(RespondError::Closed);
        }
        if !response.command_id().is_response() {
            return Err(RespondError::NoResponse(response.command_id()));
        }
        response.encode(&mut self.out).map_err(RespondError::from)
    }

    /// Asks to end the session. Outstanding requests may still be answered until [`Event::Closed`].
    ///
    /// Where nothing is bound, the session ends at once.
    pub fn unbind(&mut self, now: Instant) {
        match self.state {
            State::Bound { mode, version } => match self.send_control(Pdu::Unbind(Unbind::default())) {
                Ok(sequence) => {
                    let deadline = now + self.settings.response_timeout;
                    self.state = State::Unbinding {
                        sequence,
                        mode,
                        version,
                        deadline,
                    };
                }
                Err(_) => self.shut(CloseReason::Local),
            },
            State::Open { .. } | State::Binding { .. } | State::Deciding { .. } => self.shut(CloseReason::Local),
            State::Unbinding { .. } | State::Closed(_) => {}
        }
    }

    /// Ends the session without a word, as when the link was lost.
    pub fn close(&mut self, reason: CloseReason) {
        self.shut(reason);
    }

    /// The next event, in the order things happened.
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        self.events.pop_front()
    }

    /// Octets to be written. The driver takes them out.
    pub fn transmit(&mut self) -> &mut BytesMut {
        &mut self.out
    }

    /// Every request without an answer, oldest first. After [`Event::Closed`] these are in doubt.
    pub fn drain_outstanding(&mut self) -> impl Iterator<Item = Outstanding<T>> + '_ {
        self.window.drain().map(|(sequence_number, slot, overdue)| Outstanding {
            ticket: slot.ticket,
            sequence_number,
            command_id: slot.command,
            overdue,
        })
    }

    /// Where the session stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Which side we are.
    pub fn role(&self) -> Role {
        match self.role {
            RoleConfig::Esme { .. } => Role::Esme,
            RoleConfig::MessageCentre { .. } => Role::MessageCentre,
        }
    }

    /// Whether requests can be sent.
    pub fn is_bound(&self) -> bool {
        matches!(self.state, State::Bound { .. })
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        self.state.is_closed()
    }

    /// Requests that could be sent now; zero when not bound.
    pub fn window_free(&self) -> usize {
        if self.is_bound() { self.window.free() } else { 0 }
    }

    /// Requests that wait for their answer, overdue ones included.
    pub fn outstanding(&self) -> usize {
        self.window.len()
    }

    /// Requests that have waited for longer than `response_timeout`.
    pub fn overdue(&self) -> usize {
        self.window.overdue()
    }

    /// The ticket of an outstanding request.
    pub fn ticket(&self, sequence: SequenceNumber) -> Option<&T> {
        self.window.get(sequence).map(|slot| &slot.ticket)
    }

    /// Responses passed over so far because nothing was outstanding under their number.
    pub fn unknown_responses(&self) -> u64 {
        self.unknown_responses
    }

    fn may_send_now(&self, command: CommandId) -> Result<(), SubmitError> {
        let State::Bound { mode, version } = self.state else {
            return Err(SubmitError::NotBound);
        };
        let known = version >= InterfaceVersion::V5_0 || !command.is_version_5();
        if known && may_send(self.role(), mode, command) {
            Ok(())
        } else {
            Err(SubmitError::NotAllowed(command))
        }
    }

    /// Sends a request that takes no slot of the window.
    fn send_control(&mut self, pdu: Pdu) -> Result<SequenceNumber, SubmitError> {
        let sequence = self.window.upcoming();
        Packet::new(sequence, pdu).encode(&mut self.out)?;
        Ok(self.window.advance())
    }

    /// Answers a request with a status and nothing else; one without a response gets generic_nack.
    fn answer(&mut self, command: CommandId, sequence: SequenceNumber, status: CommandStatus) {
        let pdu = match command {
            CommandId::DELIVER_SM => Pdu::DeliverSmResp(DeliverSmResp::default()),
            other => Pdu::Bodiless(other.response().unwrap_or(CommandId::GENERIC_NACK)),
        };
        let written: Result<(), EncodeError> = Packet {
            command_status: status,
            sequence_number: sequence,
            pdu,
        }
        .encode(&mut self.out);
        assert!(written.is_ok(), "a header, or a header and a NUL, can be written");
    }

    fn shut(&mut self, reason: CloseReason) {
        if !self.state.is_closed() {
            self.state = State::Closed(reason);
            self.partial = None;
            self.events.push_back(Event::Closed(reason));
        }
    }
}
