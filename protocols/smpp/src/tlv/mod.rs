//! Optional parameters (SMPP 3.4 §3.2.4): kept as the region of octets they came in, read on access.

mod broadcast;
mod build;
mod structured;
mod tag;
mod typed;

use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::{Buf, Bytes};

pub use broadcast::{BroadcastArea, BroadcastContentType, BroadcastFrequencyInterval};
pub use build::TlvsMut;
pub use structured::{CallbackNum, CallbackNumAtag, ItsSessionInfo, MsValidity, NetworkErrorCode, Subaddress};
pub use tag::{TlvFormat, TlvTag};

use crate::field::FieldValue;
use crate::value::COctet;

/// The optional parameters of a PDU, in the order they came, repeated ones included.
///
/// Holds whole TLVs only, so walking it cannot fail. Nothing is allocated for it or for a TLV in it: up to
/// [`Tlvs::SHORT`] octets stand in the value itself, as those of a receipt do, more share the frame.
///
/// ```
/// use araldo_smpp::{TlvTag, Tlvs};
/// use bytes::{Buf, Bytes};
///
/// let tlvs = Tlvs::leading(&Bytes::from_static(b"\x02\x04\0\x02\0\x07\x14\x01\0\x01x"));
/// assert_eq!(tlvs.user_message_reference(), Some(7));
/// assert_eq!(tlvs.get(TlvTag(0x1401)), Some(&b"x"[..]));
/// assert_eq!(tlvs.message_state(), None);
/// ```
#[derive(Clone, Default)]
pub struct Tlvs(Region);

#[derive(Clone, Default)]
enum Region {
    #[default]
    None,
    /// The octets up to the last, and where the first is; what is before it means nothing.
    Short([u8; Tlvs::SHORT], u8),
    Long(Bytes),
}

/// One optional parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// What it is.
    pub tag: TlvTag,
    /// Its octets; a C-octet string with its NUL.
    pub value: &'a [u8],
}

/// Walks over optional parameters in their order.
#[derive(Clone, Debug)]
pub struct Iter<'a>(&'a [u8]);

impl Tlvs {
    /// No optional parameter.
    pub const EMPTY: Self = Self(Region::None);

    /// How many octets stand in the value itself: the id and the state that a receipt brings. A string among so few is
    /// a short [`COctet`], so reading it allocates nothing either.
    pub const SHORT: usize = 4 + COctet::SHORT + 1;

    /// The whole TLVs that the region begins with; what follows the last whole one is left out.
    pub fn leading(region: &Bytes) -> Self {
        let mut walk = Self::walk(region);
        while walk.next().is_some() {}
        let length = region.len() - walk.left();
        Self::ending(region.slice(..length), length)
    }

    /// Walks over the whole TLVs that the region begins with.
    pub(crate) fn walk(region: &[u8]) -> Iter<'_> {
        Iter(region)
    }

    /// The last octets of `frame`, which are whole TLVs.
    ///
    /// Of a few the same number of octets is copied always, which is far quicker than as many as they are.
    #[inline(always)]
    pub(crate) fn ending(mut frame: Bytes, length: usize) -> Self {
        match frame.last_chunk() {
            _ if length == 0 => Self::EMPTY,
            Some(octets) if length <= Self::SHORT => Self(Region::Short(*octets, (Self::SHORT - length) as u8)),
            _ => {
                frame.advance(frame.len() - length);
                Self(Region::Long(frame))
            }
        }
    }

    /// The octets as they are on the wire.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Region::None => &[],
            Region::Short(octets, first) => octets.get(usize::from(*first)..).unwrap_or_default(),
            Region::Long(octets) => octets,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.as_bytes())
    }

    /// The octets of the first TLV of this tag.
    pub fn get(&self, tag: TlvTag) -> Option<&[u8]> {
        self.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// The octets of every TLV of this tag, in order.
    pub fn all(&self, tag: TlvTag) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// As [`Self::get`], still shared with the frame where the TLVs are.
    pub fn get_bytes(&self, tag: TlvTag) -> Option<Bytes> {
        let value = self.get(tag)?;
        Some(match &self.0 {
            Region::None | Region::Short(..) => Bytes::copy_from_slice(value),
            Region::Long(octets) => octets.slice_ref(value),
        })
    }

    /// The string of the first TLV of this tag, up to its NUL or its end.
    pub fn get_c_octet(&self, tag: TlvTag) -> Option<COctet> {
        let value = self.get(tag)?;
        let end = value.iter().position(|&octet| octet == 0).unwrap_or(value.len());
        let text = &value[..end];
        Some(match &self.0 {
            Region::None | Region::Short(..) => COctet::copied(text),
            Region::Long(octets) => COctet::within(octets, text),
        })
    }

    /// The integer of the first TLV of this tag; `None` also when its length is not that of an integer the tag has.
    pub fn get_int(&self, tag: TlvTag) -> Option<u32> {
        self.iter().find(|tlv| tlv.tag == tag)?.int()
    }
}

impl PartialEq for Tlvs {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Tlvs {}

impl Hash for Tlvs {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Tlvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl Iter<'_> {
    /// Octets not walked over; at the end, those that are no whole TLV.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }
}

impl Tlv<'_> {
    /// Octets on the wire, tag and length included.
    pub(crate) fn size(&self) -> usize {
        4 + self.value.len()
    }

    /// The value as an integer, if the tag's value is one and the length is one the tag allows.
    pub fn int(&self) -> Option<u32> {
        if self.tag.format() != TlvFormat::Integer || !self.tag.allows_length(self.value.len()) {
            return None;
        }
        Some(self.value.iter().fold(0, |sum, &octet| sum << 8 | u32::from(octet)))
    }

    /// The value as the vectors show it: an integer or a string; `None` for octets and where the length does not fit.
    pub fn field_value(&self) -> Option<FieldValue> {
        match self.tag.format() {
            TlvFormat::Integer => self.int().map(FieldValue::Int),
            TlvFormat::COctet => {
                let end = self.value.iter().position(|&octet| octet == 0)?;
                Some(FieldValue::Str(
                    self.value[..end].iter().map(|&octet| char::from(octet)).collect(),
                ))
            }
            TlvFormat::Octets => None,
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let (&[a, b, c, d], rest) = self.0.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(u16::from_be_bytes([c, d]).into())?;
        self.0 = rest;
        Some(Tlv {
            tag: TlvTag(u16::from_be_bytes([a, b])),
            value,
        })
    }
}

impl<'a> IntoIterator for &'a Tlvs {
    type Item = Tlv<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_end_is_left_out_and_the_rest_is_kept() {
        let region = Bytes::from_static(b"\x02\x04\x00\x02\x00\x07\x04\x24\x00\x09ab");
        let tlvs = Tlvs::leading(&region);
        assert_eq!(tlvs.as_bytes().len(), 6);
        assert_eq!(tlvs.get_int(TlvTag::USER_MESSAGE_REFERENCE), Some(7));
        assert_eq!(tlvs.message_payload(), None);
    }

    #[test]
    fn repeated_tlvs_stay_in_their_order() {
        let mut tlvs = TlvsMut::new();
        tlvs.push_u16(TlvTag::USER_MESSAGE_REFERENCE, 1);
        tlvs.push_u16(TlvTag::USER_MESSAGE_REFERENCE, 2);
        let values: Vec<_> = tlvs.freeze().iter().filter_map(|tlv| tlv.int()).collect();
        assert_eq!(values, [1, 2]);
    }
}
