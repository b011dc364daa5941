//! What is known of routes and limits when a message is checked.

use std::collections::HashMap;
use std::sync::Arc;

use super::written::Common;
use crate::backend::AddressGuard;
use crate::clock::Clock;
use crate::config::Config;
use crate::consent::Gate;
use crate::domain::{Channel, Channels, Name};
use crate::router::{Plan, Router};

/// What checks, measures and routes messages, wherever they come from.
pub struct Intake {
    /// The time.
    pub clock: Clock,
    /// Which way messages go.
    pub router: Arc<Router>,
    /// Where a callback may lead.
    pub callback_guard: AddressGuard,
    /// Who wants no messages, and when.
    pub(crate) gate: Arc<Gate>,
    /// How a text is measured that has no route.
    unrouted: Common,
    routes: HashMap<Name, RouteFacts>,
}

/// What is known of a route's carriers.
struct RouteFacts {
    /// Every carrier of the route, in the order of its steps.
    carriers: Vec<(Name, Channel)>,
    /// Every channel of the route, in the order of its steps.
    channels: Vec<Channel>,
    /// How a text is written that each of them can take.
    common: Common,
}

impl Intake {
    /// Takes what it needs of the configuration.
    pub fn new(config: &Config, router: Arc<Router>, clock: Clock) -> Self {
        let facts = router.steps().into_keys().map(|route| {
            let facts = RouteFacts::new(&route, &router, config);
            (route, facts)
        });
        Self {
            routes: facts.collect(),
            unrouted: Common::of(&[], config.outbox.max_segments),
            callback_guard: AddressGuard::new(&config.webhook.allow_networks),
            gate: Arc::new(Gate::new(config)),
            router,
            clock,
        }
    }

    /// Asks this gate, which knows what people want.
    #[must_use]
    pub fn with_gate(self, gate: Arc<Gate>) -> Self {
        Self { gate, ..self }
    }

    /// How a text is written that follows a plan.
    pub(super) fn common(&self, plan: Option<&Plan>) -> &Common {
        plan.and_then(|plan| self.routes.get(&plan.route))
            .map_or(&self.unrouted, |facts| &facts.common)
    }

    /// The carriers that may carry what goes a route by these channels, likeliest first.
    pub fn carriers(&self, route: &Name, channels: Channels) -> Vec<&Name> {
        let carriers = self.routes.get(route).map_or(&[][..], |facts| &facts.carriers);
        let allowed = carriers.iter().filter(|(_, channel)| channels.allow(*channel));
        allowed.map(|(name, _)| name).collect()
    }

    /// The channels by which what goes a route may go, in their order.
    pub fn channels(&self, route: &Name) -> &[Channel] {
        self.routes.get(route).map_or(&[], |facts| &facts.channels)
    }
}

impl RouteFacts {
    fn new(route: &Name, router: &Router, config: &Config) -> Self {
        let carriers = router.carriers_of_route(route);
        let with_channel = |id: &Name| (id.clone(), config.channel_of(id));
        // What is measured is the text: a carrier of RCS does not write it.
        let by_sms = carriers.iter().filter(|id| config.channel_of(id) == Channel::Sms);
        let configs: Vec<_> = by_sms.filter_map(|id| config.carrier.get(id)).collect();
        let max_segments = configs.iter().map(|carrier| config.max_segments(carrier)).min();
        Self {
            channels: router.channels_of_route(route),
            carriers: carriers.iter().map(with_channel).collect(),
            common: Common::of(&configs, max_segments.unwrap_or(config.outbox.max_segments)),
        }
    }
}
