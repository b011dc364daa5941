//! What owners and ops wish.

use crate::domain::{MessageId, Name, State, UnixMillis};

/// What an owner or a person wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Not to be sent.
    Cancel,
    /// To be sent after all.
    Requeue,
}

/// A wish for one message.
#[derive(Clone, Debug)]
pub struct ActItem {
    /// The message.
    pub id: MessageId,
    /// Whose it must be.
    pub client: Option<Name>,
    /// The wish.
    pub act: Act,
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActResult {
    /// Done: the message is in this state now.
    Done(State),
    /// The message is past it.
    Refused {
        /// Where it is.
        state: State,
        /// Since when, where known.
        since: Option<UnixMillis>,
    },
    /// It can go by RCS alone, whose platform shows nothing more under its id.
    IdSpent,
    /// No such message.
    NotFound,
}
