//! `POST /v1/events` in its three forms, and messages that name a template.

use super::*;
use crate::config::{EventConfig, EventsConfig, UnknownEvent, Words};

const STRUCTURED: (&str, &str) = ("content-type", "application/cloudevents+json");
const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");

/// A house with one rule, whose templates are in a folder that goes with it.
struct Publishing {
    house: House,
    _templates: TempDir,
}

impl Publishing {
    async fn new() -> Self {
        Self::with(EventsConfig::default()).await
    }

    async fn at_rate(rate: u32) -> Self {
        Self::made(EventsConfig::default(), rate).await
    }

    async fn with(events: EventsConfig) -> Self {
        Self::made(events, 0).await
    }

    async fn made(events: EventsConfig, rate: u32) -> Self {
        let templates = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("shipped.en.txt", "Card {{ data.card | masked_card }} is on its way."),
            ("shipped.it.txt", "La carta {{ data.card | masked_card }} è in arrivo."),
            (
                "loop.en.txt",
                "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            ),
        ] {
            std::fs::write(templates.path().join(name), text).unwrap();
        }
        let mut config = config();
        config.templates.dir = Some(templates.path().to_owned());
        config.events = events;
        let scopes = vec![Scope::Events, Scope::Send, Scope::Read];
        let bank = config.client.get_mut(&name("bank")).unwrap();
        (bank.scopes, bank.rate) = (scopes, rate);
        let rule = |types: &str, template: &str| EventConfig {
            types: Words::One(types.into()),
            to: Words::One("{{ data.to }}".into()),
            template: template.into(),
            locale: Some("{{ lang | default(none) }}".into()),
            ..EventConfig::default()
        };
        config.event.insert(name("shipped"), rule("card.shipped", "shipped"));
        config.event.insert(name("loop"), rule("card.loop", "loop"));
        Self {
            house: House::with(&config, &settings(), Clock::manual(NOW)).await,
            _templates: templates,
        }
    }

    async fn post(&self, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
        self.post_at("/v1/events", headers, body.into()).await
    }

    async fn post_at(&self, target: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let request = request(Method::POST, target, "bank-key", headers, body);
        self.house.call(request).await
    }

    async fn publish(&self, event: &Value) -> Answer {
        self.post(&[STRUCTURED], event.to_string()).await
    }
}

