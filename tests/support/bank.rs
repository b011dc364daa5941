//! A bank that texts move money at: it keeps its own books, by the idempotency keys that it is shown.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// How the bank answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// At once.
    Well,
    /// 503, and nothing is done.
    Down,
    /// It does what it is asked for, and answers after this.
    Late(Duration),
    /// It does what it is asked for, and never answers.
    Mute,
}

/// The bank. Dropped, it is gone.
pub(crate) struct Bank {
    addr: SocketAddr,
    books: Arc<Books>,
    task: AbortHandle,
}

#[derive(Default)]
struct Books {
    mood: Mutex<Option<Mood>>,
    /// Every request as it came: its command, its key and its body.
    asked: Mutex<Vec<(String, String, Value)>>,
    /// What was done, by key.
    done: Mutex<BTreeMap<String, Value>>,
    /// How often somebody asked what became of a request.
    inquiries: AtomicU32,
}

impl Bank {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let books = Arc::new(Books::default());
        let routes = Router::new()
            .route("/do/{command}", post(act))
            .route("/status", get(status))
            .with_state(books.clone());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }).abort_handle();
        Self { addr, books, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.books.mood.lock().unwrap() = Some(mood);
    }

    /// Requests to do something, so far.
    pub(crate) fn asked(&self) -> Vec<(String, String, Value)> {
        self.books.asked.lock().unwrap().clone()
    }

    /// How often it was asked what became of a request.
    pub(crate) fn inquiries(&self) -> u32 {
        self.books.inquiries.load(Ordering::Relaxed)
    }

    /// What was done for a number, in the order of the keys: command and slots.
    pub(crate) fn done_for(&self, number: &str) -> Vec<Value> {
        let done = self.books.done.lock().unwrap();
        done.values().filter(|body| body["number"] == number).cloned().collect()
    }
}

/// The code of six digits in a text.
pub(crate) fn code(text: &str) -> String {
    let mut words = text.split(|c: char| !c.is_ascii_digit());
    words
        .find(|word| word.len() == 6)
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

impl Drop for Bank {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key(headers: &HeaderMap) -> String {
    headers["idempotency-key"].to_str().unwrap().to_owned()
}

async fn act(
    State(books): State<Arc<Books>>,
    Path(command): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mood = books.mood.lock().unwrap().unwrap_or(Mood::Well);
    books.asked.lock().unwrap().push((command, key(&headers), body.clone()));
    if mood == Mood::Down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // Twice under one key is one act too many: the books show it.
    let again = books.done.lock().unwrap().insert(key(&headers), body).is_some();
    if again {
        books
            .done
            .lock()
            .unwrap()
            .insert(format!("{} again", key(&headers)), json!({ "number": "twice" }));
    }
    match mood {
        Mood::Late(late) => tokio::time::sleep(late).await,
        Mood::Mute => std::future::pending().await,
        Mood::Well | Mood::Down => {}
    }
    answer()
}

async fn status(State(books): State<Arc<Books>>, headers: HeaderMap) -> Response {
    books.inquiries.fetch_add(1, Ordering::Relaxed);
    if books.mood.lock().unwrap().unwrap_or(Mood::Well) == Mood::Down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match books.done.lock().unwrap().contains_key(&key(&headers)) {
        true => answer(),
        false => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer() -> Response {
    Json(json!({ "result": "ok", "vars": { "balance": "12,34 EUR" } })).into_response()
}
