//! Why the session does not do what its caller asks.

use std::fmt;

use crate::field::EncodeError;
use crate::{CommandId, SequenceNumber};

/// A request that was not sent; nothing of it is in the transmit buffer.
#[derive(Debug)]
pub struct Rejected<T> {
    /// The ticket, given back.
    pub ticket: T,
    /// Why.
    pub error: SubmitError,
}

/// Why a request is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// As many requests are outstanding as may be; try again after an answer.
    #[error("the window is full")]
    WindowFull,
    /// The session is not bound, is unbinding, or has ended.
    #[error("the session is not bound")]
    NotBound,
    /// This role may not send this command on this bind, or not in this version.
    #[error("{0} may not be sent on this bind")]
    NotAllowed(CommandId),
    /// A field cannot be written; the same request will never be.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Why a response is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The session has ended: the peer will not hear the answer.
    #[error("the session has ended")]
    Closed,
    /// The command has no response.
    #[error("{0} has no response")]
    NoResponse(CommandId),
    /// The response has fields beyond message_id; use `respond_with`.
    #[error("the response to {0} has fields of its own")]
    NeedsBody(CommandId),
    /// A field cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl<T> fmt::Display for Rejected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T: fmt::Debug> std::error::Error for Rejected<T> {}

/// What a request goes under, or why it does not.
pub type Submitted<T> = Result<SequenceNumber, Rejected<T>>;
