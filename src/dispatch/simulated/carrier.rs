//! A carrier in memory, behind the trait of all carriers: its links do what the seed says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use araldo_sms::ReceiptState;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::RngExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::poison::Fall;
use super::world::World;
use super::{Line, RESPONSE_TIMEOUT};
use crate::carrier::{
    AnswerSlot, Carrier, DownReason, Inbound, InboundReceipt, Link, LinkMode, LinkReport, Message, OpenError,
    RefusalAction, SubmitReport, SubmitResult, Verdict,
};
use crate::domain::{BindRef, Reason, UnixMillis};

pub(super) struct Simulated {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) line: Line,
}

impl Carrier for Simulated {
    fn open(&self, _: BindRef, _: LinkMode) -> BoxFuture<'_, Result<Link, OpenError>> {
        async {
            let ends = {
                let world = self.world.lock().unwrap();
                let now = world.clock.now();
                let outages = &world.carriers[self.line.id].outages;
                if outages.iter().any(|(from, to)| (*from..*to).contains(&now)) {
                    return Err(OpenError::Lost("out".to_owned()));
                }
                outages.iter().map(|(from, _)| *from).filter(|from| *from > now).min()
            };
            let (submits, submits_rx) = mpsc::unbounded_channel();
            let (reports, reports_rx) = mpsc::unbounded_channel();
            let (inbound, inbound_rx) = mpsc::channel(64);
            let (answers, answered) = mpsc::unbounded_channel();
            let stop = CancellationToken::new();
            let far = Far {
                world: self.world.clone(),
                line: self.line,
                ends,
                outstanding: BTreeMap::new(),
                waiting: VecDeque::new(),
                agenda: BTreeMap::new(),
                next: 0,
                reports,
                inbound,
                answers,
                brought: BTreeMap::new(),
            };
            tokio::spawn(far.run(submits_rx, answered, stop.clone()));
            Ok(Link {
                submits,
                reports: reports_rx,
                inbound: inbound_rx,
                peer: "127.0.0.1:2775".into(),
                stop,
                on_trial: false,
            })
        }
        .boxed()
    }
}

/// A segment on its way.
#[derive(Clone)]
struct Segment {
    key: i64,
    number: u8,
    total: u8,
    to: Box<str>,
    from: Box<str>,
    receipt: bool,
    reference: u16,
}

/// What the far end does next.
enum Turn {
    Answer(u64, SubmitResult),
    /// We no longer wait for this answer.
    Overdue(u64),
    /// The link breaks.
    Breaks,
}

/// The far end of a link.
struct Far {
    world: Arc<Mutex<World>>,
    line: Line,
    /// When the next outage begins.
    ends: Option<UnixMillis>,
    outstanding: BTreeMap<u64, Segment>,
    waiting: VecDeque<Segment>,
    /// By time, then by age.
    agenda: BTreeMap<(UnixMillis, u64), Turn>,
    next: u64,
    reports: mpsc::UnboundedSender<LinkReport>,
    inbound: mpsc::Sender<Inbound>,
    answers: mpsc::UnboundedSender<(u64, Verdict)>,
    /// Receipts that were brought and not answered.
    brought: BTreeMap<u64, InboundReceipt>,
}

