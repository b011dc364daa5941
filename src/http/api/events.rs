//! `POST /v1/events`: CloudEvents 1.0.2 over HTTP, structured, binary and in batches.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::ndjson::pace;
use super::send::{IDEMPOTENCY_REPLAYED, enqueue_problem, json};
use super::{ApiState, BREATH};
use crate::accept::Client;
use crate::config::Scope;
use crate::http::body;
use crate::http::edge::RequestId;
use crate::http::problem::{Code, Document, Fault, Problem};
use crate::notify::{Event, Published, header_text};

/// What the headers of an event in binary form begin with.
const PREFIX: &str = "ce-";

/// How events come in a body (CloudEvents HTTP binding §3).
enum Form {
    Structured,
    Batch,
    /// Attributes in headers.
    Binary,
}

/// Publish an event, or a batch of them. Its rules make the messages; the same `source` and `id` is the same event.
#[utoipa::path(
    post,
    path = "/v1/events",
    operation_id = "publish_event",
    tag = "events",
    params(
        ("ce-specversion" = Option<String>, Header, description = "With these headers the body is the data alone", example = "1.0"),
        ("ce-id" = Option<String>, Header, description = "Percent-encoded, as all of these", example = "card-shipped-3"),
        ("ce-source" = Option<String>, Header, description = "Who publishes it", example = "/cards"),
        ("ce-type" = Option<String>, Header, description = "What happened", example = "com.bank.card.shipped.v1"),
    ),
    request_body(content(
        (super::openapi::CloudEvent = "application/cloudevents+json", examples(
            ("card shipped" = (value = json!({ "specversion": "1.0", "id": "card-shipped-1", "source": "/cards", "type": "com.bank.card.shipped.v1", "time": "2026-11-21T09:45:00Z", "data": { "msisdn": "+393331234567", "locale": "it", "card": "*1234", "arrives": "2026-11-26" } }))),
        )),
        (Vec<super::openapi::CloudEvent> = "application/cloudevents-batch+json", examples(
            ("two events" = (value = json!([
                { "specversion": "1.0", "id": "card-shipped-2", "source": "/cards", "type": "com.bank.card.shipped.v1", "time": "2026-11-21T09:45:00Z", "data": { "msisdn": "+393331234567", "locale": "it", "card": "*1234", "arrives": "2026-11-26" } },
                { "specversion": "1.0", "id": "card-blocked-2", "source": "/cards", "type": "com.bank.card.blocked.v1", "time": "2026-11-21T09:45:00Z", "data": { "msisdn": "+393331234567", "locale": "it", "card": "*1234", "at": "2026-11-21T09:40:00Z" } }
            ]))),
        )),
        (super::openapi::AnyJson = "application/json", examples(
            ("card shipped, its attributes in headers" = (value = json!({ "msisdn": "+393331234567", "locale": "it", "card": "*1234", "arrives": "2026-11-26" }))),
        )),
    )),
    responses(
        (status = 202, description = "Its messages are stored. With the header Idempotency-Replayed: published before, and this was its answer", body = crate::notify::Publication<'_>),
        (status = 200, description = "The results of a batch: one line each, in order", body = super::openapi::EventResult, content_type = "application/x-ndjson"),
        (status = "4XX", description = "Nothing is stored: see code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too fast: see Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not stored, or not known: see code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["events"])),
)]
pub(super) async fn publish(State(state): State<Arc<ApiState>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let client = state.clients.caller(&parts.headers, Scope::Events)?.clone();
    if parts.uri.query().is_some() {
        // A wish such as dry_run must not be passed over in silence: the messages would go out.
        let detail = "an event is published without a query; there is no dry run of one over HTTP";
        return Err(Problem::with_detail(Code::InvalidQuery, detail));
    }
    let form = form(&parts.headers)?;
    let body = body::whole(&parts.headers, body, state.body).await?;
    let event = match form {
        Form::Batch => {
            let request_id = parts
                .extensions
                .get::<RequestId>()
                .map_or_else(|| "".into(), |id| id.0.clone());
            return batch(&state, &client, &body, &request_id).await;
        }
        Form::Structured => structured(&state, &body),
        Form::Binary => binary(&state, &parts.headers, &body),
    };
    client.take_place()?;
    let published = state.publisher.publish(&client, vec![event?]).await;
    let published = published.into_iter().next();
    let (answer, replayed) = outcome(published)?;
    let mut response = json(StatusCode::ACCEPTED, answer.into());
    if replayed {
        response
            .headers_mut()
            .insert(IDEMPOTENCY_REPLAYED.clone(), HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let binary = headers.contains_key("ce-specversion");
    let Some(media_type) = body::media_type(headers)? else {
        // An event need not say anything beside what happened.
        return if binary { Ok(Form::Binary) } else { Err(unknown_form()) };
    };
    match &*media_type {
        "application/cloudevents+json" => Ok(Form::Structured),
        "application/cloudevents-batch+json" => Ok(Form::Batch),
        other if binary && crate::notify::is_json(other) => Ok(Form::Binary),
        _ => Err(unknown_form()),
    }
}

fn unknown_form() -> Problem {
    let detail = "Content-Type must be application/cloudevents+json or application/cloudevents-batch+json, or JSON with \
                  the attributes in headers ce-specversion, ce-id, ce-source, ce-type";
    Problem::with_detail(Code::UnsupportedMediaType, detail)
}

fn structured(state: &ApiState, text: &[u8]) -> Result<Event, Problem> {
    Event::from_json(value(state, text)?).map_err(Problem::of_faults)
}

fn binary(state: &ApiState, headers: &HeaderMap, body: &[u8]) -> Result<Event, Problem> {
    let mut attributes = Map::new();
    let mut faults = Vec::new();
    for (header, value) in headers {
        let Some(name) = header.as_str().strip_prefix(PREFIX) else {
            continue;
        };
        let fault = |detail: &str| Fault::new(format!("#{header}"), Code::InvalidEvent, detail);
        match value.to_str().ok().and_then(header_text) {
            Some(text) => {
                if attributes.insert(name.to_owned(), Json::String(text)).is_some() {
                    faults.push(fault("comes twice"));
                }
            }
            None => faults.push(fault("is not ASCII with the rest percent-encoded as UTF-8")),
        }
    }
    let data = match body.is_empty() {
        true => Json::Null,
        false => value(state, body)?,
    };
    if !faults.is_empty() {
        return Err(Problem::of_faults(faults));
    }
    Event::new(attributes, data).map_err(|faults| {
        let in_headers = faults.into_iter().map(|fault| {
            let pointer = match fault.pointer.strip_prefix('/') {
                Some(name) => format!("#{PREFIX}{name}"),
                None => fault.pointer,
            };
            Fault { pointer, ..fault }
        });
        Problem::of_faults(in_headers.collect())
    })
}

/// JSON within the bound of one event. Nesting is bounded by the reader.
fn value(state: &ApiState, text: &[u8]) -> Result<Json, Problem> {
    let limit = state.publisher.settings().max_bytes;
    if text.len() as u64 > limit {
        let detail = format!("an event has more than {limit} bytes");
        return Err(Problem::with_detail(Code::BodyTooLarge, detail).with("limit", limit));
    }
    serde_json::from_slice(text).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    // Of data that does not fit, serde shows a part; of the rest only fixed words.
    let what = match error.classify() {
        serde_json::error::Category::Data => "is not what is expected",
        _ => message.split(" at line ").next().unwrap_or_default(),
    };
    Problem::with_detail(Code::InvalidJson, format!("{what} at line {line} column {column}"))
        .with("line", line)
        .with("column", column)
}

/// The answer of an event that is stored, and whether it was before.
fn outcome(published: Option<Published>) -> Result<(Box<str>, bool), Problem> {
    match published {
        Some(Published::Stored(answer)) => Ok((answer, false)),
        Some(Published::Replayed(answer)) => Ok((answer, true)),
        Some(Published::KeyReused) => {
            let detail = "another event was published with the same source and id";
            Err(Problem::with_detail(Code::IdempotencyKeyReused, detail))
        }
        Some(Published::Refused(faults)) => Err(Problem::of_faults(faults)),
        Some(Published::Failed(error)) => Err(enqueue_problem(&error)),
        // What comes by HTTP settles no row of the inbox.
        Some(Published::Withdrawn) | None => Err(Problem::new(Code::OutcomeUnknown).retry_after(BREATH)),
    }
}

/// A line of a batch's answer.
#[derive(Serialize)]
struct ResultLine<'a> {
    index: usize,
    status: u16,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
    #[serde(flatten)]
    result: LineResult<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LineResult<'a> {
    Published(Box<RawFields<'a>>),
    Refused { error: Document<'a> },
}

/// The members of a stored answer, as they are.
#[derive(Serialize, serde::Deserialize)]
struct RawFields<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
    matched: usize,
    #[serde(borrow)]
    messages: &'a RawValue,
}

/// A batch: each event stands alone, and has its line in the answer. All of them go to the store together.
async fn batch(state: &ApiState, client: &Client, body: &[u8], request_id: &str) -> Result<Response, Problem> {
    let texts: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            Problem::with_detail(Code::InvalidJson, "a batch is a JSON array of events")
        }
        _ => unreadable(&error),
    })?;
    let most = state.publisher.settings().max_batch as usize;
    if texts.len() > most {
        let detail = format!("has {} events; a batch may have {most}", texts.len());
        return Err(Problem::with_detail(Code::BodyTooLarge, detail).with("limit", most));
    }
    pace(client, texts.len()).await;
    let mut events = Vec::with_capacity(texts.len());
    let read: Vec<Result<(), Problem>> = texts
        .iter()
        .map(|text| structured(state, text.get().as_bytes()).map(|event| events.push(event)))
        .collect();
    let mut published = state.publisher.publish(client, events).await.into_iter();
    let mut out = Vec::with_capacity(texts.len() * 256);
    for (index, read) in read.into_iter().enumerate() {
        let result = read.and_then(|()| outcome(published.next()));
        // A line that could not be written would shift the rest; serialising our own structs does not fail.
        let written = write(&mut out, index, &result, request_id);
        debug_assert!(written.is_ok());
        out.push(b'\n');
    }
    let mut response = Response::new(out.into());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

fn write(
    out: &mut Vec<u8>,
    index: usize,
    result: &Result<(Box<str>, bool), Problem>,
    request_id: &str,
) -> serde_json::Result<()> {
    let line = match result {
        Ok((answer, replayed)) => ResultLine {
            index,
            status: StatusCode::ACCEPTED.as_u16(),
            replayed: *replayed,
            result: LineResult::Published(serde_json::from_str(answer)?),
        },
        Err(problem) => ResultLine {
            index,
            status: problem.code.status().as_u16(),
            replayed: false,
            result: LineResult::Refused {
                error: problem.document(request_id),
            },
        },
    };
    serde_json::to_writer(out, &line)
}
