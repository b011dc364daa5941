//! A message read out of a request.

use crate::accept::{FIELDS, Wish};
use crate::http::json;
use crate::http::problem::{Code, Fault, Problem};

/// Fields of the design that are not there yet.
const SOON: [&str; 2] = ["priority", "tags"];

impl<'a> Wish<'a> {
    /// Reads the body of one request.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        let wish: Self = json::read(body, &FIELDS, &SOON)?;
        wish.without_client()?;
        match wish.idempotency_key {
            None => Ok(wish),
            Some(_) => {
                let fault = Fault::new("/idempotency_key", Code::InvalidJson, "unknown field `idempotency_key`");
                Err(fault.hint("send it as the header Idempotency-Key").into())
            }
        }
    }

    /// Reads a line of NDJSON.
    pub(crate) fn read_line(line: &'a [u8]) -> Result<Self, Problem> {
        let wish: Self = json::read(line, &FIELDS, &SOON)?;
        wish.without_client()?;
        Ok(wish)
    }

    /// Reads the body of an operator's request.
    pub(crate) fn read_for_operator(body: &'a [u8]) -> Result<Self, Problem> {
        json::read(body, &FIELDS, &SOON)
    }

    fn without_client(&self) -> Result<(), Problem> {
        match self.client {
            None => Ok(()),
            Some(_) => Err(Fault::new("/client", Code::InvalidJson, "unknown field `client`")
                .hint("the client is known by its key")
                .into()),
        }
    }
}

/// Reads an Idempotency-Key.
pub(crate) fn idempotency_key(given: Option<&str>, pointer: &str, required: bool) -> Result<Option<Box<str>>, Problem> {
    match given {
        None if required => Err(Problem::new(Code::IdempotencyKeyRequired)),
        None => Ok(None),
        Some(key) if (1..=255).contains(&key.len()) && key.bytes().all(|c| (b' '..=b'~').contains(&c)) => {
            Ok(Some(key.into()))
        }
        Some(_) => Err(Fault::new(
            pointer,
            Code::IdempotencyKeyInvalid,
            "must be 1 to 255 visible ASCII characters",
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_of_the_meaning_and_not_of_the_spelling() {
        let one = Wish::read(br#"{"to":"+393331234567","text":"a"}"#)
            .unwrap()
            .fingerprint();
        let same = Wish::read(br#"{ "text": "\u0061", "to": "+393331234567" }"#)
            .unwrap()
            .fingerprint();
        let other = Wish::read(br#"{"to":"+393331234567","text":"b"}"#)
            .unwrap()
            .fingerprint();
        let moved = Wish::read(br#"{"to":"+393331234567","from":"a"}"#)
            .unwrap()
            .fingerprint();
        assert_eq!(one, same);
        assert_ne!(one, other);
        assert_ne!(one, moved);
        let flash = Wish::read(br#"{"to":"+393331234567","text":"a","flash":true}"#)
            .unwrap()
            .fingerprint();
        assert_ne!(one, flash);
    }
}
