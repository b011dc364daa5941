//! Values and rules that every room shares: no async, no clock, no SQL.

mod address;
mod class;
mod consent;
mod endpoint;
mod id;
mod mask;
mod message;
mod network;
mod notation;
pub mod rich;
mod shape;
mod shared;
mod state;
mod time;

pub use address::{Address, AddressError, AddressKind, Msisdn, SenderId, ShortCode, bare};
pub use araldo_sms::{Concat, Encoding, ReferenceSize};
pub use class::{AfterDoubt, Class};
pub use consent::{Source, Will};
pub use endpoint::Endpoint;
pub use id::{CaseId, InboundId, InvalidId, InvalidName, MessageId, Name, VerificationId};
pub use mask::{Masked, mask_number};
pub use message::{BindRef, Channel, Channels, Lane, NewMessage, PlanStep};
pub use network::{InvalidNetwork, Network};
pub use notation::Region;
pub use rich::Rich;
pub use shape::Shape;
pub use shared::Shared;
pub use state::{Flag, Flags, Reason, State, UnknownWord};
pub use time::UnixMillis;
