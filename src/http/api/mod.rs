//! `/v1`: what back-end systems call.

mod accept;
mod callback;
mod inbound;
mod list;
mod messages;
mod ndjson;
mod openapi;
mod send;
mod view;
mod wish;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use araldo_sms::{ReferenceSize, SplitOptions};
use axum::Router as HttpRouter;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use inbound::InboundView;
pub(super) use inbound::answer as inbound_page;
pub(super) use list::{ListQuery, page, page_limit, read_cursor};
pub(super) use messages::{act, message, message_id};
pub use openapi::document as openapi_document;
pub(super) use send::{one, shown, store_problem};
pub(super) use view::{MessageView, Shown};
#[cfg(test)]
pub(super) use wish::FIELDS;
pub(super) use wish::Wish;

use super::auth::{Clients, DuplicateKey};
use super::body::BodyLimits;
use super::edge::{self, Edge};
use super::problem;
use crate::backend::AddressGuard;
use crate::clock::Clock;
use crate::config::{Config, LongMessage};
use crate::domain::Name;
use crate::outbox::Outbox;
use crate::router::Router;
use crate::store::Store;

/// The API's largest page.
pub(super) const MAX_PAGE: u32 = 1_000;
/// The API's page where none is asked for.
pub(super) const DEFAULT_PAGE: u32 = 100;

/// All that the API needs to answer. Build it after the metrics recorder is in place: it holds counters.
pub struct ApiState {
    /// Where messages go.
    pub outbox: Outbox,
    /// What is shown.
    pub store: Arc<dyn Store>,
    /// Which way messages go.
    pub router: Arc<Router>,
    /// Who may call.
    pub clients: Clients,
    /// The time.
    pub clock: Clock,
    /// The bounds of a body.
    pub body: BodyLimits,
    /// Requests answered at once.
    pub max_requests: u32,
    /// Segments of a text at the most, where no route says less.
    pub max_segments: u8,
    /// Where a callback may lead.
    pub callback_guard: AddressGuard,
    routes: HashMap<Name, RouteFacts>,
}

/// Why the API cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Two clients with one key.
    #[error(transparent)]
    DuplicateKey(#[from] DuplicateKey),
}

/// What is known of a route's carriers.
struct RouteFacts {
    /// Every carrier of the route, in the order of its steps.
    carriers: Vec<Name>,
    /// Segments that each of them takes.
    max_segments: u8,
    /// How texts are measured for them.
    split: SplitOptions,
}

impl ApiState {
    /// Builds the state from the configuration.
    pub fn new(
        config: &Config,
        outbox: Outbox,
        store: Arc<dyn Store>,
        router: Arc<Router>,
        clock: Clock,
    ) -> Result<Arc<Self>, StateError> {
        let facts = router.steps().into_keys().map(|route| {
            let facts = RouteFacts::new(&route, &router, config);
            (route, facts)
        });
        Ok(Arc::new(Self {
            routes: facts.collect(),
            clients: Clients::new(&config.client, &config.address)?,
            body: BodyLimits {
                bytes: usize::try_from(config.http.max_body).unwrap_or(usize::MAX),
                pause: config.http.body_timeout,
            },
            max_requests: config.http.max_requests,
            max_segments: config.outbox.max_segments,
            callback_guard: AddressGuard::new(&config.webhook.allow_networks),
            outbox,
            store,
            router,
            clock,
        }))
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

/// The API's paths.
pub fn api_router(state: Arc<ApiState>) -> HttpRouter {
    let edge = Edge::new(state.clock.clone(), state.max_requests);
    HttpRouter::new()
        .route("/v1/messages", get(messages::list).post(send::send))
        .route("/v1/messages/{id}", get(messages::show).delete(messages::cancel))
        .route("/v1/inbound", get(inbound::list))
        .route("/openapi.json", get(openapi::serve))
        .route("/docs/problems/{code}", get(problem::page))
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed)
        .layer(from_fn_with_state(edge, edge::pass))
        .with_state(state)
}

/// How long a client does well to wait when the store is short of breath.
pub(super) const BREATH: Duration = Duration::from_secs(1);
/// How long when somebody must act first.
pub(super) const REPAIR: Duration = Duration::from_secs(30);
