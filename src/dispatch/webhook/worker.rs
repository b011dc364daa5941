//! One endpoint's worker: reads what is due, posts some at a time, writes down what came of it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use metrics::counter;
use tokio_util::sync::CancellationToken;

use super::bundle::{Bundle, bundles, callback};
use super::call::Call;
use super::circuit::Circuit;
use super::policy::{Tried, settle};
use super::{Hook, Shared, body};
use crate::backend::{Answer, Failure, Pause, Post};
use crate::clock;
use crate::domain::{Endpoint, UnixMillis};
use crate::store::{DueNotices, Fate, NoticeAct, NoticeSettle, OffReason, Seq};

/// Notices read at once, by how many a post holds: some posts' worth, within bounds.
const POSTS_A_PAGE: usize = 4;
const SMALLEST_PAGE: usize = 64;
const LARGEST_PAGE: usize = 4_000;
/// Pages read on from one another before the worker looks from the start again, where later notices of messages whose
/// earlier ones were told have become due.
const PAGES_ON: u32 = 16;
/// Posts that were answered and are not written down yet: a crash sends these again.
const UNSETTLED: usize = 64;
/// How long a store that failed is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How often the log is told that an endpoint fails.
const TOLD_EVERY: Duration = Duration::from_mins(1);
/// Posts given up in a row, none taken between them, after which an endpoint is switched off: it fails for more than the
/// 28 hours of a schedule, and not for the sake of one bad notice.
const GIVEN_UP: u32 = 10;
/// The longest that a worker sleeps on what its clock says: clocks are put right.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

pub(super) struct Worker {
    pub(super) endpoint: Endpoint,
    /// `None`: the configuration has no address for it any more.
    pub(super) hook: Option<Arc<Hook>>,
    pub(super) shared: Arc<Shared>,
    pub(super) call: Arc<Call>,
}

/// What a worker holds.
struct Hand {
    circuit: Circuit,
    ready: VecDeque<Bundle>,
    /// Places of what is ready, under way, or not settled yet.
    places: HashSet<Seq>,
    /// Posts under way.
    posts: FuturesUnordered<BoxFuture<'static, Posted>>,
    /// What came of others, while it is written down: their places in the end.
    settlements: FuturesUnordered<BoxFuture<'static, Vec<Seq>>>,
    /// Where the last page ended, while something is in hand: that is not read again.
    cursor: Option<(UnixMillis, Seq)>,
    pages: u32,
    /// Doubles a page that one bundle fills.
    wider: usize,
    /// Whether to look before anything calls.
    look: bool,
    next_at: Option<UnixMillis>,
    /// Posts given up since the last that was taken.
    given_up: u32,
    /// When the log was last told of a failure.
    told_at: Option<UnixMillis>,
}

/// A post that came to its end.
struct Posted {
    /// Its notices, and how often each was tried before.
    members: Vec<(Seq, u16)>,
    /// Whether it was to find out if an endpoint that was given up is back.
    probe: bool,
    /// When it was sent.
    at: UnixMillis,
    /// `None`: there is no address.
    answer: Option<Answer>,
}

