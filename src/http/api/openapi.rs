//! `GET /openapi.json`: the API described for programs. A test holds the committed copy, `tests/openapi.json`, and
//! this one together.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

use super::accepted::AcceptedView;
use super::{
    CaseView, CertifiedView, ConsentView, InboundView, MessageView, cases, certified, consents, events, inbound,
    messages, send, stream, verifications,
};
use crate::domain::{Channel, Class, Rich, Source, State};
use crate::notify::{EventName, MadeMessage, Publication};

/// A message to send.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Wish` reads")]
pub(super) struct MessageRequest {
    /// The recipient in E.164.
    #[schema(example = "+393331234567", pattern = r"^\+?[1-9][0-9]{6,14}$")]
    to: String,
    /// What it says. A message has a text or a template, or a rich form with or without text.
    #[schema(example = "Your code is 482910", min_length = 1)]
    text: Option<String>,
    /// What it shows by RCS. `text` is then what SMS says instead; where there is none, that is made of titles, texts and
    /// links.
    rich: Option<Rich>,
    /// The name of a template that gives the text.
    #[schema(example = "card_shipped")]
    template: Option<String>,
    /// What the template calls `data`.
    #[schema(value_type = Option<Object>)]
    vars: Option<()>,
    /// The template's language, e.g. `it-CH`; the nearest that it has stands in.
    locale: Option<String>,
    /// A number in E.164, a short code, or a name of 1 to 11 characters; the client's default_sender where not said.
    from: Option<String>,
    /// What it is for; `service` where not said.
    class: Option<Class>,
    /// By which it may go; any where not said. In which order is the route's matter.
    #[schema(value_type = Option<Vec<Channel>>)]
    channels: Option<Vec<String>>,
    /// Not sent before; at most 7 days ahead.
    #[schema(format = DateTime)]
    not_before: Option<String>,
    /// Not sent after; at most 7 days after the start. By class where not said.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Your own word for it.
    #[schema(min_length = 1, max_length = 128)]
    reference: Option<String>,
    /// Whether a receipt is asked of the carrier; true where not said.
    receipt: Option<bool>,
    /// Where its outcomes are told instead of the client's usual address.
    callback: Option<String>,
    /// `auto` where not said: GSM-7 if it has every character, else UCS-2.
    #[schema(value_type = Option<WrittenIn>)]
    encoding: Option<String>,
    /// Whether look-alikes replace what GSM-7 lacks (curly quotes, dashes, …) where that keeps the text in GSM-7; as
    /// the carriers are configured where not said.
    smart: Option<bool>,
    /// Whether the handset shows it at once and does not keep it; false where not said.
    flash: Option<bool>,
    /// Checks, measures and routes it, and stores nothing.
    dry_run: Option<bool>,
}

/// How a text is written.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `Wish` reads")]
pub(super) enum WrittenIn {
    Auto,
    Gsm7,
    Latin1,
    Ucs2,
}

/// A line of NDJSON: a message, with its own key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Wish` reads")]
pub(super) struct MessageLine {
    #[schema(inline)]
    #[serde(flatten)]
    message: MessageRequest,
    /// Instead of the header Idempotency-Key.
    #[schema(min_length = 1, max_length = 255)]
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
    /// Characters that gave way to look-alikes so that the text stays in GSM-7, each as often as it did.
    characters_replaced: Option<Vec<String>>,
    /// The same key and message was stored before.
    replayed: Option<bool>,
    error: Option<ProblemDocument>,
}

/// An event of CloudEvents 1.0; extension attributes stand beside these.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Event` reads")]
pub(super) struct CloudEvent {
    #[schema(example = "1.0")]
    specversion: String,
    /// Unique with its source.
    id: String,
    /// Who publishes it.
    #[schema(example = "/cards")]
    source: String,
    /// What happened.
    #[schema(rename = "type", example = "com.bank.card.shipped.v1")]
    r#type: String,
    subject: Option<String>,
    #[schema(format = DateTime)]
    time: Option<String>,
    /// JSON where it is said.
    datacontenttype: Option<String>,
    dataschema: Option<String>,
    /// What the event says; what its rules ask for.
    #[schema(value_type = Option<AnyJson>)]
    data: Option<AnyJson>,
    /// The same as JSON in base64.
    data_base64: Option<String>,
}

/// Any JSON. Alone in a body it is the data of an event whose attributes are headers `ce-id`, `ce-source`, `ce-type`, …
#[derive(ToSchema)]
#[schema(value_type = Value)]
pub(super) struct AnyJson(());

