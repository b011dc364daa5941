//! `araldo pdu …`: SMPP's octets to JSON and back, and what a session answers, in the form of the conformance vectors.

mod answer;

use araldo_smpp::decode::{DecodeError, Forgiven, Mode, Problem};
use araldo_smpp::{
    CommandId, CommandStatus, EncodeError, FieldError, FieldValue, Fields, Packet, Pdu, SequenceNumber, Tlv, TlvTag,
    Tlvs, TlvsMut,
};
use bytes::BytesMut;
use clap::Subcommand;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Exit;
use super::filter::{self, Fault, octets};

/// What to do with PDUs. One line in, one JSON line out; a bad line gets `{"error", "field"}`, and the end is exit 1.
#[derive(Clone, Debug, Subcommand)]
pub enum PduVerb {
    /// Decode: hex of a PDU a line to its fields in JSON.
    ///
    /// Prints what the octets hold, passwords of binds included. A response with status 0 and no body, as some carriers
    /// send, is an error where the standard gives it one, and forgiven with --tolerant.
    #[command(
        after_help = "Example:\n  echo 00000010000000150000000000000001 | araldo pdu decode\n\nExit code: 1 if a line could not be read, else 0."
    )]
    Decode {
        /// Read on where the daemon would, and say under "forgiven" what was wrong.
        #[arg(long)]
        tolerant: bool,
    },
    /// Encode: fields in JSON, as `decode` prints them, to {"hex"}.
    ///
    /// A TLV is named by "tag" or "name" and given by "value_hex" or "value". Lengths and counts may be left out.
    #[command(
        after_help = "Example:\n  echo '{\"command\":\"enquire_link\",\"sequence_number\":1}' | araldo pdu encode\n\nExit code: 1 if a line could not be read, else 0."
    )]
    Encode,
    /// Answer: octets that arrive, {"hex", "receiver", "state"}, to what a session does about them.
    ///
    /// "receiver" is server (message centre) or client; "state" is OPEN, BOUND_TX, BOUND_RX or BOUND_TRX. The session is
    /// the daemon's own, with its default settings; of several PDUs the first is shown. A request of ours is presumed
    /// outstanding for every response numbered up to 65535.
    #[command(
        after_help = "Example:\n  echo '{\"hex\":\"000000100000000a0000000000000007\",\"receiver\":\"server\",\"state\":\"OPEN\"}' | araldo pdu answer\n\nExit code: 1 if a line could not be read, else 0."
    )]
    Answer,
}

impl PduVerb {
    /// Does it.
    pub fn run(&self) -> Exit {
        match self {
            Self::Decode { tolerant: false } => filter::run(|line| decode(line, Mode::Strict)),
            Self::Decode { tolerant: true } => filter::run(|line| decode(line, Mode::Tolerant)),
            Self::Encode => filter::run(encode),
            Self::Answer => filter::run(answer::answer),
        }
    }
}

/// A PDU as the vectors show it.
#[derive(Debug, Serialize)]
struct ShownPdu {
    command: Option<&'static str>,
    command_id: u32,
    command_length: usize,
    command_status: u32,
    sequence_number: u32,
    body: bool,
    fields: ShownFields,
    tlvs: Vec<ShownTlv>,
    /// The octets behind the header of a command that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_hex: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forgiven: Vec<ShownForgiven>,
}

#[derive(Debug, Serialize)]
struct ShownTlv {
    tag: u16,
    name: &'static str,
    length: usize,
    value_hex: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<ShownValue>,
}

#[derive(Debug, Serialize)]
struct ShownForgiven {
    field: &'static str,
    offset: usize,
    detail: String,
}

/// Fields in the order of the wire.
#[derive(Debug)]
struct ShownFields(Fields);

#[derive(Debug)]
struct ShownValue(FieldValue);

fn decode(line: &str, mode: Mode) -> Result<ShownPdu, Fault> {
    let octets = octets(line, "hex")?;
    let command_length = octets.len();
    let decoded = Packet::decode(octets.into(), mode).map_err(|error| undecodable(&error))?;
    let packet = decoded.packet;
    let body_hex = match &packet.pdu {
        Pdu::Unknown { body, .. } => Some(hex::encode(body)),
        _ => None,
    };
    Ok(ShownPdu {
        command: packet.command_id().name(),
        command_id: packet.command_id().0,
        command_length,
        command_status: packet.command_status.0,
        sequence_number: packet.sequence_number.0,
        body: packet.pdu.has_body(),
        fields: ShownFields(packet.pdu.fields()),
        tlvs: packet.pdu.tlvs().iter().map(ShownTlv::from).collect(),
        body_hex,
        forgiven: decoded.forgiven.iter().map(ShownForgiven::from).collect(),
    })
}

