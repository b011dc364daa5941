use super::lists::text_to;
use super::*;
use crate::domain::CaseId;
use crate::store::two_way::Leaves;
use crate::store::{Between, CaseReason, CaseStep, InboundResult, NewCase, Turn, TurnResult};

async fn house() -> House {
    let mut config = config();
    let bank = config.client.get_mut(&name("bank")).unwrap();
    bank.scopes.push(Scope::Cases);
    let house = House::with(&config, &settings(), Clock::manual(NOW)).await;
    let text = text_to("12345", 7);
    let InboundResult::Stored(seq) = house.state.outbox.inbound(text).await.unwrap() else {
        panic!("a text is stored")
    };
    let mut turn = Turn::new(Leaves::Text {
        seq,
        parts: Vec::new(),
        outcome: "case".into(),
        whole: None,
    });
    turn.case = Some(CaseStep::Open(Box::new(NewCase {
        id: CaseId(48_213_077),
        between: Between {
            number: "393331234567".into(),
            address: "12345".into(),
        },
        client: name("bank"),
        reason: CaseReason::NotUnderstood,
        understood: Some("nothing".into()),
        language: "it".into(),
        heard_at: NOW,
        due_at: NOW.after(Duration::from_hours(4)),
        note: None,
    })));
    let taken = house.state.outbox.turn(turn).await.unwrap();
    assert!(matches!(taken, TurnResult::Done { .. }), "{taken:?}");
    house
}

impl House {
    async fn act(&self, act: &str, body: &Value) -> Answer {
        let path = format!("/v1/cases/TK-48213077/{act}");
        self.call(request(Method::POST, &path, "bank-key", &[], body.to_string()))
            .await
    }
}

#[tokio::test]
async fn a_case_is_taken_noted_answered_and_solved_by_its_owner() {
    let house = house().await;
    let listed = house.get("/v1/cases?state=opened").await.json();
    assert_eq!(
        (&listed["data"][0]["id"], &listed["data"][0]["colour"]),
        (&json!("TK-48213077"), &json!("red"))
    );
    let early = house
        .act("answer", &json!({ "by": "anna", "text": "Buongiorno" }))
        .await;
    early.is_problem(409, "case_not_so");
    let taken = house.act("take", &json!({ "by": "anna" })).await.json();
    assert_eq!(
        (&taken["state"], &taken["owner"], &taken["colour"]),
        (&json!("taken"), &json!("anna"), &json!("yellow"))
    );
    let other = house
        .act("take", &json!({ "by": "bruno" }))
        .await
        .is_problem(409, "case_not_so");
    assert_eq!(other["owner"], "anna");
    house
        .act("note", &json!({ "by": "bruno", "text": "un vecchio cliente" }))
        .await;
    let answered = house
        .act("answer", &json!({ "by": "anna", "text": "Buongiorno" }))
        .await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    let case = answered.json();
    assert_eq!(
        (&case["due_at"], &case["notes"][0]["by"]),
        (&Value::Null, &json!("bruno"))
    );
    let said = |n: usize| {
        let text = &case["history"][n];
        ["direction", "text", "state"].map(|member| text[member].as_str().unwrap_or_default())
    };
    assert_eq!(said(0), ["in", "SALDO", ""]);
    assert_eq!(said(1), ["out", "Buongiorno", "queued"]);
    for (verb, spare) in [("solve", "text"), ("take", "text"), ("solve", "from"), ("note", "from")] {
        let refused = house
            .act(verb, &json!({ "by": "anna", spare: "Addio" }))
            .await
            .is_problem(400, "invalid_json");
        assert_eq!(refused["errors"][0]["pointer"], format!("/{spare}"), "{verb}");
    }
    let solved = house.act("solve", &json!({ "by": "anna" })).await.json();
    assert_eq!(solved["state"], "solved");
    house
        .act("solve", &json!({ "by": "anna" }))
        .await
        .is_problem(409, "case_not_so");
}

#[tokio::test]
async fn another_clients_case_is_not_found_and_what_is_wrong_is_told() {
    let house = house().await;
    house.get("/v1/cases/TK-1").await.is_problem(404, "not_found");
    house.get("/v1/cases/7").await.is_problem(400, "invalid_id");
    house
        .act("burn", &json!({ "by": "anna" }))
        .await
        .is_problem(404, "not_found");
    house.act("take", &json!({})).await.is_problem(422, "required");
    house
        .act("note", &json!({ "by": "anna" }))
        .await
        .is_problem(422, "required");
    let path = "/v1/cases/TK-48213077";
    let answer = house.call(request(Method::GET, path, "reader-key", &[], "")).await;
    answer.is_problem(403, "scope_missing");
}

#[tokio::test]
async fn the_same_act_under_the_same_key_is_done_once() {
    let house = house().await;
    house.act("take", &json!({ "by": "anna" })).await;
    let keyed = async |key: &str, act: &str, body: Value| {
        let path = format!("/v1/cases/TK-48213077/{act}");
        let headers = [("idempotency-key", key)];
        house
            .call(request(Method::POST, &path, "bank-key", &headers, body.to_string()))
            .await
    };
    let answer = json!({ "by": "anna", "text": "Buongiorno" });
    let first = keyed("a", "answer", answer.clone()).await;
    assert_eq!(
        (first.status.as_u16(), first.header("idempotency-replayed")),
        (200, None)
    );
    // The case has moved on since.
    house.act("solve", &json!({ "by": "anna" })).await;
    let again = keyed("a", "answer", answer).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.status.as_u16(), &again.json()["state"]), (200, &json!("solved")));
    assert_eq!(house.stored().await, 1);
    for (act, body) in [
        ("answer", json!({ "by": "anna", "text": "Buonasera" })),
        ("note", json!({ "by": "anna", "text": "Buongiorno" })),
    ] {
        keyed("a", act, body).await.is_problem(422, "idempotency_key_reused");
    }
    // What was refused leaves its key free.
    let late = json!({ "by": "anna", "text": "Ancora" });
    keyed("b", "answer", late.clone()).await.is_problem(409, "case_not_so");
    keyed("b", "answer", late).await.is_problem(409, "case_not_so");
    keyed("", "note", json!({ "by": "anna", "text": "x" }))
        .await
        .is_problem(400, "idempotency_key_invalid");
    let note = json!({ "by": "anna", "text": "una volta" });
    keyed("c", "note", note.clone()).await;
    let noted = keyed("c", "note", note).await.json();
    assert_eq!(noted["notes"].as_array().unwrap().len(), 1);
}
