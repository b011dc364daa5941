//! What all calls share: ids, handsets, messages on their way, what the phones show.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use araldo_rcs::webhook::Payload;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::StartError;
use super::config::{DeliveryConfig, RcsConfig, WebhookTarget};
use super::fault::{Fault, FaultScript, Subject};
use super::handset::Handsets;
use super::life::OnItsWay;
use super::schema::Schema;
use super::stats::RcsStats;
use super::token::Issuer;
use crate::domain::UnixMillis;
use crate::simulator::ledger::Ledger;

/// Ids that are remembered, to know a message that comes again.
const IDS: usize = 2_000_000;
/// Events that a slow reader may lag behind.
const FEED: usize = 4_096;
/// The greatest age that is counted by itself, in milliseconds.
const OLDEST: u64 = 600_000;

/// A message as its phone shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhoneMessage {
    /// The agent's id of it.
    pub id: Uuid,
    /// When it was taken.
    pub at: UnixMillis,
    /// The phone, with its plus sign.
    pub to: String,
    /// `contentMessage`, as it was sent.
    pub content: Value,
    /// What it is for.
    pub traffic_type: Option<String>,
    /// Where it is.
    pub state: PhoneState,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneState {
    /// With the platform.
    Waiting,
    /// On the handset.
    Delivered,
    /// Opened.
    Read,
    /// Withdrawn before it was on the handset.
    Withdrawn,
}

/// Something that happened, in JSON with its kind under `event`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RcsEvent {
    /// A message was taken, or is in another place than before.
    Message(PhoneMessage),
    /// A user does something: what the webhook is told of it.
    User {
        /// When.
        at: UnixMillis,
        /// The payload.
        payload: Value,
    },
}

pub(super) struct Platform {
    pub(super) config: RcsConfig,
    pub(super) schema: Schema,
    state: Mutex<State>,
    pub(super) ledger: Option<Ledger>,
    /// To the task that tells the webhook.
    webhooks: mpsc::UnboundedSender<Vec<u8>>,
    /// Changes with the handsets.
    pub(super) handsets: watch::Sender<()>,
    pub(super) events: broadcast::Sender<Arc<RcsEvent>>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

pub(super) struct State {
    pub(super) handsets: Handsets,
    pub(super) delivery: DeliveryConfig,
    pub(super) webhook: Option<WebhookTarget>,
    pub(super) issuer: Issuer,
    pub(super) rng: StdRng,
    /// Messages that may still be withdrawn.
    pub(super) on_their_way: HashMap<Uuid, OnItsWay>,
    pub(super) stats: RcsStats,
    /// Messages by how old they came.
    pub(super) ages: BTreeMap<u64, u64>,
    faults: FaultScript,
    used: HashSet<Uuid>,
    used_in_order: VecDeque<Uuid>,
    shown: HashMap<Uuid, PhoneMessage>,
    shown_in_order: VecDeque<Uuid>,
}

impl Platform {
    pub(super) fn new(config: RcsConfig, webhooks: mpsc::UnboundedSender<Vec<u8>>) -> Result<Arc<Self>, StartError> {
        config.delivery.check()?;
        let account = config.account.as_deref().unwrap_or(super::ACCOUNT);
        let ledger = match &config.ledger {
            Some(path) => Some(Ledger::open(path).map_err(|error| StartError::Ledger(path.clone(), error))?),
            None => None,
        };
        let state = State {
            handsets: Handsets::new(config.handset.clone(), config.handsets.clone()),
            delivery: config.delivery.clone(),
            webhook: config.webhook.clone(),
            issuer: Issuer::new(account, config.token_lifetime)?,
            rng: StdRng::seed_from_u64(config.seed),
            on_their_way: HashMap::new(),
            stats: RcsStats::default(),
            ages: BTreeMap::new(),
            faults: FaultScript::new(config.faults.clone(), config.seed)?,
            used: HashSet::new(),
            used_in_order: VecDeque::new(),
            shown: HashMap::new(),
            shown_in_order: VecDeque::new(),
        };
        Ok(Arc::new(Self {
            schema: Schema::new(),
            state: Mutex::new(state),
            ledger,
            webhooks,
            handsets: watch::Sender::new(()),
            events: broadcast::Sender::new(FEED),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            config,
        }))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> UnixMillis {
        self.config.clock.now()
    }

    /// Tells the webhook, where there is one.
    pub(super) fn tell(&self, payload: &Payload) {
        let mut state = self.state();
        if state.webhook.is_some() {
            state.stats.webhooks_waiting += 1;
            self.webhooks.send(payload.to_json()).ok();
        }
    }

    /// Puts a message in another place than before.
    pub(super) fn show(&self, id: Uuid, place: PhoneState) {
        let mut state = self.state();
        let known = state.shown.get_mut(&id).map(|message| {
            message.state = place;
            message.clone()
        });
        if let Some(message) = known {
            self.events.send(Arc::new(RcsEvent::Message(message))).ok();
        }
    }

    /// Appends a line to the ledger.
    pub(super) fn note(&self, line: &Value) {
        let Some(ledger) = &self.ledger else { return };
        let mut octets = line.to_string().into_bytes();
        octets.push(b'\n');
        if let Err(error) = ledger.append(&octets) {
            tracing::error!(%error, "the ledger cannot be written");
        }
    }
}

impl State {
    pub(super) fn set_faults(&mut self, faults: FaultScript) {
        self.faults = faults;
    }

