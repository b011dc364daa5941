//! RCS where the handset can, SMS where it cannot, never both by accident: what follows from each thing that becomes known
//! of a message that may go both ways. Pure: a table, and beside it nothing.
//!
//! The outbox owns the decision. A message is one row, which moves from its RCS step to its SMS step once: no second SMS can
//! be made of it, whatever comes how often and in which order. That move leaves a state by name, so of two reports that
//! arrive together one finds it done.

use crate::domain::Class;

/// Where a message stands between the two channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stand {
    /// It waits for RCS, or a try is under way. The platform knows it by one id for all tries and shows it once.
    Trying,
    /// The platform has it, and will tell what becomes of it.
    Accepted,
    /// Its time is over: the platform is asked to take it back.
    Revoking,
    /// Nobody knows whether it was delivered. Held a while for a late report, then its class decides.
    Doubtful,
    /// The SMS takes its place, and waits.
    SmsWaits,
    /// The SMS is with a carrier, or was.
    SmsLeft,
    /// The handset has it by RCS.
    Delivered,
    /// Nobody knows, and its class is not worth a second copy.
    GivenUp,
    /// It ended otherwise: no route, taken back by its owner, not wanted by its recipient.
    Ended,
}

/// What becomes known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Known {
    /// The platform took it.
    Accepted,
    /// The platform will not take it: the handset has no RCS, or cannot show it. Nothing was sent.
    NotReachable,
    /// The answer to a try was lost, and the tries are over.
    Lost,
    /// The handset has it, or its user has read it.
    Delivered,
    /// The platform has taken it back: the handset will not have it.
    Revoked,
    /// The platform could not take it back, or not any more: it may have been delivered.
    NotRevoked,
    /// The time is over for which it waits where it stands.
    TimeOver,
    /// A carrier has claimed the SMS.
    SmsLeft,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Ask the platform to take it back.
    Revoke,
    /// Wait a while for a late report.
    Hold,
    /// Let the SMS take its place.
    SendSms {
        /// Whether it may be the second copy.
        in_doubt: bool,
    },
    /// Take the SMS back that has not left.
    WithdrawSms,
    /// Note that it was delivered twice.
    NoteTwice,
    /// End it as delivered.
    Deliver,
    /// End it without SMS.
    GiveUp,
}

impl Class {
    /// Whether a message of which nobody knows if it was delivered by RCS is sent by SMS too. Silence is worse than a
    /// second copy for a code, an alarm, money and an answer; not for what is merely useful.
    pub const fn sends_sms_in_doubt(self) -> bool {
        match self {
            Self::Otp | Self::Alert | Self::Reply | Self::Transaction => true,
            Self::Service | Self::Marketing => false,
        }
    }
}

impl Stand {
    /// Where it stands next, and what is to be done. Nothing is to be done about what changes nothing.
    pub const fn step(self, known: Known, class: Class) -> (Self, Option<Deed>) {
        match (self, known) {
            // That the handset has it wins over everything.
            (
                Self::Trying | Self::Accepted | Self::Revoking | Self::Doubtful | Self::GivenUp | Self::Ended,
                Known::Delivered,
            ) => (Self::Delivered, Some(Deed::Deliver)),
            (Self::SmsWaits, Known::Delivered) => (Self::Delivered, Some(Deed::WithdrawSms)),
            (Self::SmsLeft, Known::Delivered) => (Self::Delivered, Some(Deed::NoteTwice)),

            (Self::Trying, Known::Accepted) => (Self::Accepted, None),
            (Self::Trying, Known::NotReachable) => (Self::SmsWaits, Some(Deed::SendSms { in_doubt: false })),
            (Self::Trying, Known::Lost) => (Self::Revoking, Some(Deed::Revoke)),

            (Self::Trying | Self::Accepted | Self::Revoking | Self::Doubtful | Self::GivenUp, Known::Revoked) => {
                (Self::SmsWaits, Some(Deed::SendSms { in_doubt: false }))
            }
            (Self::Trying | Self::Accepted | Self::Revoking, Known::NotRevoked) => (Self::Doubtful, Some(Deed::Hold)),
            (Self::Accepted, Known::TimeOver) => (Self::Revoking, Some(Deed::Revoke)),
            (Self::Revoking | Self::Doubtful, Known::TimeOver) if class.sends_sms_in_doubt() => {
                (Self::SmsWaits, Some(Deed::SendSms { in_doubt: true }))
            }
            (Self::Revoking | Self::Doubtful, Known::TimeOver) => (Self::GivenUp, Some(Deed::GiveUp)),

            (Self::SmsWaits, Known::SmsLeft) => (Self::SmsLeft, None),

            (
                stand,
                Known::Accepted
                | Known::NotReachable
                | Known::Lost
                | Known::Delivered
                | Known::Revoked
                | Known::NotRevoked
                | Known::TimeOver
                | Known::SmsLeft,
            ) => (stand, None),
        }
    }
}

#[cfg(test)]
mod tests;
