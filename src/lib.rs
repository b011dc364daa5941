//! Araldo.
pub mod clock;
pub mod domain;
