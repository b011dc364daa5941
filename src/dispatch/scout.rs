//! Who of those that offers wait for has RCS: asked about together, ahead of the claims. Nothing waits for the answer; what
//! is claimed before it comes is sent, and the platform says then whether it can be.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use araldo_rcs::Msisdn;
use araldo_rcs::limit::{MAX_BATCH_USERS, USEFUL_BATCH_USERS};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::carrier::rcs::{CallError, RcsCarrier};
use crate::domain::{Class, Lane, Name};
use crate::store::{Store, StoreError};

/// How often it is looked who waits.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long nothing is asked after an answer that could not be used.
const REST: Duration = Duration::from_secs(30);
/// How long after a refusal: nothing but another configuration changes it.
const LONG_REST: Duration = Duration::from_hours(1);

/// Looks up handsets for one agent.
pub struct Scout {
    /// The carrier's name.
    pub name: Name,
    /// Who asks the platform, and remembers.
    pub carrier: Arc<RcsCarrier>,
    /// The steps that the carrier serves.
    pub lanes: Vec<Lane>,
    /// Where it stands who waits.
    pub store: Arc<dyn Store>,
}

/// Why it was not found out.
enum Unasked {
    Store(StoreError),
    Platform(CallError),
}

impl Scout {
    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = looks.tick() => {}
            }
            self.carrier.sweep();
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                asked = self.look() => asked,
            };
            let Err(unasked) = asked else { continue };
            let rest = self.warn(&unasked);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Asks about the head of each lane, where enough of it are unknown.
    async fn look(&self) -> Result<(), Unasked> {
        for lane in &self.lanes {
            let limit = u32::try_from(MAX_BATCH_USERS).unwrap_or(u32::MAX);
            let waiting = self.store.waiting(lane, Class::Marketing.priority(), limit).await;
            let waiting = waiting.map_err(Unasked::Store)?;
            let numbers = waiting.iter().filter_map(|to| Msisdn::parse(&format!("+{to}")).ok());
            let unknown: HashSet<Msisdn> = numbers.filter(|number| self.carrier.known(number).is_none()).collect();
            if unknown.len() >= USEFUL_BATCH_USERS {
                let unknown: Vec<Msisdn> = unknown.into_iter().collect();
                self.carrier.reach(&unknown).await.map_err(Unasked::Platform)?;
            }
        }
        Ok(())
    }

    fn warn(&self, unasked: &Unasked) -> Duration {
        let carrier = &self.name;
        match unasked {
            Unasked::Store(error) => {
                tracing::warn!(event = "rcs_reach_unknown", %carrier, %error, "offers go unasked for 30 s");
                REST
            }
            Unasked::Platform(error @ (CallError::Refused(_) | CallError::Broken(_))) => {
                tracing::warn!(
                    event = "rcs_reach_refused", %carrier, %error,
                    "offers go unasked for an hour: the platform wants region to be that of the numbers; prefixes leaves out others"
                );
                LONG_REST
            }
            Unasked::Platform(error) => {
                tracing::warn!(event = "rcs_reach_unknown", %carrier, %error, "offers go unasked for 30 s");
                REST
            }
        }
    }
}
