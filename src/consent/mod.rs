//! What people want to be sent, and when, and what that means for messages. Functions on values: no clock, no async, no
//! store.
//!
//! | file | what it holds |
//! |---|---|
//! | [`words`] | STOP, START, HELP in six languages: a whole text to a word |
//! | [`policy`] | brands, topics, exemptions: what an opt-out withholds |
//! | [`gate`] | who has opted out, in memory |
//! | [`quiet`] | quiet hours by the recipient's clock |
//! | [`answer`] | what a word means, and what is answered |

pub mod answer;
pub mod gate;
pub mod policy;
pub mod quiet;
pub mod words;

pub use answer::{Ear, Heard, Reaction};
pub use gate::Gate;
pub use policy::{Policy, Recipient};
pub use quiet::{Quiet, QuietHours};
pub use words::{Spoken, Word, Words};
