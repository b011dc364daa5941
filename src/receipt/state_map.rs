//! What a receipt says, in our words.

use araldo_sms::ReceiptState;

use crate::domain::Reason;
use crate::store::Verdict;

/// What a receipt's state and error mean for the message. ENROUTE, ACCEPTD and UNKNOWN end nothing (DESIGN §3).
pub fn verdict(state: Option<ReceiptState>, error: Option<u32>) -> Verdict {
    match state {
        Some(ReceiptState::Delivered) => Verdict::Delivered,
        Some(ReceiptState::Expired) => Verdict::Undelivered(Reason::AbsentSubscriber),
        Some(ReceiptState::Deleted) => Verdict::Undelivered(Reason::Deleted),
        Some(ReceiptState::Undeliverable) => Verdict::Undelivered(undeliverable(error)),
        Some(ReceiptState::Rejected) => Verdict::Undelivered(Reason::CarrierRefused),
        Some(ReceiptState::Skipped) => Verdict::Undelivered(Reason::CarrierFailed),
        Some(ReceiptState::Scheduled) => Verdict::Progress("scheduled"),
        Some(ReceiptState::Enroute) => Verdict::Progress("enroute"),
        Some(ReceiptState::Accepted) => Verdict::Progress("accepted"),
        Some(ReceiptState::Unknown) => Verdict::Progress("unknown"),
        Some(ReceiptState::Other) | None => Verdict::Progress("other"),
    }
}

/// The usual meanings of GSM MAP errors in receipts (3GPP TS 29.002 §17.6.6, in decimal). Anything else is a failure of
/// the network.
fn undeliverable(error: Option<u32>) -> Reason {
    match error {
        Some(1 | 9 | 11 | 12) => Reason::InvalidDestination,
        Some(6 | 27) => Reason::AbsentSubscriber,
        _ => Reason::CarrierFailed,
    }
}
