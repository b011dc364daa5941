//! RCS: the business messaging API as a carrier.

pub mod render;
