//! What is to be noted, as it is sent.

use serde::Deserialize;

use crate::accept::{Text, masked, time};
use crate::domain::{Msisdn, Name, Source, UnixMillis, Will};
use crate::http::api::ApiState;
use crate::http::json;
use crate::http::problem::{Code, Fault, Problem};
use crate::store::NewConsent;

/// Characters of a note.
const MAX_NOTE: usize = 256;

/// The fields of an entry: those of an export, so that it can be imported again.
const FIELDS: [&str; 7] = ["msisdn", "brand", "topic", "state", "source", "at", "note"];

/// An entry as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ConsentWish<'a> {
    #[serde(borrow)]
    msisdn: Option<Text<'a>>,
    brand: Option<Text<'a>>,
    topic: Option<Text<'a>>,
    state: Option<Text<'a>>,
    source: Option<Text<'a>>,
    at: Option<Text<'a>>,
    note: Option<Text<'a>>,
}

impl<'a> ConsentWish<'a> {
    /// Reads one object.
    pub(in crate::http) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        json::read(body, &FIELDS, &[])
    }

    /// What it asks to note. `number` and `brand` are those that stand elsewhere in the request.
    pub(in crate::http) fn noted(
        &self,
        state: &ApiState,
        number: Option<&Msisdn>,
        brand: Option<&Name>,
        source: Source,
    ) -> Result<NewConsent, Problem> {
        let mut faults = Vec::new();
        let mut keep = |fault: Fault| faults.push(fault);
        let now = state.clock.now();
        let msisdn = match (&self.msisdn, number) {
            (None, None) => Err(Fault::new("/msisdn", Code::Required, "is missing")),
            (None, Some(number)) => Ok(number.clone()),
            (Some(text), known) => read_number(text).and_then(|number| match known {
                Some(known) if *known != number => Err(Fault::new(
                    "/msisdn",
                    Code::InvalidNumber,
                    "is not the number of the path",
                )),
                _ => Ok(number),
            }),
        };
        let msisdn = msisdn.map_err(&mut keep).ok();
        let brand = self.brand(state, brand).map_err(&mut keep).ok();
        let topic = self
            .topic
            .as_deref()
            .map(|word| topic(state, "/topic", word))
            .transpose();
        let topic = topic.map_err(&mut keep).ok();
        let will = self.will().map_err(&mut keep).ok();
        let source = self.source(source).map_err(&mut keep).ok();
        let at = self.at(now).map_err(&mut keep).ok();
        let note = self.note().map_err(&mut keep).ok();
        match (msisdn, brand, topic, will, source, at, note) {
            (Some(msisdn), Some(brand), Some(topic), Some(will), Some(source), Some(at), Some(note)) => {
                Ok(NewConsent {
                    msisdn: msisdn.digits().into(),
                    told: state.intake.gate.policy.members(&brand),
                    brand,
                    topic: topic.flatten(),
                    will,
                    source,
                    at,
                    note,
                })
            }
            _ => Err(Problem::of_faults(faults)),
        }
    }

    fn brand(&self, state: &ApiState, own: Option<&Name>) -> Result<Name, Fault> {
        let known: Vec<&Name> = state.intake.gate.policy.brands().collect();
        match (self.brand.as_deref(), own) {
            (None, Some(own)) => Ok(own.clone()),
            (Some(word), Some(own)) if word == own.as_str() => Ok(own.clone()),
            (Some(_), Some(own)) => {
                let detail = format!("must be `{own}`, the brand of this key");
                Err(Fault::new("/brand", Code::UnknownBrand, detail))
            }
            (Some(word), None) => known
                .into_iter()
                .find(|brand| brand.as_str() == word)
                .cloned()
                .ok_or_else(|| Fault::new("/brand", Code::UnknownBrand, "is neither a client nor a [brand.ID]")),
            // Who has one brand need not name it.
            (None, None) => match known.as_slice() {
                [only] => Ok((*only).clone()),
                _ => Err(Fault::new(
                    "/brand",
                    Code::Required,
                    "is missing, and there are several",
                )),
            },
        }
    }

    fn will(&self) -> Result<Will, Fault> {
        let pointer = "/state";
        let Some(word) = self.state.as_deref() else {
            return Err(Fault::new(pointer, Code::Required, "is missing").hint("opted_out or opted_in"));
        };
        match word.parse() {
            Ok(will @ (Will::OptedOut | Will::OptedIn)) => Ok(will),
            _ => Err(Fault::new(pointer, Code::InvalidState, "must be opted_out or opted_in")),
        }
    }

    /// How it came here is the way it comes, but for a list, which may tell.
    fn source(&self, way: Source) -> Result<Source, Fault> {
        match (self.source.as_deref(), way) {
            (None, way) => Ok(way),
            (Some(word), Source::Import) => word.parse().map_err(|_| {
                let detail = "must be sms, api, operator or import";
                Fault::new("/source", Code::InvalidState, detail)
            }),
            (Some(_), _) => Err(Fault::new("/source", Code::InvalidJson, "is known: leave it out")),
        }
    }

    fn at(&self, now: UnixMillis) -> Result<UnixMillis, Fault> {
        let Some(text) = self.at.as_deref() else { return Ok(now) };
        let pointer = "/at";
        let at = time(text).ok_or_else(|| {
            Fault::new(
                pointer,
                Code::InvalidValidity,
                "is not a time in RFC 3339 with its zone",
            )
            .hint("e.g. 2026-11-21T10:00:00Z")
        })?;
        match at <= now.after(crate::accept::CLOCKS_DIFFER) {
            true => Ok(at.min(now)),
            false => Err(Fault::new(pointer, Code::InvalidValidity, "is in the future")),
        }
    }

    fn note(&self) -> Result<Option<Box<str>>, Fault> {
        let Some(note) = self.note.as_deref() else {
            return Ok(None);
        };
        let fits = note.chars().count() <= MAX_NOTE && !note.chars().any(char::is_control);
        fits.then(|| Some(note.into())).ok_or_else(|| {
            let detail = format!("must have at most {MAX_NOTE} characters, none of them a control character");
            Fault::new("/note", Code::InvalidReference, detail).limit(MAX_NOTE)
        })
    }
}

/// A number in E.164.
fn read_number(text: &str) -> Result<Msisdn, Fault> {
    Msisdn::parse(text).map_err(|error| {
        Fault::new("/msisdn", Code::InvalidNumber, error.to_string())
            .got(masked(text))
            .hint("E.164, e.g. +393331234567")
    })
}

/// A topic by its id or a word for it; `*` is all.
pub(super) fn topic(state: &ApiState, pointer: &str, word: &str) -> Result<Option<Name>, Fault> {
    if word == "*" {
        return Ok(None);
    }
    let policy = &state.intake.gate.policy;
    policy.topic(word).cloned().map(Some).ok_or_else(|| {
        let known: Vec<&str> = policy.topics().map(|(id, _)| id.as_str()).collect();
        let detail = format!("is no topic; there are *, {}", known.join(", "));
        Fault::new(pointer, Code::UnknownTopic, detail)
    })
}
