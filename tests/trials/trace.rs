//! A trace by strace, read for one question: was anything promised before the sync that makes it true?
//!
//! strace stops a thread at the beginning and at the end of each call and writes a line in the order of the stops. A write
//! that waits for a sync therefore begins below the sync's end, whichever threads they are on.

use std::collections::HashMap;
use std::ops::RangeInclusive;

/// The flags of strace under which [`Trace::read`] understands what it writes. Page contents are not written out: of the
/// writes to the log only the place in the order counts.
pub(crate) const STRACE: [&str; 12] = [
    "strace",
    "-D",
    "-f",
    "--seccomp-bpf",
    "-y",
    "-xx",
    "-s",
    "1048576",
    "-e",
    "trace=recvfrom,recvmsg,readv,sendto,sendmsg,writev,pwrite64,fsync,fdatasync",
    "-e",
    "raw=pwrite64",
];

/// Request lines whose positive answer is a promise.
const PROMISING: [&str; 3] = ["POST /v1/messages", "DELETE /v1/messages/", "POST /v1/events"];
const DELIVER_SM: u32 = 5;
const DELIVER_SM_RESP: u32 = 0x8000_0005;

/// What a process said, heard and made durable, in lines of its trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// By connection, in order.
    heard: HashMap<u64, Vec<Octets>>,
    /// By connection, in order; placed where the write began.
    said: HashMap<u64, Vec<Octets>>,
    /// From the first write of a transaction to the end of its sync.
    commits: Vec<RangeInclusive<usize>>,
}

#[derive(Clone, Debug)]
struct Octets {
    line: usize,
    octets: Vec<u8>,
}

/// A positive answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) kind: Kind,
    /// Where its request had been read.
    pub(crate) asked: usize,
    /// Where the write of its answer began.
    pub(crate) answered: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// 2xx to a new message.
    Accept,
    /// 2xx to a cancel.
    Cancel,
    /// ESME_ROK to a receipt or a text.
    Deliver,
}

impl Trace {
    /// Reads what strace wrote.
    pub(crate) fn read(text: &str) -> Self {
        let mut trace = Self::default();
        let mut unfinished: HashMap<&str, (usize, String)> = HashMap::new();
        // Of each thread: its log's descriptor, and where the transaction that it writes began.
        let mut logs: HashMap<String, String> = HashMap::new();
        let mut begun: HashMap<&str, Vec<(usize, String)>> = HashMap::new();
        for (line, words) in text.lines().enumerate() {
            let Some((thread, call)) = words.split_once(' ') else {
                continue;
            };
            let call = call.trim_start();
            let (entered, call) = if let Some(head) = call.strip_suffix("<unfinished ...>") {
                unfinished.insert(thread, (line, head.trim_end().to_owned()));
                continue;
            } else if call.starts_with("<... ") {
                let Some((entered, head)) = unfinished.remove(thread) else {
                    continue;
                };
                let rest = call.split_once(" resumed>").map_or("", |(_, rest)| rest);
                (entered, head + rest)
            } else {
                (line, call.to_owned())
            };
            let Some((name, arguments)) = call.split_once('(') else {
                continue;
            };
            let Some(result) = result(arguments) else { continue };
            match name {
                "recvfrom" | "recvmsg" | "readv" => trace.hear(arguments, line, result),
                "sendto" | "sendmsg" | "writev" => trace.say(arguments, entered, result),
                "pwrite64" => {
                    let descriptor = arguments.split(',').next().unwrap_or_default();
                    begun.entry(thread).or_default().push((entered, descriptor.to_owned()));
                }
                "fsync" | "fdatasync" => {
                    let Some(log) = log_of(arguments) else { continue };
                    logs.insert(thread.to_owned(), log.clone());
                    let writes = begun.remove(thread).unwrap_or_default();
                    let mut of_log = writes.iter().filter(|(_, descriptor)| *descriptor == log);
                    // One write alone is the head of a log that is begun anew; a transaction has a frame and its page.
                    if let (Some((first, _)), Some(_), 0) = (of_log.next(), of_log.next(), result) {
                        trace.commits.push(*first..=line);
                    }
                }
                _ => {}
            }
        }
        trace
    }

    fn hear(&mut self, arguments: &str, line: usize, result: i64) {
        let (Some(socket), Ok(length)) = (socket_of(arguments), usize::try_from(result)) else {
            return;
        };
        let mut octets = quoted(arguments);
        octets.truncate(length);
        if !octets.is_empty() {
            self.heard.entry(socket).or_default().push(Octets { line, octets });
        }
    }

    fn say(&mut self, arguments: &str, line: usize, result: i64) {
        let (Some(socket), Ok(length)) = (socket_of(arguments), usize::try_from(result)) else {
            return;
        };
        let mut octets = quoted(arguments);
        octets.truncate(length);
        self.said.entry(socket).or_default().push(Octets { line, octets });
    }

