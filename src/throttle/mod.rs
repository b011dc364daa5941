//! Our own pace, by governor.

pub mod client;
