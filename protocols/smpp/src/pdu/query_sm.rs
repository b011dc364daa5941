//! query_sm and its response (SMPP 3.4 §4.8).

use super::body::body;
use super::specs;
use crate::CommandStatus as S;
use crate::field::{plain, text};
use crate::value::{Address, COctet, MessageState};

body! {
    /// The ESME asks where an MT stands (SMPP 3.4 §4.8.1).
    QuerySm {
        /// The message centre's id of it.
        message_id: COctet = specs::MESSAGE_ID,
        /// The sender given when it was submitted.
        source: Address = specs::SOURCE,
    }
}

body! {
    /// Where it stands (SMPP 3.4 §4.8.2).
    QuerySmResp {
        /// The id asked for.
        message_id: COctet = specs::MESSAGE_ID,
        /// When it reached a final state; empty before ([`crate::SmppTime`]).
        final_date: COctet = text("final_date", 17, S::ESME_RQUERYFAIL),
        /// The state.
        message_state: MessageState = plain("message_state"),
        /// The network's error, 0 for none.
        error_code: u8 = plain("error_code"),
    }
}
