//! NDJSON: each line stands alone, and has its result line in the same order, after its commit.
//!
//! Lines are handed to the outbox in groups as they arrive. While some groups commit the next ones are read; when the
//! caller does not read its results, nothing more is read from it. So memory is bounded whatever comes.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::ApiState;
use super::said::accept_wish;
use super::send::{enqueue_problem, item, stored_before};
use super::wish::idempotency_key;
use crate::accept::Wish;
use crate::domain::Class;
use crate::http::auth::Client;
use crate::http::body::{self, BodyLimits};
use crate::http::problem::{Code, Problem};
use crate::outbox::{EnqueueError, Enqueued};
use crate::store::{Enqueue, EnqueueResult};

/// Lines handed over together at the most.
const GROUP: usize = 256;
/// Octets of lines that a group holds at the most, so that large lines do not add up.
const GROUP_BYTES: usize = 256 << 10;
/// Groups under way at once.
const GROUPS: usize = 3;
/// How long a group waits when the queue is full; doubles up to [`FULL_WAIT_MAX`].
const FULL_WAIT: Duration = Duration::from_millis(5);
const FULL_WAIT_MAX: Duration = Duration::from_millis(500);

/// What is said to a body without a line.
const NO_LINE: &str = "there is no line: send a JSON object a line";

/// Answers with a result line for each line of the body.
pub(super) fn answer(
    state: Arc<ApiState>,
    client: Arc<Client>,
    body: Body,
    request_id: Arc<str>,
) -> Result<Response, Problem> {
    by_groups(body, state.body, move |group| {
        let (state, client, request_id) = (state.clone(), client.clone(), request_id.clone());
        async move { results(&state, &client, group, &request_id).await }
    })
}

/// Answers a body of lines, group by group, each with what `results` gives.
pub(super) fn by_groups<F, R>(body: Body, limits: BodyLimits, mut results: F) -> Result<Response, Problem>
where
    F: FnMut(Vec<Line>) -> R + Send + 'static,
    R: Future<Output = Vec<u8>> + Send + 'static,
{
    if body.is_end_stream() {
        return Err(Problem::with_detail(Code::InvalidJson, NO_LINE));
    }
    let results = groups(Lines::new(body, limits))
        .map(move |group| results(group).map(|lines| Ok::<_, std::convert::Infallible>(Bytes::from(lines))))
        .buffered(GROUPS);
    let mut response = Response::new(Body::from_stream(results));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// A line, or why it cannot be read.
pub(super) type Line = (u64, Result<Bytes, Problem>);

fn groups(lines: Lines) -> impl Stream<Item = Vec<Line>> {
    stream::unfold((lines, false), |(mut lines, any)| async move {
        let mut group = lines.group().await;
        if group.is_empty() && !any {
            // By now the answer has begun: a body of blank lines is told in its one result line.
            group.push((1, Err(Problem::with_detail(Code::InvalidJson, NO_LINE))));
        }
        (!group.is_empty()).then_some((group, (lines, true)))
    })
}

/// Cuts a body into lines.
struct Lines {
    body: Body,
    limits: BodyLimits,
    held: BytesMut,
    /// Octets of `held` that have no line end.
    searched: usize,
    number: u64,
    /// The rest of a line that was too long is passed over.
    skipping: bool,
    ended: bool,
}

impl Lines {
    fn new(body: Body, limits: BodyLimits) -> Self {
        Self {
            body,
            limits,
            held: BytesMut::new(),
            searched: 0,
            number: 0,
            skipping: false,
            ended: false,
        }
    }

    /// The lines that are there, at least one; empty at the end. A line that did not arrive whole is not one.
    async fn group(&mut self) -> Vec<Line> {
        let mut group = Vec::new();
        let mut octets = 0;
        while group.len() < GROUP && octets < GROUP_BYTES {
            if let Some(line) = self.cut() {
                octets += line.1.as_ref().map_or(0, Bytes::len);
                group.push(line);
                continue;
            }
            if self.ended {
                break;
            }
            let read = body::next(&mut self.body, self.limits);
            let more = if group.is_empty() {
                read.await
            } else {
                match read.now_or_never() {
                    Some(more) => more,
                    None => break,
                }
            };
            match more {
                Ok(Some(data)) => self.held.extend_from_slice(&data),
                Ok(None) => {
                    self.ended = true;
                    // The last line needs no end.
                    if !self.held.is_empty() {
                        self.held.extend_from_slice(b"\n");
                    }
                }
                Err(problem) => {
                    self.ended = true;
                    self.held.clear();
                    self.searched = 0;
                    group.push((self.number + 1, Err(problem)));
                }
            }
        }
        group
    }

    /// The next whole line that is not blank.
    fn cut(&mut self) -> Option<Line> {
        loop {
            let Some(end) = self.held[self.searched..].iter().position(|c| *c == b'\n') else {
                self.searched = self.held.len();
                if self.searched > self.limits.bytes {
                    self.held.clear();
                    self.searched = 0;
                    if !std::mem::replace(&mut self.skipping, true) {
                        return Some((self.number + 1, Err(body::too_large(self.limits))));
                    }
                }
                return None;
            };
            let line = self.held.split_to(self.searched + end);
            self.held.advance(1);
            self.searched = 0;
            self.number += 1;
            if std::mem::take(&mut self.skipping) || line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if line.len() > self.limits.bytes {
                return Some((self.number, Err(body::too_large(self.limits))));
            }
            return Some((self.number, Ok(line.freeze())));
        }
    }
}

/// What becomes of a line: known at once, or once the outbox has answered.
enum Pending {
    Known(Result<String, Problem>),
    /// The same line was stored before.
    Replayed(Box<str>),
    Stored {
        answer: Box<str>,
        class: Class,
    },
}

/// What became of an item that was handed over.
type Stored = Result<EnqueueResult, EnqueueError>;

/// The part of an answer that a result line shows.
#[derive(Deserialize)]
struct Brief<'a> {
    id: &'a str,
    state: &'a str,
    segments: u8,
    characters_replaced: Vec<char>,
}

