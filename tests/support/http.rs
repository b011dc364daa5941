//! A client of the API: one connection, kept while it lasts.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::sample::Sample;

/// Longer than the daemon may take to say that it does not know.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection to one listener, opened anew when it is gone.
pub(crate) struct Http {
    addr: SocketAddr,
    secret: String,
    open: Option<SendRequest<Full<Bytes>>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<u64>,
    pub(crate) replayed: bool,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The lines of NDJSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.body.split(|octet| *octet == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }
}

/// No answer: the connection was refused, cut, or silent.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    /// Whether the request may have been read.
    pub(crate) asked: bool,
    #[expect(dead_code, reason = "shown where a test cannot do without an answer")]
    why: String,
}

impl Http {
    pub(crate) fn new(addr: SocketAddr, secret: &str) -> Self {
        Self {
            addr,
            secret: secret.to_owned(),
            open: None,
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, NoAnswer> {
        self.request(Method::GET, path, &[], Vec::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str) -> Result<Answer, NoAnswer> {
        self.request(Method::POST, path, &[], Vec::new()).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Result<Answer, NoAnswer> {
        self.request(Method::DELETE, path, &[], Vec::new()).await
    }

    pub(crate) async fn put(&mut self, path: &str, body: &Value) -> Result<Answer, NoAnswer> {
        let headers = [("content-type", "application/json".to_owned())];
        self.request(Method::PUT, path, &headers, body.to_string().into_bytes())
            .await
    }

    /// Sends one message under its key.
    pub(crate) async fn send(&mut self, sample: &Sample) -> Result<Answer, NoAnswer> {
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("idempotency-key", sample.key()),
        ];
        self.request(
            Method::POST,
            "/v1/messages",
            &headers,
            sample.body().to_string().into_bytes(),
        )
        .await
    }

    /// Sends many as NDJSON.
    pub(crate) async fn send_all(&mut self, samples: &[Sample]) -> Result<Answer, NoAnswer> {
        let mut body = Vec::with_capacity(samples.len() * 256);
        for sample in samples {
            serde_json::to_writer(&mut body, &sample.line()).unwrap();
            body.push(b'\n');
        }
        let headers = [("content-type", "application/x-ndjson".to_owned())];
        self.request(Method::POST, "/v1/messages", &headers, body).await
    }

    pub(crate) async fn request(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.addr.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let patience = if request.body().size_hint_is_large() {
            PATIENCE * 6
        } else {
            PATIENCE
        };
        match tokio::time::timeout(patience, self.exchange(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(no_answer)) => {
                self.open = None;
                Err(no_answer)
            }
            Err(_) => {
                self.open = None;
                Err(NoAnswer {
                    asked: true,
                    why: "silence".to_owned(),
                })
            }
        }
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let not_asked = |why: String| NoAnswer { asked: false, why };
        let cut = |error: hyper::Error| NoAnswer {
            asked: !error.is_canceled(),
            why: error.to_string(),
        };
        let stale = match &mut self.open {
            Some(open) => open.ready().await.is_err(),
            None => true,
        };
        if stale {
            let stream = TcpStream::connect(self.addr)
                .await
                .map_err(|error| not_asked(error.to_string()))?;
            stream.set_nodelay(true).map_err(|error| not_asked(error.to_string()))?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(cut)?;
            tokio::spawn(async move {
                // How a connection ends is seen by whoever awaits an answer on it.
                let _ = connection.await;
            });
            self.open = Some(sender);
        }
        let open = self.open.as_mut().expect("was opened");
        let response = open.send_request(request).await.map_err(cut)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(cut)?.to_bytes();
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: parts.status,
            retry_after: text("retry-after").and_then(|value| value.parse().ok()),
            replayed: text("idempotency-replayed") == Some("true"),
            body,
        })
    }
}

trait Large {
    fn size_hint_is_large(&self) -> bool;
}

impl Large for Full<Bytes> {
    fn size_hint_is_large(&self) -> bool {
        hyper::body::Body::size_hint(self).lower() > 1 << 20
    }
}
