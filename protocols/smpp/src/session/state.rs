//! The states of a session (SMPP 3.4 §2.2), and why one ends.

use std::time::Instant;

use crate::value::{BindMode, InterfaceVersion};
use crate::{CommandId, CommandStatus, FrameError, SequenceNumber};

/// Which side we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The one who binds.
    Esme,
    /// The one who is bound to.
    MessageCentre,
}

/// Where a session stands. Each state carries what only it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The link is there, nobody has bound.
    Open {
        /// When the peer must have bound; `None` for an ESME, which binds when it likes.
        deadline: Option<Instant>,
    },
    /// ESME: our bind waits for its answer.
    Binding {
        /// The bind's number.
        sequence: SequenceNumber,
        /// What was asked for.
        mode: BindMode,
        /// The version we offered.
        offered: InterfaceVersion,
        /// When the answer must be there.
        deadline: Instant,
    },
    /// Message centre: the peer's bind waits for the caller's decision.
    Deciding {
        /// The bind's number.
        sequence: SequenceNumber,
        /// What was asked for.
        mode: BindMode,
        /// The version the peer offered.
        offered: InterfaceVersion,
    },
    /// Messages flow.
    Bound {
        /// In which directions.
        mode: BindMode,
        /// The version both speak.
        version: InterfaceVersion,
    },
    /// Our unbind waits for its answer; answers to requests are still taken, requests of ours no longer.
    Unbinding {
        /// The unbind's number.
        sequence: SequenceNumber,
        /// In which directions messages flowed.
        mode: BindMode,
        /// The version both speak.
        version: InterfaceVersion,
        /// When the answer must be there.
        deadline: Instant,
    },
    /// Nothing more is read; what stands in the transmit buffer should still be written.
    Closed(CloseReason),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// We asked to unbind and the peer agreed.
    #[error("unbound")]
    Unbound,
    /// The peer asked to unbind.
    #[error("the peer unbound")]
    PeerUnbound,
    /// The peer did not answer our unbind.
    #[error("unbind was not answered")]
    UnbindTimeout,
    /// The peer refused our bind.
    #[error("bind refused with {0}")]
    BindRefused(CommandStatus),
    /// The peer did not answer our bind.
    #[error("bind was not answered")]
    BindTimeout,
    /// We refused the peer's bind.
    #[error("refused the peer's bind with {0}")]
    RefusedBind(CommandStatus),
    /// The peer did not bind in time.
    #[error("the peer did not bind")]
    SessionInitTimeout,
    /// The peer answers no enquire_link.
    #[error("enquire_link was not answered")]
    LinkDead,
    /// The rest of a PDU did not come.
    #[error("pdu_read_timeout got={got} want={want}")]
    PduReadTimeout {
        /// Octets that came.
        got: usize,
        /// Octets announced, or those of a header where not even the length came.
        want: usize,
    },
    /// The peer's octets are no PDU.
    #[error(transparent)]
    Frame(FrameError),
    /// Something else came where an answer to our bind was due.
    #[error("{0} came where a bind response was due")]
    UnexpectedPdu(CommandId),
    /// An outbind came that nobody wants.
    #[error("outbind refused")]
    OutbindRefused,
    /// The link went away.
    #[error("the link was lost")]
    LinkLost,
    /// The caller closed.
    #[error("closed by this side")]
    Local,
}

impl State {
    /// When the state itself runs out.
    pub const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Open { deadline } => *deadline,
            Self::Binding { deadline, .. } | Self::Unbinding { deadline, .. } => Some(*deadline),
            Self::Deciding { .. } | Self::Bound { .. } | Self::Closed(_) => None,
        }
    }

    /// In which directions messages may flow; `None` where they may not.
    pub const fn mode(&self) -> Option<BindMode> {
        match self {
            Self::Bound { mode, .. } | Self::Unbinding { mode, .. } => Some(*mode),
            Self::Open { .. } | Self::Binding { .. } | Self::Deciding { .. } | Self::Closed(_) => None,
        }
    }

    /// The version both sides speak, once bound.
    pub const fn version(&self) -> Option<InterfaceVersion> {
        match self {
            Self::Bound { version, .. } | Self::Unbinding { version, .. } => Some(*version),
            Self::Open { .. } | Self::Binding { .. } | Self::Deciding { .. } | Self::Closed(_) => None,
        }
    }

    /// Whether the session has ended.
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}
