//! `command_id`: which PDU it is (SMPP 3.4 §5.1.2.1, 5.0 §4.7.5).

use std::fmt;

/// Names a PDU; the top bit marks a response. Unknown values are kept as they came.
///
/// ```
/// use araldo_smpp::CommandId;
///
/// assert_eq!(CommandId::SUBMIT_SM.response(), Some(CommandId::SUBMIT_SM_RESP));
/// assert_eq!(CommandId(0x8000_0004).name(), Some("submit_sm_resp"));
/// assert_eq!(CommandId(0x0001_0203).name(), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub u32);

const RESPONSE: u32 = 0x8000_0000;

macro_rules! commands {
    ($($constant:ident = $value:literal, $name:literal;)*) => {
        impl CommandId {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self($value);)*

            /// The name in the standard; `None` when the standard has none for this value.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($value => Some($name),)* _ => None }
            }

            /// The command of that name, as `submit_sm`.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self($value)),)* _ => None }
            }
        }
    };
}

commands! {
    GENERIC_NACK = 0x8000_0000, "generic_nack";
    BIND_RECEIVER = 0x0000_0001, "bind_receiver";
    BIND_RECEIVER_RESP = 0x8000_0001, "bind_receiver_resp";
    BIND_TRANSMITTER = 0x0000_0002, "bind_transmitter";
    BIND_TRANSMITTER_RESP = 0x8000_0002, "bind_transmitter_resp";
    QUERY_SM = 0x0000_0003, "query_sm";
    QUERY_SM_RESP = 0x8000_0003, "query_sm_resp";
    SUBMIT_SM = 0x0000_0004, "submit_sm";
    SUBMIT_SM_RESP = 0x8000_0004, "submit_sm_resp";
    DELIVER_SM = 0x0000_0005, "deliver_sm";
    DELIVER_SM_RESP = 0x8000_0005, "deliver_sm_resp";
    UNBIND = 0x0000_0006, "unbind";
    UNBIND_RESP = 0x8000_0006, "unbind_resp";
    REPLACE_SM = 0x0000_0007, "replace_sm";
    REPLACE_SM_RESP = 0x8000_0007, "replace_sm_resp";
    CANCEL_SM = 0x0000_0008, "cancel_sm";
    CANCEL_SM_RESP = 0x8000_0008, "cancel_sm_resp";
    BIND_TRANSCEIVER = 0x0000_0009, "bind_transceiver";
    BIND_TRANSCEIVER_RESP = 0x8000_0009, "bind_transceiver_resp";
    OUTBIND = 0x0000_000B, "outbind";
    ENQUIRE_LINK = 0x0000_0015, "enquire_link";
    ENQUIRE_LINK_RESP = 0x8000_0015, "enquire_link_resp";
    SUBMIT_MULTI = 0x0000_0021, "submit_multi";
    SUBMIT_MULTI_RESP = 0x8000_0021, "submit_multi_resp";
    ALERT_NOTIFICATION = 0x0000_0102, "alert_notification";
    DATA_SM = 0x0000_0103, "data_sm";
    DATA_SM_RESP = 0x8000_0103, "data_sm_resp";
    BROADCAST_SM = 0x0000_0111, "broadcast_sm";
    BROADCAST_SM_RESP = 0x8000_0111, "broadcast_sm_resp";
    QUERY_BROADCAST_SM = 0x0000_0112, "query_broadcast_sm";
    QUERY_BROADCAST_SM_RESP = 0x8000_0112, "query_broadcast_sm_resp";
    CANCEL_BROADCAST_SM = 0x0000_0113, "cancel_broadcast_sm";
    CANCEL_BROADCAST_SM_RESP = 0x8000_0113, "cancel_broadcast_sm_resp";
}

impl CommandId {
    /// Whether the top bit is set, which makes it a response or generic_nack.
    pub const fn is_response(self) -> bool {
        self.0 & RESPONSE != 0
    }

    /// The response to this request; `None` for a response, an unknown request, outbind and alert_notification,
    /// which are not answered by a response of their own.
    pub fn response(self) -> Option<Self> {
        let response = Self(self.0 | RESPONSE);
        (!self.is_response() && self.name().is_some() && response.name().is_some()).then_some(response)
    }

    /// The request that this response answers; `None` for a request and for generic_nack, which answers any.
    pub fn request(self) -> Option<Self> {
        (self.is_response() && self != Self::GENERIC_NACK).then_some(Self(self.0 & !RESPONSE))
    }

    /// Whether it is one of the three binds. Their octets carry a password.
    pub const fn is_bind(self) -> bool {
        matches!(
            self,
            Self::BIND_RECEIVER | Self::BIND_TRANSMITTER | Self::BIND_TRANSCEIVER
        )
    }

    /// Whether it came with SMPP 5.0 only: the broadcast family.
    pub const fn is_version_5(self) -> bool {
        matches!(
            self,
            Self::BROADCAST_SM | Self::QUERY_BROADCAST_SM | Self::CANCEL_BROADCAST_SM
        )
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
