//! The carrier against the simulated platform, over real sockets.

use std::time::Duration;

use araldo_rcs::Msisdn;
use araldo_rcs::message::{ActionKind, AgentMessage, Suggestion, TrafficType};
use uuid::Uuid;

use super::*;
use crate::config::{RbmConfig, Secret};
use crate::simulator::rcs::{Call as Called, Fault, FaultRule, Handset as Phone, RcsConfig, RcsSimulator, UseCase};

pub(super) struct World {
    pub(super) simulator: RcsSimulator,
    pub(super) carrier: RcsCarrier,
    until: UnixMillis,
}

impl World {
    pub(super) async fn new(platform: impl FnOnce(&mut RcsConfig), config: RbmConfig) -> Self {
        let mut settings = RcsConfig::on_free_ports();
        platform(&mut settings);
        let simulator = RcsSimulator::start(settings).await.unwrap();
        let config = RbmConfig {
            agent_id: "simulator".into(),
            api_base: Some(simulator.base()),
            service_account: Secret::new(simulator.account()),
            retry_min: Duration::from_millis(1),
            ..config
        };
        let clock = Clock::system();
        let until = clock.now().after(Duration::from_secs(60));
        let name = crate::fixture::name("rbm");
        let carrier = RcsCarrier::new(&name, &config, clock).unwrap();
        Self {
            simulator,
            carrier,
            until,
        }
    }

    pub(super) async fn with(platform: impl FnOnce(&mut RcsConfig)) -> Self {
        Self::new(platform, RbmConfig::default()).await
    }

    async fn faulty(rules: Vec<FaultRule>) -> Self {
        Self::with(|config| config.faults = rules).await
    }

    pub(super) async fn send(&self, id: u128) -> SendOutcome {
        self.carrier
            .send(&phone(), Uuid::from_u128(id), &text(), self.until)
            .await
    }

    fn sent(&self) -> u64 {
        self.simulator.stats().requests.get("send").copied().unwrap_or(0)
    }
}

pub(super) fn phone() -> Msisdn {
    Msisdn::parse("+447700900123").unwrap()
}

fn text() -> AgentMessage {
    AgentMessage::text("Ciao", TrafficType::Transaction)
}

const fn misconfigured(status: u16) -> SendOutcome {
    SendOutcome::Refused(Refusal::Configuration { status })
}

pub(super) fn status(code: u16) -> Fault {
    Fault::Status {
        code,
        retry_after: None,
    }
}

#[tokio::test]
async fn a_message_is_sent_with_a_ttl_and_the_token_is_asked_for_once() {
    let ledger = tempfile::NamedTempFile::new().unwrap();
    let path = ledger.path().to_owned();
    let world = World::with(|config| config.ledger = Some(path.clone())).await;
    let sends: Vec<_> = (1..=50).map(|id| world.send(id)).collect();
    let outcomes = futures_util::future::join_all(sends).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, SendOutcome::Accepted(_))),
        "{outcomes:?}"
    );
    let stats = world.simulator.stats();
    assert_eq!((stats.accepted, stats.tokens), (50, 1));
    let lines = std::fs::read_to_string(&path).unwrap();
    let bodies = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let sent = bodies.filter(|line| line["call"] == "send" && line["dir"] == "in");
    assert!(sent.into_iter().all(|line| line["body"]["ttl"].is_string()));
}

#[tokio::test]
async fn a_handset_without_rcs_is_asked_once() {
    let world = World::with(|config| config.handset = Phone::without_rcs()).await;
    for id in 1..=3 {
        assert_eq!(world.send(id).await, SendOutcome::Refused(Refusal::NotReachable));
    }
    assert_eq!(world.sent(), 1);
    assert_eq!(world.carrier.capabilities(&phone()).await, Ok(Handset::NotReachable));
}

#[tokio::test]
async fn a_member_that_the_platform_finds_fault_with_is_named_and_says_nothing_of_the_handset() {
    let world = World::with(|config| config.use_case = UseCase::Promotional).await;
    for id in 1..=3 {
        let field = Some("messageTrafficType".into());
        assert_eq!(world.send(id).await, SendOutcome::Refused(Refusal::Rejected { field }));
    }
    assert_eq!(world.carrier.known(&phone()), None);
    let world = World::faulty(vec![FaultRule::always(status(400))]).await;
    let unnamed = Refusal::Rejected { field: None };
    assert_eq!(
        world.send(1).await,
        SendOutcome::Refused(unnamed),
        "every handset shows a text"
    );
}

