//! One mandatory field: how it is read, written, shown by name and built from names.
//!
//! A PDU lists its fields once ([`crate::pdu`]); each type of field implements [`Field`] once, here or beside the type.

use std::borrow::Cow;

use bytes::Bytes;

use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::value::{Address, COctet, Password};
use crate::{CommandStatus, Problem};

/// The name of a field, and for a string its maximum with the NUL and the status that answers a longer one.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The name in the standard; of an address, the name of its characters.
    pub name: &'static str,
    /// Of an address, the names of TON and NPI.
    pub ton_npi: [&'static str; 2],
    /// Maximum including the NUL; zero where the type says all.
    pub max: usize,
    /// The status that answers a value this field cannot have.
    pub status: CommandStatus,
}

/// A field whose type says all about it.
pub const fn plain(name: &'static str) -> Spec {
    Spec {
        name,
        ton_npi: ["", ""],
        max: 0,
        status: CommandStatus::ESME_RINVCMDLEN,
    }
}

/// A C-octet string.
pub const fn text(name: &'static str, max: usize, status: CommandStatus) -> Spec {
    Spec {
        name,
        ton_npi: ["", ""],
        max,
        status,
    }
}

/// An address, written as TON, NPI and a C-octet string.
pub const fn address(names: [&'static str; 3], max: usize, status: CommandStatus) -> Spec {
    Spec {
        name: names[2],
        ton_npi: [names[0], names[1]],
        max,
        status,
    }
}

/// A value as the standard's tables show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// An integer.
    Int(u32),
    /// A C-octet string, a character an octet, without the NUL.
    Str(String),
    /// Octets, to be shown in hex.
    Hex(Bytes),
    /// Groups that repeat, as dest_address.
    List(Vec<Fields>),
}

/// Fields by name, in wire order.
///
/// ```
/// use araldo_smpp::{CommandId, FieldError, FieldValue, Fields, Pdu, Tlvs};
///
/// let mut fields = Fields::default();
/// let missing = Pdu::build(CommandId::SUBMIT_SM_RESP, true, &fields, Tlvs::EMPTY);
/// assert_eq!(missing, Err(FieldError::Missing("message_id")));
/// fields.push("message_id", FieldValue::Str("AB12".into()));
/// let pdu = Pdu::build(CommandId::SUBMIT_SM_RESP, true, &fields, Tlvs::EMPTY)?;
/// assert_eq!(pdu.fields(), fields);
/// # Ok::<(), FieldError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(Cow<'static, str>, FieldValue)>);

/// Why fields by name are no PDU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The PDU has this field and it was not given.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The value is of another kind, out of range, or disagrees with another field.
    #[error("{0} has a value it cannot have")]
    Invalid(&'static str),
    /// No PDU has this command_id.
    #[error("the command is not known")]
    UnknownCommand,
}

impl FieldError {
    /// The field it is about.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Missing(name) | Self::Invalid(name) => name,
            Self::UnknownCommand => "command",
        }
    }
}

/// Why a value cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The string or list is longer than the standard allows.
    #[error("{field} is {got} long, at most {max}")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length, with the NUL where it has one.
        got: usize,
        /// The longest allowed, with the NUL where it has one.
        max: usize,
    },
    /// A C-octet string has a NUL inside.
    #[error("{field} has a NUL inside")]
    NulInside {
        /// The field.
        field: &'static str,
    },
}

impl EncodeError {
    /// The field it is about.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::TooLong { field, .. } | Self::NulInside { field } => field,
        }
    }
}

/// A type that can stand as a mandatory field.
pub trait Field: Sized {
    /// Reads it where the reader stands.
    fn read(reader: &mut Reader, spec: &Spec) -> Result<Self, DecodeError>;
    /// The most octets [`Self::write`] appends: what it refuses counts no further than the maximum.
    fn room(&self, spec: &Spec) -> usize;
    /// Appends it.
    fn write(&self, out: &mut Writer<'_>, spec: &Spec) -> Result<(), EncodeError>;
    /// Octets that follow what [`Self::write`] appends, as they are. Only the last field of a PDU may have any.
    fn tail(&self) -> &[u8] {
        &[]
    }
    /// Appends its names and values.
    fn show(&self, spec: &Spec, fields: &mut Fields);
    /// Builds it from names and values.
    fn build(fields: &Fields, spec: &Spec) -> Result<Self, FieldError>;
}

impl Fields {
    /// Appends a field.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: FieldValue) {
        self.0.push((name.into(), value));
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// An integer that must be there and fit one octet.
    pub fn octet(&self, name: &'static str) -> Result<u8, FieldError> {
        u8::try_from(self.int(name)?).map_err(|_| FieldError::Invalid(name))
    }

