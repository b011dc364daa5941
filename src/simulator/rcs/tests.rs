//! The platform over real sockets, spoken to by the requests of the protocol crate.

use std::time::Duration;

use araldo_rcs::message::{AgentMessage, Expiry, Suggestion, TrafficType};
use araldo_rcs::{AccessToken, Api, Msisdn, ServiceAccount};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::clock::Clock;

mod webhooks;

const LIMIT: Duration = Duration::from_secs(10);

/// Somebody who calls the platform, signed in.
struct Caller {
    simulator: RcsSimulator,
    api: Api,
    token: AccessToken,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Caller {
    async fn new(change: impl FnOnce(&mut RcsConfig)) -> Self {
        let mut config = RcsConfig::on_free_ports();
        change(&mut config);
        let agent = config.agent.clone();
        let simulator = RcsSimulator::start(config).await.unwrap();
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let account = ServiceAccount::from_json(simulator.account().as_bytes()).unwrap();
        let request = account.token_request(Clock::system().now().timestamp());
        let token = AccessToken::read(&exchange(&client, request).await).unwrap();
        Self {
            api: Api::new(&simulator.base(), agent).unwrap(),
            simulator,
            token,
            client,
        }
    }

    async fn call(&self, mut request: Request<Bytes>) -> (u16, Value) {
        self.token.authorize(&mut request);
        let answer = exchange(&self.client, request).await;
        let body = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        (answer.status().as_u16(), body)
    }

    async fn send(&self, id: u128, message: &AgentMessage) -> (u16, Value) {
        let now = Clock::system().now().timestamp();
        let request = self.api.send(&phone(), Uuid::from_u128(id), message, now).unwrap();
        self.call(request).await
    }
}

async fn exchange(client: &Client<HttpConnector, Full<Bytes>>, request: Request<Bytes>) -> Response<Bytes> {
    let answer = client.request(request.map(Full::new)).await.unwrap();
    let (head, body) = answer.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

fn phone() -> Msisdn {
    Msisdn::parse("+447700900123").unwrap()
}

fn text(text: &str) -> AgentMessage {
    AgentMessage::text(text, TrafficType::Transaction)
}

#[tokio::test]
async fn a_message_is_taken_once_and_is_on_the_phone() {
    let caller = Caller::new(|_| {}).await;
    let (status, body) = caller.send(1, &text("Ciao")).await;
    assert_eq!(status, 200, "{body}");
    assert!(
        body["name"]
            .as_str()
            .unwrap()
            .ends_with(&Uuid::from_u128(1).to_string())
    );
    assert_eq!(caller.send(1, &text("Ciao")).await.0, 200);
    assert!(caller.simulator.until(LIMIT, |stats| stats.delivered == 1).await);
    let stats = caller.simulator.stats();
    assert_eq!((stats.accepted, stats.duplicates), (1, 1));
    let shown = caller.simulator.messages(Some("+447700900123"), 10);
    assert_eq!((shown.len(), &shown[0].content), (1, &json!({ "text": "Ciao" })));
    assert_eq!(shown[0].state, PhoneState::Delivered);
}

#[tokio::test]
async fn who_is_not_signed_in_is_answered_401_and_another_agent_403() {
    let caller = Caller::new(|_| {}).await;
    caller.simulator.expire_tokens();
    assert_eq!(caller.send(1, &text("Ciao")).await.0, 401);
    let caller = Caller::new(|_| {}).await;
    let other = Api::new(&caller.simulator.base(), araldo_rcs::AgentId::parse("other").unwrap()).unwrap();
    let request = other.capabilities(&phone(), Uuid::from_u128(1));
    assert_eq!(caller.call(request).await.0, 403);
}

#[tokio::test]
async fn the_schema_and_the_rules_refuse_with_the_field_named() {
    let caller = Caller::new(|config| config.use_case = UseCase::MultiUse).await;
    let good = caller
        .api
        .send(&phone(), Uuid::from_u128(1), &text("Ciao"), jiff::Timestamp::UNIX_EPOCH)
        .unwrap();
    let with = |body: Value| {
        let mut request = good.clone().map(|_| Bytes::from(body.to_string()));
        request.headers_mut().remove(hyper::header::CONTENT_LENGTH);
        request
    };
    let field = |body: &Value| body["error"]["details"][0]["fieldViolations"][0]["field"].clone();
    let cases = [
        (
            json!({ "contentMessage": { "text": "a".repeat(3_073) }, "messageTrafficType": "TRANSACTION" }),
            "contentMessage.text",
        ),
        (json!({ "contentMessage": { "text": "Ciao" } }), "messageTrafficType"),
        (
            json!({ "contentMessage": { "text": "Ciao" }, "messageTrafficType": "AUTHENTICATION" }),
            "messageTrafficType",
        ),
        (
            json!({ "contentMessage": { "text": "Ciao" }, "messageTrafficType": "TRANSACTION", "ttl": "1296001s" }),
            "ttl",
        ),
        (
            json!({ "contentMessage": { "text": "😀".repeat(1_537) }, "messageTrafficType": "TRANSACTION" }),
            "contentMessage.text",
        ),
        (
            json!({ "contentMessage": { "richCard": { "standaloneCard": {
                "cardOrientation": "HORIZONTAL", "cardContent": { "media": picture("SHORT") },
            } } }, "messageTrafficType": "TRANSACTION" }),
            "contentMessage.richCard.standaloneCard.cardContent",
        ),
        (
            json!({ "contentMessage": { "richCard": { "carouselCard": { "cardWidth": "MEDIUM", "cardContents": [
                { "title": "a" }, { "title": "b", "media": picture("TALL") },
            ] } } }, "messageTrafficType": "TRANSACTION" }),
            "contentMessage.richCard.carouselCard.cardContents[1].media.height",
        ),
    ];
    for (body, expected) in cases {
        let (status, answer) = caller.call(with(body)).await;
        assert_eq!((status, field(&answer)), (400, json!(expected)), "{answer}");
    }
    assert_eq!(caller.simulator.stats().refused, 7);
    let hyphenless = Uuid::from_u128(1).simple().to_string();
    for no_uuid in ["7", hyphenless.as_str()] {
        let uri = good.uri().to_string().replace(&Uuid::from_u128(1).to_string(), no_uuid);
        let mut request = good.clone();
        *request.uri_mut() = uri.parse().unwrap();
        let (status, answer) = caller.call(request).await;
        assert_eq!((status, field(&answer)), (400, json!("messageId")));
    }
    let twice = with(json!({ "agentId": "simulator", "users": ["+447700900123", "+447700900123"] }));
    let mut request = caller.api.batch_get(&[phone()]).unwrap();
    *request.body_mut() = twice.into_body();
    request.headers_mut().remove(hyper::header::CONTENT_LENGTH);
    let (status, answer) = caller.call(request).await;
    assert_eq!((status, field(&answer)), (400, json!("users[1]")));
}

fn picture(height: &str) -> Value {
    json!({ "height": height, "contentInfo": { "fileUrl": "https://media.example.com/a.jpg" } })
}

#[tokio::test]
async fn handsets_decide_what_can_be_reached_and_shown() {
    let caller = Caller::new(|config| {
        config.handsets.insert("+4477009001".into(), Handset::without_rcs());
        config.handsets.insert("+4477009002".into(), Handset::plain());
    })
    .await;
    assert_eq!(caller.send(1, &text("Ciao")).await.0, 404);
    let plain = Msisdn::parse("+447700900200").unwrap();
    let (status, body) = caller.call(caller.api.capabilities(&plain, Uuid::from_u128(2))).await;
    assert_eq!((status, body), (200, json!({ "features": [] })));
    let mut message = text("Chiamaci");
    let dial = araldo_rcs::message::ActionKind::dial("+442079460000");
    message.content_message.suggestions = vec![Suggestion::action("Chiama", "call", dial)];
    let now = jiff::Timestamp::UNIX_EPOCH;
    let request = caller.api.send(&plain, Uuid::from_u128(3), &message, now).unwrap();
    assert_eq!(caller.call(request).await.0, 400);
    let request = caller.api.batch_get(&[phone(), plain]).unwrap();
    let (status, body) = caller.call(request).await;
    assert_eq!((status, &body["reachableUsers"]), (200, &json!(["+447700900200"])));
}

#[tokio::test]
async fn a_message_is_withdrawn_before_it_arrives_and_not_after() {
    let caller = Caller::new(|config| config.handset = Handset::offline()).await;
    caller.send(1, &text("Ciao")).await;
    let revoke = || caller.api.revoke(&phone(), Uuid::from_u128(1));
    assert_eq!(caller.call(revoke()).await, (200, json!({})));
    assert_eq!(caller.call(revoke()).await.0, 404);
    assert!(caller.simulator.until(LIMIT, |stats| stats.withdrawn == 1).await);
    caller.send(2, &text("Ciao")).await;
    caller.simulator.set_handset("+447700900123", Handset::default());
    assert!(caller.simulator.until(LIMIT, |stats| stats.delivered == 1).await);
    let late = caller.api.revoke(&phone(), Uuid::from_u128(2));
    assert_eq!(caller.call(late).await.0, 404);
}

#[tokio::test]
async fn a_tap_is_on_the_newest_suggestion_of_a_label_or_on_the_one_that_brings_this_back() {
    let caller = Caller::new(|_| {}).await;
    for n in 1..=2 {
        let mut message = text("Era lei?");
        message.content_message.suggestions = vec![Suggestion::reply("Sì", format!("yes-{n}"))];
        caller.send(n, &message).await;
    }
    let mut events = caller.simulator.subscribe();
    let mut tapped = |act| {
        let from = "+447700900123".to_owned();
        caller.simulator.user(&UserAct { from, act })?;
        loop {
            if let RcsEvent::User { payload, .. } = &*events.try_recv().unwrap() {
                return Ok(payload["suggestionResponse"]["postbackData"].clone());
            }
        }
    };
    assert_eq!(tapped(Act::Tap("Sì".into())), Ok(json!("yes-2")));
    assert_eq!(tapped(Act::Postback("yes-1".into())), Ok(json!("yes-1")));
    assert_eq!(tapped(Act::Postback("yes-3".into())), Err(UserError::NoSuggestion));
}

#[tokio::test]
async fn a_message_whose_time_is_up_is_withdrawn() {
    let caller = Caller::new(|config| config.delivery.lost = 1.0).await;
    let mut message = text("Ciao");
    message.expiry = Some(Expiry::Ttl(Duration::from_millis(20)));
    caller.send(1, &message).await;
    assert!(caller.simulator.until(LIMIT, |stats| stats.withdrawn == 1).await);
    assert_eq!(caller.simulator.messages(None, 1)[0].state, PhoneState::Withdrawn);
}

#[tokio::test]
async fn faults_befall_the_calls_that_they_mean() {
    let caller = Caller::new(|config| {
        config.faults = vec![
            FaultRule::nth(
                Fault::Status {
                    code: 503,
                    retry_after: Some(2),
                },
                1,
            ),
            FaultRule::always(Fault::Garbage).on(Call::Capabilities),
        ];
    })
    .await;
    assert_eq!(caller.send(1, &text("Ciao")).await.0, 503);
    assert_eq!(caller.simulator.stats().accepted, 0);
    assert_eq!(caller.send(1, &text("Ciao")).await.0, 200);
    let request = caller.api.capabilities(&phone(), Uuid::from_u128(2));
    assert_eq!(caller.call(request).await, (200, Value::Null));
}

#[tokio::test]
async fn the_ledger_has_every_call_and_no_secret() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_owned();
    let caller = Caller::new(|config| config.ledger = Some(path.clone())).await;
    caller.send(1, &text("Ciao")).await;
    let ledger = std::fs::read_to_string(&path).unwrap();
    let calls: Vec<Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = calls
        .iter()
        .map(|line| (line["call"].as_str().unwrap(), line["dir"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [("token", "in"), ("token", "out"), ("send", "in"), ("send", "out")]
    );
    assert!(!ledger.contains("assertion=") && !ledger.contains("sim."), "{ledger}");
}
