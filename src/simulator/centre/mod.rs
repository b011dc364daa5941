//! What all links of one simulator share: ids, fates, phones, the fault script, deliveries without a link, counts.
//!
//! One lock, held for the time of one PDU and never over an await.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use araldo_smpp::pdu::{Bind, QuerySmResp};
use araldo_smpp::value::AbsoluteTime;
use araldo_smpp::{BindMode, COctet, CommandStatus, MessageState, SmppTime};
use araldo_sms::{Encoding, UserData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::{Notify, broadcast};

use super::StartError;
use super::config::{ReceiptConfig, ReceiptForm, SimulatorConfig};
use super::delivery::Delivery;
use super::event::SimulatorEvent;
use super::fault::{Fault, FaultRule, FaultScript, InvalidRule, Subject};
use super::ledger::Ledger;
use super::phone::{Kept, PhoneMessage, Phones};
use super::receipt::{self, Fate, Receipt};
use super::stats::Stats;
use super::submission::Submission;
use crate::clock::monotonic;
use crate::domain::UnixMillis;

/// Events that a watcher may be behind before it misses some.
const EVENTS: usize = 4_096;
/// Messages whose fate query_sm can still ask for.
const FATES: usize = 200_000;
/// Deliveries that wait for a link at most; the oldest are given up first.
const WAITING: usize = 1_000_000;

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

/// A bound link that others may hand deliveries to.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    pub(super) mail: Mutex<Vec<Delivery>>,
    pub(super) wake: Notify,
}

struct BoundLink {
    system_id: Arc<str>,
    delivers: bool,
    mailbox: Arc<Mailbox>,
}

