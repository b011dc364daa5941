//! What became of a message.

use std::time::Duration;

use araldo_rcs::answer::{Accepted, Revocation};
use araldo_rcs::error::ErrorKind;

use super::call::CallError;
use crate::domain::Reason;

/// What became of a message that was to be sent.
#[derive(Clone, Debug, PartialEq)]
pub enum SendOutcome {
    /// The platform has it, now or from an earlier try. It tells nothing of delivery: that comes by webhook.
    Accepted(Box<Accepted>),
    /// Nothing was sent, and nothing will be this way: the next step now.
    Refused(Refusal),
    /// Nothing was sent. The same message with the same id may be, but not before this time is over.
    Later(Duration),
    /// The platform may have it or not. The same message with the same id settles it, or its revocation.
    InDoubt,
}

/// Why a message is not sent by RCS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The handset has no RCS, or none that this agent may use (404).
    NotReachable,
    /// The handset cannot show the message, or the platform finds a member wrong (400).
    CannotShow,
    /// The agent may send this user no more for now (429 with the cap of the user).
    UserTrafficLimit,
    /// The key, the agent or the address of the API is wrong (401 with a new token, 403, sign-in refused): for a person.
    Configuration,
    /// A member breaks a limit of the API: what and where.
    Broken(String),
    /// Its time was over before it was sent.
    Expired,
}

impl Refusal {
    /// In the taxonomy that all carriers share.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::NotReachable => Reason::InvalidDestination,
            Self::CannotShow | Self::Broken(_) => Reason::RejectedContent,
            Self::UserTrafficLimit | Self::Configuration => Reason::CarrierRefused,
            Self::Expired => Reason::ValidityOver,
        }
    }

    /// The word of the metrics and the command line.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotReachable => "not_reachable",
            Self::CannotShow => "cannot_show",
            Self::UserTrafficLimit => "user_traffic_limit",
            Self::Configuration => "configuration",
            Self::Broken(_) => "broken",
            Self::Expired => "expired",
        }
    }
}

/// What became of a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevokeOutcome {
    /// Taken out of the queue. Strong evidence, not proof: a DELIVERED that comes all the same outranks it.
    Withdrawn,
    /// Too late: it was delivered, most likely, and a DELIVERED should follow.
    TooLate,
    /// Nobody knows: no answer that can be used.
    Unknown,
}

impl SendOutcome {
    pub(super) fn of(answer: Result<Accepted, CallError>) -> Self {
        let error = match answer {
            Ok(accepted) => return Self::Accepted(Box::new(accepted)),
            Err(error) => error,
        };
        match error {
            CallError::Refused(error) => Self::Refused(match error.kind {
                ErrorKind::NotReachable => Refusal::NotReachable,
                ErrorKind::InvalidArgument => Refusal::CannotShow,
                ErrorKind::UserTrafficLimit => Refusal::UserTrafficLimit,
                _ => Refusal::Configuration,
            }),
            CallError::SignIn(error) => match error.retry_after() {
                Some(wait) => Self::Later(wait),
                None => Self::Refused(Refusal::Configuration),
            },
            CallError::Broken(problem) => Self::Refused(Refusal::Broken(problem)),
            CallError::Later(wait) => Self::Later(wait),
            CallError::InDoubt => Self::InDoubt,
        }
    }
}

impl RevokeOutcome {
    pub(super) fn of(answer: Result<Revocation, CallError>) -> Self {
        match answer {
            Ok(Revocation::Withdrawn) => Self::Withdrawn,
            Ok(Revocation::TooLate) => Self::TooLate,
            Err(_) => Self::Unknown,
        }
    }
}
