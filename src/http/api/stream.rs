//! `GET /v1/stream`: what owners are told, as it happens, by server-sent events.
//!
//! A stream reads the store in pages, at the pace of whoever reads it: it keeps a page and no more, and nothing that is
//! kept in the store is passed over. What a reader knows is in the ids, so that it goes on where it was.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::sse::{Event as Sent, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::list::ListQuery;
use super::places::Place;
use super::send::store_problem;
use super::{ApiState, BREATH};
use crate::clock::{Clock, monotonic};
use crate::config::Scope;
use crate::domain::{Class, Name, State as MessageState, UnixMillis};
use crate::http::problem::{Code, Fault, Problem};
use crate::http::server::Endless;
use crate::notice::Event;
use crate::store::{NoticeKind, NoticeQuery, NoticeRecord, Seq, Store};

/// How often a quiet stream says that it lives, and up to where it has looked.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// How soon it says so again where places are sought: who has left takes the first word in silence and answers the
/// second with an error.
const SECOND_SIGN: Duration = Duration::from_millis(250);
/// Between two looks into the store by a stream that has caught up: under load one look finds many notices.
const REST: Duration = Duration::from_millis(50);
/// How long a reader does well to wait before it connects again.
const RECONNECT: Duration = Duration::from_secs(2);
/// Notices read at once: all that a reader who does not read costs.
const PAGE: u32 = 100;

static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks a proxy to hand each event on at once.
static UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

/// Your outcomes and inbound texts, as they happen.
#[utoipa::path(
    get,
    path = "/v1/stream",
    operation_id = "stream",
    tag = "stream",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The last id that you know: what came after it follows. From now on where not said; 0 is all that is kept"),
        ("last_event_id" = Option<String>, Query, description = "The same, for who cannot send the header; the header counts"),
        ("event" = Option<Vec<String>>, Query, style = Form, explode = false, description = "Only these, e.g. `message.delivered,inbound.received`"),
        ("state" = Option<Vec<MessageState>>, Query, style = Form, explode = false, description = "Only messages that come to these states; beside `event` both are told"),
        ("class" = Option<Vec<Class>>, Query, style = Form, explode = false, description = "Only messages of these classes, and no inbound texts"),
        ("client" = Option<String>, Query, description = "Of this client instead of yourself; needs the scope `admin`"),
    ),
    responses(
        (status = 200, description = "Events: `id`, `event` and `data`, which is what a webhook says. `stream.gap` says that some after an id are forgotten, or that the id is unknown and all that is kept follows. A quiet stream has a comment and its newest id every 15 s. Inbound texts need the scope `inbound`, changes of consent `consent`, cases `cases`. See asyncapi.json", body = String, content_type = "text/event-stream"),
        (status = "4XX", description = "See code", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many streams are open: see Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "See code and Retry-After", body = super::openapi::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("key" = ["read"])),
)]
pub(super) async fn open(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = state.clients.caller(&headers, Scope::Read)?;
    let may = |scope: Scope| match caller.scopes.contains(&scope) {
        true => Ok(()),
        false => Err(scope_missing(scope)),
    };
    let query = ListQuery::read(&uri, &["last_event_id", "event", "state", "class", "client"])?;
    let whose = match query.get("client") {
        None => caller.name.clone(),
        Some(named) => {
            may(Scope::Admin)?;
            let found = state.clients.named(named);
            let unknown = || Fault::new("#client", Code::UnknownClient, Code::UnknownClient.title());
            found.ok_or_else(unknown)?.name.clone()
        }
    };
    let mut wanted = wanted(&query, Some(whose))?;
    let guarded = [
        (NoticeKind::InboundReceived, Scope::Inbound),
        (NoticeKind::ConsentChanged, Scope::Consent),
        (NoticeKind::CaseOpened, Scope::Cases),
        (NoticeKind::CaseTaken, Scope::Cases),
        (NoticeKind::CaseSolved, Scope::Cases),
        (NoticeKind::CaseOverdue, Scope::Cases),
    ];
    for (kind, scope) in guarded {
        if wanted.kinds.contains(&kind) {
            may(scope)?;
        }
    }
    if wanted.kinds.is_empty() && guarded.iter().any(|(_, scope)| may(*scope).is_err()) {
        let open = guarded.into_iter().filter(|(_, scope)| may(*scope).is_ok());
        let states = MessageState::ALL.into_iter().filter_map(NoticeKind::of_state);
        wanted.kinds = states.chain(open.map(|(kind, _)| kind)).collect();
    }
    let known = last_event_id(&headers, &query)?;
    answer(&state, wanted, known, true, Some(&caller.name)).await
}

