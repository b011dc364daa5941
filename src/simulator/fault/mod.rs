//! What goes wrong, and when: faults, the rules that aim them, and the script that decides on each PDU under a seed.

mod rule;
mod script;

use std::time::Duration;

use araldo_smpp::CommandStatus;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use rule::{FaultRule, InvalidRule, When};
pub(super) use script::{FaultScript, Subject, SubjectMessage};

use super::span;

/// Something that a carrier should not do. In JSON a word, `"reset"`, or a word with its values,
/// `{"delay": {"by": "250ms"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The link is reset as if the PDU had never been read: it is not in the ledger and has no effect.
    DropBeforeReading,
    /// The PDU has its effect, its answer is lost: the link is closed instead.
    DropBeforeResponse,
    /// The answer is written, then the link is closed; nothing after the PDU is read.
    DropAfterResponse,
    /// The PDU has its effect, then the link is reset (RST) without an answer.
    Reset,
    /// Half of the answer is written, then nothing more, and nothing more is read.
    Stall {
        /// When the link is closed; absent stalls until the peer closes it.
        #[serde(default, with = "span::option", skip_serializing_if = "Option::is_none")]
        drop_after: Option<Duration>,
    },
    /// The answer comes later, those of other PDUs do not wait for it.
    Delay {
        /// By how much.
        #[serde(with = "span")]
        by: Duration,
    },
    /// The answer has a sequence_number that nobody asked under.
    WrongSequence,
    /// The answer comes twice.
    DuplicateResponse,
    /// The PDU has no effect and is answered with this status. On a bind: the bind is refused.
    Status(Status),
    /// Octets that are no PDU come instead of the answer.
    Garbage {
        /// How many.
        octets: u16,
    },
    /// Of a long message so many segments are answered; at the next one, read and taken, the link is closed.
    AnswerSegments {
        /// Segments answered.
        answered: u8,
    },
    /// The PDU is taken and not answered; an unbind comes instead.
    Unbind,
    /// The PDU is taken and never answered; the link stays. On a bind: it is neither let in nor refused.
    NoResponse,
    /// The answer is given, then nothing more is read.
    StopReading {
        /// When reading goes on; absent never does.
        #[serde(default, with = "span::option", skip_serializing_if = "Option::is_none")]
        resume_after: Option<Duration>,
    },
}

impl Fault {
    /// The word in JSON and in the statistics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DropBeforeReading => "drop_before_reading",
            Self::DropBeforeResponse => "drop_before_response",
            Self::DropAfterResponse => "drop_after_response",
            Self::Reset => "reset",
            Self::Stall { .. } => "stall",
            Self::Delay { .. } => "delay",
            Self::WrongSequence => "wrong_sequence",
            Self::DuplicateResponse => "duplicate_response",
            Self::Status(_) => "status",
            Self::Garbage { .. } => "garbage",
            Self::AnswerSegments { .. } => "answer_segments",
            Self::Unbind => "unbind",
            Self::NoResponse => "no_response",
            Self::StopReading { .. } => "stop_reading",
        }
    }
}

/// A command_status in JSON: its name, `"0x58"`, or the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub CommandStatus);

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u32),
            Word(String),
        }
        let word = match Form::deserialize(deserializer)? {
            Form::Number(number) => return Ok(Self(CommandStatus(number))),
            Form::Word(word) => word,
        };
        let hex = word
            .strip_prefix("0x")
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        CommandStatus::from_name(&word)
            .or(hex.map(CommandStatus))
            .map(Self)
            .ok_or_else(|| {
                de::Error::custom(format!(
                    "\"{word}\" is no command_status such as \"ESME_RTHROTTLED\" or \"0x58\""
                ))
            })
    }
}
