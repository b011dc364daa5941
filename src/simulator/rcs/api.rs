//! The API: who calls, what, and whether the platform's rules allow it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use araldo_rcs::limit::{MAX_BATCH_USERS, MAX_MESSAGE_BYTES, MAX_TTL};
use araldo_rcs::message::{Expiry, TrafficType};
use araldo_rcs::{AgentId, AgentMessage, Msisdn};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use super::answer::Answer;
use super::config::{Duplicates, UseCase};
use super::fault::{Call, Fault, Subject};
use super::life::{Fate, Life, OnItsWay};
use super::platform::{PhoneMessage, PhoneState, Platform, RcsEvent};
use super::schema::Definition;

/// Bytes of a body that are read: a file may have 100 MiB.
const MAX_BODY: usize = 101 << 20;
/// How long messages without a ttl are kept.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// Random numbers that an estimate is made of, as a share of those asked for, in quarters.
const SAMPLED_QUARTERS: usize = 3;
/// From so many users on estimates are made.
const ESTIMATED_FROM: usize = 500;

/// A UUID as RFC 4122 writes it.
const UUID_OCTETS: usize = 36;

/// What a request is.
enum Target {
    Send(Msisdn),
    Revoke(Msisdn, String),
    Event(Msisdn),
    Capabilities(Msisdn),
    BatchGet,
    CreateFile,
    Upload,
    Token,
}

/// A request as the rules see it.
struct Asked<'a> {
    target: Target,
    headers: &'a HeaderMap,
    uri: &'a Uri,
    body: &'a [u8],
}

/// Answers one request.
pub(super) async fn serve(Shared(platform): Shared<Arc<Platform>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Answer::refusal(400, "INVALID_ARGUMENT", "Request payload size exceeds the limit.").into_response();
    };
    let Some(target) = Target::of(&head.method, head.uri.path()) else {
        return Answer::refusal(404, "NOT_FOUND", "Method not found.").into_response();
    };
    let asked = Asked {
        target,
        headers: &head.headers,
        uri: &head.uri,
        body: &body,
    };
    let call = asked.target.call();
    let number = platform.note_request(&asked, &head.method);
    let subject = Subject {
        call,
        number: asked.target.number(),
        body: &body,
    };
    let fault = platform.state().fault(subject);
    let answer = match fault {
        Some(Fault::LoseRequest) => silence().await,
        Some(Fault::Status { code, retry_after }) => Answer::of_status(code, retry_after),
        Some(Fault::UserTrafficLimit) => Answer::refusal(429, "RESOURCE_EXHAUSTED", USER_TRAFFIC_LIMIT),
        Some(Fault::ExpireToken) => {
            platform
                .state()
                .issuer
                .forget(bearer(&head.headers).unwrap_or_default());
            Answer::unauthenticated()
        }
        fault => {
            let answer = platform.answer(&asked);
            match fault {
                Some(Fault::LoseAnswer) => silence().await,
                Some(Fault::Garbage) => Answer::garbage(),
                Some(Fault::Delay { by }) => {
                    tokio::time::sleep(by).await;
                    answer
                }
                _ => answer,
            }
        }
    };
    platform.note_answer(number, call, &answer);
    answer.into_response()
}

const USER_TRAFFIC_LIMIT: &str =
    "You have reached the allowed traffic limit for this agent on the user, your message will not be delivered";

/// No answer ever comes: the caller gives up.
async fn silence() -> Answer {
    std::future::pending().await
}

impl Target {
    fn of(method: &Method, path: &str) -> Option<Self> {
        let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let target = match (method.as_str(), parts.as_slice()) {
            ("POST", ["token"]) => Self::Token,
            ("POST", ["v1", "users:batchGet"]) => Self::BatchGet,
            ("POST", ["v1", "files"]) => Self::CreateFile,
            ("POST", ["upload", "v1", "files"]) => Self::Upload,
            ("POST", ["v1", "phones", to, "agentMessages"]) => Self::Send(Msisdn::parse(to).ok()?),
            ("DELETE", ["v1", "phones", to, "agentMessages", id]) => {
                Self::Revoke(Msisdn::parse(to).ok()?, (*id).to_owned())
            }
            ("POST", ["v1", "phones", to, "agentEvents"]) => Self::Event(Msisdn::parse(to).ok()?),
            ("GET", ["v1", "phones", to, "capabilities"]) => Self::Capabilities(Msisdn::parse(to).ok()?),
            _ => return None,
        };
        Some(target)
    }