/// What became of a message handed in.
#[derive(Debug)]
pub(super) enum Taken {
    Refused(CommandStatus),
    As {
        id: COctet,
        /// Receipts with the time they are due, but for the one that leaves before the response.
        receipts: Vec<(Instant, Receipt)>,
        early: Option<Receipt>,
    },
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
            phones: Phones::new(config.phone_memory),
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
        let refused = if self
            .config
            .system_id
            .as_ref()
            .is_some_and(|wanted| bind.system_id != wanted.as_str())
        {
            Some(CommandStatus::ESME_RINVSYSID)
        } else if self
            .config
            .password
            .as_ref()
            .is_some_and(|wanted| bind.password.0 != wanted.as_str())
        {
            Some(CommandStatus::ESME_RINVPASWD)
        } else {
            None
        };
        refused.map_or(Ok(()), Err)
    }

    /// Enters a bound link; gives back what has waited for it.
    pub(super) fn enter(
        &self,
        conn: u64,
        system_id: &Arc<str>,
        mode: BindMode,
        mailbox: &Arc<Mailbox>,
    ) -> Vec<Delivery> {
        let mut state = self.state();
        state.stats.binds += 1;
        let delivers = mode.delivers();
        state.links.insert(
            conn,
            BoundLink {
                system_id: Arc::clone(system_id),
                delivers,
                mailbox: Arc::clone(mailbox),
            },
        );
        if !delivers {
            return Vec::new();
        }
        let (mine, others): (VecDeque<_>, VecDeque<_>) = state
            .waiting
            .drain(..)
            .partition(|waiting| waiting.system_id.as_ref().is_none_or(|id| id == system_id));
        state.waiting = others;
        Vec::from(mine)
    }

    /// Strikes a link out and hands what it has not delivered to others. Returns whether it was bound.
    pub(super) fn leave(&self, conn: u64, mailbox: &Mailbox, undelivered: Vec<Delivery>) -> bool {
        let mut state = self.state();
        let bound = state.links.remove(&conn).is_some();
        let mail = std::mem::take(&mut *mailbox.mail.lock().unwrap_or_else(PoisonError::into_inner));
        for delivery in undelivered.into_iter().chain(mail) {
            state.post(delivery);
        }
        bound
    }

    /// Hands a delivery to a link that can take it, or keeps it until there is one.
    pub(super) fn post(&self, delivery: Delivery) {
        self.state().post(delivery);
    }

    /// Whether an ESME is bound that takes deliver_sm.
    pub(super) fn can_deliver(&self) -> bool {
        self.state().links.values().any(|link| link.delivers)
    }

    /// Takes a message: an id, a fate, its place in the phone, its receipts.
    pub(super) fn take(
        &self,
        submission: &Submission<'_>,
        system_id: &Arc<str>,
        unanswered: usize,
        now: Instant,
    ) -> Taken {
        let at = self.now();
        let mut guard = self.state();
        let state = &mut *guard;
        let crowded = self
            .config
            .submit_window
            .is_some_and(|window| unanswered >= usize::from(window));
        if crowded || state.pace.as_mut().is_some_and(|pace| !pace.take(now)) {
            state.stats.throttled += 1;
            return Taken::Refused(CommandStatus::ESME_RTHROTTLED);
        }
        state.stats.accepted += 1;
        let number = state.next_id;
        state.next_id += 1;
        // The message is on its way once it is answered.
        let (start, delay) = (now + self.config.response_delay, self.config.response_delay);
        let fate = receipt::fate(&state.receipts, &mut state.rng, submission, start, at.after(delay));
        state.remember(fate);
        let wanted = receipt::wanted(&state.receipts, &mut state.rng, submission, &fate);
        let (mut receipts, mut early) = (Vec::new(), None);
        if wanted.receipt {
            let last = self.receipt(&state.receipts, submission, number, &fate, at);
            if wanted.intermediate {
                let enroute = Receipt {
                    state: MessageState::ENROUTE,
                    error: 0,
                    done: at,
                    ..last.clone()
                };
                receipts.push((now + fate.due.saturating_duration_since(now) / 2, enroute));
            }
            if wanted.twice {
                receipts.push((fate.due, last.clone()));
            }
            if wanted.before_response {
                early = Some(last);
            } else {
                receipts.push((fate.due, last));
            }
        }
        if state.phones.remember()
            && let Some(kept) = state.phones.take(submission, number, system_id, at)
            && self.is_watched()
        {
            let kept = kept.clone();
            let fates = kept.numbers.iter().filter_map(|number| state.fate(*number));
            // A message that will not be delivered never shows on its phone.
            if fates.into_iter().all(|fate| fate.state == MessageState::DELIVERED) {
                let message = self.view(state, &kept, now);
                self.tell(SimulatorEvent::Message(message));
            }
        }
        Taken::As {
            id: self.config.id_form.in_response(number).into(),
            receipts,
            early,
        }
    }

    fn receipt(
        &self,
        config: &ReceiptConfig,
        submission: &Submission<'_>,
        number: u64,
        fate: &Fate,
        submitted: UnixMillis,
    ) -> Receipt {
        let preview = if config.form == ReceiptForm::Tlv {
            Box::default()
        } else {
            let (coding, udhi) = (submission.data_coding.0, submission.esm_class.has_udhi());
            let read = UserData::decode(coding, udhi, &submission.octets, Encoding::Gsm7);
            receipt::preview(read.text().unwrap_or_default())
        };
        Receipt {
            number,
            phone: detached(submission.destination),
            sender: detached(submission.source),
            state: fate.state,
            error: fate.error,
            submitted,
            done: fate.at,
            preview,
            reference: submission
                .tlvs
                .user_message_reference()
                .filter(|_| config.echo_reference),
            form: config.form,
            id_form: self.config.id_form,
        }
    }

    /// Whether receipts may leave by any link of the same ESME.
    pub(super) fn receipts_on_any_link(&self) -> bool {
        self.state().receipts.on_any_link
    }

    /// What query_sm is answered.
    pub(super) fn query(&self, id: &COctet, now: Instant) -> Option<QuerySmResp> {
        let number = self.config.id_form.number(&id.as_str())?;
        let fate = self.state().fate(number)?;
        let due = fate.due <= now;
        Some(QuerySmResp {
            message_id: id.clone(),
            final_date: if due { smpp_time(fate.at) } else { COctet::EMPTY },
            message_state: if due { fate.state } else { MessageState::ENROUTE },
            error_code: if due {
                u8::try_from(fate.error).unwrap_or(u8::MAX)
            } else {
                0
            },
            ..QuerySmResp::default()
        })
    }

    /// What the phones have received, oldest first, the last `limit` of it.
    pub(super) fn messages(&self, to: Option<&str>, limit: usize, now: Instant) -> Vec<PhoneMessage> {
        let state = self.state();
        let mut messages: Vec<PhoneMessage> = state
            .phones
            .messages(to)
            .rev()
            .take(limit)
            .map(|kept| self.view(&state, kept, now))
            .collect();
        messages.reverse();
        messages
    }

    fn view(&self, state: &State, kept: &Kept, now: Instant) -> PhoneMessage {
        let word = |fate: Fate| {
            if fate.due <= now {
                fate.state
            } else {
                MessageState::ENROUTE
            }
        };
        let states = kept.numbers.iter().filter_map(|number| state.fate(*number)).map(word);
        let worst = states.max_by_key(|state| match *state {
            MessageState::DELIVERED => 0,
            MessageState::ENROUTE => 1,
            _ => 2,
        });
        PhoneMessage {
            id: kept
                .numbers
                .first()
                .map(|number| self.config.id_form.in_response(*number))
                .unwrap_or_default(),
            at: kept.at,
            to: kept.to.clone(),
            from: kept.from.clone(),
            text: kept.text.clone(),
            segments: u8::try_from(kept.numbers.len()).unwrap_or(u8::MAX),
            state: receipt::word(worst.unwrap_or(MessageState::UNKNOWN)),
            system_id: kept.system_id.clone(),
        }
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

    fn post(&mut self, delivery: Delivery) {
        let fits =
            |link: &BoundLink| link.delivers && delivery.system_id.as_ref().is_none_or(|id| *id == link.system_id);
        let (past, coming) = (..=self.last_link, self.last_link + 1..);
        let next = self
            .links
            .range(coming)
            .chain(self.links.range(past))
            .find(|(_, link)| fits(link));
        if let Some((conn, link)) = next {
            self.last_link = *conn;
            link.mailbox
                .mail
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(delivery);
            link.mailbox.wake.notify_one();
            return;
        }
        if self.waiting.len() >= WAITING {
            self.waiting.pop_front();
            self.stats.given_up += 1;
        }
        self.waiting.push_back(delivery);
    }
}