fn event(id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/cards", "type": "card.shipped",
        "data": { "to": "+393331234567", "card": "*1234" }
    })
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    answer
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn an_event_makes_a_message_that_says_where_it_comes_from() {
    let it = Publishing::new().await;
    let answer = it.publish(&event("7")).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let made = answer.json();
    assert_eq!(
        (&made["matched"], &made["event"]),
        (&json!(1), &json!({ "source": "/cards", "id": "7" }))
    );
    let message = &made["messages"][0];
    assert_eq!(message["to"], "+39333***4567");
    assert_eq!(
        (&message["rule"], &message["state"]),
        (&json!("shipped"), &json!("queued"))
    );
    let shown = it
        .house
        .get(&format!("/v1/messages/{}", message["id"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(shown["text"], "Card *1234 is on its way.");
    assert_eq!(shown["timeline"][0]["event"], "by_event");
    assert_eq!(shown["timeline"][0]["note"], "by event 7 of /cards, rule shipped");
    assert_eq!(shown["timeline"][1]["event"], "accepted");
}

#[tokio::test]
async fn a_query_is_refused_rather_than_passed_over() {
    let it = Publishing::new().await;
    for (target, form, body) in [
        ("/v1/events?dry_run=true", STRUCTURED, event("7")),
        ("/v1/events?x", STRUCTURED, event("7")),
        ("/v1/events?dry_run=true", BATCH, json!([event("7")])),
    ] {
        let answer = it.post_at(target, &[form], body.to_string()).await;
        answer.is_problem(400, "invalid_query");
    }
    assert_eq!(it.house.stored().await, 0);
}

#[tokio::test]
async fn a_fault_in_the_headers_names_the_header() {
    let it = Publishing::new().await;
    let headers = |extra: (&'static str, &'static str)| {
        [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", "7"),
            ("ce-source", "/cards"),
            ("ce-type", "card.shipped"),
            extra,
        ]
    };
    let data = event("7")["data"].to_string();
    let hidden = it.post(&headers(("ce-data", "x")), data.clone()).await;
    assert_eq!(
        hidden.is_problem(422, "invalid_event")["errors"][0]["pointer"],
        "#ce-data"
    );
    let bad = it.post(&headers(("ce-foo_bar", "x")), data).await;
    let bad = bad.is_problem(422, "invalid_event");
    assert!(bad["detail"].as_str().unwrap().ends_with("`foo***` has not"), "{bad}");
    let answer = it.post(&[STRUCTURED], "[]").await;
    let problem = answer.is_problem(422, "invalid_event");
    assert_eq!(problem["detail"], "an event is a JSON object");
}

#[tokio::test]
async fn each_message_of_an_event_counts_against_its_clients_rate() {
    let it = Publishing::at_rate(2).await;
    let mut many = event("1");
    many["data"]["to"] = json!(vec!["+393331234567"; 50]);
    let answer = it.publish(&many).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    assert_eq!(it.house.stored().await, 50);
    for _ in 0..3 {
        let answer = it.publish(&event("2")).await;
        answer.is_problem(429, "rate_limited");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((20..=25).contains(&wait), "49 messages are owed at 2 a second: {wait}");
    }
    let message = json!({ "to": "+393331234567", "from": "Bank", "text": "x" });
    it.house.post(&message).await.is_problem(429, "rate_limited");
    assert_eq!(it.house.stored().await, 50);
}

#[tokio::test]
async fn the_three_forms_say_the_same() {
    let it = Publishing::new().await;
    let mut structured = event("caf\u{e9} 7");
    structured["lang"] = json!("it");
    structured["datacontenttype"] = json!("application/json");
    let first = it.publish(&structured).await;
    assert_eq!(first.status, 202, "{}", first.body);
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("ce-specversion", "1.0"),
        ("ce-id", "caf%C3%A9%207"),
        ("ce-source", "\"/cards\""),
        ("ce-type", "card.shipped"),
        ("ce-lang", "it"),
    ];
    let binary = it.post(&headers, structured["data"].to_string()).await;
    assert_eq!(binary.header("idempotency-replayed"), Some("true"), "{}", binary.body);
    assert_eq!(binary.body, first.body);
    let batch = lines(&it.post(&[BATCH], json!([structured]).to_string()).await);
    assert_eq!(
        (&batch[0]["replayed"], &batch[0]["messages"]),
        (&json!(true), &first.json()["messages"])
    );
    assert_eq!(it.house.stored().await, 1);
}

#[tokio::test]
async fn the_same_source_and_id_with_other_data_is_refused() {
    let it = Publishing::new().await;
    it.publish(&event("7")).await;
    let mut other = event("7");
    other["data"]["card"] = json!("*9999");
    it.publish(&other).await.is_problem(422, "idempotency_key_reused");
    other["source"] = json!("/others");
    assert_eq!(it.publish(&other).await.status, 202);
}

#[tokio::test]
async fn an_event_that_the_store_refuses_costs_no_other_of_its_batch() {
    let it = Publishing::new().await;
    let bad = crate::notify::Event::from_json(event("2")).unwrap();
    it.house.gate.refuse(&bad.key());
    let body = json!([event("1"), event("2"), event("3")]).to_string();
    let first = lines(&it.post(&[BATCH], body.clone()).await);
    let statuses =
        |lines: &[Value]| -> Vec<u64> { lines.iter().map(|line| line["status"].as_u64().unwrap()).collect() };
    assert_eq!(statuses(&first), [202, 503, 202]);
    assert_eq!(first[1]["error"]["code"], "store_unavailable");
    assert!(first[0].get("replayed").is_none(), "stored just now");
    assert_eq!(it.house.stored().await, 2);
    let again = lines(&it.post(&[BATCH], body).await);
    assert_eq!(statuses(&again), [202, 503, 202]);
    assert_eq!(
        (&again[0]["replayed"], &again[0]["messages"]),
        (&json!(true), &first[0]["messages"])
    );
}

#[tokio::test]
async fn a_batch_is_answered_line_by_line_and_one_bad_event_costs_nobody_else() {
    let it = Publishing::new().await;
    let mut no_number = event("2");
    no_number["data"]["to"] = json!("12");
    let mut no_route = event("3");
    no_route["data"]["to"] = json!("+447911123456");
    let mut unknown = event("4");
    unknown["type"] = json!("loan.granted");
    let deep = format!("{{\"data\":{}{}}}", "[".repeat(500), "]".repeat(500));
    let huge = "{\"specversion\":\"1.0\",\"data\":1e999}";
    let events = [event("1"), no_number, no_route, unknown, event("1"), json!(7)].map(|event| event.to_string());
    let body = format!("[{},{deep},{huge}]", events.join(","));
    let lines = lines(&it.post(&[BATCH], body).await);
    let statuses: Vec<_> = lines.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [202, 422, 202, 202, 202, 422, 400, 400]);
    assert!(lines.iter().enumerate().all(|(index, line)| line["index"] == index));
    let fault = &lines[1]["error"]["errors"][0];
    assert_eq!(
        (&fault["rule"], &fault["expression"]),
        (&json!("shipped"), &json!("to"))
    );
    assert_eq!(fault["code"], "invalid_number");
    assert_eq!(lines[2]["messages"][0]["state"], "failed");
    assert_eq!((&lines[3]["matched"], &lines[3]["messages"]), (&json!(0), &json!([])));
    assert_eq!(lines[4]["replayed"], true);
    assert_eq!(it.house.stored().await, 2);
}

#[tokio::test]
async fn an_unknown_type_is_refused_where_the_operator_wants_it() {
    let it = Publishing::with(EventsConfig {
        unknown: UnknownEvent::Refuse,
        ..EventsConfig::default()
    })
    .await;
    let mut unknown = event("7");
    unknown["type"] = json!("loan.granted");
    it.publish(&unknown).await.is_problem(422, "unknown_event");
}

#[tokio::test]
async fn hostile_events_get_a_clear_answer() {
    let it = Publishing::new().await;
    let deep = format!("{{\"data\":{}", "[".repeat(10_000));
    it.post(&[STRUCTURED], deep).await.is_problem(400, "invalid_json");
    it.post(&[STRUCTURED], "[]").await.is_problem(422, "invalid_event");
    it.post(&[STRUCTURED], "").await.is_problem(400, "invalid_json");
    it.post(&[BATCH], "{}").await.is_problem(400, "invalid_json");
    let large = json!({ "data": "x".repeat(70_000) }).to_string();
    it.post(&[STRUCTURED], large).await.is_problem(413, "body_too_large");
    let many = format!("[{}7]", "7,".repeat(1_000));
    it.post(&[BATCH], many).await.is_problem(413, "body_too_large");
    it.post(&[("content-type", "text/xml")], "<a/>")
        .await
        .is_problem(415, "unsupported_media_type");
    it.post(&[("content-type", "application/json")], "{}")
        .await
        .is_problem(415, "unsupported_media_type");
    let mut attribute = event("7");
    attribute["Region"] = json!("north");
    let problem = it.publish(&attribute).await.is_problem(422, "invalid_event");
    assert!(
        !problem.to_string().contains("Region"),
        "what came as a name may be anything"
    );
    let mut xml = event("7");
    xml["datacontenttype"] = json!("text/xml");
    it.publish(&xml).await.is_problem(415, "unsupported_media_type");
    let mut endless = event("7");
    endless["type"] = json!("card.loop");
    let problem = it.publish(&endless).await.is_problem(422, "template_failed");
    assert_eq!(
        (&problem["errors"][0]["template"], &problem["errors"][0]["rule"]),
        (&json!("loop.en"), &json!("loop"))
    );
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "%FF"),
        ("ce-source", "/c"),
        ("ce-type", "card.shipped"),
    ];
    let problem = it.post(&headers, "{}").await.is_problem(422, "invalid_event");
    assert_eq!(problem["errors"][0]["pointer"], "#ce-id");
    let problem = it
        .post(&[("ce-specversion", "1.0")], "{}")
        .await
        .is_problem(422, "required");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
    assert_eq!(it.house.stored().await, 0);
}

