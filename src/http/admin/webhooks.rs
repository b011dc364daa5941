//! Webhooks: what waits for which endpoint, what was given up, and what a person does about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::AdminState;
use crate::domain::{Endpoint, UnixMillis};
use crate::http::api::{ListQuery, page, page_limit, read_cursor, shown, store_problem};
use crate::http::body;
use crate::http::problem::{Code, Fault, Problem};
use crate::store::{About, DeadNotices, EndpointRecord, NoticeAct, NoticeKind, NoticeRecord, OffReason, Seq};

/// Dead letters replayed by one commit: a longer one would hold up the rest.
const STEP: u32 = 2_000;

/// An endpoint.
#[derive(Serialize)]
struct EndpointView {
    endpoint: Endpoint,
    /// `on`; `paused` for a while; `off`: then what is for it waits. One that is off as `failing` is asked now and then.
    state: &'static str,
    pending: u64,
    oldest_pending_at: Option<UnixMillis>,
    dead: u64,
    /// It is left alone until then, for what its last post met with.
    paused_until: Option<UnixMillis>,
    pause_reason: Option<String>,
    off_since: Option<UnixMillis>,
    off_reason: Option<OffReason>,
}

/// A dead letter. No number, no text.
#[derive(Serialize)]
struct DeadView {
    id: String,
    seq: Seq,
    endpoint: Option<Endpoint>,
    r#type: NoticeKind,
    about: String,
    at: UnixMillis,
    attempts: u16,
    outcome: Option<Box<str>>,
    dead_at: Option<UnixMillis>,
}

/// Which dead letters go out again: one, a range of places, those of an endpoint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayWish {
    id: Option<String>,
    from: Option<Seq>,
    to: Option<Seq>,
    endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchWish {
    endpoint: String,
    on: bool,
}

pub(super) async fn list(State(state): State<Arc<AdminState>>) -> Result<Response, Problem> {
    let known = endpoints(&state).await?;
    let views: Vec<_> = known
        .into_values()
        .map(|record| EndpointView::of(record, &state))
        .collect();
    Ok(shown(&json!({ "data": views })))
}

pub(super) async fn dead(State(state): State<Arc<AdminState>>, uri: Uri) -> Result<Response, Problem> {
    let query = ListQuery::read(&uri, &["endpoint", "limit", "after"])?;
    let after = query.get("after").map(|cursor| read_cursor("webhooks", cursor));
    let query = DeadNotices {
        endpoint: query.get("endpoint").map(Endpoint::stored),
        before: after.transpose()?,
        limit: page_limit(query.get("limit"))?,
    };
    let found = state.api.store.dead_notices(&query).await;
    Ok(page(
        "webhooks",
        &uri,
        found.map_err(|error| store_problem(&error))?,
        DeadView::of,
    ))
}

pub(super) async fn replay(State(state): State<Arc<AdminState>>, request: Request) -> Result<Response, Problem> {
    let wish: ReplayWish = read(&state, request).await?;
    let (from, to) = match (&wish.id, wish.from, wish.to, &wish.endpoint) {
        (Some(id), None, None, None) => {
            let place = place(id).ok_or_else(|| Fault::new("/id", Code::InvalidId, "is not an event's id"))?;
            (place, place)
        }
        (None, None, None, Some(_)) => (0, Seq::MAX),
        (None, Some(from), Some(to), _) if from <= to => (from, to),
        (None, Some(from), Some(to), _) => {
            let detail = format!("the last place, {to}, is before the first, {from}");
            return Err(Fault::new("/to", Code::InvalidRange, detail).into());
        }
        _ => {
            let detail = "name one of: id; from and to, the places of the first and last; endpoint";
            return Err(Fault::new("", Code::Required, detail).into());
        }
    };
    if let Some(endpoint) = &wish.endpoint {
        known(&state, &Endpoint::stored(endpoint)).await?;
    }
    let mut replayed = 0;
    loop {
        let act = NoticeAct::Replay {
            endpoint: wish.endpoint.as_deref().map(Endpoint::stored),
            from,
            to,
            limit: STEP,
        };
        let moved = state.api.outbox.act_on_notices(act).await;
        let moved = moved.map_err(|error| store_problem(&error))?;
        replayed += u64::from(moved);
        if moved < STEP {
            break;
        }
    }
    tracing::info!(event = "webhooks_replayed", replayed, from, to);
    Ok(shown(&json!({ "replayed": replayed })))
}