fn scope_missing(scope: Scope) -> Problem {
    let need = scope.as_str();
    Problem::with_detail(Code::ScopeMissing, format!("the key has not the scope `{need}`")).with("need", need)
}

/// Which notices are asked for.
pub(in crate::http) fn wanted(query: &ListQuery, client: Option<Name>) -> Result<NoticeQuery, Problem> {
    let mut faults = Vec::new();
    let told = MessageState::ALL
        .into_iter()
        .filter(|state| NoticeKind::of_state(*state).is_some());
    let told: Vec<_> = told.map(MessageState::as_str).collect();
    let of_state = |word: &str| word.parse().ok().and_then(NoticeKind::of_state);
    let mut kinds = words(query, "state", Code::InvalidState, &told, of_state, &mut faults);
    let known: Vec<_> = NoticeKind::words().collect();
    let of_kind = |word: &str| word.parse::<NoticeKind>().ok();
    kinds.extend(words(
        query,
        "event",
        Code::InvalidEventType,
        &known,
        of_kind,
        &mut faults,
    ));
    let known = Class::ALL.map(Class::as_str);
    let of_class = |word: &str| word.parse::<Class>().ok();
    let classes = words(query, "class", Code::InvalidClass, &known, of_class, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::of_faults(faults));
    }
    Ok(NoticeQuery {
        client,
        kinds,
        classes,
        limit: PAGE,
        ..NoticeQuery::default()
    })
}

/// The words of a parameter that is a list with commas.
fn words<T>(
    query: &ListQuery,
    name: &str,
    code: Code,
    known: &[&str],
    read: impl Fn(&str) -> Option<T>,
    faults: &mut Vec<Fault>,
) -> Vec<T> {
    let Some(list) = query.get(name) else {
        return Vec::new();
    };
    let words: Option<Vec<T>> = list.split(',').map(read).collect();
    words.unwrap_or_else(|| {
        let detail = format!("must be a list with commas of {}", known.join(", "));
        faults.push(Fault::new(format!("#{name}"), code, detail));
        Vec::new()
    })
}

/// The place up to which the caller knows all.
pub(in crate::http) fn last_event_id(headers: &HeaderMap, query: &ListQuery) -> Result<Option<Seq>, Problem> {
    let (place, text) = match (headers.get(&LAST_EVENT_ID), query.get("last_event_id")) {
        (Some(header), _) => ("#Last-Event-ID", header.to_str().unwrap_or("?")),
        (None, Some(text)) => ("#last_event_id", text),
        (None, None) => return Ok(None),
    };
    let known = text.parse().ok().filter(|seq: &Seq| *seq >= 0);
    let fault = || Fault::new(place, Code::InvalidCursor, "is not an id that a stream gives").hint("a number, or 0");
    known.map(Some).ok_or_else(|| fault().into())
}

