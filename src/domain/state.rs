//! Where a message is in its life, why it ended, and what is noted beside it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Channels;

/// The state of a message (MT). Each state but the final ones has one owner who moves it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a time: a wish of the sender, or a retry. The outbox promotes it when due.
    Scheduled,
    /// Due now. A bind with free window claims it.
    Queued,
    /// Leased to one bind, committed before its first octet goes out. The bind settles it.
    Claimed,
    /// The carrier took it. A receipt moves it on; final where none was wanted.
    Submitted,
    /// Nobody knows whether the carrier took it. Held for a late answer or receipt, then its class decides.
    Uncertain,
    /// The receipt says that the handset has it.
    Delivered,
    /// The receipt says that the handset will not have it.
    Undelivered,
    /// It could not be sent.
    Failed,
    /// Its validity was over before a carrier took it.
    Expired,
    /// Taken back by its sender in time.
    Canceled,
    /// Not sent because its recipient does not want it.
    Suppressed,
    /// Taken by the carrier, and the wanted receipt never came.
    Unconfirmed,
    /// Cannot be handled: needs a person.
    Quarantined,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 13] = [
        Self::Scheduled,
        Self::Queued,
        Self::Claimed,
        Self::Submitted,
        Self::Uncertain,
        Self::Delivered,
        Self::Undelivered,
        Self::Failed,
        Self::Expired,
        Self::Canceled,
        Self::Suppressed,
        Self::Unconfirmed,
        Self::Quarantined,
    ];

    /// Whether nothing moves a message out of this state by itself. `Submitted` is final only where no receipt is
    /// wanted, so it is not counted here.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Scheduled | Self::Queued | Self::Claimed | Self::Submitted | Self::Uncertain => false,
            Self::Delivered
            | Self::Undelivered
            | Self::Failed
            | Self::Expired
            | Self::Canceled
            | Self::Suppressed
            | Self::Unconfirmed
            | Self::Quarantined => true,
        }
    }

    /// Whether a late receipt may still correct this state (DESIGN: `unconfirmed`, `expired`, `failed`,
    /// `undelivered`; and the open ones).
    pub const fn yields_to_receipt(self) -> bool {
        matches!(
            self,
            Self::Claimed
                | Self::Submitted
                | Self::Uncertain
                | Self::Unconfirmed
                | Self::Expired
                | Self::Failed
                | Self::Undelivered
        )
    }

    /// The word used in the API, the store and the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Claimed => "claimed",
            Self::Submitted => "submitted",
            Self::Uncertain => "uncertain",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::Suppressed => "suppressed",
            Self::Unconfirmed => "unconfirmed",
            Self::Quarantined => "quarantined",
        }
    }
}

/// Why a message ended otherwise than delivered: one taxonomy for all carriers. The carrier's own code stands beside
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The handset was off or out of reach until the carrier gave up.
    AbsentSubscriber,
    /// The number does not exist or cannot take messages.
    InvalidDestination,
    /// The handset has no RCS, and there is no other way to it.
    NotReachable,
    /// The sender is not allowed by the carrier.
    InvalidSender,
    /// The carrier refused the message.
    CarrierRefused,
    /// The carrier took it and could not bring it to the handset.
    CarrierFailed,
    /// The carrier could not read it: a fault of ours or of its configuration.
    RejectedContent,
    /// Every try that the plan allows was used.
    RetriesOver,
    /// The recipient does not want it.
    OptedOut,
    /// The recipient's number is not certified, and what it says is for certified numbers alone.
    NotCertified,
    /// No route leads to the destination.
    NoRoute,
    /// Its validity was over.
    ValidityOver,
    /// The submit's answer was lost and its class is never sent twice.
    OutcomeUnknown,
    /// The wanted receipt never came.
    NoReceipt,
    /// Taken back by its sender.
    CanceledBySender,
    /// Taken back, or removed at the carrier, by a person.
    Deleted,
    /// It cannot be encoded or handled.
    Poison,
    /// The disk has spoilt it: it is not as it was accepted.
    Damaged,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 18] = [
        Self::AbsentSubscriber,
        Self::InvalidDestination,
        Self::NotReachable,
        Self::InvalidSender,
        Self::CarrierRefused,
        Self::CarrierFailed,
        Self::RejectedContent,
        Self::RetriesOver,
        Self::OptedOut,
        Self::NotCertified,
        Self::NoRoute,
        Self::ValidityOver,
        Self::OutcomeUnknown,
        Self::NoReceipt,
        Self::CanceledBySender,
        Self::Deleted,
        Self::Poison,
        Self::Damaged,
    ];

    /// The word used in the API and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AbsentSubscriber => "absent_subscriber",
            Self::InvalidDestination => "invalid_destination",
            Self::NotReachable => "not_reachable",
            Self::InvalidSender => "invalid_sender",
            Self::CarrierRefused => "carrier_refused",
            Self::CarrierFailed => "carrier_failed",
            Self::RejectedContent => "rejected_content",
            Self::RetriesOver => "retries_over",
            Self::OptedOut => "opted_out",
            Self::NotCertified => "not_certified",
            Self::NoRoute => "no_route",
            Self::ValidityOver => "validity_over",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::NoReceipt => "no_receipt",
            Self::CanceledBySender => "canceled_by_sender",
            Self::Deleted => "deleted",
            Self::Poison => "poison",
            Self::Damaged => "damaged",
        }
    }

    /// Whether another carrier might succeed: true for faults of network and carrier, false where the recipient, the
    /// sender or the text is at fault.
    pub const fn another_carrier_may_help(self) -> bool {
        matches!(self, Self::CarrierRefused | Self::CarrierFailed)
    }
}

