//! Questions that wait for an answer: what was asked, and what an answer means. Functions on values: no clock, no store.
//!
//! | file | what it holds |
//! |---|---|
//! | `pending` | [`Pending`]: the question, with the values that it freezes |
//! | `code` | single-use codes, bound to those values |
//! | `words` | what Araldo itself says, in the languages that it knows |

mod code;
mod pending;
mod words;

pub use code::{Code, DIGITS as CODE_DIGITS, digits};
pub use pending::{Asked, Frozen, MOST_AGAIN, Pending, TRIES};
pub use words::{Words, shipped};
