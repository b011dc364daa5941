//! In which directions a bind carries messages (SMPP 3.4 §2.2).

use crate::CommandId;

/// The three kinds of bind, seen from the ESME.
///
/// ```
/// use araldo_smpp::{BindMode, CommandId};
///
/// assert_eq!(BindMode::Transceiver.command(), CommandId::BIND_TRANSCEIVER);
/// assert!(BindMode::Transmitter.submits() && !BindMode::Transmitter.delivers());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindMode {
    /// The ESME submits.
    Transmitter,
    /// The ESME is delivered to.
    Receiver,
    /// Both.
    Transceiver,
}

impl BindMode {
    /// The command that asks for this bind.
    pub const fn command(self) -> CommandId {
        match self {
            Self::Transmitter => CommandId::BIND_TRANSMITTER,
            Self::Receiver => CommandId::BIND_RECEIVER,
            Self::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }

    /// The bind this command or its response is about.
    pub const fn from_command(command: CommandId) -> Option<Self> {
        match command {
            CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSMITTER_RESP => Some(Self::Transmitter),
            CommandId::BIND_RECEIVER | CommandId::BIND_RECEIVER_RESP => Some(Self::Receiver),
            CommandId::BIND_TRANSCEIVER | CommandId::BIND_TRANSCEIVER_RESP => Some(Self::Transceiver),
            _ => None,
        }
    }

    /// Whether the ESME may submit on it.
    pub const fn submits(self) -> bool {
        matches!(self, Self::Transmitter | Self::Transceiver)
    }

    /// Whether the message centre may deliver on it.
    pub const fn delivers(self) -> bool {
        matches!(self, Self::Receiver | Self::Transceiver)
    }
}
