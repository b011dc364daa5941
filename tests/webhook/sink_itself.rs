//! The receiver that other journeys trust, held against a request that we did not make.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sink::{Reply, Sink};
use crate::{OLD_SECRET, PATIENCE, SECRET};

/// Signed by PyPI `standardwebhooks` 1.1.0 with [`SECRET`].
const SIGNATURE: &str = "v1,/485aUtxlie+TIScVpHggMfqOB4so2KWb7+Gf727B44=";

async fn say(addr: SocketAddr, path: &str, signature: &str, body: &str) -> String {
    let mut tcp = TcpStream::connect(addr).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\nwebhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\n\
         webhook-timestamp: 1614265330\r\nwebhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_genuine_request_is_told_from_others() {
    let sink = Sink::plain(&[OLD_SECRET, SECRET]).await;
    let (body, other) = (r#"{"test": 2432232314}"#, r#"{"test": 2432232315}"#);
    let cases = [
        (SIGNATURE.to_owned(), body, true),
        (format!("v1,AAAA v2,x {SIGNATURE}"), body, true),
        (SIGNATURE.to_owned(), other, false),
        (SIGNATURE.replace("v1,", "v2,"), body, false),
        (SIGNATURE.replace('/', "+"), body, false),
        (String::new(), body, false),
    ];
    for (signature, body, _) in &cases {
        assert!(say(sink.addr(), "/", signature, body).await.starts_with("HTTP/1.1 200"));
    }
    let seen = sink.wait(cases.len(), PATIENCE).await;
    for (seen, (signature, body, genuine)) in seen.iter().zip(&cases) {
        assert_eq!(seen.signature.is_ok(), *genuine, "{signature} {body}");
    }
    assert_eq!(seen.last().unwrap().connection, sink.connections());
}

#[tokio::test]
async fn replies_follow_the_script_of_their_path() {
    let sink = Sink::plain(&[]).await;
    sink.script(
        "/a",
        [
            Reply::Status(500),
            Reply::RetryAfter(503, "9".to_owned()),
            Reply::Status(204),
        ],
    );
    for (path, status) in [("/a", 500), ("/b", 200), ("/a", 503), ("/a", 204), ("/a", 204)] {
        let answer = say(sink.addr(), path, SIGNATURE, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert_eq!(answer.contains("retry-after: 9"), status == 503);
    }
    let replies: Vec<_> = sink.seen().iter().map(|seen| format!("{:?}", seen.reply)).collect();
    assert_eq!(replies[..2], ["Status(500)", "Status(200)"]);
}

#[tokio::test]
async fn a_notice_that_comes_again_is_taken() {
    let sink = Sink::plain(&[]).await;
    sink.script_first("/", [Reply::Status(500), Reply::Status(503)]);
    // The same notice each time.
    for status in [500, 200, 200] {
        let answer = say(sink.addr(), "/", SIGNATURE, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[tokio::test]
async fn a_cut_connection_ends_without_answer_or_amid_it() {
    let sink = Sink::plain(&[SECRET]).await;
    sink.script("/", [Reply::CutUnread, Reply::CutRead, Reply::CutAnswer(200)]);
    let body = r#"{"test": 2432232314}"#;
    assert_eq!(say(sink.addr(), "/", SIGNATURE, "").await, "");
    assert_eq!(say(sink.addr(), "/", SIGNATURE, body).await, "");
    assert!(say(sink.addr(), "/", SIGNATURE, body).await.ends_with('{'));
    let signatures: Vec<_> = sink.seen().iter().map(|seen| seen.signature.is_ok()).collect();
    assert_eq!(signatures, [false, true, true]);
}
