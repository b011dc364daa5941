use super::{InformationElement, write_header};
use crate::shift::ShiftTables;

/// Information element of a concatenated message with a reference of one octet (TS 23.040 §9.2.3.24.1).
const CONCAT_8: u8 = 0x00;

/// Information element of a concatenated message with a reference of two octets (TS 23.040 §9.2.3.24.8).
const CONCAT_16: u8 = 0x08;

/// How many bits the reference of a concatenated message has.
///
/// ```
/// use araldo_sms::ReferenceSize;
///
/// assert_eq!(ReferenceSize::default(), ReferenceSize::Bits8);
/// assert_eq!(ReferenceSize::Bits16.header_octets(), 7);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReferenceSize {
    /// One octet, which every handset knows.
    #[default]
    Bits8,
    /// Two octets: fewer clashes, one septet less for the text of each segment.
    Bits16,
}

impl ReferenceSize {
    /// How many bits the reference has.
    ///
    /// ```
    /// # use araldo_sms::ReferenceSize;
    /// assert_eq!(ReferenceSize::Bits16.bits(), 16);
    /// ```
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Bits8 => 8,
            Self::Bits16 => 16,
        }
    }

    /// Octets of a header with a concatenation element only, its length octet included: 6 or 7.
    ///
    /// ```
    /// # use araldo_sms::ReferenceSize;
    /// assert_eq!(ReferenceSize::Bits8.header_octets(), 6);
    /// ```
    #[must_use]
    pub fn header_octets(self) -> usize {
        match self {
            Self::Bits8 => 6,
            Self::Bits16 => 7,
        }
    }
}

/// The place of a segment in its message. `total` and `number` are at least 1 and `number` never exceeds `total` in
/// what this crate returns.
///
/// ```
/// use araldo_sms::{Concat, ReferenceSize};
///
/// let concat = Concat::new(ReferenceSize::Bits16, 0x1234, 3, 1).unwrap();
/// let mut header = Vec::new();
/// concat.write_header(&mut header);
/// assert_eq!(header, [6, 8, 4, 0x12, 0x34, 3, 1]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Concat {
    /// Part of the message's identity: reference 7 of one octet is not reference 7 of two.
    pub reference_size: ReferenceSize,
    /// Equal in all segments of a message; at most 255 with [`ReferenceSize::Bits8`].
    pub reference: u16,
    /// How many segments the message has.
    pub total: u8,
    /// Which one this is, from 1.
    pub number: u8,
}

impl Concat {
    /// Checks the numbers, as they come from a header or from the `sar_` TLVs. A reference of one octet keeps only its
    /// low octet.
    ///
    /// ```
    /// use araldo_sms::{Concat, ReferenceSize};
    ///
    /// assert_eq!(Concat::new(ReferenceSize::Bits8, 1, 2, 0), None);
    /// assert_eq!(Concat::new(ReferenceSize::Bits8, 0x0102, 2, 1).unwrap().reference, 2);
    /// ```
    #[must_use]
    pub fn new(reference_size: ReferenceSize, reference: u16, total: u8, number: u8) -> Option<Self> {
        let reference = match reference_size {
            ReferenceSize::Bits8 => reference & 0xFF,
            ReferenceSize::Bits16 => reference,
        };
        (1..=total).contains(&number).then_some(Self {
            reference_size,
            reference,
            total,
            number,
        })
    }

    /// Appends a whole user data header with this element alone.
    ///
    /// ```
    /// use araldo_sms::{Concat, ReferenceSize};
    ///
    /// let mut header = Vec::new();
    /// Concat::new(ReferenceSize::Bits8, 0x7F, 2, 1).unwrap().write_header(&mut header);
    /// assert_eq!(header, [5, 0, 3, 0x7F, 2, 1]);
    /// ```
    pub fn write_header(&self, out: &mut Vec<u8>) {
        write_header(Some(self), ShiftTables::DEFAULT, out);
    }

    pub(super) fn write_element(&self, out: &mut Vec<u8>) {
        let [high, low] = self.reference.to_be_bytes();
        match self.reference_size {
            ReferenceSize::Bits8 => out.extend_from_slice(&[CONCAT_8, 3, low, self.total, self.number]),
            ReferenceSize::Bits16 => out.extend_from_slice(&[CONCAT_16, 4, high, low, self.total, self.number]),
        }
    }

    pub(super) fn from_element(element: &InformationElement<'_>) -> Option<Self> {
        match (element.id, element.data) {
            (CONCAT_8, &[reference, total, number]) => Self::new(ReferenceSize::Bits8, reference.into(), total, number),
            (CONCAT_16, &[high, low, total, number]) => {
                Self::new(ReferenceSize::Bits16, u16::from_be_bytes([high, low]), total, number)
            }
            _ => None,
        }
    }
}
