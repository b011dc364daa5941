//! Events from a stream of NATS JetStream: a durable pull consumer, acknowledged after the commit. What is delivered
//! again is the same event by its source and id, and makes nothing new.

mod link;
mod read;

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use futures_util::{FutureExt, StreamExt};
use link::{LinkError, connect};
use read::read;
use tokio_util::sync::CancellationToken;

use super::event::Event;
use super::publish::{Published, Publisher, Submitted};
use super::way::{Outcome, Way, told};
use crate::accept::{Client, Code, Fault};
use crate::clock::jitter;
use crate::config::NatsConfig;
use crate::outbox::{Outbox, backoff};
use crate::store::{InboxMark, RefusedEvent};

/// How long an event waits that the store could not take.
const LATER: Duration = Duration::from_secs(2);
/// Pauses before connecting anew.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Publishes the messages of a stream.
pub struct Nats {
    /// Which stream, and how it is reached.
    pub config: NatsConfig,
    /// In whose name.
    pub client: Arc<Client>,
    /// What makes messages of events.
    pub publisher: Arc<Publisher>,
    /// Where refused events are kept.
    pub outbox: Outbox,
}

/// What the server is told of a message.
enum Verdict {
    Ack(Outcome),
    /// Never to be delivered again: kept here, with what is wrong with it.
    Refused(Box<RefusedEvent>),
    /// To be delivered again.
    Later,
}

impl Nats {
    /// Works until told to stop; what is in hand then is published and acknowledged.
    pub async fn run(self, stop: CancellationToken) {
        let mut tries = 0;
        loop {
            let Err(error) = self.follow(&stop, &mut tries).await else {
                return;
            };
            let pause = backoff(RETRY_MIN, RETRY_MAX, tries, jitter());
            tries = tries.saturating_add(1);
            tracing::warn!(event = "nats_waits", ?pause, %error, "events stay in the stream");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn follow(&self, stop: &CancellationToken, tries: &mut u16) -> Result<(), LinkError> {
        let (client, messages) = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            connected = connect(&self.config) => connected?,
        };
        tracing::info!(event = "nats_follows", stream = %self.config.stream, durable = %self.config.durable);
        *tries = 0;
        let mut chunks = messages.ready_chunks(self.config.batch as usize);
        let mut ended = None;
        while ended.is_none() {
            let chunk = tokio::select! {
                () = stop.cancelled() => break,
                chunk = chunks.next() => chunk.ok_or(LinkError::Ended)?,
            };
            let mut messages = Vec::with_capacity(chunk.len());
            for message in chunk {
                match message {
                    Ok(message) => messages.push(message),
                    Err(error) => ended = Some(error),
                }
            }
            self.take(messages).await?;
        }
        // What has come beside is for whoever asks next.
        while let Some(Some(chunk)) = chunks.next().now_or_never() {
            for message in chunk.into_iter().flatten() {
                message.ack_with(AckKind::Nak(None)).await.ok();
            }
        }
        client.flush().await.ok();
        ended.map_or(Ok(()), |error| Err(LinkError::Broken(error)))
    }

    /// Publishes messages in one commit, and tells the server of each.
    async fn take(&self, messages: Vec<Message>) -> Result<(), LinkError> {
        let most = self.publisher.settings().max_bytes;
        let read: Vec<_> = messages.iter().map(|message| read(message, most)).collect();
        let events = read.iter().filter_map(|read| read.as_ref().ok());
        let submitted = events.map(|event| Submitted {
            client: &self.client,
            event,
            inbox: None,
            paced: false,
        });
        let mut published = self
            .publisher
            .publish_all(&submitted.collect::<Vec<_>>())
            .await
            .into_iter();
        let mut verdicts = Vec::with_capacity(messages.len());
        for (message, read) in messages.iter().zip(&read) {
            verdicts.push(match read {
                Ok(event) => self.verdict(message, event, published.next()),
                Err(faults) => Verdict::Refused(Box::new(self.refused(message, None, faults))),
            });
        }
        self.keep_refused(&mut verdicts).await;
        for (message, verdict) in messages.iter().zip(verdicts) {
            let (kind, outcome) = match verdict {
                Verdict::Ack(outcome) => (AckKind::Ack, Some(outcome)),
                Verdict::Refused(_) => (AckKind::Term, Some(Outcome::Refused)),
                Verdict::Later => (AckKind::Nak(Some(LATER)), None),
            };
            if let Some(outcome) = outcome {
                Way::Nats.count(outcome, 1);
            }
            message.ack_with(kind).await.map_err(LinkError::Unacknowledged)?;
        }
        Ok(())
    }

    fn verdict(&self, message: &Message, event: &Event, published: Option<Published>) -> Verdict {
        match published {
            Some(Published::Stored(_)) => Verdict::Ack(Outcome::Stored),
            Some(Published::Replayed(_)) => Verdict::Ack(Outcome::Repeated),
            Some(Published::Refused(faults)) => Verdict::Refused(Box::new(self.refused(message, Some(event), &faults))),
            Some(Published::KeyReused) => {
                let detail = "another event was published with the same source and id";
                let fault = Fault::new("/id", Code::IdempotencyKeyReused, detail);
                Verdict::Refused(Box::new(self.refused(message, Some(event), &[fault])))
            }
            Some(Published::Withdrawn | Published::Failed(_)) | None => Verdict::Later,
        }
    }

    /// Keeps refused events where they can be looked at. What cannot be kept is to be delivered again.
    async fn keep_refused(&self, verdicts: &mut [Verdict]) {
        let refused = verdicts.iter().filter_map(|verdict| match verdict {
            Verdict::Refused(event) => Some(InboxMark::Kept(event.clone())),
            Verdict::Ack(_) | Verdict::Later => None,
        });
        let marks: Vec<_> = refused.collect();
        if marks.is_empty() {
            return;
        }
        let events = marks.len();
        match self.outbox.mark_inbox(marks).await {
            Ok(()) => tracing::warn!(
                event = "event_refused",
                way = "nats",
                events,
                "see error in event_inbox"
            ),
            Err(error) => {
                tracing::warn!(event = "nats_waits", %error);
                let refused = verdicts
                    .iter_mut()
                    .filter(|verdict| matches!(verdict, Verdict::Refused(_)));
                refused.for_each(|verdict| *verdict = Verdict::Later);
            }
        }
    }

    fn refused(&self, message: &Message, event: Option<&Event>, faults: &[Fault]) -> RefusedEvent {
        let most = usize::try_from(self.publisher.settings().max_bytes).unwrap_or(usize::MAX);
        let payload = &message.payload[..message.payload.len().min(most)];
        let place = message.info().map_or(0, |info| info.stream_sequence);
        let pointers = faults
            .iter()
            .map(|fault| (fault.pointer.trim_start_matches('/'), &*fault.detail));
        RefusedEvent {
            client: self.client.name.clone(),
            source: event.map_or_else(
                || format!("nats:{}", self.config.stream).into(),
                |event| event.source().into(),
            ),
            event_id: event.map_or_else(|| place.to_string().into(), |event| event.id().into()),
            kind: event.map_or("unreadable", Event::kind).into(),
            data: event.map_or_else(
                || String::from_utf8_lossy(payload).into(),
                |event| event.data().to_string().into(),
            ),
            error: told(pointers),
        }
    }
}
