//! Events from a real `nats-server` with JetStream: each event one message, whatever is delivered again and whoever is
//! killed. Needs the feature `nats`; where the server is missing it is skipped, but not in CI.
#![cfg(feature = "nats")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the journeys through the daemon use the rest")]
mod support;
#[path = "../support/transfer.rs"]
mod transfer;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::{self, Context, stream};
use rand::RngExt;
use serde_json::json;

use support::carrier::Carrier;
use support::daemon::House;
use support::seed::{rng, seed};
use support::{free_addr, nothing_may_be_skipped, until};
use transfer::furnish;

const EVENTS: u32 = 2_000;
const KILLS: u32 = 5;
const LIMIT: Duration = Duration::from_secs(60);

/// A server of its own. Dropped, it is killed.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(house: &House) -> Option<Self> {
        let addr = free_addr();
        let child = Command::new("nats-server")
            .args([
                "--jetstream",
                "--addr",
                "127.0.0.1",
                "--port",
                &addr.port().to_string(),
                "--store_dir",
            ])
            .arg(house.path().join("nats"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Self {
            child,
            url: format!("nats://{addr}"),
        })
    }

    async fn jetstream(&self) -> Context {
        let client = until(LIMIT, "nats-server listens", async || {
            async_nats::connect(&self.url).await.ok()
        })
        .await;
        jetstream::new(client)
    }
}

/// A house with a stream, its rule and a carrier; `None` where there is no server to be had.
async fn furnished() -> Option<(House, Carrier, Server, Context)> {
    let house = House::new("");
    let Some(server) = Server::start(&house) else {
        assert!(
            !nothing_may_be_skipped(),
            "nats-server is missing: apt-get install nats-server"
        );
        eprintln!("skipped: nats-server is missing");
        return None;
    };
    let carrier = Carrier::start(house.path(), "north", &[]);
    let section = format!(
        "[nats]\nurl = \"{}\"\nstream = \"EVENTS\"\nclient = \"core\"\nsubject = \"events.>\"\nbatch = 50\n",
        server.url
    );
    furnish(&house, &carrier, &section);
    let jetstream = server.jetstream().await;
    let config = stream::Config {
        name: "EVENTS".to_owned(),
        subjects: vec!["events.>".to_owned()],
        ..stream::Config::default()
    };
    // JetStream is up a moment after the port.
    until(LIMIT, "the stream is there", async || {
        jetstream.create_stream(config.clone()).await.ok()
    })
    .await;
    Some((house, carrier, server, jetstream))
}

/// The consumer as the daemon makes it, but for the patience of the server.
async fn consumer(jetstream: &Context) -> PullConsumer {
    let config = pull::Config {
        durable_name: Some("araldo".to_owned()),
        filter_subject: "events.>".to_owned(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(2),
        ..pull::Config::default()
    };
    let stream = jetstream.get_stream("EVENTS").await.unwrap();
    stream.get_or_create_consumer("araldo", config).await.unwrap()
}

/// Publishes a transfer: every third in binary form.
async fn publish(jetstream: &Context, token: u32) {
    let data = json!({ "msisdn": format!("+39333{token:07}"), "token": token });
    let kind = "com.bank.transfer.v1";
    let stored = if token.is_multiple_of(3) {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("ce-specversion", "1.0"),
            ("ce-type", kind),
            ("ce-source", "/transfers"),
        ] {
            headers.insert(name, value);
        }
        headers.insert("ce-id", token.to_string());
        headers.insert("content-type", "application/json");
        jetstream
            .publish_with_headers("events.transfer", headers, data.to_string().into())
            .await
    } else {
        let id = token.to_string();
        let event = json!({ "specversion": "1.0", "type": kind, "source": "/transfers", "id": id, "data": data });
        jetstream.publish("events.transfer", event.to_string().into()).await
    };
    stored.unwrap().await.unwrap();
}

/// Waits until nothing is undelivered or unacknowledged.
async fn all_acknowledged(consumer: &mut PullConsumer) {
    let consumer = tokio::sync::Mutex::new(consumer);
    until(LIMIT, "everything is acknowledged", async || {
        let mut consumer = consumer.lock().await;
        let info = consumer.info().await.ok()?;
        (info.num_pending == 0 && info.num_ack_pending == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_one_message_though_it_comes_twice_and_the_daemon_is_killed() {
    let Some((house, _carrier, _server, jetstream)) = furnished().await else {
        return;
    };
    let seed = seed("nats");
    let mut consumer = consumer(&jetstream).await;
    let mut daemon = house.start().await;
    let mut chance = rng(seed, 1);
    let kill_at: Vec<u32> = (0..KILLS).map(|kill| (kill * 2 + 1) * EVENTS / (KILLS * 2)).collect();
    let mut sent = 0;
    for token in 1..=EVENTS {
        publish(&jetstream, token).await;
        sent += 1;
        if chance.random_bool(0.2) {
            publish(&jetstream, chance.random_range(1..=token)).await;
            sent += 1;
        }
        if kill_at.contains(&token) {
            daemon.kill();
            daemon = house.start().await;
        }
    }
    all_acknowledged(&mut consumer).await;
    let mut messages: BTreeMap<u32, u32> = BTreeMap::new();
    for row in house.database().rows().await {
        *messages.entry(row.token.unwrap()).or_default() += 1;
    }
    eprintln!(
        "nats: {sent} sent, {EVENTS} events, {KILLS} kills, {} messages",
        messages.values().sum::<u32>()
    );
    let wrong: Vec<_> = (1..=EVENTS).filter(|token| messages.get(token) != Some(&1)).collect();
    assert!(
        wrong.is_empty() && messages.len() == EVENTS as usize,
        "not one message each: {wrong:?}"
    );
    assert_eq!(house.alarms(), [""; 0]);
    house.settled(LIMIT).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_event_is_kept_with_its_reason_and_never_comes_again() {
    let Some((house, _carrier, _server, jetstream)) = furnished().await else {
        return;
    };
    let mut consumer = consumer(&jetstream).await;
    let daemon = house.start().await;
    let nobody = json!({
        "specversion": "1.0", "type": "com.bank.transfer.v1", "source": "/transfers", "id": "7", "data": {}
    });
    for payload in ["{".to_owned(), "[]".to_owned(), nobody.to_string()] {
        jetstream
            .publish("events.transfer", payload.into())
            .await
            .unwrap()
            .await
            .unwrap();
    }
    publish(&jetstream, 1).await;
    all_acknowledged(&mut consumer).await;
    let database = house.database();
    let kept = "SELECT count(*) FROM event_inbox WHERE state = 'refused' AND client = 'core' AND error <> ''";
    assert_eq!(database.number(kept).await, 3);
    let named = "SELECT count(*) FROM event_inbox WHERE source = '/transfers' AND event_id = '7' AND data = '{}'";
    assert_eq!(database.number(named).await, 1);
    assert_eq!(database.number("SELECT count(*) FROM message").await, 1);
    assert!(!house.events("event_refused").is_empty());
    assert_eq!(daemon.stop().await.code(), Some(0));
}
