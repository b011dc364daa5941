//! What the page shows now, and the events that change it. Kept in bounded memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

use super::view::{BankView, BubbleView, CarrierView, RowView, TalliesView, WebhookView, span};
use crate::domain::State;
use crate::store::Changed;

/// Messages kept for the feed.
const ROWS: usize = 400;
/// Messages that a page is drawn with.
const ROWS_DRAWN: usize = 60;
/// Bubbles kept for the phones.
const BUBBLES: usize = 120;
/// Webhooks kept for the bank.
const WEBHOOKS: usize = 60;
/// Answers to events that a page without script may still ask for.
const PUBLISHED: usize = 16;
/// Latencies that the median is of.
const LATENCIES: usize = 10_000;
/// Of these, drawn as bars, and how high they are at most.
const BARS: usize = 40;
const BAR_HEIGHT: u64 = 32;
/// Events that a slow page may lag behind before it is given all anew.
const EVENTS: usize = 512;

/// What the page shows now.
pub(super) struct Board {
    inner: Mutex<Inner>,
    events: broadcast::Sender<Arc<LiveEvent>>,
}

/// Something for the pages that are open: its name, and its data in JSON.
#[derive(Debug)]
pub(super) struct LiveEvent {
    pub(super) name: &'static str,
    pub(super) data: String,
}

/// All of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Snapshot {
    pub(super) messages: Vec<RowView>,
    pub(super) bubbles: Vec<BubbleView>,
    pub(super) carriers: Vec<CarrierView>,
    pub(super) tallies: TalliesView,
    /// The newest first.
    pub(super) webhooks: Vec<WebhookView>,
    pub(super) bank: BankView,
}

/// How it went, for the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Messages accepted.
    pub sent: u64,
    /// Of these, delivered.
    pub delivered: u64,
    /// Events that made messages.
    pub events: u64,
    /// Webhooks that the bank has verified and taken.
    pub webhooks: u64,
    /// From accept to receipt, for half of them.
    pub median: Option<String>,
}

#[derive(Default)]
struct Inner {
    rows: HashMap<String, RowView>,
    /// Ids in the order of their coming.
    order: VecDeque<String>,
    bubbles: VecDeque<BubbleView>,
    carriers: BTreeMap<&'static str, CarrierView>,
    tallies: TalliesView,
    /// The figures as the pages have them.
    told: TalliesView,
    latencies: VecDeque<u64>,
    events: u64,
    /// The newest first.
    webhooks: VecDeque<WebhookView>,
    bank: BankView,
    published: VecDeque<(String, Value)>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            events: broadcast::Sender::new(EVENTS),
        }
    }
}

