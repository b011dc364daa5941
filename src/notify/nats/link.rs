//! The way to the stream: the connection, and the consumer that is made where it is not there.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::{self, MessagesError};
use async_nats::jetstream::consumer::{AckPolicy, StreamError};
use async_nats::jetstream::context::GetStreamError;
use async_nats::jetstream::stream::ConsumerError;
use async_nats::{Client, ConnectError, ConnectOptions, jetstream};

use crate::config::NatsConfig;

/// How long the server waits for an acknowledgement before it delivers again: several commits.
const ACK_WAIT: Duration = Duration::from_secs(60);

/// Why the stream is not followed for now. Each is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("nats.credentials_file: {} cannot be read: {error}; let Araldo's user read it", file.display())]
    Credentials { file: PathBuf, error: io::Error },
    #[error("nats.url: {0}; is the server up, and does it know these credentials?")]
    Unreachable(ConnectError),
    #[error("nats.stream: {stream}: {error}; create the stream, or name one that is there")]
    NoStream { stream: String, error: GetStreamError },
    #[error("nats.durable: {durable}: {error}; a consumer of that name must pull, and acknowledge each message")]
    NoConsumer { durable: String, error: ConsumerError },
    #[error("the consumer cannot be read: {0}")]
    Unreadable(StreamError),
    #[error("the consumer has ended: was it deleted?")]
    Ended,
    #[error("the consumer has broken off: {0}")]
    Broken(MessagesError),
    #[error("a message could not be acknowledged, and will come again: {0}")]
    Unacknowledged(async_nats::Error),
}

/// Connects, and opens the durable consumer.
pub(super) async fn connect(config: &NatsConfig) -> Result<(Client, pull::Stream), LinkError> {
    let mut options = ConnectOptions::new()
        .name("araldo")
        .require_tls(config.url.starts_with("tls://"))
        .event_callback(|event| async move { tracing::info!(event = "nats", "{event}") });
    if let Some(file) = &config.credentials_file {
        let read = options.credentials_file(file).await;
        options = read.map_err(|error| LinkError::Credentials {
            file: file.clone(),
            error,
        })?;
    }
    if let Some(file) = &config.tls_ca_file {
        options = options.add_root_certificates(file.clone());
    }
    if let (Some(cert), Some(key)) = (&config.tls_cert_file, &config.tls_key_file) {
        options = options.add_client_certificate(cert.clone(), key.clone());
    }
    let client = options.connect(&config.url).await.map_err(LinkError::Unreachable)?;
    let messages = consume(config, &client).await?;
    Ok((client, messages))
}

async fn consume(config: &NatsConfig, client: &Client) -> Result<pull::Stream, LinkError> {
    let stream = jetstream::new(client.clone()).get_stream(&config.stream).await;
    let stream = stream.map_err(|error| LinkError::NoStream {
        stream: config.stream.clone(),
        error,
    })?;
    let wanted = pull::Config {
        durable_name: Some(config.durable.clone()),
        filter_subject: config.subject.clone(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        ..pull::Config::default()
    };
    let consumer = stream.get_or_create_consumer(&config.durable, wanted).await;
    let consumer = consumer.map_err(|error| LinkError::NoConsumer {
        durable: config.durable.clone(),
        error,
    })?;
    let messages = consumer.stream().max_messages_per_batch(config.batch as usize);
    messages.messages().await.map_err(LinkError::Unreadable)
}
