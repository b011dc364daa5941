//! What a person does with a phone: texts, taps a chip, gives it RCS or takes it away.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::card::{ChipView, RichView};
use super::carrier::Habit;
use super::page::{digits, html, is_htmx};
use super::platform::{AGENT_TITLE, PLATFORM, Reach};
use super::setting::{PHONES, Phone, SHORT_CODE};
use super::stage::Stage;
use super::view::BubbleView;
use crate::clock;
use crate::simulator::rcs::Act;
use crate::simulator::{Mo, MoError};

/// Where whoever shares his place is: Piazza della Scala.
const PLACE: Act = Act::Location {
    latitude: 45.467,
    longitude: 9.19,
};

/// A phone, as the page shows it.
pub(super) fn view(stage: &Stage, phone: Phone) -> Value {
    let reach = stage.platform.reach(phone.number);
    json!({
        "name": phone.name, "number": phone.number, "pretty": phone.pretty, "reach": reach.id(), "say": reach.help(),
    })
}

#[derive(Deserialize)]
pub(super) struct Texting {
    from: String,
    text: String,
}

/// A phone texts us: by RCS where it has that, else through a carrier that is up.
pub(super) async fn text(State(stage): State<Arc<Stage>>, headers: HeaderMap, Form(form): Form<Texting>) -> Response {
    let text = form.text.trim().to_owned();
    let from = digits(&form.from);
    let problem = match known(&from) {
        None => Some("There is no such phone.".to_owned()),
        Some(_) if text.is_empty() => Some("Write something first.".to_owned()),
        Some(phone) if stage.platform.reach(phone.number) == Reach::Rcs => write(&stage, phone, &text).err(),
        Some(_) => {
            let (to, system_id) = (SHORT_CODE.to_owned(), None);
            let mo = Mo {
                from: from.clone(),
                to,
                text,
                system_id,
            };
            deliver(&stage, &mo).await.err()
        }
    };
    answered(&stage, &headers, &from, problem.as_deref())
}

#[derive(Deserialize)]
pub(super) struct Tapping {
    from: String,
    postback: String,
}

/// A chip is tapped.
pub(super) async fn tap(State(stage): State<Arc<Stage>>, headers: HeaderMap, Form(form): Form<Tapping>) -> Response {
    let from = digits(&form.from);
    let problem = match known(&from) {
        None => Some("There is no such phone.".to_owned()),
        Some(phone) if stage.platform.reach(phone.number) != Reach::Rcs => {
            Some(format!("{}’s phone is not on RCS now.", phone.name))
        }
        Some(phone) => touch(&stage, phone, form.postback).err(),
    };
    answered(&stage, &headers, &from, problem.as_deref())
}

#[derive(Deserialize)]
pub(super) struct Reached {
    phone: String,
    reach: String,
}

/// A phone gets RCS, loses its data, or is left with SMS.
pub(super) async fn reach(State(stage): State<Arc<Stage>>, headers: HeaderMap, Form(form): Form<Reached>) -> Response {
    let (Some(phone), Some(reach)) = (known(&form.phone), Reach::of(&form.reach)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    stage.platform.set_reach(phone.number, reach);
    stage.board.phones(&PHONES.map(|phone| view(&stage, phone)));
    if is_htmx(&headers) {
        return StatusCode::NO_CONTENT.into_response();
    }
    Redirect::to(&format!("/?phone={}", phone.number)).into_response()
}

fn known(number: &str) -> Option<Phone> {
    PHONES.into_iter().find(|phone| phone.number == number)
}

fn answered(stage: &Stage, headers: &HeaderMap, from: &str, problem: Option<&str>) -> Response {
    if is_htmx(headers) {
        return html(stage, StatusCode::OK, "texted.html", &json!({ "problem": problem }));
    }
    Redirect::to(&format!("/?phone={from}")).into_response()
}

/// Writes to the agent.
fn write(stage: &Stage, phone: Phone, text: &str) -> Result<(), String> {
    let at = stage.clock.now();
    let act = Act::Text(text.to_owned());
    stage.platform.act(phone.number, act).map_err(told)?;
    stage.board.bubble(BubbleView::said(phone, text, at));
    Ok(())
}

/// Taps, and does what the phone does then.
fn touch(stage: &Stage, phone: Phone, postback: String) -> Result<(), String> {
    let at = stage.clock.now();
    let chip = offered(stage, phone, &postback).ok_or("No message on this phone has this chip.")?;
    stage
        .platform
        .act(phone.number, Act::Postback(postback))
        .map_err(told)?;
    if chip.kind == "place" {
        stage.platform.act(phone.number, PLACE).map_err(told)?;
    }
    stage.board.bubble(match chip.does.as_str() {
        "" => BubbleView::said(phone, &chip.label, at),
        does => BubbleView::did(phone, &format!("“{}”: the phone {does}", chip.label), at),
    });
    Ok(())
}

fn offered(stage: &Stage, phone: Phone, postback: &str) -> Option<ChipView> {
    let messages = stage.platform.sent_to(phone.number);
    messages.iter().find_map(|message| {
        let rich = RichView::of(&message.content, "")?;
        rich.chip(postback).cloned()
    })
}

fn told(error: impl std::fmt::Display) -> String {
    format!("It could not be sent: {error}.")
}

async fn deliver(stage: &Stage, mo: &Mo) -> Result<(), String> {
    let id = format!("mo-{}", hex::encode(&clock::secret_bits()[..8]));
    let at = stage.clock.now();
    let mut why = "No carrier is up: the phone has no network.".to_owned();
    // A phone is with one network; when that is down, the demo lets it roam.
    let up = stage.carriers.iter().filter(|carrier| carrier.habit() != Habit::Down);
    for carrier in up {
        match carrier.text(mo.clone()).await {
            Ok(answer) if answer.status().is_ok() => {
                let segments = answer.statuses.len();
                stage
                    .board
                    .bubble(BubbleView::texted(id, mo, at, Some(carrier.name()), segments));
                return Ok(());
            }
            Ok(answer) => why = format!("{} was answered {}.", carrier.title(), answer.status()),
            Err(MoError::NotBound) => why = format!("Nobody is bound at {}.", carrier.title()),
            Err(error) => why = format!("{error}."),
        }
    }
    stage.board.bubble(BubbleView::texted(id, mo, at, None, 0));
    Err(why)
}

impl BubbleView {
    /// Words that a person has said by RCS, written or tapped.
    fn said(phone: Phone, text: &str, at: crate::domain::UnixMillis) -> Self {
        Self {
            side: "mine",
            from: format!("to {AGENT_TITLE}"),
            badge: "RCS".to_owned(),
            carrier: PLATFORM.to_owned(),
            ..Self::did(phone, text, at)
        }
    }

    /// Something that a phone did.
    fn did(phone: Phone, text: &str, at: crate::domain::UnixMillis) -> Self {
        Self {
            id: format!("tap-{}", hex::encode(&clock::secret_bits()[..8])),
            phone: phone.number.to_owned(),
            phone_short: phone.name.to_owned(),
            side: "note",
            text: text.to_owned(),
            at: super::view::rfc3339(at),
            clock: super::view::clock(at),
            ..Self::default()
        }
    }
}
