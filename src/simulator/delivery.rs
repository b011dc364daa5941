//! What goes to the ESME by deliver_sm: receipts and MOs, each until it is answered.

use std::sync::Arc;

use araldo_smpp::CommandStatus;
use araldo_smpp::pdu::DeliverSm;
use tokio::sync::oneshot;

use super::receipt::Receipt;

/// How often a deliver_sm is tried that the ESME refuses for a passing reason.
pub(super) const TRIES: u8 = 20;

/// One deliver_sm to be sent to whoever is bound as `system_id`.
#[derive(Debug)]
pub(super) struct Delivery {
    /// `None` for an MO that any ESME may have.
    pub(super) system_id: Option<Arc<str>>,
    pub(super) tries: u8,
    /// Whether it has been handed to a link to be sent there, whichever link that is.
    pub(super) posted: bool,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Receipt(Box<Receipt>),
    Mo(Box<MoSegment>),
}

#[derive(Debug)]
pub(super) struct MoSegment {
    pub(super) pdu: DeliverSm,
    /// Told the first answer.
    pub(super) answer: Option<oneshot::Sender<CommandStatus>>,
}

impl Delivery {
    pub(super) fn receipt(system_id: &Arc<str>, receipt: Receipt) -> Self {
        Self {
            system_id: Some(Arc::clone(system_id)),
            tries: 0,
            posted: false,
            what: What::Receipt(Box::new(receipt)),
        }
    }

    pub(super) fn is_receipt(&self) -> bool {
        matches!(self.what, What::Receipt(_))
    }
}