impl Worker {
    /// Works until told to stop; the worker of a callback also until nothing is pending there.
    pub(super) async fn run(self, stop: CancellationToken) -> Endpoint {
        let most = self.hook.as_ref().map_or(1, |hook| hook.concurrency);
        let mut hand = Hand {
            circuit: Circuit::new(most, self.shared.max_pause),
            ready: VecDeque::new(),
            places: HashSet::new(),
            posts: FuturesUnordered::new(),
            settlements: FuturesUnordered::new(),
            cursor: None,
            pages: 0,
            wider: 1,
            look: true,
            next_at: None,
            given_up: 0,
            told_at: None,
        };
        loop {
            self.hear(&mut hand);
            let allowed = match self.call.is_stopped() {
                true => 0,
                false => hand.circuit.allowed(self.shared.clock.now()),
            };
            if hand.look && hand.ready.len() < allowed {
                self.look(&mut hand).await;
            }
            while hand.posts.len() < allowed && hand.settlements.len() < UNSETTLED {
                let Some(bundle) = hand.ready.pop_front() else { break };
                hand.posts.push(Box::pin(self.post(bundle)));
            }
            let idle = hand.places.is_empty();
            if idle && !hand.look && hand.next_at.is_none() && self.endpoint.is_callback() {
                return self.endpoint;
            }
            let more = hand.look && allowed > hand.posts.len() && hand.ready.is_empty();
            let until = self.sleep(&hand);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(posted) = hand.posts.next() => self.answered(&mut hand, posted).await,
                Some(places) = hand.settlements.next() => hand.settled(&places),
                () = self.call.rung() => {}
                () = tokio::time::sleep(until), if !more => {}
                () = std::future::ready(()), if more => {}
            }
        }
        // What is under way has its time. What is not answered then goes out again, under the same id.
        let rest = async {
            loop {
                tokio::select! {
                    Some(posted) = hand.posts.next() => self.answered(&mut hand, posted).await,
                    Some(places) = hand.settlements.next() => hand.settled(&places),
                    else => break,
                }
            }
        };
        tokio::time::timeout(self.shared.drain, rest).await.ok();
        self.endpoint
    }

    /// Takes note of what it was called for.
    fn hear(&self, hand: &mut Hand) {
        if self.call.heard() {
            hand.look = true;
        }
        if self.call.begins_afresh() {
            hand.circuit.reset();
            self.shared.pauses.end(&self.endpoint);
            (hand.cursor, hand.given_up) = (None, 0);
        }
        if self.call.is_failing() {
            hand.circuit.give_up();
        }
        if self.call.is_stopped() {
            for row in hand.ready.drain(..).flatten() {
                hand.places.remove(&row.notice.seq);
            }
            hand.look = true;
        } else if hand.next_at.is_some_and(|at| at <= self.shared.clock.now()) {
            hand.look = true;
        }
    }

    /// How long to sleep where nobody calls.
    fn sleep(&self, hand: &Hand) -> Duration {
        let now = self.shared.clock.now();
        let paused = hand.circuit.paused_until();
        let until = paused.or(hand.next_at).filter(|_| !self.call.is_stopped());
        until.map_or(LONGEST_SLEEP, |at| at.since(now).min(LONGEST_SLEEP))
    }

    /// Takes note of an answer, and has it written down while others are posted.
    async fn answered(&self, hand: &mut Hand, posted: Posted) {
        let now = self.shared.clock.now();
        let places: Vec<Seq> = posted.members.iter().map(|(place, _)| *place).collect();
        let settles = match posted.answer {
            None => dead(&places, "no_address", now),
            Some(answer) => {
                let tried = Tried {
                    members: &posted.members,
                    callback: self.endpoint.is_callback(),
                    probe: posted.probe,
                    at: posted.at,
                    now,
                };
                let settles = settle(&tried, answer, clock::jitter());
                let given_up = settles.iter().any(|settle| settle.fate == Fate::Dead);
                self.judge(hand, answer, given_up, now).await;
                settles
            }
        };
        let (shared, endpoint) = (self.shared.clone(), self.endpoint.clone());
        hand.settlements.push(Box::pin(async move {
            shared.settle(&endpoint, settles).await;
            places
        }));
    }

    /// What an answer says of the endpoint.
    async fn judge(&self, hand: &mut Hand, answer: Answer, given_up: bool, now: UnixMillis) {
        hand.circuit.answered(answer, now);
        if let Answer::Failed { failure, .. } = answer {
            self.tell(hand, failure, now);
        }
        match answer {
            Answer::Taken { .. } => {
                hand.given_up = 0;
                self.shared.pauses.end(&self.endpoint);
                if self.call.is_failing() {
                    self.switch_on().await;
                }
            }
            // The notices of a callback end one by one: nobody would switch it on again.
            _ if self.endpoint.is_callback() => {}
            Answer::Gone => {
                let why = "it answered 410: it wants no more";
                self.switch_off(OffReason::Gone, why).await;
            }
            Answer::Failed { .. } => {
                hand.given_up += u32::from(given_up);
                if hand.given_up >= GIVEN_UP && self.call.is_on() {
                    let why = "it has failed for days: it is asked once an hour, and is on again once it takes a post or \
                               a person says so (araldo webhooks enable)";
                    self.switch_off(OffReason::Failing, why).await;
                }
            }
        }
    }

    /// Says that a post failed, now and then, and shows the pause that it made.
    fn tell(&self, hand: &mut Hand, failure: Failure, now: UnixMillis) {
        let until = hand.circuit.paused_until();
        if let Some(until) = until {
            self.shared.pauses.begin(&self.endpoint, Pause { until, failure });
        }
        if hand.told_at.is_none_or(|told| told.after(TOLD_EVERY) <= now) {
            hand.told_at = Some(now);
            let until = until.map(|until| until.to_string());
            tracing::warn!(event = "webhook_fails", endpoint = %self.endpoint, %failure, paused_until = until);
        }
    }

    async fn switch_off(&self, reason: OffReason, why: &str) {
        tracing::warn!(event = "webhook_off", endpoint = %self.endpoint, reason = reason.as_str(), why);
        let endpoint = self.endpoint.clone();
        self.switch(NoticeAct::SwitchOff { endpoint, reason }, Some(reason))
            .await;
    }

    /// One that was given up is back.
    async fn switch_on(&self) {
        tracing::info!(event = "webhook_on", endpoint = %self.endpoint, "it has taken a post again");
        let endpoint = self.endpoint.clone();
        let from = Some(OffReason::Failing);
        self.switch(NoticeAct::SwitchOn { endpoint, from }, None).await;
    }

    /// Has it switched in the store, and goes on as if it were so until the next look says what counts: a person may
    /// have been first.
    async fn switch(&self, act: NoticeAct, off: Option<OffReason>) {
        if let Err(error) = self.shared.outbox.act_on_notices(act).await {
            tracing::warn!(event = "webhook_not_switched", endpoint = %self.endpoint, %error);
        }
        self.call.switched(off);
        self.shared.switched.notify_one();
    }

    /// Reads a page of what is due.
    async fn look(&self, hand: &mut Hand) {
        let batch = self.hook.as_ref().map_or(1, |hook| hook.batch);
        let page = (batch * POSTS_A_PAGE).clamp(SMALLEST_PAGE, LARGEST_PAGE) * hand.wider;
        if hand.places.is_empty() || hand.pages >= PAGES_ON {
            (hand.cursor, hand.pages) = (None, 0);
        }
        // From the start, what is in hand comes first.
        let in_hand = hand.cursor.map_or(hand.places.len(), |_| 0);
        let limit = page + in_hand;
        let query = DueNotices {
            endpoint: self.endpoint.clone(),
            now: self.shared.clock.now(),
            after: hand.cursor,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
        };
        let mut found = match self.shared.store.due_notices(&query).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(event = "webhooks_not_read", endpoint = %self.endpoint, %error);
                (hand.look, hand.next_at) = (false, Some(query.now.after(STORE_PAUSE)));
                return;
            }
        };
        let full = found.rows.len() + found.unreadable.len() >= limit;
        if !found.unreadable.is_empty() {
            self.give_up(&found.unreadable, "unreadable").await;
        }
        let bundles = bundles(&mut found, batch, full, &hand.places);
        let rows = bundles.iter().flatten().map(|row| row.notice.seq);
        hand.places.extend(rows);
        hand.ready.extend(bundles);
        hand.next_at = found.next_at;
        let end = found.rows.last().and_then(|row| {
            let due_at = row.notice.delivery.due_at?;
            Some((due_at, row.notice.seq))
        });
        hand.pages += 1;
        hand.wider = if full && end.is_none() { hand.wider * 2 } else { 1 };
        hand.cursor = end.or(hand.cursor);
        hand.look = full;
    }

    /// Posts a bundle. Owns all that it needs: it is under way beside others.
    fn post(&self, bundle: Bundle) -> impl Future<Output = Posted> + Send + 'static {
        let (shared, endpoint, hook) = (self.shared.clone(), self.endpoint.clone(), self.hook.clone());
        let probe = self.call.is_failing();
        async move {
            let at = shared.clock.now();
            let members = bundle
                .iter()
                .map(|row| (row.notice.seq, row.notice.delivery.attempts))
                .collect();
            let Some(hook) = hook else {
                return Posted {
                    members,
                    probe,
                    at,
                    answer: None,
                };
            };
            let array = hook.batch > 1;
            let id = if array {
                body::batch_id(&bundle)
            } else {
                bundle[0].event_id()
            };
            let url = callback(&bundle[0]).filter(|_| endpoint.is_callback());
            let post = Post {
                url: url.unwrap_or(&hook.url),
                id: &id,
                at,
                keys: &hook.keys,
                body: body::body(&bundle, array),
                timeout: hook.timeout,
            };
            let answer = shared.sender.post(post).await;
            count(&endpoint, answer, bundle.len());
            Posted {
                members,
                probe,
                at,
                answer: Some(answer),
            }
        }
    }

    async fn give_up(&self, places: &[Seq], why: &str) {
        tracing::error!(event = "webhooks_given_up", endpoint = %self.endpoint, notices = places.len(), why);
        let dead = dead(places, why, self.shared.clock.now());
        self.shared.settle(&self.endpoint, dead).await;
    }
}

