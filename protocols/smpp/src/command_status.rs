//! `command_status`: how a request ended (SMPP 3.4 §5.1.3, 5.0 §4.7.6).

use std::fmt;

/// The outcome of a request; unknown and vendor values (0x400 to 0x4FF) are kept as they came.
///
/// ```
/// use araldo_smpp::CommandStatus;
///
/// let status = CommandStatus(0x58);
/// assert_eq!((status, status.to_string().as_str()), (CommandStatus::ESME_RTHROTTLED, "ESME_RTHROTTLED"));
/// assert_eq!(CommandStatus(0x0500).to_string(), "0x00000500");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandStatus(pub u32);

/// What a status means to a sender who wonders whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusClass {
    /// The peer took the request.
    Ok,
    /// The peer asks for a slower pace; the same request is good later.
    Throttled,
    /// The peer's trouble or one nobody explains: trying again may help.
    Temporary,
    /// This request will be refused again.
    Permanent,
    /// The two sides disagree about the protocol or the state of the session; the message is not at fault.
    Protocol,
}

macro_rules! statuses {
    ($($name:ident = $value:literal, $meaning:literal;)*) => {
        impl CommandStatus {
            $(#[doc = $meaning] pub const $name: Self = Self($value);)*

            /// The name in the standard; `None` for reserved and vendor values.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($value => Some(stringify!($name)),)* _ => None }
            }

            /// The status of that name, as `ESME_RTHROTTLED`; by the names of 5.0 that replaced those of 3.4 too.
            pub fn from_name(name: &str) -> Option<Self> {
                $(if name == stringify!($name) { return Some(Self($value)); })*
                match name {
                    "ESME_RINVTLVSTREAM" => Some(Self::ESME_RINVOPTPARSTREAM),
                    "ESME_RTLVNOTALLWD" => Some(Self::ESME_ROPTPARNOTALLWD),
                    "ESME_RINVTLVLEN" => Some(Self::ESME_RINVPARLEN),
                    "ESME_RMISSINGTLV" => Some(Self::ESME_RMISSINGOPTPARAM),
                    "ESME_RINVTLVVAL" => Some(Self::ESME_RINVOPTPARAMVAL),
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    ESME_ROK = 0x00, "No error.";
    ESME_RINVMSGLEN = 0x01, "Message length is invalid.";
    ESME_RINVCMDLEN = 0x02, "Command length is invalid.";
    ESME_RINVCMDID = 0x03, "Invalid command id.";
    ESME_RINVBNDSTS = 0x04, "Incorrect bind status for the command.";
    ESME_RALYBND = 0x05, "Already in bound state.";
    ESME_RINVPRTFLG = 0x06, "Invalid priority flag.";
    ESME_RINVREGDLVFLG = 0x07, "Invalid registered delivery flag.";
    ESME_RSYSERR = 0x08, "System error.";
    ESME_RINVSRCADR = 0x0A, "Invalid source address.";
    ESME_RINVDSTADR = 0x0B, "Invalid destination address.";
    ESME_RINVMSGID = 0x0C, "Invalid message id.";
    ESME_RBINDFAIL = 0x0D, "Bind failed.";
    ESME_RINVPASWD = 0x0E, "Invalid password.";
    ESME_RINVSYSID = 0x0F, "Invalid system id.";
    ESME_RCANCELFAIL = 0x11, "cancel_sm failed.";
    ESME_RREPLACEFAIL = 0x13, "replace_sm failed.";
    ESME_RMSGQFUL = 0x14, "Message queue full.";
    ESME_RINVSERTYP = 0x15, "Invalid service type.";
    ESME_RINVNUMDESTS = 0x33, "Invalid number of destinations.";
    ESME_RINVDLNAME = 0x34, "Invalid distribution list name.";
    ESME_RINVDESTFLAG = 0x40, "Invalid destination flag (submit_multi).";
    ESME_RINVSUBREP = 0x42, "Submit with replace is not supported.";
    ESME_RINVESMCLASS = 0x43, "Invalid esm_class.";
    ESME_RCNTSUBDL = 0x44, "Cannot submit to distribution list.";
    ESME_RSUBMITFAIL = 0x45, "submit_sm or submit_multi failed.";
    ESME_RINVSRCTON = 0x48, "Invalid source address TON.";
    ESME_RINVSRCNPI = 0x49, "Invalid source address NPI.";
    ESME_RINVDSTTON = 0x50, "Invalid destination address TON.";
    ESME_RINVDSTNPI = 0x51, "Invalid destination address NPI.";
    ESME_RINVSYSTYP = 0x53, "Invalid system_type.";
    ESME_RINVREPFLAG = 0x54, "Invalid replace_if_present flag.";
    ESME_RINVNUMMSGS = 0x55, "Invalid number of messages.";
    ESME_RTHROTTLED = 0x58, "Throttling: the allowed pace was exceeded.";
    ESME_RINVSCHED = 0x61, "Invalid scheduled delivery time.";
    ESME_RINVEXPIRY = 0x62, "Invalid validity period.";
    ESME_RINVDFTMSGID = 0x63, "Predefined message is invalid or not found.";
    ESME_RX_T_APPN = 0x64, "ESME receiver temporary application error.";
    ESME_RX_P_APPN = 0x65, "ESME receiver permanent application error.";
    ESME_RX_R_APPN = 0x66, "ESME receiver reject message error.";
    ESME_RQUERYFAIL = 0x67, "query_sm failed.";
    ESME_RINVOPTPARSTREAM = 0xC0, "Error in the optional part of the PDU body.";
    ESME_ROPTPARNOTALLWD = 0xC1, "Optional parameter not allowed.";
    ESME_RINVPARLEN = 0xC2, "Invalid parameter length.";
    ESME_RMISSINGOPTPARAM = 0xC3, "Expected optional parameter missing.";
    ESME_RINVOPTPARAMVAL = 0xC4, "Invalid optional parameter value.";
    ESME_RDELIVERYFAILURE = 0xFE, "Delivery failure (data_sm_resp).";
    ESME_RUNKNOWNERR = 0xFF, "Unknown error.";
    ESME_RSERTYPUNAUTH = 0x100, "ESME not authorised to use the service type.";
    ESME_RPROHIBITED = 0x101, "ESME prohibited from the operation.";
    ESME_RSERTYPUNAVAIL = 0x102, "Service type unavailable.";
    ESME_RSERTYPDENIED = 0x103, "Service type denied.";
    ESME_RINVDCS = 0x104, "Invalid data coding scheme.";
    ESME_RINVSRCADDRSUBUNIT = 0x105, "Invalid source address subunit.";
    ESME_RINVDSTADDRSUBUNIT = 0x106, "Invalid destination address subunit.";
    ESME_RINVBCASTFREQINT = 0x107, "Invalid broadcast frequency interval.";
    ESME_RINVBCASTALIAS_NAME = 0x108, "Invalid broadcast alias name.";
    ESME_RINVBCASTAREAFMT = 0x109, "Invalid broadcast area format.";
    ESME_RINVNUMBCAST_AREAS = 0x10A, "Invalid number of broadcast areas.";
    ESME_RINVBCASTCNTTYPE = 0x10B, "Invalid broadcast content type.";
    ESME_RINVBCASTMSGCLASS = 0x10C, "Invalid broadcast message class.";
    ESME_RBCASTFAIL = 0x10D, "broadcast_sm failed.";
    ESME_RBCASTQUERYFAIL = 0x10E, "query_broadcast_sm failed.";
    ESME_RBCASTCANCELFAIL = 0x10F, "cancel_broadcast_sm failed.";
    ESME_RINVBCAST_REP = 0x110, "Invalid number of repeated broadcasts.";
    ESME_RINVBCASTSRVGRP = 0x111, "Invalid broadcast service group.";
    ESME_RINVBCASTCHANIND = 0x112, "Invalid broadcast channel indicator.";
}

impl CommandStatus {
    /// Whether the request was taken.
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// What the standard alone says about trying again; a carrier's own table goes before it.
    ///
    /// Values nobody defined, the vendor range among them, are temporary: a message is lost by giving up too early.
    ///
    /// ```
    /// use araldo_smpp::{CommandStatus, StatusClass};
    ///
    /// assert_eq!(CommandStatus::ESME_RTHROTTLED.class(), StatusClass::Throttled);
    /// assert_eq!(CommandStatus::ESME_RINVDSTADR.class(), StatusClass::Permanent);
    /// ```
    pub const fn class(self) -> StatusClass {
        match self {
            Self::ESME_ROK => StatusClass::Ok,
            Self::ESME_RTHROTTLED | Self::ESME_RMSGQFUL => StatusClass::Throttled,
            Self::ESME_RSYSERR
            | Self::ESME_RX_T_APPN
            | Self::ESME_RSUBMITFAIL
            | Self::ESME_RSERTYPUNAVAIL
            | Self::ESME_RDELIVERYFAILURE
            | Self::ESME_RUNKNOWNERR => StatusClass::Temporary,
            Self::ESME_RINVCMDLEN
            | Self::ESME_RINVCMDID
            | Self::ESME_RINVBNDSTS
            | Self::ESME_RALYBND
            | Self::ESME_RBINDFAIL
            | Self::ESME_RINVPASWD
            | Self::ESME_RINVSYSID
            | Self::ESME_RINVSYSTYP => StatusClass::Protocol,
            other => match other.name() {
                Some(_) => StatusClass::Permanent,
                None => StatusClass::Temporary,
            },
        }
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_statuses_are_temporary_until_a_carrier_says_otherwise() {
        assert_eq!(CommandStatus(0x0400).class(), StatusClass::Temporary);
        assert_eq!(CommandStatus(0x0400).to_string(), "0x00000400");
    }

    #[test]
    fn a_refused_destination_is_permanent_and_a_full_queue_asks_for_patience() {
        assert_eq!(CommandStatus::ESME_RINVDSTADR.class(), StatusClass::Permanent);
        assert_eq!(CommandStatus::ESME_RMSGQFUL.class(), StatusClass::Throttled);
        assert_eq!(CommandStatus::from_name("ESME_RMSGQFUL"), Some(CommandStatus(0x14)));
    }

    #[test]
    fn the_names_of_5_0_are_known_beside_those_of_3_4() {
        let names = [
            "ESME_RINVTLVSTREAM",
            "ESME_RTLVNOTALLWD",
            "ESME_RINVTLVLEN",
            "ESME_RMISSINGTLV",
            "ESME_RINVTLVVAL",
        ];
        assert_eq!(
            names.map(CommandStatus::from_name),
            [0xC0, 0xC1, 0xC2, 0xC3, 0xC4].map(|code| Some(CommandStatus(code)))
        );
    }
}
