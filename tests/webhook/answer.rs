//! What an endpoint does, and what is made of it.

use std::time::Duration;

use araldo::backend::{Answer, Failure, Keys, MAX_RETRY_AFTER, Post, Webhooks};
use araldo::clock::monotonic;
use araldo::domain::UnixMillis;
use bytes::Bytes;

use crate::sink::{Door, Reply, Sink};
use crate::{BODY, OLD_SECRET, PATIENCE, SECRET, loopback, post, post_within, sender};

/// Short, where nothing but its end is awaited.
const SOON: Duration = Duration::from_millis(300);
/// Enough for a head to come, where what follows it never ends.
const A_WHILE: Duration = Duration::from_secs(4);

fn failed(failure: Failure) -> Answer {
    Answer::from(failure)
}

#[tokio::test]
async fn a_post_is_signed_and_taken() {
    let sink = Sink::start(&[SECRET]).await;
    assert_eq!(
        post(&sender(&sink), &sink.url("/hook?x=1")).await,
        Answer::Taken { status: 200 }
    );
    let seen = sink.seen().remove(0);
    assert_eq!(seen.signature, Ok(()));
    assert_eq!((seen.path.as_str(), &seen.body[..]), ("/hook", BODY.as_bytes()));
    assert_eq!((seen.id(), seen.header("webhook-timestamp")), ("evt_1", "1767225600"));
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("user-agent"), concat!("araldo/", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen.header("host"), sink.addr().to_string());
    let mut names: Vec<_> = seen.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "content-length",
            "content-type",
            "host",
            "user-agent",
            "webhook-id",
            "webhook-signature",
            "webhook-timestamp"
        ]
    );
}

#[tokio::test]
async fn while_keys_are_changed_receivers_of_the_old_and_of_the_new_one_verify() {
    let keys = Keys::new([SECRET, OLD_SECRET]).unwrap();
    for held in [SECRET, OLD_SECRET] {
        let sink = Sink::start(&[held]).await;
        let post = Post {
            url: &sink.url("/"),
            id: "evt_2",
            at: UnixMillis(0),
            keys: &keys,
            body: Bytes::from_static(b"{}"),
            timeout: PATIENCE,
        };
        assert_eq!(sender(&sink).post(post).await, Answer::Taken { status: 200 });
        assert_eq!(sink.seen()[0].signature, Ok(()));
    }
}

