//! The operators' listener: health and metrics for machines, and what the command line asks for.

mod cases;
mod certified;
mod consents;
mod control;
mod guard;
mod health;
mod messages;
mod overview;
mod quarantine;
mod stream;
mod webhooks;

use std::sync::Arc;

use axum::Router as HttpRouter;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use guard::is_loopback;

pub use control::{BindState, BindStatus, CarrierControl, CarrierState, CarrierStatus, ControlError};

use super::api::ApiState;
use super::auth::Secret256;
use super::edge::{self, Edge};
use super::problem;
use crate::backend::Pauses;
use crate::domain::UnixMillis;

/// All that the admin listener needs to answer.
pub struct AdminState {
    /// What the API needs.
    pub api: Arc<ApiState>,
    /// The carriers.
    pub carriers: Arc<dyn CarrierControl>,
    /// Which webhooks are left alone for a while.
    pub pauses: Arc<Pauses>,
    /// What the command line must show.
    pub token: Secret256,
    /// The metrics.
    pub metrics: PrometheusHandle,
    /// Cancelled once the daemon is stopping: it is not ready any more.
    pub stopping: CancellationToken,
    /// When the daemon started.
    pub started_at: UnixMillis,
}

/// The admin listener's paths. `pages` are those of a console or demo, served beside them without the token.
pub fn admin_router(state: Arc<AdminState>, pages: HttpRouter) -> HttpRouter {
    let edge = Edge::new(state.api.clock.clone(), state.api.max_requests);
    let guarded = HttpRouter::new()
        .route("/admin/v1/status", get(overview::status))
        .route("/admin/v1/queue", get(overview::queue))
        .route("/admin/v1/quarantine", get(quarantine::list))
        .route("/admin/v1/messages", get(messages::list).post(messages::send))
        .route("/admin/v1/messages/{id}", get(messages::show))
        .route("/admin/v1/messages/{id}/cancel", post(messages::cancel))
        .route("/admin/v1/messages/{id}/requeue", post(messages::requeue))
        .route("/admin/v1/inbound", get(messages::inbound))
        .route("/admin/v1/cases", get(cases::list))
        .route("/admin/v1/cases/{id}", get(cases::show))
        .route("/admin/v1/cases/{id}/{act}", post(cases::act))
        .route("/admin/v1/consents", get(consents::list).post(consents::import))
        .route(
            "/admin/v1/consents/{msisdn}",
            get(consents::show).post(consents::set).delete(consents::withdraw),
        )
        .route("/admin/v1/certified", get(certified::list))
        .route(
            "/admin/v1/certified/{msisdn}",
            get(certified::show).delete(certified::revoke),
        )
        .route("/admin/v1/stream", get(stream::open))
        .route("/admin/v1/webhooks", get(webhooks::list))
        .route("/admin/v1/webhooks/dead", get(webhooks::dead))
        .route("/admin/v1/webhooks/replay", post(webhooks::replay))
        .route("/admin/v1/webhooks/switch", post(webhooks::switch))
        .route("/admin/v1/carriers", get(control::list))
        .route("/admin/v1/carriers/{id}/start", post(control::start))
        .route("/admin/v1/carriers/{id}/stop", post(control::stop))
        .route("/admin/v1/carriers/{id}/drain", post(control::drain))
        .route_layer(from_fn_with_state(state.clone(), guard::admit));
    HttpRouter::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/docs/problems/{code}", get(problem::page))
        .merge(guarded)
        .with_state(state)
        .merge(pages)
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed)
        .layer(from_fn_with_state(edge, edge::pass))
}
