//! An event of CloudEvents 1.0.2, as it came in: whichever way, in whichever form.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Serde, Value};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::template::Context;
use crate::accept::{Code, Fault, masked};

/// Octets of `id` and `source` together that are kept as the key: more would be no name.
const MAX_NAME: usize = 1_024;
/// Octets of any other attribute.
const MAX_ATTRIBUTE: usize = 2_048;
/// Attributes beside the specification's own.
const MAX_EXTENSIONS: usize = 32;
/// The longest name of an attribute; the specification asks for no more than 20.
const MAX_ATTRIBUTE_NAME: usize = 64;

/// A fact that a back-end system publishes.
#[derive(Clone, Debug)]
pub struct Event {
    source: Box<str>,
    id: Box<str>,
    kind: Box<str>,
    /// Every other attribute as it came, by its name: `subject`, `time`, extensions.
    attributes: BTreeMap<Box<str>, Json>,
    data: Json,
}

impl Event {
    /// Reads the structured form: one JSON object of attributes with `data` or `data_base64`. Every fault is told.
    pub fn from_json(json: Json) -> Result<Self, Vec<Fault>> {
        let Json::Object(mut object) = json else {
            return Err(vec![Fault::new("", Code::InvalidEvent, "an event is a JSON object")]);
        };
        let data = object.remove("data");
        let base64 = object.remove("data_base64");
        let mut faults = Vec::new();
        let data = match (data, base64) {
            (Some(_), Some(_)) => {
                let detail = "stands beside data; an event has one of the two";
                faults.push(Fault::new("/data_base64", Code::InvalidEvent, detail));
                Json::Null
            }
            (Some(data), None) => data,
            (None, Some(Json::String(base64))) => match decoded(&base64) {
                Some(data) => data,
                None => {
                    let detail = "is not the base64 of a JSON text";
                    faults.push(Fault::new("/data_base64", Code::InvalidEvent, detail));
                    Json::Null
                }
            },
            (None, Some(_)) => {
                faults.push(Fault::new("/data_base64", Code::InvalidEvent, "must be a string"));
                Json::Null
            }
            (None, None) => Json::Null,
        };
        Self::checked(object, data, faults)
    }

    /// An event in parts: its attributes, and what it says. Every fault is told.
    pub fn new(attributes: Map<String, Json>, data: Json) -> Result<Self, Vec<Fault>> {
        Self::checked(attributes, data, Vec::new())
    }

    fn checked(mut object: Map<String, Json>, data: Json, mut faults: Vec<Fault>) -> Result<Self, Vec<Fault>> {
        if object.remove("data").is_some() {
            // As a header: it would hide the body.
            let detail = "is no attribute: what an event says stands in the body";
            faults.push(Fault::new("/data", Code::InvalidEvent, detail));
        }
        // Null is as good as absent.
        object.retain(|_, value| !value.is_null());
        match object.remove("specversion") {
            Some(Json::String(version)) if version == "1.0" => {}
            Some(_) => faults.push(Fault::new("/specversion", Code::InvalidEvent, "must be \"1.0\"")),
            None => faults.push(Fault::new("/specversion", Code::Required, "is missing").hint("\"1.0\"")),
        }
        let mut required = |name: &str| text(object.remove(name), name, &mut faults);
        let (id, source, kind) = (required("id"), required("source"), required("type"));
        if id.len() + source.len() > MAX_NAME {
            let detail = format!("is longer with source than {MAX_NAME} bytes");
            faults.push(Fault::new("/id", Code::InvalidEvent, detail).limit(MAX_NAME));
        }
        if object.len() > MAX_EXTENSIONS {
            let detail = format!("has more than {MAX_EXTENSIONS} attributes beside its required ones");
            faults.push(Fault::new("", Code::InvalidEvent, detail).limit(MAX_EXTENSIONS));
            return Err(faults);
        }
        for (name, value) in &object {
            faults.extend(attribute(name, value).err());
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        // It is JSON: the same event in another form says it in another place, or not at all.
        object.remove("datacontenttype");
        Ok(Self {
            source,
            id,
            kind,
            attributes: object.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            data,
        })
    }

    /// Who publishes it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its id, unique with its source.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What happened.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What it says.
    #[cfg(feature = "nats")]
    pub(super) fn data(&self) -> &Json {
        &self.data
    }

    /// What makes the same event twice one: no header can carry it, so that no Idempotency-Key is ever the same.
    pub(crate) fn key(&self) -> Box<str> {
        format!("event\n{}\n{}", self.source, self.id).into()
    }

    /// SHA-256 over what it says, the same however the JSON was written.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut data = self.data.clone();
        data.sort_all_objects();
        let said = (&self.source, &self.id, &self.kind, &self.attributes, &data);
        Sha256::digest(serde_json::to_vec(&said).unwrap_or_default()).into()
    }

