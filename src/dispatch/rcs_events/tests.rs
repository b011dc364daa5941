use std::sync::Mutex;

use araldo_rcs::webhook::Payload;
use serde_json::{Value, json};

use super::*;
use crate::accept::Intake;
use crate::clock::Clock;
use crate::config::{AddressConfig, ClientConfig, Config, RbmConfig, Secret};
use crate::consent::Gate;
use crate::domain::rich::Postback;
use crate::domain::{NewMessage, SenderId, Will};
use crate::fixture::{self, name};
use crate::inbound::Limits;
use crate::outbox::Policy;
use crate::router::Router;
use crate::simulator::rcs::ACCOUNT;
use crate::store::memory::MemoryStore;
use crate::store::{ConsentQuery, EventKind, InboundQuery, MessageQuery, NewRcsEvent};

const NOW: UnixMillis = UnixMillis(1_773_100_800_000);
const MESSAGE: &str = "a8ae7a65-9aa3-558c-aa00-e845dbe5f0cc";

/// What may come of a message that goes both ways, of the fact sheet.
const SCENARIOS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/protocols/rcs/tests/vectors/samples/fallback-scenarios.json"
));

/// Remembers what it was told, or takes nothing.
#[derive(Default)]
struct Heard {
    events: Mutex<Vec<Told>>,
    fails: Mutex<bool>,
}

impl MessageEvents for Heard {
    fn take<'a>(&'a self, events: &'a [MessageEvent]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if *self.fails.lock().unwrap() {
                return Err(StoreError::Full);
            }
            assert!(events.iter().all(|event| event.message.0.to_string() == MESSAGE));
            self.events
                .lock()
                .unwrap()
                .extend(events.iter().map(|event| event.told));
            Ok(())
        })
    }
}

struct World {
    worker: RcsEvents,
    heard: Arc<Heard>,
    came: u32,
}

impl World {
    async fn new() -> Self {
        Self::of([("bank", None)], Some("12345")).await
    }

    /// Clients with their default senders, and the number that stands for the agent.
    async fn of<const N: usize>(clients: [(&str, Option<&str>); N], agent_address: Option<&str>) -> Self {
        let mut config = Config::default();
        for (client, sender) in clients {
            let section = ClientConfig {
                default_sender: sender.map(|sender| SenderId::parse(sender).unwrap()),
                ..ClientConfig::default()
            };
            config.client.insert(name(client), section);
        }
        let address = AddressConfig {
            client: Some(name("bank")),
            ..AddressConfig::default()
        };
        config.address.insert("12345".to_owned(), address);
        let agent = RbmConfig {
            agent_id: "bank".into(),
            service_account: Secret::new(String::from_utf8_lossy(ACCOUNT)),
            ..RbmConfig::default()
        };
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let clock = Clock::manual(NOW);
        let policy = Policy {
            gate: Arc::new(Gate::new(&config)),
            ..fixture::policy()
        };
        let lease = store.take_lease().await.unwrap();
        let settings = fixture::settings();
        let started = crate::outbox::start(store.clone(), Arc::new(policy), &settings, clock.clone(), lease);
        let (outbox, _) = started.await.unwrap();
        let intake = Intake::new(
            &config,
            Arc::new(Router::new(&config.route, |id| config.channel_of(id))),
            clock.clone(),
        );
        let intake = Arc::new(intake.with_gate(outbox.gate().clone()));
        let limits = Arc::new(Limits::new(&config.command, 0, 100));
        let agent = Agent {
            carrier: Arc::new(RcsCarrier::new(&name("rbm"), &agent, clock).unwrap()),
            address: agent_address.map(Into::into),
        };
        let heard = Arc::new(Heard::default());
        let worker = RcsEvents {
            store,
            outbox,
            agents: [(name("rbm"), agent)].into(),
            consent: Arc::new(ConsentStep::new(&config, intake, limits)),
            confirmed: Confirmed::default(),
            listener: heard.clone(),
            came: Arc::default(),
        };
        Self { worker, heard, came: 0 }
    }

    /// An event comes and is made use of.
    async fn told(&mut self, payload: Value) {
        self.told_at(payload, NOW).await;
    }

    async fn told_at(&mut self, payload: Value, at: UnixMillis) {
        self.keep_at(payload, at).await;
        self.worker.drain(&CancellationToken::new()).await.unwrap();
    }

    async fn keep(&mut self, payload: Value) {
        self.keep_at(payload, NOW).await;
    }

    async fn keep_at(&mut self, mut payload: Value, at: UnixMillis) {
        if payload.get("agentId").is_none() {
            payload["agentId"] = json!("bank@rbm.goog");
        }
        self.came += 1;
        let mut key = [0; 32];
        key[..4].copy_from_slice(&self.came.to_be_bytes());
        let event = NewRcsEvent {
            carrier: name("rbm"),
            key,
            payload: payload.to_string().into(),
            at,
        };
        self.worker.outbox.keep_rcs_events(vec![event]).await.unwrap();
    }

    fn heard(&self) -> Vec<Told> {
        self.heard.events.lock().unwrap().clone()
    }