fn undecodable(error: &DecodeError) -> Fault {
    let code = match error.problem {
        Problem::Truncated { .. } => "truncated",
        Problem::Unterminated { .. } => "unterminated",
        Problem::TooLong { .. } => "too_long",
        Problem::TlvLength { .. } => "tlv_length",
        Problem::TlvStream { .. } => "tlv_stream",
        Problem::Value { .. } => "invalid_value",
        Problem::CommandLength { .. } => "command_length",
    };
    Fault::new(code)
        .field(error.field)
        .offset(error.offset)
        .command_status(&error.command_status)
        .detail(&error.problem)
}

impl From<Tlv<'_>> for ShownTlv {
    fn from(tlv: Tlv<'_>) -> Self {
        Self {
            tag: tlv.tag.0,
            name: tlv.tag.name(),
            length: tlv.value.len(),
            value_hex: hex::encode(tlv.value),
            value: tlv.field_value().map(ShownValue),
        }
    }
}

impl From<&Forgiven> for ShownForgiven {
    fn from(forgiven: &Forgiven) -> Self {
        Self {
            field: forgiven.field,
            offset: forgiven.offset,
            detail: forgiven.problem.to_string(),
        }
    }
}

impl Serialize for ShownFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        show_fields(&self.0, serializer)
    }
}

impl Serialize for ShownValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        show_value(&self.0, serializer)
    }
}

fn show_fields<S: Serializer>(fields: &Fields, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(fields.0.len()))?;
    for (name, value) in &fields.0 {
        map.serialize_entry(name, &ShownValue(value.clone()))?;
    }
    map.end()
}

fn show_value<S: Serializer>(value: &FieldValue, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        FieldValue::Int(value) => serializer.serialize_u32(*value),
        FieldValue::Str(text) => serializer.serialize_str(text),
        FieldValue::Hex(octets) => serializer.serialize_str(&hex::encode(octets)),
        FieldValue::List(list) => serializer.collect_seq(list.iter().cloned().map(ShownFields)),
    }
}

/// What `encode` reads. Keys that are not named here, as a vector has them, are passed over.
#[derive(Debug, Deserialize)]
struct GivenPdu {
    command: Option<String>,
    command_id: Option<u32>,
    #[serde(default)]
    command_status: u32,
    #[serde(default = "first")]
    sequence_number: u32,
    body: Option<bool>,
    #[serde(default)]
    fields: serde_json::Map<String, Value>,
    #[serde(default)]
    tlvs: Vec<GivenTlv>,
    body_hex: Option<String>,
}

#[derive(Debug, Deserialize)]
struct GivenTlv {
    tag: Option<u16>,
    name: Option<String>,
    length: Option<usize>,
    value_hex: Option<String>,
    value: Option<Value>,
}

#[derive(Debug, Serialize)]
struct ShownHex {
    hex: String,
}

fn first() -> u32 {
    SequenceNumber::FIRST.0
}

fn encode(line: &str) -> Result<ShownHex, Fault> {
    let given: GivenPdu = serde_json::from_str(line)?;
    let command = given.command()?;
    let packet = Packet {
        command_status: CommandStatus(given.command_status),
        sequence_number: SequenceNumber(given.sequence_number),
        pdu: given.pdu(command)?,
    };
    let mut out = BytesMut::new();
    packet.encode(&mut out).map_err(|error| unwritable(&error))?;
    let out = out.freeze();
    // Only a refusal may be a header alone (SMPP 3.4 §4.2.2): what decode refuses is not written.
    if let (Pdu::Bodiless(_), CommandStatus::ESME_ROK) = (&packet.pdu, packet.command_status) {
        Packet::decode(out.clone(), Mode::Strict).map_err(|error| undecodable(&error))?;
    }
    Ok(ShownHex { hex: hex::encode(out) })
}

