//! The listeners over a real store in a temporary folder.

mod admin;
mod bad_input;
mod cases;
mod certified;
mod consents;
mod documents;
mod events;
mod gate;
mod lists;
mod messages;
mod ndjson;
mod rcs;
mod rich;
mod server;
mod store_trouble;
mod stream;
mod texts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{ApiState, api_router};
use crate::clock::Clock;
use crate::config::{
    AddressConfig, CarrierConfig, ClientConfig, ClientWebhookConfig, Config, RouteConfig, Scope, Secret, StepCarrier,
    StepConfig,
};
use crate::domain::{Name, SenderId, UnixMillis};
use crate::fixture::{self, name, settings};
use crate::outbox::{self, Hearing, Policy, Settings};
use crate::router::Router;
use crate::store::Store;
use crate::store::double::Double;
use crate::store::sqlite::{SqliteSettings, SqliteStore};

/// 2026-11-21T10:00:00Z: the fixtures' times stand around it.
const NOW: UnixMillis = UnixMillis(1_795_255_200_000);

/// Longer than anything here takes on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

struct House {
    state: Arc<ApiState>,
    app: axum::Router,
    clock: Clock,
    gate: Arc<gate::Gate>,
    stopping: CancellationToken,
    _dir: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl House {
    async fn new() -> Self {
        Self::with(&config(), &settings(), Clock::manual(NOW)).await
    }

    async fn with(config: &Config, settings: &Settings, clock: Clock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("araldo.db");
        let store = SqliteStore::open(&SqliteSettings {
            file,
            readers: 2,
            read_deadline: Duration::from_secs(5),
        })
        .await
        .unwrap();
        let gate = Arc::new(gate::Gate::new());
        let store: Arc<dyn Store> = Arc::new(Double::new(Arc::new(store), gate.clone()));
        let lease = store.take_lease().await.unwrap();
        let router = Arc::new(Router::new(&config.route, |id| config.channel_of(id)));
        let mut hearing = Hearing::default();
        hearing.listener(&name("shop"), true, Vec::new());
        for (address, section) in &config.address {
            let client = section.client.as_ref().unwrap();
            hearing.address(address, client);
        }
        let policy = Policy {
            steps: router.steps(),
            hearing,
            gate: Arc::new(crate::consent::Gate::new(config)),
            ..fixture::policy()
        };
        let (outbox, _) = outbox::start(store.clone(), Arc::new(policy), settings, clock.clone(), lease)
            .await
            .unwrap();
        let stopping = CancellationToken::new();
        let state = ApiState::new(config, outbox, store, router, clock.clone(), stopping.clone()).unwrap();
        Self {
            app: api_router(state.clone()),
            state,
            clock,
            gate,
            stopping,
            _dir: dir,
        }
    }

    async fn call(&self, request: Request<Body>) -> Answer {
        call(&self.app, request).await
    }

    async fn post(&self, body: &Value) -> Answer {
        self.call(request(Method::POST, "/v1/messages", "bank-key", &[], body.to_string()))
            .await
    }

    async fn post_with_key(&self, key: &str, body: &Value) -> Answer {
        let headers = [("idempotency-key", key)];
        self.call(request(
            Method::POST,
            "/v1/messages",
            "bank-key",
            &headers,
            body.to_string(),
        ))
        .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(request(Method::GET, path, "bank-key", &[], "")).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.call(request(Method::DELETE, path, "bank-key", &[], "")).await
    }

    /// How many messages are stored, of all clients.
    async fn stored(&self) -> usize {
        let query = crate::store::MessageQuery {
            limit: 1_000,
            ..Default::default()
        };
        self.state.store.messages(&query).await.unwrap().rows.len()
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.body
        );
        let problem = self.json();
        assert_eq!(
            (self.status.as_u16(), problem["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
        assert_eq!(problem["type"], format!("/docs/problems/{code}"));
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        problem
    }
}

async fn call(app: &axum::Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// A request; of type JSON where there is a body and no other type is given. An empty key is none.
#[expect(clippy::needless_pass_by_value, reason = "reads better at the call")]
fn request(method: Method, path: &str, key: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(&method).uri(path);
    if !key.is_empty() {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    if method == Method::POST && !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

fn wish() -> Value {
    json!({ "to": "+393331234567", "text": "Ciao" })
}

fn config() -> Config {
    let sender = |text: &str| SenderId::parse(text).unwrap();
    let client = |key: &str| ClientConfig {
        key: Secret::new(key),
        ..ClientConfig::default()
    };
    let bank = ClientConfig {
        scopes: vec![Scope::Send, Scope::Read, Scope::Inbound],
        senders: vec![sender("Bank"), sender("12345")],
        default_sender: Some(sender("Bank")),
        ..client("bank-key")
    };
    let shop = ClientConfig {
        webhook: Some(ClientWebhookConfig {
            secret: Secret::new("whsec_x"),
            ..ClientWebhookConfig::default()
        }),
        ..client("shop-key")
    };
    let reader = ClientConfig {
        scopes: vec![Scope::Read],
        ..client("reader-key")
    };
    let strict = ClientConfig {
        require_idempotency_key: true,
        default_sender: Some(sender("Strict")),
        ..client("strict-key")
    };
    let slow = ClientConfig {
        rate: 2,
        default_sender: Some(sender("Slow")),
        ..client("slow-key")
    };
    let clients = [
        ("bank", bank),
        ("shop", shop),
        ("reader", reader),
        ("strict", strict),
        ("slow", slow),
    ];
    let carriers = vec![StepCarrier {
        id: name("tim"),
        weight: 1,
    }];
    let italy = RouteConfig {
        prefixes: vec!["39".into()],
        steps: vec![StepConfig { carriers, wait: None }],
        ..RouteConfig::default()
    };
    let address = |client: &str| AddressConfig {
        locale: None,
        client: Some(name(client)),
    };
    Config {
        client: clients.into_iter().map(|(id, client)| (name(id), client)).collect(),
        carrier: BTreeMap::from([(name("tim"), CarrierConfig::default())]),
        route: BTreeMap::from([(name("italy"), italy)]),
        address: BTreeMap::from([("12345".into(), address("bank")), ("+3933399".into(), address("shop"))]),
        ..Config::default()
    }
}