pub(super) async fn switch(State(state): State<Arc<AdminState>>, request: Request) -> Result<Response, Problem> {
    let wish: SwitchWish = read(&state, request).await?;
    let endpoint = Endpoint::stored(&wish.endpoint);
    known(&state, &endpoint).await?;
    let act = if wish.on {
        NoticeAct::SwitchOn {
            endpoint: endpoint.clone(),
            from: None,
        }
    } else {
        NoticeAct::SwitchOff {
            endpoint: endpoint.clone(),
            reason: OffReason::Wished,
        }
    };
    let done = state.api.outbox.act_on_notices(act).await;
    done.map_err(|error| store_problem(&error))?;
    if wish.on {
        // One that is on may be paused.
        state.pauses.end(&endpoint);
        state.api.outbox.bell().begin_afresh(endpoint.clone());
    }
    tracing::info!(event = "webhook_switched", %endpoint, on = wish.on);
    let record = endpoints(&state).await?.remove(&endpoint);
    Ok(shown(&record.map(|record| EndpointView::of(record, &state))))
}

/// In one look, for the status.
pub(super) async fn summary(state: &AdminState) -> Result<Value, Problem> {
    let known = endpoints(state).await?;
    let pending: u64 = known.values().map(|it| it.pending).sum();
    let dead: u64 = known.values().map(|it| it.dead).sum();
    let off: Vec<&Endpoint> = known
        .values()
        .filter(|it| it.off.is_some())
        .map(|it| &it.endpoint)
        .collect();
    let oldest = known.values().filter_map(|it| it.oldest).min();
    Ok(json!({ "pending": pending, "oldest_pending_at": oldest, "dead": dead, "off": off }))
}

/// Those of the configuration, and those that the store knows.
async fn endpoints(state: &AdminState) -> Result<BTreeMap<Endpoint, EndpointRecord>, Problem> {
    let known = state.api.store.endpoints().await;
    let known = known.map_err(|error| store_problem(&error))?;
    let blank = |endpoint: Endpoint| {
        let record = EndpointRecord {
            endpoint: endpoint.clone(),
            pending: 0,
            oldest: None,
            dead: 0,
            off: None,
        };
        (endpoint, record)
    };
    let mut all: BTreeMap<_, _> = state
        .api
        .clients
        .told()
        .map(|client| blank(Endpoint::of_client(client)))
        .collect();
    all.extend(known.into_iter().map(|record| (record.endpoint.clone(), record)));
    Ok(all)
}

/// Refuses an endpoint that nobody has heard of.
async fn known(state: &AdminState, endpoint: &Endpoint) -> Result<(), Problem> {
    match endpoints(state).await?.contains_key(endpoint) {
        true => Ok(()),
        false => Err(Problem::with_detail(
            Code::NotFound,
            "there is no such endpoint: see webhooks list",
        )),
    }
}

async fn read<T: for<'de> Deserialize<'de>>(state: &AdminState, request: Request) -> Result<T, Problem> {
    let (parts, body) = request.into_parts();
    let body = body::whole(&parts.headers, body, state.api.body).await?;
    serde_json::from_slice(&body).map_err(|error| Problem::with_detail(Code::InvalidJson, error.to_string()))
}

/// The place that an event's id ends with.
fn place(id: &str) -> Option<Seq> {
    id.strip_prefix("evt_")?.rsplit('_').next()?.parse().ok()
}

impl EndpointView {
    fn of(record: EndpointRecord, state: &AdminState) -> Self {
        let now = state.api.clock.now();
        let pause = state.pauses.of(&record.endpoint).filter(|pause| pause.until > now);
        let (off_since, off_reason) = record.off.unzip();
        Self {
            endpoint: record.endpoint,
            state: match (off_since, pause) {
                (Some(_), _) => "off",
                (None, Some(_)) => "paused",
                (None, None) => "on",
            },
            paused_until: pause.map(|pause| pause.until),
            pause_reason: pause.map(|pause| pause.failure.to_string()),
            pending: record.pending,
            oldest_pending_at: record.oldest,
            dead: record.dead,
            off_since,
            off_reason,
        }
    }
}

impl DeadView {
    fn of(record: NoticeRecord) -> Self {
        let id = record.event_id();
        let notice = record.notice;
        Self {
            id,
            seq: notice.seq,
            endpoint: notice.endpoint,
            r#type: notice.kind,
            about: match record.about {
                About::Message(message) => message.id.to_string(),
                About::Inbound(text) => text.id.to_string(),
                About::Case(case) => case.id.to_string(),
                About::Consent(consent) => format!("consent of {}", consent.said.brand),
            },
            at: notice.at,
            attempts: notice.delivery.attempts,
            outcome: notice.delivery.outcome,
            dead_at: notice.delivery.dead_at,
        }
    }
}
