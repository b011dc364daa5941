//! Every PDU of SMPP 3.4 and 5.0, a body a file; a new one is a file and a line below.

mod alert_notification;
mod bind;
mod body;
mod broadcast_sm;
mod cancel_sm;
mod control;
mod data_sm;
mod deliver_sm;
mod packet;
mod query_sm;
mod replace_sm;
mod specs;
mod submit_multi;
mod submit_sm;

use bytes::Bytes;

pub use alert_notification::AlertNotification;
pub use bind::{Bind, BindResp, Outbind};
pub use body::{Body, Request};
pub use broadcast_sm::{
    BroadcastSm, BroadcastSmResp, CancelBroadcastSm, CancelBroadcastSmResp, QueryBroadcastSm, QueryBroadcastSmResp,
};
pub use cancel_sm::{CancelSm, CancelSmResp};
pub use control::{EnquireLink, EnquireLinkResp, GenericNack, Unbind, UnbindResp};
pub use data_sm::{DataSm, DataSmResp};
pub use deliver_sm::{DeliverSm, DeliverSmResp};
pub use packet::{Decoded, Header, Packet, decode_request, encode_request};
pub use query_sm::{QuerySm, QuerySmResp};
pub use replace_sm::{ReplaceSm, ReplaceSmResp};
pub use submit_multi::{Destination, Destinations, SubmitMulti, SubmitMultiResp, UnsuccessSme, UnsuccessSmes};
pub use submit_sm::{SubmitSm, SubmitSmResp};

use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::field::{EncodeError, FieldError, Fields};
use crate::value::{BindMode, COctet};
use crate::{CommandId, Tlvs};

macro_rules! pdus {
    ($($command:ident => $variant:ident($body:ident),)*) => {
        /// The body of any PDU.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Pdu {
            $(#[doc = concat!("See [`", stringify!($body), "`].")] $variant($body),)*
            /// A response that came as a header alone, as most do when their status is an error.
            Bodiless(CommandId),
            /// A command the standard does not define, its body as it came.
            Unknown {
                /// The command.
                command_id: CommandId,
                /// The octets behind the header.
                body: Bytes,
            },
        }

        impl Pdu {
            /// The command the body belongs to.
            pub const fn command_id(&self) -> CommandId {
                match self {
                    $(Self::$variant(_) => CommandId::$command,)*
                    Self::Bodiless(command_id) | Self::Unknown { command_id, .. } => *command_id,
                }
            }

            /// Reads the body that the header speaks of where the reader stands.
            pub(super) fn read(header: &Header, reader: &mut Reader) -> Result<Decoded, DecodeError> {
                match header.command_id {
                    $(CommandId::$command => packet::read(header, reader, $body::read, Self::$variant),)*
                    command_id => {
                        let body = |reader: &mut Reader| reader.octets("body", reader.left(), ROK);
                        packet::read(header, reader, body, |body| Self::Unknown { command_id, body })
                    }
                }
            }

            /// The most octets [`Self::write`] appends.
            pub fn room(&self) -> usize {
                match self {
                    $(Self::$variant(body) => body.room(),)*
                    Self::Bodiless(_) | Self::Unknown { .. } => 0,
                }
            }

            /// Appends the mandatory fields, up to the text of a PDU that ends with a text.
            pub fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                match self {
                    $(Self::$variant(body) => body.write(out),)*
                    Self::Bodiless(_) | Self::Unknown { .. } => Ok(()),
                }
            }

            /// What follows as it is: the text, or nothing, and the optional parameters.
            pub fn tail(&self) -> [&[u8]; 2] {
                match self {
                    $(Self::$variant(body) => body.tail(),)*
                    Self::Bodiless(_) => [&[], &[]],
                    Self::Unknown { body, .. } => [body, &[]],
                }
            }

            /// The mandatory fields by name, in wire order.
            pub fn fields(&self) -> Fields {
                match self {
                    $(Self::$variant(body) => body.show(),)*
                    Self::Bodiless(_) | Self::Unknown { .. } => Fields::default(),
                }
            }

            /// Builds a body from fields by name; `has_body` false gives a header alone where the command has fields.
            pub fn build(
                command_id: CommandId,
                has_body: bool,
                fields: &Fields,
                tlvs: Tlvs,
            ) -> Result<Self, FieldError> {
                if !has_body && command_id.is_response() && Self::has_fields(command_id) {
                    return Ok(Self::Bodiless(command_id));
                }
                Ok(match command_id {
                    $(CommandId::$command => Self::$variant($body::build(fields, tlvs)?),)*
                    _ => return Err(FieldError::UnknownCommand),
                })
            }

            /// The optional parameters; none where there is no body.
            pub fn tlvs(&self) -> &Tlvs {
                match self {
                    $(Self::$variant(body) => body.tlvs(),)*
                    Self::Bodiless(_) | Self::Unknown { .. } => &NO_TLVS,
                }
            }
        }
    };
}

