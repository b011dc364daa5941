//! Our own pace, by governor: towards a carrier, from a client, to a number.

mod carrier;
pub mod client;
pub mod number;

pub use carrier::CarrierPace;