    /// As rules and templates see it.
    pub fn context(&self) -> Context {
        let own = [
            ("source", Value::from(&*self.source)),
            ("id", Value::from(&*self.id)),
            ("type", Value::from(&*self.kind)),
            ("data", Value::from(Serde(&self.data))),
        ];
        let own = own.into_iter().map(|(name, value)| (name.into(), value));
        let others = self.attributes.iter();
        own.chain(others.map(|(name, value)| (name.clone().into(), Value::from(Serde(value)))))
            .collect()
    }
}

/// An attribute's text in a header (CloudEvents HTTP binding §3.1.3.2, which the one of NATS follows): a quoted string is
/// unquoted, then percent-decoded.
pub(crate) fn header_text(text: &str) -> Option<String> {
    let unquoted = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        None => text.to_owned(),
        Some(quoted) => {
            let mut escaped = false;
            let keep = |c: &char| {
                escaped = !escaped && *c == '\\';
                !escaped
            };
            quoted.chars().filter(keep).collect()
        }
    };
    percent_decode_str(&unquoted).decode_utf8().ok().map(Into::into)
}

/// A required attribute; empty where it cannot be used, with its fault noted.
fn text(value: Option<Json>, name: &str, faults: &mut Vec<Fault>) -> Box<str> {
    let pointer = format!("/{name}");
    match value {
        Some(Json::String(text)) if text.is_empty() => faults.push(Fault::new(pointer, Code::InvalidEvent, "is empty")),
        Some(Json::String(text)) if text.chars().any(char::is_control) => {
            faults.push(Fault::new(pointer, Code::InvalidEvent, "has a control character"));
        }
        Some(Json::String(text)) if text.len() > MAX_ATTRIBUTE => faults.push(too_long(pointer)),
        Some(Json::String(text)) => return text.into(),
        Some(_) => faults.push(Fault::new(pointer, Code::InvalidEvent, "must be a string")),
        None => faults.push(Fault::new(pointer, Code::Required, "is missing")),
    }
    Box::default()
}

/// An attribute that may be left out, or an extension.
fn attribute(name: &str, value: &Json) -> Result<(), Fault> {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.is_empty() || name.len() > MAX_ATTRIBUTE_NAME || !name.bytes().all(fits) {
        // The name may be anything, a number too: it is not repeated whole.
        let shown = masked(name);
        let detail =
            format!("an attribute's name has 1 to {MAX_ATTRIBUTE_NAME} characters of a-z and 0-9: `{shown}` has not");
        return Err(Fault::new("", Code::InvalidEvent, detail).got(shown));
    }
    let pointer = || format!("/{name}");
    let wrong = |detail: &str| Err(Fault::new(pointer(), Code::InvalidEvent, detail));
    match (name, value) {
        (_, Json::String(text)) if text.len() > MAX_ATTRIBUTE => Err(too_long(pointer())),
        (_, Json::String(text)) if text.chars().any(char::is_control) => wrong("has a control character"),
        ("time", Json::String(text)) if text.parse::<jiff::Timestamp>().is_err() => {
            wrong("is not a time in RFC 3339 with its zone")
        }
        ("datacontenttype", Json::String(text)) if !is_json(text) => Err(Fault::new(
            pointer(),
            Code::UnsupportedMediaType,
            "must be JSON, such as application/json",
        )),
        ("subject" | "dataschema", Json::String(text)) if text.is_empty() => wrong("is empty"),
        (_, Json::String(_)) => Ok(()),
        ("time" | "datacontenttype" | "subject" | "dataschema", _) => wrong("must be a string"),
        (_, Json::Bool(_)) => Ok(()),
        (_, Json::Number(number)) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => Ok(()),
        _ => wrong("must be a string, a boolean, or a whole number of 32 bits"),
    }
}

