//! An address and the two octets that say how to read it (SMPP 3.4 §5.2.5 to §5.2.9).

use super::{COctet, octet_value};

octet_value! {
    /// Type of number (SMPP 3.4 §5.2.5).
    Ton {
        /// Not known, or the peer decides.
        UNKNOWN = 0,
        /// With country code, as in E.164.
        INTERNATIONAL = 1,
        /// Without country code.
        NATIONAL = 2,
        /// Means something in this network only; short codes often carry it.
        NETWORK_SPECIFIC = 3,
        /// Subscriber number.
        SUBSCRIBER_NUMBER = 4,
        /// A name; at most 11 GSM characters.
        ALPHANUMERIC = 5,
        /// Abbreviated.
        ABBREVIATED = 6,
    }
}

octet_value! {
    /// Numbering plan indicator (SMPP 3.4 §5.2.6).
    Npi {
        /// Not known.
        UNKNOWN = 0,
        /// E.163 and E.164.
        ISDN = 1,
        /// X.121.
        DATA = 3,
        /// F.69.
        TELEX = 4,
        /// E.212.
        LAND_MOBILE = 6,
        /// National.
        NATIONAL = 8,
        /// Private.
        PRIVATE = 9,
        /// ERMES.
        ERMES = 10,
        /// An IP address.
        INTERNET = 14,
        /// WAP client id.
        WAP_CLIENT_ID = 18,
    }
}

impl Ton {
    /// Whether the standard defines the value (SMPP 3.4 §5.2.5).
    pub const fn is_defined(self) -> bool {
        self.0 <= 6
    }
}

impl Npi {
    /// Whether the standard defines the value (SMPP 3.4 §5.2.6).
    pub const fn is_defined(self) -> bool {
        matches!(self.0, 0 | 1 | 3 | 4 | 6 | 8 | 9 | 10 | 14 | 18)
    }
}

/// TON, NPI and the characters of an address, which the standard always sends together.
///
/// ```
/// use araldo_smpp::{Address, Npi, Ton};
///
/// assert_eq!(Address::international("393331234567"), Address::new(Ton(1), Npi(1), "393331234567"));
/// assert_eq!(Address::alphanumeric("MyBank").ton, Ton(5));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Address {
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
    /// The characters; empty lets the message centre choose or means "any", by field.
    pub addr: COctet,
}

impl Address {
    /// An address of these parts.
    pub fn new(ton: Ton, npi: Npi, addr: impl Into<COctet>) -> Self {
        Self {
            ton,
            npi,
            addr: addr.into(),
        }
    }

    /// A number with country code and without `+`, under E.164.
    pub fn international(digits: impl Into<COctet>) -> Self {
        Self::new(Ton::INTERNATIONAL, Npi::ISDN, digits)
    }

    /// A sender's name.
    pub fn alphanumeric(name: impl Into<COctet>) -> Self {
        Self::new(Ton::ALPHANUMERIC, Npi::UNKNOWN, name)
    }
}
