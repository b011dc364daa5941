//! submit_multi and its response (SMPP 3.4 §4.5).

use bytes::Bytes;

use super::body::body;
use super::specs;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;
use crate::field::{EncodeError, Field, FieldError, FieldValue, Fields, Spec, bad_value, plain, text, write_count};
use crate::value::{
    Address, COctet, DataCoding, EsmClass, PriorityFlag, ProtocolId, RegisteredDelivery, ReplaceIfPresentFlag,
};
use crate::{CommandStatus, CommandStatus as S};

body! {
    /// The ESME hands over one text for up to 255 destinations (SMPP 3.4 §4.5.1).
    SubmitMulti {
        /// The SMS application service. 5 characters at most.
        service_type: COctet = specs::SERVICE_TYPE,
        /// The sender.
        source: Address = specs::SOURCE,
        /// The recipients; 254 at most in 3.4, 255 in 5.0.
        dest_address: Destinations = plain("dest_address"),
        /// Mode, type and features.
        esm_class: EsmClass = specs::ESM_CLASS,
        /// TP-PID of the network.
        protocol_id: ProtocolId = specs::PROTOCOL_ID,
        /// Priority.
        priority_flag: PriorityFlag = specs::PRIORITY,
        /// When to deliver first; empty is at once ([`crate::SmppTime`]).
        schedule_delivery_time: COctet = specs::SCHEDULE,
        /// Until when to try; empty is the message centre's default ([`crate::SmppTime`]).
        validity_period: COctet = specs::VALIDITY,
        /// Which receipts are wanted.
        registered_delivery: RegisteredDelivery = specs::REGISTERED_DELIVERY,
        /// Unused in submit_multi.
        replace_if_present_flag: ReplaceIfPresentFlag = specs::REPLACE_IF_PRESENT,
        /// The alphabet of the text.
        data_coding: DataCoding = specs::DATA_CODING,
        /// A text stored at the message centre; 0 is none.
        sm_default_msg_id: u8 = specs::DEFAULT_MSG_ID,
        /// The text.
        short_message: Bytes = specs::MESSAGE,
    }
}

body! {
    /// The message centre has taken the text for all but those listed (SMPP 3.4 §4.5.2).
    SubmitMultiResp {
        /// The message centre's id.
        message_id: COctet = specs::MESSAGE_ID,
        /// The destinations refused.
        unsuccess_sme: UnsuccessSmes = plain("unsuccess_sme"),
    }
}

/// Behind number_of_dests, each behind its dest_flag (SMPP 3.4 §4.5.1.1). A list of at most 255 entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations(pub Vec<Destination>);

/// One destination of submit_multi (SMPP 3.4 §4.5.1.1).
///
/// ```
/// use araldo_smpp::Address;
/// use araldo_smpp::pdu::{Destination, Destinations, SubmitMulti};
///
/// let to = vec![
///     Destination::Sme(Address::international("393331234567")),
///     Destination::DistributionList("friends".into()),
/// ];
/// let submit_multi = SubmitMulti { dest_address: Destinations(to), ..SubmitMulti::default() };
/// assert_eq!(submit_multi.dest_address.0.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// dest_flag 1: an address.
    Sme(Address),
    /// dest_flag 2: a distribution list stored at the message centre; 20 characters at most.
    DistributionList(COctet),
}

/// Behind no_unsuccess (SMPP 3.4 §4.5.2.1). A list of at most 255 entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnsuccessSmes(pub Vec<UnsuccessSme>);

/// A destination that submit_multi did not reach (SMPP 3.4 §4.5.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsuccessSme {
    /// The destination.
    pub destination: Address,
    /// Why.
    pub error_status_code: CommandStatus,
}

const DL_NAME: Spec = text("dl_name", 21, S::ESME_RINVDLNAME);
const NUMBER_OF_DESTS: &str = "number_of_dests";
const NO_UNSUCCESS: &str = "no_unsuccess";

/// The fewest octets an entry can have: what bounds the list before it is reserved.
const SMALLEST_DESTINATION: usize = 2;
const SMALLEST_UNSUCCESS: usize = 7;

impl Field for Destinations {
    fn read(reader: &mut Reader, _spec: &Spec) -> Result<Self, DecodeError> {
        let count = usize::from(reader.octet(NUMBER_OF_DESTS)?);
        let mut list = Vec::with_capacity(count.min(reader.left() / SMALLEST_DESTINATION));
        for _ in 0..count {
            let offset = reader.offset();
            list.push(match reader.octet("dest_flag")? {
                1 => Destination::Sme(Address::read(reader, &specs::DESTINATION)?),
                2 => Destination::DistributionList(COctet::read(reader, &DL_NAME)?),
                other => return Err(bad_value("dest_flag", offset, other, S::ESME_RINVDESTFLAG)),
            });
        }
        Ok(Self(list))
    }

