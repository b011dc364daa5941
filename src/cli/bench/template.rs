//! Requests made beforehand: only digits change from one to the next.

use std::fmt::Write;
use std::net::SocketAddr;

/// What a message is to be.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) class: String,
    pub(super) receipt: bool,
    /// Whether each has an idempotency key.
    pub(super) keys: bool,
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
    /// A whole request, or the head of one with NDJSON, whose length is appended.
    head: Template,
    line: Template,
    /// Messages a request; zero is a request of one message that is no NDJSON.
    batch: u32,
    out: Vec<u8>,
}

impl Requests {
    /// Requests to the API with that key.
    pub(super) fn new(api: SocketAddr, key: &str, shape: &Shape, batch: u32) -> Self {
        let mut message = format!(
            "{{\"to\":\"+39333#######\",\"text\":\"Il codice per confermare e' ########. Non comunicarlo a nessuno.\",\
             \"class\":\"{}\"",
            shape.class
        );
        if !shape.receipt {
            message.push_str(",\"receipt\":false");
        }
        if shape.keys && batch > 0 {
            message.push_str(",\"idempotency_key\":\"bench-##########\"");
        }
        message.push('}');
        let kind = if batch > 0 { "x-ndjson" } else { "json" };
        let mut head = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: {api}\r\nAuthorization: Bearer {key}\r\nContent-Type: \
             application/{kind}\r\n"
        );
        if shape.keys && batch == 0 {
            head.push_str("Idempotency-Key: bench-##########\r\n");
        }
        head.push_str("Content-Length: ");
        if batch == 0 {
            // Writing to a string does not fail.
            let _ = write!(head, "{}\r\n\r\n{message}", message.len());
        }
        Self {
            head: Template::new(head),
            line: Template::new(message + "\n"),
            batch,
            out: Vec::new(),
        }
    }

    /// Messages in a full request.
    pub(super) fn size(&self) -> u64 {
        self.batch.max(1).into()
    }

    /// The request with the messages of these numbers, at most [`Self::size`].
    pub(super) fn render(&mut self, numbers: std::ops::Range<u64>) -> &[u8] {
        if self.batch == 0 {
            self.head.fill(numbers.start);
            return &self.head.octets;
        }
        self.out.clear();
        self.out.extend_from_slice(&self.head.octets);
        let count = usize::try_from(numbers.end - numbers.start).unwrap_or(0);
        self.out
            .extend_from_slice(format!("{}\r\n\r\n", count * self.line.octets.len()).as_bytes());
        for number in numbers {
            self.line.fill(number);
            self.out.extend_from_slice(&self.line.octets);
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
        let mut requests = Requests::new("127.0.0.1:1".parse().unwrap(), "k", &shape(true), 0);
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
        let mut requests = Requests::new("127.0.0.1:1".parse().unwrap(), "k", &shape(true), 10);
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
}
