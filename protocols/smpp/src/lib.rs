//! SMPP.
