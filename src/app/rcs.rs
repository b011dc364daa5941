//! The agents of RCS: their carriers, their webhooks, the worker that makes use of what these are told, who asks platforms
//! to take messages back, and who looks up the handsets that offers wait for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::carrier::rcs::{RcsCarrier, RcsLink};
use crate::clock::Clock;
use crate::config::{CarrierConfig, Config, Protocol, ReceiptId, RouteConfig};
use crate::dispatch::rcs_events::{Agent, Confirmed, RcsEvents, Reports};
use crate::dispatch::{CarrierParts, ConsentStep, Dispatch, Revoker, Scout};
use crate::domain::{Lane, Name};
use crate::http::RcsHooks;
use crate::outbox::Outbox;
use crate::store::Store;

/// How often a platform that is out is tried again, at the least: a try costs one message a moment.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// The agents of a configuration, by carrier.
pub(super) type Agents = BTreeMap<Name, Arc<RcsCarrier>>;

/// Builds the agents.
pub(super) fn agents(config: &Config, clock: &Clock) -> anyhow::Result<Agents> {
    let built = config.rbm.iter().map(|(name, settings)| {
        let carrier = RcsCarrier::new(name, settings, clock.clone()).with_context(|| format!("carrier.{name}"))?;
        Ok((name.clone(), Arc::new(carrier)))
    });
    built.collect()
}

/// The agents as carriers to dispatch to, with one bind each.
pub(super) fn carriers(config: &Config, agents: &Agents) -> Vec<CarrierParts> {
    let parts = agents.iter().map(|(name, carrier)| {
        let settings = &config.rbm[name];
        let config = CarrierConfig {
            protocol: Protocol::Rbm,
            window: settings.window,
            throughput: settings.throughput,
            receipt_id: ReceiptId::AsIs,
            reconnect_max: PROBE_EVERY,
            ..CarrierConfig::default()
        };
        CarrierParts {
            name: name.clone(),
            config,
            carrier: Arc::new(RcsLink::new(carrier.clone())),
        }
    });
    parts.collect()
}

/// The steps that a carrier serves.
fn lanes(config: &Config, carrier: &Name) -> Vec<Lane> {
    let of_route = |(route, plan): (&Name, &RouteConfig)| {
        let steps = plan.steps.iter().zip(0_u8..);
        let own = steps.filter(|(step, _)| step.carriers.iter().any(|it| it.id == *carrier));
        let lane = |(_, step)| Lane {
            route: route.clone(),
            step,
        };
        own.map(lane).collect::<Vec<_>>()
    };
    config.route.iter().flat_map(of_route).collect()
}

/// Starts the worker, the revokers and the scouts; what the listener serves.
pub(super) fn start(
    (config, agents): (&Config, Agents),
    (store, outbox): (&Arc<dyn Store>, &Outbox),
    (dispatch, consent): (&Dispatch, &Arc<ConsentStep>),
    clock: &Clock,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Arc<RcsHooks> {
    let came = Arc::new(Notify::new());
    for (name, carrier) in &agents {
        let revoker = Revoker {
            name: name.clone(),
            carrier: carrier.clone(),
            store: store.clone(),
            outbox: outbox.clone(),
            clock: clock.clone(),
        };
        tasks.spawn(revoker.run(stop.clone()));
        let scout = Scout {
            name: name.clone(),
            carrier: carrier.clone(),
            lanes: lanes(config, name),
            store: store.clone(),
        };
        tasks.spawn(scout.run(stop.clone()));
    }
    let agents = agents.into_iter().filter_map(|(name, carrier)| {
        let address = config.rbm[&name].address.as_deref().map(Into::into);
        let state = dispatch.state(&name)?;
        let agent = Agent {
            carrier,
            address,
            state,
        };
        Some((name, agent))
    });
    let worker = RcsEvents {
        store: store.clone(),
        outbox: outbox.clone(),
        agents: agents.collect(),
        consent: consent.clone(),
        confirmed: Confirmed::default(),
        listener: Arc::new(Reports(outbox.clone())),
        came: came.clone(),
    };
    tasks.spawn(worker.run(stop.clone()));
    RcsHooks::new(config, outbox.clone(), came, clock.clone())
}
