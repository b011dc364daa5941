use super::InformationElement;

/// Information element of application ports of one octet (TS 23.040 §9.2.3.24.3).
const PORTS_8: u8 = 0x04;

/// Information element of application ports of two octets (TS 23.040 §9.2.3.24.4).
const PORTS_16: u8 = 0x05;

/// The application ports of a message (TS 23.040 §9.2.3.24.3, §9.2.3.24.4).
///
/// ```
/// use araldo_sms::{Ports, UserDataHeader};
///
/// let (header, _) = UserDataHeader::parse(&[4, 4, 2, 0xF0, 0xF1]).unwrap();
/// assert_eq!(header.ports(), Some(Ports { destination: 0xF0, source: 0xF1 }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Where it goes on the receiving device.
    pub destination: u16,
    /// Where it comes from.
    pub source: u16,
}

impl Ports {
    pub(super) fn from_element(element: &InformationElement<'_>) -> Option<Self> {
        match (element.id, element.data) {
            (PORTS_8, &[destination, source]) => Some(Self {
                destination: destination.into(),
                source: source.into(),
            }),
            (PORTS_16, &[high, low, source_high, source_low]) => Some(Self {
                destination: u16::from_be_bytes([high, low]),
                source: u16::from_be_bytes([source_high, source_low]),
            }),
            _ => None,
        }
    }
}
