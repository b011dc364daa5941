//! What every body can do, and the macro by which a PDU lists its fields once.

use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::field::{EncodeError, FieldError, Fields};
use crate::{CommandId, Tlvs};

/// The body of a PDU: mandatory fields in wire order, then optional parameters.
pub trait Body: Sized {
    /// Reads it where the reader stands, to the end of the frame.
    fn read(reader: &mut Reader) -> Result<Self, DecodeError>;
    /// The most octets [`Self::write`] appends.
    fn room(&self) -> usize;
    /// Appends the mandatory fields, up to the text of one that ends with a text.
    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError>;
    /// What follows as it is: the text, or nothing, and the optional parameters.
    fn tail(&self) -> [&[u8]; 2];
    /// The mandatory fields by name, in wire order.
    fn show(&self) -> Fields;
    /// Builds it from fields by name.
    fn build(fields: &Fields, tlvs: Tlvs) -> Result<Self, FieldError>;
    /// The optional parameters.
    fn tlvs(&self) -> &Tlvs;
}

/// A body that asks for a response, and so takes a place in the window.
pub trait Request: Body {
    /// Its command.
    const COMMAND: CommandId;
}

/// Declares a body: the struct, and [`Body`] from the list of fields. Each field is `name: Type = spec`, the spec being
/// its name in the standard with what the type does not say ([`crate::field::Spec`]). `tlvs` is added at the end.
macro_rules! body {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $spec:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// Optional parameters, in the order of the wire.
            pub tlvs: crate::Tlvs,
        }

        impl crate::pdu::Body for $name {
            #[inline(always)]
            fn read(reader: &mut crate::decode::Reader) -> Result<Self, crate::DecodeError> {
                Ok(Self {
                    $($field: <$type as crate::field::Field>::read(reader, const { &$spec })?,)*
                    tlvs: reader.tlvs()?,
                })
            }

            #[inline]
            fn room(&self) -> usize {
                0 $(+ crate::field::Field::room(&self.$field, const { &$spec }))*
            }

            #[inline]
            fn write(&self, out: &mut crate::encode::Writer<'_>) -> Result<(), crate::EncodeError> {
                let _writer = &mut out.take();
                $(crate::field::Field::write(&self.$field, _writer, const { &$spec })?;)*
                *out = _writer.take();
                Ok(())
            }

            #[inline]
            fn tail(&self) -> [&[u8]; 2] {
                let _text: &[u8] = &[];
                $(let _text = crate::field::Field::tail(&self.$field);)*
                [_text, self.tlvs.as_bytes()]
            }

            fn show(&self) -> crate::Fields {
                let fields = &mut crate::Fields::default();
                $(crate::field::Field::show(&self.$field, const { &$spec }, fields);)*
                std::mem::take(fields)
            }

            fn build(_fields: &crate::Fields, tlvs: crate::Tlvs) -> Result<Self, crate::FieldError> {
                Ok(Self { $($field: <$type as crate::field::Field>::build(_fields, const { &$spec })?,)* tlvs })
            }

            fn tlvs(&self) -> &crate::Tlvs {
                &self.tlvs
            }
        }
    };
}
pub(crate) use body;