    async fn texts(&self) -> Vec<(String, String)> {
        let query = InboundQuery {
            limit: 100,
            ..InboundQuery::default()
        };
        let page = self.worker.store.inbound(&query).await.unwrap();
        let text = |record: crate::store::InboundRecord| (record.from.into(), record.text.unwrap_or_default().into());
        page.rows.into_iter().rev().map(text).collect()
    }

    /// The brands of which somebody wants no more.
    async fn opted_out(&self) -> Vec<String> {
        let query = ConsentQuery {
            limit: 100,
            ..ConsentQuery::default()
        };
        let rows = self.worker.store.consents(&query).await.unwrap().rows;
        let outs = rows.into_iter().filter(|row| row.will == Will::OptedOut);
        outs.map(|row| row.brand.to_string()).collect()
    }

    /// What was answered to it.
    async fn answers(&self) -> usize {
        let query = MessageQuery {
            limit: 100,
            ..MessageQuery::default()
        };
        self.worker.store.messages(&query).await.unwrap().rows.len()
    }

    async fn left(&self) -> usize {
        self.worker.store.new_rcs_events(0, 100).await.unwrap().len()
    }
}

fn of_message(kind: &str) -> Value {
    let who = if kind.starts_with("TTL") {
        "phoneNumber"
    } else {
        "senderPhoneNumber"
    };
    json!({ "eventType": kind, who: "+393331234567", "eventId": "e", "messageId": MESSAGE })
}

fn said(id: &str, content: Value) -> Value {
    let mut payload = json!({ "senderPhoneNumber": "+393331234567", "messageId": id });
    payload
        .as_object_mut()
        .unwrap()
        .extend(content.as_object().unwrap().clone());
    payload
}

#[tokio::test]
async fn what_became_of_messages_is_told_in_its_order() {
    let mut world = World::new().await;
    for kind in [
        "DELIVERED",
        "READ",
        "TTL_EXPIRATION_REVOKED",
        "TTL_EXPIRATION_REVOKE_FAILED",
        "IS_TYPING",
        "NEW_KIND",
    ] {
        world.told(of_message(kind)).await;
    }
    assert_eq!(
        world.heard(),
        [Told::Delivered, Told::Read, Told::Withdrawn, Told::Inconclusive]
    );
    assert_eq!(world.left().await, 0);
}

#[tokio::test]
async fn what_users_say_comes_to_the_number_that_stands_for_the_agent() {
    let mut world = World::new().await;
    let tap =
        |kind: &str| json!({ "suggestionResponse": { "postbackData": "x", "text": "Blocca carta", "type": kind } });
    world.told(said("1", json!({ "text": "Saldo" }))).await;
    world.told(said("2", tap("REPLY"))).await;
    world.told(said("3", tap("ACTION"))).await;
    world
        .told(said(
            "4",
            json!({ "location": { "latitude": 45.5, "longitude": 9.25 } }),
        ))
        .await;
    let texts = world.texts().await;
    let words: Vec<_> = texts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(words, ["Saldo", "Blocca carta", "geo:45.5,9.25"]);
    assert!(texts.iter().all(|(from, _)| from == "393331234567"));
}

#[tokio::test]
async fn an_event_of_which_not_all_was_made_comes_again_and_nothing_is_made_twice() {
    let mut world = World::new().await;
    *world.heard.fails.lock().unwrap() = true;
    world.keep(of_message("DELIVERED")).await;
    world.keep(said("1", json!({ "text": "Saldo" }))).await;
    let stop = CancellationToken::new();
    assert!(world.worker.drain(&stop).await.is_err());
    assert_eq!(world.left().await, 2);
    *world.heard.fails.lock().unwrap() = false;
    world.worker.drain(&stop).await.unwrap();
    assert_eq!((world.heard(), world.left().await), (vec![Told::Delivered], 0));
    assert_eq!(world.texts().await.len(), 1);
}

#[tokio::test]
async fn more_than_two_pages_are_marked_to_their_end() {
    let mut world = World::new().await;
    let all = PAGE * 2 + 1;
    for _ in 0..all {
        world.keep(of_message("DELIVERED")).await;
    }
    world.worker.drain(&CancellationToken::new()).await.unwrap();
    assert_eq!((world.heard().len(), world.left().await), (all as usize, 0));
}

#[tokio::test]
async fn unsubscribe_and_its_keyword_are_one_opt_out_with_one_confirmation_and_so_is_each_alone() {
    let scenarios: Vec<Value> = serde_json::from_str(SCENARIOS).unwrap();
    let is_double = |scenario: &&Value| scenario["name"] == "unsubscribe-double-signal";
    let double = scenarios.iter().find(is_double).unwrap();
    assert_eq!(double["expect"], json!({ "optOutRecords": 1, "acknowledgements": 1 }));
    let payload = |step: &Value| match step["userMessage"].as_str() {
        Some(word) => said("1", json!({ "text": word })),
        None => json!({ "eventType": step["webhook"], "senderPhoneNumber": "+393331234567", "eventId": "e" }),
    };
    let both: Vec<Value> = double["steps"].as_array().unwrap().iter().map(payload).collect();
    let turned = both.iter().rev().cloned().collect();
    for said in [turned, vec![both[0].clone()], vec![both[1].clone()], both] {
        let mut world = World::new().await;
        for payload in said {
            world.told(payload).await;
        }
        assert_eq!(world.opted_out().await, ["bank"]);
        assert_eq!(world.answers().await, 1);
    }
}

