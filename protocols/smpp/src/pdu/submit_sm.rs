//! submit_sm and its response (SMPP 3.4 §4.4).

use bytes::Bytes;

use super::body::body;
use super::specs;
use crate::value::{
    Address, COctet, DataCoding, EsmClass, PriorityFlag, ProtocolId, RegisteredDelivery, ReplaceIfPresentFlag,
};

body! {
    /// The ESME hands over an MT for one destination (SMPP 3.4 §4.4.1).
    SubmitSm {
        /// The SMS application service; empty is the message centre's default. 5 characters at most.
        service_type: COctet = specs::SERVICE_TYPE,
        /// The sender; empty lets the message centre choose.
        source: Address = specs::SOURCE,
        /// The recipient.
        destination: Address = specs::DESTINATION,
        /// Mode, type and features.
        esm_class: EsmClass = specs::ESM_CLASS,
        /// TP-PID of the network (SMPP 3.4 §5.2.13).
        protocol_id: ProtocolId = specs::PROTOCOL_ID,
        /// 0 to 3, and 4 in 5.0; its meaning depends on the network (SMPP 3.4 §5.2.14).
        priority_flag: PriorityFlag = specs::PRIORITY,
        /// When to deliver first; empty is at once ([`crate::SmppTime`]).
        schedule_delivery_time: COctet = specs::SCHEDULE,
        /// Until when to try; empty is the message centre's default ([`crate::SmppTime`]).
        validity_period: COctet = specs::VALIDITY,
        /// Which receipts are wanted.
        registered_delivery: RegisteredDelivery = specs::REGISTERED_DELIVERY,
        /// 1 replaces a pending message of same source, destination and service_type.
        replace_if_present_flag: ReplaceIfPresentFlag = specs::REPLACE_IF_PRESENT,
        /// The alphabet of the text.
        data_coding: DataCoding = specs::DATA_CODING,
        /// A text stored at the message centre; 0 is none.
        sm_default_msg_id: u8 = specs::DEFAULT_MSG_ID,
        /// The text, 254 octets at most (255 in 5.0); empty when message_payload carries it.
        short_message: Bytes = specs::MESSAGE,
    }
}

body! {
    /// The message centre has taken the MT (SMPP 3.4 §4.4.2).
    SubmitSmResp {
        /// The message centre's id, opaque; 64 characters at most.
        message_id: COctet = specs::MESSAGE_ID,
    }
}
