//! What is known of handsets: who has RCS, and what theirs can show.

use std::time::Duration;

use araldo::clock::monotonic;
use hyper::Method;
use serde_json::{Value, json};

use super::{CODE, LIMIT, PHONE, Scene};
use crate::support::ledger::Ledger;
use crate::support::{together, until};

fn card() -> Value {
    json!({ "text": "Era lei? Risponda BLOCCA o chiami +39021234567", "rich": { "card": {
        "title": "Era lei?", "suggestions": [
            { "type": "reply", "label": "Blocca", "says": "blocca carta" },
            { "type": "dial", "label": "Chiama", "number": "+39021234567" },
    ] } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_handset_is_shown_what_it_can_and_asked_about_once() {
    let _stage = together().await;
    let (plain, without) = ("+393331234568", "+393331234569");
    let (scene, daemon) = Scene::new("30s", &["--without-rcs", without]).await;
    scene.platform.set_handset(plain, json!({ "features": [] })).await;
    for _ in 0..2 {
        for number in [PHONE, plain, without] {
            let (id, _) = scene.send(number, "alert", card()).await;
            let message = scene.ends(&id, "delivered").await;
            assert_eq!(
                message["carrier"],
                if number == without { "c" } else { "rbm" },
                "{message}"
            );
        }
    }
    for shown in scene.platform.phone(PHONE).await {
        assert!(shown["content"]["richCard"].is_object(), "{shown}");
    }
    for shown in scene.platform.phone(plain).await {
        let content = &shown["content"];
        assert_eq!(content["text"], "Era lei? Risponda BLOCCA o chiami +39021234567");
        let chips = content["suggestions"].as_array().unwrap();
        assert_eq!((chips.len(), &chips[0]["reply"]["text"]), (1, &json!("Blocca")));
    }
    assert_eq!(scene.sms(without).len(), 2);
    // What is not reachable is not even tried.
    let asked = [
        scene.platform.asked("capabilities").await,
        scene.platform.asked("send").await,
    ];
    assert_eq!(asked, [3, 4]);
    // The chip under the text is that of the card.
    scene.platform.user(plain, json!({ "tap": "Blocca" })).await;
    let question = scene.shown(plain, 3).await;
    assert!(
        question["content"]["text"]
            .as_str()
            .unwrap()
            .starts_with("Blocco carta"),
        "{question}"
    );
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_nobody_answers_holds_up_no_code() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &[]).await;
    let mute = json!([{ "fault": "lose_answer", "when": { "call": "capabilities" } }]);
    scene.platform.set_faults(mute).await;
    let begun = monotonic();
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(scene.send(&format!("+39333123{n:04}"), "otp", card()).await.0);
    }
    for id in &ids {
        assert_eq!(scene.ends(id, "delivered").await["carrier"], "rbm");
    }
    let took = monotonic().duration_since(begun);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(Ledger::texts(scene.carrier.ledger_file()).is_empty());
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handsets_of_a_campaign_are_looked_up_together() {
    const OFFERS: u64 = 1_600;
    let _stage = together().await;
    let (scene, daemon) = Scene::new("1m", &["--without-rcs", "+393339"]).await;
    let line = |n: u64| {
        let area = if n.is_multiple_of(2) { "8" } else { "9" };
        let mut offer = card();
        let members = json!({ "to": format!("+39333{area}{n:06}"), "from": CODE, "class": "marketing" });
        offer
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        format!("{offer}\n")
    };
    let lines: String = (0..OFFERS).map(line).collect();
    let headers = [("content-type", "application/x-ndjson".to_owned())];
    let answer = scene
        .client
        .lock()
        .await
        .request(Method::POST, "/v1/messages", &headers, lines.into_bytes());
    assert!(answer.await.unwrap().status.is_success());
    until(LIMIT, "all are delivered", async || {
        let delivered = "SELECT count(*) FROM message WHERE state = 'delivered'";
        (scene.house.database().number(delivered).await == 1_600).then_some(())
    })
    .await;
    assert_eq!(Ledger::texts(scene.carrier.ledger_file()).len(), 800);
    assert_eq!(scene.platform.count("delivered").await, OFFERS / 2);
    assert_eq!(scene.platform.asked("capabilities").await, 0);
    assert!(scene.platform.asked("batch_get").await >= 1);
    // Those found to have no RCS were not tried.
    let tried = scene.platform.asked("send").await;
    assert!(tried < OFFERS * 9 / 10, "{tried}");
    scene.end(daemon).await;
}
