use super::*;

fn rich() -> Value {
    json!({ "card": { "title": "Spedita", "text": "La tua carta è in viaggio", "suggestions": [
        { "type": "link", "label": "Segui", "url": "https://bank.example/t" },
        { "type": "reply", "label": "Blocca carta" }] } })
}

#[tokio::test]
async fn a_rich_message_is_shown_as_it_was_sent_beside_its_text() {
    let house = House::new().await;
    let wish = json!({ "to": "+393331234567", "text": "Carta spedita", "rich": rich() });
    let answer = house.post(&wish).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(answer.json().get("rich"), None);
    let message = house.get(answer.header("location").unwrap()).await.json();
    assert_eq!((&message["rich"], &message["text"]), (&rich(), &json!("Carta spedita")));
}

#[tokio::test]
async fn a_dry_run_shows_both_forms_with_the_segments_of_the_sms() {
    let house = House::new().await;
    let wish = json!({ "to": "+393331234567", "rich": rich(), "dry_run": true });
    let view = house.post(&wish).await.json();
    assert_eq!(view["rich"], rich());
    let said = "Spedita\nLa tua carta è in viaggio\nSegui: https://bank.example/t\nBlocca carta";
    assert_eq!(view["text"], said);
    assert_eq!((&view["segments"], &view["encoding"]), (&json!(1), &json!("gsm7")));
    assert_eq!(house.stored().await, 0);
}

#[tokio::test]
async fn every_fault_of_a_rich_message_names_its_place_and_limit() {
    let house = House::new().await;
    let wish = json!({ "to": "+393331234567", "rich": { "card": { "title": "x".repeat(201), "suggestions": [
        { "type": "reply", "label": "x".repeat(26) }] } } });
    let answer = house.post(&wish).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = answer.json();
    assert_eq!(problem["code"], "rich_invalid");
    let errors = problem["errors"].as_array().unwrap();
    let told: Vec<_> = errors
        .iter()
        .map(|error| (&error["pointer"], &error["limit"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("/rich/card/title"), &json!(200)),
            (&json!("/rich/card/suggestions/0/label"), &json!(25))
        ]
    );
    let wish = json!({ "to": "+393331234567", "rich": { "card": { "titel": "x" } } });
    let problem = house.post(&wish).await.json();
    assert_eq!(problem["errors"][0]["pointer"], "/rich/card/titel");
}

#[tokio::test]
async fn a_rich_message_that_is_too_long_for_sms_asks_for_a_text() {
    let house = House::new().await;
    let card = json!({ "title": "a", "text": "x".repeat(2_000) });
    let mut wish = json!({ "to": "+393331234567", "rich": { "card": card } });
    let problem = house.post(&wish).await.json();
    let error = &problem["errors"][0];
    assert_eq!(
        (&error["code"], &error["pointer"]),
        (&json!("text_too_long"), &json!("/rich"))
    );
    assert!(error["hint"].as_str().unwrap().contains("`text`"), "{error}");
    wish["text"] = json!("Breve");
    assert_eq!(house.post(&wish).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_same_key_with_another_rich_form_is_another_request() {
    let house = House::new().await;
    let wish = |title: &str| json!({ "to": "+393331234567", "rich": { "card": { "title": title } } });
    let first = house.post_with_key("k", &wish("a")).await;
    assert_eq!(house.post_with_key("k", &wish("a")).await.body, first.body);
    let other = house.post_with_key("k", &wish("b")).await;
    assert_eq!(other.json()["code"], "idempotency_key_reused");
}

#[tokio::test]
async fn channels_that_no_route_leads_by_are_told_of() {
    let house = House::new().await;
    let mut wish = json!({ "to": "+393331234567", "text": "Ciao", "channels": ["rcs"] });
    let problem = house.post(&wish).await.json();
    assert_eq!(
        (&problem["code"], &problem["errors"][0]["pointer"]),
        (&json!("no_route"), &json!("/channels"))
    );
    wish["channels"] = json!(["rcs", "sms"]);
    assert_eq!(house.post(&wish).await.status, StatusCode::ACCEPTED);
    wish["channels"] = json!(["sms", "sms"]);
    let problem = house.post(&wish).await.json();
    assert_eq!(problem["errors"][0]["pointer"], "/channels/1");
}
