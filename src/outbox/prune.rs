//! Forgetting what ended long ago.

use tokio_util::sync::CancellationToken;

use super::{Outbox, Settings};
use crate::clock::Clock;
use crate::store::{Prune, Seq};

/// Walks the rows by age in small steps, one an interval, until told to stop. A step that forgot something is followed
/// by the next one at once, so that forgetting keeps up with sending.
pub async fn run(outbox: Outbox, settings: Settings, clock: Clock, stop: CancellationToken) {
    let (mut after, mut notices_after): (Seq, Seq) = (0, 0);
    let mut tick = tokio::time::interval(settings.prune_interval);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        loop {
            let now = clock.now();
            let prune = Prune {
                after,
                step: settings.prune_step,
                ended_before: now.before(settings.retention),
                keys_before: now.before(settings.idempotency_retention),
                parked_before: now.before(settings.retention),
                notices_after,
            };
            let done = match outbox.prune(prune).await {
                Ok(done) => done,
                Err(error) => {
                    tracing::warn!(event = "prune_failed", %error);
                    break;
                }
            };
            (after, notices_after) = (done.next, done.next_notice);
            if stop.is_cancelled()
                || done.messages + done.keys + done.parked + done.notices + done.inbox + done.rcs_events == 0
            {
                break;
            }
        }
    }
}
