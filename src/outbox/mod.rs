//! The outbox: everything that changes it goes through one writer, which forms batches by back-pressure. While one
//! commit runs the next requests gather, and then they all go in one commit.
//!
//! The writer is also where messages meet binds. A bind that is up offers its window; the writer claims rows for it,
//! commits, and hands them over. So at any moment the rows claimed and not settled in the store never exceed the
//! windows, and that bounds what can be in doubt.

mod arrivals;
mod bell;
mod board;
mod fallback;
mod guard;
mod health;
mod hearing;
mod policy;
pub mod prune;
pub mod rescue;
mod segment_habit;
mod settings;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};

pub use arrivals::{Arrivals, Arrived};
pub use bell::{Bell, Rung};
pub use board::{Offer, Pace, Service, Taken};
pub use fallback::{Deed, Known, Stand};
pub use health::Health;
pub use hearing::Hearing;
pub use policy::{CarrierPolicy, Outcome, Policy, backoff};
pub use segment_habit::{Habit, SegmentHabit};
pub use settings::Settings;
pub use writer::start;

use crate::consent::Gate;
use crate::domain::BindRef;
use crate::store::{
    ActItem, ActResult, BadPdu, CertifiedAct, Changed, Claimed, ConsentResult, Enqueue, EnqueueResult, Group,
    GroupResult, InboundResult, InboxMark, NewConsent, NewInbound, NewRcsEvent, NoticeAct, NoticeSettle, Prune,
    PruneResult, RcsEventResult, RcsMark, RcsReport, RcsResult, Receipt, ReceiptResult, SegmentAnswer, Settle,
    StoreError, Sweep, SweepResult, Turn, TurnResult,
};

/// How many changes a slow listener may lag behind before it misses some.
const FEED: usize = 4_096;

/// A handle on the outbox. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    requests: mpsc::Sender<Request>,
    work: mpsc::Sender<Work>,
    feed: broadcast::Sender<Arc<Changed>>,
    bell: Arc<Bell>,
    arrivals: Arc<Arrivals>,
    health: Arc<Health>,
    gate: Arc<Gate>,
    commit_timeout: Duration,
}

/// Why nothing was stored, or why nobody knows.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EnqueueError {
    /// Too many requests wait for the writer.
    #[error("the queue to the store is full")]
    QueueFull,
    /// Too little space is left for new messages; the rest is kept for receipts and inbound texts.
    #[error("the disk is nearly full")]
    StorageLow,
    /// The store does not work.
    #[error("the store is not available")]
    Unavailable,
    /// Handed over, and no answer in time: it may be stored.
    #[error("no answer from the store in time")]
    OutcomeUnknown,
}

/// What became of each item of a request, or why none of them was handed over, or nobody knows.
pub type Enqueued<T> = Result<Vec<Result<T, EnqueueError>>, EnqueueError>;
/// Where the answer to a request goes.
type EnqueueReply<T> = oneshot::Sender<Enqueued<T>>;
/// Where the answer to anything else goes.
type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// New messages, which may be refused when too many wait.
pub(crate) enum Request {
    Messages {
        items: Vec<Enqueue>,
        reply: EnqueueReply<EnqueueResult>,
    },
    Groups {
        groups: Vec<Group>,
        reply: EnqueueReply<GroupResult>,
    },
}

/// Everything else: bounded by windows, and never refused.
pub(crate) enum Work {
    Settle {
        settles: Vec<Settlement>,
        segments: Vec<SegmentAnswer>,
    },
    Receipts {
        receipts: Vec<Receipt>,
        reply: Reply<Vec<ReceiptResult>>,
    },
    Rcs {
        reports: Vec<RcsReport>,
        reply: Reply<Vec<RcsResult>>,
    },
    Inbound {
        text: Box<NewInbound>,
        reply: Reply<InboundResult>,
    },
    Turns {
        turns: Vec<Turn>,
        /// One for each.
        replies: Vec<Reply<TurnResult>>,
    },
    Quarantine {
        pdu: BadPdu,
        reply: Reply<()>,
    },
    Notices {
        notices: Vec<NoticeSettle>,
        reply: Reply<()>,
    },
    Consents {
        consents: Vec<NewConsent>,
        reply: Reply<Vec<ConsentResult>>,
    },
    Inbox {
        marks: Vec<InboxMark>,
        reply: Reply<()>,
    },
    RcsEvents {
        events: Vec<NewRcsEvent>,
        reply: Reply<Vec<RcsEventResult>>,
    },
    RcsMarks {
        marks: Vec<RcsMark>,
        reply: Reply<()>,
    },
    NoticeAct {
        act: NoticeAct,
        reply: Reply<u32>,
    },
    Certified {
        act: CertifiedAct,
        reply: Reply<bool>,
    },
    Act {
        item: ActItem,
        reply: Reply<ActResult>,
    },
    Sweep {
        sweep: Sweep,
        reply: Reply<SweepResult>,
    },
    Prune {
        prune: Prune,
        reply: Reply<PruneResult>,
    },
    BindUp {
        bind: BindRef,
        offer: Offer,
        claims: mpsc::UnboundedSender<Arc<Claimed>>,
    },
    BindDown {
        bind: BindRef,
        reply: oneshot::Sender<()>,
    },
    Serve {
        bind: BindRef,
        services: Vec<Service>,
    },
}

