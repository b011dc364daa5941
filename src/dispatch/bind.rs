//! One bind's life: connect, bind, pull, settle; and again, with patience.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::consent::ConsentStep;
use super::failover::LaneMap;
use super::flight::{Flight, Landing};
use super::inbound::{Counters, Pump};
use super::status::{BindState, CarrierState, count};
use crate::carrier::{ByRcs, Carrier, DownReason, Link, LinkMode, LinkReport, SubmitReport, SubmitResult};
use crate::clock::{self, Clock, monotonic};
use crate::config::{CarrierConfig, Protocol};
use crate::domain::{BindRef, Flag, Name, Reason, State};
use crate::outbox::{Offer, Outbox, Outcome, Policy, Settlement, Taken, backoff, rescue};
use crate::receipt::Correlator;
use crate::store::{Claimed, SegmentAnswer, Settle};
use crate::telemetry::panics::{self, caught};
use crate::throttle::CarrierPace;

/// Refusals of name or password after which a bind waits for a person, so that no account gets locked.
const REFUSALS: u32 = 3;
/// A session that lasted this long was a good one: the next try comes soon.
const GOOD_SESSION: Duration = Duration::from_secs(30);
/// How long until a bind that fell tries again to put into doubt what it had.
const RECOVER_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The share of a wait by which it is longer at most, so that binds which went down together do not come back together.
const SPREAD: f64 = 0.2;
/// Rows taken from the writer at once.
const AT_ONCE: usize = 512;

/// What a bind works with; shared by those of a carrier.
pub(super) struct Shared {
    pub(super) name: Name,
    pub(super) config: CarrierConfig,
    pub(super) carrier: Arc<dyn Carrier>,
    pub(super) outbox: Outbox,
    pub(super) policy: Arc<Policy>,
    pub(super) consent: Arc<ConsentStep>,
    pub(super) pace: Arc<CarrierPace>,
    pub(super) state: Arc<CarrierState>,
    pub(super) correlator: Arc<Mutex<Correlator>>,
    pub(super) lanes: Arc<LaneMap>,
    pub(super) down_for: Arc<DownFor>,
    pub(super) clock: Clock,
    pub(super) tasks: TaskTracker,
}

/// How long a carrier has had no bind that can submit; `None` while it has one.
pub(super) type DownFor = dyn Fn(&Name) -> Option<Duration> + Send + Sync;

/// What a person wants of a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Up.
    Run,
    /// Up for receipts and texts; nothing more is claimed.
    Drain,
    /// Down in good order.
    Stop,
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The link takes what is submitted.
    Up,
    /// The link ends by itself and takes nothing more.
    Closing,
    /// We have ended it.
    Ending,
}

pub(super) struct Bind {
    pub(super) shared: Arc<Shared>,
    pub(super) bind: BindRef,
    pub(super) mode: LinkMode,
    pub(super) wanted: watch::Receiver<Wanted>,
    pub(super) stop: CancellationToken,
}

