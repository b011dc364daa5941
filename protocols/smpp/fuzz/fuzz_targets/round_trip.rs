//! A PDU of any command with any fields and TLVs is read back as it was written.

#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use araldo_smpp::{Mode, Packet};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use support::Dice;

fuzz_target!(|octets: &[u8]| {
    let packet = Dice(octets).packet();
    let mut out = BytesMut::new();
    packet.encode(&mut out).expect("made to be written");
    let decoded = Packet::decode(out.freeze(), Mode::Strict).expect("what was written can be read");
    assert_eq!(decoded.packet, packet);
    assert!(decoded.forgiven.is_empty());
});