/// Opens a stream. `reveal` shows numbers and texts; `caller` is who takes the place, `None` an operator.
pub(in crate::http) async fn answer(
    state: &ApiState,
    wanted: NoticeQuery,
    known: Option<Seq>,
    reveal: bool,
    caller: Option<&Name>,
) -> Result<Response, Problem> {
    let place = state.streams.take(caller).await?;
    let bell = state.outbox.bell().notices();
    let newest = state.store.notices(&NoticeQuery::default()).await;
    let newest = newest.map_err(|error| store_problem(&error))?.upto;
    let after = known.unwrap_or(newest);
    let is_unknown = after > newest;
    let mut reader = Reader {
        store: state.store.clone(),
        clock: state.clock.clone(),
        query: NoticeQuery {
            after: Some(if is_unknown { 0 } else { after }),
            ..wanted
        },
        reveal,
        bell,
        stop: state.stopping.clone(),
        ready: VecDeque::new(),
        caught_up: false,
        quiet_until: monotonic(),
        is_sought: false,
        place,
    };
    let begin = Sent::default().retry(RECONNECT);
    if is_unknown {
        reader.ready.push_back(Ok(begin.comment("araldo")));
        let gap = reader.gap(after, Missing::UnknownId);
        reader.ready.push_back(gap);
    } else {
        // Who leaves before the first event knows where to go on.
        reader
            .ready
            .push_back(Ok(begin.id(after.to_string()).comment("araldo")));
    }
    let events = stream::unfold(reader, |mut reader| async {
        let event = reader.next().await?;
        Some((event, reader))
    });
    let mut response = Sse::new(events).into_response();
    let (name, value) = UNBUFFERED.clone();
    response.headers_mut().insert(name, value);
    response.extensions_mut().insert(Endless);
    Ok(response)
}

/// An event as it is sent.
type Line = Result<Sent, axum::Error>;

/// One stream.
struct Reader {
    store: Arc<dyn Store>,
    clock: Clock,
    /// What is wanted, behind what was read last.
    query: NoticeQuery,
    reveal: bool,
    bell: watch::Receiver<u64>,
    stop: CancellationToken,
    /// Read and not yet sent.
    ready: VecDeque<Line>,
    /// Whether all that was there has been read.
    caught_up: bool,
    /// When the next sign of life is due.
    quiet_until: Instant,
    /// Whether a second sign is due soon after it.
    is_sought: bool,
    place: Place,
}

/// Says that some events cannot be told any more.
#[derive(Serialize)]
struct Gap {
    r#type: &'static str,
    timestamp: UnixMillis,
    data: GapData,
}

#[derive(Serialize)]
struct GapData {
    /// The id behind which they stood.
    after: Seq,
    #[serde(flatten)]
    missing: Missing,
}

#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
enum Missing {
    /// They are older than what is kept. Others' events count too.
    Forgotten { at_most: u64 },
    /// The id was not given by this store. All that is kept follows.
    UnknownId,
}

impl Reader {
    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Line> {
        loop {
            if self.stop.is_cancelled() {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                self.quiet_until = monotonic() + SIGN_OF_LIFE;
                return Some(event);
            }
            if monotonic() >= self.quiet_until {
                let rest = if std::mem::take(&mut self.is_sought) {
                    SECOND_SIGN
                } else {
                    SIGN_OF_LIFE
                };
                self.quiet_until = monotonic() + rest;
                return Some(self.sign_of_life());
            }
            if self.caught_up {
                tokio::select! {
                    changed = self.bell.changed() => changed.ok()?,
                    Ok(()) = self.place.sought.changed() => {
                        (self.is_sought, self.quiet_until) = (true, monotonic());
                        continue;
                    }
                    () = tokio::time::sleep_until(self.quiet_until.into()) => continue,
                    () = self.stop.cancelled() => return None,
                }
                self.rest(REST).await;
            }
            self.read().await;
        }
    }

    async fn rest(&self, how_long: Duration) {
        self.stop.run_until_cancelled(tokio::time::sleep(how_long)).await;
    }

