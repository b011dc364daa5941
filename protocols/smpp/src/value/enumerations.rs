//! The enumerations that TLVs carry in one octet (SMPP 3.4 §5.3.2, 5.0 §4.8.4).

use super::octet_value;

octet_value! {
    /// Where in the handset a text goes or comes from: dest_addr_subunit, source_addr_subunit (SMPP 3.4 §5.3.2.1).
    AddrSubunit {
        /// Not known.
        UNKNOWN = 0,
        /// The display: what is called flash.
        MS_DISPLAY = 1,
        /// The mobile equipment.
        MOBILE_EQUIPMENT = 2,
        /// The smart card.
        SMART_CARD_1 = 3,
        /// A unit outside.
        EXTERNAL_UNIT_1 = 4,
    }
}

octet_value! {
    /// The network of an address: dest_network_type, source_network_type (SMPP 3.4 §5.3.2.3).
    NetworkType {
        /// Not known.
        UNKNOWN = 0,
        /// GSM.
        GSM = 1,
        /// ANSI-136, TDMA.
        ANSI_136 = 2,
        /// IS-95, CDMA.
        IS_95 = 3,
        /// PDC.
        PDC = 4,
        /// PHS.
        PHS = 5,
        /// iDEN.
        IDEN = 6,
        /// AMPS.
        AMPS = 7,
        /// A paging network.
        PAGING = 8,
    }
}

octet_value! {
    /// How the network carries the text: dest_bearer_type, source_bearer_type (SMPP 3.4 §5.3.2.5).
    BearerType {
        /// Not known.
        UNKNOWN = 0,
        /// SMS.
        SMS = 1,
        /// Circuit switched data.
        CSD = 2,
        /// Packet data.
        PACKET_DATA = 3,
        /// USSD.
        USSD = 4,
        /// CDPD.
        CDPD = 5,
        /// DataTAC.
        DATA_TAC = 6,
        /// FLEX, ReFLEX.
        FLEX = 7,
        /// Cell broadcast.
        CELL_BROADCAST = 8,
    }
}

octet_value! {
    /// What message_payload holds (SMPP 3.4 §5.3.2.10).
    PayloadType {
        /// What the other fields say.
        DEFAULT = 0,
        /// WCMP.
        WCMP = 1,
    }
}

octet_value! {
    /// How private the text is (SMPP 3.4 §5.3.2.14).
    PrivacyIndicator {
        /// Not restricted.
        NOT_RESTRICTED = 0,
        /// Restricted.
        RESTRICTED = 1,
        /// Confidential.
        CONFIDENTIAL = 2,
        /// Secret.
        SECRET = 3,
    }
}

octet_value! {
    /// The language of the text (SMPP 3.4 §5.3.2.19).
    LanguageIndicator {
        /// Not said.
        UNSPECIFIED = 0,
        /// English.
        ENGLISH = 1,
        /// French.
        FRENCH = 2,
        /// Spanish.
        SPANISH = 3,
        /// German.
        GERMAN = 4,
        /// Portuguese.
        PORTUGUESE = 5,
    }
}

octet_value! {
    /// Whether the handset can be reached (SMPP 3.4 §5.3.2.30).
    MsAvailabilityStatus {
        /// It can.
        AVAILABLE = 0,
        /// The service is denied or suspended.
        DENIED = 1,
        /// It cannot.
        UNAVAILABLE = 2,
    }
}

octet_value! {
    /// Why delivery failed (SMPP 3.4 §5.3.2.33, 5.0 §4.8.4.26).
    DeliveryFailureReason {
        /// The destination cannot be reached.
        DESTINATION_UNAVAILABLE = 0,
        /// The destination's address is invalid.
        DESTINATION_ADDRESS_INVALID = 1,
        /// The network failed for good.
        PERMANENT_NETWORK_ERROR = 2,
        /// The network failed for now.
        TEMPORARY_NETWORK_ERROR = 3,
    }
}

octet_value! {
    /// A step of a USSD dialogue (SMPP 3.4 §5.3.2.44).
    UssdServiceOp {
        /// PSSD indication.
        PSSD_INDICATION = 0,
        /// PSSR indication.
        PSSR_INDICATION = 1,
        /// USSR request.
        USSR_REQUEST = 2,
        /// USSN request.
        USSN_REQUEST = 3,
        /// PSSD response.
        PSSD_RESPONSE = 16,
        /// PSSR response.
        PSSR_RESPONSE = 17,
        /// USSR confirm.
        USSR_CONFIRM = 18,
        /// USSN confirm.
        USSN_CONFIRM = 19,
    }
}

octet_value! {
    /// How the user is to answer (SMPP 3.4 §5.3.2.42).
    ItsReplyType {
        /// A digit.
        DIGIT = 0,
        /// A number.
        NUMBER = 1,
        /// A telephone number.
        TELEPHONE_NO = 2,
        /// A password.
        PASSWORD = 3,
        /// A line of characters.
        CHARACTER_LINE = 4,
        /// A choice from a menu.
        MENU = 5,
        /// A date.
        DATE = 6,
        /// A time.
        TIME = 7,
        /// To go on.
        CONTINUE = 8,
    }
}

octet_value! {
    /// How long the text stays on the display (SMPP 3.4 §5.3.2.26).
    DisplayTime {
        /// For a moment.
        TEMPORARY = 0,
        /// As the handset does.
        DEFAULT = 1,
        /// Until the user takes it away.
        INVOKE = 2,
    }
}

octet_value! {
    /// The channel of a broadcast (SMPP 5.0 §4.8.4.7).
    BroadcastChannelIndicator {
        /// The basic channel.
        BASIC = 0,
        /// The extended channel.
        EXTENDED = 1,
    }
}

octet_value! {
    /// The class of a broadcast (SMPP 5.0 §4.8.4.12).
    BroadcastMessageClass {
        /// No class.
        NONE = 0,
        /// Class 1, of the user.
        CLASS_1 = 1,
        /// Class 2, of the user.
        CLASS_2 = 2,
        /// Class 3, of the terminal equipment.
        CLASS_3 = 3,
    }
}

octet_value! {
    /// How often a broadcast is repeated, in which unit (SMPP 5.0 §4.8.4.11).
    FrequencyUnit {
        /// As often as possible; the amount means nothing.
        AS_OFTEN_AS_POSSIBLE = 0x00,
        /// Seconds.
        SECONDS = 0x08,
        /// Minutes.
        MINUTES = 0x09,
        /// Hours.
        HOURS = 0x0A,
        /// Days.
        DAYS = 0x0B,
        /// Weeks.
        WEEKS = 0x0C,
        /// Months.
        MONTHS = 0x0D,
        /// Years.
        YEARS = 0x0E,
    }
}
