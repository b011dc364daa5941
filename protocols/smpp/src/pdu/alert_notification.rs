//! alert_notification (SMPP 3.4 §4.12).

use super::body::body;
use super::specs;
use crate::CommandStatus as S;
use crate::field::address;
use crate::value::Address;

body! {
    /// The message centre tells that a handset is reachable again (SMPP 3.4 §4.12.1). It has no response.
    AlertNotification {
        /// The handset.
        source: Address = specs::source(65),
        /// The ESME that had asked.
        esme: Address = address(["esme_addr_ton", "esme_addr_npi", "esme_addr"], 65, S::ESME_RINVDSTADR),
    }
}