impl Far {
    async fn run(
        mut self,
        mut submits: mpsc::UnboundedReceiver<Vec<Message>>,
        mut answered: mpsc::UnboundedReceiver<(u64, Verdict)>,
        stop: CancellationToken,
    ) {
        loop {
            let now = self.world.lock().unwrap().clock.now();
            if self.ends.is_some_and(|ends| ends <= now) {
                break;
            }
            self.bring_receipts(now);
            if self.take_turns(now) {
                break;
            }
            while self.outstanding.len() < usize::from(self.line.window) {
                let Some(segment) = self.waiting.pop_front() else { break };
                let falls = self.world.lock().unwrap().falls_over(&segment.to);
                match falls {
                    // Its task is gone, and says nothing more.
                    Some(Fall::Link) => return,
                    Some(Fall::Process) => return std::future::pending().await,
                    None => {}
                }
                self.take(segment, now);
            }
            let wake = self.wake(now);
            tokio::select! {
                biased;
                Some((ticket, verdict)) = answered.recv() => self.was_answered(ticket, verdict, now),
                messages = submits.recv() => match messages {
                    Some(messages) => messages.iter().for_each(|message| self.cut(message)),
                    None => return,
                },
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wake) => {}
            }
        }
        // What was written is in doubt, the rest is not.
        let lost = std::mem::take(&mut self.outstanding).into_values();
        let unwritten = std::mem::take(&mut self.waiting);
        let mut reports: Vec<_> = lost.map(|segment| report(&segment, SubmitResult::Lost)).collect();
        reports.extend(
            unwritten
                .iter()
                .map(|segment| report(segment, SubmitResult::NotWritten)),
        );
        submits.close();
        while let Ok(messages) = submits.try_recv() {
            let whole = messages.iter().map(|message| SubmitReport {
                key: message.key,
                number: 0,
                total: 0,
                result: SubmitResult::NotWritten,
            });
            reports.extend(whole);
        }
        let mut world = self.world.lock().unwrap();
        world.note(format_args!("{} link down, {} reports", self.line.id, reports.len()));
        let later = world.clock.now().after(Duration::from_secs(5));
        let again = self.brought.into_values().map(|receipt| (later, receipt));
        world.carriers.get_mut(self.line.id).unwrap().receipts.extend(again);
        self.reports.send(LinkReport::Submits(reports)).ok();
        self.reports
            .send(LinkReport::Down(DownReason::Lost("broken".to_owned())))
            .ok();
    }

    /// Until something is due; at most a second, for receipts that others leave behind.
    fn wake(&self, now: UnixMillis) -> Duration {
        let due = self.agenda.keys().next().map(|(at, _)| *at);
        let next = due.into_iter().chain(self.ends).min();
        next.map_or(Duration::from_secs(1), |at| at.since(now))
            .clamp(Duration::from_millis(1), Duration::from_secs(1))
    }

    /// Cuts a message into the segments that this carrier does not have.
    fn cut(&mut self, message: &Message) {
        let total: u8 = message.text.parse().unwrap();
        let segments = (1..=total).filter(|number| !message.skip.contains(number));
        self.waiting.extend(segments.map(|number| Segment {
            key: message.key,
            number,
            total,
            to: message.to.clone(),
            from: message.from.to_string().into(),
            receipt: message.receipt,
            reference: message.reference,
        }));
    }

    /// A segment arrives: what becomes of it is drawn.
    fn take(&mut self, segment: Segment, now: UnixMillis) {
        let id = self.next;
        self.next += 1;
        let world = self.world.clone();
        let mut world = world.lock().unwrap();
        let (faults, carrier) = (world.faults, self.line.id);
        world.sees(carrier, &segment.to, segment.number);
        let answers = now.after(Duration::from_millis(world.random.random_range(2..200)));
        let overdue = now.after(RESPONSE_TIMEOUT);
        if world.fails(faults.lost_before) {
            self.plan(answers, Turn::Breaks);
        } else if world.fails(faults.lost_after) {
            self.accept(&mut world, &segment, now);
            self.plan(answers, Turn::Breaks);
        } else if world.fails(faults.silent) {
            self.plan(overdue, Turn::Overdue(id));
            let late = overdue.after(Duration::from_secs(world.random.random_range(1..60)));
            if world.random.random_bool(0.5) {
                let accepted = self.accept(&mut world, &segment, now);
                self.plan(late, Turn::Answer(id, accepted));
            } else {
                self.plan(late, Turn::Breaks);
            }
        } else if world.fails(faults.throttled) {
            self.plan(answers, Turn::Answer(id, refused(0x58, RefusalAction::Throttle)));
        } else if world.fails(faults.refused) {
            let action = match world.random.random_range(0..3) {
                0 => RefusalAction::Retry,
                1 => RefusalAction::NextStep,
                _ => RefusalAction::Final(Reason::InvalidDestination),
            };
            self.plan(answers, Turn::Answer(id, refused(0x45, action)));
        } else {
            let accepted = self.accept(&mut world, &segment, now);
            self.plan(answers, Turn::Answer(id, accepted));
        }
        drop(world);
        self.outstanding.insert(id, segment);
    }

    /// The carrier takes it, and a receipt may follow: soon enough to overtake the answer, later, or never.
    fn accept(&self, world: &mut World, segment: &Segment, now: UnixMillis) -> SubmitResult {
        let id = world.takes(self.line.id, &segment.to, segment.number);
        // Of what is delivered the receipt may be missing; of the rest it comes, or nobody could tell.
        let delivered = !segment.receipt || world.random.random_bool(0.85);
        if delivered {
            world.arrives(&segment.to, segment.number);
        }
        if segment.receipt && (!delivered || world.random.random_bool(0.9)) {
            let due = now.after(Duration::from_millis(world.random.random_range(1..30_000)));
            let state = if delivered {
                ReceiptState::Delivered
            } else {
                ReceiptState::Undeliverable
            };
            let receipt = InboundReceipt {
                carrier_message_id: id.clone(),
                source: segment.to.clone(),
                destination: segment.from.clone(),
                state: Some(state),
                error: None,
                reference: world.random.random_bool(0.5).then_some(segment.reference),
                done_at: None,
            };
            world
                .carriers
                .get_mut(self.line.id)
                .unwrap()
                .receipts
                .push((due, receipt));
        }
        SubmitResult::Accepted {
            carrier_message_id: Some(id),
        }
    }

    fn plan(&mut self, at: UnixMillis, turn: Turn) {
        self.agenda.insert((at, self.next), turn);
        self.next += 1;
    }

    /// Does what is due; says whether the link breaks.
    fn take_turns(&mut self, now: UnixMillis) -> bool {
        let mut reports = Vec::new();
        let mut breaks = false;
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > now {
                break;
            }
            match entry.remove() {
                Turn::Answer(id, result) => {
                    let segment = self.outstanding.remove(&id);
                    reports.extend(segment.map(|segment| report(&segment, result)));
                }
                Turn::Overdue(id) => {
                    let segment = self.outstanding.get(&id);
                    reports.extend(segment.map(|segment| report(segment, SubmitResult::Overdue)));
                }
                Turn::Breaks => {
                    breaks = true;
                    break;
                }
            }
        }
        if !reports.is_empty() {
            self.reports.send(LinkReport::Submits(reports)).ok();
        }
        breaks
    }

    fn bring_receipts(&mut self, now: UnixMillis) {
        let mut world = self.world.lock().unwrap();
        let known = world.carriers.get_mut(self.line.id).unwrap();
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut known.receipts)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        known.receipts = later;
        for (_, receipt) in due {
            let ticket = self.next;
            self.next += 1;
            let slot = AnswerSlot::new(self.answers.clone(), ticket);
            // The way inward is full: its slot, dropped, says so.
            self.inbound.try_send(Inbound::Receipt(receipt.clone(), slot)).ok();
            self.brought.insert(ticket, receipt);
        }
    }

    fn was_answered(&mut self, ticket: u64, verdict: Verdict, now: UnixMillis) {
        let Some(receipt) = self.brought.remove(&ticket) else {
            return;
        };
        if verdict == Verdict::Busy {
            let mut world = self.world.lock().unwrap();
            let again = (now.after(Duration::from_secs(5)), receipt);
            world.carriers.get_mut(self.line.id).unwrap().receipts.push(again);
        }
    }
}

fn refused(status: u32, action: RefusalAction) -> SubmitResult {
    SubmitResult::Refused { status, action }
}

fn report(segment: &Segment, result: SubmitResult) -> SubmitReport {
    SubmitReport {
        key: segment.key,
        number: segment.number,
        total: segment.total,
        result,
    }
}
