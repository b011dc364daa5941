//! One call, made: what is asked, whether it may be, and what is waited for.

use std::sync::Arc;

use axum::http::Method;
use bytes::Bytes;
use metrics::{counter, histogram};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use super::policy::{self, After, End, Manner};
use super::{Actions, key};
use crate::backend::{self, Called, Said, Swapped};
use crate::clock;
use crate::command::catalogue;
use crate::dialogue::Frozen;
use crate::domain::UnixMillis;
use crate::store::ActionRecord;

/// What is asked of a back end.
#[derive(Serialize)]
struct Body<'a> {
    command: &'a str,
    slots: &'a Frozen,
    number: String,
    from: String,
    to: &'a str,
    text: &'a str,
    language: &'a str,
    conversation: crate::domain::InboundId,
    at: UnixMillis,
}

impl Actions {
    /// One call, and the word that it takes long. Its place is free once it is answered.
    pub(super) async fn make(self: &Arc<Self>, mut record: ActionRecord, permit: OwnedSemaphorePermit) {
        let Some(call) = self.parts.shelf.load().call(&record.action.command).cloned() else {
            // The catalogue has changed: nothing was asked of anybody.
            drop(permit);
            return self.settle(&record, After::Over(End::Failed), "no_command").await;
        };
        let asks = record.action.progress.asks;
        if !asks && let Some(end) = self.stopped(&record).await {
            drop(permit);
            return self.settle(&record, After::Over(end), "sim_check").await;
        }
        let begun = clock::monotonic();
        let body = if asks { Bytes::new() } else { self.body(&record) };
        let key = key(&record);
        let made = backend::Call {
            url: match (&call.status_url, asks) {
                (Some(url), true) => url,
                _ => &call.url,
            },
            method: match (asks, call.method) {
                (true, _) => Method::GET,
                (false, catalogue::Method::Post) => Method::POST,
                (false, catalogue::Method::Put) => Method::PUT,
            },
            key: &key,
            at: self.parts.clock.now(),
            keys: call.keys.as_ref(),
            body,
            timeout: call.timeout,
        };
        let mut answer = std::pin::pin!(self.parts.caller.call(made));
        let late_at = record.action.progress.late_at;
        let called = match late_at {
            None => answer.await,
            Some(at) => {
                let patience = tokio::time::sleep(at.since(self.parts.clock.now()));
                tokio::select! {
                    biased;
                    called = &mut answer => called,
                    () = patience => {
                        self.say_late(&mut record).await;
                        answer.await
                    }
                }
            }
        };
        drop(permit);
        histogram!("araldo_command_seconds").record(clock::monotonic().duration_since(begun).as_secs_f64());
        self.note(&record, &called);
        let progress = &record.action.progress;
        let manner = self.manner(&record);
        let after = policy::after(
            &called,
            asks,
            progress.doubt,
            progress.attempts,
            manner,
            self.parts.clock.now(),
            clock::jitter(),
        );
        self.settle(&record, after, &word(&called)).await;
    }

    /// Counts what became of a call, and tells of what is of no use: never what it said.
    fn note(&self, record: &ActionRecord, called: &Called) {
        let outcome = word(called);
        counter!("araldo_calls_total", "outcome" => outcome.clone()).increment(1);
        match called {
            Called::NotDone(_) | Called::Unknown(_) => tracing::warn!(
                event = "call_not_answered", command = %record.action.command, key = key(record), outcome
            ),
            Called::Answered(said) if self.is_strange(record, said) => tracing::warn!(
                event = "result_unknown", command = %record.action.command, key = key(record),
                "the answer's result is none of ok, refused and pending, and the command has no reply to it: taken for refused"
            ),
            Called::Answered(_) | Called::Refused { .. } => {}
        }
    }

    /// Whether an answer's result is a word that neither we know nor the command has a reply to.
    fn is_strange(&self, record: &ActionRecord, said: &Said) -> bool {
        let Some(result) = said.result.as_deref() else {
            return false;
        };
        let book = self.parts.shelf.load();
        let replies = book.command(&record.action.command).map(|command| &command.replies);
        let has_reply = |word: &str| replies.is_some_and(|replies| replies.contains_key(word));
        let by_code = said.code.as_deref().is_some_and(has_reply);
        !matches!(result, "ok" | "refused" | "pending") && !by_code && !has_reply(result)
    }

    /// What a changed SIM makes of a call that moves money or is personal, before it is made.
    async fn stopped(&self, record: &ActionRecord) -> Option<End> {
        let sim_swap = self.parts.sim_swap.as_ref()?;
        let action = &record.action;
        let book = self.parts.shelf.load_full();
        let command = book.command(&action.command)?;
        let money = command.money;
        if !money && !command.personal {
            return None;
        }
        let swapped = sim_swap.ask(&format!("+{}", action.between.number)).await;
        counter!("araldo_sim_checks_total", "result" => swapped.word()).increment(1);
        let end = policy::before(swapped, money, action.progress.doubt);
        if swapped != Swapped::No {
            tracing::warn!(
                event = "sim_check", command = %action.command, key = key(record), %swapped, stopped = end.is_some()
            );
        }
        end
    }

    fn body(&self, record: &ActionRecord) -> Bytes {
        let action = &record.action;
        let slots: Frozen = serde_json::from_str(&action.slots).unwrap_or_default();
        let number = format!("+{}", action.between.number);
        let body = Body {
            command: action.command.as_str(),
            slots: &slots,
            from: number.clone(),
            number,
            to: &action.between.address,
            text: &action.text,
            language: &action.language,
            conversation: action.inbound,
            at: action.at,
        };
        Bytes::from(serde_json::to_vec(&body).unwrap_or_default())
    }

    pub(super) fn manner(&self, record: &ActionRecord) -> Manner {
        let book = self.parts.shelf.load();
        let call = book.call(&record.action.command);
        call.map_or(
            Manner {
                retries: 0,
                idempotent: false,
                can_ask: false,
            },
            |call| Manner {
                retries: call.retries,
                idempotent: call.idempotent,
                can_ask: call.status_url.is_some(),
            },
        )
    }
}

fn word(called: &Called) -> String {
    match called {
        Called::Answered(_) => "answered".to_owned(),
        Called::Refused { status, .. } => format!("status_{status}"),
        Called::NotDone(failure) | Called::Unknown(failure) => failure.to_string(),
    }
}
