//! Araldo.
pub mod app;
pub mod carrier;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dispatch;
pub mod domain;
pub mod http;
pub mod outbox;
pub mod receipt;
pub mod router;
pub mod simulator;
pub mod store;
pub mod telemetry;
pub mod throttle;
