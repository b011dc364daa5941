use super::*;

fn consenting() -> Config {
    let mut config = config();
    let bank = config.client.get_mut(&name("bank")).unwrap();
    bank.scopes.push(Scope::Consent);
    let shop = config.client.get_mut(&name("shop")).unwrap();
    shop.scopes.push(Scope::Consent);
    config
}

async fn house() -> House {
    House::with(&consenting(), &settings(), Clock::manual(NOW)).await
}

const PERSON: &str = "/v1/consents/+393331234567";

impl House {
    async fn put(&self, key: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.call(request(Method::PUT, PERSON, key, &headers, body.to_string()))
            .await
    }

    async fn import(&self, lines: &str) -> Vec<Value> {
        let headers = [("content-type", "application/x-ndjson")];
        let answer = self
            .call(request(
                Method::POST,
                "/v1/consents",
                "bank-key",
                &headers,
                lines.to_owned(),
            ))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
            .body
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    async fn export(&self) -> String {
        let headers = [("accept", "application/x-ndjson")];
        let answer = self
            .call(request(Method::GET, "/v1/consents", "bank-key", &headers, ""))
            .await;
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        answer.body
    }
}

#[tokio::test]
async fn an_opt_out_suppresses_what_waits_and_what_comes_and_codes_go_on() {
    let house = house().await;
    let waiting = house.post(&wish()).await.json();
    assert_eq!(waiting["state"], "queued");
    let noted = house
        .put("bank-key", &json!({ "state": "opted_out", "note": "call 7" }))
        .await;
    assert_eq!(noted.status, 200, "{}", noted.body);
    let person = noted.json();
    assert_eq!(person["suppressed"], 1);
    assert_eq!(person["consents"][0]["state"], "opted_out");
    let entry = &person["history"][0];
    assert_eq!(
        (&entry["source"], &entry["note"], &entry["topic"]),
        (&json!("api"), &json!("call 7"), &json!("*"))
    );
    let path = format!("/v1/messages/{}", waiting["id"].as_str().unwrap());
    let ended = house.get(&path).await.json();
    assert_eq!(
        (&ended["state"], &ended["reason"]),
        (&json!("suppressed"), &json!("opted_out"))
    );
    let later = house.post(&wish()).await;
    assert_eq!(
        (later.status, later.json()["state"].as_str().unwrap().to_owned()),
        (StatusCode::ACCEPTED, "suppressed".to_owned())
    );
    let path = format!("/v1/messages/{}", later.json()["id"].as_str().unwrap());
    assert_eq!(house.get(&path).await.json()["reason"], "opted_out");
    let code = house
        .post(&json!({ "to": "+393331234567", "text": "1234", "class": "otp" }))
        .await;
    assert_eq!(code.json()["state"], "queued");
    let dry = house
        .post(&json!({ "to": "+393331234567", "text": "x", "dry_run": true }))
        .await;
    assert_eq!(dry.json()["state"], "suppressed");
    let back = house.put("bank-key", &json!({ "state": "opted_in" })).await;
    assert_eq!(back.json()["consents"][0]["state"], "opted_in");
    assert_eq!(house.post(&wish()).await.json()["state"], "queued");
}

#[tokio::test]
async fn a_topic_is_refused_alone() {
    let house = house().await;
    house
        .put("bank-key", &json!({ "state": "opted_out", "topic": "offerte" }))
        .await;
    let send = async |class: &str| {
        let wish = json!({ "to": "+393331234567", "text": "Ciao", "class": class });
        house.post(&wish).await.json()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (send("marketing").await, send("service").await),
        ("suppressed".to_owned(), "queued".to_owned())
    );
    let person = house.get(PERSON).await.json();
    assert_eq!(person["consents"][0]["topic"], "promo");
}

#[tokio::test]
async fn what_was_said_is_taken_back_and_stays_in_the_history() {
    let house = house().await;
    house.put("bank-key", &json!({ "state": "opted_out" })).await;
    let gone = house.delete(PERSON).await.json();
    assert_eq!(
        (&gone["consents"], gone["history"].as_array().unwrap().len()),
        (&json!([]), 2)
    );
    assert_eq!(gone["history"][0]["state"], "withdrawn");
    assert_eq!(house.post(&wish()).await.json()["state"], "queued");
}

#[tokio::test]
async fn another_brands_consents_are_its_own() {
    let house = house().await;
    house.put("shop-key", &json!({ "state": "opted_out" })).await;
    assert_eq!(house.post(&wish()).await.json()["state"], "queued");
    assert_eq!(house.get(PERSON).await.json()["history"], json!([]));
    house
        .put("bank-key", &json!({ "state": "opted_out", "brand": "shop" }))
        .await
        .is_problem(422, "unknown_brand");
}

#[tokio::test]
async fn a_list_is_imported_line_by_line_and_exported_as_it_can_be_imported() {
    let house = house().await;
    let lines = "{\"msisdn\":\"+393331234567\",\"state\":\"opted_out\",\"at\":\"2026-03-01T10:00:00Z\",\"source\":\"sms\"}\n\
                 {\"msisdn\":\"nobody\",\"state\":\"opted_out\"}\n\n\
                 {\"msisdn\":\"+393331234567\",\"state\":\"opted_in\",\"at\":\"2026-02-01T10:00:00Z\"}\n\
                 {\"msisdn\":\"+393331234568\",\"state\":\"opted_in\",\"topic\":\"promo\",\"note\":\"form\"}\n\
                 {\"msisdn\":\"+393331234568\",\"state\":\"maybe\"}\n";
    let results = house.import(lines).await;
    let told: Vec<_> = results
        .iter()
        .map(|it| (it["line"].as_u64().unwrap(), it["result"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (1, json!("noted")),
            (2, Value::Null),
            (4, json!("outdated")),
            (5, json!("noted")),
            (6, Value::Null)
        ]
    );
    assert_eq!(
        (&results[1]["error"]["code"], &results[4]["error"]["code"]),
        (&json!("invalid_number"), &json!("invalid_state"))
    );
    let exported = house.export().await;
    let entries: Vec<Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 2);
    let wanted = json!({
        "msisdn": "+393331234567", "brand": "bank", "topic": "*", "state": "opted_out", "source": "sms",
        "at": "2026-03-01T10:00:00.000Z"
    });
    assert_eq!(entries[0], wanted);
    let again = house.import(&exported).await;
    assert!(again.iter().all(|result| result["result"] == "same"), "{again:?}");
}

#[tokio::test]
async fn what_cannot_be_noted_is_told_with_its_place() {
    let house = house().await;
    for (body, code, pointer) in [
        (json!({}), "required", "/state"),
        (json!({ "state": "withdrawn" }), "invalid_state", "/state"),
        (
            json!({ "state": "opted_out", "topic": "weather" }),
            "unknown_topic",
            "/topic",
        ),
        (json!({ "state": "opted_out", "at": "soon" }), "invalid_validity", "/at"),
        (
            json!({ "state": "opted_out", "at": "2030-01-01T00:00:00Z" }),
            "invalid_validity",
            "/at",
        ),
        (
            json!({ "state": "opted_out", "note": "x".repeat(257) }),
            "invalid_reference",
            "/note",
        ),
    ] {
        let problem = house.put("bank-key", &body).await.is_problem(422, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    let path = "/v1/consents/12";
    house.get(path).await.is_problem(422, "invalid_number");
    let answer = house.put("reader-key", &json!({ "state": "opted_out" })).await;
    answer.is_problem(403, "scope_missing");
    house.put("bank-key", &json!({ "state": "opted_out" })).await;
    let older = json!({ "state": "opted_in", "at": "2026-01-01T00:00:00Z" });
    house.put("bank-key", &older).await.is_problem(422, "invalid_validity");
}

#[tokio::test]
async fn consents_are_listed_page_by_page() {
    let house = house().await;
    let lines: String = (0..3)
        .map(|n| format!("{{\"msisdn\":\"+39333123456{n}\",\"state\":\"opted_out\"}}\n"))
        .collect();
    house.import(&lines).await;
    let first = house.get("/v1/consents?limit=2").await.json();
    assert_eq!(first["data"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let rest = house.get(&format!("/v1/consents?limit=2&after={next}")).await.json();
    assert_eq!(
        (rest["data"].as_array().unwrap().len(), &rest["next"]),
        (1, &Value::Null)
    );
}

#[tokio::test]
async fn a_message_in_quiet_hours_is_scheduled_till_their_end() {
    let mut config = consenting();
    let hours = crate::config::QuietHoursConfig {
        from: "09:00".to_owned(),
        to: "12:00".to_owned(),
        days: Vec::new(),
    };
    config.quiet_hours.insert(crate::domain::Class::Marketing, hours);
    // Eleven in Rome.
    let house = House::with(&config, &settings(), Clock::manual(NOW)).await;
    let offer = json!({ "to": "+393331234567", "text": "Sconti", "class": "marketing" });
    let accepted = house.post(&offer).await.json();
    assert_eq!(accepted["state"], "scheduled");
    assert_eq!(
        accepted["expires_at"], "2026-11-21T19:00:00.000Z",
        "eight hours from noon there"
    );
    assert_eq!(house.post(&wish()).await.json()["state"], "queued", "another class");
}