#[tokio::test]
async fn where_no_number_stands_for_the_agent_stop_is_of_every_brand_and_confirmed_if_one_can_be() {
    let by_menu = || json!({ "eventType": "UNSUBSCRIBE", "senderPhoneNumber": "+393331234567", "eventId": "e" });
    let in_words = || said("1", json!({ "text": "stop" }));
    for told in [vec![by_menu()], vec![in_words()], vec![by_menu(), in_words()]] {
        let mut alone = World::of([("bank", Some("Bank"))], None).await;
        let mut mute = World::of([("bank", None)], None).await;
        let mut several = World::of([("bank", Some("Bank")), ("shop", Some("Shop"))], None).await;
        for (world, brands, answers) in [
            (&mut alone, &["bank"][..], 1),
            (&mut mute, &["bank"], 0),
            (&mut several, &["bank", "shop"], 0),
        ] {
            for payload in &told {
                world.told(payload.clone()).await;
            }
            world.told(said("2", json!({ "text": "Saldo" }))).await;
            assert_eq!(world.opted_out().await, brands);
            assert_eq!(world.answers().await, answers);
            assert!(world.texts().await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_tap_that_comes_again_is_noted_once_and_another_one_again() {
    let mut world = World::new().await;
    world.worker.listener = Arc::new(Reports(world.worker.outbox.clone()));
    let suggestion = r#"{"text":"Era lei?","suggestions":[{"type":"reply","label":"No"}]}"#;
    let message = NewMessage {
        rich: Some(suggestion.into()),
        ..fixture::message(NOW)
    };
    let id = message.id;
    world.worker.outbox.enqueue(vec![Enqueue::new(message)]).await.unwrap();
    let postback = Postback { message: id, place: 0 }.to_string();
    let tap = |of: &str| {
        said(
            of,
            json!({ "suggestionResponse": { "postbackData": postback, "type": "REPLY" } }),
        )
    };
    // What was not marked before a crash comes again as it was.
    world.told(tap("1")).await;
    world.told(tap("1")).await;
    world.told_at(tap("2"), NOW.after(Duration::from_secs(1))).await;
    let record = world.worker.store.message(id, None).await.unwrap().unwrap();
    let noted: Vec<_> = record.events.iter().map(|event| (event.kind, event.at)).collect();
    assert_eq!(
        noted,
        [
            (EventKind::Tapped, NOW),
            (EventKind::Tapped, NOW.after(Duration::from_secs(1)))
        ]
    );
}

#[test]
fn what_is_read_was_delivered_before() {
    let said = |told| {
        let event = MessageEvent {
            carrier: name("rbm"),
            message: MESSAGE.parse().map(MessageId).unwrap(),
            to: Msisdn::parse("+393331234567").unwrap(),
            told,
            at: NOW,
        };
        reports(&event).map(|report| report.said).collect::<Vec<_>>()
    };
    assert_eq!(said(Told::Read), [RcsSaid::Delivered, RcsSaid::Read]);
    assert_eq!(said(Told::Delivered), [RcsSaid::Delivered]);
}

#[tokio::test]
async fn a_word_that_is_written_again_is_answered_again() {
    let mut world = World::new().await;
    for id in ["1", "2"] {
        world.told(said(id, json!({ "text": "STOP" }))).await;
    }
    world
        .told(json!({ "eventType": "SUBSCRIBE", "senderPhoneNumber": "+393331234567", "eventId": "f" }))
        .await;
    assert_eq!(world.answers().await, 3);
}

#[tokio::test]
async fn a_menu_whose_event_was_made_use_of_before_a_crash_is_confirmed_once() {
    let mut world = World::new().await;
    let event = json!({ "eventType": "UNSUBSCRIBE", "senderPhoneNumber": "+393331234567", "eventId": "e" });
    world.told(event.clone()).await;
    // It comes again as it would if it had not been marked, and nothing is remembered.
    world.worker.confirmed = Confirmed::default();
    world.told(event).await;
    assert_eq!(world.answers().await, 1);
}

#[tokio::test]
async fn what_is_of_another_agent_or_cannot_be_read_is_marked_and_holds_up_nothing() {
    let mut world = World::new().await;
    let mut other = of_message("DELIVERED");
    other["agentId"] = json!("other@rbm.goog");
    world.keep(other).await;
    world
        .keep(json!({ "eventType": "DELIVERED", "senderPhoneNumber": "+39333" }))
        .await;
    world.told(of_message("READ")).await;
    assert_eq!((world.heard(), world.left().await), (vec![Told::Read], 0));
    assert!(Payload::from_json(b"{}").is_ok(), "an unknown payload is no error");
}
