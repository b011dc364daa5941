//! Commits on their way to the store, watched: they fail by seed, and every claim is held against the bounds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::world::{LONGEST, World};
use super::{Line, name};
use crate::domain::{BindRef, Class, Lane, Name, State, UnixMillis};
use crate::store::double::Commits;
use crate::store::{Applied, Batch, Changed, Enqueue, EnqueueResult, LaneClaim, Rules, Seq, Store, StoreError};

pub(super) struct Watched {
    world: Arc<Mutex<World>>,
    windows: BTreeMap<Name, u32>,
    seen: Mutex<Seen>,
}

/// What the commits have shown so far.
#[derive(Default)]
struct Seen {
    /// Rows that wait, by lane and priority, each with the end of its validity.
    waiting: BTreeMap<(Lane, u8), BTreeMap<Seq, UnixMillis>>,
    claimed: BTreeMap<Seq, (BindRef, u32)>,
    /// By bind and priority: segments claimed while better ones waited, and what these had before.
    lower: BTreeMap<(BindRef, u8), f64>,
    better: BTreeMap<(BindRef, u8), f64>,
}

impl Watched {
    pub(super) fn new(world: Arc<Mutex<World>>, lines: &[Line]) -> Self {
        Self {
            world,
            windows: lines
                .iter()
                .map(|line| (name(line.id), u32::from(line.window)))
                .collect(),
            seen: Mutex::default(),
        }
    }

    /// The process is gone: what it had claimed holds no window any more.
    pub(super) fn died(&self) {
        self.seen.lock().unwrap().claimed.clear();
    }

    fn watch(&self, batch: &Batch, applied: &Applied) {
        let mut seen = self.seen.lock().unwrap();
        let mut world = self.world.lock().unwrap();
        for (item, result) in batch.enqueue.iter().zip(&applied.enqueue) {
            if let EnqueueResult::Stored(seq) = result {
                world.note(format_args!("stored {seq} as {}", item.stored_as(batch.now).state));
                seen.stored(*seq, item, batch.now);
            }
        }
        for changed in &applied.changed {
            if changed.from == State::Queued {
                seen.left(changed.seq);
            }
            seen.claimed.remove(&changed.seq);
        }
        // The order of the lanes is that in which each came first: what is earned by the last counts for the first.
        seen.earned(batch);
        for (claim, lanes) in batch.claims.iter().zip(&applied.claims) {
            for (asked, got) in claim.lanes.iter().zip(lanes) {
                for row in &got.rows {
                    world.note(format_args!("{} claims {}", claim.bind, row.seq));
                    assert!(row.progress.expires_at > batch.now, "expired and claimed");
                    seen.left(row.seq);
                    seen.claim(row.seq, &claim.bind, row.segments);
                }
                let segments: u32 = got.rows.iter().map(|row| u32::from(row.segments)).sum();
                seen.in_order(&claim.bind, asked, segments, batch.now);
            }
        }
        // Only now: what this commit has queued no claim of it could know of.
        for changed in &applied.changed {
            world.note(format_args!(
                "{} {} to {}",
                changed.seq, changed.from, changed.progress.state
            ));
            if changed.progress.state == State::Queued {
                seen.joined(changed);
            }
        }
        self.within_windows(&seen);
    }

    /// The last message of a claim goes out whole.
    fn within_windows(&self, seen: &Seen) {
        let mut held: BTreeMap<&BindRef, u32> = BTreeMap::new();
        for (bind, segments) in seen.claimed.values() {
            *held.entry(bind).or_default() += segments;
        }
        for (bind, segments) in held {
            let most = self.windows[&bind.carrier] + u32::from(LONGEST) - 1;
            assert!(segments <= most, "{bind} holds {segments} of {most}");
        }
    }
}

impl Seen {
    fn stored(&mut self, seq: Seq, item: &Enqueue, now: UnixMillis) {
        let (message, progress) = (&item.message, item.stored_as(now));
        match (progress.state, &progress.bind) {
            (State::Claimed, Some(bind)) => self.claim(seq, bind, message.segments),
            (State::Queued, _) => {
                let place = (message.lane.clone(), message.class.priority());
                self.waiting.entry(place).or_default().insert(seq, progress.expires_at);
            }
            _ => {}
        }
    }

    fn joined(&mut self, changed: &Changed) {
        let lane = Lane {
            route: changed.route.clone(),
            step: changed.progress.step,
        };
        let rows = self.waiting.entry((lane, changed.class.priority())).or_default();
        rows.insert(changed.seq, changed.progress.expires_at);
    }

    fn left(&mut self, seq: Seq) {
        for rows in self.waiting.values_mut() {
            rows.remove(&seq);
        }
    }

    fn claim(&mut self, seq: Seq, bind: &BindRef, segments: u8) {
        let before = self.claimed.insert(seq, (bind.clone(), u32::from(segments)));
        assert!(before.is_none(), "claimed twice");
    }

    /// What is asked for earns the share of the lower classes, also where the commit fails.
    fn earned(&mut self, batch: &Batch) {
        for (claim, asked) in batch
            .claims
            .iter()
            .flat_map(|claim| claim.lanes.iter().map(move |lane| (claim, lane)))
        {
            self.counts(&claim.bind, asked.priority, f64::from(asked.segments));
        }
    }

    fn counts(&mut self, bind: &BindRef, priority: u8, segments: f64) {
        for lower in priority + 1..u8::try_from(Class::PRIORITIES).unwrap() {
            *self.better.entry((bind.clone(), lower)).or_default() += segments;
        }
    }

    /// A lower class takes a tenth at most while a better one waits in its lane: what it has earned, one more that goes
    /// over, and the end of a long message.
    fn in_order(&mut self, bind: &BindRef, asked: &LaneClaim, segments: u32, now: UnixMillis) {
        self.counts(bind, asked.priority, f64::from(segments.saturating_sub(asked.segments)));
        let (lane, priority, segments) = (&asked.lane, asked.priority, f64::from(segments));
        let waits = |better: u8| {
            let rows = self.waiting.get(&(lane.clone(), better));
            rows.is_some_and(|rows| rows.values().any(|expires_at| *expires_at > now))
        };
        if (0..priority).any(waits) {
            let place = (bind.clone(), priority);
            let lower = self.lower.entry(place.clone()).or_default();
            // The end of a long message is not held against it: what it owes lapses with what it has earned.
            *lower += segments.min(f64::from(asked.segments));
            let earned = self.better.get(&place).copied().unwrap_or_default() / 9.0;
            let most = earned + 1.0 + f64::from(LONGEST);
            assert!(
                *lower <= most,
                "{bind}: {lower} of priority {priority} before better ones, {most} earned"
            );
        }
    }
}

impl Commits for Watched {
    fn commit<'a>(
        &'a self,
        store: &'a dyn Store,
        batch: &'a Batch,
        rules: &'a dyn Rules,
    ) -> BoxFuture<'a, Result<Applied, StoreError>> {
        async move {
            let fails = {
                let mut world = self.world.lock().unwrap();
                let often = world.faults.commit;
                world.fails(often)
            };
            if fails {
                self.seen.lock().unwrap().earned(batch);
                return Err(StoreError::Statement("out of mood".to_owned()));
            }
            let applied = store.commit(batch, rules).await?;
            self.watch(batch, &applied);
            Ok(applied)
        }
        .boxed()
    }
}
