//! Follows outbox, store and simulators, and keeps the board.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::task::TaskTracker;

use super::platform::PLATFORM;
use super::stage::Stage;
use super::view::{BubbleView, CarrierView, RowView};
use crate::app::Inside;
use crate::clock::monotonic;
use crate::dispatch::Dispatch;
use crate::domain::State;
use crate::simulator::SimulatorEvent;
use crate::simulator::rcs::RcsEvent;
use crate::store::{Changed, EventKind, InboundQuery, MessageQuery, MessageRecord, Seq};

/// How often new rows are looked for.
const GLANCE: Duration = Duration::from_millis(120);
/// How often figures and carriers are looked at.
const COUNT: Duration = Duration::from_millis(400);
/// Rows read at once, and pages of them before older ones are passed over.
const PAGE: u32 = 100;
const PAGES: usize = 10;
/// Rows of a kept database that the page begins with.
const OLD: u32 = 40;
/// The span that a rate is of.
const RATE_OVER: Duration = Duration::from_secs(5);

/// Starts what watches. On return, whatever is accepted from now on counts as this run's.
pub(super) async fn start(tasks: &TaskTracker, stage: &Arc<Stage>, inside: Inside) {
    for index in 0..stage.carriers.len() {
        tasks.spawn(follow_carrier(stage.clone(), index));
    }
    tasks.spawn(follow_platform(stage.clone()));
    let mut eyes = Eyes {
        stage: stage.clone(),
        store: inside.store,
        last: 0,
        last_in: 0,
        last_event: String::new(),
    };
    eyes.begin().await;
    tasks.spawn(follow_gateway(eyes, inside.dispatch, inside.feed));
}