    /// An integer that must be there.
    pub fn int(&self, name: &'static str) -> Result<u32, FieldError> {
        match self.get(name) {
            Some(FieldValue::Int(value)) => Ok(*value),
            Some(FieldValue::Str(_) | FieldValue::Hex(_) | FieldValue::List(_)) => Err(FieldError::Invalid(name)),
            None => Err(FieldError::Missing(name)),
        }
    }

    /// A string that must be there.
    pub fn c_octet(&self, name: &'static str) -> Result<COctet, FieldError> {
        match self.get(name) {
            Some(FieldValue::Str(text)) => COctet::from_latin1(text).ok_or(FieldError::Invalid(name)),
            Some(FieldValue::Int(_) | FieldValue::Hex(_) | FieldValue::List(_)) => Err(FieldError::Invalid(name)),
            None => Err(FieldError::Missing(name)),
        }
    }

    /// Octets that must be there, given as such or in hex.
    pub fn octets(&self, name: &'static str) -> Result<Bytes, FieldError> {
        match self.get(name) {
            Some(FieldValue::Hex(octets)) => Ok(octets.clone()),
            Some(FieldValue::Str(hex)) => from_hex(hex).ok_or(FieldError::Invalid(name)),
            Some(FieldValue::Int(_) | FieldValue::List(_)) => Err(FieldError::Invalid(name)),
            None => Err(FieldError::Missing(name)),
        }
    }

    /// A list that must be there; a count field given beside it must agree.
    pub fn list(&self, name: &'static str, count: &'static str) -> Result<&[Self], FieldError> {
        match self.get(name) {
            Some(FieldValue::List(list)) => {
                self.agrees(count, list.len())?;
                Ok(list)
            }
            Some(FieldValue::Int(_) | FieldValue::Str(_) | FieldValue::Hex(_)) => Err(FieldError::Invalid(name)),
            None => Err(FieldError::Missing(name)),
        }
    }

    /// A length or count that follows from another field may be left out, but not contradict it.
    pub fn agrees(&self, count: &'static str, actual: usize) -> Result<(), FieldError> {
        match self.get(count) {
            None => Ok(()),
            Some(FieldValue::Int(given)) if usize::try_from(*given) == Ok(actual) => Ok(()),
            Some(_) => Err(FieldError::Invalid(count)),
        }
    }
}

/// Implements [`Field`] for a one-octet newtype.
macro_rules! octet_field {
    ($name:ty) => {
        impl crate::field::Field for $name {
            #[inline]
            fn read(reader: &mut crate::decode::Reader, spec: &crate::field::Spec) -> Result<Self, crate::DecodeError> {
                reader.octet(spec.name).map(Self::from)
            }

            #[inline(always)]
            fn room(&self, _spec: &crate::field::Spec) -> usize {
                1
            }

            #[inline(always)]
            fn write(
                &self,
                out: &mut crate::encode::Writer<'_>,
                _spec: &crate::field::Spec,
            ) -> Result<(), crate::field::EncodeError> {
                out.octet(u8::from(*self));
                Ok(())
            }

            fn show(&self, spec: &crate::field::Spec, fields: &mut crate::field::Fields) {
                fields.push(
                    spec.name,
                    crate::field::FieldValue::Int(u32::from(u8::from(*self))),
                );
            }

            fn build(
                fields: &crate::field::Fields,
                spec: &crate::field::Spec,
            ) -> Result<Self, crate::field::FieldError> {
                fields.octet(spec.name).map(Self::from)
            }
        }
    };
}
pub(crate) use octet_field;

octet_field!(u8);

impl Field for COctet {
    #[inline(always)]
    fn read(reader: &mut Reader, spec: &Spec) -> Result<Self, DecodeError> {
        reader.c_octet(spec.name, spec.max, spec.status)
    }

    #[inline(always)]
    fn room(&self, spec: &Spec) -> usize {
        spec.max
    }

    #[inline(always)]
    fn write(&self, out: &mut Writer<'_>, spec: &Spec) -> Result<(), EncodeError> {
        out.c_octet(self, spec)
    }

    fn show(&self, spec: &Spec, fields: &mut Fields) {
        fields.push(spec.name, FieldValue::Str(self.as_str().into_owned()));
    }

