//! Reads the fields of one complete PDU, and says what was wrong where, and which status answers it.

use bytes::{Buf, Bytes};
use nom::bytes::complete::{tag, take_till};
use nom::sequence::terminated;
use nom::{IResult, Parser};

use crate::tlv::Tlvs;
use crate::value::COctet;
use crate::{CommandId, CommandStatus};

/// What to do with a body that breaks the standard but can still be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Refuse it, as a message centre does.
    Strict,
    /// Keep it and say what was forgiven: strings over their maximum, a last string without NUL, a broken end of the
    /// optional part, TLVs of a wrong length, an error response with an unreadable body.
    Tolerant,
}

/// Why a body is refused, and with which status.
///
/// ```
/// use araldo_smpp::{CommandStatus, Mode, Packet};
/// use bytes::Bytes;
///
/// let unterminated = Bytes::from_static(b"\0\0\0\x12\x80\0\0\x04\0\0\0\0\0\0\0\x01AB");
/// let error = Packet::decode(unterminated, Mode::Strict).unwrap_err();
/// assert_eq!((error.field, error.offset), ("message_id", 16));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at octet {offset}: {problem}")]
pub struct DecodeError {
    /// The field's name in the standard, or the TLV's.
    pub field: &'static str,
    /// Where the field begins, counted from the first octet of the PDU.
    pub offset: usize,
    /// What is wrong.
    pub problem: Problem,
    /// The `command_status` to answer the request with.
    pub command_status: CommandStatus,
}

/// A fault that was passed over in [`Mode::Tolerant`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgiven {
    /// The field's name in the standard, or the TLV's.
    pub field: &'static str,
    /// Where the field begins, counted from the first octet of the PDU.
    pub offset: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Problem {
    /// The PDU ends before the field does.
    #[error("{wanted} octets wanted, {left} left")]
    Truncated {
        /// Octets the field needs.
        wanted: usize,
        /// Octets left in the PDU.
        left: usize,
    },
    /// The PDU ends before the string's NUL.
    #[error("no NUL in the {left} octets left")]
    Unterminated {
        /// Octets left in the PDU.
        left: usize,
    },
    /// The string is longer than the standard allows.
    #[error("{got} octets with the NUL, at most {max}")]
    TooLong {
        /// Octets including the NUL.
        got: usize,
        /// Maximum including the NUL.
        max: usize,
    },
    /// A TLV's length is not one its tag may have.
    #[error("a TLV of {got} octets")]
    TlvLength {
        /// Octets of its value.
        got: usize,
    },
    /// The octets after the mandatory fields are not a whole TLV.
    #[error("the last {left} octets are not a whole TLV")]
    TlvStream {
        /// Octets from the broken TLV to the end.
        left: usize,
    },
    /// The value is not one the field may have.
    #[error("value {value} is not allowed")]
    Value {
        /// The value, or 0 where it is no number.
        value: u32,
    },
    /// command_length disagrees with the octets handed in.
    #[error("command_length {announced} on {got} octets")]
    CommandLength {
        /// The header's command_length.
        announced: u32,
        /// Octets handed in.
        got: usize,
    },
}

/// Walks over the octets of one PDU. What it returns shares the frame; nothing is copied.
#[derive(Debug)]
pub struct Reader {
    /// Empty once what it ends with has been given away.
    frame: Bytes,
    /// Octets read.
    at: usize,
    faults: Faults,
}

/// What is done with a fault that can be passed over.
#[derive(Debug)]
struct Faults {
    mode: Mode,
    forgiven: Vec<Forgiven>,
}

impl Reader {
    /// A reader placed at octet `start` of the frame; at its end if there is no such octet.
    pub fn new(frame: Bytes, start: usize, mode: Mode) -> Self {
        Self {
            at: start.min(frame.len()),
            frame,
            faults: Faults {
                mode,
                forgiven: Vec::new(),
            },
        }
    }

    /// What was passed over so far.
    pub fn take_forgiven(&mut self) -> Vec<Forgiven> {
        std::mem::take(&mut self.faults.forgiven)
    }

    /// Octets not read yet.
    pub fn left(&self) -> usize {
        self.rest().len()
    }

    /// Where the next octet is, counted from the first of the PDU.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// One octet.
    #[inline(always)]
    pub fn octet(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        let [octet] = self.chunk(field)?;
        Ok(octet)
    }

    /// Four octets, big end first.
    pub fn quad(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.chunk(field).map(u32::from_be_bytes)
    }

    /// So many octets; too few left is answered with `status`. The last of the frame take it as it is, which spares a
    /// count of those who share it.
    #[inline(always)]
    pub fn octets(&mut self, field: &'static str, count: usize, status: CommandStatus) -> Result<Bytes, DecodeError> {
        let left = self.left();
        if count > left {
            return Err(DecodeError {
                command_status: status,
                ..self.truncated(field, count)
            });
        }
        let start = self.at;
        self.at += count;
        if count < left || count == 0 {
            return Ok(self.frame.slice(start..self.at));
        }
        let mut octets = std::mem::take(&mut self.frame);
        octets.advance(start);
        Ok(octets)
    }

