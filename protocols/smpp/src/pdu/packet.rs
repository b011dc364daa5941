//! A whole PDU: the header and the body behind it (SMPP 3.4 §3.2).

use bytes::{Bytes, BytesMut};

use super::Pdu;
use crate::decode::{DecodeError, Forgiven, Mode, Problem, Reader};
use crate::encode::Writer;
use crate::field::EncodeError;
use crate::{CommandId, CommandStatus, SequenceNumber};

/// The four integers every PDU begins with.
///
/// ```
/// use araldo_smpp::{CommandId, Header};
///
/// let header = Header::parse(b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07").unwrap();
/// assert_eq!((header.command_id, header.sequence_number.0), (CommandId::ENQUIRE_LINK, 7));
/// assert_eq!(Header::parse(b"\0\0\0\x10"), None);
/// ```
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
///
/// ```
/// use araldo_smpp::pdu::SubmitSm;
/// use araldo_smpp::{Address, Mode, Packet, Pdu, SequenceNumber};
/// use bytes::BytesMut;
///
/// let submit_sm = SubmitSm {
///     destination: Address::international("393331234567"),
///     short_message: (&b"Ciao"[..]).into(),
///     ..SubmitSm::default()
/// };
/// let packet = Packet::new(SequenceNumber(7), Pdu::SubmitSm(submit_sm));
/// let mut octets = BytesMut::new();
/// packet.encode(&mut octets)?;
/// let decoded = Packet::decode(octets.freeze(), Mode::Strict).expect("what was written is read back");
/// assert_eq!(decoded.packet, packet);
/// # Ok::<(), araldo_smpp::EncodeError>(())
/// ```
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
    /// Empty in [`Mode::Strict`].
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

    /// Reads one complete PDU. The long fields share the frame's memory and keep it alive; the last of them takes the
    /// frame itself, so whoever needs it afterwards hands in a clone.
    pub fn decode(frame: Bytes, mode: Mode) -> Result<Decoded, DecodeError> {
        let header = whole(&frame)?;
        Pdu::read(&header, &mut Reader::new(frame, Header::LENGTH, mode))
    }

    /// Appends the PDU. On an error nothing is appended.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let head = [self.command_id().0, self.command_status.0, self.sequence_number.0];
        append(
            out,
            head,
            self.pdu.room(),
            |writer| self.pdu.write(writer),
            self.pdu.tail(),
        )
    }
}

/// Reads the body of one command and puts it into its [`Packet`].
///
/// A function of its own for each command, so that the PDU is made where it is going to stay: moving its two hundred
/// octets from one result into the next takes longer than reading them.
#[inline(never)]
pub(super) fn read<B>(
    header: &Header,
    reader: &mut Reader,
    body: impl FnOnce(&mut Reader) -> Result<B, DecodeError>,
    pdu: impl FnOnce(B) -> Pdu,
) -> Result<Decoded, DecodeError> {
    let &Header {
        command_id,
        command_status,
        sequence_number,
        ..
    } = header;
    let decoded = |pdu, reader: &mut Reader| {
        let packet = Packet {
            command_status,
            sequence_number,
            pdu,
        };
        Decoded {
            packet,
            forgiven: reader.take_forgiven(),
        }
    };
    if reader.left() == 0 && Pdu::has_fields(command_id) && reader.ends_here(command_id, command_status) {
        return Ok(decoded(Pdu::Bodiless(command_id), reader));
    }
    match body(reader) {
        Ok(body) => Ok(decoded(pdu(body), reader)),
        Err(error) if command_status.is_ok() || !reader.is_tolerant() => Err(error),
        Err(error) => {
            reader.forgive(error.field, error.offset, error.problem, error.command_status)?;
            Ok(decoded(Pdu::Bodiless(command_id), reader))
        }
    }
}

/// Appends header and body of a request without moving it into a [`Packet`]. On an error nothing is appended.
pub fn encode_request<R: super::Request>(
    request: &R,
    sequence_number: SequenceNumber,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let head = [R::COMMAND.0, CommandStatus::ESME_ROK.0, sequence_number.0];
    append(
        out,
        head,
        request.room(),
        |writer| request.write(writer),
        request.tail(),
    )
}

/// Reads one complete request whose command is known, strictly and without the enum over all of them.
///
/// Another command is refused with ESME_RINVCMDID.
///
/// ```
/// use araldo_smpp::SequenceNumber;
/// use araldo_smpp::pdu::{SubmitSm, decode_request, encode_request};
/// use bytes::BytesMut;
///
/// let mut out = BytesMut::new();
/// let submit_sm = SubmitSm { short_message: "Ciao".into(), ..SubmitSm::default() };
/// encode_request(&submit_sm, SequenceNumber(1), &mut out)?;
/// assert_eq!(decode_request::<SubmitSm>(out.freeze())?, submit_sm);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode_request<R: super::Request>(frame: Bytes) -> Result<R, DecodeError> {
    let header = whole(&frame)?;
    if header.command_id != R::COMMAND {
        return Err(DecodeError {
            field: "command_id",
            offset: 4,
            problem: Problem::Value {
                value: header.command_id.0,
            },
            command_status: CommandStatus::ESME_RINVCMDID,
        });
    }
    R::read(&mut Reader::new(frame, Header::LENGTH, Mode::Strict))
}

