//! JSON from outside, read with the path to what is wrong with it.

use serde::Deserialize;
use serde_json::error::Category;

/// Why a body could not be read. Its text repeats no value of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{problem}", path, if path.is_empty() { "" } else { ": " })]
pub struct ReadError {
    /// The member, as `contentMessage.suggestions[0].reply.text`; empty for the body as a whole.
    pub path: String,
    /// What is wrong, as a sentence that follows the path.
    pub problem: String,
}

impl ReadError {
    pub(crate) fn new(path: &str, problem: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }
}

/// Reads `body`, refusing it unread where it is longer than `limit` bytes. Unknown members are passed over.
pub(crate) fn from_json<'a, T: Deserialize<'a>>(body: &'a [u8], limit: usize) -> Result<T, ReadError> {
    if body.len() > limit {
        return Err(ReadError::new(
            "",
            format!("the body has {} bytes, {limit} are read", body.len()),
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // Where JSON breaks off, the path may end in a member of any name; line and column tell the place.
        let is_json = error.inner().classify() == Category::Data;
        let path = if is_json {
            error.path().to_string()
        } else {
            String::new()
        };
        // The root is shown as a dot.
        let path = if path == "." { String::new() } else { path };
        ReadError {
            path,
            problem: problem(error.inner()),
        }
    })?;
    json.end().map_err(|error| ReadError::new("", problem(&error)))?;
    Ok(value)
}

/// What serde says, without the value that it says it of: `invalid type: string "…", expected a sequence`.
fn problem(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    if error.classify() != Category::Data {
        return format!("is not JSON{place}");
    }
    let text = error.to_string();
    let text = text.strip_suffix(&place).unwrap_or(&text);
    match text.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => text.to_owned(),
    }
}
