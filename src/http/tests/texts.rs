//! How a text is written: as it asks, and as the carriers of its route can take it.

use super::*;
use crate::config::{LongMessage, NationalTables};
use crate::domain::{Encoding, ReferenceSize};
use crate::store::Claimed;

/// A house whose one carrier is of this kind.
async fn house(carrier: CarrierConfig) -> House {
    let config = Config {
        carrier: BTreeMap::from([(name("tim"), carrier)]),
        ..config()
    };
    House::with(&config, &settings(), Clock::manual(NOW)).await
}

/// What the carrier would be given.
async fn claimed(house: &House) -> Claimed {
    use crate::domain::{BindRef, Class, Lane};
    use crate::store::{Batch, Claim, LaneClaim, Lease};
    let lane = LaneClaim {
        lane: Lane {
            route: name("italy"),
            step: 0,
        },
        priority: Class::Service.priority(),
        segments: 1,
    };
    let bind = BindRef {
        carrier: name("tim"),
        bind: 0,
    };
    let claims = vec![Claim {
        bind,
        lease: Lease(1),
        lanes: vec![lane],
    }];
    let batch = Batch {
        claims,
        ..Batch::new(NOW)
    };
    let rules = Policy {
        agents: Default::default(),
        steps: Default::default(),
        receipt_grace: Duration::ZERO,
        carriers: Default::default(),
        former_carrier: Default::default(),
        habits: Default::default(),
        hearing: Default::default(),
        gate: Arc::default(),
    };
    let applied = house.state.store.commit(&batch, &rules).await.unwrap();
    applied.claims[0][0].rows[0].clone()
}

#[tokio::test]
async fn what_gave_way_to_look_alikes_is_told_and_what_is_stored_goes_out() {
    let house = house(CarrierConfig::default()).await;
    let text = "L’ora “giusta”…";
    let dry = json!({ "to": "+393331234567", "text": text, "dry_run": true });
    let kept = house.post(&dry).await.json();
    assert_eq!(
        (&kept["encoding"], &kept["characters_replaced"]),
        (&json!("ucs2"), &json!([]))
    );
    let wish = json!({ "to": "+393331234567", "text": text, "smart": true });
    let answer = house.post(&wish).await.json();
    assert_eq!(
        (&answer["encoding"], &answer["characters_replaced"], &answer["units"]),
        (&json!("gsm7"), &json!(["’", "“", "”", "…"]), &json!(17))
    );
    let shown = house
        .get(&format!("/v1/messages/{}", answer["id"].as_str().unwrap()))
        .await;
    assert_eq!(shown.json()["text"], "L'ora \"giusta\"...");
    let claimed = claimed(&house).await;
    assert_eq!(
        (&*claimed.text, claimed.encoding),
        ("L'ora \"giusta\"...", Encoding::Gsm7)
    );
}

#[tokio::test]
async fn a_line_of_many_tells_what_gave_way() {
    let house = house(CarrierConfig {
        smart: true,
        ..CarrierConfig::default()
    })
    .await;
    let lines = "{\"to\":\"+393331234567\",\"text\":\"l’ora\"}\n{\"to\":\"+393331234567\",\"text\":\"l'ora\"}\n";
    let headers = [("content-type", "application/x-ndjson")];
    let answer = house
        .call(request(Method::POST, "/v1/messages", "bank-key", &headers, lines))
        .await;
    let told: Vec<Value> = answer
        .body
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["characters_replaced"].clone())
        .collect();
    assert_eq!(told, [json!(["’"]), json!([])]);
}

#[tokio::test]
async fn a_flash_message_is_stored_and_shown_as_one() {
    let house = house(CarrierConfig::default()).await;
    let answer = house
        .post(&json!({ "to": "+393331234567", "text": "Ciao", "flash": true }))
        .await
        .json();
    let shown = house
        .get(&format!("/v1/messages/{}", answer["id"].as_str().unwrap()))
        .await;
    assert_eq!(shown.json()["flash"], true);
    assert!(claimed(&house).await.shape.flash);
}

#[tokio::test]
async fn national_tables_that_the_carrier_allows_are_told_and_kept() {
    let house = house(CarrierConfig {
        shift_tables: NationalTables(araldo_sms::Languages::ALL),
        long_message: LongMessage::Udh16,
        ..CarrierConfig::default()
    })
    .await;
    let text = "Yarın saat üçte görüşelim, çarşıda buluşuruz. ".repeat(5);
    let answer = house.post(&json!({ "to": "+393331234567", "text": text })).await.json();
    assert_eq!(
        (&answer["encoding"], &answer["locking_shift"], &answer["segments"]),
        (&json!("gsm7"), &json!("turkish"), &json!(2))
    );
    let claimed = claimed(&house).await;
    assert_eq!(claimed.shape.tables.locking, Some(araldo_sms::Language::Turkish));
    assert_eq!(claimed.shape.reference_size, ReferenceSize::Bits16);
}

#[tokio::test]
async fn an_encoding_asked_for_is_kept_or_refused_with_its_field() {
    let house = house(CarrierConfig::default()).await;
    let post = |more: Value| {
        let mut wish = json!({ "to": "+393331234567", "text": "5 €" });
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let house = &house;
        async move { house.post(&wish).await }
    };
    assert_eq!(post(json!({ "encoding": "ucs2" })).await.json()["encoding"], "ucs2");
    let latin1 = post(json!({ "encoding": "latin1" })).await;
    assert_eq!(
        latin1.is_problem(422, "text_unencodable")["errors"][0]["pointer"],
        "/text"
    );
    let unknown = post(json!({ "encoding": "morse" })).await;
    assert_eq!(
        unknown.is_problem(422, "invalid_encoding")["errors"][0]["pointer"],
        "/encoding"
    );
    let flash = post(json!({ "encoding": "latin1", "flash": true })).await;
    assert_eq!(
        flash.is_problem(422, "invalid_encoding")["errors"][0]["pointer"],
        "/flash"
    );
}
