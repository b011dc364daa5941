//! `/v1`: what back-end systems call.

mod accepted;
mod asyncapi;
mod cases;
mod certified;
mod consents;
mod events;
mod inbound;
mod list;
mod messages;
mod ndjson;
mod openapi;
mod places;
mod said;
mod send;
mod stream;
mod verifications;
mod view;
mod wish;

use std::sync::Arc;
use std::time::Duration;

use axum::Router as HttpRouter;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;

pub use asyncapi::DOCUMENT as ASYNCAPI_DOCUMENT;
use cases::CaseView;
pub(super) use cases::{
    id_and_verb as case_id_and_verb, id_of as case_id_of, page as cases_page, read_and_do as do_on_case,
    whole as case_whole,
};
use certified::CertifiedView;
pub(super) use certified::{number as certified_number, page as certified_page, take_back as revoke_certified};
use consents::ConsentView;
pub(super) use consents::{
    ConsentWish, note as note_consent, number_of, page as consents_page, person as consent_of_person, results_of,
};
use inbound::InboundView;
pub(super) use inbound::answer as inbound_page;
pub(super) use list::{ListQuery, page, page_limit, read_cursor};
pub(super) use messages::{act, message, message_id};
pub use openapi::document as openapi_document;
pub(super) use send::{one, shown, store_problem};
pub(super) use stream::{answer as open_stream, last_event_id, wanted};
pub(crate) use verifications::code_words;
pub(super) use view::{MessageView, Shown};

use super::auth::{Clients, DuplicateKey};
use super::body::BodyLimits;
use super::edge::{self, Edge};
use super::problem;
use crate::accept::Intake;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Origins};
use crate::notify::{Notifier, Publisher, Templates};
use crate::outbox::Outbox;
use crate::router::Router;
use crate::store::{Store, StoreError};

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
    /// What checks, measures and routes.
    pub intake: Arc<Intake>,
    /// What makes messages of events.
    pub publisher: Arc<Publisher>,
    /// Who may call.
    pub clients: Clients,
    /// The time.
    pub clock: Clock,
    /// The bounds of a body.
    pub body: BodyLimits,
    /// Requests answered at once.
    pub max_requests: u32,
    /// What sends codes.
    verifying: verifications::Verifying,
    /// Streams open at once.
    pub(super) streams: places::Streams,
    /// Cancelled once the daemon is stopping: streams end.
    pub stopping: CancellationToken,
}

/// Why the API cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Two clients with one key.
    #[error(transparent)]
    DuplicateKey(#[from] DuplicateKey),
    /// Templates or rules that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl ApiState {
    /// Goes on with other rules, templates and words.
    pub fn renew(&self, notifier: Notifier, code_words: Templates) {
        self.publisher.renew(notifier);
        self.verifying.renew(code_words);
    }

    /// Takes in what the store remembers of the last hour.
    pub async fn recall(&self) -> Result<(), StoreError> {
        self.verifying.recall(&*self.store, self.clock.now()).await
    }

    /// Builds the state from the configuration. Streams end when `stopping` is cancelled.
    pub fn new(
        config: &Config,
        outbox: Outbox,
        store: Arc<dyn Store>,
        router: Arc<Router>,
        clock: Clock,
        stopping: CancellationToken,
    ) -> Result<Arc<Self>, StateError> {
        let intake = Arc::new(Intake::new(config, router, clock.clone()).with_gate(outbox.gate().clone()));
        let notifier = Notifier::load(config, &Origins::default())?;
        let publisher = Publisher::new(notifier, intake.clone(), outbox.clone(), store.clone());
        Ok(Arc::new(Self {
            intake,
            publisher: Arc::new(publisher),
            clients: Clients::new(&config.client, &config.address)?,
            body: BodyLimits {
                bytes: usize::try_from(config.http.max_body).unwrap_or(usize::MAX),
                pause: config.http.body_timeout,
            },
            max_requests: config.http.max_requests,
            streams: places::Streams::new(&config.http, config.client.keys()),
            verifying: verifications::Verifying::new(config)?,
            stopping,
            outbox,
            store,
            clock,
        }))
    }
}

/// The API's paths.
pub fn api_router(state: Arc<ApiState>) -> HttpRouter {
    let edge = Edge::new(state.clock.clone(), state.max_requests);
    HttpRouter::new()
        .route("/v1/messages", get(messages::list).post(send::send))
        .route("/v1/messages/{id}", get(messages::show).delete(messages::cancel))
        .route("/v1/events", post(events::publish))
        .route("/v1/inbound", get(inbound::list))
        .route("/v1/cases", get(cases::list))
        .route("/v1/cases/{id}", get(cases::show))
        .route("/v1/cases/{id}/{act}", post(cases::act))
        .route("/v1/consents", get(consents::list).post(consents::import))
        .route(
            "/v1/consents/{msisdn}",
            get(consents::show).put(consents::set).delete(consents::withdraw),
        )
        .route("/v1/verifications", post(verifications::send))
        .route("/v1/verifications/{id}", get(verifications::show))
        .route("/v1/verifications/{id}/check", post(verifications::check))
        .route("/v1/certified", get(certified::list))
        .route("/v1/certified/{msisdn}", get(certified::show).delete(certified::revoke))
        .route("/v1/stream", get(stream::open))
        .route("/openapi.json", get(openapi::serve))
        .route("/asyncapi.json", get(asyncapi::serve))
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
