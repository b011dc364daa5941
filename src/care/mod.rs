//! What a machine should not decide: until when a person answers. Functions on values.
//!
//! | file | what it holds |
//! |---|---|
//! | [`hours`] | opening hours, holidays, and the end of a wait counted in them |
//! | [`desk`] | the promise, and how it is written |

pub mod desk;
pub mod hours;

pub use desk::Desk;
pub use hours::{BadCalendar, Opening};
