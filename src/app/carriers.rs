//! The carriers as the admin listener shows and tells them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::carrier::LinkMode;
use crate::config::BindMode;
use crate::dispatch::{self, CarrierReport, Dispatch};
use crate::domain::Name;
use crate::http::CarrierControl;
use crate::http::admin::{BindState, BindStatus, CarrierState, CarrierStatus, ControlError};

/// Tells the dispatcher what the admin listener is asked.
pub(super) struct Control(pub Arc<Dispatch>);

impl Control {
    fn told<'a>(&'a self, carrier: &'a Name, told: bool) -> BoxFuture<'a, Result<CarrierStatus, ControlError>> {
        let status = self.list().into_iter().find(|status| told && &status.id == carrier);
        async move { status.ok_or(ControlError::NotFound) }.boxed()
    }
}

impl CarrierControl for Control {
    fn list(&self) -> Vec<CarrierStatus> {
        self.0.report().into_iter().map(status).collect()
    }

    fn start<'a>(&'a self, carrier: &'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>> {
        self.told(carrier, self.0.start_carrier(carrier))
    }

    fn stop<'a>(&'a self, carrier: &'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>> {
        self.told(carrier, self.0.stop_carrier(carrier))
    }

    fn drain<'a>(&'a self, carrier: &'a Name) -> BoxFuture<'a, Result<CarrierStatus, ControlError>> {
        self.told(carrier, self.0.drain_carrier(carrier))
    }
}

fn status(report: CarrierReport) -> CarrierStatus {
    let counts = &report.state.counts;
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let binds: Vec<BindStatus> = report
        .binds
        .iter()
        .map(|(bind, status)| BindStatus {
            bind: bind.bind,
            mode: mode(status.mode),
            state: bind_state(status.state),
            since: status.since,
            window: u32::from(report.window),
            in_flight: status.in_flight,
            last_error: status.last_error.clone(),
        })
        .collect();
    CarrierStatus {
        id: report.id.clone(),
        protocol: report.protocol,
        state: together(&binds),
        throughput: report.throughput,
        pace: report.pace,
        throttled_total: read(&counts.throttled),
        submitted_total: read(&counts.submitted),
        refused_total: read(&counts.refused),
        receipts_total: read(&counts.receipts),
        inbound_total: read(&counts.inbound),
        binds,
    }
}

fn together(binds: &[BindStatus]) -> CarrierState {
    let all = |state| !binds.is_empty() && binds.iter().all(|bind| bind.state == state);
    let any = |state| binds.iter().any(|bind| bind.state == state);
    if all(BindState::Bound) {
        CarrierState::Up
    } else if any(BindState::Draining) {
        CarrierState::Draining
    } else if any(BindState::Bound) {
        CarrierState::Degraded
    } else if any(BindState::Refused) {
        CarrierState::Refused
    } else if all(BindState::Stopped) {
        CarrierState::Stopped
    } else {
        CarrierState::Down
    }
}

fn bind_state(state: dispatch::BindState) -> BindState {
    match state {
        dispatch::BindState::Stopped => BindState::Stopped,
        dispatch::BindState::Connecting => BindState::Connecting,
        dispatch::BindState::Bound => BindState::Bound,
        dispatch::BindState::Draining => BindState::Draining,
        dispatch::BindState::Waiting => BindState::Waiting,
        dispatch::BindState::Refused => BindState::Refused,
    }
}

fn mode(mode: LinkMode) -> BindMode {
    match mode {
        LinkMode::Both => BindMode::Transceiver,
        LinkMode::Out => BindMode::Transmitter,
        LinkMode::In => BindMode::Receiver,
    }
}
