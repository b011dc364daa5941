//! Questions that wait for an answer: what was asked, and what an answer means. Functions on values: no clock, no store.
//!
//! | file | what it holds |
//! |---|---|
//! | `pending` | [`Pending`]: the question, with the values that it freezes |
//! | `code` | single-use codes, bound to those values |
//! | `verification` | codes that prove whose hand a number is in |
//! | `words` | what Araldo itself says, in the languages that it knows |

mod code;
mod pending;
mod verification;
mod words;

pub use code::{Code, DIGITS as CODE_DIGITS, TRIES, digits, draw};
pub use pending::{Asked, Frozen, MOST_AGAIN, Pending};
pub use verification::{Claim, PATIENCE as CODE_PATIENCE, Tried};
pub use words::{Words, shipped};
