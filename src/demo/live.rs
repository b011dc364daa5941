//! `GET /demo/events`: what happens, as it happens.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use tokio_stream::wrappers::BroadcastStream;

use super::phone;
use super::setting::PHONES;
use super::stage::Stage;

/// How often a quiet stream says that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// All there is, then every change. A reader that was too slow is given all anew.
pub(super) async fn events(State(stage): State<Arc<Stage>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = BroadcastStream::new(stage.board.subscribe());
    let hello = Event::default()
        .event("hello")
        .data(json!({ "run": stage.run }).to_string());
    let begin = stream::iter([hello, snapshot(&stage)]);
    let stop = stage.stop.clone();
    let rest = changes.map(move |change| match change {
        Ok(change) => Event::default().event(change.name).data(&change.data),
        Err(_) => snapshot(&stage),
    });
    let all = begin.chain(rest).map(Ok).take_until(stop.cancelled_owned());
    Sse::new(all).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE))
}

fn snapshot(stage: &Stage) -> Event {
    let mut all = serde_json::to_value(stage.board.snapshot()).unwrap_or_default();
    if let Some(fields) = all.as_object_mut() {
        fields.insert("running".to_owned(), (*stage.trickle.borrow()).into());
        fields.insert(
            "phones".to_owned(),
            PHONES.map(|phone| phone::view(stage, phone)).to_vec().into(),
        );
    }
    Event::default().event("snapshot").data(all.to_string())
}
