//! `GET /openapi.json`: the API described for programs. A test holds the committed copy, `tests/openapi.json`, and
//! this one together.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

use super::accepted::AcceptedView;
use super::{InboundView, MessageView, inbound, messages, send};
use crate::domain::{Class, State};

/// A message to send.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Wish` reads")]
pub(super) struct MessageRequest {
    /// The recipient in E.164.
    #[schema(example = "+393331234567")]
    to: String,
    /// What it says.
    #[schema(example = "Your code is 482910")]
    text: String,
    /// A number in E.164, a short code, or a name of 1 to 11 characters; the client's default_sender where not said.
    from: Option<String>,
    /// What it is for; `service` where not said.
    class: Option<Class>,
    /// In order; `["sms"]` where not said.
    channels: Option<Vec<String>>,
    /// Not sent before; at most 7 days ahead.
    #[schema(format = DateTime)]
    not_before: Option<String>,
    /// Not sent after; at most 7 days after the start. By class where not said.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Your own word for it, up to 128 characters.
    reference: Option<String>,
    /// Whether a receipt is asked of the carrier; true where not said.
    receipt: Option<bool>,
    /// Where its outcomes are told instead of the client's usual address.
    callback: Option<String>,
    /// Checks, measures and routes it, and stores nothing.
    dry_run: Option<bool>,
}

/// A line of NDJSON: a message, with its own key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Wish` reads")]
pub(super) struct MessageLine {
    #[schema(inline)]
    #[serde(flatten)]
    message: MessageRequest,
    /// Instead of the header Idempotency-Key.
    idempotency_key: Option<String>,
}

/// What became of a line: id and state, or what is wrong with it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `ndjson` writes")]
pub(super) struct LineResult {
    /// From 1; blank lines count and have no result.
    line: u64,
    id: Option<String>,
    state: Option<State>,
    segments: Option<u8>,
    /// The same key and message was stored before.
    replayed: Option<bool>,
    error: Option<ProblemDocument>,
}

/// What is wrong with a request (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what `Problem` writes")]
pub(super) struct ProblemDocument {
    /// A page that says more.
    #[schema(rename = "type")]
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    /// The word that programs rely on: that of the first fault where there are several.
    code: String,
    errors: Option<Vec<FaultDocument>>,
    request_id: String,
}

/// One fault.
#[derive(ToSchema)]
#[schema(as = Fault)]
#[expect(dead_code, reason = "describes what `Fault` writes")]
pub(super) struct FaultDocument {
    /// A JSON pointer into the body, or `#` and the name of a parameter or header.
    pointer: String,
    code: String,
    detail: String,
    /// What came, masked.
    got: Option<String>,
    hint: Option<String>,
}

/// A page of messages.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `list::page` writes")]
pub(super) struct MessagePage {
    data: Vec<MessageView>,
    /// For `after`; null at the end.
    next: Option<String>,
}

/// A page of texts from handsets.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `list::page` writes")]
pub(super) struct InboundPage {
    data: Vec<InboundView>,
    /// For `after`; null at the end.
    next: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Araldo", description = "Send texts and hear what became of them."),
    paths(send::send, messages::list, messages::show, messages::cancel, inbound::list),
    components(schemas(
        MessageRequest, MessageLine, LineResult, ProblemDocument, FaultDocument, MessagePage, InboundPage, AcceptedView<'_>
    )),
    tags((name = "messages", description = "Messages to handsets"), (name = "inbound", description = "Texts from handsets")),
    modifiers(&Key),
)]
struct Api;

struct Key;

impl Modify for Key {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The key of a client"))
            .build();
        api.components
            .get_or_insert_default()
            .add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// The description, as it is served.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| Api::openapi().to_pretty_json().unwrap_or_default());
    &DOCUMENT
}

pub(super) async fn serve() -> Response {
    let mut response = document().into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
