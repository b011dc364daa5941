//! SMPP 3.4 and 5.0 as the standards have it: PDUs, framing, and a sans-IO session for both roles.
//!
//! - [`command_id`], [`command_status`], [`value`]: the numbers of the protocol, each a newtype that keeps unknown values.
//! - [`pdu`]: a body a file, [`Pdu`] over all of them, [`Packet`] with the header around it.
//! - [`tlv`]: optional parameters, kept as the region of octets they came in and read on access.
//! - [`decode`] and [`field`]: how a field is read, written, shown by name; what a decoder forgives, what it refuses.
//! - [`encode`]: how fields are written.
//! - [`check`]: what a message centre refuses in a request that could be read.
//! - [`framing`]: one PDU cut from a stream of octets, with the length judged before anything is reserved.
//! - [`session`]: octets and time in; octets, events and the next deadline out.
//!
//! Invariants: octets from a peer never panic and never make us reserve more than the cap; requests outstanding never
//! exceed the window, and no sequence_number is outstanding twice; a password is never in a `Debug`.
//!
//! Deliberately absent: sockets, timers, the clock, tasks, SQL, configuration files, and what a text means.

pub mod check;
pub mod command_id;
pub mod command_status;
pub mod decode;
pub mod encode;
pub mod field;
pub mod framing;
pub mod pdu;
pub mod session;
pub mod tlv;
pub mod value;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use command_id::CommandId;
pub use command_status::{CommandStatus, StatusClass};
pub use decode::{DecodeError, Forgiven, Mode, Problem};
pub use field::{EncodeError, FieldError, FieldValue, Fields};
pub use framing::{FrameError, MAX_PDU, SmppCodec};
pub use pdu::{Decoded, Header, Packet, Pdu};
pub use session::Session;
pub use tlv::{Tlv, TlvTag, Tlvs, TlvsMut};
pub use value::{
    Address, BindMode, COctet, DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, Password, RegisteredDelivery,
    SequenceNumber, SmppTime, Ton,
};
