//! The well-formed vectors: octets to fields and back, against what other implementations agree on.

#![expect(clippy::unwrap_used, reason = "a vector that is not as described fails its test")]

use araldo_smpp::decode::Mode;
use araldo_smpp::{
    CommandId, CommandStatus, FieldValue, Fields, Packet, Pdu, SequenceNumber, Tlv, TlvTag, Tlvs, TlvsMut,
};
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

#[test]
fn every_pdu_decodes_to_the_fields_and_tlvs_listed() {
    for vector in vectors() {
        for mode in [Mode::Strict, Mode::Tolerant] {
            let decoded = Packet::decode(octets(&vector), mode).unwrap_or_else(|e| panic!("{}: {e}", vector["id"]));
            assert!(decoded.forgiven.is_empty(), "{}: {:?}", vector["id"], decoded.forgiven);
            let packet = decoded.packet;
            let shown = json!({
                "command": packet.command_id().name(),
                "command_id": packet.command_id().0,
                "command_status": packet.command_status.0,
                "sequence_number": packet.sequence_number.0,
                "body": packet.pdu.has_body(),
                "fields": object(&packet.pdu.fields()),
                "tlvs": packet.pdu.tlvs().iter().map(tlv).collect::<Vec<_>>(),
            });
            for (key, value) in shown.as_object().expect("an object") {
                assert_eq!(value, &expected(&vector, key), "{} {key} {mode:?}", vector["id"]);
            }
        }
    }
}

#[test]
fn fields_are_shown_in_the_order_of_the_wire() {
    let records = include_str!("vectors/smpp_pdus.json")
        .lines()
        .filter(|line| line.contains("\"hex\""));
    for (record, vector) in records.zip(vectors()) {
        let mut listed = record.split_once("\"fields\"").expect("a record has fields").1;
        for (name, _) in Packet::decode(octets(&vector), Mode::Strict)
            .unwrap()
            .packet
            .pdu
            .fields()
            .0
        {
            let after = listed.split_once(&format!("\"{name}\":"));
            listed = after
                .unwrap_or_else(|| panic!("{}: {name} is out of order", vector["id"]))
                .1;
        }
    }
}

#[test]
fn fields_and_tlvs_by_name_encode_to_the_octets() {
    for vector in vectors() {
        let command = CommandId::from_name(vector["command"].as_str().unwrap()).expect("a command");
        let body = vector["body"].as_bool().unwrap();
        let pdu = Pdu::build(command, body, &fields(&vector["fields"]), tlvs(&vector["tlvs"])).unwrap();
        let packet = Packet {
            command_status: CommandStatus(int(&vector["command_status"])),
            sequence_number: SequenceNumber(int(&vector["sequence_number"])),
            pdu,
        };
        let mut out = BytesMut::new();
        packet.encode(&mut out).unwrap();
        assert_eq!(hex::encode(out), vector["hex"], "{}", vector["id"]);
    }
}

#[test]
fn what_was_decoded_encodes_to_the_same_octets() {
    for vector in vectors() {
        let octets = octets(&vector);
        let mut out = BytesMut::new();
        Packet::decode(octets.clone(), Mode::Strict)
            .unwrap()
            .packet
            .encode(&mut out)
            .unwrap();
        assert_eq!(out, octets, "{}", vector["id"]);
    }
}

#[test]
fn all_352_vectors_are_here() {
    assert_eq!(vectors().len(), 352);
}

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors/smpp_pdus.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn octets(vector: &Value) -> Bytes {
    hex::decode(vector["hex"].as_str().unwrap()).unwrap().into()
}

fn int(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

/// What the vector says, its TLVs without the format, which we do not show.
fn expected(vector: &Value, key: &str) -> Value {
    let mut value = vector[key].clone();
    if key == "tlvs" {
        for tlv in value.as_array_mut().unwrap() {
            tlv.as_object_mut().unwrap().remove("format");
        }
    }
    value
}

fn object(fields: &Fields) -> Value {
    fields
        .0
        .iter()
        .map(|(name, value)| (name.to_string(), json(value)))
        .collect()
}

fn json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Int(value) => json!(value),
        FieldValue::Str(text) => json!(text),
        FieldValue::Hex(octets) => json!(hex::encode(octets)),
        FieldValue::List(list) => list.iter().map(object).collect(),
    }
}

fn tlv(tlv: Tlv<'_>) -> Value {
    let mut shown = json!({
        "tag": tlv.tag.0, "name": tlv.tag.name(), "length": tlv.value.len(), "value_hex": hex::encode(tlv.value),
    });
    if let Some(value) = tlv.field_value() {
        shown["value"] = json(&value);
    }
    shown
}

fn fields(value: &Value) -> Fields {
    Fields(
        value
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone().into(), field(value)))
            .collect(),
    )
}

fn field(value: &Value) -> FieldValue {
    match value {
        Value::Number(_) => FieldValue::Int(int(value)),
        Value::String(text) => FieldValue::Str(text.clone()),
        Value::Array(list) => FieldValue::List(list.iter().map(fields).collect()),
        other => panic!("no field: {other}"),
    }
}

/// Every second TLV by its value where it has one, the others by their octets.
fn tlvs(list: &Value) -> Tlvs {
    let mut tlvs = TlvsMut::new();
    for (n, tlv) in list.as_array().unwrap().iter().enumerate() {
        let tag = TlvTag(tlv["tag"].as_u64().unwrap().try_into().unwrap());
        let octets = hex::decode(tlv["value_hex"].as_str().unwrap()).unwrap();
        // source_telematics_id has two widths; an integer is written in the narrower.
        match tlv.get("value") {
            Some(value) if n % 2 == 0 && tag != TlvTag::SOURCE_TELEMATICS_ID => {
                tlvs.push_value(tag, &field(value)).unwrap();
            }
            _ => {
                tlvs.push_octets(tag, &octets).unwrap();
            }
        }
    }
    tlvs.freeze()
}
