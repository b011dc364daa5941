//! Commits on their way to the store, watched: they fail by seed, and every claim is held against the bounds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::world::{LONGEST, World};
use super::{Line, name};
use crate::domain::{BindRef, Name, State};
use crate::store::double::Commits;
use crate::store::{Applied, Batch, EnqueueResult, Rules, Seq, Store, StoreError};

pub(super) struct Watched {
    world: Arc<Mutex<World>>,
    windows: BTreeMap<Name, u32>,
    claimed: Mutex<Claims>,
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
        self.within_windows(&claimed);
    }

    /// The last message of a claim goes out whole.
    fn within_windows(&self, claimed: &Claims) {
        let mut held: BTreeMap<&BindRef, u32> = BTreeMap::new();
        for (bind, segments) in claimed.values() {
            *held.entry(bind).or_default() += segments;
        }
        for (bind, segments) in held {
            let most = self.windows[&bind.carrier] + u32::from(LONGEST) - 1;
            assert!(segments <= most, "{bind} holds {segments} of {most}");
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
                return Err(StoreError::Statement("out of mood".to_owned()));
            }
            let applied = store.commit(batch, rules).await?;
            self.watch(batch, &applied);
            Ok(applied)
        }
        .boxed()
    }
}
