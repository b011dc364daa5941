//! The samples, the schema that they were checked with, and a validator that is not ours.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]
#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod messages;
pub(crate) mod strategies;

use bytes::Bytes;
use http::{Response, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};

/// A moment before which all samples were sent.
pub(crate) fn now() -> jiff::Timestamp {
    "2026-03-04T09:15:00Z".parse().unwrap()
}

pub(crate) fn octets(file: &str) -> Vec<u8> {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn sample(file: &str) -> Vec<u8> {
    octets(&format!("samples/{file}"))
}

pub(crate) fn json_of(octets: &[u8]) -> Value {
    serde_json::from_slice(octets).unwrap()
}

pub(crate) fn sample_json(file: &str) -> Value {
    json_of(&sample(file))
}

/// What the index says of each sample.
pub(crate) fn index() -> Vec<Value> {
    sample_json("index.json")["samples"].as_array().unwrap().clone()
}

/// What the index says of one.
pub(crate) fn entry(file: &str) -> Value {
    let entry = index().into_iter().find(|entry| entry["file"] == file);
    entry.unwrap_or_else(|| panic!("{file} is in the index"))
}

/// A validator for one of the schema's definitions.
pub(crate) fn schema(definition: &str) -> Validator {
    let mut schema = json_of(&octets("rbm-v1.schema.json"));
    assert!(schema["$defs"][definition].is_object(), "{definition}");
    schema["$ref"] = json!(format!("#/$defs/{definition}"));
    jsonschema::validator_for(&schema).unwrap()
}

/// Holds a body against the schema that the index names for its sample.
pub(crate) fn assert_valid(file: &str, body: &Value) {
    let validator = schema(entry(file)["schema"].as_str().unwrap());
    let errors: Vec<_> = validator.iter_errors(body).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{file}: {errors:?}");
}

/// A sample as the answer that the index calls it.
pub(crate) fn answer(file: &str) -> Response<Bytes> {
    let status = entry(file)["status"].as_u64().unwrap();
    answer_of(status as u16, sample(file))
}

pub(crate) fn answer_of(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}
