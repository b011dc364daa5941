//! The optional parameters a gateway reads, each under its name and type.
//!
//! `None` means absent, or present with a length its tag cannot have.

use bytes::Bytes;

use super::{TlvTag, Tlvs};
use crate::value::{COctet, InterfaceVersion, MessageState};

/// The handset network's own error (SMPP 3.4 §5.3.2.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetworkErrorCode {
    /// 1 ANSI-136, 2 IS-95, 3 GSM; more in 5.0.
    pub network_type: u8,
    /// The error in that network's own numbering.
    pub error_code: u16,
}

macro_rules! integers {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $tag:ident;)*) => {
        impl Tlvs {
            $($(#[$doc])* pub fn $name(&self) -> Option<$type> {
                self.get_int(TlvTag::$tag).and_then(|value| <$type>::try_from(value).ok())
            })*
        }
    };
}

integers! {
    /// The ESME's own reference of a message (SMPP 3.4 §5.3.2.17).
    user_message_reference: u16 = USER_MESSAGE_REFERENCE;
    /// Reference shared by the segments of one text (SMPP 3.4 §5.3.2.22).
    sar_msg_ref_num: u16 = SAR_MSG_REF_NUM;
    /// How many segments the text has (SMPP 3.4 §5.3.2.23).
    sar_total_segments: u8 = SAR_TOTAL_SEGMENTS;
    /// Which segment this is, from 1 (SMPP 3.4 §5.3.2.24).
    sar_segment_seqnum: u8 = SAR_SEGMENT_SEQNUM;
    /// Application port of the source (SMPP 3.4 §5.3.2.20).
    source_port: u16 = SOURCE_PORT;
    /// Application port of the destination (SMPP 3.4 §5.3.2.21).
    destination_port: u16 = DEST_PORT;
    /// How loaded the peer is, 0 to 100 (SMPP 5.0 §4.8.4.18).
    congestion_state: u8 = CONGESTION_STATE;
    /// Why delivery failed (SMPP 3.4 §5.3.2.33).
    delivery_failure_reason: u8 = DELIVERY_FAILURE_REASON;
    /// The language of the text (SMPP 3.4 §5.3.2.19).
    language_indicator: u8 = LANGUAGE_INDICATOR;
}

impl Tlvs {
    /// The id of the MT that a receipt is about (SMPP 3.4 §5.3.2.12).
    pub fn receipted_message_id(&self) -> Option<COctet> {
        self.get_c_octet(TlvTag::RECEIPTED_MESSAGE_ID)
    }

    /// The state that a receipt tells (SMPP 3.4 §5.3.2.35).
    pub fn message_state(&self) -> Option<MessageState> {
        let state = self.get_int(TlvTag::MESSAGE_STATE)?;
        u8::try_from(state).ok().map(MessageState)
    }

    /// A text too long for short_message (SMPP 3.4 §5.3.2.32).
    pub fn message_payload(&self) -> Option<Bytes> {
        self.get_bytes(TlvTag::MESSAGE_PAYLOAD)
    }

    /// The handset network's own error (SMPP 3.4 §5.3.2.31).
    pub fn network_error_code(&self) -> Option<NetworkErrorCode> {
        let &[network_type, high, low] = self.get(TlvTag::NETWORK_ERROR_CODE)? else {
            return None;
        };
        Some(NetworkErrorCode {
            network_type,
            error_code: u16::from_be_bytes([high, low]),
        })
    }

    /// The version the message centre speaks (SMPP 3.4 §5.3.2.25).
    pub fn sc_interface_version(&self) -> Option<InterfaceVersion> {
        let version = self.get_int(TlvTag::SC_INTERFACE_VERSION)?;
        u8::try_from(version).ok().map(InterfaceVersion)
    }

    /// The peer's own words about a status (SMPP 3.4 §5.3.2.11).
    pub fn additional_status_info_text(&self) -> Option<COctet> {
        self.get_c_octet(TlvTag::ADDITIONAL_STATUS_INFO_TEXT)
    }
}
