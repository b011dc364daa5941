//! Who may claim what next: what waits in each lane, and what each bind can take. Pure bookkeeping in memory; the
//! store stays the truth.

mod share;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use share::Shares;

use crate::domain::{BindRef, Class, Lane, Name};
use crate::store::{Backlog, LaneClaim};

/// The part of a bind's window that marketing may hold claimed: what a crash leaves claimed cannot be told from sent,
/// and marketing is never sent twice.
const MARKETING_PART: u32 = 10;

/// What each lower class with rows waiting earns of the best one's segments: a tenth of all, so a ninth of those.
const LOWER_SHARE: f64 = 0.1 / 0.9;

/// Segments given to one bind before another is looked at.
const QUANTUM: u32 = 16;

/// A carrier's pace: how many segments may leave now.
pub trait Pace: Send + Sync {
    /// Takes up to `wanted` tokens and says how many it got.
    fn take(&self, wanted: u32) -> u32;
    /// Takes `wanted` tokens, or none.
    fn take_all(&self, wanted: u32) -> bool;
    /// Segments that left without a token, since a long message goes out whole: nobody gets a token before these are
    /// made up for.
    fn owe(&self, segments: u32);
    /// How long until there is a token again.
    fn wait(&self) -> Duration;
}

/// What a bind serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The lane.
    pub lane: Lane,
    /// The carrier's weight among those of the lane's step.
    pub weight: u32,
    /// Only the urgent classes, since the lane's own carriers have not been down for long.
    pub urgent_only: bool,
}

/// A bind that is up.
pub struct Offer {
    /// What it serves.
    pub services: Vec<Service>,
    /// Segments that may be outstanding.
    pub window: u32,
    /// What of it is taken already: a bind that was drained and offers again still waits for answers.
    pub taken: Taken,
    /// Its carrier's pace.
    pub pace: Arc<dyn Pace>,
}

/// Places of a window that are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Segments of every class.
    pub segments: u32,
    /// Those of marketing.
    pub marketing: u32,
}

impl Taken {
    /// By a message.
    pub fn of(class: Class, segments: u8) -> Self {
        let segments = u32::from(segments);
        let marketing = if class == Class::Marketing { segments } else { 0 };
        Self { segments, marketing }
    }

    /// By a message whose answer is overdue. It is none of marketing's: a carrier that now and then answers nothing would
    /// end marketing for as long as its link is up.
    pub fn overdue(segments: u8) -> Self {
        let segments = u32::from(segments);
        Self { segments, marketing: 0 }
    }

    /// Adds others.
    pub fn add(&mut self, others: Self) {
        self.segments += others.segments;
        self.marketing += others.marketing;
    }
}

#[derive(Default)]
pub(super) struct Board {
    lanes: BTreeMap<Lane, LaneBoard>,
    binds: BTreeMap<BindRef, BindBoard>,
}

#[derive(Default)]
struct LaneBoard {
    /// Segments waiting, by priority.
    waiting: [u64; Class::PRIORITIES],
    /// Segments that were counted as waiting and that no claim has found: their validity is over, and they are still to
    /// be swept.
    overdue: [u64; Class::PRIORITIES],
    /// Segments given to each carrier.
    shares: Shares<Name>,
}

struct BindBoard {
    offer: Offer,
    /// Segments of the window that are not claimed. Below zero while a long message holds more than was free.
    free: i64,
    /// Segments of marketing claimed.
    marketing: u32,
    /// Segments that each lower priority has earned and not used.
    credit: [f64; Class::PRIORITIES],
    /// Segments taken from each lane: those that wait at one priority take turns.
    shares: Shares<Lane>,
}

/// What a bind is to claim.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// By bind, in the order in which the lanes are to be read.
    pub(super) claims: BTreeMap<BindRef, Vec<LaneClaim>>,
    /// How long until some carrier that has rows waiting gets a token.
    pub(super) wait: Option<Duration>,
}

impl Board {
    pub(super) fn load(&mut self, backlog: &[Backlog]) {
        for lane in self.lanes.values_mut() {
            (lane.waiting, lane.overdue) = Default::default();
        }
        for part in backlog {
            self.add(&part.lane, part.priority, part.segments);
        }
    }

    pub(super) fn bind_up(&mut self, bind: BindRef, offer: Offer) {
        let free = i64::from(offer.window) - i64::from(offer.taken.segments);
        let marketing = offer.taken.marketing;
        self.binds.insert(
            bind,
            BindBoard {
                offer,
                free,
                marketing,
                credit: Default::default(),
                shares: Shares::default(),
            },
        );
    }

