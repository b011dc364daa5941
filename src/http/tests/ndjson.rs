use std::convert::Infallible;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::*;

const NDJSON: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

fn upload(key: &str, body: impl Into<Body>) -> Request<Body> {
    request(Method::POST, "/v1/messages", key, &NDJSON, body)
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn line(n: usize) -> String {
    json!({ "to": format!("+39333{n:07}"), "text": "Ciao", "from": "Bank" }).to_string()
}

#[tokio::test]
async fn bad_lines_among_good_ones_fail_alone_and_in_order() {
    let house = House::new().await;
    let body = [
        &line(1),
        "{\"to\":\"+393331234567\"}",
        "not json",
        "",
        &line(2),
        "{\"to\":\"12\",\"text\":\"x\"}",
        &json!({ "to": "+393331234567", "text": "x", "dry_run": true }).to_string(),
        &line(3),
    ]
    .join("\r\n");
    let answer = house.call(upload("bank-key", body)).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, Some("application/x-ndjson"))
    );
    let lines = lines(&answer);
    let numbers: Vec<_> = lines.iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 5, 6, 7, 8]);
    let codes: Vec<_> = lines.iter().map(|line| line["error"]["code"].as_str()).collect();
    assert_eq!(
        codes,
        [
            None,
            Some("required"),
            Some("invalid_json"),
            None,
            Some("invalid_number"),
            None,
            None
        ]
    );
    assert_eq!(lines[1]["error"]["errors"][0]["pointer"], "/text");
    assert_eq!(lines[1]["error"]["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(
        (&lines[0]["state"], &lines[0]["segments"]),
        (&json!("queued"), &json!(1))
    );
    assert_eq!((&lines[5]["id"], &lines[5]["dry_run"]), (&Value::Null, &json!(true)));
    assert_eq!(house.stored().await, 3);
    let shown = house
        .get(&format!("/v1/messages/{}", lines[6]["id"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(shown["to"], "+393330000003");
}

#[tokio::test]
async fn a_body_without_a_line_is_a_problem() {
    let house = House::new().await;
    let answer = house.call(upload("bank-key", Body::empty())).await;
    answer.is_problem(400, "invalid_json");
    assert!(answer.body.contains("there is no line"), "{}", answer.body);
    // Whether there is a line shows only once the answer has begun.
    for blank in ["\n", " \r\n\n"] {
        let lines = lines(&house.call(upload("bank-key", blank)).await);
        assert_eq!(
            (lines.len(), &lines[0]["error"]["code"]),
            (1, &json!("invalid_json")),
            "{lines:?}"
        );
    }
}

#[tokio::test]
async fn thousands_of_lines_are_all_stored_in_their_order() {
    let house = House::new().await;
    let body: String = (0..3_000).map(|n| line(n) + "\n").collect();
    // In pieces that end anywhere.
    let pieces: Vec<_> = body
        .as_bytes()
        .chunks(7_001)
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    let answer = house
        .call(upload(
            "bank-key",
            Body::from_stream(futures_util::stream::iter(pieces)),
        ))
        .await;
    let lines = lines(&answer);
    assert_eq!(lines.len(), 3_000);
    assert!(
        (1..)
            .zip(&lines)
            .all(|(n, line)| line["line"] == n && line["state"] == "queued")
    );
    let newest = house.get("/v1/messages?limit=1").await.json();
    assert_eq!(newest["data"][0]["id"], lines[2_999]["id"]);
}

#[tokio::test]
async fn a_line_s_result_comes_before_the_next_line_is_sent() {
    let house = House::new().await;
    let (send, lines) = tokio::sync::mpsc::channel::<Result<Bytes, Infallible>>(4);
    let request = upload("bank-key", Body::from_stream(ReceiverStream::new(lines)));
    let mut results = house
        .app
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .into_body()
        .into_data_stream();
    for n in 1..=3 {
        send.send(Ok(format!("{}\n", line(n)).into())).await.unwrap();
        let result: Value = serde_json::from_slice(&results.next().await.unwrap().unwrap()).unwrap();
        assert_eq!(
            (result["line"].as_u64(), house.stored().await),
            (Some(n as u64), n),
            "after its commit"
        );
    }
    drop(send);
    assert!(results.next().await.is_none());
}

#[tokio::test]
async fn a_line_s_own_key_makes_it_one_message_with_the_same_request_as_json() {
    let house = House::new().await;
    let keyed = |text: &str| json!({ "to": "+393331234567", "text": text, "idempotency_key": "k-1" }).to_string();
    let body = [keyed("a"), keyed("a"), keyed("b")].join("\n");
    let lines = lines(&house.call(upload("bank-key", body)).await);
    assert_eq!((lines[0].get("replayed"), &lines[1]["replayed"]), (None, &json!(true)));
    assert_eq!(lines[0]["id"], lines[1]["id"]);
    assert_eq!(lines[2]["error"]["code"], "idempotency_key_reused");
    let again = house
        .post_with_key("k-1", &json!({ "to": "+393331234567", "text": "a" }))
        .await;
    assert_eq!(
        (again.header("idempotency-replayed"), &again.json()["id"]),
        (Some("true"), &lines[0]["id"])
    );
}

#[tokio::test]
async fn a_client_that_must_send_keys_must_send_one_a_line() {
    let house = House::new().await;
    let keyed = json!({ "to": "+393331234567", "text": "a", "idempotency_key": "k" }).to_string();
    let body = format!("{}\n{keyed}", json!({ "to": "+393331234567", "text": "a" }));
    let lines = lines(&house.call(upload("strict-key", body)).await);
    assert_eq!(
        (&lines[0]["error"]["code"], &lines[1]["state"]),
        (&json!("idempotency_key_required"), &json!("queued"))
    );
}

#[tokio::test]
async fn a_line_that_is_too_long_fails_alone() {
    let house = House::new().await;
    let long = "x".repeat(house.state.body.bytes + 1);
    let body = format!("{}\n{long}\n{}\n", line(1), line(2));
    let pieces: Vec<_> = body
        .as_bytes()
        .chunks(50_000)
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    for body in [Body::from(body), Body::from_stream(futures_util::stream::iter(pieces))] {
        let lines = lines(&house.call(upload("bank-key", body)).await);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(
            (&lines[1]["line"], &lines[1]["error"]["code"]),
            (&json!(2), &json!("body_too_large"))
        );
        assert_eq!((&lines[2]["line"], &lines[2]["state"]), (&json!(3), &json!("queued")));
    }
}

#[tokio::test]
async fn an_upload_that_stands_still_is_cut_and_its_half_line_is_not_stored() {
    let mut config = config();
    config.http.body_timeout = Duration::from_millis(50);
    let house = House::with(&config, &settings(), Clock::manual(NOW)).await;
    let (send, lines) = tokio::sync::mpsc::channel::<Result<Bytes, Infallible>>(4);
    send.send(Ok(format!("{}\n{{\"to\":", line(1)).into())).await.unwrap();
    let answer = house
        .call(upload("bank-key", Body::from_stream(ReceiverStream::new(lines))))
        .await;
    let lines = self::lines(&answer);
    assert_eq!(
        (&lines[0]["state"], &lines[1]["error"]["code"]),
        (&json!("queued"), &json!("body_timeout"))
    );
    assert_eq!(house.stored().await, 1);
    drop(send);
}

#[tokio::test]
async fn a_half_line_of_a_client_that_left_is_not_stored() {
    let house = House::new().await;
    let pieces = [
        Ok(Bytes::from(format!("{}\n{}", line(1), line(2)))),
        Err(std::io::Error::other("left")),
    ];
    house
        .call(upload(
            "bank-key",
            Body::from_stream(futures_util::stream::iter(pieces)),
        ))
        .await;
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn lines_of_a_slow_client_wait_for_its_pace() {
    let house = House::new().await;
    let body: String = (0..4)
        .map(|n| json!({ "to": format!("+39333{n:07}"), "text": "x" }).to_string() + "\n")
        .collect();
    let begun = crate::clock::monotonic();
    let lines = lines(&house.call(upload("slow-key", body)).await);
    assert!(lines.iter().all(|line| line["state"] == "queued"), "{lines:?}");
    assert!(
        crate::clock::monotonic().duration_since(begun) > Duration::from_millis(400),
        "2 at once, then 2 a second"
    );
}

#[tokio::test]
async fn a_key_for_the_whole_upload_is_refused() {
    let house = House::new().await;
    let headers = [NDJSON[0], ("idempotency-key", "k")];
    let answer = house
        .call(request(Method::POST, "/v1/messages", "bank-key", &headers, line(1)))
        .await;
    answer.is_problem(400, "idempotency_key_invalid");
}
