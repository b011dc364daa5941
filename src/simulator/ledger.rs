//! The ledger: a line of JSON for every PDU, in the file before the answer is in the socket.
//!
//! `in` and `out` lines are whole PDUs; whatever else an auditor should know, such as a fault, is a `note`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use araldo_smpp::framing::carries_password;
use araldo_smpp::{CommandId, Header};

/// The file, shared by all links. Each write appends whole lines.
#[derive(Debug)]
pub(super) struct Ledger(Mutex<File>);

impl Ledger {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map(|file| Self(Mutex::new(file)))
    }

    /// Appends the lines by one write(2) where the system takes them at once. They then survive the death of any process.
    pub(super) fn append(&self, lines: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(lines)
    }
}

/// Which way a PDU went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the ESME to us.
    In,
    /// From us to the ESME.
    Out,
}

/// Lines gathered by one link for its next write.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    pub(super) fn pdu(&mut self, at_ns: u128, conn: u64, direction: Direction, frame: &[u8]) {
        let Some(header) = Header::parse(frame) else { return };
        let direction = match direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let (status, sequence) = (header.command_status.0, header.sequence_number.0);
        self.text(format_args!(
            r#"{{"at_ns":{at_ns},"conn":{conn},"dir":"{direction}","command":""#
        ));
        match header.command_id.name() {
            Some(name) => self.text(format_args!("{name}")),
            None => self.text(format_args!("0x{:08x}", header.command_id.0)),
        }
        self.text(format_args!(r#"","sequence":{sequence},"status":{status},"hex":""#));
        self.hex(frame, password_of(header.command_id, frame));
        self.0.extend_from_slice(b"\"}\n");
    }

    /// `what` is a word of ours and `hex` what it is about, if octets.
    pub(super) fn note(&mut self, at_ns: u128, conn: u64, what: &str, sequence: u32, hex: &[u8]) {
        self.text(format_args!(
            r#"{{"at_ns":{at_ns},"conn":{conn},"dir":"note","note":"{what}","sequence":{sequence},"hex":""#
        ));
        self.hex(hex, 0..0);
        self.0.extend_from_slice(b"\"}\n");
    }

    /// Where the next line will begin, for [`Self::forget`].
    pub(super) fn mark(&self) -> usize {
        self.0.len()
    }

    /// Takes back the lines since the mark.
    pub(super) fn forget(&mut self, mark: usize) {
        self.0.truncate(mark);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn text(&mut self, text: std::fmt::Arguments<'_>) {
        let written = self.0.write_fmt(text);
        debug_assert!(written.is_ok(), "a Vec takes everything");
    }

    fn hex(&mut self, octets: &[u8], masked: std::ops::Range<usize>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.0.reserve(octets.len() * 2);
        for (at, &octet) in octets.iter().enumerate() {
            let octet = if masked.contains(&at) { b'*' } else { octet };
            self.0.push(DIGITS[usize::from(octet >> 4)]);
            self.0.push(DIGITS[usize::from(octet & 0x0F)]);
        }
    }
}

/// The octets of the password: the second C-octet string of a bind's or outbind's body.
fn password_of(command: CommandId, frame: &[u8]) -> std::ops::Range<usize> {
    if !carries_password(command) || command.is_response() {
        return 0..0;
    }
    let end_of = |from: usize| {
        frame[from..]
            .iter()
            .position(|&octet| octet == 0)
            .map_or(frame.len(), |length| from + length)
    };
    let start = (end_of(Header::LENGTH) + 1).min(frame.len());
    start..end_of(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pdu_is_one_line_of_json_with_its_octets() {
        let mut lines = Lines::default();
        lines.pdu(5, 2, Direction::Out, b"\0\0\0\x15\x80\0\0\x04\0\0\0\0\0\0\0\x07AB12\0");
        assert_eq!(
            std::str::from_utf8(lines.as_bytes()),
            Ok(concat!(
                r#"{"at_ns":5,"conn":2,"dir":"out","command":"submit_sm_resp","sequence":7,"status":0,"#,
                r#""hex":"000000158000000400000000000000074142313200"}"#,
                "\n"
            ))
        );
    }

    #[test]
    fn the_password_of_a_bind_is_starred_and_its_length_kept() {
        let mut lines = Lines::default();
        let body = b"esme\0secret\0\0\x34\0\0\0";
        let mut frame = Vec::from((16 + body.len() as u32).to_be_bytes());
        frame.extend_from_slice(b"\0\0\0\x09\0\0\0\0\0\0\0\x01");
        frame.extend_from_slice(body);
        lines.pdu(0, 1, Direction::In, &frame);
        let text = String::from_utf8_lossy(lines.as_bytes()).into_owned();
        assert!(text.contains(&hex::encode(b"esme\0******\0\0\x34")), "{text}");
        assert!(!text.contains(&hex::encode(b"secret")));
    }

    #[test]
    fn a_bind_cut_short_is_no_trouble() {
        assert_eq!(password_of(CommandId::BIND_TRANSCEIVER, &[1; 16]), 16..16);
    }
}
