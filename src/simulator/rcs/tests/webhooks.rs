//! What the platform tells, to a webhook that is not ours.

use std::sync::{Arc, Mutex};

use araldo_rcs::webhook::{ClientToken, Payload, Post, UserEventType};
use axum::Router;
use axum::body::Bytes as Octets;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::*;

const TOKEN: &str = "client-token";

/// Knows the token, keeps what is signed with it, and refuses the first posts of each.
#[derive(Clone)]
struct Hook {
    refusals: usize,
    heard: Arc<Mutex<Vec<Payload>>>,
    posts: Arc<Mutex<usize>>,
}

async fn hear(State(hook): State<Hook>, headers: HeaderMap, body: Octets) -> Response {
    let token = ClientToken::new(SecretString::from(TOKEN)).unwrap();
    match Post::read(&body).unwrap() {
        Post::Handshake(handshake) => {
            let answer = handshake.answer([&token]).unwrap();
            answer.map(axum::body::Body::from)
        }
        Post::Envelope(envelope) => {
            let signature = headers.get("x-goog-signature").map(|value| value.as_bytes());
            let Ok(signed) = envelope.verify(signature, [&token]) else {
                return StatusCode::UNAUTHORIZED.into_response();
            };
            let mut posts = hook.posts.lock().unwrap();
            *posts += 1;
            if *posts <= hook.refusals {
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            hook.heard.lock().unwrap().push(signed.payload().unwrap());
            StatusCode::OK.into_response()
        }
    }
}

/// A platform that tells a webhook, which refuses so many posts first.
async fn told(refusals: usize, change: impl FnOnce(&mut RcsConfig)) -> (Caller, Hook) {
    let hook = Hook {
        refusals,
        heard: Arc::default(),
        posts: Arc::default(),
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/rcs", socket.local_addr().unwrap());
    let app = Router::new().route("/rcs", post(hear)).with_state(hook.clone());
    tokio::spawn(async move { axum::serve(socket, app).await });
    let caller = Caller::new(|config| {
        config.webhook_retry = Duration::from_millis(5);
        change(config);
    })
    .await;
    let target = WebhookTarget {
        url,
        client_token: SecretString::from(TOKEN),
    };
    caller.simulator.register_webhook(target).await.unwrap();
    (caller, hook)
}

fn kinds(hook: &Hook) -> Vec<String> {
    let heard = hook.heard.lock().unwrap();
    let kind = |payload: &Payload| match payload {
        Payload::UserEvent(told) => match &told.event {
            UserEventType::Delivered { .. } => "DELIVERED".to_owned(),
            UserEventType::Read { .. } => "READ".to_owned(),
            other => format!("{other:?}"),
        },
        Payload::ServerEvent(told) => told.event.as_str().to_owned(),
        other => format!("{other:?}"),
    };
    heard.iter().map(kind).collect()
}

#[tokio::test]
async fn what_is_told_is_signed_and_told_again_until_it_is_answered_200() {
    let (caller, hook) = told(3, |_| {}).await;
    caller.send(1, &text("Ciao")).await;
    assert!(caller.simulator.until(LIMIT, |stats| stats.webhooks_taken == 1).await);
    assert_eq!(kinds(&hook), ["DELIVERED"]);
    let stats = caller.simulator.stats();
    assert_eq!((stats.webhook_verified, stats.webhooks_refused), (true, 3));
}

#[tokio::test]
async fn a_forged_signature_is_told_once_and_not_believed() {
    let forged = |config: &mut RcsConfig| {
        config.faults = vec![FaultRule::always(Fault::BadSignature).on(Call::Webhook)];
    };
    let (caller, hook) = told(0, forged).await;
    caller.send(1, &text("Ciao")).await;
    assert!(caller.simulator.until(LIMIT, |stats| stats.webhooks_refused == 1).await);
    assert!(caller.simulator.until(LIMIT, |stats| stats.webhooks_waiting == 0).await);
    assert!(kinds(&hook).is_empty());
}

#[tokio::test]
async fn an_expiry_is_told_as_withdrawn_or_inconclusive_and_a_lost_race_as_delivered_too() {
    for (change, expected) in [
        (
            (|delivery| delivery.lost = 1.0) as fn(&mut DeliveryConfig),
            &["TTL_EXPIRATION_REVOKED"][..],
        ),
        (
            |delivery| (delivery.lost, delivery.expiry_race) = (1.0, 1.0),
            &["DELIVERED", "TTL_EXPIRATION_REVOKED"],
        ),
    ] {
        let (caller, hook) = told(0, |config| change(&mut config.delivery)).await;
        let mut message = text("Ciao");
        message.expiry = Some(Expiry::Ttl(Duration::from_millis(20)));
        caller.send(1, &message).await;
        let count = expected.len() as u64;
        assert!(
            caller
                .simulator
                .until(LIMIT, |stats| stats.webhooks_taken == count)
                .await
        );
        let mut kinds = kinds(&hook);
        kinds.sort();
        assert_eq!(kinds, expected);
    }
    let (caller, hook) = told(0, |config| {
        config.delivery.lost = 1.0;
        config.delivery.revoke_failed = 1.0;
    })
    .await;
    let mut message = text("Ciao");
    message.expiry = Some(Expiry::Ttl(Duration::from_millis(20)));
    caller.send(1, &message).await;
    assert!(caller.simulator.until(LIMIT, |stats| stats.webhooks_taken >= 1).await);
    assert!(kinds(&hook).contains(&"TTL_EXPIRATION_REVOKE_FAILED".to_owned()));
}

#[tokio::test]
async fn the_same_seed_is_the_same_fate() {
    let fates = async |seed| {
        let caller = Caller::new(|config| {
            config.seed = seed;
            let half = |code| FaultRule {
                when: When {
                    probability: Some(0.5),
                    ..When::default()
                },
                ..FaultRule::always(Fault::Status {
                    code,
                    retry_after: None,
                })
            };
            config.faults = vec![half(503)];
        })
        .await;
        let mut statuses = Vec::new();
        for id in 1..=40 {
            statuses.push(caller.send(id, &text("Ciao")).await.0);
        }
        statuses
    };
    let first = fates(7).await;
    assert_eq!(first, fates(7).await);
    assert_ne!(first, fates(8).await);
}
