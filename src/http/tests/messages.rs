use super::*;

#[tokio::test]
async fn an_accepted_message_is_stored_and_shown_with_its_timeline() {
    let house = House::new().await;
    let answer = house
        .post(&json!({ "to": "+393331234567", "text": "12 €", "class": "otp", "reference": "order-7" }))
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let accepted = answer.json();
    assert_eq!(
        accepted,
        json!({
            "id": accepted["id"], "to": "+393331234567", "state": "queued", "encoding": "gsm7", "segments": 1, "units": 5, "route": "italy",
            "carriers": ["tim"], "characters_replaced": [], "expires_at": "2026-11-21T10:10:00.000Z",
        })
    );
    let location = answer.header("location").unwrap();
    assert_eq!(location, format!("/v1/messages/{}", accepted["id"].as_str().unwrap()));

    let message = house.get(location).await.json();
    assert_eq!(message["to"], "+393331234567");
    assert_eq!((&message["from"], &message["text"]), (&json!("Bank"), &json!("12 €")));
    assert_eq!(
        (&message["reference"], &message["class"]),
        (&json!("order-7"), &json!("otp"))
    );
    assert_eq!(
        message["timeline"],
        json!([{ "at": "2026-11-21T10:00:00.000Z", "event": "accepted" }])
    );
    assert_eq!(message.get("client"), None);
}

