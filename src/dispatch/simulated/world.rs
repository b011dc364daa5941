//! What a seed decides, and what the carriers have seen.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::poison::Fall;
use super::{DAWN, Line, name};
use crate::carrier::InboundReceipt;
use crate::clock::{self, Clock};
use crate::domain::{Class, Encoding, Lane, Msisdn, NewMessage, SenderId, Shape, UnixMillis};

/// Messages are handed in within this time.
const ACCEPTING: Duration = Duration::from_mins(4);
/// By then all has ended: the last validity, the wait for its receipt, a doubt, and some.
pub(super) const HORIZON: Duration = Duration::from_mins(15);
/// Messages of a world.
const WISHES: u32 = 80;
/// Segments that the longest message has.
pub(super) const LONGEST: u8 = 3;

/// How often what goes wrong, in thousandths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    pub(super) commit: u32,
    pub(super) lost_before: u32,
    pub(super) lost_after: u32,
    pub(super) silent: u32,
    pub(super) throttled: u32,
    pub(super) refused: u32,
    pub(super) outages: u32,
    pub(super) deaths: u32,
}

impl Faults {
    /// Each seed has its own climate: some have all faults at once, some few.
    pub(super) fn by_seed(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ 0x5eed);
        let mut at_most = |most: u32| {
            if random.random_bool(0.7) {
                random.random_range(0..=most)
            } else {
                0
            }
        };
        Self {
            commit: at_most(30),
            lost_before: at_most(40),
            lost_after: at_most(40),
            silent: at_most(60),
            throttled: at_most(100),
            refused: at_most(100),
            outages: at_most(3),
            deaths: at_most(3),
        }
    }

    pub(super) const NONE: Self = Self {
        commit: 0,
        lost_before: 0,
        lost_after: 0,
        silent: 0,
        throttled: 0,
        refused: 0,
        outages: 0,
        deaths: 0,
    };
}

/// A message that the back end wants sent.
pub(super) struct Wish {
    pub(super) at: UnixMillis,
    pub(super) class: Class,
    pub(super) segments: u8,
    pub(super) receipt: bool,
    pub(super) validity: Duration,
    pub(super) not_before: Option<Duration>,
    pub(super) accepted: bool,
}

/// A carrier as the world knows it.
#[derive(Default)]
pub(super) struct Known {
    /// When it cannot be reached.
    pub(super) outages: Vec<(UnixMillis, UnixMillis)>,
    /// When each segment arrived, of the last second.
    seen: VecDeque<UnixMillis>,
    /// Receipts on their way, each with when it is due.
    pub(super) receipts: Vec<(UnixMillis, InboundReceipt)>,
    ids: u32,
}

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) faults: Faults,
    pub(super) random: StdRng,
    pub(super) wishes: Vec<Wish>,
    pub(super) carriers: BTreeMap<&'static str, Known>,
    lines: Vec<Line>,
    /// How often each segment was taken by some carrier, by recipient and number.
    pub(super) taken: BTreeMap<(String, u8), u32>,
    /// And how often it has come to the handset.
    pub(super) arrived: BTreeMap<(String, u8), u32>,
    /// In which order segments first came to a carrier.
    pub(super) order: Vec<(UnixMillis, String)>,
    /// The recipient of a message that brings something down, each time that it is sent, and what.
    pub(super) poison: Option<(String, Fall)>,
    /// How often it has done so.
    pub(super) poison_tries: usize,
    /// Called when the process falls.
    pub(super) fallen: Arc<Notify>,
    fallen_at: UnixMillis,
    trace: Sha256,
    shows: bool,
}

