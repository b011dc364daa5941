//! Events from a stream of NATS JetStream: a durable pull consumer, acknowledged after the commit. What is delivered
//! again is the same event by its source and id, and makes nothing new.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, AckKind, Message};
use async_nats::{ConnectOptions, HeaderMap};
use futures_util::{FutureExt, StreamExt};
use serde_json::{Map, Value as Json};
use tokio_util::sync::CancellationToken;

use super::event::{Event, header_text};
use super::publish::{Published, Publisher, Submitted};
use super::way::{Outcome, Way, told};
use crate::accept::{Client, Code, Fault};
use crate::clock::jitter;
use crate::config::NatsConfig;
use crate::outbox::{Outbox, backoff};
use crate::store::{InboxMark, RefusedEvent};

/// How long the server waits for an acknowledgement before it delivers again: several commits.
const ACK_WAIT: Duration = Duration::from_secs(60);
/// How long an event waits that the store could not take.
const LATER: Duration = Duration::from_secs(2);
/// Pauses before connecting anew.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// What the headers of an event in binary form begin with.
const PREFIX: &str = "ce-";

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
            tracing::warn!(event = "nats_waits", ?pause, "{error:#}");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn follow(&self, stop: &CancellationToken, tries: &mut u16) -> anyhow::Result<()> {
        let connecting = async {
            let client = self.connect().await?;
            let messages = self.messages(&client).await?;
            anyhow::Ok((client, messages))
        };
        let (client, messages) = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            connected = connecting => connected?,
        };
        tracing::info!(event = "nats_follows", stream = %self.config.stream, durable = %self.config.durable);
        *tries = 0;
        let mut chunks = messages.ready_chunks(self.config.batch as usize);
        let mut ended = None;
        while ended.is_none() {
            let chunk = tokio::select! {
                () = stop.cancelled() => break,
                chunk = chunks.next() => chunk.context("the consumer has ended")?,
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
        ended.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn connect(&self) -> anyhow::Result<async_nats::Client> {
        let config = &self.config;
        let mut options = ConnectOptions::new()
            .name("araldo")
            .require_tls(config.url.starts_with("tls://"))
            .event_callback(|event| async move { tracing::info!(event = "nats", "{event}") });
        if let Some(file) = &config.credentials_file {
            let read = options.credentials_file(file).await;
            options = read.with_context(|| format!("nats.credentials_file: {}", file.display()))?;
        }
        if let Some(file) = &config.tls_ca_file {
            options = options.add_root_certificates(file.clone());
        }
        if let (Some(cert), Some(key)) = (&config.tls_cert_file, &config.tls_key_file) {
            options = options.add_client_certificate(cert.clone(), key.clone());
        }
        options.connect(&config.url).await.context("nats.url")
    }

    async fn messages(&self, client: &async_nats::Client) -> anyhow::Result<pull::Stream> {
        let config = &self.config;
        let stream = jetstream::new(client.clone()).get_stream(&config.stream).await;
        let stream = stream.with_context(|| format!("nats.stream: {} must be there", config.stream))?;
        let wanted = pull::Config {
            durable_name: Some(config.durable.clone()),
            filter_subject: config.subject.clone(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(&config.durable, wanted).await;
        let consumer = consumer.with_context(|| format!("nats.durable: {}", config.durable))?;
        let messages = consumer.stream().max_messages_per_batch(config.batch as usize);
        messages.messages().await.context("the consumer cannot be read")
    }

    /// Publishes messages in one commit, and tells the server of each.
    async fn take(&self, messages: Vec<Message>) -> anyhow::Result<()> {
        let most = self.publisher.settings().max_bytes;
        let read: Vec<_> = messages.iter().map(|message| read(message, most)).collect();
        let events = read.iter().filter_map(|read| read.as_ref().ok());
        let submitted = events.map(|event| Submitted {
            client: &self.client,
            event,
            inbox: None,
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
            message
                .ack_with(kind)
                .await
                .map_err(|error| anyhow!("not acknowledged: {error}"))?;
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

/// An event as the NATS binding of CloudEvents writes it: structured, or binary with attributes in headers.
fn read(message: &Message, most: u64) -> Result<Event, Vec<Fault>> {
    if message.payload.len() as u64 > most {
        let detail = format!(
            "has {} bytes; an event may have {most} (events.max_bytes)",
            message.payload.len()
        );
        return Err(vec![Fault::new("", Code::BodyTooLarge, detail)]);
    }
    let headers = message
        .headers
        .as_ref()
        .map(attributes)
        .transpose()?
        .unwrap_or_default();
    let structured = matches!(headers.get("datacontenttype"), Some(Json::String(kind)) if kind.starts_with("application/cloudevents"));
    if structured || !headers.contains_key("specversion") {
        return Event::from_json(json(&message.payload)?);
    }
    let data = match message.payload.is_empty() {
        true => Json::Null,
        false => json(&message.payload)?,
    };
    Event::new(headers, data)
}

/// What the headers say; of others than ours, only the content type.
fn attributes(headers: &HeaderMap) -> Result<Map<String, Json>, Vec<Fault>> {
    let mut found = Map::new();
    for (name, values) in headers.iter() {
        let header = name.to_string().to_ascii_lowercase();
        let name = match header.strip_prefix(PREFIX) {
            Some(name) => name,
            None if header == "content-type" => "datacontenttype",
            None => continue,
        };
        let fault = |detail: &str| vec![Fault::new(format!("#{header}"), Code::InvalidEvent, detail.to_owned())];
        let [value] = values.as_slice() else {
            return Err(fault("comes twice"));
        };
        let text = header_text(value.as_str());
        let text = text.ok_or_else(|| fault("is not percent-encoded UTF-8"))?;
        found.insert(name.to_owned(), Json::String(text));
    }
    Ok(found)
}

fn json(octets: &[u8]) -> Result<Json, Vec<Fault>> {
    serde_json::from_slice(octets).map_err(|error| {
        let detail = format!("is not JSON: line {} column {}", error.line(), error.column());
        vec![Fault::new("/data", Code::InvalidJson, detail)]
    })
}
