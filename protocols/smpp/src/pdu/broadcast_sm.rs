//! broadcast_sm, query_broadcast_sm, cancel_broadcast_sm and their responses (SMPP 5.0 §4.4 to §4.6).

use super::body::body;
use super::specs;
use crate::value::{Address, COctet, DataCoding, PriorityFlag, ReplaceIfPresentFlag};

body! {
    /// The ESME hands over a message for all handsets in an area, which TLVs describe (SMPP 5.0 §4.4.1.1).
    BroadcastSm {
        /// The SMS application service. 5 characters at most.
        service_type: COctet = specs::SERVICE_TYPE,
        /// The sender.
        source: Address = specs::SOURCE,
        /// The id of a broadcast to replace; empty for a new one.
        message_id: COctet = specs::MESSAGE_ID,
        /// Priority.
        priority_flag: PriorityFlag = specs::PRIORITY,
        /// When to begin; empty is at once ([`crate::SmppTime`]).
        schedule_delivery_time: COctet = specs::SCHEDULE,
        /// Until when; empty is the message centre's default ([`crate::SmppTime`]).
        validity_period: COctet = specs::VALIDITY,
        /// 1 replaces the broadcast of `message_id`.
        replace_if_present_flag: ReplaceIfPresentFlag = specs::REPLACE_IF_PRESENT,
        /// The alphabet of the text.
        data_coding: DataCoding = specs::DATA_CODING,
        /// A text stored at the message centre; 0 is none.
        sm_default_msg_id: u8 = specs::DEFAULT_MSG_ID,
    }
}

body! {
    /// The broadcast was taken (SMPP 5.0 §4.4.1.2).
    BroadcastSmResp {
        /// The message centre's id of it.
        message_id: COctet = specs::MESSAGE_ID,
    }
}

body! {
    /// The ESME asks where a broadcast stands (SMPP 5.0 §4.6.1.1).
    QueryBroadcastSm {
        /// The message centre's id of it.
        message_id: COctet = specs::MESSAGE_ID,
        /// The sender given when it was submitted.
        source: Address = specs::SOURCE,
    }
}

body! {
    /// Where it stands, in TLVs (SMPP 5.0 §4.6.1.3).
    QueryBroadcastSmResp {
        /// The id asked for.
        message_id: COctet = specs::MESSAGE_ID,
    }
}

body! {
    /// The ESME takes back a broadcast (SMPP 5.0 §4.6.2.1).
    CancelBroadcastSm {
        /// The SMS application service. 5 characters at most.
        service_type: COctet = specs::SERVICE_TYPE,
        /// The message centre's id, or empty.
        message_id: COctet = specs::MESSAGE_ID,
        /// The sender given when it was submitted.
        source: Address = specs::SOURCE,
    }
}

body! {
    /// Whether it was taken back, by the status (SMPP 5.0 §4.6.2.3).
    CancelBroadcastSmResp {}
}
