//! Filters: one line in, one JSON line out, so that anyone can hold them against another implementation.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde::Serialize;

use super::Exit;

/// The longest line a filter takes; a PDU of 64 KiB is 128 KiB of hex. A longer one is answered with an error line.
const MAX_LINE: usize = 1 << 20;

/// The answer to a line that a filter can make nothing of.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Fault {
    /// Of that code.
    pub(super) fn new(error: &'static str) -> Self {
        Self {
            error,
            field: None,
            offset: None,
            command_status: None,
            detail: None,
        }
    }

    /// Which field it is about.
    pub(super) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Where in the octets the field begins.
    pub(super) fn offset(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The status that a peer would be answered with.
    pub(super) fn command_status(mut self, status: &impl ToString) -> Self {
        self.command_status = Some(status.to_string());
        self
    }

    /// In words.
    pub(super) fn detail(mut self, detail: &(impl ToString + ?Sized)) -> Self {
        self.detail = Some(detail.to_string());
        self
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::new("invalid_json").detail(&error)
    }
}

/// The octets of a field in hex, in either case, with blanks between where one likes.
pub(super) fn octets(hex: &str, field: &str) -> Result<Vec<u8>, Fault> {
    let bad = |detail: String| Fault::new("invalid_hex").field(field).detail(&detail);
    if let Some((at, c)) = hex
        .chars()
        .enumerate()
        .find(|(_, c)| !c.is_ascii_hexdigit() && !c.is_ascii_whitespace())
    {
        return Err(bad(format!(
            "`{}` at character {} is no hex digit",
            c.escape_default(),
            at + 1
        )));
    }
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    hex::decode(&digits).map_err(|_| bad(format!("has {} hex digits; two make an octet", digits.len())))
}

/// Answers every line of standard input on standard output. A bad line gets an error line, and the end is exit 1; nobody
/// reading is no error.
pub(super) fn run<T: Serialize>(answer: impl FnMut(&str) -> Result<T, Fault>) -> Exit {
    match filter(io::stdin().lock(), io::stdout().lock(), answer) {
        Ok(0) => Exit::Ok,
        Ok(_) => Exit::Error,
        // Whoever reads has had enough, as in `araldo pdu decode | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            Exit::Io
        }
    }
}

/// How many lines could not be read.
fn filter<T: Serialize>(
    input: impl Read,
    output: impl Write,
    mut answer: impl FnMut(&str) -> Result<T, Fault>,
) -> io::Result<u64> {
    let mut bad = 0;
    let mut input = BufReader::with_capacity(64 << 10, input);
    let mut output = io::BufWriter::new(output);
    let mut line = Vec::new();
    while let Some(whole) = next_line(&mut input, &mut line)? {
        let answered = if !whole {
            Err(Fault::new("line_too_long").detail(&format!("at most {MAX_LINE} bytes a line")))
        } else {
            match str::from_utf8(&line) {
                // Editors put a byte order mark before the first line.
                Ok(text) => answer(text.strip_prefix('\u{feff}').unwrap_or(text)),
                Err(error) => Err(Fault::new("invalid_utf8").offset(error.valid_up_to()).detail(&error)),
            }
        };
        match answered {
            Ok(value) => serde_json::to_writer(&mut output, &value)?,
            Err(fault) => {
                bad += 1;
                serde_json::to_writer(&mut output, &fault)?;
            }
        }
        output.write_all(b"\n")?;
        // Whoever writes a line and waits for its answer gets it; a whole file goes through in large blocks.
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
    output.flush().map(|()| bad)
}

/// Reads a line without its end: `Some(true)` whole, `Some(false)` skipped because too long, `None` at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let read = input.by_ref().take(MAX_LINE as u64 + 2).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    } else if read > MAX_LINE {
        input.skip_until(b'\n')?;
    }
    Ok(Some(line.len() <= MAX_LINE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(input: &[u8]) -> String {
        let mut output = Vec::new();
        let bad = filter(input, &mut output, |line| {
            if line == "bad" {
                Err(Fault::new("bad"))
            } else {
                Ok(line.len())
            }
        })
        .unwrap();
        let output = String::from_utf8(output).unwrap();
        assert_eq!(bad, output.matches("error").count() as u64);
        output
    }

    #[test]
    fn octets_are_read_with_blanks_and_what_is_none_is_told_with_its_place() {
        assert_eq!(octets(" 41 4a\t4B ", "hex").unwrap(), [0x41, 0x4a, 0x4b]);
        let told = |hex| octets(hex, "hex").unwrap_err().detail.unwrap();
        assert_eq!(told("41 4g"), "`g` at character 5 is no hex digit");
        assert_eq!(told("41 4"), "has 3 hex digits; two make an octet");
    }

    #[test]
    fn every_line_has_its_answer_the_empty_and_the_unended_too() {
        assert_eq!(lengths(b"ab\r\n\nbad\nabc"), "2\n0\n{\"error\":\"bad\"}\n3\n");
        assert_eq!(lengths(b""), "");
        assert_eq!(lengths("\u{feff}ab\n".as_bytes()), "2\n");
    }

    #[test]
    fn a_line_that_is_no_text_or_too_long_is_answered_and_the_next_one_read() {
        let mut input = vec![b'x'; MAX_LINE + 10];
        input.extend(b"\n\xff\nok\n");
        let output = lengths(&input);
        let lines: Vec<&str> = output.lines().collect();
        assert!(
            lines[0].contains("line_too_long") && lines[1].contains("invalid_utf8"),
            "{output}"
        );
        assert_eq!(lines[2..], ["2"]);
        let longest = [vec![b'x'; MAX_LINE], b"\r\n1\n".to_vec()].concat();
        assert_eq!(lengths(&longest), format!("{MAX_LINE}\n1\n"));
    }
}
