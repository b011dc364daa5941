//! The PDUs without a mandatory field: unbind, enquire_link, generic_nack (SMPP 3.4 §4.2, §4.3, §4.11).

use super::body::body;

body! {
    /// One side ends the session (SMPP 3.4 §4.2.1).
    Unbind {}
}

body! {
    /// The other side agrees (SMPP 3.4 §4.2.2).
    UnbindResp {}
}

body! {
    /// One side asks whether the other is there (SMPP 3.4 §4.11.1).
    EnquireLink {}
}

body! {
    /// It is (SMPP 3.4 §4.11.2).
    EnquireLinkResp {}
}

body! {
    /// Answers what has no response of its own, or could not be read; the status says why (SMPP 3.4 §4.3.1).
    GenericNack {}
}
