//! Carriers: how they are, and starting, stopping and draining them. What they do is told through [`CarrierControl`],
//! so that nothing here knows a bind.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::AdminState;
use crate::config::{BindMode, Protocol};
use crate::domain::{Name, UnixMillis};
use crate::http::api::shown;
use crate::http::problem::{Code, Problem};

/// Those who run the carriers.
pub trait CarrierControl: Send + Sync {
    /// Every configured carrier, by name.
    fn list(&self) -> Vec<CarrierStatus>;

    /// Starts a stopped or drained carrier's binds. Answers once they are told, not once they are bound.
    fn start<'a>(&'a self, carrier: &'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>>;

    /// Stops a carrier: nothing more is claimed, what is under way has its time, then the binds end.
    fn stop<'a>(&'a self, carrier: &'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>>;

    /// Nothing more is claimed for a carrier; its binds stay for receipts and inbound texts.
    fn drain<'a>(&'a self, carrier: &'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>>;
}

/// Why a carrier was not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No carrier has that name.
    #[error("there is no carrier of that name")]
    NotFound,
    /// It cannot do that now; says why.
    #[error("{0}")]
    Refused(String),
}

/// A carrier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CarrierStatus {
    /// Its name.
    pub id: Name,
    /// What it speaks.
    pub protocol: Protocol,
    /// How it is, all binds together.
    pub state: CarrierState,
    /// Its binds.
    pub binds: Vec<BindStatus>,
    /// Segments a second as configured; 0 is as fast as it takes them.
    pub throughput: u32,
    /// Segments a second at present, where a throttled pace has not climbed back.
    pub pace: Option<f64>,
    /// Answers that said to slow down, since the start.
    pub throttled_total: u64,
    /// Segments that it took, since the start.
    pub submitted_total: u64,
    /// Segments that it refused, since the start.
    pub refused_total: u64,
    /// Receipts that it brought, since the start.
    pub receipts_total: u64,
    /// Texts that it brought, since the start.
    pub inbound_total: u64,
}

/// How a carrier is, all binds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CarrierState {
    /// Every bind is bound.
    Up,
    /// Some are.
    Degraded,
    /// None is.
    Down,
    /// Bound, and takes nothing more.
    Draining,
    /// Stopped by a person.
    Stopped,
    /// It refuses our name or password; tried again only by a person.
    Refused,
}

/// A bind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BindStatus {
    /// Its number, from 0.
    pub bind: u16,
    /// Which ways it goes.
    pub mode: BindMode,
    /// Where it is.
    pub state: BindState,
    /// Since when.
    pub since: UnixMillis,
    /// Segments that may be outstanding.
    pub window: u32,
    /// Segments that are.
    pub in_flight: u32,
    /// Why it last failed; without secrets.
    pub last_error: Option<String>,
}

/// Where a bind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindState {
    /// The link is being made.
    Connecting,
    /// The link stands, the answer to the bind is awaited.
    Binding,
    /// In use.
    Bound,
    /// Takes nothing more; what is under way ends.
    Draining,
    /// Waits to try again.
    Waiting,
    /// Stopped by a person.
    Stopped,
    /// Refused; tried again only by a person.
    Refused,
}

#[derive(Serialize)]
struct Carriers {
    data: Vec<CarrierStatus>,
}

pub(super) async fn list(State(state): State<Arc<AdminState>>) -> Response {
    shown(&Carriers {
        data: state.carriers.list(),
    })
}

pub(super) async fn start(
    State(state): State<Arc<AdminState>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    answer("start", &name(id)?, |name| state.carriers.start(name)).await
}

pub(super) async fn stop(
    State(state): State<Arc<AdminState>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    answer("stop", &name(id)?, |name| state.carriers.stop(name)).await
}

pub(super) async fn drain(
    State(state): State<Arc<AdminState>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    answer("drain", &name(id)?, |name| state.carriers.drain(name)).await
}

async fn answer<'a>(
    act: &'static str,
    name: &'a Name,
    tell: impl FnOnce(&'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>>,
) -> Result<Response, Problem> {
    let told = tell(name).await;
    tracing::info!(event = "carrier_act", act, carrier = %name, done = told.is_ok());
    match told {
        Ok(status) => Ok(shown(&status)),
        Err(ControlError::NotFound) => Err(not_found()),
        Err(ControlError::Refused(why)) => Err(Problem::with_detail(Code::CarrierRefused, why)),
    }
}

fn name(path: Result<Path<String>, PathRejection>) -> Result<Name, Problem> {
    // What is no name is no carrier's.
    path.ok()
        .and_then(|Path(text)| Name::parse(&text).ok())
        .ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::with_detail(Code::NotFound, "there is no carrier of that name")
}
