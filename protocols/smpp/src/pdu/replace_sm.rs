//! replace_sm and its response (SMPP 3.4 §4.10).

use bytes::Bytes;

use super::body::body;
use super::specs;
use crate::value::{Address, COctet, RegisteredDelivery};

body! {
    /// The ESME gives an MT that is still pending another text (SMPP 3.4 §4.10.1).
    ReplaceSm {
        /// The message centre's id of it.
        message_id: COctet = specs::MESSAGE_ID,
        /// The sender given when it was submitted.
        source: Address = specs::SOURCE,
        /// Another time of first delivery; empty leaves it ([`crate::SmppTime`]).
        schedule_delivery_time: COctet = specs::SCHEDULE,
        /// Another end of validity; empty leaves it ([`crate::SmppTime`]).
        validity_period: COctet = specs::VALIDITY,
        /// Which receipts are wanted.
        registered_delivery: RegisteredDelivery = specs::REGISTERED_DELIVERY,
        /// A text stored at the message centre; 0 is none.
        sm_default_msg_id: u8 = specs::DEFAULT_MSG_ID,
        /// The new text.
        short_message: Bytes = specs::MESSAGE,
    }
}

body! {
    /// Whether it was replaced, by the status (SMPP 3.4 §4.10.2).
    ReplaceSmResp {}
}
