//! What each message costs: building its request, reading the post that tells of it, and the sign-in of an hour.
//!
//! `cargo bench -p araldo-rcs`, or for a quick look `cargo bench -p araldo-rcs -- --quick`.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it cannot go on")]

use std::hint::black_box;

use araldo_rcs::webhook::{ClientToken, Post};
use araldo_rcs::{AgentId, AgentMessage, Api, Msisdn, Region, ServiceAccount};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use uuid::Uuid;

const TEXT: &[u8] = include_bytes!("../tests/vectors/samples/send-text.request.json");
const CAROUSEL: &[u8] = include_bytes!("../tests/vectors/samples/send-carousel.request.json");
const DELIVERED: &[u8] = include_bytes!("../tests/vectors/samples/webhook-envelope-delivered.json");
const SIGNATURE: &[u8] = b"bANZ9LaqZsFSGZWRWKh0RvAb6VsSGj6ILu62CushJEetSsAyJaiuXA3r6107DTxaStQ2QZsMPjYufgsHD9SwBw==";

fn requests(criterion: &mut Criterion) {
    let api = Api::new(Region::Europe.base(), AgentId::parse("harbour_bank_demo").unwrap()).unwrap();
    let to = Msisdn::parse("+447700900123").unwrap();
    let now = "2026-03-04T09:15:00Z".parse().unwrap();
    let mut group = criterion.benchmark_group("send");
    group.throughput(Throughput::Elements(1));
    for (name, json) in [("text", TEXT), ("carousel", CAROUSEL)] {
        let message = AgentMessage::from_json(json).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| api.send(&to, Uuid::nil(), black_box(&message), now).unwrap());
        });
    }
    group.finish();
}

fn posts(criterion: &mut Criterion) {
    let token = ClientToken::new("SAMPLE-CLIENT-TOKEN-0001".into()).unwrap();
    let mut group = criterion.benchmark_group("webhook");
    group.throughput(Throughput::Elements(1));
    group.bench_function("delivered", |bencher| {
        bencher.iter(|| {
            let Post::Envelope(envelope) = Post::read(black_box(DELIVERED)).unwrap() else {
                unreachable!()
            };
            envelope.verify(Some(SIGNATURE), [&token]).unwrap().payload().unwrap()
        });
    });
    group.finish();
}

fn sign_in(criterion: &mut Criterion) {
    let keys: Value = serde_json::from_slice(include_bytes!("../tests/vectors/sign_in.json")).unwrap();
    let mut file: Value =
        serde_json::from_slice(include_bytes!("../tests/vectors/samples/auth-service-account-key.json")).unwrap();
    file["private_key"] = keys["pkcs8"].clone();
    let account = ServiceAccount::from_json(file.to_string().as_bytes()).unwrap();
    let now = "2026-03-04T09:15:00Z".parse().unwrap();
    criterion.bench_function("sign_in/assertion", |bencher| {
        bencher.iter(|| account.assertion(black_box(now)));
    });
}

criterion_group!(benches, requests, posts, sign_in);
criterion_main!(benches);
