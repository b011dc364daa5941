//! Puts optional parameters together.

use bytes::{BufMut, BytesMut};

use super::{TlvFormat, TlvTag, Tlvs};
use crate::field::{EncodeError, FieldError, FieldValue};

/// Optional parameters being put together, one after the other, in one buffer.
///
/// ```
/// use araldo_smpp::{MessageState, TlvTag, TlvsMut};
///
/// let mut tlvs = TlvsMut::new();
/// tlvs.push_c_octet(TlvTag::RECEIPTED_MESSAGE_ID, b"AB12")?;
/// tlvs.push_u8(TlvTag::MESSAGE_STATE, MessageState::DELIVERED.0);
/// let tlvs = tlvs.freeze();
/// assert_eq!(tlvs.receipted_message_id().unwrap(), "AB12");
/// assert_eq!(tlvs.message_state(), Some(MessageState::DELIVERED));
/// # Ok::<(), araldo_smpp::EncodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TlvsMut(BytesMut);

impl TlvsMut {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a one-octet integer.
    pub fn push_u8(&mut self, tag: TlvTag, value: u8) -> &mut Self {
        self.push(tag, &[value])
    }

    /// Appends a two-octet integer.
    pub fn push_u16(&mut self, tag: TlvTag, value: u16) -> &mut Self {
        self.push(tag, &value.to_be_bytes())
    }

    /// Appends a four-octet integer.
    pub fn push_u32(&mut self, tag: TlvTag, value: u32) -> &mut Self {
        self.push(tag, &value.to_be_bytes())
    }

    /// Appends octets as they are; 65,535 at most.
    pub fn push_octets(&mut self, tag: TlvTag, value: &[u8]) -> Result<&mut Self, EncodeError> {
        fits(tag, value.len())?;
        Ok(self.push(tag, value))
    }

    /// Appends a string and its NUL; the string has none inside.
    pub fn push_c_octet(&mut self, tag: TlvTag, text: &[u8]) -> Result<&mut Self, EncodeError> {
        if text.contains(&0) {
            return Err(EncodeError::NulInside { field: tag.name() });
        }
        fits(tag, text.len() + 1)?;
        self.head(tag, text.len() + 1);
        self.0.put_slice(text);
        self.0.put_u8(0);
        Ok(self)
    }

    /// Appends a value given by name: an integer in the width of its tag, a string, or octets.
    pub fn push_value(&mut self, tag: TlvTag, value: &FieldValue) -> Result<&mut Self, FieldError> {
        let invalid = FieldError::Invalid(tag.name());
        match (tag.format(), value) {
            (TlvFormat::Integer, &FieldValue::Int(value)) => match tag.integer_width() {
                1 => u8::try_from(value)
                    .map(|value| self.push_u8(tag, value))
                    .map_err(|_| invalid),
                2 => u16::try_from(value)
                    .map(|value| self.push_u16(tag, value))
                    .map_err(|_| invalid),
                _ => Ok(self.push_u32(tag, value)),
            },
            (TlvFormat::COctet, FieldValue::Str(text)) => {
                let octets: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
                let octets = octets.map_err(|_| invalid.clone())?;
                self.push_c_octet(tag, &octets).map_err(|_| invalid)
            }
            (_, FieldValue::Hex(octets)) => self.push_octets(tag, octets).map_err(|_| invalid),
            (_, FieldValue::Int(_) | FieldValue::Str(_) | FieldValue::List(_)) => Err(invalid),
        }
    }

    /// The parameters, ready to be put into a PDU.
    pub fn freeze(self) -> Tlvs {
        let region = self.0.freeze();
        let length = region.len();
        Tlvs::ending(region, length)
    }

    fn push(&mut self, tag: TlvTag, value: &[u8]) -> &mut Self {
        self.head(tag, value.len());
        self.0.put_slice(value);
        self
    }

    fn head(&mut self, tag: TlvTag, length: usize) {
        let length = u16::try_from(length).expect("checked by every caller, or the width of an integer");
        self.0.reserve(4 + usize::from(length));
        self.0.put_u16(tag.0);
        self.0.put_u16(length);
    }
}

fn fits(tag: TlvTag, got: usize) -> Result<(), EncodeError> {
    let max = usize::from(u16::MAX);
    if got > max {
        Err(EncodeError::TooLong {
            field: tag.name(),
            got,
            max,
        })
    } else {
        Ok(())
    }
}
