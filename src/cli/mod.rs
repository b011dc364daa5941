//! The command line, a file a verb group.

pub mod simulate;
