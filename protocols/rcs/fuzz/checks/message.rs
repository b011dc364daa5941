//! What must hold of any octets as a message. The fuzz target and its twin in `tests/fuzz_twin.rs` share this file.

use araldo_rcs::{AgentMessage, Capabilities, PlainText};
use jiff::Timestamp;

/// What is read and keeps the limits is written, and reads the same then; what breaks them names its members.
pub(crate) fn check(octets: &[u8]) {
    let message = match AgentMessage::from_json(octets) {
        Ok(message) => message,
        Err(error) => return assert!(!error.problem.is_empty()),
    };
    let _ = PlainText::of(&message);
    let _ = Capabilities::default().lacks(&message);
    match message.to_json(Timestamp::UNIX_EPOCH) {
        Ok(json) => assert_eq!(
            AgentMessage::from_json(&json).expect("what was written is read"),
            message
        ),
        Err(violations) => assert!(violations.iter().next().is_some()),
    }
}
