//! The fields that several PDUs share, each with its maximum and the status that answers a bad one.

use crate::CommandStatus as S;
use crate::field::{Spec, address, plain, text};

pub(super) const SERVICE_TYPE: Spec = text("service_type", 6, S::ESME_RINVSERTYP);
pub(super) const MESSAGE_ID: Spec = text("message_id", 65, S::ESME_RINVMSGID);
pub(super) const SCHEDULE: Spec = text("schedule_delivery_time", 17, S::ESME_RINVSCHED);
pub(super) const VALIDITY: Spec = text("validity_period", 17, S::ESME_RINVEXPIRY);
pub(super) const MESSAGE: Spec = text("short_message", 255, S::ESME_RINVMSGLEN);
pub(super) const SOURCE: Spec = source(21);
pub(super) const DESTINATION: Spec = destination(21);
pub(super) const ESM_CLASS: Spec = plain("esm_class");
pub(super) const PROTOCOL_ID: Spec = plain("protocol_id");
pub(super) const PRIORITY: Spec = plain("priority_flag");
pub(super) const REGISTERED_DELIVERY: Spec = plain("registered_delivery");
pub(super) const REPLACE_IF_PRESENT: Spec = plain("replace_if_present_flag");
pub(super) const DATA_CODING: Spec = plain("data_coding");
pub(super) const DEFAULT_MSG_ID: Spec = plain("sm_default_msg_id");

/// The source address: 21 octets, 65 in data_sm and alert_notification.
pub(super) const fn source(max: usize) -> Spec {
    address(
        ["source_addr_ton", "source_addr_npi", "source_addr"],
        max,
        S::ESME_RINVSRCADR,
    )
}

/// The destination address: 21 octets, 65 in data_sm.
pub(super) const fn destination(max: usize) -> Spec {
    address(
        ["dest_addr_ton", "dest_addr_npi", "destination_addr"],
        max,
        S::ESME_RINVDSTADR,
    )
}
