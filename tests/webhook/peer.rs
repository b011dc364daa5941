//! Requests as they arrived, for the libraries of others to verify: see `tests/peers/run`.

use std::io::Write;

use araldo::backend::{Answer, Keys, Post};
use araldo::clock::Clock;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;

use crate::sink::Sink;
use crate::{BODY, OLD_SECRET, PATIENCE, SECRET, sender};

/// Writes them to the file that `ARALDO_WEBHOOK_LEDGER` names, a JSON object a line; without it, nowhere.
#[tokio::test]
async fn what_arrives_can_be_written_down_for_other_libraries() {
    let sink = Sink::start(&[SECRET, OLD_SECRET]).await;
    let webhooks = sender(&sink);
    let clock = Clock::system();
    let bodies = [
        "{}",
        "[]",
        BODY,
        &format!("[{}]", [BODY; 100].join(",")),
        "{\"text\":\"\\u0000\\ud83c\\udf89\"}\n",
    ];
    for secrets in [
        &[SECRET][..],
        &[OLD_SECRET],
        &[SECRET, OLD_SECRET],
        &[OLD_SECRET, SECRET],
    ] {
        let keys = Keys::new(secrets.iter().copied()).unwrap();
        for (number, body) in bodies.iter().enumerate() {
            let (url, id) = (sink.url("/hook"), format!("evt_0193b3e0-7d2c-7a51-8c1e-{number:012x}"));
            let answer = webhooks.post(Post {
                url: &url,
                id: &id,
                at: clock.now(),
                keys: &keys,
                body: Bytes::from((*body).to_owned()),
                timeout: PATIENCE,
            });
            assert_eq!(answer.await, Answer::Taken { status: 200 });
            assert_eq!(sink.seen().last().unwrap().signature, Ok(()));
        }
    }
    let Some(file) = std::env::var_os("ARALDO_WEBHOOK_LEDGER") else {
        return;
    };
    let mut file = std::fs::File::create(file).unwrap();
    for (index, seen) in sink.seen().iter().enumerate() {
        let secrets = [
            &[SECRET][..],
            &[OLD_SECRET],
            &[SECRET, OLD_SECRET],
            &[OLD_SECRET, SECRET],
        ][index / bodies.len()];
        let headers: serde_json::Map<_, _> = (seen.headers.iter())
            .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
            .collect();
        let line = json!({ "secrets": secrets, "headers": headers, "body": STANDARD.encode(&seen.body) });
        writeln!(file, "{line}").unwrap();
    }
}
