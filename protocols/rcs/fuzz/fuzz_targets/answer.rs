//! Any octets as an answer: the first two are the status.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/answer.rs"]
mod answer;

fuzz_target!(|octets: &[u8]| answer::check(octets));
