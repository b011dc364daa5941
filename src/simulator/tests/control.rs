//! The HTTP control.

use std::time::Duration;

use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::esme::{Esme, hello};
use super::{LIMIT, simulator};
use crate::simulator::{Simulator, SimulatorConfig};

async fn call(simulator: &Simulator, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let addr = simulator.control_addr.expect("control");
    let mut stream = TcpStream::connect(addr).await.expect("connected");
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("status");
    (
        status,
        serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}")),
    )
}

async fn controlled() -> Simulator {
    simulator(|config| {
        config.control = SimulatorConfig::on_free_ports().control;
        config.mo_timeout = Duration::from_millis(200);
    })
    .await
}

#[tokio::test]
async fn stats_and_messages_are_json() {
    let simulator = controlled().await;
    let mut esme = Esme::bound(&simulator).await;
    esme.submit(1, &hello("393471234567")).await;
    let (_, id) = esme.answer_to(1).await;
    esme.delivered(1).await;
    let (status, messages) = call(&simulator, "GET", "/messages?to=+393471234567", &Value::Null).await;
    assert_eq!(
        (status, &messages[0]["text"], &messages[0]["id"]),
        (200, &json!("Ciao"), &json!(id))
    );
    assert_eq!(
        call(&simulator, "GET", "/messages?to=1", &Value::Null).await.1,
        json!([])
    );
    let (_, stats) = call(&simulator, "GET", "/stats", &Value::Null).await;
    assert_eq!(
        (&stats["accepted"], &stats["answers"]["ESME_ROK"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn a_text_is_answered_with_the_status_or_times_out() {
    let simulator = controlled().await;
    let mo = json!({ "from": "393471234567", "to": "12345", "text": "SALDO" });
    assert_eq!(call(&simulator, "POST", "/mo", &mo).await.0, 503);
    let mut esme = Esme::bound(&simulator).await;
    let (status, body) = call(&simulator, "POST", "/mo", &mo).await;
    assert_eq!((status, &body["code"]), (504, &json!("not_answered")));
    esme.delivered(1).await;
    let ((status, body), _) = tokio::join!(call(&simulator, "POST", "/mo", &mo), esme.delivered(2));
    assert_eq!(
        (status, body),
        (
            200,
            json!({ "status": "ESME_ROK", "segments": 1, "statuses": ["ESME_ROK"] })
        )
    );
    let nowhere = json!({ "from": "", "to": "12345", "text": "x" });
    assert_eq!(
        call(&simulator, "POST", "/mo", &nowhere).await.1["code"],
        "invalid_address"
    );
}

#[tokio::test]
async fn faults_receipts_and_state_are_changed_while_it_runs() {
    let simulator = controlled().await;
    let rules = json!([{ "fault": "reset", "when": { "nth": 1 } }]);
    assert_eq!(call(&simulator, "PUT", "/faults", &rules).await, (200, rules.clone()));
    assert_eq!(call(&simulator, "GET", "/faults", &Value::Null).await, (200, rules));
    let (status, receipts) = call(
        &simulator,
        "PUT",
        "/receipts",
        &json!({ "silent": 0.5, "delay_max": "2s" }),
    )
    .await;
    assert_eq!(
        (status, &receipts["silent"], &receipts["delay_max"]),
        (200, &json!(0.5), &json!("2s"))
    );
    assert_eq!(simulator.receipts().delay_max, Duration::from_secs(2));
    assert_eq!(
        call(&simulator, "PUT", "/state", &json!({ "up": false })).await,
        (200, json!({ "up": false }))
    );
    assert!(TcpStream::connect(simulator.addr).await.is_err());
    assert_eq!(
        call(&simulator, "PUT", "/state", &json!({ "up": true })).await,
        (200, json!({ "up": true }))
    );
}

#[tokio::test]
async fn mistakes_are_told_in_json() {
    let simulator = controlled().await;
    let cases = [
        ("PUT", "/faults", json!([{ "fault": "explode" }]), 422, "invalid_json"),
        (
            "PUT",
            "/faults",
            json!([{ "fault": "reset", "when": { "nth": 0 } }]),
            422,
            "invalid_rule",
        ),
        ("PUT", "/receipts", json!({ "silent": 2.0 }), 422, "invalid_receipts"),
        ("PUT", "/receipts", json!({ "slient": 0.1 }), 422, "invalid_receipts"),
        ("PUT", "/state", json!({ "up": "yes" }), 422, "invalid_json"),
        ("GET", "/messages?limit=many", Value::Null, 400, "invalid_query"),
        ("GET", "/nowhere", Value::Null, 404, "not_found"),
        ("DELETE", "/stats", Value::Null, 405, "method_not_allowed"),
    ];
    for (method, path, body, status, code) in cases {
        let (got, answer) = call(&simulator, method, path, &body).await;
        assert_eq!((got, &answer["code"]), (status, &json!(code)), "{method} {path} {body}");
    }
}

#[tokio::test]
async fn events_stream_while_messages_pass() {
    let simulator = controlled().await;
    let addr = simulator.control_addr.expect("control");
    let mut stream = TcpStream::connect(addr).await.expect("connected");
    stream
        .write_all(format!("GET /events HTTP/1.1\r\nhost: {addr}\r\n\r\n").as_bytes())
        .await
        .expect("written");
    let mut got = BytesMut::new();
    let mut esme = None;
    while !String::from_utf8_lossy(&got).contains("event: message") {
        tokio::time::timeout(LIMIT, stream.read_buf(&mut got))
            .await
            .expect("in time")
            .expect("read");
        if esme.is_none() {
            // The head has come, so the stream is subscribed.
            let mut bound = Esme::bound(&simulator).await;
            bound.submit(1, &hello("391")).await;
            esme = Some(bound);
        }
    }
    let text = String::from_utf8_lossy(&got);
    assert!(text.contains("event: bound") && !text.contains("secret"), "{text}");
}
