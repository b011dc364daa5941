//! deliver_sm and its response (SMPP 3.4 §4.6).

use bytes::Bytes;

use super::body::body;
use super::specs;
use crate::value::{
    Address, COctet, DataCoding, EsmClass, PriorityFlag, ProtocolId, RegisteredDelivery, ReplaceIfPresentFlag,
};

body! {
    /// The message centre brings an MO, or a receipt when `esm_class` says so (SMPP 3.4 §4.6.1).
    DeliverSm {
        /// The SMS application service. 5 characters at most.
        service_type: COctet = specs::SERVICE_TYPE,
        /// Who sent the MO; of a receipt, the destination of the MT.
        source: Address = specs::SOURCE,
        /// The ESME's address.
        destination: Address = specs::DESTINATION,
        /// Mode, type and features.
        esm_class: EsmClass = specs::ESM_CLASS,
        /// TP-PID of the network (SMPP 3.4 §5.2.13).
        protocol_id: ProtocolId = specs::PROTOCOL_ID,
        /// Priority (SMPP 3.4 §5.2.14).
        priority_flag: PriorityFlag = specs::PRIORITY,
        /// Unused, empty.
        schedule_delivery_time: COctet = specs::SCHEDULE,
        /// Unused, empty.
        validity_period: COctet = specs::VALIDITY,
        /// Whether an acknowledgement by the user is wanted.
        registered_delivery: RegisteredDelivery = specs::REGISTERED_DELIVERY,
        /// Unused, zero.
        replace_if_present_flag: ReplaceIfPresentFlag = specs::REPLACE_IF_PRESENT,
        /// The alphabet of the text.
        data_coding: DataCoding = specs::DATA_CODING,
        /// Unused, zero.
        sm_default_msg_id: u8 = specs::DEFAULT_MSG_ID,
        /// The text, 254 octets at most (255 in 5.0); empty when message_payload carries it.
        short_message: Bytes = specs::MESSAGE,
    }
}

body! {
    /// The ESME has it, or says by its status why not (SMPP 3.4 §4.6.2).
    DeliverSmResp {
        /// Unused, empty; what a peer puts there is kept.
        message_id: COctet = specs::MESSAGE_ID,
    }
}
