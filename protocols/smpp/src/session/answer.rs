//! What a session answers, asked without a link: the session itself is put into a state and fed the octets.
//!
//! There is no table of answers beside the session. Whoever wants one asks for every row.

use std::time::Instant;

use bytes::BytesMut;

use super::{CloseReason, EsmeConfig, Event, McConfig, Role, Session, Settings};
use crate::framing::next_frame;
use crate::pdu::{
    Bind, BroadcastSm, CancelBroadcastSm, CancelSm, DataSm, DeliverSm, Header, Packet, Pdu, QueryBroadcastSm, QuerySm,
    ReplaceSm, Request, SubmitMulti, SubmitMultiResp, SubmitSm,
};
use crate::value::{BindMode, COctet, InterfaceVersion};
use crate::{CommandId, CommandStatus as S, MAX_PDU, SequenceNumber};

/// Where a session stands when octets come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which side the session is.
    pub role: Role,
    /// Bound in which directions; `None` is the state OPEN (SMPP 3.4 §2.2).
    pub bound: Option<BindMode>,
    /// The version that the bind agrees on; without a meaning in OPEN.
    pub version: InterfaceVersion,
    /// A request of ours that waits for its response, under this number. One that role and bind do not allow is left out.
    pub outstanding: Option<(CommandId, SequenceNumber)>,
}

/// What the session did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// In one word; of several PDUs, what was done about the first.
    pub action: Action,
    /// The headers of what it sent, in order.
    pub sent: Vec<Header>,
    /// Why it closed; `None` when it lives.
    pub closed: Option<CloseReason>,
    /// Octets left at the end that are no whole PDU: it closes where the others do not come in time.
    pub left: usize,
}

impl Answer {
    /// Whether the link ends: at once, or for want of the rest of a PDU behind one that was answered.
    pub fn closes(&self) -> bool {
        self.closed.is_some() || (self.left > 0 && !self.sent.is_empty())
    }
}

/// What a session can do about octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It sends generic_nack.
    GenericNack,
    /// It sends the response that belongs to the request.
    Response,
    /// It needs more octets.
    Wait,
    /// It takes them and sends nothing, for they are a response to a request of ours, or call for none.
    Accept,
    /// It passes them over.
    Ignore,
    /// It closes without a word.
    Close,
}

impl Action {
    /// The word in the conformance vectors, as `generic_nack`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GenericNack => "generic_nack",
            Self::Response => "response",
            Self::Wait => "wait",
            Self::Accept => "accept",
            Self::Ignore => "ignore",
            Self::Close => "close",
        }
    }
}

impl Standing {
    /// A session that has no request outstanding and, where bound, speaks 3.4.
    pub const fn new(role: Role, bound: Option<BindMode>) -> Self {
        Self {
            role,
            bound,
            version: InterfaceVersion::V3_4,
            outstanding: None,
        }
    }

    /// The standing that the conformance vectors put in words: `receiver` is `server` or `client`, `state` is `OPEN`,
    /// `BOUND_TX`, `BOUND_RX` or `BOUND_TRX`; `None` for other words.
    ///
    /// They do not say what is outstanding. A bound session is presumed to have the largest window there is, full, and
    /// its numbers taken from 1: a response numbered up to 65,535 is waited for, one numbered higher was never asked for.
    ///
    /// ```
    /// use araldo_smpp::BindMode;
    /// use araldo_smpp::session::{Role, Standing};
    ///
    /// let octets = b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01";
    /// let standing = Standing::named("server", "BOUND_TX", octets);
    /// assert_eq!(standing, Some(Standing::new(Role::MessageCentre, Some(BindMode::Transmitter))));
    /// ```
    pub fn named(receiver: &str, state: &str, octets: &[u8]) -> Option<Self> {
        let role = match receiver {
            "server" => Role::MessageCentre,
            "client" => Role::Esme,
            _ => return None,
        };
        let bound = match state {
            "OPEN" => None,
            "BOUND_TX" => Some(BindMode::Transmitter),
            "BOUND_RX" => Some(BindMode::Receiver),
            "BOUND_TRX" => Some(BindMode::Transceiver),
            _ => return None,
        };
        let standing = Self::new(role, bound);
        let asked = Header::parse(octets).is_some_and(|header| header.sequence_number.0 <= u16::MAX.into());
        Some(if bound.is_some() && asked {
            standing.awaiting(octets)
        } else {
            standing
        })
    }

