//! The client that sends and publishes: an ordinary caller of the HTTP API, with its key.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpStream;

/// How long an answer may take: a little more than the longest commit.
const PATIENCE: Duration = Duration::from_secs(12);

const JSON: &str = "application/json";
const CLOUD_EVENT: &str = "application/cloudevents+json";

/// A client of the API.
pub(super) struct BackEnd {
    api: SocketAddr,
    key: SecretString,
}

/// What is to be sent.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Wish<'a> {
    pub(super) to: &'a str,
    pub(super) from: &'a str,
    pub(super) class: &'a str,
    pub(super) text: &'a str,
    /// Says on the page which messages a person has sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<&'a str>,
    /// Measured only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) dry_run: bool,
}

/// What the API said to a wish that it took.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Accepted {
    /// `None` of a dry run.
    pub(super) id: Option<String>,
    pub(super) encoding: String,
    pub(super) segments: usize,
    pub(super) units: usize,
}

/// What the API said to an event that it took.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Published {
    pub(super) messages: Vec<Made>,
}

/// A message that an event makes.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) rule: String,
    pub(super) segments: u8,
}

/// Why it did not.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It said no.
    #[error("{0}")]
    Problem(Problem),
    /// It could not be asked.
    #[error("the API cannot be reached: {0}")]
    Unreachable(String),
}

/// The API's words for it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) detail: String,
    pub(super) errors: Vec<ProblemFault>,
}

/// One fault of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ProblemFault {
    pub(super) pointer: String,
    pub(super) detail: String,
    pub(super) hint: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl BackEnd {
    pub(super) fn new(api: SocketAddr, key: &str) -> Self {
        Self {
            api,
            key: SecretString::from(key),
        }
    }

    /// Where the API is.
    pub(super) const fn addr(&self) -> SocketAddr {
        self.api
    }

    /// Sends a message, or measures it.
    pub(super) async fn send(&self, wish: &Wish<'_>) -> Result<Accepted, Refusal> {
        let body = serde_json::to_vec(wish).map_err(|error| Refusal::Unreachable(error.to_string()))?;
        let (status, answer) = self.call(Method::POST, "/v1/messages", JSON, Bytes::from(body)).await?;
        read(status, &answer)
    }

    /// Publishes an event, a CloudEvent in structured form.
    pub(super) async fn publish(&self, event: &Value) -> Result<Published, Refusal> {
        let body = Bytes::from(event.to_string());
        let (status, answer) = self.call(Method::POST, "/v1/events", CLOUD_EVENT, body).await?;
        read(status, &answer)
    }

    /// A message as its owner sees it; `None` where there is none.
    pub(super) async fn message(&self, id: &str) -> Result<Option<Value>, Refusal> {
        let (status, answer) = self
            .call(Method::GET, &format!("/v1/messages/{id}"), JSON, Bytes::new())
            .await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        read(status, &answer).map(Some)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Refusal> {
        match tokio::time::timeout(PATIENCE, self.exchange(method, path, kind, body)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Refusal::Unreachable(format!("{error:#}"))),
            Err(_) => Err(Refusal::Unreachable("no answer in time".to_owned())),
        }
    }

    /// One request over a connection of its own.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let stream = TcpStream::connect(self.api).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.api.to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.key.expose_secret()))
            .header(CONTENT_TYPE, kind)
            .header(CONNECTION, "close")
            .body(Full::new(body))?;
        let answer = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            Ok((status, answer.into_body().collect().await?.to_bytes()))
        };
        let driven = async {
            let ended = connection.await;
            // The answer may still be on its way to the one who waits for it.
            tokio::task::yield_now().await;
            ended.map_err(anyhow::Error::from)
        };
        let (answer, _) = tokio::join!(answer, driven);
        answer
    }
}

fn read<T: serde::de::DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, Refusal> {
    if status.is_success() {
        return serde_json::from_slice(body).map_err(|error| Refusal::Unreachable(error.to_string()));
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    Err(Refusal::Problem(if problem.detail.is_empty() {
        Problem {
            detail: format!("the API answered {status}"),
            ..problem
        }
    } else {
        problem
    }))
}

impl Refusal {
    /// The words for a person, and the faults.
    pub(super) fn parts(&self) -> (String, Vec<ProblemFault>) {
        match self {
            Self::Problem(problem) => (problem.detail.clone(), problem.errors.clone()),
            Self::Unreachable(_) => (self.to_string(), Vec::new()),
        }
    }
}
