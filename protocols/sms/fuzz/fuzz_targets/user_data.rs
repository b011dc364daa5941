//! Any octets as user data: the first is `data_coding`, of the second the low bit is UDHI and the rest chooses the
//! default alphabet.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/user_data.rs"]
mod user_data;

fuzz_target!(|octets: &[u8]| user_data::check(octets));
