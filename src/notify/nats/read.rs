//! An event from a message of NATS.

use async_nats::HeaderMap;
use async_nats::jetstream::Message;
use serde_json::{Map, Value as Json};

use crate::accept::{Code, Fault};
use crate::notify::event::{Event, header_text};

/// What the headers of an event in binary form begin with.
const PREFIX: &str = "ce-";

/// An event as the NATS binding of CloudEvents writes it: structured, or binary with attributes in headers.
pub(super) fn read(message: &Message, most: u64) -> Result<Event, Vec<Fault>> {
    if message.payload.len() as u64 > most {
        let detail = format!(
            "has {} bytes; an event may have {most} (events.max_bytes)",
            message.payload.len()
        );
        return Err(vec![Fault::new("", Code::BodyTooLarge, detail)]);
    }
    let headers = message
        .headers
        .as_ref()
        .map(attributes)
        .transpose()?
        .unwrap_or_default();
    let structured = matches!(headers.get("datacontenttype"), Some(Json::String(kind)) if kind.starts_with("application/cloudevents"));
    if structured || !headers.contains_key("specversion") {
        return Event::from_json(json(&message.payload)?);
    }
    let data = match message.payload.is_empty() {
        true => Json::Null,
        false => json(&message.payload)?,
    };
    Event::new(headers, data)
}

/// What the headers say; of others than ours, only the content type.
fn attributes(headers: &HeaderMap) -> Result<Map<String, Json>, Vec<Fault>> {
    let mut found = Map::new();
    for (name, values) in headers.iter() {
        let header = name.to_string().to_ascii_lowercase();
        let name = match header.strip_prefix(PREFIX) {
            Some(name) => name,
            None if header == "content-type" => "datacontenttype",
            None => continue,
        };
        let fault = |detail: &str| vec![Fault::new(format!("#{header}"), Code::InvalidEvent, detail.to_owned())];
        let [value] = values.as_slice() else {
            return Err(fault("comes twice"));
        };
        let text = header_text(value.as_str());
        let text = text.ok_or_else(|| fault("is not percent-encoded UTF-8"))?;
        found.insert(name.to_owned(), Json::String(text));
    }
    Ok(found)
}

fn json(octets: &[u8]) -> Result<Json, Vec<Fault>> {
    serde_json::from_slice(octets).map_err(|error| {
        let detail = format!("is not JSON: line {} column {}", error.line(), error.column());
        vec![Fault::new("/data", Code::InvalidJson, detail)]
    })
}
