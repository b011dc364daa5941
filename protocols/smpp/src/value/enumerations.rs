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
    /// Why delivery failed (SMPP 3.4 §5.3.2.33, 5.0 §4.8.4.19).
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

octet_value! {
    /// Whose numbering a network's error is in (SMPP 3.4 §5.3.2.31; from 4 on 5.0).
    ErrorNetworkType {
        /// ANSI-136, why access was denied.
        ANSI_136_ACCESS_DENIED = 1,
        /// IS-95, why access was denied.
        IS_95_ACCESS_DENIED = 2,
        /// GSM.
        GSM = 3,
        /// ANSI-136, the cause.
        ANSI_136_CAUSE = 4,
        /// IS-95, the cause.
        IS_95_CAUSE = 5,
        /// ANSI-41.
        ANSI_41 = 6,
        /// SMPP's own.
        SMPP = 7,
        /// The message centre's own.
        MESSAGE_CENTRE = 8,
    }
}

octet_value! {
    /// How the handset alerts (SMPP 3.4 §5.3.2.41; the values 5.0).
    AlertOnMessageDelivery {
        /// As it does by default.
        DEFAULT = 0,
        /// With low priority.
        LOW = 1,
        /// With medium priority.
        MEDIUM = 2,
        /// With high priority.
        HIGH = 3,
    }
}

octet_value! {
    /// What ends a text's stay in the handset (SMPP 3.4 §5.3.2.27).
    MsValidityBehaviour {
        /// Nothing.
        INDEFINITE = 0,
        /// Power off.
        POWER_DOWN = 1,
        /// Leaving the registration area.
        REGISTRATION_AREA = 2,
        /// That it was shown.
        DISPLAY_ONLY = 3,
        /// A time (5.0).
        RELATIVE = 4,
    }
}

octet_value! {
    /// The unit of that time (SMPP 5.0).
    MsValidityUnit {
        /// Seconds.
        SECONDS = 0,
        /// Minutes.
        MINUTES = 1,
        /// Hours.
        HOURS = 2,
        /// Days.
        DAYS = 3,
        /// Weeks.
        WEEKS = 4,
        /// Months.
        MONTHS = 5,
        /// Years.
        YEARS = 6,
    }
}

octet_value! {
    /// What a subaddress is (SMPP 3.4 §5.3.2.15).
    SubaddressType {
        /// NSAP, even number of digits.
        NSAP_EVEN = 0x80,
        /// NSAP, odd number of digits.
        NSAP_ODD = 0x88,
        /// The user's own.
        USER_SPECIFIED = 0xA0,
    }
}

octet_value! {
    /// How the digits of callback_num are written (SMPP 3.4 §5.3.2.36).
    DigitMode {
        /// TBCD, two digits an octet.
        TBCD = 0,
        /// ASCII.
        ASCII = 1,
    }
}

octet_value! {
    /// Whether callback_num is shown, and who vouches for it (SMPP 3.4 §5.3.2.37).
    CallbackNumPresInd {
        /// Shown; the user's word.
        ALLOWED = 0b0000,
        /// Not to be shown.
        RESTRICTED = 0b0100,
        /// There is none.
        NOT_AVAILABLE = 0b1000,
    }
}

impl CallbackNumPresInd {
    /// The presentation alone: 0 allowed, 1 restricted, 2 not available.
    pub const fn presentation(self) -> u8 {
        self.0 >> 2 & 0b11
    }

    /// Who vouches: 0 the user, unscreened, 1 verified and passed, 2 verified and failed, 3 the network's own.
    pub const fn screening(self) -> u8 {
        self.0 & 0b11
    }
}

octet_value! {
    /// Which indicator of waiting messages is set, and for what (SMPP 3.4 §5.3.2.13).
    MsMsgWaitFacilities {
        /// Voice mail waits.
        VOICEMAIL = 0x80,
        /// A fax waits.
        FAX = 0x81,
        /// Electronic mail waits.
        EMAIL = 0x82,
        /// Something else waits.
        OTHER = 0x83,
    }
}

impl MsMsgWaitFacilities {
    /// Whether the indicator is on.
    pub const fn is_active(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// The same with the indicator on: what it is for.
    pub const fn kind(self) -> Self {
        Self(self.0 & 0b11 | 0x80)
    }
}

octet_value! {
    /// Whether a number was looked up for portability (SMPP 5.0 §4.8.4.22).
    NpResolution {
        /// It was not.
        NOT_QUERIED = 0,
        /// It was, and is not ported.
        NOT_PORTED = 1,
        /// It was, and is ported.
        PORTED = 2,
    }
}

octet_value! {
    /// The network whose services a broadcast's content is of (SMPP 5.0 §4.8.4.8).
    BroadcastNetworkType {
        /// Any.
        GENERIC = 0,
        /// GSM.
        GSM = 1,
        /// TDMA.
        TDMA = 2,
        /// CDMA.
        CDMA = 3,
    }
}

octet_value! {
    /// How the area of a broadcast is described (SMPP 5.0 §4.8.4.4).
    BroadcastAreaFormat {
        /// By a name that was agreed on.
        ALIAS = 0,
        /// By an arc on the ellipsoid.
        ELLIPSOID_ARC = 1,
        /// By a polygon.
        POLYGON = 2,
    }
}