pdus! {
    BIND_RECEIVER => BindReceiver(Bind),
    BIND_RECEIVER_RESP => BindReceiverResp(BindResp),
    BIND_TRANSMITTER => BindTransmitter(Bind),
    BIND_TRANSMITTER_RESP => BindTransmitterResp(BindResp),
    BIND_TRANSCEIVER => BindTransceiver(Bind),
    BIND_TRANSCEIVER_RESP => BindTransceiverResp(BindResp),
    OUTBIND => Outbind(Outbind),
    UNBIND => Unbind(Unbind),
    UNBIND_RESP => UnbindResp(UnbindResp),
    ENQUIRE_LINK => EnquireLink(EnquireLink),
    ENQUIRE_LINK_RESP => EnquireLinkResp(EnquireLinkResp),
    GENERIC_NACK => GenericNack(GenericNack),
    SUBMIT_SM => SubmitSm(SubmitSm),
    SUBMIT_SM_RESP => SubmitSmResp(SubmitSmResp),
    SUBMIT_MULTI => SubmitMulti(SubmitMulti),
    SUBMIT_MULTI_RESP => SubmitMultiResp(SubmitMultiResp),
    DELIVER_SM => DeliverSm(DeliverSm),
    DELIVER_SM_RESP => DeliverSmResp(DeliverSmResp),
    DATA_SM => DataSm(DataSm),
    DATA_SM_RESP => DataSmResp(DataSmResp),
    QUERY_SM => QuerySm(QuerySm),
    QUERY_SM_RESP => QuerySmResp(QuerySmResp),
    CANCEL_SM => CancelSm(CancelSm),
    CANCEL_SM_RESP => CancelSmResp(CancelSmResp),
    REPLACE_SM => ReplaceSm(ReplaceSm),
    REPLACE_SM_RESP => ReplaceSmResp(ReplaceSmResp),
    ALERT_NOTIFICATION => AlertNotification(AlertNotification),
    BROADCAST_SM => BroadcastSm(BroadcastSm),
    BROADCAST_SM_RESP => BroadcastSmResp(BroadcastSmResp),
    QUERY_BROADCAST_SM => QueryBroadcastSm(QueryBroadcastSm),
    QUERY_BROADCAST_SM_RESP => QueryBroadcastSmResp(QueryBroadcastSmResp),
    CANCEL_BROADCAST_SM => CancelBroadcastSm(CancelBroadcastSm),
    CANCEL_BROADCAST_SM_RESP => CancelBroadcastSmResp(CancelBroadcastSmResp),
}

/// Declares the bodies of one command each: how they become a [`Pdu`], and that they wait for a response.
macro_rules! requests {
    ($($body:ident = $command:ident,)*) => {
        $(
            impl Request for $body {
                const COMMAND: CommandId = CommandId::$command;
            }

            impl From<$body> for Pdu {
                fn from(body: $body) -> Self {
                    Self::$body(body)
                }
            }
        )*
    };
}

requests! {
    SubmitSm = SUBMIT_SM,
    SubmitMulti = SUBMIT_MULTI,
    DeliverSm = DELIVER_SM,
    DataSm = DATA_SM,
    QuerySm = QUERY_SM,
    CancelSm = CANCEL_SM,
    ReplaceSm = REPLACE_SM,
    BroadcastSm = BROADCAST_SM,
    QueryBroadcastSm = QUERY_BROADCAST_SM,
    CancelBroadcastSm = CANCEL_BROADCAST_SM,
}

static NO_TLVS: Tlvs = Tlvs::EMPTY;
const ROK: crate::CommandStatus = crate::CommandStatus::ESME_ROK;

impl Pdu {
    /// The bind of this mode.
    pub const fn bind(mode: BindMode, bind: Bind) -> Self {
        match mode {
            BindMode::Receiver => Self::BindReceiver(bind),
            BindMode::Transmitter => Self::BindTransmitter(bind),
            BindMode::Transceiver => Self::BindTransceiver(bind),
        }
    }

    /// The message_id of a response that has one.
    pub const fn message_id(&self) -> Option<&COctet> {
        match self {
            Self::SubmitSmResp(body) => Some(&body.message_id),
            Self::SubmitMultiResp(body) => Some(&body.message_id),
            Self::DeliverSmResp(body) => Some(&body.message_id),
            Self::DataSmResp(body) => Some(&body.message_id),
            Self::QuerySmResp(body) => Some(&body.message_id),
            Self::BroadcastSmResp(body) => Some(&body.message_id),
            Self::QueryBroadcastSmResp(body) => Some(&body.message_id),
            _ => None,
        }
    }

    /// Whether this command has mandatory fields. An unknown command has none that we know of.
    pub const fn has_fields(command_id: CommandId) -> bool {
        !matches!(
            command_id,
            CommandId::UNBIND
                | CommandId::UNBIND_RESP
                | CommandId::ENQUIRE_LINK
                | CommandId::ENQUIRE_LINK_RESP
                | CommandId::GENERIC_NACK
                | CommandId::CANCEL_SM_RESP
                | CommandId::REPLACE_SM_RESP
                | CommandId::CANCEL_BROADCAST_SM_RESP
        ) && command_id.name().is_some()
    }

    /// Whether there are mandatory fields here: what the vectors call `body`.
    pub const fn has_body(&self) -> bool {
        match self {
            Self::Bodiless(_) => false,
            Self::Unknown { body, .. } => !body.is_empty(),
            other => Self::has_fields(other.command_id()),
        }
    }
}