    /// The same with a request outstanding that these octets answer, if they are a response at all.
    #[must_use]
    pub fn awaiting(self, octets: &[u8]) -> Self {
        let header = Header::parse(octets);
        let outstanding = header.and_then(|header| Some((header.command_id.request()?, header.sequence_number)));
        Self { outstanding, ..self }
    }
}

/// What a session that stands so does about these octets, with its default settings.
///
/// A bind and a message that can be taken are taken. Of a message that is asked for by its id, nothing is known:
/// query_sm is answered ESME_RQUERYFAIL, and so on. `now` is any time; none passes.
///
/// ```
/// use std::time::Instant;
/// use araldo_smpp::session::{Action, Role, Standing, answer};
/// use araldo_smpp::{CommandId, CommandStatus};
///
/// let open = Standing::new(Role::MessageCentre, None);
/// let unknown = b"\0\0\0\x10\0\0\0\x0A\0\0\0\0\0\0\0\x07";
/// # #[expect(clippy::disallowed_methods)]
/// let answer = answer(open, unknown, Instant::now());
/// assert_eq!((answer.action, answer.closed), (Action::GenericNack, None));
/// assert_eq!(answer.sent[0].command_status, CommandStatus::ESME_RINVCMDID);
/// ```
pub fn answer(standing: Standing, octets: &[u8], now: Instant) -> Answer {
    let mut session = standing.session(now);
    let mut input = BytesMut::from(octets);
    session.handle_bytes(&mut input, now);
    let (mut taken, mut closed) = (None, None);
    while let Some(event) = session.poll_event() {
        let passed_over = matches!(event, Event::UnknownResponse { .. });
        match event {
            Event::BindRequested { .. } => _ = session.accept_bind(),
            Event::Request { packet, .. } => session.take(packet.command_id(), packet.sequence_number),
            Event::Closed(reason) => closed = Some(reason),
            _ => {}
        }
        taken.get_or_insert(!passed_over);
    }
    let mut sent = Vec::new();
    while let Ok(Some(frame)) = next_frame(session.transmit(), MAX_PDU) {
        sent.extend(Header::parse(&frame));
    }
    let action = match (sent.first(), closed) {
        (Some(header), _) if header.command_id == CommandId::GENERIC_NACK => Action::GenericNack,
        (Some(_), _) => Action::Response,
        (None, Some(_)) => Action::Close,
        (None, None) if taken == Some(true) => Action::Accept,
        (None, None) if taken == Some(false) || input.is_empty() => Action::Ignore,
        (None, None) => Action::Wait,
    };
    Answer {
        action,
        sent,
        closed,
        left: input.len(),
    }
}

impl Standing {
    fn session(self, now: Instant) -> Session<()> {
        let (esme, centre) = (EsmeConfig::default(), McConfig::default());
        let first_sequence = self.first_sequence();
        let settings = |settings| Settings {
            first_sequence,
            ..settings
        };
        let mut esme = Session::esme(
            EsmeConfig {
                settings: settings(esme.settings),
                // An ESME in OPEN has sent no bind: it waits for an outbind (SMPP 3.4 §2.2.1).
                accept_outbind: true,
            },
            now,
        );
        let mut centre = Session::message_centre(
            McConfig {
                settings: settings(centre.settings),
                ..centre
            },
            now,
        );
        if let Some(mode) = self.bound {
            let bind = Bind {
                interface_version: self.version,
                ..Bind::default()
            };
            _ = esme.bind(mode, bind, now);
            centre.handle_bytes(esme.transmit(), now);
            centre.accept_bind();
            esme.handle_bytes(centre.transmit(), now);
        }
        let mut session = match self.role {
            Role::Esme => esme,
            Role::MessageCentre => centre,
        };
        if let Some((command, _)) = self.outstanding {
            session.ask(command, now);
        }
        while session.poll_event().is_some() {}
        session.transmit().clear();
        session
    }

    /// The number from which the request outstanding gets its own. The bind of an ESME uses up the one before.
    fn first_sequence(self) -> SequenceNumber {
        let Some((_, number)) = self.outstanding else {
            return SequenceNumber::FIRST;
        };
        match (self.role, self.bound, number) {
            (Role::Esme, Some(_), SequenceNumber::FIRST) => SequenceNumber::LAST,
            (Role::Esme, Some(_), SequenceNumber(number)) => SequenceNumber(number.saturating_sub(1)),
            (Role::Esme, None, number) | (Role::MessageCentre, _, number) => number,
        }
    }
}

