//! Bodies with their bounds: so many bytes, and no long pause.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::problem::{Code, Problem};

/// What a body says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One JSON object.
    Json,
    /// A JSON object a line.
    Ndjson,
}

/// The bounds of a body.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes of a body, or of a line of NDJSON.
    pub bytes: usize,
    /// The longest pause.
    pub pause: Duration,
}

/// Reads the body's type.
pub(super) fn kind(headers: &HeaderMap) -> Result<Kind, Problem> {
    match media_type(headers)?.as_deref() {
        Some("application/json") => Ok(Kind::Json),
        Some("application/x-ndjson") => Ok(Kind::Ndjson),
        Some(_) => Err(refused("Content-Type must be application/json or application/x-ndjson")),
        None => Err(refused("there is no Content-Type; send application/json")),
    }
}

/// The media type of a body in lower case, without its parameters. What is compressed or not UTF-8 is refused.
pub(super) fn media_type(headers: &HeaderMap) -> Result<Option<Cow<'static, str>>, Problem> {
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity")
    {
        return Err(refused("compressed bodies are not taken"));
    }
    let Some(given) = headers.get(header::CONTENT_TYPE) else {
        return Ok(None);
    };
    // By far the most common spelling.
    if given == "application/json" {
        return Ok(Some("application/json".into()));
    }
    let mut parts = given.to_str().unwrap_or_default().split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.find_map(|part| part.to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned));
    match charset.as_deref().map(|charset| charset.trim_matches('"')) {
        None | Some("utf-8" | "utf8") => Ok(Some(media_type.into())),
        Some(_) => Err(refused("the charset must be utf-8")),
    }
}

fn refused(detail: &'static str) -> Problem {
    Problem::with_detail(Code::UnsupportedMediaType, detail)
}

/// The next octets of a body; `None` at its end.
pub(super) async fn next(body: &mut Body, limits: BodyLimits) -> Result<Option<Bytes>, Problem> {
    let seconds = limits.pause.as_secs();
    let late = || Problem::with_detail(Code::BodyTimeout, format!("nothing came for {seconds} s"));
    tokio::time::timeout(limits.pause, data(body))
        .await
        .unwrap_or_else(|_| Err(late()))
}

async fn data(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Code::BodyIncomplete))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// A body whole, all of it within the time of one pause.
pub(super) async fn whole(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Bytes, Problem> {
    let seconds = limits.pause.as_secs();
    let late = || Problem::with_detail(Code::BodyTimeout, format!("the body was not whole after {seconds} s"));
    tokio::time::timeout(limits.pause, gathered(headers, body, limits))
        .await
        .unwrap_or_else(|_| Err(late()))
}

async fn gathered(headers: &HeaderMap, mut body: Body, limits: BodyLimits) -> Result<Bytes, Problem> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.bytes as u64) {
        return Err(too_large(limits));
    }
    let Some(first) = data(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > limits.bytes {
        return Err(too_large(limits));
    }
    if announced == Some(first.len() as u64) {
        return Ok(first);
    }
    let mut all = BytesMut::from(first);
    while let Some(more) = data(&mut body).await? {
        if all.len() + more.len() > limits.bytes {
            return Err(too_large(limits));
        }
        all.extend_from_slice(&more);
    }
    Ok(all.freeze())
}

/// 413.
pub(super) fn too_large(limits: BodyLimits) -> Problem {
    Problem::with_detail(Code::BodyTooLarge, format!("more than {} bytes", limits.bytes)).with("limit", limits.bytes)
}
