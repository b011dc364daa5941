//! What a session tells its caller.

use std::time::Duration;

use bytes::Bytes;

use super::CloseReason;
use crate::check::Refusal;
use crate::decode::{DecodeError, Forgiven};
use crate::pdu::{AlertNotification, Bind, Outbind, Packet, Pdu};
use crate::value::{BindMode, COctet, InterfaceVersion};
use crate::{CommandId, CommandStatus, SequenceNumber};

/// Something the caller should know or act on. `T` is what it gave with a request.
#[derive(Debug)]
pub enum Event<T> {
    /// ESME: the bind was accepted.
    Bound {
        /// In which directions.
        mode: BindMode,
        /// How the message centre names itself.
        system_id: COctet,
        /// The version both speak.
        version: InterfaceVersion,
    },
    /// Message centre: the peer asks to bind; answer by `accept_bind` or `refuse_bind`.
    BindRequested {
        /// In which directions.
        mode: BindMode,
        /// Who, and with which password.
        bind: Bind,
    },
    /// ESME: the message centre asks to be bound to.
    Outbind(Outbind),
    /// A request that the caller answers, by `respond` or `respond_with`, in any order.
    Request {
        /// The request.
        packet: Packet,
        /// What was passed over to read it.
        forgiven: Vec<Forgiven>,
    },
    /// A handset is reachable again.
    Alert(AlertNotification),
    /// A request of ours has its answer.
    Answered(Answered<T>),
    /// A request of ours has waited for `response_timeout`. It keeps its slot: the answer may still come.
    Overdue {
        /// Its number; the ticket is at [`super::Session::ticket`].
        sequence_number: SequenceNumber,
        /// Its command.
        command_id: CommandId,
        /// How long it has waited.
        waited: Duration,
    },
    /// Half the window is overdue: nothing much will move on this session any more.
    Stalled {
        /// Requests overdue.
        overdue: usize,
        /// The size of the window.
        window: usize,
    },
    /// A PDU that was refused for its body, or a response whose body could not be read; the session lives.
    BadPdu(BadPdu),
    /// A request that this state does not allow; it was refused.
    NotAllowed {
        /// Its command.
        command_id: CommandId,
        /// Its number.
        sequence_number: SequenceNumber,
    },
    /// A request nobody defined; it was answered with generic_nack.
    UnknownCommand {
        /// Its command.
        command_id: CommandId,
        /// Its number.
        sequence_number: SequenceNumber,
    },
    /// A response to nothing that is outstanding, or one nobody defined; it was passed over.
    UnknownResponse {
        /// Its command.
        command_id: CommandId,
        /// Its status.
        command_status: CommandStatus,
        /// Its number.
        sequence_number: SequenceNumber,
    },
    /// The session has ended. Write what the transmit buffer holds, close the link, take `drain_outstanding`.
    Closed(CloseReason),
}

/// The answer to a request of ours.
#[derive(Debug)]
pub struct Answered<T> {
    /// What the caller gave with the request.
    pub ticket: T,
    /// The request's number.
    pub sequence_number: SequenceNumber,
    /// The request's command.
    pub command_id: CommandId,
    /// How it ended. A generic_nack that says ESME_ROK is told as ESME_RUNKNOWNERR: it is no success.
    pub command_status: CommandStatus,
    /// The response; [`Pdu::Bodiless`] when it had no body or an unreadable one.
    pub pdu: Pdu,
    /// What was passed over to read it.
    pub forgiven: Vec<Forgiven>,
    /// Whether [`Event::Overdue`] was told before.
    pub late: bool,
    /// How long the answer took.
    pub waited: Duration,
}

/// A PDU worth keeping for inspection.
#[derive(Clone, Debug)]
pub struct BadPdu {
    /// Its command.
    pub command_id: CommandId,
    /// Its number.
    pub sequence_number: SequenceNumber,
    /// All of its octets; none for a bind or outbind, which carry a password.
    pub octets: Bytes,
    /// What was wrong.
    pub reason: BadPduReason,
    /// What it was answered with; `None` when it was not answered.
    pub answered: Option<CommandStatus>,
}

/// What was wrong with a PDU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPduReason {
    /// It could not be read.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    /// It could be read, and says what cannot be done.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A request that never had its answer: what became of it is in doubt.
#[derive(Debug)]
pub struct Outstanding<T> {
    /// What the caller gave with it.
    pub ticket: T,
    /// Its number.
    pub sequence_number: SequenceNumber,
    /// Its command.
    pub command_id: CommandId,
    /// Whether [`Event::Overdue`] was told before.
    pub overdue: bool,
}