    fn build(fields: &Fields, spec: &Spec) -> Result<Self, FieldError> {
        fields.c_octet(spec.name)
    }
}

impl Field for Password {
    #[inline(always)]
    fn read(reader: &mut Reader, spec: &Spec) -> Result<Self, DecodeError> {
        COctet::read(reader, spec).map(Self)
    }

    #[inline(always)]
    fn room(&self, spec: &Spec) -> usize {
        self.0.room(spec)
    }

    #[inline(always)]
    fn write(&self, out: &mut Writer<'_>, spec: &Spec) -> Result<(), EncodeError> {
        self.0.write(out, spec)
    }

    fn show(&self, spec: &Spec, fields: &mut Fields) {
        self.0.show(spec, fields);
    }

    fn build(fields: &Fields, spec: &Spec) -> Result<Self, FieldError> {
        COctet::build(fields, spec).map(Self)
    }
}

impl Field for Address {
    #[inline(always)]
    fn read(reader: &mut Reader, spec: &Spec) -> Result<Self, DecodeError> {
        let [ton, npi] = spec.ton_npi;
        Ok(Self {
            ton: reader.octet(ton)?.into(),
            npi: reader.octet(npi)?.into(),
            addr: reader.c_octet(spec.name, spec.max, spec.status)?,
        })
    }

    #[inline(always)]
    fn room(&self, spec: &Spec) -> usize {
        2 + self.addr.room(spec)
    }

    #[inline(always)]
    fn write(&self, out: &mut Writer<'_>, spec: &Spec) -> Result<(), EncodeError> {
        out.octet(self.ton.0);
        out.octet(self.npi.0);
        self.addr.write(out, spec)
    }

    fn show(&self, spec: &Spec, fields: &mut Fields) {
        let [ton, npi] = spec.ton_npi;
        fields.push(ton, FieldValue::Int(self.ton.0.into()));
        fields.push(npi, FieldValue::Int(self.npi.0.into()));
        self.addr.show(spec, fields);
    }

    fn build(fields: &Fields, spec: &Spec) -> Result<Self, FieldError> {
        let [ton, npi] = spec.ton_npi;
        Ok(Self {
            ton: fields.octet(ton)?.into(),
            npi: fields.octet(npi)?.into(),
            addr: fields.c_octet(spec.name)?,
        })
    }
}

/// short_message behind its sm_length (SMPP 3.4 §5.2.21, §5.2.22): 254 octets in 3.4, 255 in 5.0, which is taken here.
impl Field for Bytes {
    #[inline(always)]
    fn read(reader: &mut Reader, spec: &Spec) -> Result<Self, DecodeError> {
        let length = reader.octet("sm_length")?;
        reader.octets(spec.name, length.into(), spec.status)
    }

    #[inline(always)]
    fn room(&self, _spec: &Spec) -> usize {
        1
    }

    #[inline(always)]
    fn write(&self, out: &mut Writer<'_>, spec: &Spec) -> Result<(), EncodeError> {
        let length = u8::try_from(self.len()).map_err(|_| EncodeError::TooLong {
            field: spec.name,
            got: self.len(),
            max: u8::MAX.into(),
        })?;
        out.octet(length);
        Ok(())
    }

    #[inline(always)]
    fn tail(&self) -> &[u8] {
        self
    }

    fn show(&self, _spec: &Spec, fields: &mut Fields) {
        fields.push("sm_length", FieldValue::Int(self.len() as u32));
        fields.push("short_message_hex", FieldValue::Hex(self.clone()));
    }

    fn build(fields: &Fields, _spec: &Spec) -> Result<Self, FieldError> {
        let octets = fields.octets("short_message_hex")?;
        fields.agrees("sm_length", octets.len())?;
        Ok(octets)
    }
}

/// Appends the count octet of a list, refusing more than 255.
pub(crate) fn write_count(out: &mut Writer<'_>, field: &'static str, got: usize) -> Result<(), EncodeError> {
    let max = usize::from(u8::MAX);
    out.octet(u8::try_from(got).map_err(|_| EncodeError::TooLong { field, got, max })?);
    Ok(())
}

/// The error for an octet that selects nothing.
pub(crate) fn bad_value(field: &'static str, offset: usize, value: u8, status: CommandStatus) -> DecodeError {
    DecodeError {
        field,
        offset,
        problem: Problem::Value { value: value.into() },
        command_status: status,
    }
}

fn from_hex(text: &str) -> Option<Bytes> {
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|&[high, low]| u8::try_from(digit(high)? * 16 + digit(low)?).ok())
        .collect()
}