    const fn call(&self) -> Call {
        match self {
            Self::Send(_) => Call::Send,
            Self::Revoke(..) => Call::Revoke,
            Self::Event(_) => Call::Event,
            Self::Capabilities(_) => Call::Capabilities,
            Self::BatchGet => Call::BatchGet,
            Self::CreateFile | Self::Upload => Call::File,
            Self::Token => Call::Token,
        }
    }

    fn number(&self) -> &str {
        match self {
            Self::Send(to) | Self::Revoke(to, _) | Self::Event(to) | Self::Capabilities(to) => to.as_str(),
            Self::BatchGet | Self::CreateFile | Self::Upload | Self::Token => "",
        }
    }
}

impl Asked<'_> {
    fn query(&self, name: &str) -> Option<String> {
        let pairs = self.uri.query().unwrap_or_default().split('&');
        let value = pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)?
            .1;
        Some(
            percent_encoding::percent_decode_str(value)
                .decode_utf8_lossy()
                .into_owned(),
        )
    }

    fn id(&self, name: &str) -> Result<Uuid, Answer> {
        let problem = || Answer::invalid([(name.to_owned(), "must be a UUID of RFC 4122".to_owned())]);
        // With its hyphens: a parser takes other forms too.
        let id = self.query(name).filter(|id| id.len() == UUID_OCTETS);
        id.and_then(|id| id.parse().ok()).ok_or_else(problem)
    }

    fn json(&self) -> Result<Value, Answer> {
        let is_json = self.headers.get(header::CONTENT_TYPE);
        if !is_json.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
            return Err(Answer::refusal(
                400,
                "INVALID_ARGUMENT",
                "Content-Type must be application/json.",
            ));
        }
        serde_json::from_slice(self.body)
            .map_err(|_| Answer::refusal(400, "INVALID_ARGUMENT", "Invalid JSON payload received."))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

impl Platform {
    fn answer(self: &Arc<Self>, asked: &Asked<'_>) -> Answer {
        let answered = match &asked.target {
            Target::Token => Ok(self.token(asked)),
            target => self.is_let_in(asked).and_then(|()| match target {
                Target::Send(to) => self.take(asked, to),
                Target::Revoke(to, id) => self.revoke(to, id),
                Target::Event(to) => self.event(asked, to),
                Target::Capabilities(to) => self.capabilities(asked, to),
                Target::BatchGet => self.batch_get(asked),
                Target::CreateFile => self.valid(Definition::File, asked).map(|_| self.file()),
                Target::Upload => self.upload(asked),
                Target::Token => Ok(self.token(asked)),
            }),
        };
        answered.unwrap_or_else(|refusal| {
            self.state().stats.refused += u64::from(refusal.status == 400);
            refusal
        })
    }

    fn token(&self, asked: &Asked<'_>) -> Answer {
        let host = asked.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = asked.uri.authority().map(axum::http::uri::Authority::as_str).or(host);
        let token_uri = format!("http://{}/token", authority.unwrap_or_default());
        let now = self.now();
        let mut state = self.state();
        let id = state.draw_id();
        let lifetime = state.issuer.lifetime().as_secs();
        match state.issuer.exchange(asked.body, &token_uri, now, id) {
            Ok(token) => {
                state.stats.tokens += 1;
                Answer::ok(json!({ "access_token": token, "expires_in": lifetime, "token_type": "Bearer" }))
            }
            Err(description) => Answer {
                status: 400,
                body: json!({ "error": "invalid_grant", "error_description": description }),
                retry_after: None,
            },
        }
    }

    /// The token, and the agent that calls.
    fn is_let_in(&self, asked: &Asked<'_>) -> Result<(), Answer> {
        let token = bearer(asked.headers).unwrap_or_default();
        if !self.state().issuer.knows(token, self.now()) {
            return Err(Answer::unauthenticated());
        }
        let agent = match asked.target {
            Target::BatchGet | Target::CreateFile => {
                asked.json()?.get("agentId").and_then(Value::as_str).map(str::to_owned)
            }
            _ => asked.query("agentId"),
        };
        let agent = agent.ok_or_else(|| Answer::invalid([("agentId".to_owned(), "is missing".to_owned())]))?;
        if AgentId::parse(&agent).ok().as_ref() == Some(&self.config.agent) {
            return Ok(());
        }
        Err(Answer::refusal(
            403,
            "PERMISSION_DENIED",
            "The caller does not have permission.",
        ))
    }

    /// The JSON of a body that keeps the schema.
    fn valid(&self, definition: Definition, asked: &Asked<'_>) -> Result<Value, Answer> {
        let body = asked.json()?;
        let breaks = self.schema.breaks(definition, &body);
        if breaks.is_empty() {
            return Ok(body);
        }
        Err(Answer::invalid(
            breaks.into_iter().map(|found| (found.field, found.description)),
        ))
    }

