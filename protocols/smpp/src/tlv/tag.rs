//! Every tag of SMPP 3.4 §5.3.2 and 5.0 §4.8.4: number, name, format, length.

use std::fmt;
use std::ops::RangeInclusive;

/// The tag of an optional parameter; unknown values are kept as they came.
///
/// ```
/// use araldo_smpp::TlvTag;
///
/// assert_eq!(TlvTag(0x0424), TlvTag::MESSAGE_PAYLOAD);
/// assert_eq!(TlvTag::from_name("sar_msg_ref_num"), Some(TlvTag(0x020C)));
/// assert!(TlvTag::SAR_MSG_REF_NUM.allows_length(2) && !TlvTag::SAR_MSG_REF_NUM.allows_length(1));
/// assert_eq!(TlvTag(0x1401).name(), "vendor_specific");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlvTag(pub u16);

/// How the value of a TLV is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlvFormat {
    /// An unsigned integer, big end first.
    Integer,
    /// A string closed by a NUL.
    COctet,
    /// Octets.
    Octets,
}

const I: TlvFormat = TlvFormat::Integer;
const C: TlvFormat = TlvFormat::COctet;
const O: TlvFormat = TlvFormat::Octets;

macro_rules! tags {
    ($($constant:ident = $value:literal, $name:literal, $format:ident, $lengths:expr;)*) => {
        impl TlvTag {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self($value);)*

            /// The name in SMPP 5.0; `vendor_specific` from 0x1400 to 0x3FFF, else `unknown`.
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($value => $name,)*
                    0x1400..=0x3FFF => "vendor_specific",
                    _ => "unknown",
                }
            }

            /// The tag of that name; `destination_port`, as 3.4 calls dest_port, too.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self($value)),)*
                    "destination_port" => Some(Self::DEST_PORT),
                    _ => None,
                }
            }

            /// How its value is to be read; octets when nobody says.
            pub const fn format(self) -> TlvFormat {
                match self.0 { $($value => $format,)* _ => O }
            }

            const fn lengths(self) -> RangeInclusive<usize> {
                match self.0 { $($value => $lengths,)* _ => 0..=0xFFFF }
            }
        }
    };
}

