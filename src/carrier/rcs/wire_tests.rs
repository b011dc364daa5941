//! What goes over the wire to whom, and with which token.

use std::sync::Arc;
use std::time::Duration;

use araldo_rcs::message::{AgentMessage, TrafficType};
use futures_util::future::join_all;
use tokio::time;
use uuid::Uuid;

use super::tests::{World, phone};
use super::*;
use crate::carrier::{ByRcs, Carrier, LinkMode, LinkReport, Message, SubmitResult};
use crate::config::{RbmRegion, Secret};
use crate::domain::{Class, Encoding, MessageId, SenderId, Shape};
use crate::fixture::{bind, name};
use crate::simulator::rcs::{ACCOUNT, Call as Called, Fault, FaultRule};

const MINUTE: Duration = Duration::from_mins(1);

/// A text of a class that is submitted by RCS.
fn message(class: Class, until: UnixMillis) -> Message {
    Message {
        key: 1,
        to: phone().as_str().trim_start_matches('+').into(),
        from: SenderId::parse("12345").unwrap(),
        text: "Ciao".into(),
        encoding: Encoding::Gsm7,
        shape: Shape::default(),
        expires_at: until,
        receipt: true,
        reference: 1,
        concat_reference: 1,
        skip: Vec::new(),
        rcs: Some(ByRcs {
            id: MessageId(Uuid::from_u128(1 + class as u128)),
            class,
            acknowledges: false,
            rich: None,
            ttl: MINUTE,
            until,
        }),
    }
}

#[tokio::test]
async fn every_class_says_on_the_wire_what_its_messages_are_for() {
    let ledger = tempfile::NamedTempFile::new().unwrap();
    let path = ledger.path().to_owned();
    let world = World::with(|config| config.ledger = Some(path.clone())).await;
    let until = Clock::system().now().after(MINUTE);
    let mut link = RcsLink::new(Arc::new(world.carrier))
        .open(bind(), LinkMode::Both)
        .await
        .unwrap();
    for class in Class::ALL {
        link.submits.send(vec![message(class, until)]).unwrap();
        let Some(LinkReport::Submits(reports)) = link.reports.recv().await else {
            panic!("{class}: the link is up")
        };
        assert!(matches!(reports[0].result, SubmitResult::Accepted { .. }), "{class}");
    }
    let lines = std::fs::read_to_string(&path).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let sent = lines.filter(|line| line["call"] == "send" && line["dir"] == "in");
    let said: Vec<_> = sent
        .map(|line| line["body"]["messageTrafficType"].as_str().unwrap().to_owned())
        .collect();
    let told: Vec<_> = Class::ALL
        .iter()
        .map(|class| class.as_str())
        .zip(said.iter().map(String::as_str))
        .collect();
    assert_eq!(
        told,
        [
            ("otp", "AUTHENTICATION"),
            ("alert", "TRANSACTION"),
            ("reply", "SERVICEREQUEST"),
            ("transaction", "TRANSACTION"),
            ("service", "TRANSACTION"),
            ("marketing", "PROMOTION"),
        ]
    );
}

#[test]
fn every_region_is_called_at_its_own_host() {
    let text = AgentMessage::text("Ciao", TrafficType::Transaction);
    for (word, host) in [
        ("global", "rcsbusinessmessaging.googleapis.com"),
        ("united_states", "us-rcsbusinessmessaging.googleapis.com"),
        ("europe", "europe-rcsbusinessmessaging.googleapis.com"),
        ("asia", "asia-rcsbusinessmessaging.googleapis.com"),
    ] {
        let region: RbmRegion = serde_json::from_value(word.into()).unwrap();
        let config = RbmConfig {
            agent_id: "bank".into(),
            region,
            service_account: Secret::new(String::from_utf8_lossy(ACCOUNT)),
            ..RbmConfig::default()
        };
        let api = RcsCarrier::new(&name("rbm"), &config, Clock::system()).unwrap().api;
        let now = jiff::Timestamp::UNIX_EPOCH;
        let requests = [
            api.send(&phone(), Uuid::nil(), &text, now).unwrap(),
            api.revoke(&phone(), Uuid::nil()),
            api.capabilities(&phone(), Uuid::nil()),
            api.batch_get(&[phone()]).unwrap(),
        ];
        for request in requests {
            assert_eq!(
                (request.uri().scheme_str(), request.uri().host()),
                (Some("https"), Some(host))
            );
        }
    }
}

/// Turns the hands of the clock that tokens age by.
async fn turn(by: Duration) {
    time::pause();
    time::advance(by).await;
    time::resume();
}

async fn all_accepted(world: &World, ids: std::ops::RangeInclusive<u128>) {
    let outcomes = join_all(ids.map(|id| world.send(id))).await;
    let accepted = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, SendOutcome::Accepted(_)));
    assert_eq!(accepted.count(), outcomes.len(), "{outcomes:?}");
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_its_end_once_for_all_who_send() {
    let world = World::with(|_| {}).await;
    all_accepted(&world, 1..=1).await;
    // It is good for 3,599 s.
    turn(Duration::from_secs(3_530)).await;
    all_accepted(&world, 2..=20).await;
    assert_eq!(world.simulator.stats().tokens, 1, "it is young yet");
    turn(Duration::from_secs(10)).await;
    all_accepted(&world, 21..=60).await;
    let stats = world.simulator.stats();
    assert_eq!((stats.tokens, stats.answered("send", 401)), (2, 0));
}

#[tokio::test]
async fn while_the_next_token_does_not_come_all_but_one_go_on_with_the_one_that_is_good_still() {
    let impatient = RbmConfig {
        response_timeout: Duration::from_millis(500),
        ..RbmConfig::default()
    };
    let world = World::new(|_| {}, impatient).await;
    all_accepted(&world, 1..=1).await;
    let mute = FaultRule::always(Fault::LoseRequest).on(Called::Token);
    world.simulator.set_faults(vec![mute]).unwrap();
    turn(Duration::from_secs(3_545)).await;
    all_accepted(&world, 2..=40).await;
    let stats = world.simulator.stats();
    assert_eq!((stats.requests["token"], stats.tokens, stats.accepted), (2, 1, 40));
}