impl World {
    pub(super) fn new(seed: u64, lines: &[Line], faults: Faults) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut carriers: BTreeMap<&'static str, Known> = BTreeMap::new();
        for line in lines {
            let mut known = Known::default();
            for _ in 0..faults.outages {
                let begins = DAWN.after(Duration::from_millis(random.random_range(0..300_000)));
                let lasts = Duration::from_millis(random.random_range(1_000..90_000));
                known.outages.push((begins, begins.after(lasts)));
            }
            carriers.insert(line.id, known);
        }
        let wishes = (0..WISHES).map(|_| Wish::draw(&mut random)).collect();
        Self {
            clock: Clock::manual(DAWN),
            faults,
            random,
            wishes,
            carriers,
            lines: lines.to_vec(),
            taken: BTreeMap::new(),
            arrived: BTreeMap::new(),
            order: Vec::new(),
            poison: None,
            poison_tries: 0,
            fallen: Arc::default(),
            fallen_at: DAWN,
            trace: Sha256::new(),
            shows: std::env::var_os("ARALDO_SEED").is_some(),
        }
    }

    /// When the process dies, in order.
    pub(super) fn deaths(&mut self) -> Vec<Duration> {
        let deaths = 0..self.faults.deaths;
        let mut deaths: Vec<_> = deaths
            .map(|_| Duration::from_millis(self.random.random_range(1_000..400_000)))
            .collect();
        deaths.sort_unstable();
        // A life begins after the one before has ended.
        deaths.dedup_by(|later, earlier| *later < *earlier + super::AWAY * 2);
        deaths
    }

    /// Whether something goes wrong that does so this often in a thousand.
    pub(super) fn fails(&mut self, thousandths: u32) -> bool {
        thousandths > 0 && self.random.random_range(0..1_000) < thousandths
    }

    /// The next wish to hand in, and when.
    pub(super) fn wish(&self, now: UnixMillis) -> Option<(UnixMillis, usize)> {
        let open = self.wishes.iter().enumerate().filter(|(_, wish)| !wish.accepted);
        open.map(|(n, wish)| (wish.at.max(now), n)).min()
    }

    pub(super) fn message(&self, n: usize, now: UnixMillis) -> NewMessage {
        let wish = &self.wishes[n];
        NewMessage {
            id: clock::message_id(now),
            client: name("bank"),
            class: wish.class,
            to: Msisdn::parse(&recipient(n)).unwrap(),
            from: SenderId::parse("Bank").unwrap(),
            // The simulated carrier reads from it how many segments it is.
            text: wish.segments.to_string().into(),
            encoding: Encoding::Gsm7,
            shape: Shape::default(),
            rich: None,
            segments: wish.segments,
            lane: Lane {
                route: name("italy"),
                step: 0,
            },
            receipt: wish.receipt,
            reference: None,
            callback: None,
            accepted_at: now,
            not_before: wish.not_before.map(|wait| wish.at.after(wait)),
            expires_at: wish.at.after(wish.validity),
        }
    }

    pub(super) fn accepted(&mut self, n: usize) {
        self.wishes[n].accepted = true;
        self.note(format_args!("accepted {n}"));
    }

    /// A segment has come to a carrier: never more in a second than its rate and a burst, and what the end of a long
    /// message goes over.
    pub(super) fn sees(&mut self, carrier: &'static str, to: &str, number: u8) {
        let now = self.clock.now();
        self.note(format_args!("{carrier} sees {to}/{number}"));
        self.order.push((now, to.to_owned()));
        let throughput = self.lines.iter().find(|line| line.id == carrier).unwrap().throughput;
        let seen = &mut self.carriers.get_mut(carrier).unwrap().seen;
        // Times are whole milliseconds.
        while seen
            .front()
            .is_some_and(|at| now.since(*at) >= Duration::from_millis(999))
        {
            seen.pop_front();
        }
        seen.push_back(now);
        let burst = (throughput / 50).max(1);
        let most = throughput + burst + u32::from(LONGEST) - 1;
        assert!(
            throughput == 0 || seen.len() <= most as usize,
            "{carrier}: {} in a second",
            seen.len()
        );
    }

    /// A carrier has taken a segment: its id there.
    pub(super) fn takes(&mut self, carrier: &'static str, to: &str, number: u8) -> Box<str> {
        *self.taken.entry((to.to_owned(), number)).or_default() += 1;
        let known = self.carriers.get_mut(carrier).unwrap();
        known.ids += 1;
        format!("{carrier}-{}", known.ids).into()
    }

    /// It comes to the handset.
    pub(super) fn arrives(&mut self, to: &str, number: u8) {
        *self.arrived.entry((to.to_owned(), number)).or_default() += 1;
    }

    /// What this message brings down, before anything of it is written.
    pub(super) fn falls_over(&mut self, to: &str) -> Option<Fall> {
        let (_, fall) = self.poison.as_ref().filter(|(poison, _)| poison == to)?;
        let fall = *fall;
        self.poison_tries += 1;
        if fall == Fall::Process {
            self.fallen_at = self.clock.now();
            self.fallen.notify_one();
        }
        self.note(format_args!("{fall:?} falls over {to}"));
        Some(fall)
    }

    /// When the process fell last.
    pub(super) fn clock_stopped(&self) -> UnixMillis {
        self.fallen_at
    }

    pub(super) fn note(&mut self, what: impl Display) {
        let line = format!("{} {what}\n", self.clock.now().0 - DAWN.0);
        if self.shows {
            eprint!("{line}");
        }
        self.trace.update(line);
    }

    /// The hash of all that was noted.
    pub(super) fn trace(&self) -> [u8; 32] {
        self.trace.clone().finalize().into()
    }
}

impl Wish {
    /// One of many at once.
    pub(super) fn plain(class: Class) -> Self {
        Self {
            at: DAWN.after(Duration::from_secs(1)),
            class,
            segments: 1,
            receipt: false,
            validity: Duration::from_mins(5),
            not_before: None,
            accepted: false,
        }
    }

    fn draw(random: &mut StdRng) -> Self {
        let class = Class::ALL[random.random_range(0..Class::ALL.len())];
        let seconds = |seconds: u64| Duration::from_secs(seconds);
        Self {
            // Some at once, so that they wait for each other.
            at: DAWN.after(Duration::from_millis(if random.random_bool(0.5) {
                random.random_range(0..4) * 60_000
            } else {
                random.random_range(0..u64::try_from(ACCEPTING.as_millis()).unwrap())
            })),
            class,
            segments: if random.random_bool(0.2) {
                random.random_range(2..=LONGEST)
            } else {
                1
            },
            receipt: random.random_bool(0.8),
            validity: seconds(random.random_range(20..300)),
            not_before: random.random_bool(0.1).then(|| seconds(random.random_range(1..30))),
            accepted: false,
        }
    }
}

/// The recipient of the n-th wish: each has its own.
pub(super) fn recipient(n: usize) -> String {
    format!("39333{:07}", 2_000_000 + n)
}
