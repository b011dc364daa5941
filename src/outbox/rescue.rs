//! Rows that need a push: what a dead process held, what has become due, what lost its lane.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Outbox, Settings};
use crate::domain::{BindRef, Lane, State};
use crate::store::{Lease, Store, StoreError, Sweep};

/// Rows moved by one commit, so that a long queue of due rows does not hold up the rest.
const STEP: u32 = 500;

/// Puts into doubt whatever another process had claimed. Done before anything is claimed anew.
pub async fn orphans(outbox: &Outbox, lease: Lease) -> Result<u64, StoreError> {
    repeat(outbox, || Sweep::Orphans { lease, limit: STEP }).await
}

/// Puts into doubt whatever a bind had claimed, whose task has died. Its offer was taken back before.
pub(crate) async fn abandoned(outbox: &Outbox, bind: &BindRef) -> Result<u64, StoreError> {
    let sweep = || Sweep::Abandoned {
        bind: bind.clone(),
        limit: STEP,
    };
    repeat(outbox, sweep).await
}

/// Finds rows queued in lanes that the configuration no longer has, and asks `replace` where they go.
pub async fn strays(
    store: &Arc<dyn Store>,
    outbox: &Outbox,
    known: impl Fn(&Lane) -> bool,
    replace: impl Fn(&Lane) -> Option<Lane>,
) -> Result<u64, StoreError> {
    let mut moved = 0;
    for part in store.backlog().await? {
        if !known(&part.lane) {
            let to = replace(&part.lane);
            let sweep = || Sweep::Strays {
                lane: part.lane.clone(),
                to: to.clone(),
                limit: STEP,
            };
            moved += repeat(outbox, sweep).await?;
        }
    }
    Ok(moved)
}

/// Moves due rows on until told to stop.
pub async fn run(outbox: Outbox, settings: Settings, stop: CancellationToken) {
    let promote = every(&outbox, settings.promote_interval, &[State::Scheduled]);
    let rescue = every(
        &outbox,
        settings.rescue_interval,
        &[State::Queued, State::Uncertain, State::Submitted],
    );
    tokio::select! {
        // In one order, so that what is simulated goes the same way each time.
        biased;
        () = stop.cancelled() => {}
        () = promote => {}
        () = rescue => {}
    }
}

async fn every(outbox: &Outbox, interval: Duration, states: &[State]) {
    let mut tick = tokio::time::interval(interval);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        for state in states {
            if let Err(error) = repeat(outbox, || Sweep::Due {
                state: *state,
                limit: STEP,
            })
            .await
            {
                tracing::warn!(event = "sweep_failed", %state, %error);
            }
        }
    }
}

async fn repeat(outbox: &Outbox, sweep: impl Fn() -> Sweep) -> Result<u64, StoreError> {
    let mut moved = 0;
    loop {
        let done = outbox.sweep(sweep()).await?;
        moved += u64::from(done.moved);
        if !done.more {
            return Ok(moved);
        }
    }
}