/// Appends a header of command_id, command_status and sequence_number, what `fields` writes into `room` for it, and the
/// tail; then says how long the PDU is. On an error nothing is appended.
#[inline]
fn append(
    out: &mut BytesMut,
    head: [u32; 3],
    room: usize,
    fields: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
    tail: [&[u8]; 2],
) -> Result<(), EncodeError> {
    let (start, room) = (out.len(), Header::LENGTH + room);
    out.reserve(tail.iter().fold(room, |sum, part| sum + part.len()));
    out.resize(start + room, 0);
    let mut writer = Writer::new(&mut out[start..]);
    let [command_id, command_status, sequence_number] = head.map(u32::to_be_bytes);
    writer.octets([[0; 4], command_id, command_status, sequence_number].as_flattened());
    if let Err(error) = fields(&mut writer) {
        out.truncate(start);
        return Err(error);
    }
    let left = writer.left();
    out.truncate(start + room - left);
    for part in tail.into_iter().filter(|part| !part.is_empty()) {
        out.extend_from_slice(part);
    }
    let got = out.len() - start;
    let Ok(length) = u32::try_from(got) else {
        out.truncate(start);
        return Err(EncodeError::TooLong {
            field: "command_length",
            got,
            max: u32::MAX as usize,
        });
    };
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// The header of a frame that is as long as it says.
fn whole(frame: &Bytes) -> Result<Header, DecodeError> {
    match Header::parse(frame) {
        Some(header) if usize::try_from(header.command_length) == Ok(frame.len()) => Ok(header),
        other => Err(bad_length(frame.len(), other)),
    }
}

#[cold]
fn bad_length(got: usize, header: Option<Header>) -> DecodeError {
    let (field, problem) = match header {
        Some(Header { command_length, .. }) => (
            "command_length",
            Problem::CommandLength {
                announced: command_length,
                got,
            },
        ),
        None => (
            "header",
            Problem::Truncated {
                wanted: Header::LENGTH,
                left: got,
            },
        ),
    };
    DecodeError {
        field,
        offset: 0,
        problem,
        command_status: CommandStatus::ESME_RINVCMDLEN,
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::*;
    use crate::pdu::{DeliverSm, QuerySm};
    use crate::value::Address;

    /// A deliver_sm whose destination is 30 characters long, with one octet after its text.
    fn sloppy() -> Bytes {
        let mut body = BytesMut::new();
        body.put_slice(b"\0\x01\x011\0\x01\x01");
        body.put_bytes(b'9', 30);
        body.put_slice(b"\0\0\0\0\0\0\0\0\0\0\x02Hi\x04");
        framed(CommandId::DELIVER_SM, CommandStatus::ESME_ROK, &body)
    }

    fn framed(command_id: CommandId, status: CommandStatus, body: &[u8]) -> Bytes {
        let pdu = Pdu::Unknown {
            command_id,
            body: Bytes::copy_from_slice(body),
        };
        let mut out = BytesMut::new();
        let packet = Packet {
            command_status: status,
            sequence_number: SequenceNumber(7),
            pdu,
        };
        packet.encode(&mut out).expect("octets can be written");
        out.freeze()
    }

    #[test]
    fn a_sloppy_deliver_sm_is_kept_in_tolerant_mode_with_what_was_forgiven() {
        let decoded = Packet::decode(sloppy(), Mode::Tolerant).expect("readable");
        let Pdu::DeliverSm(DeliverSm {
            destination,
            short_message,
            ..
        }) = decoded.packet.pdu
        else {
            panic!("a text")
        };
        assert_eq!((destination.addr.len(), &short_message[..]), (30, &b"Hi"[..]));
        let forgiven: Vec<_> = decoded
            .forgiven
            .iter()
            .map(|forgiven| (forgiven.field, forgiven.problem))
            .collect();
        let too_long = Problem::TooLong { got: 31, max: 21 };
        assert_eq!(
            forgiven,
            [("destination_addr", too_long), ("tlvs", Problem::TlvStream { left: 1 })]
        );
    }

    #[test]
    fn strict_mode_names_field_place_and_status() {
        let error = Packet::decode(sloppy(), Mode::Strict).expect_err("too long");
        assert_eq!(
            error.to_string(),
            "destination_addr at octet 23: 31 octets with the NUL, at most 21"
        );
        assert_eq!(error.command_status, CommandStatus::ESME_RINVDSTADR);
    }

    #[test]
    fn a_last_string_without_its_nul_is_read_to_the_end_in_tolerant_mode() {
        let frame = framed(CommandId::SUBMIT_SM_RESP, CommandStatus::ESME_ROK, b"12345");
        let decoded = Packet::decode(frame.clone(), Mode::Tolerant).expect("readable");
        assert_eq!(
            decoded.packet.pdu.message_id().map(|id| id.as_bytes()),
            Some(&b"12345"[..])
        );
        assert!(Packet::decode(frame, Mode::Strict).is_err());
    }

    #[test]
    fn an_error_response_is_taken_with_no_body_and_with_one_that_makes_no_sense() {
        for body in [&b""[..], b"1\0\0"] {
            let frame = framed(CommandId::QUERY_SM_RESP, CommandStatus::ESME_RQUERYFAIL, body);
            let decoded = Packet::decode(frame.clone(), Mode::Tolerant).expect("readable");
            assert_eq!(decoded.packet.pdu, Pdu::Bodiless(CommandId::QUERY_SM_RESP));
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let source = Address::international("1".repeat(21));
        let mut out = BytesMut::from(&b"before"[..]);
        let packet = Packet::new(
            SequenceNumber(1),
            QuerySm {
                source,
                ..QuerySm::default()
            },
        );
        let error = packet.encode(&mut out).expect_err("too long");
        assert_eq!(
            error,
            EncodeError::TooLong {
                field: "source_addr",
                got: 22,
                max: 21
            }
        );
        assert_eq!(&out[..], b"before");
    }
}