    /// A string up to its NUL, `max` octets with it; longer is answered with `status`.
    #[inline(always)]
    pub fn c_octet(&mut self, field: &'static str, max: usize, status: CommandStatus) -> Result<COctet, DecodeError> {
        if let Some((text, rest)) = COctet::leading(self.rest())
            && text.len() < max
        {
            self.at = self.frame.len() - rest.len();
            return Ok(text);
        }
        self.long_c_octet(field, max, status)
    }

    /// As [`Self::c_octet`], whatever the string.
    #[inline(never)]
    fn long_c_octet(&mut self, field: &'static str, max: usize, status: CommandStatus) -> Result<COctet, DecodeError> {
        let offset = self.at;
        let rest = self.frame.get(offset..).unwrap_or_default();
        let text = match terminated(take_till(|octet| octet == 0), tag(&[0_u8][..])).parse(rest) as Parsed<'_, _> {
            Ok((rest, text)) => {
                self.at = self.frame.len() - rest.len();
                text
            }
            Err(_) => {
                let left = rest.len();
                let status = if left >= max {
                    status
                } else {
                    CommandStatus::ESME_RINVCMDLEN
                };
                self.faults
                    .forgive(field, offset, Problem::Unterminated { left }, status)?;
                self.at = self.frame.len();
                rest
            }
        };
        if text.len() >= max {
            let got = text.len() + 1;
            self.faults
                .forgive(field, offset, Problem::TooLong { got, max }, status)?;
        }
        Ok(COctet::within(&self.frame, text))
    }

    /// All that is left, as optional parameters. Nothing can be read afterwards.
    #[inline(always)]
    pub fn tlvs(&mut self) -> Result<Tlvs, DecodeError> {
        if self.left() == 0 {
            return Ok(Tlvs::EMPTY);
        }
        let end = self.check_tlvs()?;
        let mut frame = std::mem::take(&mut self.frame);
        frame.truncate(end);
        Ok(Tlvs::ending(frame, end - self.at))
    }

    /// Walks over the TLVs that the frame ends with, and says where the last whole one ends.
    #[inline(never)]
    fn check_tlvs(&mut self) -> Result<usize, DecodeError> {
        let mut walk = Tlvs::walk(self.frame.get(self.at..).unwrap_or_default());
        let mut offset = self.at;
        for tlv in walk.by_ref() {
            if !tlv.tag.allows_length(tlv.value.len()) {
                let problem = Problem::TlvLength { got: tlv.value.len() };
                self.faults
                    .forgive(tlv.tag.name(), offset, problem, CommandStatus::ESME_RINVPARLEN)?;
            }
            offset += tlv.size();
        }
        let left = walk.left();
        if left > 0 {
            let problem = Problem::TlvStream { left };
            self.faults
                .forgive("tlvs", offset, problem, CommandStatus::ESME_RINVOPTPARSTREAM)?;
        }
        Ok(offset)
    }

    /// Notes a fault in [`Mode::Tolerant`], refuses it in [`Mode::Strict`].
    pub fn forgive(
        &mut self,
        field: &'static str,
        offset: usize,
        problem: Problem,
        command_status: CommandStatus,
    ) -> Result<(), DecodeError> {
        self.faults.forgive(field, offset, problem, command_status)
    }

    /// Whether a response of this status may end where the reader stands, without its fields.
    pub fn ends_here(&mut self, command: CommandId, status: CommandStatus) -> bool {
        let allowed = !status.is_ok() || self.is_tolerant();
        let ends = command.is_response() && self.left() == 0 && allowed;
        if ends && status.is_ok() {
            let offset = self.offset();
            self.faults.forgiven.push(Forgiven {
                field: "body",
                offset,
                problem: Problem::Truncated { wanted: 1, left: 0 },
            });
        }
        ends
    }

    /// Whether faults are passed over.
    pub fn is_tolerant(&self) -> bool {
        self.faults.mode == Mode::Tolerant
    }

    #[inline(always)]
    fn chunk<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some(chunk) = self.rest().first_chunk() else {
            return Err(self.truncated(field, N));
        };
        let chunk = *chunk;
        self.at += N;
        Ok(chunk)
    }

    #[inline(always)]
    fn rest(&self) -> &[u8] {
        self.frame.get(self.at..).unwrap_or_default()
    }

    #[cold]
    fn truncated(&self, field: &'static str, wanted: usize) -> DecodeError {
        let left = self.left();
        DecodeError {
            field,
            offset: self.offset(),
            problem: Problem::Truncated { wanted, left },
            command_status: CommandStatus::ESME_RINVCMDLEN,
        }
    }
}

impl Faults {
    /// See [`Reader::forgive`].
    fn forgive(
        &mut self,
        field: &'static str,
        offset: usize,
        problem: Problem,
        command_status: CommandStatus,
    ) -> Result<(), DecodeError> {
        match self.mode {
            Mode::Strict => Err(DecodeError {
                field,
                offset,
                problem,
                command_status,
            }),
            Mode::Tolerant => {
                self.forgiven.push(Forgiven { field, offset, problem });
                Ok(())
            }
        }
    }
}

type Parsed<'f, O> = IResult<&'f [u8], O, ()>;
