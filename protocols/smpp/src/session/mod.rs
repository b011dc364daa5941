//! Session.
/// s
pub struct Session;