/// A settlement, and whether its place in the window is free with it. The place of an overdue answer stays taken.
#[derive(Debug)]
pub struct Settlement {
    /// The change.
    pub settle: Settle,
    /// Whether the place in the window is free again.
    pub frees_place: bool,
}

impl Outbox {
    /// Stores messages: one result each, after a synced commit. What the store refuses of one costs no other.
    pub async fn enqueue(&self, items: Vec<Enqueue>) -> Enqueued<EnqueueResult> {
        self.request(|reply| Request::Messages { items, reply }).await
    }

    /// Stores groups of messages, each whole or not at all: one result each, after a synced commit. What the store
    /// refuses of one costs no other.
    pub async fn enqueue_groups(&self, groups: Vec<Group>) -> Enqueued<GroupResult> {
        self.request(|reply| Request::Groups { groups, reply }).await
    }

    async fn request<T>(&self, request: impl FnOnce(EnqueueReply<T>) -> Request) -> Enqueued<T> {
        if self.health.storage_low() {
            return Err(EnqueueError::StorageLow);
        }
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(request(reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => EnqueueError::QueueFull,
            mpsc::error::TrySendError::Closed(_) => EnqueueError::Unavailable,
        })?;
        match tokio::time::timeout(self.commit_timeout, answer).await {
            Ok(Ok(result)) => result,
            // The writer ended with our request in its hands, or is late with it: it may be stored.
            Ok(Err(_)) | Err(_) => Err(EnqueueError::OutcomeUnknown),
        }
    }

    /// Settles claims. Returns once the writer has them in hand, not once they are committed.
    pub async fn settle(&self, settles: Vec<Settlement>, segments: Vec<SegmentAnswer>) {
        self.work.send(Work::Settle { settles, segments }).await.ok();
    }

    /// Matches receipts. Answered after their commit.
    pub async fn receipts(&self, receipts: Vec<Receipt>) -> Result<Vec<ReceiptResult>, StoreError> {
        self.ask(|reply| Work::Receipts { receipts, reply }).await
    }

    /// Takes in what RCS platforms tell of messages. Answered after its commit.
    pub async fn rcs_reports(&self, reports: Vec<RcsReport>) -> Result<Vec<RcsResult>, StoreError> {
        self.ask(|reply| Work::Rcs { reports, reply }).await
    }

    /// Stores an inbound text. Answered after its commit.
    pub async fn inbound(&self, text: NewInbound) -> Result<InboundResult, StoreError> {
        self.ask(|reply| Work::Inbound {
            text: Box::new(text),
            reply,
        })
        .await
    }

    /// Takes a turn of a conversation: all of it, or nothing. Answered after its commit.
    pub async fn turn(&self, turn: Turn) -> Result<TurnResult, StoreError> {
        self.ask(|reply| Work::Turns {
            turns: vec![turn],
            replies: vec![reply],
        })
        .await
    }

    /// Takes turns as one piece of work: one answer for each, after its commit, which they share unless the store refuses
    /// one of them.
    pub async fn turns(&self, turns: Vec<Turn>) -> Vec<TurnAnswer> {
        if turns.is_empty() {
            return Vec::new();
        }
        let (replies, answers) = turns
            .iter()
            .map(|_| {
                let (reply, answer) = oneshot::channel();
                (reply, TurnAnswer(answer))
            })
            .unzip();
        self.work.send(Work::Turns { turns, replies }).await.ok();
        answers
    }

