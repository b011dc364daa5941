use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::ListenConfig;
use crate::http::{ServeError, ServeSettings, bind, serve};

pub(super) struct Served {
    pub(super) house: House,
    pub(super) at: std::net::SocketAddr,
    pub(super) stop: CancellationToken,
    pub(super) task: tokio::task::JoinHandle<Result<(), ServeError>>,
}

pub(super) async fn served(change: impl FnOnce(&mut ServeSettings)) -> Served {
    let mut config = config();
    config.http.body_timeout = Duration::from_millis(300);
    let house = House::with(&config, &settings(), Clock::system()).await;
    let listen = ListenConfig::loopback(0);
    let listener = bind(&listen).unwrap();
    let (at, stop) = (listener.local_addr().unwrap(), house.stopping.clone());
    let mut settings = ServeSettings::new(&config.http, Duration::from_secs(5));
    change(&mut settings);
    let (app, until) = (house.app.clone(), stop.clone());
    let task = tokio::spawn(async move { serve(listener, &listen, app, settings, until).await });
    Served { house, at, stop, task }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    /// Sends this and reads until the server closes.
    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may close before it has read all.
        stream.write_all(request).await.ok();
        read_all(&mut stream).await
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    let read = async {
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..length]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the server closes");
    String::from_utf8(answer).unwrap()
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 4_096];
    let length = stream.read(&mut buffer).await.unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

