//! Mandatory fields of one octet that say how a message is to be handled.

use super::octet_value;

octet_value! {
    /// priority_flag (SMPP 3.4 §5.2.14). GSM knows normal (0) and priority (1 to 3); other networks a word a level.
    PriorityFlag {
        /// The lowest: non-priority in GSM, bulk in ANSI-136, normal in IS-95.
        LEVEL_0 = 0,
        /// Priority in GSM, normal in ANSI-136, interactive in IS-95.
        LEVEL_1 = 1,
        /// Priority in GSM, urgent in ANSI-136 and IS-95.
        LEVEL_2 = 2,
        /// Priority in GSM, very urgent in ANSI-136, emergency in IS-95.
        LEVEL_3 = 3,
        /// The highest of a cell broadcast (5.0).
        LEVEL_4 = 4,
    }
}

octet_value! {
    /// replace_if_present_flag (SMPP 3.4 §5.2.18).
    ReplaceIfPresentFlag {
        /// What is pending stays.
        KEEP = 0,
        /// What is pending and has the same source, destination and service_type is replaced.
        REPLACE = 1,
    }
}

octet_value! {
    /// protocol_id: TP-PID on GSM (SMPP 3.4 §5.2.13, 3GPP TS 23.040 §9.2.3.9); other networks ignore it.
    ProtocolId {
        /// A short message and nothing else.
        DEFAULT = 0x00,
        /// Acknowledged by the handset and thrown away.
        SHORT_MESSAGE_TYPE_0 = 0x40,
        /// Replaces the message of type 1 from the same sender; types 2 to 7 follow, up to 0x47.
        REPLACE_TYPE_1 = 0x41,
        /// The last of the types that replace.
        REPLACE_TYPE_7 = 0x47,
        /// The sender wants to be called back.
        RETURN_CALL = 0x5F,
        /// For the mobile equipment rather than the user.
        ME_DATA_DOWNLOAD = 0x7D,
        /// Takes the equipment's lock to a network off.
        ME_DEPERSONALIZATION = 0x7E,
        /// For the SIM rather than the user.
        USIM_DATA_DOWNLOAD = 0x7F,
    }
}
