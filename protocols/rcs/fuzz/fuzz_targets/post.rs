//! Any octets as a post to the webhook: as they are, and as the payload of an envelope.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/post.rs"]
mod post;

fuzz_target!(|octets: &[u8]| post::check(octets));