#[derive(Serialize)]
struct ResultLine<'a> {
    line: u64,
    id: &'a str,
    state: &'a str,
    segments: u8,
    characters_replaced: Vec<char>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
}

async fn results(state: &ApiState, client: &Client, group: Vec<Line>, request_id: &str) -> Vec<u8> {
    pace(client, group.len()).await;
    let mut items = Vec::with_capacity(group.len());
    let mut pending = Vec::with_capacity(group.len());
    for (number, line) in group {
        let checked = match line {
            Ok(line) => check(state, client, &line, &mut items).await,
            Err(problem) => Err(problem),
        };
        pending.push((number, checked.unwrap_or_else(|problem| Pending::Known(Err(problem)))));
    }
    let mut stored = store(state, items).await.map(VecDeque::from);
    let mut out = Vec::with_capacity(pending.len() * 96);
    for (number, pending) in pending {
        let written = match pending {
            Pending::Known(Ok(answer)) => write_raw(&mut out, number, &answer),
            Pending::Known(Err(problem)) => write_problem(&mut out, number, &problem, request_id),
            Pending::Replayed(answer) => write_stored(&mut out, number, &answer, true),
            Pending::Stored { answer, class } => match next(&mut stored) {
                Ok(EnqueueResult::Stored(_)) => {
                    client.count_accepted(class);
                    write_stored(&mut out, number, &answer, false)
                }
                Ok(EnqueueResult::Replayed(answer)) => write_stored(&mut out, number, &answer, true),
                Ok(EnqueueResult::KeyReused) => {
                    write_problem(&mut out, number, &Problem::new(Code::IdempotencyKeyReused), request_id)
                }
                Err(error) => write_problem(&mut out, number, &enqueue_problem(&error), request_id),
            },
        };
        // A line that could not be written would shift the rest; serialising our own structs does not fail.
        debug_assert!(written.is_ok());
    }
    out
}