    pub(super) fn faults(&self) -> &FaultScript {
        &self.faults
    }

    /// The fault that befalls a call, counted.
    pub(super) fn fault(&mut self, subject: Subject<'_>) -> Option<Fault> {
        let fault = self.faults.decide(subject);
        if let Some(fault) = &fault {
            self.stats.fault(fault.name());
        }
        fault
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.rng.random::<f64>() < share
    }

    pub(super) fn draw_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    /// Whether an id was used before.
    pub(super) fn used(&self, id: Uuid) -> bool {
        self.used.contains(&id)
    }

    /// Notes that an id is used; `false` if it was before.
    pub(super) fn use_id(&mut self, id: Uuid) -> bool {
        if !self.used.insert(id) {
            return false;
        }
        self.used_in_order.push_back(id);
        if self.used_in_order.len() > IDS
            && let Some(oldest) = self.used_in_order.pop_front()
        {
            self.used.remove(&oldest);
        }
        true
    }

    /// Counts how old a message came, where its id tells when it was made (RFC 9562 §5.7).
    pub(super) fn note_age(&mut self, id: Uuid, now: UnixMillis) {
        let made = id.get_timestamp().filter(|_| id.get_version_num() == 7);
        let Some((seconds, nanos)) = made.map(|made| made.to_unix()) else {
            return;
        };
        let made = seconds
            .saturating_mul(1_000)
            .saturating_add(u64::from(nanos / 1_000_000));
        let age = u64::try_from(now.0).unwrap_or(0).saturating_sub(made).min(OLDEST);
        *self.ages.entry(age).or_default() += 1;
    }

    /// Remembers what a phone shows.
    pub(super) fn remember(&mut self, message: PhoneMessage, memory: usize) {
        if memory == 0 {
            return;
        }
        if self.shown_in_order.len() >= memory
            && let Some(oldest) = self.shown_in_order.pop_front()
        {
            self.shown.remove(&oldest);
        }
        self.shown_in_order.push_back(message.id);
        self.shown.insert(message.id, message);
    }

    /// What a phone shows, or all of them; oldest first, the last `limit`.
    pub(super) fn messages(&self, to: Option<&str>, limit: usize) -> Vec<PhoneMessage> {
        let newest = self.shown_in_order.iter().rev().filter_map(|id| self.shown.get(id));
        let wanted = newest.filter(|message| to.is_none_or(|to| message.to == to));
        let mut messages: Vec<_> = wanted.take(limit).cloned().collect();
        messages.reverse();
        messages
    }
}