    pub(super) fn bind_down(&mut self, bind: &BindRef) {
        self.binds.remove(bind);
    }

    pub(super) fn serve(&mut self, bind: &BindRef, services: Vec<Service>) {
        if let Some(bind) = self.binds.get_mut(bind) {
            bind.offer.services = services;
        }
    }

    /// Rows joined a lane.
    pub(super) fn add(&mut self, lane: &Lane, priority: u8, segments: u64) {
        self.lane(lane).waiting[usize::from(priority)] += segments;
    }

    /// Rows left a lane otherwise than by a claim.
    pub(super) fn remove(&mut self, lane: &Lane, priority: u8, segments: u64) {
        let waiting = &mut self.lane(lane).waiting[usize::from(priority)];
        *waiting = waiting.saturating_sub(segments);
    }

    /// Rows whose validity was over left a lane. Those that the lane has turned out to be empty of are counted no more.
    pub(super) fn expired(&mut self, lane: &Lane, priority: u8, segments: u64) {
        let overdue = &mut self.lane(lane).overdue[usize::from(priority)];
        let known = segments.min(*overdue);
        *overdue -= known;
        self.remove(lane, priority, segments - known);
    }

    /// The lane turned out to be empty of rows that may be claimed.
    pub(super) fn emptied(&mut self, lane: &Lane, priority: u8) {
        let (lane, priority) = (self.lane(lane), usize::from(priority));
        lane.overdue[priority] += std::mem::take(&mut lane.waiting[priority]);
    }

    /// A claimed row was settled: its segments are free again.
    pub(super) fn settled(&mut self, bind: &BindRef, class: Class, segments: u8) {
        self.free(bind, Taken::of(class, segments));
    }

    /// Places of a bind's window are free again.
    pub(super) fn free(&mut self, bind: &BindRef, places: Taken) {
        if let Some(bind) = self.binds.get_mut(bind) {
            bind.free += i64::from(places.segments);
            bind.marketing = bind.marketing.saturating_sub(places.marketing);
        }
    }

    /// Places of a bind's window are taken.
    pub(super) fn take(&mut self, bind: &BindRef, places: Taken) {
        if let Some(bind) = self.binds.get_mut(bind) {
            bind.free -= i64::from(places.segments);
            bind.marketing += places.marketing;
        }
    }

    /// The last message of a claim took more segments than were asked for, as it goes out whole: the pace, the lane and
    /// the class are charged for them all the same.
    pub(super) fn overran(&mut self, bind: &BindRef, asked: &LaneClaim, segments: u32) {
        let Some(board) = self.binds.get_mut(bind).filter(|_| segments > 0) else {
            return;
        };
        board.offer.pace.owe(segments);
        // What went over is earned first before the class has its turn again.
        let credit = &mut board.credit[usize::from(asked.priority)];
        if *credit > 0.0 {
            *credit -= f64::from(segments);
        }
        let service = board.offer.services.iter().find(|service| service.lane == asked.lane);
        let weight = service.map_or(1, |service| service.weight);
        self.give(bind, &asked.lane, segments, weight);
    }

    /// Rows were claimed by a bind.
    pub(super) fn claimed(&mut self, bind: &BindRef, class: Class, segments: u8) {
        self.take(bind, Taken::of(class, segments));
    }

    /// The bind that may take a new message at once: nothing waits in its lane, and the bind has window and tokens.
    pub(super) fn place(&mut self, lane: &Lane, class: Class, segments: u8) -> Option<BindRef> {
        let board = self.lanes.get(lane);
        if board.is_some_and(|lane| lane.waiting.iter().any(|waiting| *waiting > 0)) {
            return None;
        }
        let given = |carrier: &Name| board.map_or(0.0, |board| board.shares.of(carrier));
        let wanted = u32::from(segments);
        let (bind, weight) = self
            .binds
            .iter()
            .filter(|(_, board)| board.room_for(class) >= wanted)
            .filter_map(|(bind, board)| Some((bind, board.free, board.service(lane, class)?.weight)))
            .min_by(|a, b| given(&a.0.carrier).total_cmp(&given(&b.0.carrier)).then(b.1.cmp(&a.1)))
            .map(|(bind, _, weight)| (bind, weight))?;
        let bind = bind.clone();
        if !self.binds.get(&bind)?.offer.pace.take_all(wanted) {
            return None;
        }
        self.give(&bind, lane, wanted, weight);
        self.claimed(&bind, class, segments);
        Some(bind)
    }

