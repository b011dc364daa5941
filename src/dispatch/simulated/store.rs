//! Commits on their way to the store, watched: they fail by seed, and every claim is held against the bounds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::order::Order;
use super::world::{LONGEST, World};
use super::{Line, name};
use crate::domain::{BindRef, Name, State};
use crate::store::double::Commits;
use crate::store::{Applied, Batch, EnqueueResult, Rules, Seq, Store, StoreError};

pub(super) struct Watched {
    world: Arc<Mutex<World>>,
    windows: BTreeMap<Name, u32>,
    claimed: Mutex<Claims>,
    order: Mutex<Order>,
}

/// Messages that are claimed, each with its bind and its segments.
type Claims = BTreeMap<Seq, (BindRef, u32)>;

impl Watched {
    pub(super) fn new(world: Arc<Mutex<World>>, lines: &[Line]) -> Self {
        Self {
            world,
            windows: lines
                .iter()
                .map(|line| (name(line.id), u32::from(line.window)))
                .collect(),
            claimed: Mutex::default(),
            order: Mutex::default(),
        }
    }

    /// The process is gone: what it had claimed holds no window any more.
    pub(super) fn died(&self) {
        self.claimed.lock().unwrap().clear();
    }

    fn watch(&self, batch: &Batch, applied: &Applied) {
        let mut claimed = self.claimed.lock().unwrap();
        let mut world = self.world.lock().unwrap();
        let claim = |claimed: &mut Claims, seq, bind: &BindRef, segments| {
            let before = claimed.insert(seq, (bind.clone(), u32::from(segments)));
            assert!(before.is_none(), "claimed twice");
        };
        for (item, result) in batch.enqueue.iter().zip(&applied.enqueue) {
            if let EnqueueResult::Stored(seq) = result {
                let progress = item.stored_as(batch.now);
                world.note(format_args!("stored {seq} as {}", progress.state));
                if let (State::Claimed, Some(bind)) = (progress.state, &progress.bind) {
                    claim(&mut claimed, *seq, bind, item.message.segments);
                }
            }
        }
        for changed in &applied.changed {
            let (seq, from, state) = (changed.seq, changed.from, changed.progress.state);
            world.note(format_args!("{seq} {from} to {state}"));
            claimed.remove(&seq);
        }
        for (asked, lanes) in batch.claims.iter().zip(&applied.claims) {
            for row in lanes.iter().flat_map(|lane| &lane.rows) {
                world.note(format_args!("{} claims {}", asked.bind, row.seq));
                assert!(row.progress.expires_at > batch.now, "expired and claimed");
                claim(&mut claimed, row.seq, &asked.bind, row.segments);
            }
        }
        for (asked, rests) in batch.rests.iter().zip(&applied.rests) {
            for row in &rests.rows {
                world.note(format_args!("{} claims the rest of {}", asked.bind, row.seq));
                assert!(row.progress.expires_at > batch.now, "expired and claimed");
                claim(&mut claimed, row.seq, &asked.bind, row.segments);
            }
        }
        self.within_windows(batch, &claimed);
    }

    /// What a batch claims for a bind stays within its window, but that the last message of each lane goes out whole; while
    /// one goes over, nothing more is claimed.
    fn within_windows(&self, batch: &Batch, claimed: &Claims) {
        let mut over: BTreeMap<&BindRef, usize> = BTreeMap::new();
        let placed = batch.enqueue.iter().filter_map(|item| item.claim.as_ref());
        over.extend(placed.map(|(bind, _)| (bind, 0)));
        over.extend(batch.rests.iter().map(|asked| (&asked.bind, 1)));
        over.extend(batch.claims.iter().map(|asked| (&asked.bind, asked.lanes.len())));
        for (bind, lanes) in over {
            let of_bind = claimed.values().filter(|(of, _)| of == bind);
            let held: u32 = of_bind.map(|(_, segments)| segments).sum();
            let over = u32::try_from(lanes).unwrap() * (u32::from(LONGEST) - 1);
            let most = self.windows[&bind.carrier] + over;
            assert!(held <= most, "{bind} holds {held} of {most}");
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
            self.order.lock().unwrap().judge(batch);
            let fails = {
                let mut world = self.world.lock().unwrap();
                let often = world.faults.commit;
                world.fails(often)
            };
            if fails {
                return Err(StoreError::Statement("out of mood".to_owned()));
            }
            let applied = store.commit(batch, rules).await?;
            self.watch(batch, &applied);
            self.order.lock().unwrap().learn(batch, &applied);
            Ok(applied)
        }
        .boxed()
    }
}