fn post(body: &str, headers: &str) -> String {
    format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer bank-key\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_message_goes_over_a_real_connection_and_the_connection_is_kept() {
    let served = served(|_| {}).await;
    let mut stream = served.connect().await;
    for _ in 0..2 {
        stream
            .write_all(post(&wish().to_string(), "").as_bytes())
            .await
            .unwrap();
        let answer = read_some(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    }
    assert_eq!(served.house.stored().await, 2);
}

#[tokio::test]
async fn a_client_that_dribbles_its_head_is_cut_in_time() {
    let limit = Duration::from_millis(300);
    let served = served(|settings| settings.header_timeout = limit).await;
    let mut stream = served.connect().await;
    let begun = crate::clock::monotonic();
    let dribble = async {
        let (mut read, mut write) = stream.split();
        let dribbled = async {
            for octet in b"GET /v1/messages HTTP/1.1\r\nhost: x\r\nx: "
                .iter()
                .chain(std::iter::repeat(&b'a'))
            {
                if write.write_all(&[*octet]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let mut buffer = [0; 64];
        tokio::select! {
            () = dribbled => {}
            _ = read.read(&mut buffer) => {}
        }
    };
    tokio::time::timeout(PATIENCE, dribble).await.expect("cut");
    let took = crate::clock::monotonic().duration_since(begun);
    assert!(took >= limit, "{took:?}");
}

#[tokio::test]
async fn a_body_that_stands_still_is_cut_with_408_and_nothing_is_stored() {
    let served = served(|_| {}).await;
    let whole = post(&wish().to_string(), "");
    let answer = served.exchange(&whole.as_bytes()[..whole.len() - 5]).await;
    assert!(
        answer.starts_with("HTTP/1.1 408 ") && answer.contains("body_timeout"),
        "{answer}"
    );
    assert_eq!(served.house.stored().await, 0);
}

#[tokio::test]
async fn a_client_that_leaves_in_mid_body_has_sent_nothing() {
    let served = served(|_| {}).await;
    let mut stream = served.connect().await;
    let whole = post(&wish().to_string(), "");
    stream.write_all(&whole.as_bytes()[..whole.len() - 5]).await.unwrap();
    drop(stream);
    let other = served
        .exchange(post(&wish().to_string(), "connection: close\r\n").as_bytes())
        .await;
    assert!(other.starts_with("HTTP/1.1 202 "), "{other}");
    assert_eq!(served.house.stored().await, 1);
}

#[tokio::test]
async fn heads_that_are_too_large_get_431_and_a_closed_connection() {
    let served = served(|_| {}).await;
    let long = format!(
        "GET /v1/messages HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "a".repeat(64 << 10)
    );
    let many: String = (0..100).map(|n| format!("x{n}: y\r\n")).collect();
    let many = format!("GET /v1/messages HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    for head in [long, many] {
        let answer = served.exchange(head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test]
async fn bodies_of_two_lengths_are_refused_and_the_connection_closed() {
    let served = served(|_| {}).await;
    let two = "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}    ";
    let answer = served.exchange(two.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let odd = "POST /v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n";
    let answer = served.exchange(odd.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_smuggled_request_is_read_as_body_and_never_as_a_request() {
    let served = served(|_| {}).await;
    let inner = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    let pair = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         authorization: Bearer bank-key\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{inner}\r\n0\r\n\r\n",
        inner.len()
    );
    let answer = served.exchange(pair.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_to_be_taken() {
    let served = served(|settings| settings.max_connections = 1).await;
    let first = served.connect().await;
    let mut second = served.connect().await;
    second
        .write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = [0; 16];
    let early = tokio::time::timeout(Duration::from_millis(200), second.read(&mut buffer)).await;
    assert!(early.is_err(), "not served while the first is there");
    drop(first);
    assert!(read_some(&mut second).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_stop_lets_the_request_under_way_end_and_takes_no_more() {
    let served = served(|_| {}).await;
    let held = served.house.gate.close().await;
    let mut stream = served.connect().await;
    stream
        .write_all(post(&wish().to_string(), "").as_bytes())
        .await
        .unwrap();
    served.house.gate.came(1).await;
    served.stop.cancel();
    let closed = async { while TcpStream::connect(served.at).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, closed)
        .await
        .expect("the port is closed");
    drop(held);
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 202 "));
    served.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_cuts_what_does_not_end() {
    let served = served(|settings| settings.drain = Duration::from_millis(100)).await;
    let _held = served.house.gate.close().await;
    let mut stream = served.connect().await;
    stream
        .write_all(post(&wish().to_string(), "").as_bytes())
        .await
        .unwrap();
    served.house.gate.came(1).await;
    served.stop.cancel();
    tokio::time::timeout(PATIENCE, served.task)
        .await
        .expect("in time")
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_taken_port_and_plain_http_beyond_loopback_are_said() {
    let first = bind(&ListenConfig::loopback(0)).unwrap();
    let taken = ListenConfig::loopback(first.local_addr().unwrap().port());
    assert!(matches!(bind(&taken), Err(ServeError::Bind(_, error)) if error.kind() == std::io::ErrorKind::AddrInUse));
    let beyond = ListenConfig {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..ListenConfig::loopback(0)
    };
    assert!(matches!(bind(&beyond), Err(ServeError::Plaintext(_))));
    assert!(
        bind(&ListenConfig {
            insecure_plaintext: true,
            ..beyond
        })
        .is_ok()
    );
}

#[tokio::test]
async fn https_is_served_with_the_configured_certificate_and_plain_http_is_not_answered() {
    use rustls::pki_types::ServerName;

    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let listen = ListenConfig {
        tls_cert_file: Some(cert),
        tls_key_file: Some(key),
        ..ListenConfig::loopback(0)
    };
    let house = House::new().await;
    let listener = bind(&listen).unwrap();
    let (at, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let settings = ServeSettings::new(&config().http, Duration::from_secs(1));
    let (app, until) = (house.app.clone(), stop.clone());
    tokio::spawn(async move { serve(listener, &listen, app, settings, until).await });

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(at).await.unwrap();
    let mut stream = connector
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
        .unwrap();
    stream
        .write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = [0; 64];
    let length = stream.read(&mut buffer).await.unwrap();
    assert!(buffer[..length].starts_with(b"HTTP/1.1 200 "));

    let mut plain = TcpStream::connect(at).await.unwrap();
    plain
        .write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.ok();
    assert!(!answer.starts_with(b"HTTP"));
    stop.cancel();
}
