//! A message as it is asked for.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::UnixMillis;
use crate::http::json::{self, Text};
use crate::http::problem::{Code, Fault, Problem};

/// The fields of a message. Every one may be missing here; what must be there is said by `accept`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish<'a> {
    #[serde(borrow)]
    pub(crate) to: Option<Text<'a>>,
    pub(crate) text: Option<Text<'a>>,
    pub(crate) from: Option<Text<'a>>,
    pub(crate) class: Option<Text<'a>>,
    pub(crate) channels: Option<Vec<Text<'a>>>,
    pub(crate) not_before: Option<Text<'a>>,
    pub(crate) expires_at: Option<Text<'a>>,
    pub(crate) reference: Option<Text<'a>>,
    pub(crate) receipt: Option<bool>,
    pub(crate) callback: Option<Text<'a>>,
    pub(crate) encoding: Option<Text<'a>>,
    pub(crate) smart: Option<bool>,
    pub(crate) flash: Option<bool>,
    pub(crate) dry_run: Option<bool>,
    /// Of a line of NDJSON.
    pub(crate) idempotency_key: Option<Text<'a>>,
    /// Of the admin listener: in whose name.
    pub(crate) client: Option<Text<'a>>,
}

/// The fields of the body of `POST /v1/messages`.
pub(crate) const FIELDS: [&str; 14] = [
    "to",
    "text",
    "from",
    "class",
    "channels",
    "not_before",
    "expires_at",
    "reference",
    "receipt",
    "callback",
    "encoding",
    "smart",
    "flash",
    "dry_run",
];
/// Fields of the design that are not there yet.
const SOON: [&str; 6] = ["template", "vars", "locale", "rich", "priority", "tags"];

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

    /// SHA-256 over what is asked for, the same however the JSON was written.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        #[derive(Serialize)]
        struct Asked<'w>(
            [Option<&'w str>; 8],
            Option<Vec<&'w str>>,
            Option<bool>,
            #[serde(skip_serializing_if = "Option::is_none")] Option<Form<'w>>,
        );
        /// How the text is to be written; left out where nothing is said of it.
        type Form<'w> = (Option<&'w str>, Option<bool>, Option<bool>);
        let form = (self.encoding.as_deref(), self.smart, self.flash);
        let asked = Asked(
            [
                &self.to,
                &self.text,
                &self.from,
                &self.class,
                &self.not_before,
                &self.expires_at,
                &self.reference,
                &self.callback,
            ]
            .map(|text| text.as_deref()),
            self.channels
                .as_ref()
                .map(|channels| channels.iter().map(|channel| &**channel).collect()),
            self.receipt,
            (form != (None, None, None)).then_some(form),
        );
        Sha256::digest(serde_json::to_vec(&asked).unwrap_or_default()).into()
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

/// Reads a time with its zone.
pub(crate) fn time(text: &str) -> Option<UnixMillis> {
    text.parse::<jiff::Timestamp>().ok().map(UnixMillis::from)
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

    #[test]
    fn a_time_needs_its_zone() {
        assert!(time("2026-11-21T10:00:00Z").is_some());
        assert!(time("2026-11-21T10:00:00+01:00").is_some());
        for bad in ["2026-11-21T10:00:00", "2026-11-21", "10000-01-01T00:00:00Z", "soon", ""] {
            assert!(time(bad).is_none(), "{bad}");
        }
    }
}
