//! The bind against the simulated platform, over real sockets.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::carrier::rcs::tests::{World, phone, status};
use crate::clock::Clock;
use crate::config::RbmConfig;
use crate::domain::{Class, Encoding, MessageId, Reason, SenderId, Shape};
use crate::fixture::bind;
use crate::simulator::rcs::{Call as Called, Fault, FaultRule, Handset as Phone, RcsSimulator, UseCase};

const MINUTE: Duration = Duration::from_mins(1);

struct Bound {
    simulator: RcsSimulator,
    carrier: RcsLink,
    link: Link,
    faults: Vec<String>,
}

impl Bound {
    async fn to(world: World) -> Self {
        let carrier = RcsLink::new(Arc::new(world.carrier));
        let link = carrier.open(bind(), LinkMode::Both).await.unwrap();
        Self {
            simulator: world.simulator,
            carrier,
            link,
            faults: Vec::new(),
        }
    }

    /// Submits a message with a try that may last so long, and gives what became of it.
    async fn submit(&mut self, change: impl FnOnce(&mut Message)) -> SubmitResult {
        let mut message = message();
        change(&mut message);
        self.link.submits.send(vec![message]).unwrap();
        loop {
            match self.link.reports.recv().await {
                Some(LinkReport::Submits(mut reports)) => return reports.remove(0).result,
                Some(LinkReport::Fault(text)) => self.faults.push(text),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn message() -> Message {
    let now = Clock::system().now();
    Message {
        key: 1,
        to: phone().as_str().trim_start_matches('+').into(),
        from: SenderId::parse("12345").unwrap(),
        text: "Ciao".into(),
        encoding: Encoding::Gsm7,
        shape: Shape::default(),
        expires_at: now.after(MINUTE),
        receipt: true,
        reference: 1,
        concat_reference: 1,
        skip: Vec::new(),
        rcs: Some(ByRcs {
            id: MessageId(Uuid::from_u128(7)),
            class: Class::Service,
            acknowledges: false,
            rich: None,
            ttl: MINUTE,
            until: now.after(MINUTE / 2),
        }),
    }
}

fn acknowledging(message: &mut Message) {
    message.rcs.as_mut().unwrap().acknowledges = true;
}

#[tokio::test]
async fn a_message_without_rich_form_is_its_text_and_what_it_is_for_is_said() {
    let mut bound = Bound::to(World::with(|_| {}).await).await;
    let id = Some(Uuid::from_u128(7).to_string().into());
    let taken = SubmitResult::Accepted { carrier_message_id: id };
    assert_eq!(bound.submit(|_| {}).await, taken);
    bound
        .submit(|message| {
            message.rcs.as_mut().unwrap().id = MessageId(Uuid::from_u128(8));
            acknowledging(message);
        })
        .await;
    let shown = bound.simulator.messages(None, 9);
    assert_eq!(shown[0].content["text"], "Ciao");
    let traffic: Vec<_> = shown.iter().map(|shown| shown.traffic_type.as_deref()).collect();
    assert_eq!(traffic, [Some("TRANSACTION"), Some("ACKNOWLEDGEMENT")]);
    bound.link.stop.cancel();
    let down = bound.link.reports.recv().await;
    assert!(matches!(down, Some(LinkReport::Down(DownReason::Stopped))), "{down:?}");
}

#[tokio::test]
async fn what_cannot_go_by_rcs_takes_the_next_step() {
    let mut bound = Bound::to(World::with(|config| config.handset = Phone::without_rcs()).await).await;
    let not_reachable = answered(404, RefusalAction::NotReachable);
    assert_eq!(bound.submit(|_| {}).await, not_reachable);
    let spoilt = bound.submit(|message| message.rcs.as_mut().unwrap().rich = Some("{".into()));
    assert_eq!(spoilt.await, rejected(400, &Refusal::Rejected { field: None }, None));
}

#[tokio::test]
async fn what_the_agent_may_not_send_takes_the_next_step_and_is_told_once_a_minute_with_its_cure() {
    let promotional = World::with(|config| config.use_case = UseCase::Promotional).await;
    let mut bound = Bound::to(promotional).await;
    let field: Box<str> = "messageTrafficType".into();
    for _ in 0..3 {
        let reason = Reason::RejectedContent;
        let field = Some(field.clone());
        let refused = answered(400, RefusalAction::Rejected { reason, field });
        assert_eq!(bound.submit(|_| {}).await, refused);
    }
    let [told] = &bound.faults[..] else {
        panic!("{:?}", bound.faults)
    };
    assert!(
        told.contains("messageTrafficType") && told.contains("use case in the console"),
        "{told}"
    );
}

#[tokio::test]
async fn an_agent_that_the_key_may_not_speak_for_is_told_of_with_its_cure() {
    let denied = vec![FaultRule::always(status(403)).on(Called::Send)];
    let mut bound = Bound::to(World::with(|config| config.faults = denied).await).await;
    let reason = Reason::CarrierRefused;
    let refused = answered(403, RefusalAction::Rejected { reason, field: None });
    assert_eq!(bound.submit(|_| {}).await, refused);
    assert!(bound.faults[0].contains("agent_id"), "{:?}", bound.faults);
}

#[tokio::test]
async fn a_message_that_the_platform_does_not_take_is_put_back_until_the_time_of_its_first_claim_is_over() {
    let impatient = RbmConfig {
        max_tries: 2,
        ..RbmConfig::default()
    };
    let busy = vec![FaultRule::always(status(503))];
    let mut bound = Bound::to(World::new(|config| config.faults = busy, impatient).await).await;
    let short = Clock::system().now().after(Duration::from_millis(1_300));
    let mut result = bound
        .submit(|message| message.rcs.as_mut().unwrap().until = short)
        .await;
    assert_eq!(result, answered(503, RefusalAction::Throttle));
    // Each claim would begin anew.
    while result == answered(503, RefusalAction::Throttle) {
        result = bound.submit(|_| {}).await;
    }
    assert_eq!(result, answered(503, RefusalAction::NextStep));
    assert!(Clock::system().now() <= short, "not worth a try");
    // What has no time left at all ends.
    let over = bound.submit(|message| {
        message.expires_at = short;
        message.rcs.as_mut().unwrap().until = short;
    });
    assert_eq!(over.await, answered(503, RefusalAction::Final(Reason::ValidityOver)));
}

impl Bound {
    /// What the link says, until it is down.
    async fn goes_down(&mut self) -> (Vec<SubmitResult>, String) {
        let (mut results, mut closing) = (Vec::new(), false);
        loop {
            match self.link.reports.recv().await {
                Some(LinkReport::Submits(reports)) => results.extend(reports.into_iter().map(|it| it.result)),
                Some(LinkReport::Closing) => closing = true,
                Some(LinkReport::Down(DownReason::Lost(why))) if closing => return (results, why),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn opens_again(&mut self) {
        self.link = self.carrier.open(bind(), LinkMode::Both).await.unwrap();
    }
}

#[tokio::test]
async fn a_platform_that_takes_nothing_is_down_until_it_takes_a_message_that_is_tried_alone() {
    let config = RbmConfig {
        max_tries: 100,
        ..RbmConfig::default()
    };
    let busy = vec![FaultRule::always(status(503))];
    let mut bound = Bound::to(World::new(|platform| platform.faults = busy, config).await).await;
    assert!(!bound.link.on_trial);
    bound.link.submits.send(vec![message(), message()]).unwrap();
    while bound.asked("send") < 4 {
        tokio::task::yield_now().await;
    }
    bound
        .carrier
        .carrier
        .circuit
        .age(crate::carrier::rcs::circuit::PATIENCE);
    let (results, why) = bound.goes_down().await;
    assert_eq!(
        results,
        vec![answered(503, RefusalAction::Throttle); 2],
        "others may have them"
    );
    assert!(why.contains("status 503"), "{why}");

    bound.opens_again().await;
    assert!(bound.link.on_trial);
    bound.link.submits.send(vec![message()]).unwrap();
    let (results, _) = bound.goes_down().await;
    assert_eq!(
        results,
        [answered(503, RefusalAction::Throttle)],
        "the first try decides"
    );

    bound.simulator.set_faults(Vec::new()).unwrap();
    bound.opens_again().await;
    let taken = bound.submit(|_| {}).await;
    assert!(matches!(taken, SubmitResult::Accepted { .. }), "{taken:?}");
    let proven = bound.link.reports.recv().await;
    assert!(matches!(proven, Some(LinkReport::Proven)), "{proven:?}");
    bound.link.stop.cancel();
    bound.link.reports.recv().await;
    bound.opens_again().await;
    assert!(!bound.link.on_trial);
}

const CARD: &str = r#"{"card":{"title":"Era lei?","suggestions":[
    {"type":"dial","label":"Chiama","number":"+39021234567"},{"type":"reply","label":"Blocca carta"}]},
    "suggestions":[{"type":"reply","label":"Grazie"}]}"#;

fn card(id: u128, class: Class) -> impl FnOnce(&mut Message) {
    move |message| {
        let by_rcs = message.rcs.as_mut().unwrap();
        by_rcs.id = MessageId(Uuid::from_u128(id));
        by_rcs.class = class;
        by_rcs.rich = Some(CARD.into());
    }
}

fn without_cards() -> Phone {
    let mut phone = Phone::default();
    phone
        .features
        .retain(|feature| !feature.starts_with("RICHCARD") && feature != "ACTION_DIAL");
    phone
}

impl Bound {
    fn asked(&self, call: &str) -> u64 {
        self.simulator.stats().requests.get(call).copied().unwrap_or(0)
    }
}

#[tokio::test]
async fn a_handset_without_cards_is_shown_the_text_and_the_replies_and_is_asked_about_once() {
    let mut bound = Bound::to(World::with(|config| config.handset = without_cards()).await).await;
    for id in 1..=3 {
        let result = bound.submit(card(id, Class::Alert)).await;
        assert!(matches!(result, SubmitResult::Accepted { .. }), "{result:?}");
    }
    let shown = &bound.simulator.messages(None, 9)[0].content;
    assert_eq!(shown["text"], "Ciao");
    let labels: Vec<_> = shown["suggestions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["reply"]["text"])
        .collect();
    assert_eq!(labels, ["Blocca carta", "Grazie"]);
    // What a tap brings back is what it would have been in the card.
    let tap = &shown["suggestions"][0]["reply"]["postbackData"];
    let place = crate::domain::rich::Postback {
        message: MessageId(Uuid::from_u128(1)),
        place: 1,
    };
    assert_eq!(tap, &place.to_string());
    assert_eq!((bound.asked("capabilities"), bound.asked("send")), (1, 3));
}

#[tokio::test]
async fn a_handset_with_cards_is_shown_the_card_and_texts_are_sent_unasked() {
    let mut bound = Bound::to(World::with(|_| {}).await).await;
    bound.submit(|_| {}).await;
    assert_eq!(bound.asked("capabilities"), 0);
    bound.submit(card(1, Class::Service)).await;
    assert!(bound.simulator.messages(None, 9)[1].content["richCard"].is_object());
    assert_eq!(bound.asked("capabilities"), 1);
}

#[tokio::test]
async fn an_offer_asks_about_nobody_and_what_its_handset_cannot_show_takes_the_next_step() {
    let mut bound = Bound::to(World::with(|config| config.handset = without_cards()).await).await;
    let refused = bound.submit(card(1, Class::Marketing)).await;
    assert_eq!(refused, answered(400, RefusalAction::NotReachable));
    assert_eq!(bound.asked("capabilities"), 0);
}

#[tokio::test]
async fn a_look_up_that_nobody_answers_holds_a_code_up_for_its_timeout_once() {
    let mute = vec![FaultRule::always(Fault::LoseAnswer).on(Called::Capabilities)];
    let config = RbmConfig {
        look_up_timeout: Duration::from_millis(100),
        ..RbmConfig::default()
    };
    let mut bound = Bound::to(World::new(|platform| platform.faults = mute, config).await).await;
    let begun = crate::clock::monotonic();
    for id in 1..=10 {
        let result = bound.submit(card(id, Class::Otp)).await;
        assert!(matches!(result, SubmitResult::Accepted { .. }), "{result:?}");
    }
    let took = crate::clock::monotonic().duration_since(begun);
    assert!((100..5_000).contains(&took.as_millis()), "{took:?}");
    assert_eq!((bound.asked("capabilities"), bound.asked("send")), (1, 10));
}

#[tokio::test]
async fn a_look_up_that_is_refused_is_tried_once_and_the_card_is_sent() {
    let busy = vec![FaultRule::always(status(503)).on(Called::Capabilities)];
    let mut bound = Bound::to(World::with(|config| config.faults = busy).await).await;
    let result = bound.submit(card(1, Class::Alert)).await;
    assert!(matches!(result, SubmitResult::Accepted { .. }), "{result:?}");
    assert_eq!((bound.asked("capabilities"), bound.asked("send")), (1, 1));
}
