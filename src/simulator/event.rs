//! What those who watch a simulator are told.

use bytes::Bytes;
use serde::Serialize;

use super::ledger::Direction;
use super::phone::PhoneMessage;
use crate::domain::UnixMillis;

/// Something that happened, in JSON with its kind under `event`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SimulatorEvent {
    /// A message is with a phone, whole.
    Message(PhoneMessage),
    /// A receipt was written.
    Receipt {
        /// When.
        at: UnixMillis,
        /// The id as the receipt has it.
        id: String,
        /// The phone.
        to: String,
        /// The state's word: `delivered`, `undeliverable`, ….
        state: &'static str,
        /// Whether nothing more follows.
        is_final: bool,
    },
    /// A virtual phone texted the ESME.
    Mo {
        /// When.
        at: UnixMillis,
        /// The phone.
        from: String,
        /// The number texted.
        to: String,
        /// What.
        text: String,
    },
    /// An ESME bound.
    Bound {
        /// When.
        at: UnixMillis,
        /// The link.
        conn: u64,
        /// Who.
        system_id: String,
        /// `transmitter`, `receiver` or `transceiver`.
        mode: &'static str,
    },
    /// A link that was bound has ended.
    Unbound {
        /// When.
        at: UnixMillis,
        /// The link.
        conn: u64,
        /// Who.
        system_id: String,
    },
    /// A PDU was read or written.
    Pdu {
        /// When.
        at: UnixMillis,
        /// The link.
        conn: u64,
        /// Which way.
        dir: Direction,
        /// Its command.
        command: String,
        /// Its sequence_number.
        sequence: u32,
        /// Its command_status by name.
        status: String,
        /// How many octets it has.
        length: u32,
        /// The octets, but for a PDU that carries a password. Not in JSON.
        #[serde(skip)]
        frame: Bytes,
    },
    /// A fault happened.
    Fault {
        /// When.
        at: UnixMillis,
        /// The link.
        conn: u64,
        /// Its name.
        fault: &'static str,
        /// The sequence_number of the PDU that it befell.
        sequence: u32,
    },
    /// Connections are taken, or no longer.
    State {
        /// When.
        at: UnixMillis,
        /// Which of the two.
        up: bool,
    },
}

impl SimulatorEvent {
    /// The value of `event`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Receipt { .. } => "receipt",
            Self::Mo { .. } => "mo",
            Self::Bound { .. } => "bound",
            Self::Unbound { .. } => "unbound",
            Self::Pdu { .. } => "pdu",
            Self::Fault { .. } => "fault",
            Self::State { .. } => "state",
        }
    }
}