#[tokio::test]
async fn a_path_too_many_is_a_matter_of_configuration_and_not_of_the_handset() {
    let mut world = World::with(|_| {}).await;
    let config = RbmConfig {
        api_base: Some(format!("{}/v1", world.simulator.base())),
        ..world.carrier.config.clone()
    };
    world.carrier = RcsCarrier::new(&world.carrier.name, &config, Clock::system()).unwrap();
    assert_eq!(world.send(1).await, misconfigured(404));
    assert_eq!(world.carrier.known(&phone()), None);
    assert!(world.carrier.capabilities(&phone()).await.is_err());
    assert!(world.carrier.reach(&[phone()]).await.is_err());
    let revoked = world.carrier.revoke(&phone(), Uuid::from_u128(1)).await;
    assert_eq!(revoked, RevokeOutcome::Unknown);
}

#[tokio::test]
async fn an_agent_that_the_key_may_not_speak_for_says_nothing_of_handsets() {
    let denied = [Called::Send, Called::Capabilities].map(|call| FaultRule::always(status(403)).on(call));
    let world = World::faulty(denied.into()).await;
    assert_eq!(world.send(1).await, misconfigured(403));
    let refused = world.carrier.capabilities(&phone()).await;
    assert!(matches!(refused, Err(CallError::Refused(error)) if error.kind == ErrorKind::PermissionDenied));
    assert_eq!(world.carrier.known(&phone()), None);
}

#[tokio::test]
async fn a_country_without_rcs_is_never_asked_for() {
    let config = RbmConfig {
        without_rcs: vec!["44".into()],
        ..RbmConfig::default()
    };
    let world = World::new(|_| {}, config).await;
    assert_eq!(world.send(1).await, SendOutcome::Refused(Refusal::NotReachable));
    assert!(world.carrier.shows(&phone(), &text(), true).await.is_none());
    assert!(!world.carrier.reach(&[phone()]).await.unwrap()[&phone()]);
    assert!(world.simulator.stats().requests.is_empty(), "not even a token");
}

#[tokio::test]
async fn a_message_that_comes_by_rcs_proves_that_the_handset_has_it() {
    let world = World::with(|config| config.handset = Phone::without_rcs()).await;
    world.send(1).await;
    world.simulator.set_handset(phone().as_str(), Phone::default());
    world.carrier.heard_from(&phone());
    assert!(matches!(world.send(2).await, SendOutcome::Accepted(_)));
}

#[tokio::test]
async fn what_a_handset_cannot_show_is_refused_and_asked_about_once() {
    let world = World::with(|config| config.handset = Phone::plain()).await;
    let mut message = text();
    let dial = ActionKind::dial("+442079460000");
    message.content_message.suggestions = vec![Suggestion::action("Chiama", "call", dial)];
    let to = phone();
    let send = |id| world.carrier.send(&to, Uuid::from_u128(id), &message, world.until);
    assert_eq!(send(1).await, SendOutcome::Refused(Refusal::CannotShow));
    world.carrier.capabilities(&phone()).await.unwrap();
    assert_eq!(send(2).await, SendOutcome::Refused(Refusal::CannotShow));
    assert_eq!(world.sent(), 1, "the second time it is known");
    assert!(
        matches!(world.send(3).await, SendOutcome::Accepted(_)),
        "a text can be shown"
    );
}

#[tokio::test]
async fn passing_trouble_is_tried_again_with_the_same_id() {
    for code in [429, 500, 503, 504] {
        let world = World::faulty(vec![FaultRule::always(status(code)).times(2)]).await;
        assert!(matches!(world.send(1).await, SendOutcome::Accepted(_)), "{code}");
        let stats = world.simulator.stats();
        assert_eq!((stats.accepted, stats.answered("send", code)), (1, 2));
    }
}

#[tokio::test]
async fn a_lost_answer_is_tried_again_and_nothing_is_sent_twice() {
    let config = RbmConfig::default();
    let mut world = World::faulty(vec![FaultRule::nth(Fault::Garbage, 1)]).await;
    assert!(matches!(world.send(1).await, SendOutcome::Accepted(_)));
    let stats = world.simulator.stats();
    assert_eq!((stats.accepted, stats.duplicates), (1, 1));
    world = World::new(
        |platform| platform.faults = vec![FaultRule::always(Fault::Garbage)],
        config,
    )
    .await;
    assert_eq!(world.send(1).await, SendOutcome::InDoubt);
    assert_eq!(world.simulator.stats().accepted, 1);
}