    /// Notes what people want; what waits for those who want it no more ends with it. Answered after its commit.
    pub async fn consents(&self, consents: Vec<NewConsent>) -> Result<Vec<ConsentResult>, StoreError> {
        self.ask(|reply| Work::Consents { consents, reply }).await
    }

    /// Keeps a PDU that could not be read. Answered after its commit.
    pub async fn quarantine(&self, pdu: BadPdu) -> Result<(), StoreError> {
        self.ask(|reply| Work::Quarantine { pdu, reply }).await
    }

    /// Notes what came of webhooks. Answered after its commit.
    pub async fn settle_notices(&self, notices: Vec<NoticeSettle>) -> Result<(), StoreError> {
        self.ask(|reply| Work::Notices { notices, reply }).await
    }

    /// Notes what came of events that make no message. Answered after its commit.
    pub async fn mark_inbox(&self, marks: Vec<InboxMark>) -> Result<(), StoreError> {
        self.ask(|reply| Work::Inbox { marks, reply }).await
    }

    /// Keeps what RCS platforms have told. Answered after its commit.
    pub async fn keep_rcs_events(&self, events: Vec<NewRcsEvent>) -> Result<Vec<RcsEventResult>, StoreError> {
        self.ask(|reply| Work::RcsEvents { events, reply }).await
    }

    /// Notes that all is made of what RCS platforms have told, or nothing can be. Answered after its commit.
    pub async fn mark_rcs_events(&self, marks: Vec<RcsMark>) -> Result<(), StoreError> {
        self.ask(|reply| Work::RcsMarks { marks, reply }).await
    }

    /// Replays dead letters, or switches an endpoint off or on; how many notices that has moved.
    pub async fn act_on_notices(&self, act: NoticeAct) -> Result<u32, StoreError> {
        self.ask(|reply| Work::NoticeAct { act, reply }).await
    }

    /// Changes what is certified; whether it stood where the change leaves it. Answered after its commit.
    pub async fn certify(&self, act: CertifiedAct) -> Result<bool, StoreError> {
        self.ask(|reply| Work::Certified { act, reply }).await
    }

    /// Cancels or requeues a message.
    pub async fn act(&self, item: ActItem) -> Result<ActResult, StoreError> {
        self.ask(|reply| Work::Act { item, reply }).await
    }

    pub(crate) async fn sweep(&self, sweep: Sweep) -> Result<SweepResult, StoreError> {
        self.ask(|reply| Work::Sweep { sweep, reply }).await
    }

    pub(crate) async fn prune(&self, prune: Prune) -> Result<PruneResult, StoreError> {
        self.ask(|reply| Work::Prune { prune, reply }).await
    }

    /// Offers a bind's window. Claimed rows come out of `claims`, each after its commit; the channel is bounded by
    /// the window.
    pub async fn bind_up(&self, bind: BindRef, offer: Offer, claims: mpsc::UnboundedSender<Arc<Claimed>>) {
        self.work.send(Work::BindUp { bind, offer, claims }).await.ok();
    }

    /// Takes the offer back. Nothing is claimed for the bind after this returns.
    pub async fn bind_down(&self, bind: BindRef) {
        let (reply, done) = oneshot::channel();
        if self.work.send(Work::BindDown { bind, reply }).await.is_ok() {
            done.await.ok();
        }
    }

    /// Changes what a bind serves.
    pub async fn serve(&self, bind: BindRef, services: Vec<Service>) {
        self.work.send(Work::Serve { bind, services }).await.ok();
    }

    /// Every change of state from now on, but for those enqueued and claimed.
    pub fn feed(&self) -> broadcast::Receiver<Arc<Changed>> {
        self.feed.subscribe()
    }

    /// Rings for every commit that has left something to tell.
    pub fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// Texts that were stored just now.
    pub fn arrivals(&self) -> &Arc<Arrivals> {
        &self.arrivals
    }

    /// Who wants no messages, as committed.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// How the store is.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    async fn ask<T>(&self, work: impl FnOnce(Reply<T>) -> Work) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.work.send(work(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// What becomes of a turn that was handed over.
pub struct TurnAnswer(oneshot::Receiver<Result<TurnResult, StoreError>>);

impl TurnAnswer {
    /// Waits for the turn's commit.
    pub async fn wait(self) -> Result<TurnResult, StoreError> {
        self.0.await.map_err(|_| gone())?
    }
}

fn gone() -> StoreError {
    StoreError::Open("the outbox has ended".to_owned())
}
