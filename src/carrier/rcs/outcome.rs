//! What became of a message.

use std::time::Duration;

use araldo_rcs::answer::{Accepted, Revocation};
use araldo_rcs::error::ErrorKind;
use araldo_rcs::message::AgentMessage;

use super::call::CallError;
use crate::domain::Reason;

/// The status of a message that there is no token for.
const NOT_SIGNED_IN: u16 = 401;

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
    /// The handset cannot show the message (400).
    CannotShow,
    /// The platform finds fault with the request (400), or it breaks a limit of the API: ours or the agent's.
    Rejected {
        /// The member at fault, where it is known.
        field: Option<Box<str>>,
    },
    /// The agent may send this user no more for now (429 with the cap of the user).
    UserTrafficLimit,
    /// The key, the agent or the address of the API is wrong (401 with a new token, 403, a 404 of no path, sign-in
    /// refused): for a person.
    Configuration {
        /// The status of HTTP.
        status: u16,
    },
    /// Its time was over before it was sent.
    Expired,
}

impl Refusal {
    /// In the taxonomy that all carriers share.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::NotReachable | Self::CannotShow => Reason::NotReachable,
            Self::Rejected { .. } => Reason::RejectedContent,
            Self::UserTrafficLimit | Self::Configuration { .. } => Reason::CarrierRefused,
            Self::Expired => Reason::ValidityOver,
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
    pub(super) fn of(message: &AgentMessage, answer: Result<Accepted, CallError>) -> Self {
        let error = match answer {
            Ok(accepted) => return Self::Accepted(Box::new(accepted)),
            Err(error) => error,
        };
        match error {
            CallError::Refused(error) => Self::Refused(match error.kind {
                ErrorKind::NotReachable => Refusal::NotReachable,
                ErrorKind::InvalidArgument if error.is_of_the_handset(message) => Refusal::CannotShow,
                ErrorKind::InvalidArgument => Refusal::Rejected {
                    field: error.field().map(Into::into),
                },
                ErrorKind::UserTrafficLimit => Refusal::UserTrafficLimit,
                _ => Refusal::Configuration {
                    status: error.http_status.as_u16(),
                },
            }),
            CallError::SignIn(error) => match error.retry_after() {
                Some(wait) => Self::Later(wait),
                None => Self::Refused(Refusal::Configuration { status: NOT_SIGNED_IN }),
            },
            CallError::Broken(_) => Self::Refused(Refusal::Rejected { field: None }),
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
