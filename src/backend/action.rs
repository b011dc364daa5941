//! Asks a back end to do something, or what became of it: one request, and what may be said of its outcome.

use std::pin::pin;
use std::time::Duration;

use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::signature::Keys;
use super::target::Target;
use super::webhook::{Failure, Webhooks};
use crate::domain::UnixMillis;

/// Octets of an answer that are read; more is no answer.
const MAX_ANSWER: usize = 64 * 1024;

/// One request.
pub struct Call<'a> {
    /// Where to: https, or http to an allowed network.
    pub url: &'a str,
    /// POST or PUT to have something done, GET to ask what became of it.
    pub method: Method,
    /// `Idempotency-Key`, and `webhook-id` where it is signed.
    pub key: &'a str,
    /// When it is made.
    pub at: UnixMillis,
    /// What signs it.
    pub keys: Option<&'a Keys>,
    /// JSON; empty for a GET.
    pub body: Bytes,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// What a back end said.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Said {
    /// `ok`, `refused`, `pending`, or a word of its own. Default `ok`.
    pub result: Option<String>,
    /// Its own code.
    pub code: Option<String>,
    /// What the reply may use.
    pub vars: Map<String, Json>,
    /// The answer itself, where it is no JSON.
    #[serde(skip)]
    pub text: Option<String>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Called {
    /// An answer: 200 to 299.
    Answered(Said),
    /// The back end does not do it: 400 to 499, but for those below.
    Refused {
        /// The status.
        status: u16,
        /// What it said beside.
        said: Said,
    },
    /// It has no place for it now (429), or the request never left: nothing was done.
    NotDone(Failure),
    /// It may have been done: no answer, a broken one, or 500 to 599.
    Unknown(Failure),
}

/// An answer.
pub(super) struct Exchanged {
    pub(super) status: StatusCode,
    /// It says so, or says nothing of its kind.
    pub(super) is_json: bool,
    /// `None` where it broke off, or is too long.
    pub(super) body: Option<Bytes>,
}

impl Webhooks {
    /// Makes a call, once.
    pub async fn call(&self, call: Call<'_>) -> Called {
        let Some(request) = request(&call) else {
            return Called::NotDone(Failure::Forbidden);
        };
        match self.exchange(request, call.timeout).await {
            Ok(answer) => {
                let said = answer.body.and_then(|body| Said::read(&body, answer.is_json));
                Called::of(answer.status, said)
            }
            // Of these nothing has reached the back end.
            Err(failure @ (Failure::Connect | Failure::Tls | Failure::Forbidden)) => Called::NotDone(failure),
            Err(failure @ (Failure::Status(_) | Failure::Timeout | Failure::Broken)) => Called::Unknown(failure),
        }
    }

    /// One request and its answer, all of it in that time.
    pub(super) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        timeout: Duration,
    ) -> Result<Exchanged, Failure> {
        let mut end = pin!(tokio::time::sleep(timeout));
        let answered = tokio::select! {
            answered = self.0.request(request) => answered,
            () = &mut end => return Err(Failure::Timeout),
        };
        let response = answered.map_err(|error| Failure::of(&error))?;
        let status = response.status();
        let is_json = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_none_or(|kind| kind.contains("json"));
        let body = tokio::select! {
            body = read(response.into_body()) => body,
            () = &mut end => None,
        };
        Ok(Exchanged { status, is_json, body })
    }
}

fn request(call: &Call<'_>) -> Option<Request<Full<Bytes>>> {
    let uri = Target::parse(call.url).ok()?.into_uri();
    let key = HeaderValue::from_str(call.key).ok()?;
    let mut request = Request::new(Full::new(call.body.clone()));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    if let Some(keys) = call.keys {
        let seconds = call.at.0.div_euclid(1000);
        let mut signature = HeaderValue::try_from(keys.sign(call.key, seconds, &call.body)).ok()?;
        signature.set_sensitive(true);
        headers.insert("webhook-id", key.clone());
        headers.insert("webhook-timestamp", HeaderValue::from(seconds));
        headers.insert("webhook-signature", signature);
    }
    headers.insert("idempotency-key", key);
    if !call.body.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/plain"));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("araldo/", env!("CARGO_PKG_VERSION"))),
    );
    Some(request)
}

/// The whole body; `None` where it breaks off or is too long.
async fn read(mut body: Incoming) -> Option<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            if whole.len() + data.len() > MAX_ANSWER {
                return None;
            }
            whole.extend_from_slice(&data);
        }
    }
    Some(whole.freeze())
}

impl Called {
    /// `said` is `None` where the body could not be read.
    fn of(status: StatusCode, said: Option<Said>) -> Self {
        let failure = Failure::Status(status.as_u16());
        match status.as_u16() {
            // Taken, though what it said is lost or no answer.
            200..=299 => said.map_or(Self::Unknown(Failure::Broken), Self::Answered),
            429 => Self::NotDone(failure),
            408 | 425 => Self::Unknown(failure),
            400..=499 => Self::Refused {
                status: status.as_u16(),
                said: said.unwrap_or_default(),
            },
            _ => Self::Unknown(failure),
        }
    }
}

impl Said {
    /// An object of JSON, or plain text. Nothing at all says that all is well.
    fn read(body: &[u8], is_json: bool) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?.trim();
        if text.is_empty() {
            return Some(Self::default());
        }
        if is_json || text.starts_with('{') {
            if let Ok(said) = serde_json::from_str::<Self>(text) {
                return Some(said);
            }
            if is_json && text.starts_with(['{', '[']) {
                return None;
            }
        }
        Some(Self {
            text: Some(text.to_owned()),
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_object_or_plain_text() {
        let said = Said::read(
            br#"{"result":"refused","code":"limit","vars":{"left":"3"},"more":1}"#,
            true,
        )
        .unwrap();
        assert_eq!(
            (said.result.as_deref(), said.code.as_deref()),
            (Some("refused"), Some("limit"))
        );
        assert_eq!(said.vars["left"], "3");
        assert_eq!(Said::read(b" PONG ", false).unwrap().text.as_deref(), Some("PONG"));
        assert_eq!(Said::read(b"", true), Some(Said::default()));
        for bad in [&b"{\"result\":"[..], b"[1]", b"\xff"] {
            assert_eq!(Said::read(bad, true), None);
        }
    }

    #[test]
    fn what_may_be_said_of_an_outcome_follows_from_its_status() {
        let of = |status| Called::of(StatusCode::from_u16(status).unwrap(), Some(Said::default()));
        assert_eq!(of(200), Called::Answered(Said::default()));
        assert_eq!(of(429), Called::NotDone(Failure::Status(429)));
        assert!(matches!(of(404), Called::Refused { status: 404, .. }));
        for unknown in [301, 408, 500, 502, 503, 504] {
            assert_eq!(of(unknown), Called::Unknown(Failure::Status(unknown)));
        }
        assert_eq!(Called::of(StatusCode::OK, None), Called::Unknown(Failure::Broken));
    }
}
