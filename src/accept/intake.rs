//! What is known of routes and limits when a message is checked.

use std::collections::HashMap;
use std::sync::Arc;

use araldo_sms::{ReferenceSize, SplitOptions};

use crate::backend::AddressGuard;
use crate::clock::Clock;
use crate::config::{Config, LongMessage};
use crate::domain::Name;
use crate::router::Router;

/// What checks, measures and routes messages, wherever they come from.
pub struct Intake {
    /// The time.
    pub clock: Clock,
    /// Which way messages go.
    pub router: Arc<Router>,
    /// Segments of a text at the most, where no route says less.
    pub max_segments: u8,
    /// Where a callback may lead.
    pub callback_guard: AddressGuard,
    pub(super) routes: HashMap<Name, RouteFacts>,
}

/// What is known of a route's carriers.
pub(super) struct RouteFacts {
    /// Every carrier of the route, in the order of its steps.
    pub(super) carriers: Vec<Name>,
    /// Segments that each of them takes.
    pub(super) max_segments: u8,
    /// How texts are measured for them.
    pub(super) split: SplitOptions,
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
            max_segments: config.outbox.max_segments,
            callback_guard: AddressGuard::new(&config.webhook.allow_networks),
            router,
            clock,
        }
    }

    /// The carriers that may carry what goes a route, likeliest first.
    pub fn carriers(&self, route: &Name) -> &[Name] {
        self.routes.get(route).map_or(&[], |facts| &facts.carriers)
    }
}

impl RouteFacts {
    fn new(route: &Name, router: &Router, config: &Config) -> Self {
        let carriers = router.carriers_of_route(route);
        let configs: Vec<_> = carriers.iter().filter_map(|id| config.carrier.get(id)).collect();
        let max_segments = configs.iter().map(|carrier| config.max_segments(carrier)).min();
        // Measured for the carrier with the least room in a segment, since any of them may get the message.
        let wide = configs.iter().any(|carrier| carrier.long_message == LongMessage::Udh16);
        let reference_size = if wide {
            ReferenceSize::Bits16
        } else {
            ReferenceSize::Bits8
        };
        Self {
            carriers,
            max_segments: max_segments.unwrap_or(config.outbox.max_segments),
            split: SplitOptions {
                reference_size,
                ..SplitOptions::default()
            },
        }
    }
}