    async fn read(&mut self) {
        // Whatever is committed after this rings again.
        self.bell.mark_unchanged();
        let page = match self.store.notices(&self.query).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(event = "stream_waits", %error);
                self.caught_up = false;
                return self.rest(BREATH).await;
            }
        };
        if page.forgotten > 0 {
            let at_most = page.forgotten;
            let gap = self.gap(self.query.after.unwrap_or_default(), Missing::Forgotten { at_most });
            self.ready.push_back(gap);
        }
        let events = page.rows.iter().map(|record| told(record, self.reveal));
        self.ready.extend(events);
        self.query.after = Some(page.upto);
        self.caught_up = !page.more;
    }

    /// A comment, and up to where nothing was passed over: a reader with a rare filter need not go through all of it
    /// again.
    fn sign_of_life(&self) -> Line {
        let upto = self.query.after.unwrap_or_default();
        Ok(Sent::default().id(upto.to_string()).comment("quiet"))
    }

    fn gap(&self, after: Seq, missing: Missing) -> Line {
        let gap = Gap {
            r#type: "stream.gap",
            timestamp: self.clock.now(),
            data: GapData { after, missing },
        };
        Sent::default().event(gap.r#type).json_data(&gap)
    }
}

fn told(record: &NoticeRecord, reveal: bool) -> Line {
    let event = Event::of(record);
    let event = if reveal { event } else { event.masked() };
    Sent::default()
        .id(record.notice.seq.to_string())
        .event(record.notice.kind.as_str())
        .json_data(&event)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;

    use super::*;
    use crate::config::HttpConfig;
    use crate::http::api::places::Streams;
    use crate::store::memory::MemoryStore;

    async fn reader(stop: &CancellationToken) -> (Reader, watch::Sender<u64>, Streams) {
        let (bell, heard) = watch::channel(0);
        let http = HttpConfig {
            max_streams: 1,
            ..HttpConfig::default()
        };
        let streams = Streams::new(&http, std::iter::empty());
        let reader = Reader {
            store: Arc::new(MemoryStore::new()),
            clock: Clock::manual(UnixMillis(0)),
            query: NoticeQuery {
                after: Some(0),
                limit: PAGE,
                ..NoticeQuery::default()
            },
            reveal: true,
            bell: heard,
            stop: stop.clone(),
            ready: VecDeque::new(),
            caught_up: false,
            quiet_until: monotonic() + SIGN_OF_LIFE,
            is_sought: false,
            place: streams.take(None).await.unwrap(),
        };
        (reader, bell, streams)
    }

    async fn written(line: Line) -> String {
        let sse = Sse::new(stream::iter([line])).into_response();
        let body: Body = sse.into_body();
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_stream_shows_a_sign_of_life_every_15_s_however_much_others_hear() {
        let stop = CancellationToken::new();
        let (mut reader, bell, _streams) = reader(&stop).await;
        tokio::spawn(async move {
            while bell.send(1).is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        for _ in 0..3 {
            let begun = monotonic();
            assert_eq!(written(reader.next().await.unwrap()).await, "id: 0\n: quiet\n\n");
            let took = monotonic().duration_since(begun);
            assert!((SIGN_OF_LIFE..SIGN_OF_LIFE + 2 * REST).contains(&took), "{took:?}");
        }
        stop.cancel();
        assert!(reader.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn where_a_place_is_sought_a_quiet_stream_shows_two_signs_of_life_at_once() {
        let stop = CancellationToken::new();
        let (mut reader, _bell, streams) = reader(&stop).await;
        let reading = async {
            assert_eq!(written(reader.next().await.unwrap()).await, "id: 0\n: quiet\n\n");
            let begun = monotonic();
            assert!(reader.next().await.unwrap().is_ok());
            assert_eq!(monotonic().duration_since(begun), SECOND_SIGN);
            // As a connection does whose second word was refused.
            drop(reader);
        };
        assert!(tokio::join!(streams.take(None), reading).0.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_outlives_a_store_that_does_not_answer() {
        let stop = CancellationToken::new();
        let (mut reader, _bell, _streams) = reader(&stop).await;
        reader.store.close().await;
        assert_eq!(written(reader.next().await.unwrap()).await, "id: 0\n: quiet\n\n");
        let stopping = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stop.cancel();
        };
        assert!(tokio::join!(reader.next(), stopping).0.is_none());
    }
}
