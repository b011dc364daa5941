//! Araldo.
