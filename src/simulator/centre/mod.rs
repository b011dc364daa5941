//! What all links of one simulator share: ids, fates, phones, the fault script, deliveries without a link, counts.
//!
//! One lock, held for the time of one PDU and never over an await.

mod mailbox;
mod pace;
mod query;
mod submit;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use araldo_smpp::pdu::Bind;
use araldo_smpp::{COctet, CommandStatus};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::broadcast;

use self::mailbox::BoundLink;
use self::pace::Pace;
use super::StartError;
use super::config::{ReceiptConfig, SimulatorConfig};
use super::delivery::Delivery;
use super::event::SimulatorEvent;
use super::fault::{Fault, FaultRule, FaultScript, InvalidRule, Subject};
use super::ledger::Ledger;
use super::phone::Phones;
use super::receipt::Fate;
use super::stats::Stats;
use crate::clock::monotonic;
use crate::domain::UnixMillis;

pub(super) use self::mailbox::Mailbox;
pub(super) use self::submit::Taken;

/// Events that a watcher may be behind before it misses some.
const EVENTS: usize = 4_096;
/// Messages whose fate query_sm can still ask for.
const FATES: usize = 200_000;

pub(super) struct Centre {
    pub(super) config: SimulatorConfig,
    pub(super) ledger: Option<Ledger>,
    pub(super) events: broadcast::Sender<Arc<SimulatorEvent>>,
    started: Instant,
    started_at: UnixMillis,
    /// Whether there are rules at all, so that a carrier without fault does not ask.
    faulty: AtomicBool,
    state: Mutex<State>,
}

struct State {
    rng: StdRng,
    first_id: u64,
    next_id: u64,
    fates: VecDeque<Fate>,
    script: FaultScript,
    receipts: ReceiptConfig,
    pace: Option<Pace>,
    phones: Phones,
    links: BTreeMap<u64, BoundLink>,
    last_link: u64,
    waiting: VecDeque<Delivery>,
    stats: Stats,
}

impl Centre {
    pub(super) fn new(config: SimulatorConfig) -> Result<Self, StartError> {
        config.receipts.check()?;
        let script = FaultScript::new(config.faults.clone(), config.seed)?;
        let ledger = match &config.ledger {
            Some(path) => Some(Ledger::open(path).map_err(|error| StartError::Ledger(path.clone(), error))?),
            None => None,
        };
        let (started, started_at) = (monotonic(), config.clock.now());
        let microseconds = u64::try_from(started_at.0).unwrap_or(0).saturating_mul(1_000);
        let first_id = config.first_id.unwrap_or(microseconds).max(1);
        let state = State {
            rng: StdRng::seed_from_u64(config.seed),
            first_id,
            next_id: first_id,
            fates: VecDeque::new(),
            receipts: config.receipts.clone(),
            pace: config.throughput.map(|rate| Pace::new(rate, started)),
            phones: Phones::new(config.phone_memory, config.default_alphabet),
            links: BTreeMap::new(),
            last_link: 0,
            waiting: VecDeque::new(),
            stats: Stats {
                name: config.name.clone(),
                ..Stats::default()
            },
            script,
        };
        Ok(Self {
            ledger,
            events: broadcast::Sender::new(EVENTS),
            started,
            started_at,
            faulty: AtomicBool::new(!state.script.is_empty()),
            state: Mutex::new(state),
            config,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nanoseconds since 1970 that never run backwards.
    pub(super) fn at_ns(&self, now: Instant) -> u128 {
        u128::from(self.started_at.0.unsigned_abs()) * 1_000_000
            + now.saturating_duration_since(self.started).as_nanos()
    }

    pub(super) fn now(&self) -> UnixMillis {
        self.config.clock.now()
    }

    /// Whether somebody listens, so that events are worth making.
    pub(super) fn is_watched(&self) -> bool {
        self.events.receiver_count() > 0
    }

    pub(super) fn tell(&self, event: SimulatorEvent) {
        // Nobody listening is no error.
        let _ = self.events.send(Arc::new(event));
    }

    /// The fault that befalls a PDU.
    pub(super) fn decide(&self, subject: &Subject<'_>) -> Option<Fault> {
        if !self.faulty.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = self.state();
        let fault = state.script.decide(subject)?;
        state.stats.fault(fault.name());
        Some(fault)
    }

    /// Whether an ESME may bind.
    pub(super) fn admit(&self, bind: &Bind) -> Result<(), CommandStatus> {
        let is =
            |given: &COctet, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| *given == wanted.as_str());
        if !is(&bind.system_id, &self.config.system_id) {
            return Err(CommandStatus::ESME_RINVSYSID);
        }
        if !is(&bind.password.0, &self.config.password) {
            return Err(CommandStatus::ESME_RINVPASWD);
        }
        Ok(())
    }

    /// Whether receipts may leave by any link of the same ESME.
    pub(super) fn receipts_on_any_link(&self) -> bool {
        self.state().receipts.on_any_link
    }

    pub(super) fn faults(&self) -> Vec<FaultRule> {
        self.state().script.rules()
    }

    /// Puts other rules in force; each begins to count anew.
    pub(super) fn set_faults(&self, rules: Vec<FaultRule>) -> Result<(), InvalidRule> {
        let script = FaultScript::new(rules, self.config.seed)?;
        self.faulty.store(!script.is_empty(), Ordering::Relaxed);
        self.state().script = script;
        Ok(())
    }

    pub(super) fn receipts(&self) -> ReceiptConfig {
        self.state().receipts.clone()
    }

    pub(super) fn set_receipts(&self, receipts: ReceiptConfig) -> Result<(), super::InvalidReceipts> {
        receipts.check()?;
        self.state().receipts = receipts;
        Ok(())
    }

    /// Changes the counts.
    pub(super) fn count(&self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.state().stats);
    }

    pub(super) fn stats(&self) -> Stats {
        let state = self.state();
        Stats {
            bound: state.links.len() as u64,
            waiting: state.waiting.len() as u64,
            ..state.stats.clone()
        }
    }

    /// Appends to the ledger, if there is one.
    pub(super) fn record(&self, lines: &[u8]) -> io::Result<()> {
        self.ledger.as_ref().map_or(Ok(()), |ledger| ledger.append(lines))
    }
}

impl State {
    fn remember(&mut self, fate: Fate) {
        if self.fates.len() >= FATES {
            self.fates.pop_front();
            self.first_id += 1;
        }
        self.fates.push_back(fate);
    }

    fn fate(&self, number: u64) -> Option<Fate> {
        let at = usize::try_from(number.checked_sub(self.first_id)?).ok()?;
        self.fates.get(at).copied()
    }
}
