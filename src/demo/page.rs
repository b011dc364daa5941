//! The routes of the page. Each form works without script: then its answer is the page again.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Form, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, SET_COOKIE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_http::csrf::CsrfLayer;

use super::back_end::{Refusal, Wish};
use super::card::{CardView, ChipView};
use super::carrier::Habit;
use super::platform::Reach;
use super::setting::{PHONES, SENDERS, SHORT_CODE};
use super::stage::Stage;
use super::view::{self, BY_HAND, BubbleView, RowView, WebhookView};
use super::{detail, event, guard, live, phone, publish, script};

/// Bytes of a form at most.
const FORM: usize = 32 << 10;
const THEME_COOKIE: &str = "araldo_theme";
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NOT_AT_ALL: HeaderValue = HeaderValue::from_static("no-store");

/// The page's routes, for the admin listener.
pub(super) fn router(stage: Arc<Stage>) -> axum::Router {
    axum::Router::new()
        .route("/", get(index))
        .route("/demo/events", get(live::events))
        .route("/demo/messages/{id}", get(message))
        .route("/demo/send", post(send))
        .route("/demo/measure", post(measure))
        .route("/demo/publish", post(publish::publish))
        .route("/demo/bank", post(publish::bank))
        .route("/demo/text", post(phone::text))
        .route("/demo/tap", post(phone::tap))
        .route("/demo/reach", post(phone::reach))
        .route("/demo/trickle", post(trickle))
        .route("/demo/carriers/{id}", post(carrier))
        .route("/demo/theme", post(theme))
        .route("/assets/{digest}/{*name}", get(asset))
        .layer(DefaultBodyLimit::max(FORM))
        .layer(CsrfLayer::new())
        .layer(from_fn(guard::admit))
        .with_state(stage)
}

#[derive(Default, Deserialize)]
struct Asked {
    /// Which phone: its number, or `all`; the first where not said.
    phone: Option<String>,
    /// The message that was just sent.
    sent: Option<String>,
    /// The event that was just published.
    published: Option<String>,
}

async fn index(State(stage): State<Arc<Stage>>, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    let sent = asked
        .sent
        .filter(|id| id.parse::<crate::domain::MessageId>().is_ok())
        .map(|id| json!({ "id": id }));
    let published = asked.published.and_then(|id| stage.board.publication(&id));
    let phone = asked.phone.as_deref().unwrap_or(PHONES[0].number);
    let shown = Drawn {
        phone: Some(phone),
        sent: &sent.unwrap_or_default(),
        published: &published.unwrap_or_default(),
        text: None,
    };
    draw(&stage, &headers, StatusCode::OK, &shown)
}

/// What a page is drawn with beside the board.
struct Drawn<'a> {
    /// The phone that is shown: its number; `None` is all.
    phone: Option<&'a str>,
    /// The answer to what was sent.
    sent: &'a Value,
    /// The answer to what was published.
    published: &'a Value,
    /// What was in the form that could not be sent.
    text: Option<&'a str>,
}

