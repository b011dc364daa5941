//! data_sm and its response (SMPP 3.4 §4.7).

use super::body::body;
use super::specs;
use crate::value::{Address, COctet, DataCoding, EsmClass, RegisteredDelivery};

body! {
    /// A message in either direction whose text is in message_payload (SMPP 3.4 §4.7.1).
    DataSm {
        /// The SMS application service. 5 characters at most.
        service_type: COctet = specs::SERVICE_TYPE,
        /// The sender; 64 characters at most.
        source: Address = specs::source(65),
        /// The recipient; 64 characters at most.
        destination: Address = specs::destination(65),
        /// Mode, type and features.
        esm_class: EsmClass = specs::ESM_CLASS,
        /// Which receipts are wanted.
        registered_delivery: RegisteredDelivery = specs::REGISTERED_DELIVERY,
        /// The alphabet of the text.
        data_coding: DataCoding = specs::DATA_CODING,
    }
}

body! {
    /// The message was taken (SMPP 3.4 §4.7.2).
    DataSmResp {
        /// The message centre's id, opaque; 64 characters at most.
        message_id: COctet = specs::MESSAGE_ID,
    }
}
