//! What users say by RCS: they tap, write, unsubscribe.

use serde_json::json;

use super::{LIMIT, PHONE, Scene, happened, has};
use crate::support::bank;
use crate::support::{together, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_delivered_and_read_and_a_tap_runs_its_command() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &["--read", "1"]).await;
    assert_eq!(scene.agent()["protocol"], "rbm");
    let card = json!({ "rich": {
        "card": { "title": "Il tuo conto", "text": "Ecco le novità.",
                  "suggestions": [{ "type": "reply", "label": "Quanto ho?", "says": "saldo" }] },
        "suggestions": [{ "type": "dial", "label": "Chiama", "number": "+39021234567" }],
    } });
    let (id, _) = scene.send(PHONE, "service", card).await;
    let message = scene.becomes(&id, "it is read", |message| has(message, "read")).await;
    assert_eq!(
        (&message["state"], &message["carrier"]),
        (&json!("delivered"), &json!("rbm"))
    );
    assert!(has(&message, "delivered_by_rcs"), "{message}");
    let shown = scene.platform.phone(PHONE).await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    let content = &shown[0]["content"]["richCard"]["standaloneCard"]["cardContent"];
    assert_eq!(
        (&content["title"], &shown[0]["traffic_type"]),
        (&json!("Il tuo conto"), &json!("TRANSACTION"))
    );
    scene.platform.user(PHONE, json!({ "tap": "Quanto ho?" })).await;
    let answer = until(LIMIT, "the tap is answered", async || {
        let shown = scene.platform.phone(PHONE).await;
        (shown.len() == 2).then(|| shown[1].clone())
    })
    .await;
    assert_eq!(answer["content"]["text"], "Il tuo saldo è 12,34 EUR.");
    assert_eq!(answer["traffic_type"], "SERVICEREQUEST");
    assert_eq!(scene.bank.asked().len(), 1);
    let message = scene.message(&id).await;
    assert!(happened(&message).contains(&"tapped"), "{message}");
    assert!(scene.sms(PHONE).is_empty());
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chip_that_blocks_a_card_asks_for_a_code_and_blocks_it_once() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &[]).await;
    // Whatever is told comes three times more.
    let repeated = json!([{ "fault": { "repeat": { "times": 3 } }, "when": { "call": "webhook" } }]);
    scene.platform.set_faults(repeated).await;
    let card = json!({ "rich": { "card": { "title": "90 EUR da Rossi: era lei?", "suggestions": [
        { "type": "reply", "label": "Sì, ero io", "says": "sì" },
        { "type": "reply", "label": "Blocca carta", "says": "blocca carta" },
    ] } } });
    let (id, _) = scene.send(PHONE, "alert", card).await;
    scene.ends(&id, "delivered").await;
    scene.platform.user(PHONE, json!({ "tap": "Blocca carta" })).await;
    let question = scene.shown(PHONE, 2).await;
    let question = question["content"]["text"].as_str().unwrap();
    assert!(question.starts_with("Blocco carta"), "{question}");
    assert!(scene.bank.asked().is_empty(), "nothing is blocked without the code");
    // A tap is no code.
    scene.platform.user(PHONE, json!({ "tap": "Sì, ero io" })).await;
    let again = scene.shown(PHONE, 3).await;
    assert!(
        again["content"]["text"].as_str().unwrap().contains("6 cifre"),
        "{again}"
    );
    assert!(scene.bank.asked().is_empty());
    scene
        .platform
        .user(PHONE, json!({ "text": bank::code(question) }))
        .await;
    let done = scene.shown(PHONE, 4).await;
    let told = "Carta bloccata. Ne arriva una nuova in 5 giorni lavorativi.";
    assert_eq!(done["content"]["text"], told);
    // The code is used up.
    scene
        .platform
        .user(PHONE, json!({ "text": bank::code(question) }))
        .await;
    scene.platform.user(PHONE, json!({ "text": "saldo" })).await;
    until(LIMIT, "the balance is told", async || {
        let shown = scene.platform.phone(PHONE).await;
        let told = |shown: &serde_json::Value| shown["content"]["text"] == "Il tuo saldo è 12,34 EUR.";
        shown.iter().any(told).then_some(())
    })
    .await;
    let asked: Vec<_> = scene.bank.asked().into_iter().map(|(command, _, _)| command).collect();
    assert_eq!(asked, ["block_card", "balance"]);
    assert_eq!(scene.bank.done_for(PHONE)[0]["command"], "block_card");
    assert!(scene.sms(PHONE).is_empty());
    let message = scene.message(&id).await;
    assert_eq!(happened(&message).iter().filter(|event| **event == "tapped").count(), 2);
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_comes_a_hundred_times_more_is_made_use_of_once() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &[]).await;
    let repeated = json!([{ "fault": { "repeat": { "times": 100 } }, "when": { "call": "webhook", "nth": 1 } }]);
    scene.platform.set_faults(repeated).await;
    scene.platform.user(PHONE, json!({ "text": "saldo" })).await;
    scene.platform.until(LIMIT, "webhooks_taken", 102).await;
    until(LIMIT, "it is answered", async || {
        (!scene.platform.phone(PHONE).await.is_empty()).then_some(())
    })
    .await;
    let handled = "SELECT count(*) FROM inbound WHERE handled_at IS NOT NULL";
    assert_eq!(scene.house.database().number(handled).await, 1);
    assert_eq!(
        (scene.bank.asked().len(), scene.platform.phone(PHONE).await.len()),
        (1, 1)
    );
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_a_forged_signature_is_refused_and_nothing_of_it_is_kept() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &[]).await;
    let forged = json!([{ "fault": "bad_signature", "when": { "call": "webhook", "nth": 1 } }]);
    scene.platform.set_faults(forged).await;
    scene.platform.user(PHONE, json!({ "text": "saldo" })).await;
    scene.platform.until(LIMIT, "webhooks_refused", 1).await;
    let kept = "SELECT (SELECT count(*) FROM rcs_inbox) + (SELECT count(*) FROM inbound)";
    assert_eq!(scene.house.database().number(kept).await, 0);
    // The next one is signed as it should be.
    scene.platform.user(PHONE, json!({ "text": "saldo" })).await;
    until(LIMIT, "it is answered", async || {
        (!scene.platform.phone(PHONE).await.is_empty()).then_some(())
    })
    .await;
    assert_eq!(scene.platform.answers()[..2], [json!(401), json!(200)]);
    assert_eq!(scene.bank.asked().len(), 1);
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_by_rcs_however_it_is_said_is_a_stop_by_sms_too_and_confirmed_once() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &[]).await;
    let (both, by_menu, in_words) = (PHONE, "+393331234568", "+393331234569");
    // The menu of the handset: an event, and the keyword as a text.
    scene.platform.user(both, json!("unsubscribe")).await;
    scene.platform.user(in_words, json!({ "text": "STOP" })).await;
    scene.shown(both, 1).await;
    scene.shown(in_words, 1).await;
    let no_keyword = json!([{ "fault": "lose_webhook", "when": { "call": "webhook", "text": "STOP" } }]);
    scene.platform.set_faults(no_keyword).await;
    scene.platform.user(by_menu, json!("unsubscribe")).await;
    scene.shown(by_menu, 1).await;
    for number in [both, by_menu, in_words] {
        for channels in [
            json!({}),
            json!({ "channels": ["sms"] }),
            json!({ "channels": ["rcs"] }),
        ] {
            let (_, state) = scene.send(number, "service", channels).await;
            assert_eq!(state, "suppressed", "{number}");
        }
        let shown = scene.house.araldo(&["consent", "show", number.trim_start_matches('+')]);
        assert_eq!(shown["consents"][0]["state"], "opted_out", "{number}");
    }
    // All that was told has been made use of.
    until(LIMIT, "nothing waits", async || {
        let waits = "SELECT (SELECT count(*) FROM rcs_inbox WHERE done_at IS NULL) + \
                     (SELECT count(*) FROM message WHERE final_at IS NULL)";
        (scene.house.database().number(waits).await == 0).then_some(())
    })
    .await;
    for number in [both, by_menu, in_words] {
        let shown = scene.platform.phone(number).await;
        assert_eq!(shown.len(), 1, "{number}: {shown:?}");
        assert_eq!(shown[0]["traffic_type"], "ACKNOWLEDGEMENT");
        assert!(scene.sms(number).is_empty());
    }
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_waits_for_its_handset_is_taken_back_by_a_stop_and_no_sms_follows() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &["--offline", PHONE]).await;
    let (offer, _) = scene.send(PHONE, "marketing", json!({})).await;
    let (code, _) = scene.send(PHONE, "otp", json!({})).await;
    for id in [&offer, &code] {
        scene.ends(id, "submitted").await;
    }
    scene.platform.user(PHONE, json!("unsubscribe")).await;
    assert_eq!(scene.ends(&offer, "suppressed").await["reason"], "opted_out");
    assert_eq!(scene.platform.count("withdrawn").await, 1);
    // The handset is back: it has the code and the confirmation, and not the offer.
    scene.platform.set_handset(PHONE, json!({})).await;
    scene.ends(&code, "delivered").await;
    let shown = until(LIMIT, "the opt-out is confirmed", async || {
        let shown = scene.platform.phone(PHONE).await;
        let is_there = |message: &serde_json::Value| {
            message["traffic_type"] == "ACKNOWLEDGEMENT" && message["state"] == "delivered"
        };
        shown.iter().any(is_there).then_some(shown)
    })
    .await;
    // Offer and code may have come in either order.
    let withdrawn: Vec<_> = shown.iter().filter(|message| message["state"] == "withdrawn").collect();
    assert_eq!((shown.len(), withdrawn.len()), (3, 1), "{shown:?}");
    assert_eq!(withdrawn[0]["traffic_type"], "PROMOTION");
    assert!(scene.sms(PHONE).is_empty());
    scene.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_while_the_daemon_is_down_is_told_again_and_taken() {
    let _stage = together().await;
    let (scene, daemon) = Scene::new("30s", &[]).await;
    daemon.kill();
    scene.platform.user(PHONE, json!({ "text": "saldo" })).await;
    scene.platform.until(LIMIT, "webhooks_refused", 1).await;
    let daemon = scene.house.start().await;
    let answer = scene.shown(PHONE, 1).await;
    assert_eq!(answer["content"]["text"], "Il tuo saldo è 12,34 EUR.");
    assert_eq!(scene.bank.asked().len(), 1);
    scene.end(daemon).await;
}
