//! Any text as a receipt: what is read is written and read again, and means the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/receipt.rs"]
mod receipt;

fuzz_target!(|octets: &[u8]| receipt::check(octets));
