//! In which order classes leave. Of a lane nothing of a lower class is asked for while more of a better one waits there
//! than the same batch asks for, but for the tenth that the lower one has earned on its bind; and nothing new goes past
//! what waits.
//!
//! What waits is what the commits before have left queued: what becomes ready with a batch no claim of it knows of. What
//! is kept for the carrier that has a part of it is in no lane.

use std::collections::BTreeMap;

use crate::domain::{BindRef, Class, Lane, State, UnixMillis};
use crate::store::{Applied, Batch, Changed, EnqueueResult, Seq};

/// A lane and a priority.
type Queue = (Lane, u8);

#[derive(Default)]
pub(super) struct Order {
    /// Rows that wait, each with its segments and the end of its validity.
    waiting: BTreeMap<Queue, BTreeMap<Seq, (u8, UnixMillis)>>,
    /// By bind and priority: segments asked for while better ones waited.
    early: BTreeMap<(BindRef, u8), f64>,
    /// And those asked for of better priorities.
    better: BTreeMap<(BindRef, u8), f64>,
}

impl Order {
    /// Judges what a batch asks for, before it is committed or fails.
    pub(super) fn judge(&mut self, batch: &Batch) {
        let placed = batch.enqueue.iter().filter(|item| item.claim.is_some());
        for item in placed {
            let waits = (0..)
                .take(Class::PRIORITIES)
                .map(|priority| self.segments(batch, &item.message.lane, priority));
            assert_eq!(waits.sum::<u32>(), 0, "{:?} goes past what waits", item.message.to);
        }
        let mut asked: BTreeMap<Queue, u32> = BTreeMap::new();
        for lane in batch.claims.iter().flat_map(|claim| &claim.lanes) {
            *asked.entry((lane.lane.clone(), lane.priority)).or_default() += lane.segments;
        }
        let mut early = Vec::new();
        for (claim, lane) in batch
            .claims
            .iter()
            .flat_map(|claim| claim.lanes.iter().map(move |lane| (claim, lane)))
        {
            for lower in lane.priority + 1..u8::try_from(Class::PRIORITIES).unwrap() {
                *self.better.entry((claim.bind.clone(), lower)).or_default() += f64::from(lane.segments);
            }
            let asked = |priority| asked.get(&(lane.lane.clone(), priority)).copied().unwrap_or_default();
            if (0..lane.priority).any(|better| asked(better) < self.segments(batch, &lane.lane, better)) {
                early.push((claim.bind.clone(), lane.priority, lane.segments));
            }
        }
        for (bind, priority, segments) in early {
            let place = (bind, priority);
            let early = self.early.entry(place.clone()).or_default();
            *early += f64::from(segments);
            // A tenth of all is a ninth of the better ones.
            let earned = self.better.get(&place).copied().unwrap_or_default() / 9.0;
            assert!(
                *early <= earned + 1.0,
                "{}: {early} of priority {priority} before better ones, {earned} earned",
                place.0
            );
        }
    }

    /// Notes what the batch has left waiting.
    pub(super) fn learn(&mut self, batch: &Batch, applied: &Applied) {
        for (item, result) in batch.enqueue.iter().zip(&applied.enqueue) {
            let progress = item.stored_as(batch.now);
            if let (EnqueueResult::Stored(seq), State::Queued) = (result, progress.state) {
                let message = &item.message;
                let queue = (message.lane.clone(), message.class.priority());
                self.joins(queue, *seq, message.segments, progress.expires_at);
            }
        }
        for changed in &applied.changed {
            self.leaves(changed.seq);
            if changed.progress.state == State::Queued {
                self.joins(
                    queue_of(changed),
                    changed.seq,
                    changed.segments,
                    changed.progress.expires_at,
                );
            }
        }
        let lanes = applied.claims.iter().flatten().chain(&applied.rests);
        for row in lanes.flat_map(|lane| &lane.rows) {
            self.leaves(row.seq);
        }
    }

    fn joins(&mut self, queue: Queue, seq: Seq, segments: u8, expires_at: UnixMillis) {
        self.waiting
            .entry(queue)
            .or_default()
            .insert(seq, (segments, expires_at));
    }

    fn leaves(&mut self, seq: Seq) {
        for rows in self.waiting.values_mut() {
            rows.remove(&seq);
        }
    }

    /// Segments that wait and may be claimed.
    fn segments(&self, batch: &Batch, lane: &Lane, priority: u8) -> u32 {
        let rows = self.waiting.get(&(lane.clone(), priority)).into_iter().flatten();
        let open = rows.filter(|(seq, (_, expires_at))| *expires_at > batch.now && !batch.kept.contains(seq));
        open.map(|(_, (segments, _))| u32::from(*segments)).sum()
    }
}

fn queue_of(changed: &Changed) -> Queue {
    let lane = Lane {
        route: changed.route.clone(),
        step: changed.progress.step,
    };
    (lane, changed.class.priority())
}