#[tokio::test]
async fn a_key_without_the_scope_publishes_nothing() {
    let it = Publishing::new().await;
    let request = request(
        Method::POST,
        "/v1/events",
        "shop-key",
        &[STRUCTURED],
        event("7").to_string(),
    );
    let problem = it.house.call(request).await.is_problem(403, "scope_missing");
    assert_eq!(problem["need"], "events");
}

#[tokio::test]
async fn a_message_may_name_a_template_instead_of_a_text() {
    let it = Publishing::new().await;
    let wish = json!({ "to": "+393331234567", "template": "shipped", "vars": { "card": "*1234" }, "locale": "it-CH" });
    let answer = it.house.post_with_key("k", &wish).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let shown = it.house.get(&format!("/v1/messages/{id}")).await.json();
    assert_eq!(shown["text"], "La carta *1234 è in arrivo.");
    assert_eq!(
        it.house.post_with_key("k", &wish).await.header("idempotency-replayed"),
        Some("true")
    );
    let mut other = wish.clone();
    other["vars"]["card"] = json!("*9999");
    it.house
        .post_with_key("k", &other)
        .await
        .is_problem(422, "idempotency_key_reused");
    let mut dry = wish;
    dry["dry_run"] = json!(true);
    assert_eq!(it.house.post(&dry).await.json()["segments"], 1);
    let ndjson = [("content-type", "application/x-ndjson")];
    let line = json!({ "to": "+393331234567", "template": "shipped", "vars": { "card": "*1" } }).to_string();
    let answer = it
        .house
        .call(request(Method::POST, "/v1/messages", "bank-key", &ndjson, line))
        .await;
    let problem: Value = serde_json::from_str(answer.body.lines().next().unwrap()).unwrap();
    assert_eq!(problem["error"]["errors"][0]["template"], "shipped.en", "{problem}");
}