/// Lets a connection whose answer was read to its end fall idle; nothing that it waits for is beyond this runtime.
async fn idle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_connection_serves_posts_that_follow_each_other() {
    let sink = Sink::start(&[SECRET]).await;
    sink.script(
        "/",
        [Reply::Status(204), Reply::Flood(500, 60 * 1024), Reply::Status(200)],
    );
    let webhooks = sender(&sink);
    for _ in 0..20 {
        post(&webhooks, &sink.url("/")).await;
        idle().await;
    }
    let seen = sink.wait(20, PATIENCE).await;
    assert!(seen.iter().all(|seen| seen.connection == 1 && seen.signature.is_ok()));
    assert!(seen.is_sorted_by_key(|seen| seen.at));
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn only_200_to_299_is_taken_and_410_is_gone() {
    let sink = Sink::start(&[SECRET]).await;
    let webhooks = sender(&sink);
    for status in [200, 201, 202, 204, 299] {
        sink.script("/", [Reply::Status(status)]);
        assert_eq!(post(&webhooks, &sink.url("/")).await, Answer::Taken { status });
    }
    for status in [300, 304, 400, 401, 404, 409, 418, 429, 500, 502, 503, 504, 599, 999] {
        sink.script("/", [Reply::Status(status)]);
        assert_eq!(post(&webhooks, &sink.url("/")).await, failed(Failure::Status(status)));
    }
    sink.script("/", [Reply::Status(410)]);
    assert_eq!(post(&webhooks, &sink.url("/")).await, Answer::Gone);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_nobody_follows_it() {
    let (sink, other) = (Sink::start(&[SECRET]).await, Sink::plain(&[SECRET]).await);
    sink.script(
        "/",
        [
            Reply::Redirect(other.url("/")),
            Reply::Redirect("/elsewhere".to_owned()),
        ],
    );
    let webhooks = sender(&sink);
    for _ in 0..2 {
        assert_eq!(post(&webhooks, &sink.url("/")).await, failed(Failure::Status(302)));
    }
    assert_eq!(other.connections(), 0);
    assert!(sink.seen().iter().all(|seen| seen.path == "/"));
}

#[tokio::test]
async fn retry_after_is_handed_on() {
    let sink = Sink::start(&[SECRET]).await;
    let webhooks = sender(&sink);
    for (value, pause) in [
        ("7", Some(Duration::from_secs(7))),
        ("Thu, 01 Jan 2026 00:01:00 GMT", Some(Duration::from_millis(59_001))),
        ("31536000", Some(MAX_RETRY_AFTER)),
        ("soon", None),
    ] {
        sink.script("/", [Reply::RetryAfter(429, value.to_owned())]);
        let answer = post(&webhooks, &sink.url("/")).await;
        let expected = Answer::Failed {
            failure: Failure::Status(429),
            retry_after: pause,
        };
        assert_eq!(answer, expected, "{value}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_timeout() {
    let sink = Sink::start(&[SECRET]).await;
    let webhooks = sender(&sink);
    let begun = monotonic();
    sink.script("/hang", [Reply::Hang]);
    assert_eq!(
        post_within(&webhooks, &sink.url("/hang"), SOON).await,
        failed(Failure::Timeout)
    );
    sink.script("/late", [Reply::Late(200, PATIENCE)]);
    assert_eq!(
        post_within(&webhooks, &sink.url("/late"), SOON).await,
        failed(Failure::Timeout)
    );
    sink.door(Door::Silent);
    assert_eq!(
        post_within(&webhooks, &sink.url("/"), SOON).await,
        failed(Failure::Timeout)
    );
    assert!(monotonic() - begun < PATIENCE / 2);
}

#[tokio::test]
async fn a_status_counts_though_its_body_never_ends_or_breaks() {
    let sink = Sink::start(&[SECRET]).await;
    let webhooks = sender(&sink);
    let begun = monotonic();
    for (status, answer) in [
        (200, Answer::Taken { status: 200 }),
        (503, failed(Failure::Status(503))),
    ] {
        sink.script("/", [Reply::Drip(status, SOON / 100)]);
        assert_eq!(post_within(&webhooks, &sink.url("/"), A_WHILE).await, answer);
        sink.script("/", [Reply::CutAnswer(status)]);
        assert_eq!(post(&webhooks, &sink.url("/")).await, answer);
    }
    assert!(monotonic() - begun < PATIENCE / 2);
}

#[tokio::test]
async fn of_a_long_answer_little_is_read() {
    const OCTETS: u64 = 100_000_000;
    let sink = Sink::start(&[SECRET]).await;
    sink.script("/", [Reply::Flood(200, OCTETS)]);
    let begun = monotonic();
    assert_eq!(
        post(&sender(&sink), &sink.url("/")).await,
        Answer::Taken { status: 200 }
    );
    assert!(monotonic() - begun < PATIENCE / 2);
    // The rest is what buffers of sockets hold.
    assert!(sink.flooded() < OCTETS / 4, "{}", sink.flooded());
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_is_broken() {
    let sink = Sink::start(&[SECRET]).await;
    for reply in [Reply::CutUnread, Reply::CutRead] {
        sink.script("/", [reply.clone()]);
        assert_eq!(
            post(&sender(&sink), &sink.url("/")).await,
            failed(Failure::Broken),
            "{reply:?}"
        );
    }
    assert_eq!(sink.seen().len(), 2, "no request is sent twice by itself");
    let plain = Sink::plain(&[SECRET]).await;
    plain.door(Door::Cut);
    let webhooks = Webhooks::new(loopback(), None).unwrap();
    assert_eq!(post(&webhooks, &plain.url("/")).await, failed(Failure::Broken));
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_refused() {
    let sink = Sink::start(&[SECRET]).await;
    for door in [
        Door::Stranger,
        Door::WrongName,
        Door::Expired,
        Door::CutHandshake,
        Door::Cut,
    ] {
        sink.door(door);
        assert_eq!(
            post(&sender(&sink), &sink.url("/")).await,
            failed(Failure::Tls),
            "{door:?}"
        );
    }
    sink.door(Door::Open);
    let untrusting = Webhooks::new(loopback(), None).unwrap();
    assert_eq!(post(&untrusting, &sink.url("/")).await, failed(Failure::Tls));
    assert!(sink.seen().is_empty());
}

#[tokio::test]
async fn nobody_at_the_address_is_a_failure_to_connect() {
    let sink = Sink::start(&[SECRET]).await;
    let webhooks = sender(&sink);
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(
        post(&webhooks, &format!("https://{free}/")).await,
        failed(Failure::Connect)
    );
}