    fn take(self: &Arc<Self>, asked: &Asked<'_>, to: &Msisdn) -> Result<Answer, Answer> {
        let id = asked.id("messageId")?;
        if asked.body.len() > MAX_MESSAGE_BYTES {
            return Err(Answer::refusal(
                400,
                "INVALID_ARGUMENT",
                "The message is larger than 250 KB.",
            ));
        }
        let body = self.valid(Definition::Message, asked)?;
        let message =
            AgentMessage::from_json(asked.body).map_err(|error| Answer::invalid([(error.path, error.problem)]))?;
        self.may_send(message.message_traffic_type)?;
        let ttl = self.ttl(message.expiry)?;
        let now = self.now();
        let mut state = self.state();
        if state.used(id) {
            state.stats.duplicates += 1;
            return Ok(match self.config.duplicates {
                Duplicates::Ok => accepted(to, id, body),
                Duplicates::Conflict => Answer::refusal(409, "ALREADY_EXISTS", "Requested entity already exists."),
            });
        }
        let handset = state.handsets.of(to.as_str());
        if !handset.rcs {
            return Err(Answer::not_reachable());
        }
        let lacks = handset.capabilities().lacks(&message);
        if !lacks.is_empty() {
            return Err(Answer::refusal(
                400,
                "INVALID_ARGUMENT",
                "The handset does not support the message.",
            ));
        }
        state.use_id(id);
        state.stats.accepted += 1;
        state.note_age(id, now);
        let fate = Fate::draw(&mut state);
        let on_its_way = OnItsWay {
            to: to.clone(),
            revoked: Arc::new(Notify::new()),
        };
        state.on_their_way.insert(id, on_its_way.clone());
        let shown = PhoneMessage {
            id,
            at: now,
            to: to.to_string(),
            content: body["contentMessage"].clone(),
            traffic_type: body["messageTrafficType"].as_str().map(str::to_owned),
            state: PhoneState::Waiting,
        };
        state.remember(shown.clone(), self.config.phone_memory);
        drop(state);
        self.events.send(Arc::new(RcsEvent::Message(shown))).ok();
        let life = Life {
            platform: self.clone(),
            id,
            message: on_its_way,
            fate,
            ttl,
        };
        self.tasks.spawn(life.live());
        let mut body = body;
        body["sendTime"] = json!(now);
        Ok(accepted(to, id, body))
    }

    /// What the agent was approved for.
    fn may_send(&self, traffic: Option<TrafficType>) -> Result<(), Answer> {
        use TrafficType as T;
        let may = match (self.config.use_case, traffic) {
            (UseCase::MultiUse, None) => false,
            (_, None | Some(T::ServiceRequest | T::Acknowledgement)) | (UseCase::Any, _) => true,
            (UseCase::Otp, Some(traffic)) => traffic == T::Authentication,
            (UseCase::Transactional, Some(traffic)) => traffic == T::Transaction,
            (UseCase::Promotional, Some(traffic)) => traffic == T::Promotion,
            (UseCase::MultiUse, Some(traffic)) => traffic != T::Authentication,
        };
        let problem = || {
            let description = "is not one that the agent may send".to_owned();
            Answer::invalid([("messageTrafficType".to_owned(), description)])
        };
        may.then_some(()).ok_or_else(problem)
    }

    fn ttl(&self, expiry: Option<Expiry>) -> Result<Duration, Answer> {
        let (field, ttl) = match expiry {
            None => return Ok(KEPT),
            Some(Expiry::Ttl(ttl)) => ("ttl", ttl),
            Some(Expiry::ExpireTime(at)) => {
                let ahead = at.duration_since(self.now().timestamp());
                ("expireTime", Duration::try_from(ahead).unwrap_or_default())
            }
        };
        if ttl.is_zero() || ttl > MAX_TTL {
            let description = "must lie ahead, by at most 15 days".to_owned();
            return Err(Answer::invalid([(field.to_owned(), description)]));
        }
        Ok(ttl)
    }

    fn revoke(&self, to: &Msisdn, id: &str) -> Result<Answer, Answer> {
        let mut state = self.state();
        let id: Option<Uuid> = id.parse().ok();
        let waits = id.filter(|id| state.on_their_way.get(id).is_some_and(|message| &message.to == to));
        let too_late = || Answer::refusal(404, "NOT_FOUND", "Requested entity was not found.");
        let message = waits
            .and_then(|id| state.on_their_way.remove(&id))
            .ok_or_else(too_late)?;
        message.revoked.notify_one();
        Ok(Answer::ok(json!({})))
    }

