//! Requests made beforehand: only digits change from one to the next.

use std::fmt::Write;
use std::net::SocketAddr;

/// An event whose text is one of the longest that come along.
const EVENT: &str = "{\"specversion\":\"1.0\",\"id\":\"bench-##########\",\"source\":\"/bench\",\"type\":\"bench\",\
                     \"time\":\"2026-11-21T09:45:00Z\",\"data\":{\"msisdn\":\"+39333#######\",\"amount\":1250,\
                     \"currency\":\"EUR\",\"payee\":\"Anna Bianchi\",\"date\":\"2026-11-21\",\
                     \"transaction\":\"FT########\"}}";

/// What a message is to be.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) class: String,
    pub(super) receipt: bool,
    /// Whether each has an idempotency key.
    pub(super) keys: bool,
}

/// What a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// One message, as JSON.
    Single,
    /// So many messages, as NDJSON.
    Ndjson(u32),
    /// So many events, as a batch.
    Events(u32),
}

impl Packing {
    /// Messages in a full request.
    pub(super) fn size(self) -> u32 {
        match self {
            Self::Single => 1,
            Self::Ndjson(count) | Self::Events(count) => count.max(1),
        }
    }
}

/// Octets with runs of `#` where the digits of a message's number stand.
#[derive(Clone, Debug)]
struct Template {
    octets: Vec<u8>,
    /// Start and length of each run.
    runs: Vec<(usize, usize)>,
}

/// Writes requests of one kind.
#[derive(Debug)]
pub(super) struct Requests {
    /// A whole request, or the head of one with several messages, whose length is appended.
    head: Template,
    /// A message with what parts it from the next.
    line: Template,
    packing: Packing,
    out: Vec<u8>,
}

impl Requests {
    /// Requests to the API with that key.
    pub(super) fn new(api: SocketAddr, key: &str, shape: &Shape, packing: Packing) -> Self {
        let single = packing == Packing::Single;
        let mut message = format!(
            "{{\"to\":\"+39333#######\",\"text\":\"Il codice per confermare e' ########. Non comunicarlo a nessuno.\",\
             \"class\":\"{}\"",
            shape.class
        );
        if !shape.receipt {
            message.push_str(",\"receipt\":false");
        }
        if shape.keys && !single {
            message.push_str(",\"idempotency_key\":\"bench-##########\"");
        }
        message.push('}');
        let (path, kind, end) = match packing {
            Packing::Single => ("messages", "json", "\n"),
            Packing::Ndjson(_) => ("messages", "x-ndjson", "\n"),
            Packing::Events(_) => ("events", "cloudevents-batch+json", ","),
        };
        if matches!(packing, Packing::Events(_)) {
            EVENT.clone_into(&mut message);
        }
        let mut head = format!(
            "POST /v1/{path} HTTP/1.1\r\nHost: {api}\r\nAuthorization: Bearer {key}\r\nContent-Type: \
             application/{kind}\r\n"
        );
        if shape.keys && single {
            head.push_str("Idempotency-Key: bench-##########\r\n");
        }
        head.push_str("Content-Length: ");
        if single {
            // Writing to a string does not fail.
            let _ = write!(head, "{}\r\n\r\n{message}", message.len());
        }
        Self {
            head: Template::new(head),
            line: Template::new(message + end),
            packing,
            out: Vec::new(),
        }
    }

    /// Messages in a full request.
    pub(super) fn size(&self) -> u64 {
        self.packing.size().into()
    }

    /// The request with the messages of these numbers, at most [`Self::size`].
    pub(super) fn render(&mut self, numbers: std::ops::Range<u64>) -> &[u8] {
        if self.packing == Packing::Single {
            self.head.fill(numbers.start);
            return &self.head.octets;
        }
        self.out.clear();
        self.out.extend_from_slice(&self.head.octets);
        let count = usize::try_from(numbers.end - numbers.start).unwrap_or(0);
        let array = matches!(self.packing, Packing::Events(_));
        let length = count * self.line.octets.len() + usize::from(array);
        self.out.extend_from_slice(format!("{length}\r\n\r\n").as_bytes());
        if array {
            self.out.push(b'[');
        }
        for number in numbers {
            self.line.fill(number);
            self.out.extend_from_slice(&self.line.octets);
        }
        if array && let Some(last) = self.out.last_mut() {
            // The last event parts from nothing.
            *last = b']';
        }
        &self.out
    }
}

impl Template {
    fn new(text: String) -> Self {
        let octets = text.into_bytes();
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (at, _) in octets.iter().enumerate().filter(|(_, octet)| **octet == b'#') {
            match runs.last_mut() {
                Some((start, length)) if *start + *length == at => *length += 1,
                _ => runs.push((at, 1)),
            }
        }
        Self { octets, runs }
    }

    /// Writes the number's last digits into every run.
    fn fill(&mut self, number: u64) {
        for &(start, length) in &self.runs {
            let mut left = number;
            for octet in self.octets[start..start + length].iter_mut().rev() {
                *octet = b'0' + u8::try_from(left % 10).unwrap_or(0);
                left /= 10;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(keys: bool) -> Shape {
        Shape {
            class: "otp".into(),
            receipt: false,
            keys,
        }
    }

    #[test]
    fn a_request_says_its_length_and_carries_its_number() {
        let mut requests = Requests::new("127.0.0.1:1".parse().unwrap(), "k", &shape(true), Packing::Single);
        for number in [7, 123_456_789] {
            let request = String::from_utf8(requests.render(number..number + 1).to_vec()).unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let body_json: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body_json["to"], format!("+39333{:07}", number % 10_000_000));
            assert_eq!(body_json["receipt"], false);
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
            assert!(head.contains(&format!("Idempotency-Key: bench-{number:010}")), "{head}");
        }
    }

    #[test]
    fn ndjson_has_a_line_a_message() {
        let mut requests = Requests::new("127.0.0.1:1".parse().unwrap(), "k", &shape(true), Packing::Ndjson(10));
        let request = String::from_utf8(requests.render(5..8).to_vec()).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
        let keys: Vec<String> = body
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["idempotency_key"].to_string())
            .collect();
        assert_eq!(
            keys,
            ["\"bench-0000000005\"", "\"bench-0000000006\"", "\"bench-0000000007\""]
        );
    }

    #[test]
    fn events_are_an_array() {
        let mut requests = Requests::new("127.0.0.1:1".parse().unwrap(), "k", &shape(false), Packing::Events(10));
        for numbers in [5..8, 8..9] {
            let request = String::from_utf8(requests.render(numbers.clone()).to_vec()).unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("POST /v1/events "), "{head}");
            assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
            let events: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
            let ids: Vec<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
            let expected: Vec<String> = numbers.map(|number| format!("bench-{number:010}")).collect();
            assert_eq!(ids, expected);
        }
    }
}