#[tokio::test]
async fn a_template_that_cannot_be_used_is_said_with_its_place() {
    let it = Publishing::new().await;
    for (wish, code, pointer) in [
        (json!({ "template": "shiped" }), "unknown_template", "/template"),
        (json!({ "template": "shipped" }), "template_failed", "/template"),
        (
            json!({ "template": "shipped", "text": "x" }),
            "text_and_template",
            "/template",
        ),
        (
            json!({ "template": "shipped", "locale": "italian" }),
            "template_failed",
            "/locale",
        ),
        (json!({ "text": "x", "vars": {} }), "required", "/vars"),
        (json!({ "text": "x", "locale": "it" }), "required", "/locale"),
        (json!({}), "required", "/text"),
    ] {
        let mut whole = wish.clone();
        whole["to"] = json!("+393331234567");
        let problem = it.house.post(&whole).await.is_problem(422, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{wish}");
    }
    let problem = it
        .house
        .post(&json!({ "to": "+393331234567", "template": "shipped" }))
        .await
        .json();
    assert_eq!(
        (&problem["errors"][0]["template"], &problem["errors"][0]["line"]),
        (&json!("shipped.en"), &json!(1))
    );
    let problem = it.house.post(&json!({ "to": "12", "template": "shiped" })).await.json();
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "both faults at once");
}
