use super::*;

const TO: &str = "+393331234567";

impl House {
    async fn verify(&self, body: &Value) -> Answer {
        self.call(request(
            Method::POST,
            "/v1/verifications",
            "bank-key",
            &[],
            body.to_string(),
        ))
        .await
    }

    async fn check(&self, key: &str, id: &str, code: &str) -> Answer {
        let path = format!("/v1/verifications/{id}/check");
        let body = json!({ "code": code }).to_string();
        self.call(request(Method::POST, &path, key, &[], body)).await
    }

    /// The code on its way to the handset: its text is the only place where it stands.
    async fn code(&self, id: &str) -> String {
        let text = self.said(id).await;
        text.chars().filter(char::is_ascii_digit).take(6).collect()
    }

    async fn said(&self, message: &str) -> String {
        let shown = self.get(&format!("/v1/messages/{message}")).await.json();
        shown["text"].as_str().unwrap().to_owned()
    }
}

fn wish_for(customer: &str) -> Value {
    json!({ "to": TO, "customer": customer, "profile": "gold", "locale": "it" })
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

fn text_of<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member}: {value}"))
}

#[tokio::test]
async fn a_number_is_certified_by_the_code_that_comes_back_and_a_code_counts_once() {
    let house = House::new().await;
    let sent = house.verify(&wish_for("c-1")).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let asked = sent.json();
    let id = text_of(&asked, "id").to_owned();
    assert_eq!(
        sent.header("location"),
        Some(format!("/v1/verifications/{id}").as_str())
    );
    assert_eq!(
        (&asked["state"], &asked["tries_left"], &asked["to"]),
        (&json!("pending"), &json!(3), &json!(TO))
    );
    let message = text_of(&asked, "message");
    let shown = house.get(&format!("/v1/messages/{message}")).await.json();
    assert_eq!(
        (&shown["class"], &shown["expires_at"]),
        (&json!("otp"), &asked["expires_at"])
    );
    let code = house.code(message).await;
    assert!(!sent.body.contains(&code), "the code is told to the handset alone");
    for mistyped in ["", "the code", &code[1..], "12345678", "123 and 456"] {
        let none = house
            .check("bank-key", &id, mistyped)
            .await
            .is_problem(422, "invalid_code");
        assert_eq!(none["errors"][0]["pointer"], "/code", "{mistyped}");
    }
    let wrong = house
        .check("bank-key", &id, &another(&code))
        .await
        .is_problem(422, "code_wrong");
    assert_eq!(wrong["tries_left"], 2);
    house.check("shop-key", &id, &code).await.is_problem(404, "not_found");
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let right = house.check("bank-key", &id, &spaced).await;
    assert_eq!(
        (right.status.as_u16(), &right.json()["state"]),
        (200, &json!("verified")),
        "{}",
        right.body
    );
    house.check("bank-key", &id, &code).await.is_problem(409, "code_used");
    let number = house.get(&format!("/v1/certified/{TO}")).await.json();
    let held = &number["certified"][0];
    assert_eq!(
        (&held["customer"], &held["profile"], &held["client"], &held["state"]),
        (&json!("c-1"), &json!("gold"), &json!("bank"), &json!("certified"))
    );
    assert_eq!(
        house.get("/v1/certified").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let other = house
        .call(request(Method::GET, "/v1/certified", "shop-key", &[], ""))
        .await;
    assert_eq!(other.json()["data"], json!([]), "another client's are its own");
    let gone = house.delete(&format!("/v1/certified/{TO}")).await.json();
    assert_eq!(
        (&gone["certified"], &gone["history"][0]["state"]),
        (&json!([]), &json!("revoked"))
    );
    house
        .delete(&format!("/v1/certified/{TO}"))
        .await
        .is_problem(404, "not_found");
}

#[tokio::test]
async fn three_wrong_codes_or_five_minutes_end_a_code() {
    let house = House::new().await;
    let asked = house.verify(&wish_for("c-1")).await.json();
    let (id, code) = (text_of(&asked, "id"), house.code(text_of(&asked, "message")).await);
    for left in [2, 1] {
        let wrong = house
            .check("bank-key", id, &another(&code))
            .await
            .is_problem(422, "code_wrong");
        assert_eq!(wrong["tries_left"], left);
    }
    house
        .check("bank-key", id, &another(&code))
        .await
        .is_problem(409, "code_spent");
    house.check("bank-key", id, &code).await.is_problem(409, "code_spent");
    let later = house.verify(&wish_for("c-1")).await.json();
    let (id, code) = (text_of(&later, "id"), house.code(text_of(&later, "message")).await);
    house.clock.set(NOW.after(Duration::from_mins(5)));
    house.check("bank-key", id, &code).await.is_problem(409, "code_expired");
    let shown = house.get(&format!("/v1/verifications/{id}")).await.json();
    assert_eq!((&shown["state"], &shown["tries_left"]), (&json!("expired"), &json!(0)));
    assert_eq!(house.get("/v1/certified").await.json()["data"], json!([]));
}

#[tokio::test]
async fn tries_at_the_same_moment_count_each() {
    let house = House::new().await;
    let asked = house.verify(&wish_for("c-1")).await.json();
    let (id, code) = (text_of(&asked, "id"), house.code(text_of(&asked, "message")).await);
    let wrong = another(&code);
    let tries = (0..12).map(|_| house.check("bank-key", id, &wrong));
    let answers = futures_util::future::join_all(tries).await;
    let wrong = answers.iter().filter(|answer| answer.status == 422).count();
    assert!(wrong <= 2, "{wrong}");
    house.check("bank-key", id, &code).await.is_problem(409, "code_spent");
}

#[tokio::test]
async fn the_same_key_sends_one_code_and_a_number_gets_so_many_an_hour() {
    let house = House::new().await;
    let keyed = async |key: &str, body: Value| {
        let headers = [("idempotency-key", key)];
        house
            .call(request(
                Method::POST,
                "/v1/verifications",
                "bank-key",
                &headers,
                body.to_string(),
            ))
            .await
    };
    let first = keyed("a", wish_for("c-1")).await;
    let again = keyed("a", wish_for("c-1")).await;
    assert_eq!(
        (first.body == again.body, again.header("idempotency-replayed")),
        (true, Some("true"))
    );
    keyed("a", wish_for("c-2"))
        .await
        .is_problem(422, "idempotency_key_reused");
    assert_eq!(house.stored().await, 1);
    for _ in 0..4 {
        assert_eq!(house.verify(&wish_for("c-1")).await.status, 202);
    }
    let late = house.verify(&wish_for("c-1")).await;
    late.is_problem(429, "rate_limited");
    assert!(late.header("retry-after").is_some());
    assert_eq!(
        keyed("a", wish_for("c-1")).await.status,
        202,
        "what was sent is told again"
    );
    let other = json!({ "to": "+393331234568", "customer": "c-1" });
    assert_eq!(house.verify(&other).await.status, 202);
    assert_eq!(house.stored().await, 6);
}

#[tokio::test]
async fn what_cannot_be_verified_is_told_with_its_place() {
    let house = House::new().await;
    for (body, code, pointer) in [
        (json!({ "customer": "c" }), "required", "/to"),
        (json!({ "to": TO }), "required", "/customer"),
        (json!({ "to": "12", "customer": "c" }), "invalid_number", "/to"),
        (json!({ "to": TO, "customer": "" }), "invalid_reference", "/customer"),
        (
            json!({ "to": TO, "customer": "c", "profile": "Gold!" }),
            "invalid_reference",
            "/profile",
        ),
        (
            json!({ "to": TO, "customer": "c", "template": "none" }),
            "unknown_template",
            "/template",
        ),
        (json!({ "to": "+15005550006", "customer": "c" }), "no_route", "/to"),
    ] {
        let problem = house.verify(&body).await.is_problem(422, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    house
        .check("bank-key", "ver_1", "123456")
        .await
        .is_problem(400, "invalid_id");
    let id = format!("ver_{}", "0".repeat(32));
    house
        .check("bank-key", &id, "123456")
        .await
        .is_problem(404, "not_found");
    let path = format!("/v1/verifications/{id}/check");
    let empty = house.call(request(Method::POST, &path, "bank-key", &[], "{}")).await;
    empty.is_problem(422, "required");
    let reader = house
        .call(request(Method::POST, "/v1/verifications", "reader-key", &[], "{}"))
        .await;
    reader.is_problem(403, "scope_missing");
}

#[tokio::test]
async fn what_a_personal_template_says_goes_to_certified_numbers_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret.en.txt"), "Your balance is {{ data.sum }}.").unwrap();
    std::fs::write(dir.path().join("verify.en.txt"), "Code {{ code }}, {{ data.shop }}.").unwrap();
    let mut config = config();
    config.templates.dir = Some(dir.path().to_owned());
    for template in ["secret", "verify"] {
        let personal = crate::config::TemplateConfig {
            personal: true,
            ..Default::default()
        };
        config.template.insert(name(template), personal);
    }
    let house = House::with(&config, &settings(), Clock::manual(NOW)).await;
    let secret = json!({ "to": TO, "template": "secret", "vars": { "sum": 7 } });
    let problem = house.post(&secret).await.is_problem(422, "number_not_certified");
    assert_eq!(problem["errors"][0]["pointer"], "/to");
    assert!(!problem.to_string().contains("1234567"));
    let lines = format!("{secret}\n{{\"to\":\"{TO}\",\"text\":\"x\"}}\n");
    let headers = [("content-type", "application/x-ndjson")];
    let answer = house
        .call(request(Method::POST, "/v1/messages", "bank-key", &headers, lines))
        .await;
    let states: Vec<bool> = answer
        .body
        .lines()
        .map(|line| line.contains("number_not_certified"))
        .collect();
    assert_eq!(states, [true, false]);
    // A code is how it begins.
    let code = json!({ "to": TO, "template": "secret", "vars": { "sum": 7 }, "class": "otp" });
    assert_eq!(house.post(&code).await.status, 202);
    let asked = json!({ "to": TO, "customer": "c-1", "template": "verify", "vars": { "shop": "Rome" } });
    let asked = house.verify(&asked).await.json();
    let message = text_of(&asked, "message");
    assert!(house.said(message).await.ends_with(", Rome."));
    let code = house.code(message).await;
    assert_eq!(house.check("bank-key", text_of(&asked, "id"), &code).await.status, 200);
    assert_eq!(house.post(&secret).await.status, 202);
    assert_eq!(house.delete(&format!("/v1/certified/{TO}")).await.status, 200);
    house.post(&secret).await.is_problem(422, "number_not_certified");
}

#[tokio::test]
async fn codes_of_the_last_hour_count_over_a_restart() {
    let house = House::new().await;
    for _ in 0..5 {
        assert_eq!(house.verify(&wish_for("c-1")).await.status, 202);
    }
    let clock = Clock::manual(NOW.after(Duration::from_mins(13)));
    let router = house.state.intake.router.clone();
    let state = ApiState::new(
        &config(),
        house.state.outbox.clone(),
        house.state.store.clone(),
        router,
        clock.clone(),
        CancellationToken::new(),
    );
    let state = state.unwrap();
    state.recall().await.unwrap();
    let app = api_router(state);
    let ask = async || {
        let body = wish_for("c-1").to_string();
        call(&app, request(Method::POST, "/v1/verifications", "bank-key", &[], body)).await
    };
    assert_eq!(ask().await.status, 202, "one has come free in twelve minutes");
    ask().await.is_problem(429, "rate_limited");
    clock.set(NOW.after(Duration::from_mins(25)));
    assert_eq!(ask().await.status, 202);
}