/// A note beside the state. Those that change what happens next have no word in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Flag {
    /// A copy was sent after a doubt: the recipient may have it twice.
    PossibleDuplicate = 1,
    /// Two receipts say that it was delivered, or it was delivered by RCS after its SMS had left.
    DeliveredTwice = 1 << 1,
    /// The carrier took it without giving an id.
    NoCarrierId = 1 << 2,
    /// A late receipt corrected a final state.
    CorrectedByReceipt = 1 << 3,
    /// The outcome was once unknown.
    WasUncertain = 1 << 4,
    /// Queued anew after a doubt, as a copy that is counted: whoever claims it sends that copy.
    CopyDue = 1 << 5,
    /// For the recipient's eyes alone: operators are not shown its text.
    Personal = 1 << 6,
    /// In answer to a text of the recipient's: an opt-out that is older than the message does not withhold it.
    Solicited = 1 << 7,
    /// Each time that it was claimed, what had claimed it fell: the process, or the link's task.
    Felled = 1 << 8,
    /// Not to be sent by RCS.
    NotByRcs = 1 << 9,
    /// Not to be sent by SMS.
    NotBySms = 1 << 10,
    /// The RCS platform is being asked to take it back.
    Revoking = 1 << 11,
    /// The handset has it by RCS.
    DeliveredByRcs = 1 << 12,
    /// Its user has seen it.
    Read = 1 << 13,
    /// The one confirmation that its recipient wants no more.
    Acknowledges = 1 << 14,
    /// For a certified number alone: what ends a certification withholds what was accepted before.
    ForCertified = 1 << 15,
    /// An RCS platform has taken it.
    WithPlatform = 1 << 16,
}

/// The notes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flags(pub u32);

impl Flags {
    const NAMES: [(Flag, &'static str); 8] = [
        (Flag::PossibleDuplicate, "possible_duplicate"),
        (Flag::DeliveredTwice, "delivered_twice"),
        (Flag::NoCarrierId, "no_carrier_id"),
        (Flag::CorrectedByReceipt, "corrected_by_receipt"),
        (Flag::WasUncertain, "was_uncertain"),
        (Flag::Personal, "personal"),
        (Flag::DeliveredByRcs, "delivered_by_rcs"),
        (Flag::Read, "read"),
    ];

    /// These notes and `flag`.
    #[must_use]
    pub const fn with(self, flag: Flag) -> Self {
        Self(self.0 | flag as u32)
    }

    /// These notes but for `flag`.
    #[must_use]
    pub const fn without(self, flag: Flag) -> Self {
        Self(self.0 & !(flag as u32))
    }

    /// These notes, and by which channels the message may go.
    #[must_use]
    pub const fn by(self, channels: Channels) -> Self {
        let flags = if channels.rcs { self } else { self.with(Flag::NotByRcs) };
        if channels.sms {
            flags
        } else {
            flags.with(Flag::NotBySms)
        }
    }

    /// By which channels the message may go.
    pub const fn channels(self) -> Channels {
        Channels {
            rcs: !self.has(Flag::NotByRcs),
            sms: !self.has(Flag::NotBySms),
        }
    }

    /// Whether `flag` is noted.
    pub const fn has(self, flag: Flag) -> bool {
        self.0 & flag as u32 != 0
    }

    /// The words of the notes, as shown by the API.
    pub fn words(self) -> Vec<&'static str> {
        Self::NAMES
            .iter()
            .filter(|(flag, _)| self.has(*flag))
            .map(|(_, name)| *name)
            .collect()
    }
}

/// A word that names nothing known, such as a state written by a newer version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{word}`")]
pub struct UnknownWord {
    what: &'static str,
    word: String,
}

impl UnknownWord {
    pub(crate) fn new(what: &'static str, word: &str) -> Self {
        Self {
            what,
            word: word.chars().take(40).collect(),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| UnknownWord::new("state", word))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .ok_or_else(|| UnknownWord::new("reason", word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_reason_is_read_back_from_its_word() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
    }

    #[test]
    fn flags_are_shown_by_name() {
        let flags = Flags::default().with(Flag::PossibleDuplicate).with(Flag::NoCarrierId);
        assert_eq!(flags.words(), ["possible_duplicate", "no_carrier_id"]);
        assert!(!flags.has(Flag::DeliveredTwice));
    }
}
