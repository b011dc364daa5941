//! What becomes of a text from a customer once it is stored: put together, understood, acted on, answered.
//!
//! Each step is a function on values and the time; [`Pipeline`] is the one that acts. All that follows from one text is
//! one [`Turn`](crate::store::Turn), stored whole or not at all together with the mark that the text is handled: a
//! process that is killed finds the text again, or finds it done.
//!
//! | file | what it holds |
//! |---|---|
//! | `pipeline` | takes texts as they come, commits their turns, starts calls |
//! | `hand` | texts in hand, a number's one after the other |
//! | `joined` | long texts put together |
//! | `turn` | from a text to its turn |
//! | `consent` | consent words that were not obeyed as they were stored |
//! | `matter` | a text, and what stands around it |
//! | `decide` | the order of the steps, and what follows from a text |
//! | `wish` | from a command that is asked for to a confirmed wish |
//! | `answer` | what a text says to the question that waits |
//! | `guard` | who is never answered by a machine, and what a machine wrote |
//! | [`case`] | what is left to a person, and what the customer is told of it |
//! | `limits` | how often |
//! | `fence` | no more automatic texts than a person would take |
//! | `redact` | PINs, which are not kept |
//! | `book` | the catalogue made ready: the matcher, the words, whose name it is |
//! | `say` | a text to a customer, as an ordinary message |
//! | `tap` | what a tap on a suggestion says |

mod answer;
pub mod book;
pub mod case;
mod consent;
mod decide;
mod fence;
mod guard;
mod hand;
mod joined;
mod limits;
mod matter;
mod pipeline;
mod redact;
pub mod say;
#[cfg(test)]
mod simulated;
mod tap;
#[cfg(test)]
mod tests;
mod turn;
mod wish;

pub use book::{Book, BookError, Shelf};
pub use limits::Limits;
pub use pipeline::Pipeline;
pub use redact::redact;
pub use tap::Tap;
