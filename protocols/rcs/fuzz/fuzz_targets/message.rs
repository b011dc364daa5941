//! Any octets as a message.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/message.rs"]
mod message;

fuzz_target!(|octets: &[u8]| message::check(octets));
