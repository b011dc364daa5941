//! Binds at work: each pulls what its window has room for, submits, settles, and takes in what the carrier brings.
//!
//! The outbox claims, the carrier speaks the protocol; here they meet.

pub mod action;
mod bind;
mod consent;
mod control;
mod failover;
mod flight;
mod inbound;
pub mod rcs_events;
mod revoker;
mod scout;
mod status;
mod wait;
pub mod webhook;

pub use consent::ConsentStep;
pub use control::{CarrierParts, CarrierReport, Dispatch};
pub use failover::{LaneMap, Step};
pub use revoker::Revoker;
pub use scout::Scout;
pub use status::{BindState, BindStatus, CarrierState, Counts};
pub use wait::Waits;

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;
