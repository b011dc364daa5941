//! Our own pace: how fast segments may leave for a carrier.

mod carrier;

pub use carrier::CarrierPace;