/// What became of the next item that was handed over.
fn next(stored: &mut Result<VecDeque<Stored>, EnqueueError>) -> Stored {
    match stored {
        Ok(each) => each.pop_front().unwrap_or(Err(EnqueueError::OutcomeUnknown)),
        Err(error) => Err(error.clone()),
    }
}

/// Waits until the client's pace allows the lines.
pub(super) async fn pace(client: &Client, lines: usize) {
    let Some(throttle) = &client.throttle else { return };
    let mut left = u32::try_from(lines).unwrap_or(u32::MAX);
    while let Some(wanted) = NonZeroU32::new(left) {
        match throttle.take_some(wanted) {
            Ok(taken) => left -= taken,
            Err(wait) => tokio::time::sleep(wait).await,
        }
    }
}

async fn check(state: &ApiState, client: &Client, line: &[u8], items: &mut Vec<Enqueue>) -> Result<Pending, Problem> {
    let wish = Wish::read_line(line)?;
    let dry_run = wish.dry_run == Some(true);
    let required = client.require_idempotency_key && !dry_run;
    let key = idempotency_key(wish.idempotency_key.as_deref(), "/idempotency_key", required)?;
    let accepted = match accept_wish(state, client, &wish).await {
        Ok(accepted) => accepted,
        Err(faults) => {
            let key = key.filter(|_| !dry_run);
            return match stored_before(state, client, key.as_deref(), &wish).await {
                Some(EnqueueResult::Replayed(stored)) => Ok(Pending::Replayed(stored)),
                Some(EnqueueResult::KeyReused) => Err(Problem::new(Code::IdempotencyKeyReused)),
                Some(EnqueueResult::Stored(_)) | None => Err(Problem::of_faults(faults)),
            };
        }
    };
    if dry_run {
        return Ok(Pending::Known(Ok(accepted.answer(state, true))));
    }
    let answer = accepted.answer(state, false);
    let class = accepted.message.class;
    items.push(item(accepted, key, &wish, &answer));
    Ok(Pending::Stored {
        answer: answer.into(),
        class,
    })
}

/// Stores a group. A full queue is waited for: who sends a file wants it taken, not refused line by line.
async fn store(state: &ApiState, items: Vec<Enqueue>) -> Enqueued<EnqueueResult> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let mut wait = FULL_WAIT;
    loop {
        // The outbox keeps what it is given, even what it refuses.
        let copy = items.iter().map(|item| Enqueue {
            message: item.message.clone(),
            key: item.key.clone(),
            claim: None,
            birth: item.birth.clone(),
        });
        match state.outbox.enqueue(copy.collect()).await {
            Err(EnqueueError::QueueFull) => {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(FULL_WAIT_MAX);
            }
            done => return done,
        }
    }
}

fn write_stored(out: &mut Vec<u8>, line: u64, answer: &str, replayed: bool) -> serde_json::Result<()> {
    let Brief {
        id,
        state,
        segments,
        characters_replaced,
    } = serde_json::from_str(answer)?;
    write(
        out,
        &ResultLine {
            line,
            id,
            state,
            segments,
            characters_replaced,
            replayed,
        },
    )
}

/// An answer whole, with its line.
fn write_raw(out: &mut Vec<u8>, line: u64, answer: &str) -> serde_json::Result<()> {
    out.extend_from_slice(format!("{{\"line\":{line},").as_bytes());
    out.extend_from_slice(answer.strip_prefix('{').unwrap_or(answer).as_bytes());
    out.push(b'\n');
    Ok(())
}

fn write_problem(out: &mut Vec<u8>, line: u64, problem: &Problem, request_id: &str) -> serde_json::Result<()> {
    #[derive(Serialize)]
    struct ErrorLine<D> {
        line: u64,
        error: D,
    }
    write(
        out,
        &ErrorLine {
            line,
            error: problem.document(request_id),
        },
    )
}

fn write<T: Serialize>(out: &mut Vec<u8>, line: &T) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.push(b'\n');
    Ok(())
}
