//! Webhooks as they leave, against a receiver that behaves well and badly, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/sink.rs"]
mod sink;

mod address;
mod answer;
mod peer;
mod sink_itself;

use std::time::Duration;

use araldo::backend::{AddressGuard, Answer, Keys, Post, Webhooks};
use araldo::domain::UnixMillis;
use bytes::Bytes;

use sink::Sink;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const OLD_SECRET: &str = "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=";
const BODY: &str = r#"{"type":"message.delivered","timestamp":"2026-01-01T00:00:00Z","data":{"text":"però €, 🎉"}}"#;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sender that may reach this machine, and trusts the sink's authority.
fn sender(sink: &Sink) -> Webhooks {
    Webhooks::new(loopback(), Some(sink.ca_file())).unwrap()
}

fn loopback() -> AddressGuard {
    AddressGuard::new(&["127.0.0.0/8".parse().unwrap()])
}

/// Posts the usual body under a URL.
async fn post(webhooks: &Webhooks, url: &str) -> Answer {
    post_within(webhooks, url, PATIENCE).await
}

async fn post_within(webhooks: &Webhooks, url: &str, timeout: Duration) -> Answer {
    let keys = Keys::new([SECRET]).unwrap();
    webhooks
        .post(Post {
            url,
            id: "evt_1",
            at: UnixMillis(1_767_225_600_999),
            keys: &keys,
            body: Bytes::from_static(BODY.as_bytes()),
            timeout,
        })
        .await
}