impl Board {
    /// Every event from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<LiveEvent>> {
        self.events.subscribe()
    }

    /// A message not shown yet. `counts` says that it was accepted in this run.
    pub(super) fn add(&self, row: &RowView, counts: bool) {
        let mut inner = self.inner();
        if inner.rows.contains_key(&row.id) {
            return;
        }
        inner.tallies.sent += u64::from(counts);
        inner.order.push_back(row.id.clone());
        inner.rows.insert(row.id.clone(), row.clone());
        if inner.order.len() > ROWS
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.rows.remove(&oldest);
        }
        drop(inner);
        self.tell("message", row);
    }

    /// A message has changed its state.
    pub(super) fn change(&self, changed: &Changed) {
        let mut inner = self.inner();
        if changed.progress.state == State::Delivered && changed.from != State::Delivered {
            inner.tallies.delivered += 1;
            let took = changed
                .progress
                .final_at
                .unwrap_or(changed.at)
                .since(changed.accepted_at);
            inner
                .latencies
                .push_back(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
            if inner.latencies.len() > LATENCIES {
                inner.latencies.pop_front();
            }
        }
        let Some(row) = inner.rows.get_mut(&changed.id.to_string()) else {
            return;
        };
        row.change(changed);
        let row = row.clone();
        drop(inner);
        self.tell("message", &row);
    }

    /// A bubble for a phone, or one that has changed.
    pub(super) fn bubble(&self, bubble: BubbleView) {
        self.tell("bubble", &bubble);
        let mut inner = self.inner();
        if let Some(known) = inner.bubbles.iter_mut().find(|known| known.id == bubble.id) {
            *known = bubble;
            return;
        }
        inner.bubbles.push_back(bubble);
        if inner.bubbles.len() > BUBBLES {
            inner.bubbles.pop_front();
        }
    }

    /// The bank was told something, for the first time or again.
    pub(super) fn webhook(&self, view: WebhookView) {
        let mut inner = self.inner();
        let known = inner.webhooks.iter().position(|known| known.id == view.id);
        let before = known.and_then(|at| inner.webhooks.remove(at));
        let view = view.tried(before.as_ref().map_or(0, |before| before.tries) + 1);
        if view.taken && !before.is_some_and(|before| before.taken) {
            inner.bank.verified += 1;
        }
        inner.bank.doubted += u64::from(!view.verified);
        inner.webhooks.push_front(view.clone());
        inner.webhooks.truncate(WEBHOOKS);
        let bank = inner.bank.clone();
        drop(inner);
        self.tell("webhook", &view);
        self.tell("bank", &bank);
    }

    /// Whether the bank is down, and how many webhooks wait for it; `None` leaves the number.
    pub(super) fn bank(&self, down: bool, pending: Option<u64>) {
        let mut inner = self.inner();
        let now = BankView {
            down,
            pending: pending.unwrap_or(inner.bank.pending),
            ..inner.bank.clone()
        };
        let changed = inner.bank != now;
        inner.bank = now.clone();
        drop(inner);
        if changed {
            self.tell("bank", &now);
        }
    }

    /// An event has made messages.
    pub(super) fn event(&self) {
        self.inner().events += 1;
    }

    /// The answer to an event, for the page that is drawn next.
    pub(super) fn published(&self, id: String, view: Value) {
        let mut inner = self.inner();
        inner.published.push_front((id, view));
        inner.published.truncate(PUBLISHED);
    }

    /// The answer to this event.
    pub(super) fn publication(&self, id: &str) -> Option<Value> {
        let inner = self.inner();
        let found = inner.published.iter().find(|(known, _)| known == id);
        found.map(|(_, view)| view.clone())
    }

    /// How the carriers are. Tells only what has changed.
    pub(super) fn carriers(&self, views: Vec<CarrierView>) {
        let mut inner = self.inner();
        let changed: Vec<_> = views
            .into_iter()
            .filter(|view| inner.carriers.get(view.id) != Some(view))
            .collect();
        for view in &changed {
            inner.carriers.insert(view.id, view.clone());
        }
        drop(inner);
        if !changed.is_empty() {
            self.tell("carriers", &changed);
        }
    }

    /// How many wait, and how many are under way.
    pub(super) fn count(&self, queued: u64, open: u64) {
        let mut inner = self.inner();
        let median = median(&inner.latencies).map(|ms| span(ms.into()));
        let now = TalliesView {
            queued,
            queue_tone: if queued > 3 { "doubt" } else { "good" },
            open,
            median: median.unwrap_or_else(|| "—".to_owned()),
            bars: bars(&inner.latencies),
            ..inner.tallies.clone()
        };
        inner.tallies = now.clone();
        // What was accepted and delivered changes between two counts.
        let changed = inner.told != now;
        inner.told = now.clone();
        drop(inner);
        if changed {
            self.tell("tallies", &now);
        }
    }

    /// How the phones can be reached.
    pub(super) fn phones(&self, phones: &[Value]) {
        self.tell("phones", &phones);
    }

    /// Whether the trickle runs.
    pub(super) fn trickle(&self, running: bool) {
        self.tell("trickle", &serde_json::json!({ "running": running }));
    }

    /// All of it, newest message first.
    pub(super) fn snapshot(&self) -> Snapshot {
        let inner = self.inner();
        let rows = inner
            .order
            .iter()
            .rev()
            .take(ROWS_DRAWN)
            .filter_map(|id| inner.rows.get(id));
        let mut messages: Vec<RowView> = rows.cloned().collect();
        messages.sort_by(|one, other| other.at.cmp(&one.at));
        Snapshot {
            messages,
            bubbles: inner.bubbles.iter().cloned().collect(),
            carriers: inner.carriers.values().cloned().collect(),
            tallies: inner.tallies.clone(),
            webhooks: inner.webhooks.iter().cloned().collect(),
            bank: inner.bank.clone(),
        }
    }

    /// How it went so far.
    pub(super) fn summary(&self) -> Summary {
        let inner = self.inner();
        Summary {
            sent: inner.tallies.sent,
            delivered: inner.tallies.delivered,
            events: inner.events,
            webhooks: inner.bank.verified,
            median: median(&inner.latencies).map(|ms| span(ms.into())),
        }
    }

    fn tell(&self, name: &'static str, data: &impl Serialize) {
        if self.events.receiver_count() == 0 {
            return;
        }
        if let Ok(data) = serde_json::to_string(data) {
            // Whoever listened may have just gone.
            self.events.send(Arc::new(LiveEvent { name, data })).ok();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last latencies as heights. The scale is linear to the slowest, and no finer than three seconds.
fn bars(latencies: &VecDeque<u64>) -> Vec<u64> {
    let last = latencies.iter().skip(latencies.len().saturating_sub(BARS));
    let most = last.clone().max().map_or(1, |most| (*most).max(3_000));
    last.map(|ms| (ms * BAR_HEIGHT / most).max(1)).collect()
}

fn median(latencies: &VecDeque<u64>) -> Option<u64> {
    let mut sorted: Vec<u64> = latencies.iter().copied().collect();
    let middle = sorted.len().checked_sub(1)? / 2;
    Some(*sorted.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UnixMillis;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median(&VecDeque::new()), None);
        assert_eq!(median(&VecDeque::from([5])), Some(5));
        assert_eq!(median(&VecDeque::from([9, 1, 5])), Some(5));
    }

    #[test]
    fn the_slowest_of_the_last_deliveries_is_the_highest_bar() {
        assert_eq!(bars(&VecDeque::from([1_500, 6_000, 0])), [8, 32, 1]);
        assert_eq!(bars(&VecDeque::from([1_500])), [16]);
        assert_eq!(bars(&(0..100).collect()).len(), BARS);
    }

    #[test]
    fn a_webhook_that_is_told_again_keeps_its_row_and_counts_once_it_is_taken() {
        let board = Board::default();
        let told = |id: &str, status| {
            let view = WebhookView::of(id, "message.delivered", "msg_1", Some("delivered"), UnixMillis(0));
            board.webhook(view.answered(Ok(()), status));
        };
        told("a", 503);
        told("b", 204);
        assert_eq!(board.summary().webhooks, 1);
        told("a", 204);
        told("a", 204);
        let shown = board.snapshot().webhooks;
        let ids: Vec<_> = shown.iter().map(|view| (view.id.as_str(), view.tries)).collect();
        assert_eq!(ids, [("a", 3), ("b", 1)]);
        assert_eq!(board.summary().webhooks, 2);
        for n in 0..WEBHOOKS * 2 {
            told(&n.to_string(), 204);
        }
        assert_eq!(board.snapshot().webhooks.len(), WEBHOOKS);
    }

    #[test]
    fn the_board_forgets_the_oldest_and_counts_each_message_once() {
        let board = Board::default();
        for n in 0..ROWS + 10 {
            let row = RowView {
                id: n.to_string(),
                ..RowView::default()
            };
            board.add(&row, true);
            board.add(&row, true);
        }
        assert_eq!(board.inner().rows.len(), ROWS);
        assert_eq!(board.summary().sent, (ROWS + 10) as u64);
    }
}