/// The whole page.
fn draw(stage: &Stage, headers: &HeaderMap, status: StatusCode, drawn: &Drawn<'_>) -> Response {
    let Drawn {
        phone,
        sent,
        published,
        text,
    } = *drawn;
    let all = stage.board.snapshot();
    let shown = PHONES.iter().find(|known| phone == Some(known.number));
    let to = shown.unwrap_or(&PHONES[0]);
    let bubbles: Vec<&BubbleView> = all
        .bubbles
        .iter()
        .filter(|bubble| shown.is_none_or(|phone| bubble.phone == phone.number))
        .collect();
    let sample = text.unwrap_or(script::SAMPLES[0].1);
    let with = json!({
        "theme": chosen_theme(headers),
        "themes": [
            { "id": "light", "word": "Light", "glyph": "sun" },
            { "id": "auto", "word": "As the system", "glyph": "auto" },
            { "id": "dark", "word": "Dark", "glyph": "moon" },
        ],
        "api": stage.back_end.addr().to_string(),
        "running": *stage.trickle.borrow(),
        "messages": all.messages,
        "bubbles": bubbles,
        "carriers": all.carriers,
        "tallies": all.tallies,
        "habits": Habit::ALL.map(|habit| json!({
            "id": habit.id(), "word": habit.word(), "help": habit.help(), "bad": (habit != Habit::Whole).to_string(),
        })),
        "phones": PHONES.map(|phone| phone::view(stage, phone)),
        "reaches": Reach::ALL.map(|reach| json!({ "id": reach.id(), "word": reach.word(), "help": reach.help() })),
        "reach": stage.platform.reach(to.number).id(),
        "reach_say": stage.platform.reach(to.number).help(),
        "phone": to.number,
        "phone_shown": shown.map_or("all", |phone| phone.number),
        "phone_pretty": shown.map_or("every phone", |phone| phone.pretty),
        "senders": SENDERS,
        "classes": view::classes(),
        "code": SHORT_CODE,
        "sample": sample,
        "samples": script::SAMPLES.map(|(word, text)| json!({ "word": word, "text": text })),
        "words": script::WORDS_TO_TEXT,
        "measure": measured_here(sample),
        "sent": sent,
        "published": published,
        "events": event::all(),
        "languages": event::LANGUAGES.map(|(id, word)| json!({ "id": id, "word": word })),
        "language": published.get("locale").and_then(Value::as_str).unwrap_or(event::LANGUAGES[0].0),
        "webhooks": all.webhooks,
        "bank": all.bank,
        "bank_url": stage.bank.url(),
        "bank_down_for": super::bank::DOWN.as_secs(),
        "blank_webhook": WebhookView { seal_tone: "good", tone: "good", ..WebhookView::default() },
        "blank": RowView::default(),
        "blank_bubble": BubbleView::default(),
        "blank_card": CardView::default(),
        "blank_chip": ChipView::default(),
    });
    html(stage, status, "page.html", &with)
}

async fn message(State(stage): State<Arc<Stage>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let found = detail::find(&stage, &id).await;
    let theme = chosen_theme(&headers);
    let mut response = match found {
        Some((part, message)) if is_htmx(&headers) => {
            html(&stage, StatusCode::OK, part, &json!({ "m": message, "drawer": true }))
        }
        Some((part, message)) => html(
            &stage,
            StatusCode::OK,
            "alone.html",
            &json!({ "m": message, "part": part, "theme": theme }),
        ),
        None => {
            let with = json!({
                "theme": theme,
                "title": "There is no such message.",
                "say": "It may be of an earlier demo, whose database is gone.",
            });
            html(&stage, StatusCode::NOT_FOUND, "alone.html", &with)
        }
    };
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("HX-Request"));
    response
}

#[derive(Deserialize)]
struct Sending {
    to: String,
    from: String,
    class: String,
    text: String,
}

impl Sending {
    fn wish(&self, dry_run: bool) -> Wish<'_> {
        let Self { to, from, class, text } = self;
        Wish {
            to,
            from,
            class,
            text,
            reference: (!dry_run).then_some(BY_HAND),
            dry_run,
        }
    }
}

async fn send(State(stage): State<Arc<Stage>>, headers: HeaderMap, Form(form): Form<Sending>) -> Response {
    // A browser sends line breaks as CR LF; a text has LF.
    let form = Sending {
        text: form.text.replace("\r\n", "\n"),
        ..form
    };
    let accepted = stage.back_end.send(&form.wish(false)).await;
    let with_script = is_htmx(&headers);
    match accepted {
        Ok(accepted) if with_script => html(
            &stage,
            StatusCode::OK,
            "sent.html",
            &json!({ "sent": { "id": accepted.id } }),
        ),
        Ok(accepted) => {
            let id = accepted.id.unwrap_or_default();
            Redirect::to(&format!("/?phone={}&sent={id}", digits(&form.to))).into_response()
        }
        Err(refusal) => {
            let sent = refused(&refusal);
            if with_script {
                html(
                    &stage,
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "sent.html",
                    &json!({ "sent": sent }),
                )
            } else {
                let shown = Drawn {
                    phone: Some(&form.to),
                    sent: &sent,
                    published: &Value::Null,
                    text: Some(&form.text),
                };
                draw(&stage, &headers, StatusCode::UNPROCESSABLE_ENTITY, &shown)
            }
        }
    }
}

pub(super) fn refused(refusal: &Refusal) -> Value {
    let (title, faults) = refusal.parts();
    let problems = faults.iter().map(
        |fault| json!({ "field": fault.pointer.trim_start_matches('/'), "detail": fault.detail, "hint": fault.hint }),
    );
    let mut problems: Vec<Value> = problems.collect();
    if problems.is_empty() {
        problems.push(json!({ "detail": "Try again in a moment." }));
    }
    json!({ "title": title, "problems": problems })
}

