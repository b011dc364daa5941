//! Cuts one PDU after the other from a stream of octets (SMPP 3.4 §3.2.1).
//!
//! The length is judged as soon as its four octets are there, before anything is reserved for the rest.

use std::fmt;
use std::io;

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::field::EncodeError;
use crate::pdu::{Header, Packet};
use crate::{CommandId, SequenceNumber};

/// The longest PDU taken unless told otherwise: 64 KiB.
pub const MAX_PDU: usize = 65_536;

/// A command_length that no PDU can have. The stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} got={got} {}{}", self.code(), Bound(self), Hint(self.looks_like))]
pub struct FrameError {
    /// The command_length that came.
    pub got: u32,
    /// The shortest PDU, 16.
    pub min: u32,
    /// The longest PDU taken.
    pub max: u32,
    /// The header's sequence_number, if all of the header was there and it looks like SMPP.
    pub sequence_number: Option<SequenceNumber>,
    /// What the octets look like, if not SMPP.
    pub looks_like: Option<LooksLike>,
}

/// What speaks to us when it is not SMPP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LooksLike {
    /// An HTTP request or response.
    Http,
    /// A TLS record: a TLS peer on a clear-text port.
    Tls,
    /// Printable text.
    Text,
}

impl FrameError {
    /// The name of the fault for logs.
    pub const fn code(&self) -> &'static str {
        if self.got < self.min {
            "pdu_length_too_small"
        } else {
            "pdu_length_too_large"
        }
    }
}

impl LooksLike {
    /// What the octets look like; `None` when they may be SMPP, or are too few to tell.
    pub fn guess(octets: &[u8]) -> Option<Self> {
        const HTTP: [&[u8]; 8] = [b"GET ", b"POST", b"HEAD", b"PUT ", b"DELE", b"OPTI", b"CONN", b"HTTP"];
        let start = octets.get(..4)?;
        if HTTP.contains(&start) {
            Some(Self::Http)
        } else if start[0] == 0x16 && start[1] == 0x03 {
            Some(Self::Tls)
        } else if start
            .iter()
            .all(|octet| matches!(octet, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
        {
            Some(Self::Text)
        } else {
            None
        }
    }
}

/// Takes the first whole PDU out of `input`, sharing its memory; `None` while it is not all there.
///
/// ```
/// use araldo_smpp::MAX_PDU;
/// use araldo_smpp::framing::next_frame;
/// use bytes::BytesMut;
///
/// let mut input = BytesMut::from(&b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07\0\0"[..]);
/// assert_eq!(next_frame(&mut input, MAX_PDU)?.map(|frame| frame.len()), Some(16));
/// assert_eq!(next_frame(&mut input, MAX_PDU)?, None);
/// # Ok::<(), araldo_smpp::FrameError>(())
/// ```
pub fn next_frame(input: &mut BytesMut, max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(got) = announced(input) else { return Ok(None) };
    let max = u32::try_from(max).unwrap_or(u32::MAX);
    let min = Header::LENGTH as u32;
    if !(min..=max).contains(&got) {
        let looks_like = LooksLike::guess(input);
        let header = Header::parse(input).filter(|_| looks_like.is_none());
        let sequence_number = header.map(|header| header.sequence_number);
        return Err(FrameError {
            got,
            min,
            max,
            sequence_number,
            looks_like,
        });
    }
    let length = got as usize;
    Ok((input.len() >= length).then(|| input.split_to(length).freeze()))
}

/// The command_length that the octets begin with, once its four octets are there.
pub fn announced(octets: &[u8]) -> Option<u32> {
    octets.first_chunk().map(|length| u32::from_be_bytes(*length))
}

/// The framing as a tokio-util codec: whole PDUs out, [`Packet`]s in.
///
/// ```
/// use araldo_smpp::SmppCodec;
/// use bytes::BytesMut;
/// use tokio_util::codec::Decoder;
///
/// let mut stream = BytesMut::from(&b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07\0\0"[..]);
/// let mut codec = SmppCodec::default();
/// assert_eq!(codec.decode(&mut stream).unwrap().map(|frame| frame.len()), Some(16));
/// assert!(codec.decode(&mut stream).unwrap().is_none(), "the rest has not come yet");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SmppCodec {
    max: usize,
}

/// What can go wrong in [`SmppCodec`].
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The peer's octets are no PDU.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A PDU of ours cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The link failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl SmppCodec {
    /// A codec that takes PDUs of up to `max` octets.
    pub const fn with_max(max: usize) -> Self {
        Self { max }
    }
}