#[tokio::test]
async fn a_message_for_later_is_scheduled() {
    let house = House::new().await;
    let mut wish = wish();
    wish["not_before"] = json!("2026-11-22T11:00:00+01:00");
    let accepted = house.post(&wish).await.json();
    assert_eq!(accepted["state"], "scheduled");
    assert_eq!(
        accepted["expires_at"], "2026-11-23T10:00:00.000Z",
        "validity counts from the start"
    );
    let message = house
        .get(&format!("/v1/messages/{}", accepted["id"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(
        (&message["state"], &message["not_before"]),
        (&json!("scheduled"), &json!("2026-11-22T10:00:00.000Z"))
    );
}

#[tokio::test]
async fn a_not_before_a_moment_ago_is_now() {
    let house = House::new().await;
    let mut wish = wish();
    wish["not_before"] = json!("2026-11-21T09:59:30Z");
    assert_eq!(house.post(&wish).await.json()["state"], "queued");
}

#[tokio::test]
async fn a_dry_run_answers_the_same_and_stores_nothing() {
    let house = House::new().await;
    let wish = json!({ "to": "393331234567", "text": "ж".repeat(71), "dry_run": true });
    let answer = house.post_with_key("k", &wish).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::OK, None));
    let view = answer.json();
    assert_eq!((&view["id"], &view["dry_run"]), (&Value::Null, &json!(true)));
    assert_eq!(
        (&view["encoding"], &view["segments"], &view["units"]),
        (&json!("ucs2"), &json!(2), &json!(71))
    );
    assert_eq!(house.stored().await, 0);
}

#[tokio::test]
async fn the_same_key_and_message_gets_the_stored_answer() {
    let house = House::new().await;
    let first = house.post_with_key("k-1", &wish()).await;
    let again = house
        .post_with_key("k-1", &json!({ "text": "Ciao", "to": "+393331234567" }))
        .await;
    assert_eq!(
        (first.status, again.status),
        (StatusCode::ACCEPTED, StatusCode::ACCEPTED)
    );
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(
        (
            first.header("idempotency-replayed"),
            again.header("idempotency-replayed")
        ),
        (None, Some("true"))
    );
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn the_stored_answer_is_given_again_though_the_message_would_be_refused_by_now() {
    let house = House::new().await;
    let soon = json!({ "to": "+393331234567", "text": "Ciao", "expires_at": NOW.after(Duration::from_secs(3)) });
    let first = house.post_with_key("k-1", &soon).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    house.clock.set(NOW.after(Duration::from_secs(5)));
    let again = house.post_with_key("k-1", &soon).await;
    assert_eq!((again.status, &again.body), (StatusCode::ACCEPTED, &first.body));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    house
        .post_with_key("k-2", &soon)
        .await
        .is_problem(422, "invalid_validity");
    let other = json!({ "to": "+393331234567", "text": "Altro", "expires_at": NOW });
    house
        .post_with_key("k-1", &other)
        .await
        .is_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_list_is_not_a_message() {
    let house = House::new().await;
    let answer = house.post(&json!(["+393331234567", "Ciao"])).await;
    answer.is_problem(400, "invalid_json");
    assert!(answer.body.contains("expected an object"), "{}", answer.body);
    assert_eq!(house.stored().await, 0);
}

#[tokio::test]
async fn a_key_used_for_another_message_is_refused() {
    let house = House::new().await;
    house.post_with_key("k-1", &wish()).await;
    let other = house
        .post_with_key("k-1", &json!({ "to": "+393331234567", "text": "Altro" }))
        .await;
    other.is_problem(422, "idempotency_key_reused");
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_client() {
    let house = House::new().await;
    let headers = [("idempotency-key", "k-1")];
    house.post_with_key("k-1", &wish()).await;
    let body = json!({ "to": "+393331234567", "text": "Other", "from": "Shop" }).to_string();
    let other = house
        .call(request(Method::POST, "/v1/messages", "shop-key", &headers, body))
        .await;
    assert_eq!(other.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn twins_at_the_same_time_are_one_message() {
    let house = House::new().await;
    let held = house.gate.close().await;
    let wish = wish();
    let twins = futures_util::future::join_all((0..8).map(|_| house.post_with_key("twin", &wish)));
    let (answers, ()) = tokio::join!(twins, async {
        tokio::task::yield_now().await;
        drop(held);
    });
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == StatusCode::ACCEPTED && answer.body == answers[0].body)
    );
    let first_ones = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed").is_none())
        .count();
    assert_eq!((first_ones, house.stored().await), (1, 1));
}

#[tokio::test]
async fn a_message_is_canceled_once_and_stays_so() {
    let house = House::new().await;
    let path = house.post(&wish()).await.header("location").unwrap().to_owned();
    for _ in 0..2 {
        let answer = house.delete(&path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            (&answer.json()["state"], &answer.json()["reason"]),
            (&json!("canceled"), &json!("canceled_by_sender"))
        );
    }
    let last = house.get(&path).await.json()["timeline"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(last["event"], "canceled");
}

#[tokio::test]
async fn what_a_carrier_has_is_not_canceled() {
    use crate::outbox::{Offer, Service};

    let house = House::new().await;
    let bind = crate::domain::BindRef {
        carrier: name("tim"),
        bind: 0,
    };
    let lane = crate::domain::Lane {
        route: name("italy"),
        step: 0,
    };
    let services = vec![Service {
        lane,
        weight: 1,
        urgent_only: false,
    }];
    let (claims, mut claimed) = tokio::sync::mpsc::unbounded_channel();
    let offer = Offer {
        services,
        window: 10,
        taken: crate::outbox::Taken::default(),
        pace: Arc::new(crate::throttle::CarrierPace::new(0)),
    };
    house.state.outbox.bind_up(bind, offer, claims).await;
    let path = house.post(&wish()).await.header("location").unwrap().to_owned();
    claimed.recv().await.unwrap();

    let problem = house.delete(&path).await.is_problem(409, "already_submitted");
    assert_eq!(
        (&problem["state"], &problem["at"]),
        (&json!("claimed"), &json!("2026-11-21T10:00:00.000Z"))
    );
    let timeline = house.get(&path).await.json()["timeline"].clone();
    assert_eq!(
        (&timeline[1]["event"], &timeline[1]["carrier"], &timeline[1]["bind"]),
        (&json!("claimed"), &json!("tim"), &json!(0))
    );
}

#[tokio::test]
async fn another_client_s_message_is_not_found() {
    let house = House::new().await;
    let path = house.post(&wish()).await.header("location").unwrap().to_owned();
    for method in [Method::GET, Method::DELETE] {
        house
            .call(request(method, &path, "shop-key", &[], ""))
            .await
            .is_problem(404, "not_found");
    }
    assert_eq!(house.get(&path).await.json()["state"], "queued");
}

#[tokio::test]
async fn a_callback_of_a_client_with_a_secret_is_kept_unless_it_points_inside() {
    let house = House::new().await;
    let send = |url: &str| {
        let body = json!({ "to": "+393331234567", "text": "x", "from": "Shop", "callback": url }).to_string();
        house.call(request(Method::POST, "/v1/messages", "shop-key", &[], body))
    };
    assert_eq!(
        send("https://shop.example/outcome?x=1").await.status,
        StatusCode::ACCEPTED
    );
    let inside = [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/x",
        "https://169.254.169.254/",
    ];
    let odd = [
        "http://shop.example/",
        "https://u:p@shop.example/",
        "https://shop.example/#f",
        "ftp://shop.example/",
        "x",
    ];
    for url in inside.into_iter().chain(odd) {
        let problem = send(url).await.is_problem(422, "invalid_callback");
        assert_eq!(problem["errors"][0]["pointer"], "/callback", "{url}");
    }
}

#[tokio::test]
async fn several_faults_are_told_at_once() {
    let house = House::new().await;
    let wish = json!({ "to": "0049151", "text": "", "class": "servise", "from": "Other", "expires_at": "soon" });
    let problem = house.post(&wish).await.is_problem(422, "invalid_number");
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].clone())
        .collect();
    assert_eq!(pointers, ["/to", "/text", "/from", "/class", "/expires_at"]);
    assert_eq!(problem["errors"][0]["got"], "004***");
    assert_eq!(problem["errors"][3]["hint"], "did you mean `service`?");
}

#[tokio::test]
async fn a_client_that_is_too_fast_is_told_when_to_come_back() {
    let house = House::new().await;
    let send = || {
        house.call(request(
            Method::POST,
            "/v1/messages",
            "slow-key",
            &[],
            wish().to_string(),
        ))
    };
    assert_eq!(
        (send().await.status, send().await.status),
        (StatusCode::ACCEPTED, StatusCode::ACCEPTED)
    );
    let third = send().await;
    let problem = third.is_problem(429, "rate_limited");
    assert_eq!((third.header("retry-after"), &problem["limit"]), (Some("1"), &json!(2)));
    assert_eq!(
        house.post(&wish()).await.status,
        StatusCode::ACCEPTED,
        "others are not slowed"
    );
}

#[tokio::test]
async fn the_caller_s_request_id_and_correlator_come_back() {
    let house = House::new().await;
    let headers = [("x-request-id", "abc-1"), ("x-correlator", "c-9")];
    let answer = house
        .call(request(Method::GET, "/v1/messages/x", "bank-key", &headers, ""))
        .await;
    assert_eq!(
        (answer.header("x-request-id"), answer.header("x-correlator")),
        (Some("abc-1"), Some("c-9"))
    );
    assert_eq!(answer.json()["request_id"], "abc-1");
}

#[tokio::test]
async fn head_and_options_are_answered_sanely() {
    let house = House::new().await;
    let head = house
        .call(request(Method::HEAD, "/v1/messages", "bank-key", &[], ""))
        .await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    let options = house.call(request(Method::OPTIONS, "/v1/messages", "", &[], "")).await;
    assert_eq!(
        (options.status, options.header("allow")),
        (StatusCode::NO_CONTENT, Some("GET,HEAD,POST"))
    );
}

#[tokio::test]
async fn every_problem_has_its_page() {
    let house = House::new().await;
    for code in crate::http::Code::ALL {
        let page = house.get(&format!("/docs/problems/{}", code.word())).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains(code.help()));
    }
    house.get("/docs/problems/nonsense").await.is_problem(404, "not_found");
}

#[tokio::test]
async fn the_description_for_programs_is_the_committed_one() {
    let house = House::new().await;
    let served = house.call(request(Method::GET, "/openapi.json", "", &[], "")).await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert!(served.json()["openapi"].as_str().unwrap().starts_with("3.1"));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi.json");
    if std::env::var_os("ARALDO_WRITE_OPENAPI").is_some() {
        std::fs::write(file, format!("{}\n", served.body)).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert_eq!(
        committed.trim_end(),
        served.body,
        "run this test with ARALDO_WRITE_OPENAPI=1 and commit the file"
    );
}

#[tokio::test]
async fn the_description_names_the_fields_that_are_read() {
    let described: Value = serde_json::from_str(crate::http::openapi_document()).unwrap();
    let properties = described["components"]["schemas"]["MessageRequest"]["properties"]
        .as_object()
        .unwrap();
    let mut described: Vec<&str> = properties.keys().map(String::as_str).collect();
    let mut read = crate::accept::FIELDS.to_vec();
    described.sort_unstable();
    read.sort_unstable();
    assert_eq!(described, read);
}

#[test]
fn the_description_holds_together() {
    let described: Value = serde_json::from_str(crate::http::openapi_document()).unwrap();
    let text = described.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(described.pointer(pointer).is_some(), "{pointer}");
    }
    let paths = described["paths"].as_object().unwrap().values();
    let mut ids: Vec<_> = paths
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|it| it["operationId"].to_string())
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), all), (21, 21));
}

#[tokio::test]
async fn more_requests_at_once_than_allowed_are_told_to_wait() {
    let mut config = config();
    config.http.max_requests = 1;
    let house = House::with(&config, &settings(), Clock::manual(NOW)).await;
    let held = house.gate.close().await;
    let wish = wish();
    let (first, second) = tokio::join!(house.post(&wish), async {
        tokio::task::yield_now().await;
        let second = house.post(&wish).await;
        drop(held);
        second
    });
    assert_eq!(first.status, StatusCode::ACCEPTED);
    second.is_problem(503, "overloaded");
    assert_eq!(second.header("retry-after"), Some("1"));
}