async fn measure(State(stage): State<Arc<Stage>>, Form(form): Form<Sending>) -> Response {
    let form = Sending {
        text: form.text.replace("\r\n", "\n"),
        ..form
    };
    if form.text.is_empty() {
        return html(
            &stage,
            StatusCode::OK,
            "measure.html",
            &json!({ "measure": measured_here("") }),
        );
    }
    let measure = match stage.back_end.send(&form.wish(true)).await {
        Ok(accepted) => measure_view(&accepted.encoding, accepted.segments, accepted.units),
        Err(refusal) => {
            let (title, faults) = refusal.parts();
            json!({ "problem": faults.first().map_or(title, |fault| format!("The {} {}.", fault.pointer.trim_start_matches('/'), fault.detail)) })
        }
    };
    html(&stage, StatusCode::OK, "measure.html", &json!({ "measure": measure }))
}

/// The measure of the text that the page is drawn with.
fn measured_here(text: &str) -> Value {
    match araldo_sms::measure(text, &araldo_sms::SplitOptions::default()) {
        Ok(measured) => measure_view(measured.encoding.as_str(), measured.segments.into(), measured.units),
        Err(_) => measure_view("gsm7", 0, 0),
    }
}

fn measure_view(encoding: &str, segments: usize, units: usize) -> Value {
    json!({
        "encoding": view::encoding_word(encoding),
        "segments": segments,
        "units": units,
        "room": view::room(encoding, segments),
        "unit": if encoding == "ucs2" { "UTF-16 units" } else { "septets" },
    })
}

#[derive(Deserialize)]
struct Running {
    running: bool,
}

async fn trickle(State(stage): State<Arc<Stage>>, headers: HeaderMap, Form(form): Form<Running>) -> Response {
    stage.trickle.send_replace(form.running);
    stage.board.trickle(form.running);
    done(&headers)
}

#[derive(Deserialize)]
struct Wanted {
    habit: String,
}

async fn carrier(
    State(stage): State<Arc<Stage>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Wanted>,
) -> Response {
    let (Some(carrier), Some(habit)) = (stage.carrier(&id), Habit::of(&form.habit)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if let Err(error) = carrier.set(habit).await {
        tracing::error!(event = "demo_habit", carrier = %id, %error);
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    done(&headers)
}

#[derive(Deserialize)]
struct Theme {
    theme: String,
}

async fn theme(headers: HeaderMap, Form(form): Form<Theme>) -> Response {
    let age = if ["light", "dark"].contains(&form.theme.as_str()) {
        31_536_000
    } else {
        0
    };
    let theme = if age == 0 { "" } else { &form.theme };
    let cookie = format!("{THEME_COOKIE}={theme}; Path=/; Max-Age={age}; SameSite=Strict; HttpOnly");
    let mut response = done(&headers);
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

async fn asset(State(stage): State<Arc<Stage>>, Path((digest, name)): Path<(String, String)>) -> Response {
    let Some(file) = stage.assets.get(&digest, &name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = HeaderValue::try_from(file.metadata.mimetype()).unwrap_or(HeaderValue::from_static("text/plain"));
    (
        [(CONTENT_TYPE, kind), (CACHE_CONTROL, FOR_GOOD)],
        file.data.into_owned(),
    )
        .into_response()
}

/// Nothing to show; without script, the page again.
pub(super) fn done(headers: &HeaderMap) -> Response {
    if is_htmx(headers) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        Redirect::to("/").into_response()
    }
}

pub(super) fn is_htmx(headers: &HeaderMap) -> bool {
    headers.get("hx-request").is_some_and(|value| value == "true")
}

fn chosen_theme(headers: &HeaderMap) -> Option<&'static str> {
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|all| all.split(';'));
    let mut ours = cookies.filter_map(|cookie| cookie.trim().strip_prefix(THEME_COOKIE)?.strip_prefix('='));
    match ours.next()? {
        "light" => Some("light"),
        "dark" => Some("dark"),
        _ => None,
    }
}

pub(super) fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).take(15).collect()
}

pub(super) fn html(stage: &Stage, status: StatusCode, template: &str, with: &Value) -> Response {
    match stage.templates.render(template, with) {
        Ok(text) => (status, [(CACHE_CONTROL, NOT_AT_ALL)], Html(text)).into_response(),
        Err(error) => {
            tracing::error!(event = "demo_template", template, %error);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