/// What became of one event of a batch.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `events` writes")]
pub(super) struct EventResult {
    /// Its place in the batch, from 0.
    index: u32,
    /// As if it had come alone: 202, 422, 503, …
    status: u16,
    /// The same event was published before.
    replayed: Option<bool>,
    /// The event, where it was taken.
    event: Option<EventName<'static>>,
    /// How many rules know events of its type.
    matched: Option<usize>,
    /// The messages that it makes.
    messages: Option<Vec<MadeMessage<'static>>>,
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
    /// The rule that could not be followed.
    rule: Option<String>,
    /// The key of the rule that holds the expression.
    expression: Option<String>,
    /// The template, with its language.
    template: Option<String>,
    /// The line of the template.
    line: Option<u32>,
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

/// What one person wants.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `ConsentWish` reads")]
pub(super) struct ConsentRequest {
    #[schema(value_type = Wanted)]
    state: String,
    /// The id of a topic or a word for it; `*`, every topic, where not said.
    topic: Option<String>,
    /// When it was said; now where not said. What is older than what is known changes nothing.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// A word of yours: a form, a file, a case.
    #[schema(max_length = 256)]
    note: Option<String>,
}

/// What is wanted.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `ConsentWish` reads")]
pub(super) enum Wanted {
    OptedOut,
    OptedIn,
}

/// An entry of a list, as it is exported.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `ConsentWish` reads")]
pub(super) struct ConsentLine {
    /// The number in E.164.
    msisdn: String,
    #[schema(inline)]
    #[serde(flatten)]
    wanted: ConsentRequest,
    /// Your own brand, if it is said.
    brand: Option<String>,
    /// How it came to whoever sends the list; `import` where not said.
    source: Option<Source>,
}

/// What became of an entry.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `consents` writes")]
pub(super) struct ConsentLineResult {
    /// From 1; blank lines count and have no result.
    line: u64,
    /// `noted`, `same` as known, or `outdated`: something later is known.
    result: Option<String>,
    /// Waiting messages that ended for it.
    suppressed: Option<u32>,
    error: Option<ProblemDocument>,
}

/// What a person does about a case.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `CaseWish` reads")]
pub(super) struct CaseRequest {
    /// Who does it.
    #[schema(min_length = 1, max_length = 64)]
    by: String,
    /// Of `take` alone: who owns it now, to take it over.
    from: Option<String>,
    /// Of `note` and `answer` alone: what.
    #[schema(max_length = 2000)]
    text: Option<String>,
}

/// What is done.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `Verb` reads")]
pub(super) enum CaseActWord {
    Take,
    Note,
    Answer,
    Solve,
}

/// A page of cases.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `list::page` writes")]
pub(super) struct CasePage {
    data: Vec<CaseView>,
    /// For `after`; null at the end.
    next: Option<String>,
}

/// A page of what people want.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `list::page` writes")]
pub(super) struct ConsentPage {
    data: Vec<ConsentView>,
    /// For `after`; null at the end.
    next: Option<String>,
}

/// A number to certify.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `VerificationWish` reads")]
pub(super) struct VerificationRequest {
    /// The number in E.164.
    #[schema(example = "+393331234567", pattern = r"^\+?[1-9][0-9]{6,14}$")]
    to: String,
    /// Your own word for whom it belongs to.
    #[schema(example = "c-1842", min_length = 1, max_length = 128)]
    customer: String,
    /// What the customer is to you: commands may ask for it.
    #[schema(example = "gold", pattern = "^[a-z0-9_-]{1,64}$")]
    profile: Option<String>,
    /// The name of a template with `code` in it; the operator's, or our own words, where not said.
    template: Option<String>,
    /// What the template calls `data`.
    #[schema(value_type = Option<Object>)]
    vars: Option<()>,
    /// The language, e.g. `it-CH`; the nearest that there is stands in.
    locale: Option<String>,
    /// A number in E.164, a short code, or a name of 1 to 11 characters; the client's default_sender where not said.
    from: Option<String>,
}

/// A code to try.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `CodeWish` reads")]
pub(super) struct CodeRequest {
    /// Six digits, as the customer gave them; spaces do not count.
    #[schema(example = "482910")]
    code: String,
}

/// A page of certified numbers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `list::page` writes")]
pub(super) struct CertifiedPage {
    data: Vec<CertifiedView>,
    /// For `after`; null at the end.
    next: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Araldo", description = "Send texts and hear what became of them."),
    paths(send::send, messages::list, messages::show, messages::cancel, events::publish, inbound::list, consents::list, consents::import, consents::show, consents::set, consents::withdraw, cases::list, cases::show, cases::act, verifications::send, verifications::show, verifications::check, certified::list, certified::show, certified::revoke, stream::open),
    components(schemas(
        MessageRequest, MessageLine, LineResult, ProblemDocument, FaultDocument, MessagePage, InboundPage, CasePage, CaseRequest, CaseActWord, ConsentPage, ConsentRequest, ConsentLine, ConsentLineResult, VerificationRequest, CodeRequest, CertifiedPage, AcceptedView<'_>,
        CloudEvent, AnyJson, EventResult, Publication<'_>
    )),
    tags((name = "messages", description = "Messages to handsets"), (name = "events", description = "Facts that make messages"), (name = "inbound", description = "Texts from handsets"), (name = "cases", description = "What customers texted that a person answers"), (name = "consents", description = "What people want to be sent"), (name = "numbers", description = "Numbers certified for customers"), (name = "stream", description = "What happens, as it happens")),
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
