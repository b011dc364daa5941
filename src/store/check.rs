//! What a look at the whole store has found.

use super::Seq;

/// What a check has found. Damage to the file as a whole is no report but an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Rows that were looked at.
    pub rows: u64,
    /// Those among them that an earlier version wrote, without a checksum.
    pub unchecked: u64,
    /// Rows that are not as they were written and wait to be set aside.
    pub damaged: u64,
    /// The first of them among the messages.
    pub messages: Vec<Seq>,
    /// The first of them among the texts that came in.
    pub texts: Vec<Seq>,
    /// Whether all was looked at. A check beside a working daemon gives way where it would cost too much.
    pub is_whole: bool,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStage {
    /// Looks at the file: pages, tables and indexes.
    Structure,
    /// Holds rows against their checksums.
    Rows {
        /// Rows looked at.
        done: u64,
        /// Rows in all, as counted at the start.
        all: u64,
    },
}