#[tokio::test]
async fn no_answer_at_all_is_doubt() {
    let config = RbmConfig {
        response_timeout: Duration::from_millis(500),
        max_tries: 2,
        ..RbmConfig::default()
    };
    let world = World::new(
        |platform| platform.faults = vec![FaultRule::always(Fault::LoseAnswer)],
        config,
    )
    .await;
    assert_eq!(world.send(1).await, SendOutcome::InDoubt);
}

#[tokio::test]
async fn what_keeps_a_later_try_from_its_effect_says_nothing_of_one_whose_answer_was_lost() {
    for later in [status(404), status(403), status(503), Fault::UserTrafficLimit] {
        let impatient = RbmConfig {
            response_timeout: Duration::from_secs(1),
            max_tries: 2,
            ..RbmConfig::default()
        };
        let rules = vec![FaultRule::nth(Fault::LoseAnswer, 1), FaultRule::always(later)];
        let world = World::new(|platform| platform.faults = rules, impatient).await;
        assert_eq!(world.send(1).await, SendOutcome::InDoubt);
        assert_eq!(world.simulator.stats().accepted, 1, "it is there");
    }
}

#[tokio::test]
async fn no_token_for_a_later_try_says_nothing_of_one_whose_answer_was_lost() {
    let impatient = RbmConfig {
        response_timeout: Duration::from_secs(1),
        ..RbmConfig::default()
    };
    let rules = vec![
        FaultRule::nth(Fault::LoseAnswer, 1),
        FaultRule::always(status(401)),
        FaultRule::nth(status(400), 2).on(Called::Token),
    ];
    let world = World::new(|platform| platform.faults = rules, impatient).await;
    assert_eq!(world.send(1).await, SendOutcome::InDoubt);
}

#[tokio::test]
async fn what_answers_503_has_not_sent_it() {
    let world = World::faulty(vec![FaultRule::always(status(503))]).await;
    assert!(matches!(world.send(1).await, SendOutcome::Later(_)));
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept() {
    let asked = Fault::Status {
        code: 429,
        retry_after: Some(120),
    };
    let world = World::faulty(vec![FaultRule::always(asked)]).await;
    assert_eq!(world.send(1).await, SendOutcome::Later(Duration::from_secs(120)));
    assert_eq!(world.sent(), 1);
    assert!(world.carrier.pace().rate().is_some(), "the pace is slower");
}

#[tokio::test]
async fn all_messages_wait_as_long_as_the_platform_asks_for_and_then_go() {
    let asked = Fault::Status {
        code: 429,
        retry_after: Some(120),
    };
    let mut world = World::faulty(vec![FaultRule::always(asked).times(1)]).await;
    let clock = Clock::manual(Clock::system().now());
    world.carrier.clock = clock.clone();
    world.until = clock.now().after(Duration::from_mins(10));
    let begun = clock.now();
    assert_eq!(world.send(1).await, SendOutcome::Later(Duration::from_secs(120)));
    clock.set(begun.after(Duration::from_secs(119)));
    assert_eq!(world.send(2).await, SendOutcome::Later(Duration::from_secs(1)));
    assert_eq!(world.sent(), 1, "the second one has not asked");
    clock.set(begun.after(Duration::from_secs(120)));
    for id in 1..=2 {
        assert!(matches!(world.send(id).await, SendOutcome::Accepted(_)));
    }
}

#[tokio::test]
async fn a_platform_that_asks_for_days_is_asked_again_after_minutes() {
    let asked = Fault::Status {
        code: 503,
        retry_after: Some(1_000_000),
    };
    let mut world = World::faulty(vec![FaultRule::always(asked).times(1)]).await;
    let clock = Clock::manual(Clock::system().now());
    world.carrier.clock = clock.clone();
    world.until = clock.now().after(Duration::from_hours(1));
    world.send(1).await;
    clock.set(clock.now().after(LONGEST_HOLD));
    assert!(matches!(world.send(1).await, SendOutcome::Accepted(_)));
}

#[tokio::test]
async fn what_a_handset_was_wrongly_said_to_show_is_asked_again() {
    let world = World::with(|_| {}).await;
    world.carrier.capabilities(&phone()).await.unwrap();
    world.simulator.set_handset(phone().as_str(), Phone::plain());
    let mut message = text();
    message.content_message.suggestions = vec![Suggestion::action("Chiama", "call", ActionKind::dial("+442079460000"))];
    let to = phone();
    let sent = world.carrier.send(&to, Uuid::from_u128(1), &message, world.until).await;
    assert_eq!(sent, SendOutcome::Refused(Refusal::CannotShow));
    let shown = world.carrier.shows(&to, &message, true).await.unwrap();
    assert!(!shown.lacks(&message).is_empty());
}

#[tokio::test]
async fn the_users_of_a_skipped_carrier_are_out_of_reach_in_a_batch_too() {
    let config = RbmConfig {
        skip_carriers: vec!["Skipped".into()],
        ..RbmConfig::default()
    };
    let of = |carrier: &str| Phone {
        carrier: Some(carrier.to_owned()),
        ..Phone::default()
    };
    let world = World::new(
        |platform| {
            platform.handsets.insert("+1202".into(), of("Skipped"));
            platform.handsets.insert("+1303".into(), of("Other"));
        },
        config,
    )
    .await;
    let numbers = ["+12025550143", "+13035550143"].map(|number| Msisdn::parse(number).unwrap());
    let found = world.carrier.reach(&numbers).await.unwrap();
    assert_eq!((found[&numbers[0]], found[&numbers[1]]), (false, true));
}

#[tokio::test]
async fn a_user_who_has_had_enough_is_the_next_steps() {
    let world = World::faulty(vec![FaultRule::always(Fault::UserTrafficLimit)]).await;
    assert_eq!(world.send(1).await, SendOutcome::Refused(Refusal::UserTrafficLimit));
}

#[tokio::test]
async fn a_token_that_ends_in_mid_traffic_is_renewed_once_for_all() {
    let world = World::with(|_| {}).await;
    world.send(1).await;
    world.simulator.expire_tokens();
    let sends: Vec<_> = (2..=40).map(|id| world.send(id)).collect();
    let outcomes = futures_util::future::join_all(sends).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, SendOutcome::Accepted(_)))
    );
    let stats = world.simulator.stats();
    assert_eq!((stats.accepted, stats.tokens), (40, 2));
}