tags! {
    DEST_ADDR_SUBUNIT = 0x0005, "dest_addr_subunit", I, 1..=1;
    DEST_NETWORK_TYPE = 0x0006, "dest_network_type", I, 1..=1;
    DEST_BEARER_TYPE = 0x0007, "dest_bearer_type", I, 1..=1;
    DEST_TELEMATICS_ID = 0x0008, "dest_telematics_id", I, 2..=2;
    SOURCE_ADDR_SUBUNIT = 0x000D, "source_addr_subunit", I, 1..=1;
    SOURCE_NETWORK_TYPE = 0x000E, "source_network_type", I, 1..=1;
    SOURCE_BEARER_TYPE = 0x000F, "source_bearer_type", I, 1..=1;
    SOURCE_TELEMATICS_ID = 0x0010, "source_telematics_id", I, 1..=2;
    QOS_TIME_TO_LIVE = 0x0017, "qos_time_to_live", I, 4..=4;
    PAYLOAD_TYPE = 0x0019, "payload_type", I, 1..=1;
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D, "additional_status_info_text", C, 1..=256;
    RECEIPTED_MESSAGE_ID = 0x001E, "receipted_message_id", C, 1..=65;
    MS_MSG_WAIT_FACILITIES = 0x0030, "ms_msg_wait_facilities", I, 1..=1;
    PRIVACY_INDICATOR = 0x0201, "privacy_indicator", I, 1..=1;
    SOURCE_SUBADDRESS = 0x0202, "source_subaddress", O, 2..=23;
    DEST_SUBADDRESS = 0x0203, "dest_subaddress", O, 2..=23;
    USER_MESSAGE_REFERENCE = 0x0204, "user_message_reference", I, 2..=2;
    USER_RESPONSE_CODE = 0x0205, "user_response_code", I, 1..=1;
    SOURCE_PORT = 0x020A, "source_port", I, 2..=2;
    DEST_PORT = 0x020B, "dest_port", I, 2..=2;
    SAR_MSG_REF_NUM = 0x020C, "sar_msg_ref_num", I, 2..=2;
    LANGUAGE_INDICATOR = 0x020D, "language_indicator", I, 1..=1;
    SAR_TOTAL_SEGMENTS = 0x020E, "sar_total_segments", I, 1..=1;
    SAR_SEGMENT_SEQNUM = 0x020F, "sar_segment_seqnum", I, 1..=1;
    SC_INTERFACE_VERSION = 0x0210, "sc_interface_version", I, 1..=1;
    CALLBACK_NUM_PRES_IND = 0x0302, "callback_num_pres_ind", I, 1..=1;
    CALLBACK_NUM_ATAG = 0x0303, "callback_num_atag", O, 0..=65;
    NUMBER_OF_MESSAGES = 0x0304, "number_of_messages", I, 1..=1;
    CALLBACK_NUM = 0x0381, "callback_num", O, 4..=19;
    DPF_RESULT = 0x0420, "dpf_result", I, 1..=1;
    SET_DPF = 0x0421, "set_dpf", I, 1..=1;
    MS_AVAILABILITY_STATUS = 0x0422, "ms_availability_status", I, 1..=1;
    NETWORK_ERROR_CODE = 0x0423, "network_error_code", O, 3..=3;
    MESSAGE_PAYLOAD = 0x0424, "message_payload", O, 0..=0xFFFF;
    DELIVERY_FAILURE_REASON = 0x0425, "delivery_failure_reason", I, 1..=1;
    MORE_MESSAGES_TO_SEND = 0x0426, "more_messages_to_send", I, 1..=1;
    MESSAGE_STATE = 0x0427, "message_state", I, 1..=1;
    CONGESTION_STATE = 0x0428, "congestion_state", I, 1..=1;
    USSD_SERVICE_OP = 0x0501, "ussd_service_op", I, 1..=1;
    BROADCAST_CHANNEL_INDICATOR = 0x0600, "broadcast_channel_indicator", I, 1..=1;
    BROADCAST_CONTENT_TYPE = 0x0601, "broadcast_content_type", O, 3..=3;
    BROADCAST_CONTENT_TYPE_INFO = 0x0602, "broadcast_content_type_info", O, 1..=255;
    BROADCAST_MESSAGE_CLASS = 0x0603, "broadcast_message_class", I, 1..=1;
    BROADCAST_REP_NUM = 0x0604, "broadcast_rep_num", I, 2..=2;
    BROADCAST_FREQUENCY_INTERVAL = 0x0605, "broadcast_frequency_interval", O, 3..=3;
    BROADCAST_AREA_IDENTIFIER = 0x0606, "broadcast_area_identifier", O, 1..=0xFFFF;
    BROADCAST_ERROR_STATUS = 0x0607, "broadcast_error_status", I, 4..=4;
    BROADCAST_AREA_SUCCESS = 0x0608, "broadcast_area_success", I, 1..=1;
    BROADCAST_END_TIME = 0x0609, "broadcast_end_time", O, 16..=17;
    BROADCAST_SERVICE_GROUP = 0x060A, "broadcast_service_group", O, 1..=255;
    BILLING_IDENTIFICATION = 0x060B, "billing_identification", O, 1..=1024;
    SOURCE_NETWORK_ID = 0x060D, "source_network_id", C, 7..=66;
    DEST_NETWORK_ID = 0x060E, "dest_network_id", C, 7..=66;
    SOURCE_NODE_ID = 0x060F, "source_node_id", O, 6..=6;
    DEST_NODE_ID = 0x0610, "dest_node_id", O, 6..=6;
    DEST_ADDR_NP_RESOLUTION = 0x0611, "dest_addr_np_resolution", I, 1..=1;
    DEST_ADDR_NP_INFORMATION = 0x0612, "dest_addr_np_information", O, 10..=10;
    DEST_ADDR_NP_COUNTRY = 0x0613, "dest_addr_np_country", O, 1..=5;
    DISPLAY_TIME = 0x1201, "display_time", I, 1..=1;
    SMS_SIGNAL = 0x1203, "sms_signal", I, 2..=2;
    MS_VALIDITY = 0x1204, "ms_validity", O, 1..=4;
    ALERT_ON_MESSAGE_DELIVERY = 0x130C, "alert_on_message_delivery", O, 0..=1;
    ITS_REPLY_TYPE = 0x1380, "its_reply_type", I, 1..=1;
    ITS_SESSION_INFO = 0x1383, "its_session_info", O, 2..=2;
}

impl TlvTag {
    /// Whether the tag's value may be so long; always so for a tag nobody defined.
    pub fn allows_length(self, length: usize) -> bool {
        match self {
            Self::MS_VALIDITY => matches!(length, 1 | 4),
            other => other.lengths().contains(&length),
        }
    }

    /// The width in which an integer of this tag is written.
    pub const fn integer_width(self) -> usize {
        *self.lengths().start()
    }
}

impl fmt::Display for TlvTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(0x{:04X})", self.name(), self.0)
    }
}

impl fmt::Debug for TlvTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
