//! `GET /asyncapi.json`: the events that come in and go out, described for programs. Tests hold the document against the
//! specification's schema, and what is really read and written against the document.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// The description, as it is served.
pub const DOCUMENT: &str = include_str!("../../../tests/asyncapi.json");

pub(super) async fn serve() -> Response {
    let mut response = DOCUMENT.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
