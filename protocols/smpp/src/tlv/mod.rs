//! Optional parameters (SMPP 3.4 §3.2.4): kept as the region of octets they came in, read on access.

mod broadcast;
mod build;
mod structured;
mod tag;
mod typed;

use bytes::Bytes;

pub use broadcast::{BroadcastArea, BroadcastContentType, BroadcastFrequencyInterval};
pub use build::TlvsMut;
pub use structured::{CallbackNum, CallbackNumAtag, ItsSessionInfo, MsValidity, NetworkErrorCode, Subaddress};
pub use tag::{TlvFormat, TlvTag};

use crate::field::FieldValue;
use crate::value::COctet;

/// The optional parameters of a PDU, in the order they came, repeated ones included.
///
/// Holds whole TLVs only, so walking it cannot fail. Nothing is allocated for it or for a TLV in it.
///
/// ```
/// use araldo_smpp::{TlvTag, Tlvs};
/// use bytes::Bytes;
///
/// let tlvs = Tlvs::leading(&Bytes::from_static(b"\x02\x04\0\x02\0\x07\x14\x01\0\x01x"));
/// assert_eq!(tlvs.user_message_reference(), Some(7));
/// assert_eq!(tlvs.get(TlvTag(0x1401)), Some(&b"x"[..]));
/// assert_eq!(tlvs.message_state(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tlvs(Bytes);

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
    pub const EMPTY: Self = Self(Bytes::new());

    /// The whole TLVs that the region begins with; what follows the last whole one is left out.
    pub fn leading(region: &Bytes) -> Self {
        let mut walk = Self::walk(region);
        while walk.next().is_some() {}
        Self(region.slice(..region.len() - walk.left()))
    }

    /// Walks over the whole TLVs that the region begins with.
    pub(crate) fn walk(region: &[u8]) -> Iter<'_> {
        Iter(region)
    }

    /// The octets of whole TLVs, a part of `frame`.
    pub(crate) fn within(frame: &Bytes, whole: &[u8]) -> Self {
        Self(frame.slice_ref(whole))
    }

    /// The octets as they are on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(&self.0)
    }

    /// The octets of the first TLV of this tag.
    pub fn get(&self, tag: TlvTag) -> Option<&[u8]> {
        self.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// The octets of every TLV of this tag, in order.
    pub fn all(&self, tag: TlvTag) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// As [`Self::get`], still shared with the frame.
    pub fn get_bytes(&self, tag: TlvTag) -> Option<Bytes> {
        self.get(tag).map(|value| self.0.slice_ref(value))
    }

    /// The string of the first TLV of this tag, up to its NUL or its end.
    pub fn get_c_octet(&self, tag: TlvTag) -> Option<COctet> {
        let value = self.get(tag)?;
        let end = value.iter().position(|&octet| octet == 0).unwrap_or(value.len());
        Some(COctet::within(&self.0, &value[..end]))
    }

    /// The integer of the first TLV of this tag; `None` also when its length is not that of an integer the tag has.
    pub fn get_int(&self, tag: TlvTag) -> Option<u32> {
        self.iter().find(|tlv| tlv.tag == tag)?.int()
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