/// A token bucket: so many a second, a tenth of a second's worth at once.
#[derive(Debug)]
struct Pace {
    rate: f64,
    most: f64,
    left: f64,
    since: Instant,
}

impl Pace {
    fn new(rate: u32, now: Instant) -> Self {
        let rate = f64::from(rate);
        let most = (rate / 10.0).max(10.0);
        Self {
            rate,
            most,
            left: most,
            since: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.since).as_secs_f64() * self.rate;
        self.left = (self.left + gained).min(self.most);
        self.since = now;
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

/// A copy that does not keep the frame alive.
fn detached(address: &araldo_smpp::Address) -> araldo_smpp::Address {
    araldo_smpp::Address {
        addr: address.addr.detached(),
        ..*address
    }
}

fn smpp_time(at: UnixMillis) -> COctet {
    let at = at.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let time = AbsoluteTime {
        year: u8::try_from(at.year() % 100).unwrap_or(0),
        month: part(at.month()),
        day: part(at.day()),
        hour: part(at.hour()),
        minute: part(at.minute()),
        second: part(at.second()),
        tenths: 0,
        quarters: 0,
    };
    SmppTime::Absolute(time).to_string().into()
}

/// How long a link may take to say goodbye once it must end.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_lets_a_tenth_of_a_second_through_at_once_and_then_its_rate() {
        let start = monotonic();
        let mut pace = Pace::new(200, start);
        assert_eq!((0..100).filter(|_| pace.take(start)).count(), 20);
        let later = start + Duration::from_millis(50);
        assert_eq!((0..100).filter(|_| pace.take(later)).count(), 10);
    }

    #[test]
    fn the_date_of_query_sm_is_absolute_and_in_utc() {
        assert_eq!(smpp_time(UnixMillis(1_767_225_600_000)), "260101000000000+");
    }
}