impl Hand {
    /// These are written down: later notices of their messages may be due now.
    fn settled(&mut self, places: &[Seq]) {
        for place in places {
            self.places.remove(place);
        }
        self.look = true;
    }
}

fn dead(places: &[Seq], why: &str, now: UnixMillis) -> Vec<NoticeSettle> {
    let of = |seq: &Seq| NoticeSettle {
        seq: *seq,
        fate: Fate::Dead,
        attempts: 0,
        tried_at: now,
        outcome: why.into(),
    };
    places.iter().map(of).collect()
}

/// Counts notices by client and by what came of their post; a metric has no room for addresses.
fn count(endpoint: &Endpoint, answer: Answer, notices: usize) {
    let outcome = match answer {
        Answer::Taken { .. } => "taken",
        Answer::Gone => "gone",
        Answer::Failed { failure, .. } => failure.kind(),
    };
    let client = endpoint.client().to_owned();
    counter!("araldo_webhook_deliveries_total", "client" => client, "outcome" => outcome).increment(notices as u64);
}

impl Shared {
    /// Has it written down. A store that fails is asked again: until then the notices stay in hand, and none goes out
    /// twice for it.
    async fn settle(&self, endpoint: &Endpoint, notices: Vec<NoticeSettle>) {
        while let Err(error) = self.outbox.settle_notices(notices.clone()).await {
            tracing::warn!(event = "webhooks_not_settled", %endpoint, %error);
            tokio::time::sleep(STORE_PAUSE).await;
        }
    }
}
