//! The optional parameters a gateway reads, each under its name and type.
//!
//! `None` means absent, or present with a length its tag cannot have.

use bytes::Bytes;

use super::{TlvTag, Tlvs};
use crate::value::{
    AddrSubunit, BearerType, BroadcastChannelIndicator, BroadcastMessageClass, COctet, CallbackNumPresInd,
    DeliveryFailureReason, DisplayTime, InterfaceVersion, ItsReplyType, LanguageIndicator, MessageState,
    MsAvailabilityStatus, MsMsgWaitFacilities, NetworkType, NpResolution, PayloadType, PrivacyIndicator, UssdServiceOp,
};

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
    /// The protocol of a telematic destination (SMPP 3.4 §5.3.2.7).
    dest_telematics_id: u16 = DEST_TELEMATICS_ID;
    /// The protocol of a telematic source, in one octet or two (SMPP 3.4 §5.3.2.8).
    source_telematics_id: u16 = SOURCE_TELEMATICS_ID;
    /// How long the message centre keeps the message, in seconds (SMPP 3.4 §5.3.2.9).
    qos_time_to_live: u32 = QOS_TIME_TO_LIVE;
    /// A code of the user's, with the user's acknowledgement (SMPP 3.4 §5.3.2.18).
    user_response_code: u8 = USER_RESPONSE_CODE;
    /// How many messages wait in a mailbox, 0 to 99 (SMPP 3.4 §5.3.2.39).
    number_of_messages: u8 = NUMBER_OF_MESSAGES;
    /// How the handset alerts (SMPP 3.4 §5.3.2.40).
    sms_signal: u16 = SMS_SIGNAL;
    /// How often a broadcast is sent (SMPP 5.0 §4.8.4.13).
    broadcast_rep_num: u16 = BROADCAST_REP_NUM;
    /// In which share of the cells a broadcast went out, in percent; 255 is not known (SMPP 5.0 §4.8.4.5).
    broadcast_area_success: u8 = BROADCAST_AREA_SUCCESS;
    /// Whether delivery pending was set: 1 (SMPP 3.4 §5.3.2.28).
    dpf_result: u8 = DPF_RESULT;
    /// Whether delivery pending is to be set: 1 (SMPP 3.4 §5.3.2.29).
    set_dpf: u8 = SET_DPF;
    /// Whether more messages to this destination follow: 1 (SMPP 3.4 §5.3.2.34).
    more_messages_to_send: u8 = MORE_MESSAGES_TO_SEND;
}

/// As `integers`, for a value of one octet that has a type of its own.
macro_rules! enumerations {
    ($($(#[$doc:meta])* $name:ident: $type:ident = $tag:ident;)*) => {
        impl Tlvs {
            $($(#[$doc])* pub fn $name(&self) -> Option<$type> {
                let value = self.get_int(TlvTag::$tag)?;
                u8::try_from(value).ok().map($type)
            })*
        }
    };
}

enumerations! {
    /// Where in the destination the text goes (SMPP 3.4 §5.3.2.1).
    dest_addr_subunit: AddrSubunit = DEST_ADDR_SUBUNIT;
    /// Where in the source the text comes from (SMPP 3.4 §5.3.2.2).
    source_addr_subunit: AddrSubunit = SOURCE_ADDR_SUBUNIT;
    /// The network of the destination (SMPP 3.4 §5.3.2.3).
    dest_network_type: NetworkType = DEST_NETWORK_TYPE;
    /// The network of the source (SMPP 3.4 §5.3.2.4).
    source_network_type: NetworkType = SOURCE_NETWORK_TYPE;
    /// How the destination's network carries the text (SMPP 3.4 §5.3.2.5).
    dest_bearer_type: BearerType = DEST_BEARER_TYPE;
    /// How the source's network carries the text (SMPP 3.4 §5.3.2.6).
    source_bearer_type: BearerType = SOURCE_BEARER_TYPE;
    /// What message_payload holds (SMPP 3.4 §5.3.2.10).
    payload_type: PayloadType = PAYLOAD_TYPE;
    /// How private the text is (SMPP 3.4 §5.3.2.14).
    privacy_indicator: PrivacyIndicator = PRIVACY_INDICATOR;
    /// The language of the text (SMPP 3.4 §5.3.2.19).
    language_indicator: LanguageIndicator = LANGUAGE_INDICATOR;
    /// Whether the handset can be reached (SMPP 3.4 §5.3.2.30).
    ms_availability_status: MsAvailabilityStatus = MS_AVAILABILITY_STATUS;
    /// Why delivery failed (SMPP 3.4 §5.3.2.33).
    delivery_failure_reason: DeliveryFailureReason = DELIVERY_FAILURE_REASON;
    /// A step of a USSD dialogue (SMPP 3.4 §5.3.2.44).
    ussd_service_op: UssdServiceOp = USSD_SERVICE_OP;
    /// How the user is to answer (SMPP 3.4 §5.3.2.42).
    its_reply_type: ItsReplyType = ITS_REPLY_TYPE;
    /// How long the text stays on the display (SMPP 3.4 §5.3.2.26).
    display_time: DisplayTime = DISPLAY_TIME;
    /// The channel of a broadcast (SMPP 5.0 §4.8.4.7).
    broadcast_channel_indicator: BroadcastChannelIndicator = BROADCAST_CHANNEL_INDICATOR;
    /// The class of a broadcast (SMPP 5.0 §4.8.4.12).
    broadcast_message_class: BroadcastMessageClass = BROADCAST_MESSAGE_CLASS;
    /// Which indicator of waiting messages is set, and for what (SMPP 3.4 §5.3.2.13).
    ms_msg_wait_facilities: MsMsgWaitFacilities = MS_MSG_WAIT_FACILITIES;
    /// Whether and how the first callback_num is shown (SMPP 3.4 §5.3.2.37).
    callback_num_pres_ind: CallbackNumPresInd = CALLBACK_NUM_PRES_IND;
    /// Whether the number was looked up for portability (SMPP 5.0 §4.8.4.22).
    dest_addr_np_resolution: NpResolution = DEST_ADDR_NP_RESOLUTION;
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