    fn event(&self, asked: &Asked<'_>, to: &Msisdn) -> Result<Answer, Answer> {
        let id = asked.id("eventId")?;
        let mut body = self.valid(Definition::Event, asked)?;
        let now = self.now();
        let mut state = self.state();
        if !state.handsets.of(to.as_str()).rcs {
            return Err(Answer::not_reachable());
        }
        if !state.use_id(id) {
            state.stats.duplicates += 1;
        }
        body["name"] = json!(format!("phones/{to}/agentEvents/{id}"));
        body["sendTime"] = json!(now);
        Ok(Answer::ok(body))
    }

    fn capabilities(&self, asked: &Asked<'_>, to: &Msisdn) -> Result<Answer, Answer> {
        asked.id("requestId")?;
        let state = self.state();
        let handset = state.handsets.of(to.as_str());
        if !handset.rcs {
            return Err(Answer::not_reachable());
        }
        let mut body = json!({ "features": handset.features });
        if let Some(carrier) = &handset.carrier {
            body["carrier"] = json!(carrier);
        }
        Ok(Answer::ok(body))
    }

    fn batch_get(&self, asked: &Asked<'_>) -> Result<Answer, Answer> {
        let body = self.valid(Definition::Batch, asked)?;
        let users: Vec<&str> = body["users"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if users.len() > MAX_BATCH_USERS {
            let description = "at most 10000 users".to_owned();
            return Err(Answer::invalid([("users".to_owned(), description)]));
        }
        let state = self.state();
        let reachable: Vec<&str> = users
            .iter()
            .copied()
            .filter(|user| state.handsets.of(user).rcs)
            .collect();
        let sampled = |count: usize| match users.len() {
            0..ESTIMATED_FROM => 0,
            _ => count * SAMPLED_QUARTERS / 4,
        };
        let mut body = json!({
            "reachableUsers": reachable,
            "totalRandomSampleUserCount": sampled(users.len()),
            "reachableRandomSampleUserCount": sampled(reachable.len()),
        });
        let mut by_carrier: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for user in &reachable {
            if let Some(carrier) = &state.handsets.of(user).carrier {
                by_carrier.entry(carrier).or_default().push(user);
            }
        }
        for (carrier, users) in by_carrier {
            body["reachableUsersMap"][carrier] = json!({ "reachableUsers": users });
        }
        Ok(Answer::ok(body))
    }

    fn upload(&self, asked: &Asked<'_>) -> Result<Answer, Answer> {
        if asked.body.is_empty() || !asked.headers.contains_key(header::CONTENT_TYPE) {
            return Err(Answer::refusal(
                400,
                "INVALID_ARGUMENT",
                "A file and its Content-Type are needed.",
            ));
        }
        Ok(self.file())
    }

    fn file(&self) -> Answer {
        let id = self.state().draw_id();
        Answer::ok(json!({ "name": format!("files/{id}") }))
    }

    /// Counts a request and writes it down; its number ties its answer to it.
    fn note_request(&self, asked: &Asked<'_>, method: &Method) -> u64 {
        let call = asked.target.call();
        let number = {
            let mut state = self.state();
            state.stats.request(call.as_str());
            state.stats.requests.values().sum()
        };
        if self.ledger.is_some() {
            // An assertion signs in whoever has it.
            let body = match call {
                Call::Token => Value::Null,
                _ => serde_json::from_slice(asked.body).unwrap_or(Value::Null),
            };
            self.note(&json!({
                "at": self.now(), "dir": "in", "number": number, "call": call.as_str(),
                "request": format!("{method} {}", asked.uri.path_and_query().map_or("/", |path| path.as_str())),
                "bytes": asked.body.len(), "body": body,
            }));
        }
        number
    }

    fn note_answer(&self, number: u64, call: Call, answer: &Answer) {
        self.state().stats.answer(call.as_str(), answer.status);
        if self.ledger.is_some() {
            let body = if call == Call::Token {
                &Value::Null
            } else {
                &answer.body
            };
            self.note(&json!({
                "at": self.now(), "dir": "out", "number": number, "call": call.as_str(),
                "status": answer.status, "body": body,
            }));
        }
    }
}

fn accepted(to: &Msisdn, id: Uuid, mut body: Value) -> Answer {
    body["name"] = json!(format!("phones/{to}/agentMessages/{id}"));
    Answer::ok(body)
}

/// The routes of the API: one handler, since a request is counted before it is understood.
pub(super) fn router(platform: Arc<Platform>) -> axum::Router {
    axum::Router::new().fallback(serve).with_state(platform)
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = match self.body {
            Value::String(text) => Body::from(text),
            body => Body::from(body.to_string()),
        };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
