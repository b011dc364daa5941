//! Carriers that speak SMPP over TCP or TLS.

mod connect;
mod inbound;
mod link;
mod status;
mod submit;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use araldo_smpp::CommandStatus;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Carrier, Link, LinkMode, OpenError};
use crate::clock::Clock;
use crate::config::{BusyStatus, CarrierConfig, StatusAction};
use crate::domain::BindRef;

/// How long a deliver_sm may wait for our commit before it is answered that we are busy: so long that the answer is with
/// the carrier within the 5 s that are promised.
const ANSWER_WITHIN: Duration = Duration::from_millis(4_500);

/// Texts and receipts that may wait for the way inward; more are answered busy at once.
const INBOUND_QUEUE: usize = 1_024;

/// A carrier reached by SMPP.
pub struct SmppCarrier {
    pub(super) shared: Arc<Shared>,
}

/// What all binds of a carrier share.
pub(super) struct Shared {
    config: CarrierConfig,
    tls: Option<tokio_rustls::TlsConnector>,
    overrides: HashMap<CommandStatus, StatusAction>,
    drain: Duration,
    clock: Clock,
}

impl SmppCarrier {
    /// A carrier of this configuration, which has been checked. `drain` is how long a planned stop waits for answers.
    pub fn new(config: &CarrierConfig, drain: Duration, clock: Clock) -> Result<Self, OpenError> {
        let tls = if config.tls {
            Some(connect::tls_connector(config)?)
        } else {
            None
        };
        let overrides = status::overrides(&config.status).map_err(OpenError::Settings)?;
        Ok(Self {
            shared: Arc::new(Shared {
                config: config.clone(),
                tls,
                overrides,
                drain,
                clock,
            }),
        })
    }
}

impl Shared {
    fn busy_status(&self) -> CommandStatus {
        match self.config.busy_status {
            BusyStatus::Throttled => CommandStatus::ESME_RTHROTTLED,
            BusyStatus::SystemError => CommandStatus::ESME_RSYSERR,
        }
    }
}

impl Carrier for SmppCarrier {
    fn open(&self, bind: BindRef, mode: LinkMode) -> BoxFuture<'_, Result<Link, OpenError>> {
        link::open(self.shared.clone(), bind, mode).boxed()
    }
}

#[cfg(test)]
mod tests;