    /// Every promise made.
    pub(crate) fn promises(&self) -> Vec<Promise> {
        let none = Vec::new();
        let mut promises = Vec::new();
        for (socket, said) in &self.said {
            let heard = self.heard.get(socket).unwrap_or(&none);
            if heard.first().is_some_and(|first| first.octets[0].is_ascii_uppercase()) {
                promises.extend(http(heard, said));
            } else {
                promises.extend(smpp(heard, said));
            }
        }
        promises
    }

    /// The promises that no commit stands behind which began after the request was read and was synced before the answer.
    pub(crate) fn early(&self) -> Vec<Promise> {
        let early = |promise: &Promise| {
            let behind =
                |commit: &RangeInclusive<usize>| promise.asked < *commit.start() && *commit.end() < promise.answered;
            !self.commits.iter().any(behind)
        };
        self.promises().into_iter().filter(early).collect()
    }

    pub(crate) fn commits(&self) -> usize {
        self.commits.len()
    }

    /// The same trace, but for one sync that never was.
    pub(crate) fn without_commit(&self, which: usize) -> Self {
        let mut other = self.clone();
        other.commits.remove(which);
        other
    }
}

/// A client here asks again only when it has been answered: an answer belongs to what was read last.
fn http(heard: &[Octets], said: &[Octets]) -> Vec<Promise> {
    let mut promises = Vec::new();
    for answer in said.iter().filter(|said| said.octets.starts_with(b"HTTP/1.1 2")) {
        let before = heard.iter().filter(|heard| heard.line < answer.line);
        let Some(last) = before.clone().next_back() else {
            continue;
        };
        let mut requests = before.filter(|heard| {
            PROMISING.iter().any(|line| heard.octets.starts_with(line.as_bytes())) || heard.octets.starts_with(b"GET ")
        });
        let kind = match requests.next_back().map(|request| request.octets[0]) {
            Some(b'P') => Kind::Accept,
            Some(b'D') => Kind::Cancel,
            _ => continue,
        };
        promises.push(Promise {
            kind,
            asked: last.line,
            answered: answer.line,
        });
    }
    promises
}

fn smpp(heard: &[Octets], said: &[Octets]) -> Vec<Promise> {
    let mut asked = HashMap::new();
    let requests = pdus(heard);
    for pdu in requests.iter().filter(|pdu| pdu.command == DELIVER_SM) {
        asked.insert(pdu.sequence, pdu.last);
    }
    let answers = pdus(said).into_iter();
    let positive = answers.filter(|pdu| pdu.command == DELIVER_SM_RESP && pdu.status == 0);
    positive
        .filter_map(|pdu| {
            Some(Promise {
                kind: Kind::Deliver,
                asked: *asked.get(&pdu.sequence)?,
                answered: pdu.first,
            })
        })
        .collect()
}

struct Pdu {
    command: u32,
    status: u32,
    sequence: u32,
    /// The lines of its first and of its last octet.
    first: usize,
    last: usize,
}

fn pdus(pieces: &[Octets]) -> Vec<Pdu> {
    let stream: Vec<u8> = pieces.iter().flat_map(|piece| &piece.octets).copied().collect();
    let lines: Vec<(usize, usize)> = pieces
        .iter()
        .scan(0, |end, piece| {
            *end += piece.octets.len();
            Some((*end, piece.line))
        })
        .collect();
    let line_of = |octet: usize| lines[lines.partition_point(|(end, _)| *end <= octet)].1;
    let mut found = Vec::new();
    let mut begin = 0;
    while let Some(head) = stream.get(begin..begin + 16) {
        let word = |n: usize| u32::from_be_bytes(head[n * 4..n * 4 + 4].try_into().unwrap());
        let end = begin + word(0) as usize;
        if end > stream.len() || word(0) < 16 {
            break;
        }
        found.push(Pdu {
            command: word(1),
            status: word(2),
            sequence: word(3),
            first: line_of(begin),
            last: line_of(end - 1),
        });
        begin = end;
    }
    found
}