    /// The bind of a carrier that may take the rest of a message that the carrier has a part of, though it goes over
    /// the window's end; or how long until there is a token, where it is that which is wanting.
    pub(super) fn place_rest(
        &mut self,
        carrier: &Name,
        lane: &Lane,
        class: Class,
        segments: u8,
    ) -> Result<BindRef, Option<Duration>> {
        let wanted = u32::from(segments);
        let open = self
            .binds
            .iter()
            .filter(|(bind, board)| bind.carrier == *carrier && board.room_for(class) > 0);
        let (bind, board) = open.max_by_key(|(_, board)| board.free).ok_or(None)?;
        let (bind, pace) = (bind.clone(), board.offer.pace.clone());
        let weight = board.service(lane, class).map_or(1, |service| service.weight);
        let got = pace.take(wanted);
        if got == 0 {
            return Err(Some(pace.wait()));
        }
        pace.owe(wanted - got);
        self.give(&bind, lane, wanted, weight);
        self.claimed(&bind, class, segments);
        Ok(bind)
    }

    /// Whether a bind of the carrier takes messages.
    pub(super) fn is_up(&self, carrier: &Name) -> bool {
        self.binds.keys().any(|bind| bind.carrier == *carrier)
    }

    /// Shares out what waits among the binds that can take it.
    pub(super) fn plan(&mut self) -> Plan {
        let mut plan = Plan::default();
        let mut waiting: BTreeMap<Lane, [u64; Class::PRIORITIES]> = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.waiting.iter().any(|w| *w > 0))
            .map(|(l, b)| (l.clone(), b.waiting))
            .collect();
        if waiting.is_empty() {
            return plan;
        }
        let mut room: BTreeMap<BindRef, Room> = self
            .binds
            .iter()
            .filter(|(_, board)| board.free > 0)
            .map(|(bind, board)| {
                (
                    bind.clone(),
                    Room {
                        all: board.room(),
                        marketing: board.marketing_room(),
                    },
                )
            })
            .collect();
        while let Some(Turn {
            bind,
            priority,
            lane,
            weight,
            most,
        }) = self.next(&waiting, &room)
        {
            let left = room.get_mut(&bind).expect("next names a bind that has room");
            let rows = waiting.get_mut(&lane).expect("next names a lane that has rows");
            let there = &mut rows[usize::from(priority)];
            let wanted = left
                .of(priority)
                .min(most)
                .min(u32::try_from(*there).unwrap_or(u32::MAX));
            let got = self.binds.get(&bind).map_or(0, |board| board.offer.pace.take(wanted));
            if got < wanted {
                let wait = self.binds.get(&bind).map(|board| board.offer.pace.wait());
                plan.wait = plan.wait.into_iter().chain(wait).min();
                left.all = 0;
            }
            if got == 0 {
                continue;
            }
            left.take(priority, got);
            *there -= u64::from(got);
            self.give(&bind, &lane, got, weight);
            self.earn(&bind, priority, got, &waiting);
            let claims = plan.claims.entry(bind).or_default();
            match claims
                .iter_mut()
                .find(|claim| claim.lane == lane && claim.priority == priority)
            {
                Some(claim) => claim.segments += got,
                None => claims.push(LaneClaim {
                    lane,
                    priority,
                    segments: got,
                }),
            }
        }
        plan
    }

    /// The bind that goes next, and what it takes: the bind that was given least of its lane; of its lanes the best
    /// priority, unless a lower one has earned its turn.
    fn next(&self, waiting: &BTreeMap<Lane, [u64; Class::PRIORITIES]>, room: &BTreeMap<BindRef, Room>) -> Option<Turn> {
        let turns = room.iter().filter_map(|(bind, left)| {
            let (priority, service, most) = self.binds.get(bind)?.choose(waiting, left)?;
            let given = self.lanes.get(&service.lane)?.shares.of(&bind.carrier);
            let (lane, weight) = (service.lane.clone(), service.weight);
            Some((
                given,
                left.all,
                Turn {
                    bind: bind.clone(),
                    priority,
                    lane,
                    weight,
                    most,
                },
            ))
        });
        turns
            .min_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
            .map(|(_, _, turn)| turn)
    }

    /// The best class that waits pays a tenth of what it gets to each lower one that waits too; a lower one spends
    /// what it has earned.
    fn earn(&mut self, bind: &BindRef, priority: u8, got: u32, waiting: &BTreeMap<Lane, [u64; Class::PRIORITIES]>) {
        let Some(board) = self.binds.get_mut(bind) else { return };
        let waits = |p: usize| {
            board
                .offer
                .services
                .iter()
                .any(|service| waiting.get(&service.lane).is_some_and(|rows| rows[p] > 0))
        };
        let waits: [bool; Class::PRIORITIES] = std::array::from_fn(waits);
        let best = waits.iter().position(|waits| *waits).unwrap_or(usize::from(priority));
        let priority = usize::from(priority);
        if priority > best {
            board.credit[priority] = (board.credit[priority] - f64::from(got)).max(0.0);
            return;
        }
        for (lower, credit) in board.credit.iter_mut().enumerate().skip(priority + 1) {
            *credit = if waits[lower] {
                *credit + f64::from(got) * LOWER_SHARE
            } else {
                0.0
            };
        }
    }

    /// Notes what a bind was given of a lane.
    fn give(&mut self, bind: &BindRef, lane: &Lane, segments: u32, weight: u32) {
        self.lane(lane).shares.give(&bind.carrier, segments, weight);
        if let Some(board) = self.binds.get_mut(bind) {
            board.shares.give(lane, segments, 1);
        }
    }

    fn lane(&mut self, lane: &Lane) -> &mut LaneBoard {
        if !self.lanes.contains_key(lane) {
            self.lanes.insert(lane.clone(), LaneBoard::default());
        }
        self.lanes.get_mut(lane).expect("just put there")
    }
}

