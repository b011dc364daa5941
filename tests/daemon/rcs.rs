//! RCS where the handset can, SMS where it cannot, never both by accident: over the real binary, a platform of RCS and a
//! carrier of SMS.

mod handsets;
mod users;

use std::fs;
use std::time::Duration;

use araldo::clock::monotonic;
use araldo::domain::Class;
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::support::bank::Bank;
use crate::support::carrier::Carrier;
use crate::support::daemon::{Daemon, House};
use crate::support::http::Http;
use crate::support::ledger::Ledger;
use crate::support::platform::Platform;
use crate::support::{together, until};

const LIMIT: Duration = Duration::from_secs(30);
const CODE: &str = "48400";
const PHONE: &str = "+393331234567";

struct Scene {
    house: House,
    platform: Platform,
    carrier: Carrier,
    bank: Bank,
    client: Mutex<Http>,
}

impl Scene {
    /// Messages go by RCS first, by SMS after `wait`; `more` are flags of the platform.
    async fn new(wait: &str, more: &[&str]) -> (Self, Daemon) {
        let house = House::new("");
        let platform = Platform::start(&house, more);
        let carrier = Carrier::start(house.path(), "c", &[]);
        let bank = Bank::open().await;
        let conf = house.path().join("conf.d");
        fs::create_dir(&conf).unwrap();
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/commands.toml");
        fs::copy(shipped, conf.join("10-commands.toml")).unwrap();
        let commands = format!(
            "[command.balance.action]\nurl = \"{}\"\n[command.block_card]\nconfirmation = \"code\"\n\
             [command.block_card.action]\nurl = \"{}\"\n",
            bank.url("/do/balance"),
            bank.url("/do/block_card"),
        );
        fs::write(conf.join("20-bank.toml"), commands).unwrap();
        house.configure(&format!(
            "[outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\n[webhook]\nallow_networks = [\"127.0.0.0/8\"]\n\
             [address.\"{CODE}\"]\nclient = \"bank\"\nlocale = \"it\"\n{}{}\
             [route.all]\nsteps = [{{ carriers = [\"rbm\"], wait = \"{wait}\" }}, {{ carriers = [\"c\"] }}]\n",
            platform.section(CODE, "throughput = 200"),
            carrier.section("")
        ));
        let daemon = house.start().await;
        carrier.until(LIMIT, "bound", 1).await;
        let scene = Self {
            client: Mutex::new(house.client()),
            house,
            platform,
            carrier,
            bank,
        };
        until(LIMIT, "the agent has signed in", async || {
            (scene.agent()["state"] == "up").then_some(())
        })
        .await;
        (scene, daemon)
    }

    /// The agent as operators see it.
    fn agent(&self) -> Value {
        let shown = self.house.araldo(&["carriers", "list"]);
        let mut carriers = shown["data"].as_array().unwrap().iter();
        carriers.find(|carrier| carrier["id"] == "rbm").unwrap().clone()
    }

    /// Sends a text; its id and first state.
    async fn send(&self, to: &str, class: &str, more: Value) -> (String, String) {
        let mut wish = json!({ "to": to, "from": CODE, "class": class });
        let members = more.as_object().unwrap().clone();
        wish.as_object_mut().unwrap().extend(members);
        if wish.get("rich").is_none() {
            wish["text"] = json!("Ciao");
        }
        let headers = [("content-type", "application/json".to_owned())];
        let mut client = self.client.lock().await;
        let body = wish.to_string().into_bytes();
        let answer = client
            .request(Method::POST, "/v1/messages", &headers, body)
            .await
            .unwrap();
        assert_eq!(answer.status.as_u16(), 202, "{answer:?}");
        let answer = answer.json();
        let word = |name: &str| answer[name].as_str().unwrap().to_owned();
        (word("id"), word("state"))
    }

    async fn message(&self, id: &str) -> Value {
        let path = format!("/v1/messages/{id}");
        self.client.lock().await.get(&path).await.unwrap().json()
    }

    /// Waits until a message is as wanted.
    async fn becomes(&self, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(LIMIT, what, async || {
            let message = self.message(id).await;
            wanted(&message).then_some(message)
        })
        .await
    }

    async fn ends(&self, id: &str, state: &str) -> Value {
        self.becomes(id, &format!("the message is {state}"), |message| {
            message["state"] == state
        })
        .await
    }

    /// What the phone has by SMS.
    fn sms(&self, number: &str) -> Vec<String> {
        let texts = Ledger::texts(self.carrier.ledger_file());
        let own = texts.into_iter().filter(|(to, _)| to == number.trim_start_matches('+'));
        own.map(|(_, text)| text).collect()
    }

