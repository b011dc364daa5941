//! bind_transmitter, bind_receiver, bind_transceiver, outbind and their responses (SMPP 3.4 §4.1).

use super::body::body;
use crate::CommandStatus as S;
use crate::field::{Spec, address, plain, text};
use crate::value::{Address, COctet, InterfaceVersion, Password};

const SYSTEM_ID: Spec = text("system_id", 16, S::ESME_RINVSYSID);
const PASSWORD: Spec = text("password", 9, S::ESME_RINVPASWD);

body! {
    /// The ESME asks to log in; which of the three binds it is stands in the command (SMPP 3.4 §4.1.1, §4.1.3, §4.1.5).
    Bind {
        /// Who logs in; 15 characters at most.
        system_id: COctet = SYSTEM_ID,
        /// 8 characters at most.
        password: Password = PASSWORD,
        /// The kind of ESME, as the message centre wants it named; often empty. 12 characters at most.
        system_type: COctet = text("system_type", 13, S::ESME_RINVSYSTYP),
        /// The version the ESME speaks.
        interface_version: InterfaceVersion = plain("interface_version"),
        /// The addresses served, `addr` as a pattern (SMPP 3.4 §5.2.7); empty leaves it to the message centre.
        address_range: Address = address(["addr_ton", "addr_npi", "address_range"], 41, S::ESME_RBINDFAIL),
    }
}

body! {
    /// The message centre lets the ESME in (SMPP 3.4 §4.1.2, §4.1.4, §4.1.6).
    BindResp {
        /// Who the message centre is; 15 characters at most.
        system_id: COctet = SYSTEM_ID,
    }
}

body! {
    /// The message centre asks the ESME to bind as receiver (SMPP 3.4 §4.1.7). It has no response.
    Outbind {
        /// Who the message centre is; 15 characters at most.
        system_id: COctet = SYSTEM_ID,
        /// 8 characters at most.
        password: Password = PASSWORD,
    }
}