impl Bind {
    /// Keeps the bind up until told to stop.
    pub(super) async fn run(mut self) {
        let mut failures: u16 = 0;
        let mut refusals = 0;
        while self.wait_until_wanted().await {
            self.set(BindState::Connecting, None);
            let stop = self.stop.clone();
            let opened = tokio::select! {
                opened = self.shared.carrier.open(self.bind.clone(), self.mode) => opened,
                () = stop.cancelled() => return,
            };
            match opened {
                Ok(link) => {
                    refusals = 0;
                    let begun = monotonic();
                    let down = match AssertUnwindSafe(self.session(link)).catch_unwind().await {
                        Ok(down) => down,
                        Err(_) => self.recover().await,
                    };
                    if down == DownReason::Stopped {
                        self.set(BindState::Stopped, None);
                        continue;
                    }
                    failures = if monotonic().duration_since(begun) >= GOOD_SESSION {
                        0
                    } else {
                        failures.saturating_add(1)
                    };
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let text = error.to_string();
                    refusals = if error.is_permanent() { refusals + 1 } else { 0 };
                    if refusals >= REFUSALS {
                        tracing::error!(
                            event = "bind_refused_for_good", carrier = %self.shared.name, bind = self.bind.bind,
                            "{text}; not tried again, so that the account is not locked: mend it, then `araldo carriers start {}`",
                            self.shared.name
                        );
                        self.set(BindState::Refused, Some(text));
                        refusals = 0;
                        self.wait_for_a_person().await;
                        continue;
                    }
                    tracing::warn!(event = "bind_failed", carrier = %self.shared.name, bind = self.bind.bind, "{text}");
                    self.set(BindState::Waiting, Some(text));
                }
            }
            let config = &self.shared.config;
            // Never sooner than the back-off has it: a busy carrier counts our tries.
            let wait = backoff(config.reconnect_min, config.reconnect_max, failures.max(1), 0.0);
            let wait = wait.mul_f64(1.0 + SPREAD * clock::jitter());
            metrics::counter!("araldo_carrier_rebinds_total", "carrier" => self.shared.name.as_str().to_owned())
                .increment(1);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Waits until the carrier is wanted up; `false` when the process ends.
    async fn wait_until_wanted(&mut self) -> bool {
        if *self.wanted.borrow() == Wanted::Stop {
            self.set(BindState::Stopped, None);
        }
        let stop = self.stop.clone();
        tokio::select! {
            wanted = self.wanted.wait_for(|wanted| *wanted != Wanted::Stop) => wanted.is_ok() && !stop.is_cancelled(),
            () = stop.cancelled() => false,
        }
    }

    /// Waits for any new word from a person.
    async fn wait_for_a_person(&mut self) {
        self.wanted.mark_unchanged();
        tokio::select! {
            _ = self.wanted.changed() => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// A bind that is up, until it is down and everything claimed by it is settled.
    async fn session(&mut self, mut link: Link) -> DownReason {
        tracing::info!(event = "bound", carrier = %self.shared.name, bind = self.bind.bind, mode = self.mode.as_str());
        let mut on_trial = link.on_trial;
        self.set(up(on_trial), None);
        let inbound = std::mem::replace(&mut link.inbound, mpsc::channel(1).1);
        self.shared
            .tasks
            .spawn(self.pump(std::mem::take(&mut link.peer)).run(inbound));
        let mut session = Session {
            shared: self.shared.clone(),
            bind: self.bind.clone(),
            flights: HashMap::new(),
            next_key: 0,
            told_of_no_id: false,
        };
        let mut claimed = Vec::with_capacity(AT_ONCE);
        let mut claims: Option<mpsc::UnboundedReceiver<Arc<Claimed>>> = None;
        let mut stage = Stage::Up;
        let down = loop {
            let wanted = if self.stop.is_cancelled() {
                Wanted::Stop
            } else {
                *self.wanted.borrow_and_update()
            };
            let serves = stage == Stage::Up && wanted == Wanted::Run && self.mode.submits();
            match (serves, &mut claims) {
                (true, None) => {
                    self.set(up(on_trial), None);
                    claims = Some(self.offer(session.taken(), on_trial).await);
                }
                (false, Some(open)) => {
                    self.set(BindState::Draining, None);
                    self.take_back(&mut session, open).await;
                    claims = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
            if wanted == Wanted::Stop && stage != Stage::Ending {
                stage = Stage::Ending;
                self.set(BindState::Draining, None);
                link.stop.cancel();
            }
            tokio::select! {
                biased;
                report = link.reports.recv() => match report {
                    Some(LinkReport::Submits(reports)) => session.settle(reports).await,
                    Some(LinkReport::Proven) => {
                        on_trial = false;
                        if let Some(mut open) = claims.take() {
                            // Offered anew, with the whole window.
                            self.take_back(&mut session, &mut open).await;
                        }
                    }
                    Some(LinkReport::Fault(text)) => self.shared.state.fault(&self.bind, text),
                    Some(LinkReport::Closing) if stage == Stage::Up => stage = Stage::Closing,
                    Some(LinkReport::Closing) => {}
                    Some(LinkReport::AnsweredBusy) => self.shared.state.answered_busy(),
                    Some(LinkReport::Down(reason)) => break reason,
                    None => break DownReason::Lost("the link's task ended".to_owned()),
                },
                got = take(&mut claims, &mut claimed) => {
                    if got == 0 {
                        break DownReason::Lost("the outbox has ended".to_owned());
                    }
                    session.submit(&mut claimed, &link).await;
                }
                changed = self.wanted.changed(), if stage != Stage::Ending => {
                    if changed.is_err() {
                        link.stop.cancel();
                        stage = Stage::Ending;
                    }
                }
                () = self.stop.cancelled(), if stage != Stage::Ending => {}
            }
        };
        if let Some(mut open) = claims {
            self.take_back(&mut session, &mut open).await;
        }
        session.abandon().await;
        match &down {
            DownReason::Stopped => {
                tracing::info!(event = "unbound", carrier = %self.shared.name, bind = self.bind.bind);
            }
            DownReason::Lost(why) => {
                tracing::warn!(event = "link_lost", carrier = %self.shared.name, bind = self.bind.bind, why);
            }
        }
        let (state, error) = match &down {
            DownReason::Stopped => (BindState::Stopped, None),
            DownReason::Lost(why) => (BindState::Waiting, Some(why.clone())),
        };
        self.set(state, error);
        down
    }

    /// The session has fallen over a fault of ours: what it had claimed is in doubt, and the bind is opened anew.
    async fn recover(&self) -> DownReason {
        panics::tell("session");
        self.shared.outbox.bind_down(self.bind.clone()).await;
        abandoned(&self.shared, &self.bind).await;
        let why = "a fault of Araldo's own".to_owned();
        self.shared.state.set_in_flight(&self.bind, 0);
        self.set(BindState::Waiting, Some(why.clone()));
        DownReason::Lost(why)
    }

    /// Takes the offer back; what was claimed under it and not submitted goes back too.
    async fn take_back(&self, session: &mut Session, claims: &mut mpsc::UnboundedReceiver<Arc<Claimed>>) {
        self.shared.outbox.bind_down(self.bind.clone()).await;
        session.give_back(claims).await;
    }

    /// Offers the window to the outbox, or a place in it to be tried with; what it claims comes out of the channel.
    async fn offer(&self, taken: Taken, on_trial: bool) -> mpsc::UnboundedReceiver<Arc<Claimed>> {
        let shared = &self.shared;
        let offer = Offer {
            services: shared
                .lanes
                .services(&shared.name, |carrier| (shared.down_for)(carrier)),
            window: if on_trial { 1 } else { u32::from(shared.config.window) },
            taken,
            pace: shared.pace.clone(),
        };
        let (claims_tx, claims) = mpsc::unbounded_channel();
        shared.outbox.bind_up(self.bind.clone(), offer, claims_tx).await;
        claims
    }

    fn pump(&self, peer: Box<str>) -> Pump {
        Pump {
            bind: self.bind.clone(),
            peer,
            outbox: self.shared.outbox.clone(),
            clock: self.shared.clock.clone(),
            state: self.shared.state.clone(),
            correlator: self.shared.correlator.clone(),
            counters: Counters::of(&self.shared.name),
            consent: self.shared.consent.clone(),
        }
    }

    fn set(&self, state: BindState, error: Option<String>) {
        self.shared.state.set(&self.bind, self.mode, state, error);
    }
}

/// How a bind is that is up. On trial it counts as down, so that other carriers take what waits.
const fn up(on_trial: bool) -> BindState {
    match on_trial {
        true => BindState::Connecting,
        false => BindState::Bound,
    }
}

/// Puts into doubt what the bind had claimed and nobody reported on. Until that is done no claim holds its window.
async fn abandoned(shared: &Shared, bind: &BindRef) {
    const TRIES: u32 = 10;
    for _ in 0..TRIES {
        match rescue::abandoned(&shared.outbox, bind).await {
            Ok(rows) => {
                tracing::error!(event = "claims_abandoned", bind = %bind, rows, "the link's task ended without a word");
                return;
            }
            Err(error) => tracing::error!(event = "claims_not_abandoned", bind = %bind, %error),
        }
        tokio::time::sleep(RECOVER_AGAIN_AFTER).await;
    }
}

/// The next claimed rows; never, while nothing is offered.
async fn take(claims: &mut Option<mpsc::UnboundedReceiver<Arc<Claimed>>>, claimed: &mut Vec<Arc<Claimed>>) -> usize {
    match claims {
        Some(claims) => claims.recv_many(claimed, AT_ONCE).await,
        None => std::future::pending().await,
    }
}

/// The messages that a session has in flight.
struct Session {
    shared: Arc<Shared>,
    bind: BindRef,
    /// By a key of each claim's own: the resend of a message whose first answer is overdue is another flight.
    flights: HashMap<i64, Flight>,
    next_key: i64,
    /// Whether the log has it that this carrier takes messages without an id.
    told_of_no_id: bool,
}

impl Session {
    /// The places of the window that are taken: by what waits for its answer, however late.
    fn taken(&self) -> Taken {
        let mut taken = Taken::default();
        for Flight { claimed, .. } in self.flights.values() {
            let is_overdue = claimed.progress.state == State::Uncertain;
            taken.add(match is_overdue {
                true => Taken::overdue(claimed.segments),
                false => Taken::of(claimed.class, claimed.segments),
            });
        }
        taken
    }

    async fn submit(&mut self, claimed: &mut Vec<Arc<Claimed>>, link: &Link) {
        let mut messages = Vec::with_capacity(claimed.len());
        let mut settled = Vec::new();
        for claimed in claimed.drain(..) {
            if claimed.segments > 1 && claimed.answered.len() >= usize::from(claimed.segments) {
                // Every segment was taken before; only the settlement was lost with a process.
                let taken = Outcome::Submitted {
                    carrier_message_id: None,
                };
                settled.push(self.settlement(&claimed, &taken, true));
                continue;
            }
            let flight = Flight::new(claimed);
            let key = self.next_key;
            let message = || flight.message(key, &self.bind.carrier, self.by_rcs(&flight.claimed));
            let Some(message) = caught("message", message) else {
                settled.push(self.settlement(&flight.claimed, &Outcome::Unsendable, true));
                continue;
            };
            self.next_key += 1;
            messages.push(message);
            self.flights.insert(key, flight);
        }
        self.shared.state.set_in_flight(&self.bind, self.flights.len());
        if !settled.is_empty() {
            self.shared.outbox.settle(settled, Vec::new()).await;
        }
        if let Err(unsent) = link.submits.send(messages) {
            // The link is down and says so next; nothing of these was written.
            let settles = unsent
                .0
                .iter()
                .filter_map(|message| self.flights.remove(&message.key))
                .collect::<Vec<_>>();
            let settles = settles
                .iter()
                .map(|f| self.settlement(&f.claimed, &Outcome::NotWritten, true))
                .collect();
            self.shared.outbox.settle(settles, Vec::new()).await;
        }
    }

    /// What a message has for RCS, where the carrier is an agent.
    fn by_rcs(&self, claimed: &Claimed) -> Option<ByRcs> {
        let shared = &self.shared;
        let (was, now) = (&claimed.progress, shared.clock.now());
        (shared.config.protocol == Protocol::Rbm).then(|| ByRcs {
            id: claimed.id,
            class: claimed.class,
            acknowledges: was.flags.has(Flag::Acknowledges),
            rich: claimed.rich.clone(),
            ttl: shared.policy.rcs_ttl(&claimed.route, was, now),
            until: shared.policy.rcs_until(&claimed.route, was, now),
        })
    }

    async fn settle(&mut self, reports: Vec<SubmitReport>) {
        let mut settles = Vec::with_capacity(reports.len());
        let mut segments = Vec::new();
        for report in &reports {
            match &report.result {
                SubmitResult::Accepted { carrier_message_id } => {
                    count(&self.shared.state.counts.submitted);
                    if carrier_message_id.is_none() {
                        self.tell_of_no_id();
                    }
                }
                SubmitResult::Refused { .. } => count(&self.shared.state.counts.refused),
                SubmitResult::NotWritten | SubmitResult::Overdue | SubmitResult::Lost | SubmitResult::Unsendable => {}
            }
            self.take_report(report, &mut settles, &mut segments);
        }
        self.shared.state.set_in_flight(&self.bind, self.flights.len());
        if !settles.is_empty() || !segments.is_empty() {
            self.shared.outbox.settle(settles, segments).await;
        }
    }

    /// Once in a session.
    fn tell_of_no_id(&mut self) {
        if !std::mem::replace(&mut self.told_of_no_id, true) {
            tracing::warn!(
                event = "no_carrier_id",
                bind = %self.bind,
                "the carrier takes messages without giving a message_id: receipts are matched by our reference or by the recipient, which may be wrong or fail; ask the carrier to send message_id"
            );
        }
    }

    fn take_report(&mut self, report: &SubmitReport, settles: &mut Vec<Settlement>, segments: &mut Vec<SegmentAnswer>) {
        let Some(mut flight) = self.flights.remove(&report.key) else {
            return;
        };
        segments.extend(flight.segment_answer(&self.bind.carrier, report, self.shared.clock.now()));
        match flight.report(report) {
            Landing::Aloft => {
                self.flights.insert(report.key, flight);
            }
            Landing::InDoubt => {
                let settlement = self.settlement(&flight.claimed, &Outcome::Uncertain, false);
                // A late answer settles a doubt, and says so.
                let progress = settlement.settle.progress.clone();
                flight.claimed = Arc::new(Claimed {
                    progress,
                    ..(*flight.claimed).clone()
                });
                settles.push(settlement);
                self.flights.insert(report.key, flight);
            }
            Landing::Landed(outcome) => {
                if matches!(outcome, Outcome::Throttled { .. }) {
                    metrics::counter!("araldo_carrier_throttled_total", "carrier" => self.bind.carrier.as_str().to_owned())
                        .increment(1);
                    count(&self.shared.state.counts.throttled);
                    if self.shared.carrier.pace().is_none() {
                        self.shared.pace.throttled();
                    }
                }
                settles.push(self.settlement(&flight.landed(), &outcome, true));
            }
            Landing::Silent => {}
        }
    }

    fn settlement(&self, claimed: &Arc<Claimed>, outcome: &Outcome, frees_place: bool) -> Settlement {
        let now = self.shared.clock.now();
        let settle = caught("settle", || {
            self.shared.policy.settle(claimed, outcome, now, clock::jitter())
        });
        let settle = settle.unwrap_or_else(|| Settle {
            claimed: claimed.clone(),
            progress: claimed
                .progress
                .clone()
                .ended(State::Quarantined, Some(Reason::Poison), now),
            event: None,
        });
        Settlement { settle, frees_place }
    }

    /// Rows handed over and not submitted go back as if never claimed.
    async fn give_back(&mut self, claims: &mut mpsc::UnboundedReceiver<Arc<Claimed>>) {
        let mut settles = Vec::new();
        while let Ok(claimed) = claims.try_recv() {
            settles.push(self.settlement(&claimed, &Outcome::NotWritten, false));
        }
        if !settles.is_empty() {
            self.shared.outbox.settle(settles, Vec::new()).await;
        }
    }

    /// The link is down. Whatever it did not report on by then is in doubt already, or is now.
    async fn abandon(&mut self) {
        let flights = std::mem::take(&mut self.flights);
        let is_open = |flight: &Flight| flight.claimed.progress.state == State::Claimed;
        if flights.values().any(is_open) {
            abandoned(&self.shared, &self.bind).await;
        }
        self.shared.state.set_in_flight(&self.bind, 0);
    }
}