/// One bind's next bite.
struct Turn {
    bind: BindRef,
    priority: u8,
    lane: Lane,
    weight: u32,
    /// Segments at the most.
    most: u32,
}

/// What a bind can still take in one plan.
struct Room {
    all: u32,
    marketing: u32,
}

impl Room {
    fn of(&self, priority: u8) -> u32 {
        if priority == Class::Marketing.priority() {
            self.all.min(self.marketing)
        } else {
            self.all
        }
    }

    fn take(&mut self, priority: u8, segments: u32) {
        self.all = self.all.saturating_sub(segments);
        if priority == Class::Marketing.priority() {
            self.marketing = self.marketing.saturating_sub(segments);
        }
    }
}

impl BindBoard {
    fn room(&self) -> u32 {
        u32::try_from(self.free).unwrap_or(0)
    }

    fn marketing_room(&self) -> u32 {
        (self.offer.window / MARKETING_PART)
            .max(1)
            .saturating_sub(self.marketing)
    }

    fn room_for(&self, class: Class) -> u32 {
        if class == Class::Marketing {
            self.room().min(self.marketing_room())
        } else {
            self.room()
        }
    }

    fn service(&self, lane: &Lane, class: Class) -> Option<&Service> {
        self.offer
            .services
            .iter()
            .find(|service| &service.lane == lane && (class.is_urgent() || !service.urgent_only))
    }

    /// The priority and lane to take from, and how much at the most. Lanes that wait at one priority take turns.
    fn choose(&self, waiting: &BTreeMap<Lane, [u64; Class::PRIORITIES]>, left: &Room) -> Option<(u8, &Service, u32)> {
        let lane_with = |priority: u8| {
            let urgent = priority == Class::Alert.priority();
            let waits = |service: &&Service| {
                (urgent || !service.urgent_only)
                    && waiting
                        .get(&service.lane)
                        .is_some_and(|rows| rows[usize::from(priority)] > 0)
            };
            let given = |service: &&Service| self.shares.of(&service.lane);
            let waiting = self.offer.services.iter().filter(waits);
            waiting.min_by(|a, b| given(a).total_cmp(&given(b)))
        };
        let mut choices = (0..)
            .take(Class::PRIORITIES)
            .filter(|priority| left.of(*priority) > 0)
            .filter_map(|priority| Some((priority, lane_with(priority)?)));
        let (best, service) = choices.next()?;
        let earned = |priority: u8| self.credit[usize::from(priority)];
        match choices.find(|(priority, _)| earned(*priority) >= 1.0) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small number above one"
            )]
            Some((lower, service)) => Some((lower, service, earned(lower).min(1e6) as u32)),
            None => Some((best, service, QUANTUM)),
        }
    }
}

#[cfg(test)]
mod tests;
