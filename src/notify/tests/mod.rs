//! Rules, templates and the publisher over a store in memory.

mod rules;
mod shipped;
mod templates;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Event, Notifier, Published, Publisher};
use crate::accept::{Client, Fault, Intake};
use crate::clock::Clock;
use crate::config::{Config, Origins};
use crate::domain::{MessageId, Name, UnixMillis};
use crate::fixture;
use crate::outbox::{self, Policy};
use crate::router::Router;
use crate::store::memory::MemoryStore;
use crate::store::{MessageRecord, Store};

/// 2026-11-21T10:00:00Z.
const NOW: UnixMillis = UnixMillis(1_795_255_200_000);

/// What every configuration of these tests has beside its rules.
const BASE: &str = r#"
[client.bank]
key = "bank-key-bank-key-bank-key-0001"
default_sender = "MyBank"
[client.shop]
key = "shop-key-shop-key-shop-key-0001"
default_sender = "Shop"
[carrier.tim]
host = "smsc.tim.example"
system_id = "araldo"
password = "hush"
[route.italy]
prefixes = ["39"]
steps = [{ carriers = ["tim"] }]
"#;

struct House {
    publisher: Publisher,
    store: Arc<dyn Store>,
    clock: Clock,
    bank: Client,
}

/// Templates by file name, in a folder of their own.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn config(rules: &str, templates: &Path) -> Config {
    let mut config = Config::parse(&format!("{BASE}{rules}")).unwrap();
    config.templates.dir = Some(templates.to_owned());
    config
}

fn notifier(rules: &str, files: &[(&str, &str)]) -> Result<Notifier, String> {
    let dir = folder(files);
    let config = config(rules, dir.path());
    Notifier::load(&config, &Origins::default()).map_err(|error| error.to_string())
}

impl House {
    async fn new(rules: &str, files: &[(&str, &str)]) -> Self {
        let dir = folder(files);
        Self::with(&config(rules, dir.path())).await
    }

    async fn with(config: &Config) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let lease = store.take_lease().await.unwrap();
        let clock = Clock::manual(NOW);
        let router = Arc::new(Router::new(&config.route, |id| config.channel_of(id)));
        let policy = Policy {
            steps: router.steps(),
            gate: Arc::new(crate::consent::Gate::new(config)),
            ..fixture::policy()
        };
        let settings = fixture::settings();
        let (outbox, _) = outbox::start(store.clone(), Arc::new(policy), &settings, clock.clone(), lease)
            .await
            .unwrap();
        let notifier = Notifier::load(config, &Origins::default()).unwrap_or_else(|error| panic!("{error}"));
        let intake = Arc::new(Intake::new(config, router, clock.clone()).with_gate(outbox.gate().clone()));
        let bank = Name::parse("bank").unwrap();
        Self {
            publisher: Publisher::new(notifier, intake, outbox, store.clone()),
            store,
            clock,
            bank: Client::new(&bank, &config.client[&bank], &config.address),
        }
    }

    async fn publish(&self, event: Json) -> Published {
        let events = vec![Event::from_json(event).unwrap()];
        self.publisher.publish(&self.bank, events).await.remove(0)
    }

    /// The messages that an event makes.
    async fn messages(&self, event: Json) -> Vec<MessageRecord> {
        let answer = match self.publish(event).await {
            Published::Stored(answer) => serde_json::from_str::<Json>(&answer).unwrap(),
            other => panic!("{other:?}"),
        };
        let mut messages = Vec::new();
        for made in answer["messages"].as_array().unwrap() {
            let id: MessageId = made["id"].as_str().unwrap().parse().unwrap();
            messages.push(self.store.message(id, None).await.unwrap().unwrap());
        }
        messages
    }

    async fn faults(&self, event: Json) -> Vec<Fault> {
        match self.publish(event).await {
            Published::Refused(faults) => faults,
            other => panic!("{other:?}"),
        }
    }
}

fn event(data: Json) -> Json {
    json!({ "specversion": "1.0", "id": "7", "source": "/cards", "type": "card.shipped", "data": data })
}