impl Default for SmppCodec {
    fn default() -> Self {
        Self::with_max(MAX_PDU)
    }
}

impl Decoder for SmppCodec {
    type Item = Bytes;
    type Error = CodecError;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, CodecError> {
        let frame = next_frame(input, self.max)?;
        if frame.is_none() {
            let wanted = announced(input).map_or(Header::LENGTH, |length| length as usize);
            input.reserve(wanted.saturating_sub(input.len()));
        }
        Ok(frame)
    }
}

impl Encoder<&Packet> for SmppCodec {
    type Error = CodecError;

    fn encode(&mut self, packet: &Packet, out: &mut BytesMut) -> Result<(), CodecError> {
        packet.encode(out).map_err(CodecError::from)
    }
}

/// Whether a frame is one whose octets must not be kept for inspection, because a password is in them.
pub fn carries_password(command_id: CommandId) -> bool {
    command_id.is_bind() || command_id == CommandId::OUTBIND
}

struct Bound<'e>(&'e FrameError);

impl fmt::Display for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FrameError { got, min, max, .. } = self.0;
        if got < min {
            write!(f, "min={min}")
        } else {
            write!(f, "max={max}")
        }
    }
}

struct Hint(Option<LooksLike>);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(LooksLike::Http) => f.write_str(" hint=\"peer speaks HTTP\""),
            Some(LooksLike::Tls) => f.write_str(" hint=\"peer speaks TLS\""),
            Some(LooksLike::Text) => f.write_str(" hint=\"peer may not speak SMPP\""),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENQUIRE_LINK: &[u8] = b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07";

    #[test]
    fn two_pdus_in_one_segment_come_out_one_by_one_and_a_part_waits() {
        let mut input = BytesMut::from(&[ENQUIRE_LINK, ENQUIRE_LINK, &ENQUIRE_LINK[..9]].concat()[..]);
        let mut codec = SmppCodec::default();
        assert_eq!(codec.decode(&mut input).expect("frame").as_deref(), Some(ENQUIRE_LINK));
        assert_eq!(codec.decode(&mut input).expect("frame").as_deref(), Some(ENQUIRE_LINK));
        assert!(codec.decode(&mut input).expect("part").is_none());
        assert_eq!(input.len(), 9);
    }

    #[test]
    fn a_length_over_the_cap_is_refused_without_reserving() {
        let mut input = BytesMut::from(&b"AAAA"[..]);
        let before = input.capacity();
        let error = next_frame(&mut input, MAX_PDU).expect_err("too large");
        assert_eq!(
            error.to_string(),
            "pdu_length_too_large got=1094795585 max=65536 hint=\"peer may not speak SMPP\""
        );
        assert_eq!(input.capacity(), before);
    }

    #[test]
    fn a_length_under_the_header_keeps_the_sequence_number() {
        let mut input = BytesMut::from(&b"\0\0\0\x04\0\0\0\x15\0\0\0\0\0\0\0\x07"[..]);
        let error = next_frame(&mut input, MAX_PDU).expect_err("too small");
        assert_eq!(error.sequence_number, Some(SequenceNumber(7)));
        assert_eq!(error.to_string(), "pdu_length_too_small got=4 min=16");
    }

    #[test]
    fn tls_and_http_are_named() {
        assert_eq!(LooksLike::guess(b"\x16\x03\x01\x02\x00"), Some(LooksLike::Tls));
        assert_eq!(LooksLike::guess(b"GET / HTTP/1.1"), Some(LooksLike::Http));
        assert_eq!(LooksLike::guess(ENQUIRE_LINK), None);
    }
}