/// Messages and PDUs as a carrier sees them.
async fn follow_carrier(stage: Arc<Stage>, index: usize) {
    let carrier = &stage.carriers[index];
    let mut events = carrier.subscribe();
    loop {
        let event = tokio::select! {
            () = stage.stop.cancelled() => return,
            event = events.recv() => event,
        };
        match event.as_deref() {
            Ok(SimulatorEvent::Message(message)) => stage.board.bubble(BubbleView::received(message, carrier)),
            Ok(SimulatorEvent::Pdu {
                at, conn, dir, frame, ..
            }) => {
                stage.wire.take(carrier.name(), *conn, *dir, *at, frame);
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Messages as they reach a phone by RCS, and are read there.
async fn follow_platform(stage: Arc<Stage>) {
    let pictures = stage.assets.pictures();
    let mut events = stage.platform.subscribe();
    loop {
        let event = tokio::select! {
            () = stage.stop.cancelled() => return,
            event = events.recv() => event,
        };
        match event.as_deref() {
            Ok(RcsEvent::Message(message)) => {
                if let Some(bubble) = BubbleView::rich(message, &pictures) {
                    stage.board.bubble(bubble);
                }
            }
            Ok(RcsEvent::User { .. }) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn follow_gateway(mut eyes: Eyes, dispatch: Arc<Dispatch>, mut feed: broadcast::Receiver<Arc<Changed>>) {
    let stage = eyes.stage.clone();
    let mut rates = Rates::default();
    let mut glance = tokio::time::interval(GLANCE);
    let mut count = tokio::time::interval(COUNT);
    glance.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    count.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stage.stop.cancelled() => return,
            changed = feed.recv() => match changed {
                Ok(changed) => {
                    // A row may change before it was looked at.
                    if changed.from == State::Queued || changed.from == State::Claimed {
                        eyes.look().await;
                    }
                    stage.board.change(&changed);
                }
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::debug!(event = "demo_lagged", missed);
                }
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = glance.tick() => eyes.look().await,
            _ = count.tick() => {
                eyes.count().await;
                let reports = dispatch.report();
                let now = monotonic();
                let report = |name: &str| reports.iter().find(|report| report.id.as_str() == name);
                let views = stage.carriers.iter().map(|carrier| {
                    let taken = carrier.stats().accepted;
                    CarrierView::of(carrier, report(carrier.name()), rates.of(carrier.name(), taken, now), taken)
                });
                let mut views: Vec<_> = views.collect();
                let rate = rates.of(PLATFORM, stage.platform.stats().accepted, now);
                views.push(CarrierView::of_platform(&stage.platform, report(PLATFORM), rate));
                stage.board.carriers(views);
            }
        }
    }
}

/// What has been read of the store.
struct Eyes {
    stage: Arc<Stage>,
    store: Arc<dyn crate::store::Store>,
    last: Seq,
    last_in: Seq,
    /// The event that made the newest message that one made.
    last_event: String,
}

impl Eyes {
    /// What a kept database holds already; it counts for nothing.
    async fn begin(&mut self) {
        let query = MessageQuery {
            limit: OLD,
            ..MessageQuery::default()
        };
        if let Ok(page) = self.store.messages(&query).await {
            self.last = page.rows.first().map_or(0, |record| record.row.seq);
            for record in page.rows.iter().rev() {
                self.stage.board.add(&RowView::of(record), false);
            }
        }
        let query = InboundQuery {
            limit: 1,
            ..InboundQuery::default()
        };
        if let Ok(page) = self.store.inbound(&query).await {
            self.last_in = page.rows.first().map_or(0, |record| record.seq);
        }
    }

    async fn look(&mut self) {
        self.look_out().await;
        self.look_in().await;
    }

    async fn look_out(&mut self) {
        let mut new = Vec::new();
        let mut query = MessageQuery {
            limit: PAGE,
            ..MessageQuery::default()
        };
        for _ in 0..PAGES {
            let Ok(page) = self.store.messages(&query).await else {
                return;
            };
            let all_new = page.rows.iter().all(|record| record.row.seq > self.last);
            new.extend(page.rows.into_iter().filter(|record| record.row.seq > self.last));
            match page.next {
                Some(next) if all_new => query.before = Some(next),
                _ => break,
            }
        }
        self.last = new.iter().map(|record| record.row.seq).max().unwrap_or(self.last);
        for record in new.iter().rev() {
            let view = self.row(record).await;
            self.stage.board.add(&view, true);
        }
    }

    /// A new message, with the rule by which an event made it. A page of the list does not hold what happened.
    async fn row(&mut self, record: &MessageRecord) -> RowView {
        let view = RowView::of(record);
        let Ok(Some(whole)) = self.store.message(record.row.id, None).await else {
            return view;
        };
        let birth = whole.events.into_iter().find(|event| event.kind == EventKind::ByEvent);
        let Some(note) = birth.and_then(|event| event.note) else {
            return view;
        };
        let Some((event, rule)) = note.rsplit_once(", rule ") else {
            return view;
        };
        // The messages of one event come together.
        if self.last_event != event {
            self.stage.board.event();
            self.last_event = event.to_owned();
        }
        view.by_event(rule)
    }

    async fn look_in(&mut self) {
        let query = InboundQuery {
            limit: PAGE,
            ..InboundQuery::default()
        };
        let Ok(page) = self.store.inbound(&query).await else {
            return;
        };
        let new: Vec<_> = page
            .rows
            .into_iter()
            .filter(|record| record.seq > self.last_in)
            .collect();
        self.last_in = new.iter().map(|record| record.seq).max().unwrap_or(self.last_in);
        for record in new.iter().rev() {
            self.stage.board.add(&RowView::inbound(record), false);
        }
    }

    async fn count(&self) {
        let Ok(totals) = self.store.totals().await else { return };
        let (mut queued, mut open) = (0, 0);
        for (_, state, rows, _) in &totals.open {
            match state {
                State::Queued | State::Scheduled => queued += rows,
                _ => open += rows,
            }
        }
        self.stage.board.count(queued, open);
        let Ok(endpoints) = self.store.endpoints().await else {
            return;
        };
        let pending = endpoints.iter().map(|endpoint| endpoint.pending).sum();
        let is_down = self.stage.bank.down_for(self.stage.clock.now()).is_some();
        self.stage.board.bank(is_down, Some(pending));
    }
}

/// Segments a second, of each carrier.
#[derive(Default)]
struct Rates(HashMap<&'static str, VecDeque<(Instant, u64)>>);

impl Rates {
    fn of(&mut self, carrier: &'static str, taken: u64, now: Instant) -> f64 {
        let seen = self.0.entry(carrier).or_default();
        seen.push_back((now, taken));
        while seen
            .front()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) > RATE_OVER)
        {
            seen.pop_front();
        }
        let Some((since, first)) = seen.front() else { return 0.0 };
        let over = now.saturating_duration_since(*since).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let more = taken.saturating_sub(*first) as f64;
        if over < 0.5 { 0.0 } else { more / over }
    }
}
