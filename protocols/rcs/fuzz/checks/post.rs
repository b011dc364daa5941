//! What must hold of any octets as a post to the webhook: as they are, and as the payload of an envelope. The fuzz target
//! and its twin in `tests/fuzz_twin.rs` share this file.

use araldo_rcs::webhook::{ClientToken, Payload, Post, envelope};

/// Nothing is shown that was not signed, and what is read is written and reads the same then.
pub(crate) fn check(octets: &[u8]) {
    let token = ClientToken::new("token".into()).expect("it is not empty");
    match Post::read(octets) {
        Ok(Post::Envelope(envelope)) => assert!(envelope.verify(Some(octets), [&token]).is_err()),
        Ok(Post::Handshake(handshake)) => drop(handshake.answer([&token])),
        Err(error) => assert!(!error.problem.is_empty()),
    }

    let Ok(Post::Envelope(post)) = Post::read(&envelope(octets)) else {
        return;
    };
    let signed = post
        .verify(Some(token.sign(octets).as_bytes()), [&token])
        .expect("it was signed");
    assert_eq!(signed.json(), octets);
    if let Ok(payload) = signed.payload() {
        let _ = payload.dedup_key();
        assert_eq!(
            Payload::from_json(&payload.to_json()).expect("what was written is read"),
            payload
        );
    }
}
