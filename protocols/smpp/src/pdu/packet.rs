//! A whole PDU: the header and the body behind it (SMPP 3.4 §3.2).

use bytes::{BufMut, Bytes, BytesMut};

use super::{Body, Pdu};
use crate::decode::{DecodeError, Forgiven, Mode, Problem, Reader};
use crate::field::EncodeError;
use crate::{CommandId, CommandStatus, SequenceNumber};

/// The four integers every PDU begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Octets of the whole PDU, these sixteen included.
    pub command_length: u32,
    /// Which PDU it is.
    pub command_id: CommandId,
    /// The outcome in a response; of no meaning in a request.
    pub command_status: CommandStatus,
    /// Pairs a response with its request.
    pub sequence_number: SequenceNumber,
}

/// A PDU with what its header says beside the command, which the body knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The outcome in a response; zero in a request of ours.
    pub command_status: CommandStatus,
    /// Pairs a response with its request.
    pub sequence_number: SequenceNumber,
    /// The body.
    pub pdu: Pdu,
}

/// A PDU read, with what had to be passed over to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The PDU.
    pub packet: Packet,
    /// Empty in [`Mode::Strict`], but for trailing octets of a command without fields.
    pub forgiven: Vec<Forgiven>,
}

impl Header {
    /// Octets of a header.
    pub const LENGTH: usize = 16;

    /// The header that the octets begin with; `None` when there are fewer than sixteen.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let (words, _) = octets.get(..Self::LENGTH)?.as_chunks::<4>();
        let &[length, id, status, sequence] = words else {
            return None;
        };
        Some(Self {
            command_length: u32::from_be_bytes(length),
            command_id: CommandId(u32::from_be_bytes(id)),
            command_status: CommandStatus(u32::from_be_bytes(status)),
            sequence_number: SequenceNumber(u32::from_be_bytes(sequence)),
        })
    }
}

impl Packet {
    /// A request, or a response that says ESME_ROK.
    pub fn new(sequence_number: SequenceNumber, pdu: impl Into<Pdu>) -> Self {
        Self {
            command_status: CommandStatus::ESME_ROK,
            sequence_number,
            pdu: pdu.into(),
        }
    }

    /// The command of the body.
    pub fn command_id(&self) -> CommandId {
        self.pdu.command_id()
    }

    /// Reads one complete PDU. The fields share the frame's memory and keep it alive.
    pub fn decode(frame: &Bytes, mode: Mode) -> Result<Decoded, DecodeError> {
        let header = match Header::parse(frame) {
            Some(header) if usize::try_from(header.command_length) == Ok(frame.len()) => header,
            other => return Err(bad_length(frame.len(), other)),
        };
        let mut reader = Reader::new(frame, Header::LENGTH, mode);
        let pdu = if Pdu::has_fields(header.command_id) && reader.ends_here(header.command_id, header.command_status) {
            Pdu::Bodiless(header.command_id)
        } else {
            match Pdu::read(header.command_id, &mut reader) {
                Err(error) if !header.command_status.is_ok() && reader.is_tolerant() => {
                    let DecodeError {
                        field,
                        offset,
                        problem,
                        command_status,
                    } = error;
                    reader.forgive(field, offset, problem, command_status)?;
                    Pdu::Bodiless(header.command_id)
                }
                other => other?,
            }
        };
        let packet = Self {
            command_status: header.command_status,
            sequence_number: header.sequence_number,
            pdu,
        };
        Ok(Decoded {
            packet,
            forgiven: reader.into_forgiven(),
        })
    }

    /// Appends the PDU. On an error nothing is appended.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        encode_with(
            self.command_id(),
            self.command_status,
            self.sequence_number,
            out,
            |out| self.pdu.write(out),
        )
    }
}

/// Appends header and body of a request without moving it into a [`Packet`]. On an error nothing is appended.
pub fn encode_request<R: super::Request>(
    request: &R,
    sequence_number: SequenceNumber,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    encode_with(R::COMMAND, CommandStatus::ESME_ROK, sequence_number, out, |out| {
        Body::write(request, out)
    })
}

/// Appends a header and what `body` writes, and puts the length in.
fn encode_with(
    command_id: CommandId,
    command_status: CommandStatus,
    sequence_number: SequenceNumber,
    out: &mut BytesMut,
    body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_u32(0);
    out.put_u32(command_id.0);
    out.put_u32(command_status.0);
    out.put_u32(sequence_number.0);
    let written = body(out).and_then(|()| {
        let (got, max) = (out.len() - start, u32::MAX as usize);
        u32::try_from(got).map_err(|_| EncodeError::TooLong {
            field: "command_length",
            got,
            max,
        })
    });
    match written {
        Ok(length) => {
            out[start..start + 4].copy_from_slice(&length.to_be_bytes());
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

fn bad_length(got: usize, header: Option<Header>) -> DecodeError {
    let announced = header.map_or(0, |header| header.command_length);
    DecodeError {
        field: "command_length",
        offset: 0,
        problem: Problem::CommandLength { announced, got },
        command_status: CommandStatus::ESME_RINVCMDLEN,
    }
}
