//! What a session is told at its start; nothing here is read from a file.

use std::time::Duration;

use crate::value::{COctet, InterfaceVersion};
use crate::{MAX_PDU, Mode, SequenceNumber};

/// What both roles have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Requests outstanding at most; zero is taken as one.
    pub window: u16,
    /// How long a request may wait before it is overdue; also the limit for the answers to bind and unbind.
    pub response_timeout: Duration,
    /// Silence of the peer after which it is asked whether it is there; `None` never asks.
    pub enquire_link_interval: Option<Duration>,
    /// How long the rest of a PDU may take once its first octet came.
    pub pdu_read_timeout: Duration,
    /// The longest PDU taken, in octets.
    pub max_pdu: usize,
    /// How the requests of the peer are read; responses are always read tolerantly, for nobody could be answered.
    pub mode: Mode,
    /// The first sequence_number of ours; values out of range begin at 1.
    pub first_sequence: SequenceNumber,
}

/// A session in the role of the ESME.
#[derive(Clone, Debug, Default)]
pub struct EsmeConfig {
    /// See [`Settings`]; tolerant by default.
    pub settings: Settings,
    /// Whether an outbind is handed on; else it closes the session.
    pub accept_outbind: bool,
}

/// A session in the role of the message centre.
#[derive(Clone, Debug)]
pub struct McConfig {
    /// See [`Settings`]; strict by default.
    pub settings: Settings,
    /// How long the peer may take to bind (SMPP 3.4 §7.2, session_init_timer).
    pub session_init_timeout: Duration,
    /// How bind responses name us; 15 characters at most.
    pub system_id: COctet,
    /// The highest version offered.
    pub version: InterfaceVersion,
}

/// enquire_links left unanswered before the link is held for dead.
pub const UNANSWERED_ENQUIRE_LINKS: u8 = 2;

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: 10,
            response_timeout: Duration::from_secs(10),
            enquire_link_interval: Some(Duration::from_secs(30)),
            pdu_read_timeout: Duration::from_secs(10),
            max_pdu: MAX_PDU,
            mode: Mode::Tolerant,
            first_sequence: SequenceNumber::FIRST,
        }
    }
}

impl Default for McConfig {
    fn default() -> Self {
        Self {
            settings: Settings {
                mode: Mode::Strict,
                ..Settings::default()
            },
            session_init_timeout: Duration::from_secs(10),
            system_id: COctet::EMPTY,
            version: InterfaceVersion::V5_0,
        }
    }
}
