use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::http::admin::{CarrierControl, CarrierState, CarrierStatus, ControlError};
use crate::http::{AdminState, Secret256, admin_router};

struct OneCarrier;

impl OneCarrier {
    fn status(state: CarrierState) -> CarrierStatus {
        CarrierStatus {
            id: name("tim"),
            protocol: crate::config::Protocol::Smpp,
            state,
            binds: Vec::new(),
            throughput: 100,
            pace: None,
            throttled_total: 0,
            submitted_total: 0,
            refused_total: 0,
            receipts_total: 0,
            inbound_total: 0,
        }
    }

    fn told(carrier: &Name, state: CarrierState) -> BoxFuture<'_, Result<CarrierStatus, ControlError>> {
        async move {
            if carrier.as_str() == "tim" {
                Ok(Self::status(state))
            } else {
                Err(ControlError::NotFound)
            }
        }
        .boxed()
    }
}

impl CarrierControl for OneCarrier {
    fn list(&self) -> Vec<CarrierStatus> {
        vec![Self::status(CarrierState::Down)]
    }

    fn start<'a>(&'a self, carrier: &'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>> {
        Self::told(carrier, CarrierState::Down)
    }

    fn stop<'a>(&'a self, carrier: &'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>> {
        Self::told(carrier, CarrierState::Stopped)
    }

    fn drain<'a>(&'a self, _: &'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>> {
        async { Err(ControlError::Refused("it is stopped".to_owned())) }.boxed()
    }
}

pub(super) struct Desk {
    pub(super) house: House,
    pub(super) admin: axum::Router,
    stopping: CancellationToken,
}

impl Desk {
    async fn new() -> Self {
        Self::of(House::new().await)
    }

    pub(super) fn of(house: House) -> Self {
        let stopping = CancellationToken::new();
        let state = AdminState {
            api: house.state.clone(),
            carriers: Arc::new(OneCarrier),
            pauses: Arc::default(),
            token: Secret256::new("the-token"),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            stopping: stopping.clone(),
            started_at: NOW,
        };
        async fn broken() -> &'static str {
            panic!("a fault of ours")
        }
        let pages = axum::Router::new()
            .route("/", axum::routing::get(|| async { "a page" }))
            .route("/broken", axum::routing::get(broken));
        Self {
            admin: admin_router(Arc::new(state), pages),
            house,
            stopping,
        }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let host = [("host", "127.0.0.1:8481")];
        let host = if headers.iter().any(|(name, _)| *name == "host") {
            &host[..0]
        } else {
            &host[..]
        };
        let headers: Vec<_> = headers.iter().chain(host).copied().collect();
        call(
            &self.admin,
            request(method, path, "the-token", &headers, body.to_owned()),
        )
        .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    async fn act(&self, path: &str) -> Answer {
        self.ask(Method::POST, path, &[], "").await
    }
}

