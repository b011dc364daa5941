//! Turns of conversations: checked in one read for a whole batch, written in a handful of statements.

mod columns;
mod read;
mod turn;

#[cfg(test)]
pub(super) use self::read::{DUE, RUNNING, STANDINGS, UNHANDLED};
pub(super) use self::read::{actions, standings, unhandled};
pub(super) use self::turn::DROP_QUESTION;
#[cfg(test)]
pub(super) use self::turn::{HANDLE, MOVE_ON, SPENT, STILL_AT, STILL_UNHANDLED};
