//! The name server: each question about a name gets its next answer, and the last one for good. It is asked by the code
//! under test directly, and over UDP by the resolver of the system.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::Mutex;
use std::thread;

use araldo::backend::Resolver;
use futures_util::future::BoxFuture;

use crate::PUBLIC;
use crate::hostile::Case;

/// Record types (RFC 1035 §3.2.2, RFC 3596 §2.1).
const A: u16 = 1;
const AAAA: u16 = 28;

type Answers = HashMap<String, VecDeque<Vec<IpAddr>>>;

pub(crate) struct Names(Mutex<Answers>);

impl Names {
    pub(crate) fn new(cases: &[Case]) -> Self {
        Self(Mutex::new(answers(cases)))
    }

    fn next(&self, name: &str) -> Option<Vec<IpAddr>> {
        next(&mut self.0.lock().unwrap(), name)
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let answer = self.next(name);
        Box::pin(async { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}

fn answers(cases: &[Case]) -> Answers {
    let host = |url: &str| url.split('/').nth(2).unwrap().to_ascii_lowercase();
    let mut names: Answers = (cases.iter())
        .filter(|case| !case.answers.is_empty())
        .map(|case| (host(&case.url), case.answers.clone().into()))
        .collect();
    let public = vec![PUBLIC[0].parse().unwrap()];
    names.insert("public.rig.example".to_owned(), VecDeque::from([public]));
    names
}

fn next(names: &mut Answers, name: &str) -> Option<Vec<IpAddr>> {
    let answers = names.get_mut(name)?;
    if answers.len() > 1 {
        answers.pop_front()
    } else {
        answers.front().cloned()
    }
}

/// Answers on port 53 of this namespace's loopback, until the process ends. The system asks for both families each time:
/// each has its own place among the answers.
pub(crate) fn serve(cases: &[Case]) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).unwrap();
    let mut families = [(A, answers(cases)), (AAAA, answers(cases))];
    thread::spawn(move || {
        let mut octets = [0; 512];
        loop {
            let (length, from) = socket.recv_from(&mut octets).unwrap();
            let (name, end) = question(&octets[..length]);
            let kind = u16::from_be_bytes([octets[end], octets[end + 1]]);
            let found = families.iter_mut().find(|(family, _)| *family == kind);
            let found = found.and_then(|(_, names)| next(names, &name));
            socket.send_to(&reply(&octets[..end + 4], kind, found), from).unwrap();
        }
    });
}

/// The name that is asked about, and where it ends.
fn question(octets: &[u8]) -> (String, usize) {
    let mut labels = Vec::new();
    let mut at = 12;
    while octets[at] > 0 {
        let end = at + 1 + usize::from(octets[at]);
        labels.push(String::from_utf8_lossy(&octets[at + 1..end]).to_ascii_lowercase());
        at = end;
    }
    (labels.join("."), at + 1)
}

/// Head and question as they came, and the addresses of that family (RFC 1035 §4.1).
fn reply(asked: &[u8], kind: u16, found: Option<Vec<IpAddr>>) -> Vec<u8> {
    let status: u8 = if found.is_some() { 0 } else { 3 };
    let records: Vec<Vec<u8>> = (found.unwrap_or_default().iter())
        .filter_map(|address| match address {
            IpAddr::V4(v4) if kind == A => Some(v4.octets().to_vec()),
            IpAddr::V6(v6) if kind == AAAA => Some(v6.octets().to_vec()),
            _ => None,
        })
        .collect();
    let mut out = asked.to_vec();
    let count = u8::try_from(records.len()).unwrap();
    out[2..12].copy_from_slice(&[0x81, 0x80 | status, 0, 1, 0, count, 0, 0, 0, 0]);
    for record in records {
        // The name of the question; the family; class IN; not to be kept.
        out.extend_from_slice(&[0xc0, 12]);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, u8::try_from(record.len()).unwrap()]);
        out.extend_from_slice(&record);
    }
    out
}