impl GivenPdu {
    fn command(&self) -> Result<CommandId, Fault> {
        let unknown = || Fault::new("unknown_command").field("command");
        match (&self.command, self.command_id) {
            (Some(name), None) => CommandId::from_name(name).ok_or_else(unknown),
            (Some(name), Some(id)) => match CommandId::from_name(name) {
                Some(command) if command.0 == id => Ok(command),
                Some(_) => Err(Fault::new("invalid_value")
                    .field("command_id")
                    .detail("is not that of command")),
                None => Err(unknown()),
            },
            (None, Some(id)) => Ok(CommandId(id)),
            (None, None) => Err(Fault::new("missing_field").field("command")),
        }
    }

    fn pdu(&self, command: CommandId) -> Result<Pdu, Fault> {
        if command.name().is_none() {
            let body = octets(self.body_hex.as_deref().unwrap_or_default(), "body_hex")?;
            return Ok(Pdu::Unknown {
                command_id: command,
                body: body.into(),
            });
        }
        // A refusal is a header alone, unless fields are given.
        let refusal = self.command_status != 0 && self.fields.is_empty() && self.tlvs.is_empty();
        let body = self.body.unwrap_or(!refusal);
        let fields = given_fields(&self.fields)?;
        let pdu = Pdu::build(command, body, &fields, self.tlvs()?).map_err(|error| unbuildable(&error))?;
        let shown = pdu.fields();
        match fields.0.iter().find(|(name, _)| shown.get(name).is_none()) {
            Some((name, _)) => Err(Fault::new("unknown_field").field(name.as_ref())),
            None => Ok(pdu),
        }
    }

    fn tlvs(&self) -> Result<Tlvs, Fault> {
        let mut tlvs = TlvsMut::new();
        for given in &self.tlvs {
            given.push(&mut tlvs)?;
        }
        Ok(tlvs.freeze())
    }
}

impl GivenTlv {
    fn push(&self, tlvs: &mut TlvsMut) -> Result<(), Fault> {
        let by_name = self.name.as_deref().and_then(TlvTag::from_name);
        let named = self.name.as_deref().unwrap_or("tlvs");
        let tag = self
            .tag
            .map(TlvTag)
            .or(by_name)
            .ok_or_else(|| Fault::new("unknown_tlv").field(named))?;
        match (&self.value_hex, &self.value) {
            (Some(hex), _) => {
                let octets = octets(hex, tag.name())?;
                if self.length.is_some_and(|length| length != octets.len()) {
                    return Err(Fault::new("invalid_value").field("length").detail(tag.name()));
                }
                tlvs.push_octets(tag, &octets).map_err(|error| unwritable(&error))?;
            }
            (None, Some(value)) => {
                let value = given_value(tag.name(), value)?;
                tlvs.push_value(tag, &value).map_err(|error| unbuildable(&error))?;
            }
            (None, None) => {
                return Err(Fault::new("missing_field")
                    .field(tag.name())
                    .detail("value_hex or value"));
            }
        }
        Ok(())
    }
}

fn given_fields(map: &serde_json::Map<String, Value>) -> Result<Fields, Fault> {
    let fields = map
        .iter()
        .map(|(name, value)| Ok((name.clone().into(), given_value(name, value)?)));
    fields.collect::<Result<_, Fault>>().map(Fields)
}

fn given_value(name: &str, value: &Value) -> Result<FieldValue, Fault> {
    let invalid = || Fault::new("invalid_value").field(name);
    match value {
        Value::Number(number) => {
            let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
            number.map(FieldValue::Int).ok_or_else(invalid)
        }
        Value::String(text) => Ok(FieldValue::Str(text.clone())),
        Value::Array(list) => {
            let groups = list
                .iter()
                .map(|group| given_fields(group.as_object().ok_or_else(invalid)?));
            groups.collect::<Result<_, Fault>>().map(FieldValue::List)
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => Err(invalid()),
    }
}

fn unbuildable(error: &FieldError) -> Fault {
    let code = match error {
        FieldError::Missing(_) => "missing_field",
        FieldError::Invalid(_) => "invalid_value",
        FieldError::UnknownCommand => "unknown_command",
    };
    Fault::new(code).field(error.field()).detail(error)
}

fn unwritable(error: &EncodeError) -> Fault {
    let code = match error {
        EncodeError::TooLong { .. } => "too_long",
        EncodeError::NulInside { .. } => "nul_inside",
    };
    Fault::new(code).field(error.field()).detail(error)
}
