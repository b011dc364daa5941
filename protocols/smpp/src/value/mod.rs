//! The values fields carry. Each keeps what the standard does not define, because peers send it.

mod address;
mod bind_mode;
mod c_octet;
mod calendar;
mod data_coding;
mod enumerations;
mod esm_class;
mod interface_version;
mod message_state;
mod registered_delivery;
mod sequence_number;
mod submission;
mod time;

pub use address::{Address, Npi, Ton};
pub use bind_mode::BindMode;
pub use c_octet::{COctet, Password};
pub use calendar::OutOfRange;
pub use data_coding::DataCoding;
pub use enumerations::{
    AddrSubunit, AlertOnMessageDelivery, BearerType, BroadcastAreaFormat, BroadcastChannelIndicator,
    BroadcastMessageClass, BroadcastNetworkType, CallbackNumPresInd, DeliveryFailureReason, DigitMode, DisplayTime,
    ErrorNetworkType, FrequencyUnit, ItsReplyType, LanguageIndicator, MsAvailabilityStatus, MsMsgWaitFacilities,
    MsValidityBehaviour, MsValidityUnit, NetworkType, NpResolution, PayloadType, PrivacyIndicator, SubaddressType,
    UssdServiceOp,
};
pub use esm_class::EsmClass;
pub use interface_version::InterfaceVersion;
pub use message_state::MessageState;
pub use registered_delivery::RegisteredDelivery;
pub use sequence_number::SequenceNumber;
pub use submission::{PriorityFlag, ProtocolId, ReplaceIfPresentFlag};
pub use time::{AbsoluteTime, RelativeTime, SmppTime, TimeError};

/// Declares a one-octet value: a newtype, its named constants, and how it is read and written as a field.
macro_rules! octet_value {
    ($(#[$doc:meta])* $name:ident { $($(#[$constant_doc:meta])* $constant:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u8);

        impl $name {
            $($(#[$constant_doc])* pub const $constant: Self = Self($value);)*
        }

        impl From<u8> for $name {
            fn from(value: u8) -> Self {
                Self(value)
            }
        }

        impl From<$name> for u8 {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        crate::field::octet_field!($name);
    };
}
pub(crate) use octet_value;