/// What a call returned.
fn result(arguments: &str) -> Option<i64> {
    let (_, result) = arguments.rsplit_once(" = ")?;
    let word = result.split(' ').next()?;
    match word.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

/// The number of `21<socket:[2388836]>`; a connection has one of its own.
fn socket_of(arguments: &str) -> Option<u64> {
    let (_, rest) = arguments.split_once('<')?;
    let path = String::from_utf8(unescaped(rest.split_once('>')?.0)).ok()?;
    path.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// The descriptor of the database's log, as a raw argument has it, where that is what is synced.
fn log_of(arguments: &str) -> Option<String> {
    let (descriptor, rest) = arguments.split_once('<')?;
    let path = unescaped(rest.split_once('>')?.0);
    let descriptor: u32 = descriptor.parse().ok()?;
    path.ends_with(b"-wal").then(|| format!("{descriptor:#x}"))
}

/// All that stands in quotes, one after the other: the buffers of a call.
fn quoted(arguments: &str) -> Vec<u8> {
    arguments.split('"').skip(1).step_by(2).flat_map(unescaped).collect()
}

/// `\x41` is an octet; what is not escaped is itself.
fn unescaped(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len() / 4);
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        match rest {
            [b'\\', b'x', high, low, after @ ..] => {
                let digit = |octet: &u8| (*octet as char).to_digit(16).unwrap_or_default();
                octets.push(u8::try_from(digit(high) * 16 + digit(low)).unwrap_or_default());
                rest = after;
            }
            _ => {
                octets.push(*first);
                rest = after;
            }
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request in two reads, a commit on another thread, its answer.
    const GOOD: &str = "\
10 recvfrom(21<socket:[7]>, \"POST /v1/messages HTTP/1.1\", 8192, 0, NULL, NULL) = 26
10 recvfrom(21<socket:[7]>,  <unfinished ...>
11 pwrite64(0xc, 0x1, 0x18, 0x20) = 0x18
10 <... recvfrom resumed>\"\\x7b\\x7d\", 8192, 0, NULL, NULL) = 2
11 fsync(12</s/araldo.db-wal>) = 0
11 pwrite64(0xc, 0x1, 0x18, 0x38) = 0x18
11 pwrite64(0xc, 0x1, 0x1000, 0x50 <unfinished ...>
10 recvfrom(21<socket:[7]>, 0x7f, 8192, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
11 <... pwrite64 resumed>) = 0x1000
11 fsync(12<\\x2f\\x77\\x2d\\x77\\x61\\x6c> <unfinished ...>
11 <... fsync resumed>) = 0
10 writev(21<\\x73ocket:[7]>, [{iov_base=\"HTTP/1.1 202 Accepted\", iov_len=21}, {iov_base=\"{}\", iov_len=2}], 2) = 23
";

    #[test]
    fn an_answer_below_the_sync_of_what_was_asked_is_in_time() {
        let trace = Trace::read(GOOD);
        assert_eq!(trace.commits, [5..=10]);
        let accept = Promise {
            kind: Kind::Accept,
            asked: 3,
            answered: 11,
        };
        assert_eq!((trace.promises(), trace.early()), (vec![accept], Vec::new()));
    }

    #[test]
    fn an_answer_before_the_syncs_end_is_early() {
        let lines: Vec<&str> = GOOD.lines().collect();
        let moved: Vec<&str> = [&lines[..10], &[lines[11], lines[10]]].concat();
        assert_eq!(Trace::read(&moved.join("\n")).early().len(), 1);
    }

    #[test]
    fn a_sync_of_what_was_written_before_the_request_or_that_failed_makes_nothing_durable() {
        let failed = GOOD.replace(
            "<... fsync resumed>) = 0",
            "<... fsync resumed>) = -1 EIO (Input/output error)",
        );
        assert_eq!(Trace::read(&failed).early().len(), 1);
        let older = GOOD
            .replace("0x38", "0x40")
            .replace("10 <... recvfrom resumed>", "10 <... recv resumed>");
        let lines: Vec<&str> = older.lines().collect();
        let late: Vec<&str> = [&lines[4..7], &lines[0..4], &lines[8..]].concat();
        assert_eq!(Trace::read(&late.join("\n")).early().len(), 1);
    }

    #[test]
    fn a_receipt_is_answered_under_its_number_and_only_a_good_answer_is_a_promise() {
        let pdu = |command: &str, status: &str, number: &str| {
            format!("\\x00\\x00\\x00\\x10{command}\\x00\\x00\\x00{status}\\x00\\x00\\x00{number}")
        };
        let (deliver, answer) = ("\\x00\\x00\\x00\\x05", "\\x80\\x00\\x00\\x05");
        let heard = pdu(deliver, "\\x00", "\\x01") + &pdu(deliver, "\\x00", "\\x02");
        let said = pdu(answer, "\\x08", "\\x01") + &pdu(answer, "\\x00", "\\x02");
        let trace = Trace::read(&format!(
            "9 recvfrom(3<socket:[5]>, \"{heard}\", 99, 0, NULL, NULL) = 32\n9 sendto(3<socket:[5]>, \"{said}\", 32, 0, NULL, 0) = 32\n"
        ));
        assert_eq!(
            trace.promises(),
            [Promise {
                kind: Kind::Deliver,
                asked: 0,
                answered: 1
            }]
        );
        assert_eq!(trace.early().len(), 1);
    }
}