fn too_long(pointer: String) -> Fault {
    let detail = format!("is longer than {MAX_ATTRIBUTE} bytes");
    Fault::new(pointer, Code::InvalidEvent, detail).limit(MAX_ATTRIBUTE)
}

/// Whether a media type is JSON (RFC 6839 too).
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || essence == "text/json" || (essence.contains('/') && essence.ends_with("+json"))
}

fn decoded(base64: &str) -> Option<Json> {
    serde_json::from_slice(&STANDARD.decode(base64).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shipped() -> Json {
        json!({
            "specversion": "1.0", "id": "7", "source": "/cards", "type": "com.bank.card.shipped.v1",
            "time": "2026-11-21T10:00:00Z", "subject": "card 7", "region": "north", "data": { "b": 1, "a": [2] }
        })
    }

    fn with(name: &str, value: Json) -> Json {
        let mut event = shipped();
        event[name] = value;
        event
    }

    fn faults(event: Json) -> Vec<(String, Code)> {
        let faults = Event::from_json(event).unwrap_err();
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn the_fingerprint_is_of_the_meaning_and_not_of_the_spelling() {
        let text = r#"{"data":{"a":[2],"b":1},"region":"north","subject":"card 7","time":"2026-11-21T10:00:00Z",
            "type":"com.bank.card.shipped.v1","source":"/cards","id":"7","specversion":"1.0","extra":null}"#;
        let same = Event::from_json(serde_json::from_str(text).unwrap()).unwrap();
        let event = Event::from_json(shipped()).unwrap();
        assert_eq!(event.fingerprint(), same.fingerprint());
        for (name, value) in [
            ("data", json!({"a": [2], "b": 2})),
            ("region", json!("south")),
            ("type", json!("x")),
        ] {
            let other = Event::from_json(with(name, value)).unwrap();
            assert_ne!(event.fingerprint(), other.fingerprint(), "{name}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let bare = json!({ "specversion": "0.3", "id": "", "source": 7 });
        assert_eq!(
            faults(bare),
            [
                ("/specversion".into(), Code::InvalidEvent),
                ("/id".into(), Code::InvalidEvent),
                ("/source".into(), Code::InvalidEvent),
                ("/type".into(), Code::Required),
            ]
        );
    }

    #[test]
    fn attributes_keep_to_the_specification() {
        for (name, value, pointer) in [
            ("time", json!("yesterday"), "/time"),
            ("time", json!("2026-11-21T10:00:00"), "/time"),
            ("Bad-Ext", json!("x"), ""),
            ("Region 393331234567", json!("x"), ""),
            ("region", json!({ "x": 1 }), "/region"),
            ("region", json!(1e300), "/region"),
            ("region", json!(4_294_967_296_u64), "/region"),
            ("region", json!("a\nb"), "/region"),
            ("subject", json!(""), "/subject"),
            ("id", json!("x".repeat(1_100)), "/id"),
        ] {
            assert_eq!(
                faults(with(name, value)),
                [(pointer.to_owned(), Code::InvalidEvent)],
                "{name}"
            );
        }
        let refused = faults(with("datacontenttype", json!("text/xml")));
        assert_eq!(refused, [("/datacontenttype".to_owned(), Code::UnsupportedMediaType)]);
        assert!(Event::from_json(with("datacontenttype", json!("application/vnd.bank+json"))).is_ok());
    }

    #[test]
    fn data_in_base64_is_read_as_json() {
        let mut event = shipped();
        event.as_object_mut().unwrap().remove("data");
        event["data_base64"] = json!(STANDARD.encode(r#"{"b":1,"a":[2]}"#));
        let fingerprint = Event::from_json(event.clone()).unwrap().fingerprint();
        assert_eq!(fingerprint, Event::from_json(shipped()).unwrap().fingerprint());
        for bad in [json!("!"), json!(7), json!(STANDARD.encode("no json"))] {
            event["data_base64"] = bad;
            assert_eq!(faults(event.clone()), [("/data_base64".to_owned(), Code::InvalidEvent)]);
        }
        assert_eq!(faults(with("data_base64", json!("e30="))).len(), 1);
    }
}
