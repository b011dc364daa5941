//! `araldo pdu answer`: what the daemon's own session does about octets that arrive.

use araldo_smpp::CommandId;
use araldo_smpp::session::{self, Standing};
use serde::{Deserialize, Serialize};

use super::super::filter::{Fault, octets};
use crate::clock::monotonic;

/// What arrives, and where. Keys that are not named here, as a vector has them, are passed over.
#[derive(Debug, Deserialize)]
struct GivenOctets {
    hex: String,
    receiver: String,
    state: String,
}

/// The answer as the vectors show it.
#[derive(Debug, Serialize)]
pub(super) struct ShownAnswer {
    action: &'static str,
    /// `None` where nothing is sent, as the next two.
    command_status: Option<String>,
    sequence_number: Option<u32>,
    /// Of a response only: the action names generic_nack already.
    command: Option<&'static str>,
    connection: &'static str,
}

pub(super) fn answer(line: &str) -> Result<ShownAnswer, Fault> {
    let given: GivenOctets = serde_json::from_str(line)?;
    let octets = octets(&given.hex, "hex")?;
    let standing = Standing::named(&given.receiver, &given.state, &octets).ok_or_else(|| {
        let (field, known) = match given.receiver.as_str() {
            "server" | "client" => ("state", "OPEN, BOUND_TX, BOUND_RX or BOUND_TRX"),
            _ => ("receiver", "server or client"),
        };
        Fault::new("invalid_value").field(field).detail(known)
    })?;
    let answer = session::answer(standing, &octets, monotonic());
    let sent = answer.sent.first();
    Ok(ShownAnswer {
        action: answer.action.name(),
        command_status: sent.map(|header| header.command_status.to_string()),
        sequence_number: sent.map(|header| header.sequence_number.0),
        command: sent.and_then(|header| match header.command_id {
            CommandId::GENERIC_NACK => None,
            other => other.name(),
        }),
        connection: if answer.closes() { "close" } else { "keep" },
    })
}
