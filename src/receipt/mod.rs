//! Delivery receipts: what they say, and under which id their message is known.

mod correlate;
mod state_map;

pub use correlate::{Correlator, Transform};
pub use state_map::verdict;