#[tokio::test]
async fn without_the_token_nothing_is_told_or_done() {
    let desk = Desk::new().await;
    for (method, path) in [
        (Method::GET, "/admin/v1/status"),
        (Method::GET, "/admin/v1/messages"),
        (Method::POST, "/admin/v1/carriers/tim/stop"),
        (Method::POST, "/admin/v1/messages"),
    ] {
        for key in ["", "wrong", "bank-key"] {
            let answer = call(
                &desk.admin,
                request(method.clone(), path, key, &[("host", "localhost:8481")], ""),
            )
            .await;
            answer.is_problem(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn another_host_name_or_site_is_refused_even_with_the_token() {
    let desk = Desk::new().await;
    for headers in [
        vec![("host", "evil.example")],
        vec![("host", "127.0.0.1:8481"), ("origin", "https://evil.example")],
        vec![("host", "127.0.0.1:8481"), ("origin", "null")],
        vec![("host", "127.0.0.1:8481"), ("origin", "http://127.0.0.1:9999")],
    ] {
        let answer = desk
            .ask(Method::POST, "/admin/v1/carriers/tim/stop", &headers, "")
            .await;
        answer.is_problem(403, "forbidden_origin");
    }
    let own = [("host", "127.0.0.1:8481"), ("origin", "http://127.0.0.1:8481")];
    assert_eq!(
        desk.ask(Method::POST, "/admin/v1/carriers/tim/stop", &own, "")
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn health_needs_no_token_and_tells_when_the_daemon_is_not_ready() {
    let desk = Desk::new().await;
    let plain = |path: &'static str| call(&desk.admin, request(Method::GET, path, "", &[], ""));
    assert_eq!(plain("/livez").await.status, StatusCode::OK);
    assert_eq!(plain("/metrics").await.status, StatusCode::OK);
    assert_eq!(plain("/").await.body, "a page");
    let ready = plain("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json()["carriers"]["up"]),
        (StatusCode::OK, &json!(0)),
        "carriers do not count"
    );
    desk.house.state.outbox.health().set_storage_low(true);
    let low = plain("/readyz").await;
    assert_eq!(
        (low.status, &low.json()["storage"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("low"))
    );
    desk.house.state.outbox.health().set_storage_low(false);
    desk.stopping.cancel();
    assert_eq!(plain("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(plain("/livez").await.status, StatusCode::OK);
}

#[tokio::test]
async fn messages_of_all_clients_are_shown_masked_unless_asked_for() {
    let desk = Desk::new().await;
    let id = desk.house.post(&wish()).await.json()["id"].as_str().unwrap().to_owned();
    for path in ["/admin/v1/messages".to_owned(), format!("/admin/v1/messages/{id}")] {
        let masked = desk.get(&path).await;
        assert!(
            masked.body.contains("+39333***4567") && masked.body.contains("\"client\":\"bank\""),
            "{}",
            masked.body
        );
        assert!(
            !masked.body.contains("1234567") && !masked.body.contains("Ciao"),
            "{}",
            masked.body
        );
        let revealed = desk.get(&format!("{path}?reveal=true")).await;
        assert!(
            revealed.body.contains("+393331234567") && revealed.body.contains("Ciao"),
            "{}",
            revealed.body
        );
    }
    assert_eq!(
        desk.get("/admin/v1/messages?client=shop").await.json()["data"],
        json!([])
    );
}

#[tokio::test]
async fn an_operator_sends_in_a_client_s_name() {
    let desk = Desk::new().await;
    let desk = &desk;
    let send = |body: Value| async move {
        desk.ask(Method::POST, "/admin/v1/messages", &[], &body.to_string())
            .await
    };
    let sent = send(json!({ "client": "bank", "to": "+393331234567", "text": "x" })).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.body);
    send(json!({ "client": "nobody", "to": "+393331234567", "text": "x" }))
        .await
        .is_problem(422, "unknown_client");
    send(json!({ "to": "+393331234567", "text": "x" }))
        .await
        .is_problem(422, "required");
}

#[tokio::test]
async fn an_operator_cancels_and_requeues() {
    let desk = Desk::new().await;
    let id = desk.house.post(&wish()).await.json()["id"].as_str().unwrap().to_owned();
    desk.act(&format!("/admin/v1/messages/{id}/requeue"))
        .await
        .is_problem(409, "cannot_requeue");
    let canceled = desk.act(&format!("/admin/v1/messages/{id}/cancel")).await;
    assert_eq!(
        (canceled.status, &canceled.json()["state"]),
        (StatusCode::OK, &json!("canceled"))
    );
    desk.act("/admin/v1/messages/msg_00000000000070008000000000000000/cancel")
        .await
        .is_problem(404, "not_found");
    desk.act("/admin/v1/messages/x/cancel")
        .await
        .is_problem(400, "invalid_id");
}

#[tokio::test]
async fn carriers_are_told_what_to_do() {
    let desk = Desk::new().await;
    assert_eq!(desk.get("/admin/v1/carriers").await.json()["data"][0]["state"], "down");
    assert_eq!(desk.act("/admin/v1/carriers/tim/stop").await.json()["state"], "stopped");
    desk.act("/admin/v1/carriers/nobody/stop")
        .await
        .is_problem(404, "not_found");
    desk.act("/admin/v1/carriers/No%20Name/start")
        .await
        .is_problem(404, "not_found");
    desk.act("/admin/v1/carriers/tim/drain")
        .await
        .is_problem(409, "carrier_state");
    let got = desk.get("/admin/v1/carriers/tim/stop").await;
    got.is_problem(405, "method_not_allowed");
    assert_eq!(got.header("allow"), Some("POST"));
}

#[tokio::test]
async fn the_overview_counts_what_waits() {
    let desk = Desk::new().await;
    desk.house.post(&wish()).await;
    let status = desk.get("/admin/v1/status").await.json();
    assert_eq!(status["outbox"][0]["messages"], 1);
    assert_eq!(
        (&status["store"]["working"], &status["version"]),
        (&json!(true), &json!(env!("CARGO_PKG_VERSION")))
    );
    let queue = desk.get("/admin/v1/queue").await.json();
    assert_eq!(
        (&queue["lanes"][0]["route"], &queue["lanes"][0]["segments"]),
        (&json!("italy"), &json!(1))
    );
    assert_eq!(desk.get("/admin/v1/quarantine").await.json()["data"], json!([]));
    assert_eq!(desk.get("/admin/v1/inbound").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_panic_costs_its_request_alone() {
    let desk = Desk::new().await;
    let problem = desk.get("/broken").await.is_problem(500, "internal");
    assert!(!problem.to_string().contains("a fault of ours"));
    assert_eq!(desk.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn webhooks_are_listed_given_up_replayed_and_switched() {
    use crate::store::{Fate, NoticeSettle};
    let desk = Desk::new().await;
    let rows = |answer: Answer| answer.json()["data"].as_array().unwrap().clone();
    let listed = rows(desk.get("/admin/v1/webhooks").await);
    assert_eq!(
        (&listed[0]["endpoint"], &listed[0]["state"]),
        (&json!("shop"), &json!("on"))
    );
    let later =
        json!({ "to": "+393331234567", "text": "x", "from": "Shop", "not_before": NOW.after(Duration::from_hours(1)) });
    let sent = request(Method::POST, "/v1/messages", "shop-key", &[], later.to_string());
    let id = desk.house.call(sent).await.json()["id"].as_str().unwrap().to_owned();
    desk.act(&format!("/admin/v1/messages/{id}/cancel")).await;
    let status = desk.get("/admin/v1/status").await.json();
    assert_eq!(
        (&status["webhooks"]["pending"], &status["webhooks"]["dead"]),
        (&json!(1), &json!(0))
    );
    let dead = NoticeSettle {
        seq: 1,
        fate: Fate::Dead,
        attempts: 8,
        tried_at: NOW,
        outcome: "timeout".into(),
    };
    desk.house.state.outbox.settle_notices(vec![dead]).await.unwrap();
    let letters = rows(desk.get("/admin/v1/webhooks/dead?endpoint=shop").await);
    let event = format!("evt_{}_1", id.trim_start_matches("msg_"));
    assert_eq!((&letters[0]["id"], &letters[0]["about"]), (&json!(event), &json!(id)));
    assert_eq!(
        (&letters[0]["type"], &letters[0]["outcome"]),
        (&json!("message.canceled"), &json!("timeout"))
    );
    let shown = desk.get(&format!("/admin/v1/messages/{id}")).await.json();
    let told = shown["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| !entry["told"].is_null());
    assert_eq!(
        told.map(|entry| (&entry["event"], &entry["told"], &entry["attempt"], &entry["outcome"])),
        Some((
            &json!("webhook_dead"),
            &json!("message.canceled"),
            &json!(8),
            &json!("timeout")
        ))
    );

    let post = async |path: &str, body: Value| desk.ask(Method::POST, path, &[], &body.to_string()).await;
    for (wrong, status, code) in [
        (json!({}), 422, "required"),
        (json!({ "from": 1 }), 422, "required"),
        (json!({ "id": event, "endpoint": "shop" }), 422, "required"),
        (json!({ "from": 2, "to": 1 }), 422, "invalid_range"),
        (json!({ "endpoint": "nobody" }), 404, "not_found"),
    ] {
        post("/admin/v1/webhooks/replay", wrong).await.is_problem(status, code);
    }
    post("/admin/v1/webhooks/replay", json!({ "id": "msg_1" }))
        .await
        .is_problem(400, "invalid_id");
    let replayed = post("/admin/v1/webhooks/replay", json!({ "id": event })).await.json();
    assert_eq!(replayed["replayed"], 1);
    let again = post("/admin/v1/webhooks/replay", json!({ "endpoint": "shop" }))
        .await
        .json();
    assert_eq!(again["replayed"], 0);
    let off = post("/admin/v1/webhooks/switch", json!({ "endpoint": "shop", "on": false }))
        .await
        .json();
    assert_eq!((&off["state"], &off["pending"]), (&json!("off"), &json!(1)));
    assert_eq!(
        rows(desk.get("/admin/v1/webhooks").await)[0]["off_reason"],
        "switched_off"
    );
    let on = post("/admin/v1/webhooks/switch", json!({ "endpoint": "shop", "on": true }))
        .await
        .json();
    assert_eq!(on["state"], "on");
    let unknown = post("/admin/v1/webhooks/switch", json!({ "endpoint": "nobody", "on": true })).await;
    unknown.is_problem(404, "not_found");
}