    /// Waits for the n-th message that the phone has by RCS, from 1.
    async fn shown(&self, number: &str, n: usize) -> Value {
        let what = format!("message {n} on the phone");
        until(LIMIT, &what, async || {
            self.platform.phone(number).await.get(n - 1).cloned()
        })
        .await
    }

    /// The platform tells of a message that its phone is the only one to have.
    async fn tell(&self, number: &str, event: &str) {
        let shown = self.shown(number, 1).await;
        let payload = json!({
            "agentId": "simulator@rbm.goog", "phoneNumber": number, "messageId": shown["id"],
            "eventType": event, "eventId": format!("{event} of {number}"),
        });
        let (headers, body) = Platform::post_of(&payload);
        let mut client = self.client.lock().await;
        let answer = client.request(Method::POST, "/rcs/rbm", &headers, body).await.unwrap();
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    }

    async fn end(&self, daemon: Daemon) {
        assert!(daemon.stop().await.success());
        assert!(self.house.alarms().is_empty());
        assert_eq!(self.house.database().integrity().await, "ok");
    }
}

fn has(message: &Value, note: &str) -> bool {
    message["notes"].as_array().unwrap().iter().any(|found| found == note)
}

fn happened(message: &Value) -> Vec<&str> {
    let timeline = message["timeline"].as_array().unwrap().iter();
    timeline.map(|entry| entry["event"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_rcs_has_the_sms_at_once() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &["--without-rcs", PHONE]).await;
    let begun = monotonic();
    let (id, _) = scene.send(PHONE, "service", json!({})).await;
    let sent = until(LIMIT, "the SMS leaves", async || scene.sms(PHONE).pop()).await;
    let took = monotonic().duration_since(begun);
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(sent, "Ciao");
    let message = scene.ends(&id, "delivered").await;
    assert_eq!((&message["carrier"], &message["step"]), (&json!("c"), &json!(1)));
    assert!(!has(&message, "possible_duplicate"), "{message}");
    // Where SMS is no way, that is the end.
    let (id, _) = scene.send(PHONE, "service", json!({ "channels": ["rcs"] })).await;
    assert_eq!(scene.ends(&id, "failed").await["reason"], "not_reachable");
    assert_eq!(scene.sms(PHONE).len(), 1);
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_delivered_in_time_is_taken_back_and_goes_by_sms() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("2s", &["--offline", PHONE]).await;
    let (id, _) = scene.send(PHONE, "service", json!({})).await;
    let message = scene.ends(&id, "delivered").await;
    assert_eq!(message["carrier"], "c");
    assert!(happened(&message).contains(&"revoking"), "{message}");
    assert!(!has(&message, "possible_duplicate"), "{message}");
    assert_eq!(scene.platform.count("withdrawn").await, 1);
    // The handset is back, and nothing comes: it was taken back.
    scene.platform.set_handset(PHONE, json!({})).await;
    assert_eq!(scene.platform.phone(PHONE).await[0]["state"], "withdrawn");
    assert_eq!(scene.sms(PHONE).len(), 1);
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_withdraws_by_itself_goes_by_sms_within_a_second() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &["--offline", PHONE]).await;
    let (id, _) = scene.send(PHONE, "marketing", json!({})).await;
    scene.ends(&id, "submitted").await;
    let begun = monotonic();
    scene.tell(PHONE, "TTL_EXPIRATION_REVOKED").await;
    until(LIMIT, "the SMS leaves", async || scene.sms(PHONE).pop()).await;
    let took = monotonic().duration_since(begun);
    assert!(took < Duration::from_secs(1), "{took:?}");
    let message = scene.ends(&id, "delivered").await;
    assert_eq!(message["carrier"], "c");
    assert!(!has(&message, "possible_duplicate"), "{message}");
    // It is on the handset all the same, and told twice over.
    scene.platform.set_handset(PHONE, json!({})).await;
    let twice = |message: &Value| has(message, "delivered_twice");
    scene.becomes(&id, "the second copy is noted", twice).await;
    assert_eq!(scene.sms(PHONE).len(), 1);
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_may_have_withdrawn_is_decided_by_its_class() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &["--offline", "+39"]).await;
    let mut sent = Vec::new();
    for (n, class) in Class::ALL.into_iter().enumerate() {
        let number = format!("+39333123450{n}");
        let (id, _) = scene.send(&number, class.as_str(), json!({})).await;
        scene.ends(&id, "submitted").await;
        scene.tell(&number, "TTL_EXPIRATION_REVOKE_FAILED").await;
        sent.push((number, class, id));
    }
    for (number, class, id) in sent {
        if ![Class::Service, Class::Marketing].contains(&class) {
            let message = scene.ends(&id, "delivered").await;
            assert!(has(&message, "possible_duplicate"), "{class}: {message}");
            assert_eq!(scene.sms(&number).len(), 1, "{class}");
        } else {
            scene.ends(&id, "unconfirmed").await;
            assert!(scene.sms(&number).is_empty(), "{class}");
        }
    }
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_delivered_while_it_is_taken_back_is_sent_by_sms_once_at_most_and_noted() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("1s", &["--offline", "+39", "--revoke-race", "1"]).await;
    let numbers: Vec<String> = (0..20).map(|n| format!("+3933312340{n:02}")).collect();
    let mut sent = Vec::new();
    for number in &numbers {
        sent.push((number, scene.send(number, "transaction", json!({})).await.0));
    }
    for (number, id) in sent {
        let noted = |message: &Value| has(message, "delivered_by_rcs");
        let message = scene.becomes(&id, "the platform's word is noted", noted).await;
        assert_eq!(message["state"], "delivered");
        let texts = scene.sms(number).len();
        assert!(texts <= 1, "{number}: {texts}");
        assert_eq!(has(&message, "delivered_twice"), texts == 1, "{message}");
    }
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_knows_the_class_decides_between_a_second_copy_and_none() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("1s", &["--offline", "+39"]).await;
    let revoke_fails = json!([{ "fault": { "status": { "code": 503 } }, "when": { "call": "revoke" } }]);
    scene.platform.set_faults(revoke_fails).await;
    let mut sent = Vec::new();
    for (n, class) in ["otp", "alert", "reply", "transaction", "service", "marketing"]
        .into_iter()
        .enumerate()
    {
        let number = format!("+39333123450{n}");
        let (id, _) = scene.send(&number, class, json!({})).await;
        sent.push((number, class, id));
    }
    for (number, class, id) in sent {
        if ["service", "marketing"].contains(&class) {
            scene.ends(&id, "unconfirmed").await;
            assert!(scene.sms(&number).is_empty(), "{class}");
        } else {
            let message = scene.ends(&id, "delivered").await;
            assert!(has(&message, "possible_duplicate"), "{class}: {message}");
            assert_eq!(scene.sms(&number).len(), 1, "{class}");
        }
    }
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_in_mid_traffic_costs_nothing() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &[]).await;
    let mut ids = Vec::new();
    for n in 0..90 {
        if n % 30 == 15 {
            scene.platform.expire_tokens().await;
        }
        ids.push(scene.send(&format!("+39333123{n:04}"), "service", json!({})).await.0);
    }
    for id in &ids {
        assert_eq!(scene.ends(id, "delivered").await["carrier"], "rbm");
    }
    let counts = ["accepted", "delivered", "duplicates"];
    let mut seen = Vec::new();
    for count in counts {
        seen.push(scene.platform.count(count).await);
    }
    assert_eq!(seen, [90, 90, 0]);
    assert!(scene.platform.count("tokens").await >= 4);
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_busy_for_a_while_has_every_message_in_the_end_and_no_sms_leaves() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("1m", &[]).await;
    let busy = json!([
        { "fault": { "status": { "code": 429, "retry_after": 1 } }, "when": { "times": 3 } },
        { "fault": { "status": { "code": 503 } }, "when": {} },
    ]);
    scene.platform.set_faults(busy).await;
    let mut ids = Vec::new();
    for n in 0..60 {
        ids.push(scene.send(&format!("+39333123{n:04}"), "service", json!({})).await.0);
    }
    until(LIMIT, "some are refused by 503", async || {
        (scene.platform.asked("send").await >= 10).then_some(())
    })
    .await;
    scene.platform.set_faults(json!([])).await;
    for id in &ids {
        let message = scene.ends(id, "delivered").await;
        assert_eq!((&message["carrier"], &message["copies"]), (&json!("rbm"), &json!(0)));
    }
    assert_eq!(scene.platform.count("accepted").await, 60);
    assert!(Ledger::texts(scene.carrier.ledger_file()).is_empty());
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_takes_nothing_has_the_sms_leave_when_the_step_is_over() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("3s", &[]).await;
    let down = json!([{ "fault": { "status": { "code": 503 } }, "when": {} }]);
    scene.platform.set_faults(down).await;
    let (id, _) = scene.send(PHONE, "otp", json!({})).await;
    let message = scene.ends(&id, "delivered").await;
    assert_eq!(message["carrier"], "c");
    assert!(!has(&message, "possible_duplicate"), "nothing was taken: {message}");
    assert_eq!(scene.sms(PHONE).len(), 1);
    scene.end(daemon).await;
}
