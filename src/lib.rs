//! Araldo.
pub mod app;
pub mod carrier;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dispatch;
pub mod domain;
pub mod outbox;
pub mod store;
pub mod telemetry;
pub mod receipt;
pub mod throttle;
