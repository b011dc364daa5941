//! cancel_sm and its response (SMPP 3.4 §4.9).

use super::body::body;
use super::specs;
use crate::value::{Address, COctet};

body! {
    /// The ESME takes back one MT, or with an empty `message_id` all of same service, source and destination (SMPP 3.4 §4.9.1).
    CancelSm {
        /// The SMS application service. 5 characters at most.
        service_type: COctet = specs::SERVICE_TYPE,
        /// The message centre's id, or empty.
        message_id: COctet = specs::MESSAGE_ID,
        /// The sender given when it was submitted.
        source: Address = specs::SOURCE,
        /// The recipient; may be empty when `message_id` is given.
        destination: Address = specs::DESTINATION,
    }
}

body! {
    /// Whether it was taken back, by the status (SMPP 3.4 §4.9.2).
    CancelSmResp {}
}
