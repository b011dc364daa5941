//! Our own pace, by governor: towards a carrier, and from a client.

mod carrier;
pub mod client;

pub use carrier::CarrierPace;