impl Session<()> {
    /// Sends a request of this command, if it may.
    fn ask(&mut self, command: CommandId, now: Instant) {
        match command {
            CommandId::SUBMIT_SM => self.ask_for::<SubmitSm>(now),
            CommandId::SUBMIT_MULTI => self.ask_for::<SubmitMulti>(now),
            CommandId::DELIVER_SM => self.ask_for::<DeliverSm>(now),
            CommandId::DATA_SM => self.ask_for::<DataSm>(now),
            CommandId::QUERY_SM => self.ask_for::<QuerySm>(now),
            CommandId::CANCEL_SM => self.ask_for::<CancelSm>(now),
            CommandId::REPLACE_SM => self.ask_for::<ReplaceSm>(now),
            CommandId::BROADCAST_SM => self.ask_for::<BroadcastSm>(now),
            CommandId::QUERY_BROADCAST_SM => self.ask_for::<QueryBroadcastSm>(now),
            CommandId::CANCEL_BROADCAST_SM => self.ask_for::<CancelBroadcastSm>(now),
            CommandId::UNBIND if self.is_bound() => self.unbind(now),
            other => {
                if let Some(mode) = BindMode::from_command(other) {
                    _ = self.bind(mode, Bind::default(), now);
                }
            }
        }
    }

    fn ask_for<R: Request + Default>(&mut self, now: Instant) {
        _ = self.submit(&R::default(), (), now);
    }

    /// Answers a request as a message centre does that takes everything and has issued no id, or as an ESME.
    fn take(&mut self, command: CommandId, sequence: SequenceNumber) {
        let status = match command {
            CommandId::QUERY_SM => S::ESME_RQUERYFAIL,
            CommandId::CANCEL_SM => S::ESME_RCANCELFAIL,
            CommandId::REPLACE_SM => S::ESME_RREPLACEFAIL,
            CommandId::QUERY_BROADCAST_SM => S::ESME_RBCASTQUERYFAIL,
            CommandId::CANCEL_BROADCAST_SM => S::ESME_RBCASTCANCELFAIL,
            CommandId::SUBMIT_MULTI => {
                let response = Packet::new(sequence, Pdu::SubmitMultiResp(SubmitMultiResp::default()));
                _ = self.respond_with(&response);
                return;
            }
            _ => S::ESME_ROK,
        };
        _ = self.respond(command, sequence, status, &COctet::from_static("1"));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test may begin its time now")]
mod tests {
    use super::*;

    fn action(standing: Standing, octets: &[u8]) -> Action {
        answer(standing, octets, Instant::now()).action
    }

    #[test]
    fn a_response_is_accepted_when_it_is_waited_for_and_passed_over_when_not() {
        let bound = Standing::new(Role::Esme, Some(BindMode::Transceiver));
        for number in [1_u32, 7, 0x7FFF_FFFF] {
            let octets = [&b"\0\0\0\x12\x80\0\0\x04\0\0\0\0"[..], &number.to_be_bytes(), b"1\0"].concat();
            assert_eq!(action(bound.awaiting(&octets), &octets), Action::Accept, "{number}");
            assert_eq!(action(bound, &octets), Action::Ignore, "{number}");
        }
    }

    #[test]
    fn a_bind_response_is_accepted_by_an_esme_that_binds_and_anything_else_closes_it() {
        let open = Standing::new(Role::Esme, None);
        let bind_resp = b"\0\0\0\x11\x80\0\0\x09\0\0\0\0\0\0\0\x01\0";
        assert_eq!(action(open.awaiting(bind_resp), bind_resp), Action::Accept);
        let submit_sm_resp = b"\0\0\0\x10\x80\0\0\x04\0\0\0\0\0\0\0\x01";
        assert_eq!(action(open.awaiting(bind_resp), submit_sm_resp), Action::Close);
    }

    #[test]
    fn a_part_of_a_pdu_waits() {
        let open = Standing::new(Role::MessageCentre, None);
        assert_eq!(action(open, b"\0\0\0\x10\0"), Action::Wait);
        assert_eq!(action(open, b""), Action::Ignore);
    }
}
