//! How the daemon is: in one look, and by lane.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::AdminState;
use crate::http::api::{shown, store_problem};
use crate::http::problem::Problem;
use crate::store::Totals;

pub(super) async fn status(State(state): State<Arc<AdminState>>) -> Result<Response, Problem> {
    let totals = state.api.store.totals().await.map_err(|error| store_problem(&error))?;
    let (now, health) = (state.api.clock.now(), state.api.outbox.health());
    Ok(shown(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": state.started_at,
        "now": now,
        "uptime_seconds": now.since(state.started_at).as_secs(),
        "stopping": state.stopping.is_cancelled(),
        "store": {
            "working": health.is_working(),
            "storage_low": health.storage_low(),
            "commits": health.commits(),
        },
        "outbox": open(&totals),
        "receipts_parked": totals.parked.rows,
        "carriers": state.carriers.list(),
    })))
}

pub(super) async fn queue(State(state): State<Arc<AdminState>>) -> Result<Response, Problem> {
    let backlog = state.api.store.backlog().await.map_err(|error| store_problem(&error))?;
    let totals = state.api.store.totals().await.map_err(|error| store_problem(&error))?;
    let lanes: Vec<Value> = backlog
        .iter()
        .map(|waiting| {
            json!({
                "route": waiting.lane.route,
                "step": waiting.lane.step,
                "priority": waiting.priority,
                "messages": waiting.rows,
                "segments": waiting.segments,
            })
        })
        .collect();
    Ok(shown(
        &json!({ "lanes": lanes, "open": open(&totals), "receipts_parked": totals.parked.rows }),
    ))
}

fn open(totals: &Totals) -> Vec<Value> {
    let rows = totals.open.iter().map(|(class, state, rows, oldest)| {
        json!({ "class": class, "state": state, "messages": rows, "oldest_accepted_at": oldest })
    });
    rows.collect()
}
