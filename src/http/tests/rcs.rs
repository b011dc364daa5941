//! What RCS platforms post, against the samples and their signatures.

use futures_util::FutureExt;
use tokio::sync::Notify;

use super::*;
use crate::config::RbmConfig;
use crate::http::{RcsHooks, rcs_router};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/protocols/rcs/tests/vectors/samples");
const SIGNATURE: &str = "X-Goog-Signature";

/// The house with one agent.
struct Told {
    house: House,
    app: axum::Router,
}

impl Told {
    async fn new() -> Self {
        let mut config = config();
        let agent = RbmConfig {
            client_token: Secret::new("SAMPLE-CLIENT-TOKEN-0001"),
            ..RbmConfig::default()
        };
        config.rbm.insert(name("rbm"), agent);
        let house = House::with(&config, &settings(), Clock::manual(NOW)).await;
        let outbox = house.state.outbox.clone();
        let hooks = RcsHooks::new(&config, outbox, Arc::new(Notify::new()), house.clock.clone());
        let app = api_router(house.state.clone()).merge(rcs_router(hooks, 256));
        Self { house, app }
    }

    async fn post(&self, path: &str, signature: Option<&str>, body: impl Into<Body>) -> Answer {
        let headers: Vec<_> = signature.map(|signature| (SIGNATURE, signature)).into_iter().collect();
        call(&self.app, request(Method::POST, path, "", &headers, body)).await
    }

    async fn kept(&self) -> Vec<String> {
        let events = self.house.state.store.new_rcs_events(0, 1_000).await.unwrap();
        events.into_iter().map(|event| event.payload.into()).collect()
    }
}

fn sample(file: &str) -> Vec<u8> {
    std::fs::read(format!("{SAMPLES}/{file}")).unwrap()
}

/// Every envelope among the samples, with its signature and the file of its payload.
fn envelopes() -> Vec<(Vec<u8>, String, Value)> {
    let index: Value = serde_json::from_slice(&sample("index.json")).unwrap();
    let signed = index["samples"].as_array().unwrap().iter().filter_map(|entry| {
        let signature = entry["headers"][SIGNATURE].as_str()?;
        let payload = serde_json::from_slice(&sample(entry["decoded"].as_str()?)).unwrap();
        Some((sample(entry["file"].as_str()?), signature.to_owned(), payload))
    });
    signed.collect()
}

#[tokio::test]
async fn the_handshake_gives_the_bare_secret_back_to_who_knows_the_token() {
    let told = Told::new().await;
    let body = sample("webhook-handshake.request.json");
    let answer = told.post("/rcs/rbm", None, body.clone()).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "4815162342"));
    assert_eq!(answer.headers["content-type"], "text/plain");
    let other = String::from_utf8(body).unwrap().replace("0001", "0002");
    assert_eq!(
        told.post("/rcs/rbm", None, other).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn every_signed_sample_is_kept_as_it_was_signed() {
    let told = Told::new().await;
    let envelopes = envelopes();
    assert!(envelopes.len() >= 6);
    for (body, signature, _) in &envelopes {
        let answer = told.post("/rcs/rbm", Some(signature), body.clone()).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    }
    let kept: Vec<Value> = told
        .kept()
        .await
        .iter()
        .map(|kept| serde_json::from_str(kept).unwrap())
        .collect();
    let payloads: Vec<Value> = envelopes.into_iter().map(|(.., payload)| payload).collect();
    assert_eq!(kept, payloads);
}

#[tokio::test]
async fn a_wrong_signature_is_401_and_nothing_is_stored() {
    let told = Told::new().await;
    let envelopes = envelopes();
    for (index, (body, ..)) in envelopes.iter().enumerate() {
        let (_, of_another, _) = &envelopes[(index + 1) % envelopes.len()];
        for signature in [None, Some(""), Some("AAAA"), Some(of_another.as_str())] {
            let answer = told.post("/rcs/rbm", signature, body.clone()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{signature:?}");
        }
    }
    assert!(told.kept().await.is_empty());
}

#[tokio::test]
async fn an_event_that_comes_a_hundred_times_is_kept_once() {
    let told = Told::new().await;
    let (body, signature, _) = envelopes().remove(0);
    let posts: Vec<_> = (0..100)
        .map(|_| told.post("/rcs/rbm", Some(&signature), body.clone()))
        .collect();
    for answer in futures_util::future::join_all(posts).await {
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(told.kept().await.len(), 1);
}

#[tokio::test]
async fn an_event_is_answered_200_when_it_is_committed_and_not_before() {
    let told = Told::new().await;
    let (body, signature, _) = envelopes().remove(0);
    let held = told.house.gate.close().await;
    let mut post = std::pin::pin!(told.post("/rcs/rbm", Some(&signature), body));
    tokio::select! {
        answer = &mut post => panic!("answered {} before the commit", answer.status),
        () = told.house.gate.came(1) => {}
    }
    assert!((&mut post).now_or_never().is_none());
    drop(held);
    assert_eq!(post.await.status, StatusCode::OK);
    assert_eq!(told.kept().await.len(), 1);
}

#[tokio::test]
async fn an_event_that_cannot_be_stored_is_a_failure_and_taken_when_it_comes_again() {
    let told = Told::new().await;
    let (body, signature, payload) = envelopes().remove(0);
    told.house.gate.fill(true);
    for _ in 0..2 {
        let answer = told.post("/rcs/rbm", Some(&signature), body.clone()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    told.house.gate.fill(false);
    assert!(told.kept().await.is_empty());
    let answer = told.post("/rcs/rbm", Some(&signature), body).await;
    assert_eq!(answer.status, StatusCode::OK);
    let kept: Value = serde_json::from_str(&told.kept().await[0]).unwrap();
    assert_eq!(kept, payload);
}

#[tokio::test]
async fn what_is_no_post_of_a_platform_is_refused() {
    let told = Told::new().await;
    assert_eq!(told.post("/rcs/rbm", None, "{").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(told.post("/rcs/rbm", None, "{}").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(told.post("/rcs/other", None, "{}").await.status, StatusCode::NOT_FOUND);
    let large = " ".repeat(1 << 20) + "{}";
    assert_eq!(
        told.post("/rcs/rbm", None, large).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let get = request(Method::GET, "/rcs/rbm", "", &[], "");
    assert_eq!(call(&told.app, get).await.status, StatusCode::METHOD_NOT_ALLOWED);
}
