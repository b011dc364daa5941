//! The agents of RCS: their carriers, their webhooks, and the worker that makes use of what these are told.

use std::sync::Arc;

use anyhow::Context;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::carrier::rcs::RcsCarrier;
use crate::clock::Clock;
use crate::config::Config;
use crate::dispatch::ConsentStep;
use crate::dispatch::rcs_events::{Agent, RcsEvents, Reports};
use crate::http::RcsHooks;
use crate::outbox::Outbox;
use crate::store::Store;

/// Starts the worker; what the listener serves.
pub(super) fn start(
    config: &Config,
    (store, outbox): (&Arc<dyn Store>, &Outbox),
    consent: &Arc<ConsentStep>,
    clock: &Clock,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<Arc<RcsHooks>> {
    let came = Arc::new(Notify::new());
    let agents = config.rbm.iter().map(|(name, settings)| {
        let carrier = RcsCarrier::new(name, settings, clock.clone()).with_context(|| format!("carrier.{name}"))?;
        let agent = Agent {
            carrier: Arc::new(carrier),
            address: settings.address.as_deref().map(Into::into),
        };
        Ok((name.clone(), agent))
    });
    let worker = RcsEvents {
        store: store.clone(),
        outbox: outbox.clone(),
        agents: agents.collect::<anyhow::Result<_>>()?,
        consent: consent.clone(),
        listener: Arc::new(Reports(outbox.clone())),
        came: came.clone(),
    };
    tasks.spawn(worker.run(stop.clone()));
    Ok(RcsHooks::new(config, outbox.clone(), came, clock.clone()))
}
