//! Octets from a stream: every frame is read or refused, and what strict mode takes is written back as it was.

#![no_main]

use araldo_smpp::framing::next_frame;
use araldo_smpp::{MAX_PDU, Mode, Packet};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut stream = BytesMut::from(octets);
    while let Ok(Some(frame)) = next_frame(&mut stream, MAX_PDU) {
        let tolerant = Packet::decode(frame.clone(), Mode::Tolerant);
        if let Ok(decoded) = &tolerant {
            let _ = (decoded.packet.pdu.fields(), decoded.packet.pdu.tlvs().iter().count());
        }
        if let Ok(strict) = Packet::decode(frame.clone(), Mode::Strict) {
            let mut out = BytesMut::new();
            strict.packet.encode(&mut out).expect("what was read can be written");
            assert_eq!(out, frame);
            assert_eq!(tolerant, Ok(strict));
        }
    }
});