#[tokio::test]
async fn a_token_that_is_never_taken_is_a_matter_of_configuration() {
    let world = World::faulty(vec![FaultRule::always(status(401))]).await;
    assert_eq!(world.send(1).await, misconfigured(401));
    assert_eq!(world.simulator.stats().tokens, 2);
}

#[tokio::test]
async fn a_sign_in_that_is_refused_is_not_asked_for_by_every_message() {
    let refused = FaultRule::always(status(400)).on(Called::Token);
    let world = World::faulty(vec![refused]).await;
    for id in 1..=5 {
        assert_eq!(world.send(id).await, misconfigured(401));
    }
    assert_eq!(world.simulator.stats().answered("token", 400), 1);
}

#[tokio::test]
async fn a_message_whose_time_is_over_is_not_sent() {
    let mut world = World::with(|_| {}).await;
    world.until = UnixMillis(0);
    assert_eq!(world.send(1).await, SendOutcome::Refused(Refusal::Expired));
    assert_eq!(world.sent(), 0);
}

#[tokio::test]
async fn a_message_is_withdrawn_or_it_is_too_late() {
    let world = World::with(|config| config.handset = Phone::offline()).await;
    world.send(1).await;
    let to = phone();
    let revoke = || world.carrier.revoke(&to, Uuid::from_u128(1));
    assert_eq!(revoke().await, RevokeOutcome::Withdrawn);
    assert_eq!(revoke().await, RevokeOutcome::TooLate);
}

#[tokio::test]
async fn many_handsets_are_asked_about_at_once_and_only_the_unknown_ones() {
    let world = World::with(|config| {
        config.handsets.insert("+4477009001".into(), Phone::without_rcs());
    })
    .await;
    let numbers: Vec<_> = (0..200)
        .map(|n| Msisdn::parse(&format!("+447700900{n:03}")).unwrap())
        .collect();
    let found = world.carrier.reach(&numbers).await.unwrap();
    assert_eq!(found.values().filter(|reachable| **reachable).count(), 100);
    assert!(!found[&phone()]);
    world.carrier.reach(&numbers).await.unwrap();
    assert_eq!(world.simulator.stats().requests["batch_get"], 1);
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_the_window_holds() {
    let config = RbmConfig {
        window: 3,
        ..RbmConfig::default()
    };
    let slow = Fault::Delay {
        by: Duration::from_millis(20),
    };
    let world = World::new(|platform| platform.faults = vec![FaultRule::always(slow)], config).await;
    world.carrier.sign_in().await.unwrap();
    let sends: Vec<_> = (1..=12).map(|id| world.send(id)).collect();
    let outcomes = futures_util::future::join_all(sends).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, SendOutcome::Accepted(_)))
    );
    assert!(world.simulator.stats().most_at_once <= 3);
}
