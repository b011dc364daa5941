//! The routes of the events and of the bank: publish one of the shipped events; break the bank, and mend it.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::back_end::Published;
use super::event::{self, LANGUAGES};
use super::page::{done, html, is_htmx, refused};
use super::setting::PHONES;
use super::stage::Stage;

#[derive(Deserialize)]
pub(super) struct Publishing {
    event: String,
    to: String,
    locale: String,
}

/// Publishes an event as the bank's systems do: a request to the API, with the bank's key.
pub(super) async fn publish(
    State(stage): State<Arc<Stage>>,
    headers: HeaderMap,
    Form(form): Form<Publishing>,
) -> Response {
    let phone = PHONES.into_iter().find(|phone| phone.number == form.to);
    let known = LANGUAGES.iter().any(|(id, _)| *id == form.locale);
    let event = phone
        .filter(|_| known)
        .and_then(|phone| event::make(&form.event, phone, &form.locale, stage.clock.now()));
    let Some(event) = event else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let id = event.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let event = Value::Object(event);
    let (status, view) = match stage.back_end.publish(&event).await {
        Ok(answer) => (StatusCode::OK, published(&form, &event, &answer)),
        Err(refusal) => {
            let mut view = refused(&refusal);
            view["locale"] = json!(form.locale);
            (StatusCode::UNPROCESSABLE_ENTITY, view)
        }
    };
    if is_htmx(&headers) {
        return html(&stage, status, "published.html", &json!({ "published": view }));
    }
    stage.board.published(id.clone(), view);
    Redirect::to(&format!("/?phone={}&published={id}", form.to)).into_response()
}

fn published(form: &Publishing, event: &Value, answer: &Published) -> Value {
    let messages = answer.messages.iter().map(|message| {
        json!({ "id": message.id, "state": message.state, "rule": message.rule, "segments": message.segments })
    });
    json!({
        "locale": form.locale,
        "type": event["type"],
        "json": serde_json::to_string_pretty(event).unwrap_or_default(),
        "messages": messages.collect::<Vec<_>>(),
    })
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    down: bool,
}

/// Breaks the bank for a while, or mends it.
pub(super) async fn bank(State(stage): State<Arc<Stage>>, headers: HeaderMap, Form(form): Form<Wanted>) -> Response {
    stage.bank.set_down(form.down, stage.clock.now());
    stage.board.bank(form.down, None);
    done(&headers)
}
