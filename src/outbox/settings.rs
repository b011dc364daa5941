//! The outbox's bounds.

use std::time::Duration;

/// Bounds and intervals of the outbox, from the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Requests that may wait for the writer; more are refused.
    pub queue: usize,
    /// Items of one commit, from which on it is full: what came as one piece goes in it whole.
    pub batch: usize,
    /// The longest that a request waits for its commit.
    pub commit_timeout: Duration,
    /// How often scheduled rows that are due are looked for.
    pub promote_interval: Duration,
    /// How often expired, doubtful and unconfirmed rows are looked for.
    pub rescue_interval: Duration,
    /// How often old rows are looked for.
    pub prune_interval: Duration,
    /// Rows that one step of pruning looks at.
    pub prune_step: u32,
    /// Age at which a finished row is forgotten.
    pub retention: Duration,
    /// Age at which an idempotency key is forgotten.
    pub idempotency_retention: Duration,
}