    fn room(&self, _spec: &Spec) -> usize {
        let room = |destination: &Destination| match destination {
            Destination::Sme(address) => 1 + address.room(&specs::DESTINATION),
            Destination::DistributionList(name) => 1 + name.room(&DL_NAME),
        };
        1 + self.0.iter().map(room).sum::<usize>()
    }

    fn write(&self, out: &mut Writer<'_>, _spec: &Spec) -> Result<(), EncodeError> {
        write_count(out, NUMBER_OF_DESTS, self.0.len())?;
        for destination in &self.0 {
            match destination {
                Destination::Sme(address) => {
                    out.octet(1);
                    address.write(out, &specs::DESTINATION)?;
                }
                Destination::DistributionList(name) => {
                    out.octet(2);
                    name.write(out, &DL_NAME)?;
                }
            }
        }
        Ok(())
    }

    fn show(&self, spec: &Spec, fields: &mut Fields) {
        let entry = |destination: &Destination| {
            let mut entry = Fields::default();
            match destination {
                Destination::Sme(address) => {
                    entry.push("dest_flag", FieldValue::Int(1));
                    address.show(&specs::DESTINATION, &mut entry);
                }
                Destination::DistributionList(name) => {
                    entry.push("dest_flag", FieldValue::Int(2));
                    name.show(&DL_NAME, &mut entry);
                }
            }
            entry
        };
        fields.push(NUMBER_OF_DESTS, FieldValue::Int(self.0.len() as u32));
        fields.push(spec.name, FieldValue::List(self.0.iter().map(entry).collect()));
    }

    fn build(fields: &Fields, spec: &Spec) -> Result<Self, FieldError> {
        let entry = |entry: &Fields| match entry.int("dest_flag")? {
            1 => Address::build(entry, &specs::DESTINATION).map(Destination::Sme),
            2 => COctet::build(entry, &DL_NAME).map(Destination::DistributionList),
            _ => Err(FieldError::Invalid("dest_flag")),
        };
        fields
            .list(spec.name, NUMBER_OF_DESTS)?
            .iter()
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Field for UnsuccessSmes {
    fn read(reader: &mut Reader, _spec: &Spec) -> Result<Self, DecodeError> {
        let count = usize::from(reader.octet(NO_UNSUCCESS)?);
        let mut list = Vec::with_capacity(count.min(reader.left() / SMALLEST_UNSUCCESS));
        for _ in 0..count {
            list.push(UnsuccessSme {
                destination: Address::read(reader, &specs::DESTINATION)?,
                error_status_code: CommandStatus(reader.quad("error_status_code")?),
            });
        }
        Ok(Self(list))
    }

    fn room(&self, _spec: &Spec) -> usize {
        let room = |entry: &UnsuccessSme| entry.destination.room(&specs::DESTINATION) + 4;
        1 + self.0.iter().map(room).sum::<usize>()
    }

    fn write(&self, out: &mut Writer<'_>, _spec: &Spec) -> Result<(), EncodeError> {
        write_count(out, NO_UNSUCCESS, self.0.len())?;
        for entry in &self.0 {
            entry.destination.write(out, &specs::DESTINATION)?;
            out.quad(entry.error_status_code.0);
        }
        Ok(())
    }

    fn show(&self, spec: &Spec, fields: &mut Fields) {
        let entry = |unsuccess: &UnsuccessSme| {
            let mut entry = Fields::default();
            unsuccess.destination.show(&specs::DESTINATION, &mut entry);
            entry.push("error_status_code", FieldValue::Int(unsuccess.error_status_code.0));
            entry
        };
        fields.push(NO_UNSUCCESS, FieldValue::Int(self.0.len() as u32));
        fields.push(spec.name, FieldValue::List(self.0.iter().map(entry).collect()));
    }

    fn build(fields: &Fields, spec: &Spec) -> Result<Self, FieldError> {
        let entry = |entry: &Fields| {
            Ok(UnsuccessSme {
                destination: Address::build(entry, &specs::DESTINATION)?,
                error_status_code: CommandStatus(entry.int("error_status_code")?),
            })
        };
        fields
            .list(spec.name, NO_UNSUCCESS)?
            .iter()
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
