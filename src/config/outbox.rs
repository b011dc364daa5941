//! `[outbox]`: the queue and its clocks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::unit;

/// The queue and its clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxConfig {
    /// How long a message whose answer was lost waits for a late receipt before its class decides. Default 30 s.
    #[serde(with = "unit::duration")]
    pub doubt_hold: Duration,
    /// How long after its validity a receipt is awaited; then the message is `unconfirmed`. Default 24 h.
    #[serde(with = "unit::duration")]
    pub receipt_grace: Duration,
    /// Requests that may wait for the writer, 1 to 1048576; more get 503 `queue_full`. Default 8192.
    pub queue: u32,
    /// Requests in one commit, at most; 1 to 65536. Default 1024.
    pub batch: u32,
    /// How long a request waits for its commit before it gets 503 `outcome_unknown`. Default 10 s.
    #[serde(with = "unit::duration")]
    pub commit_timeout: Duration,
    /// How often scheduled messages that are due are moved into the queue. Default 200 ms.
    #[serde(with = "unit::duration")]
    pub promote_interval: Duration,
    /// How often the expired, the doubtful and the unconfirmed are looked for. Default 1 s.
    #[serde(with = "unit::duration")]
    pub rescue_interval: Duration,
    /// How often finished rows past their retention are looked for. Default 1 min.
    #[serde(with = "unit::duration")]
    pub prune_interval: Duration,
    /// Rows deleted in one commit while pruning, 1 to 100000. Default 1000.
    pub prune_step: u32,
    /// Segments that a text may make, 1 to 255; more is refused. Default 10.
    pub max_segments: u8,
    /// How long a planned stop waits for answers before it unbinds. Default 15 s.
    #[serde(with = "unit::duration")]
    pub drain_timeout: Duration,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            doubt_hold: Duration::from_secs(30),
            receipt_grace: Duration::from_hours(24),
            queue: 8192,
            batch: 1024,
            commit_timeout: Duration::from_secs(10),
            promote_interval: Duration::from_millis(200),
            rescue_interval: Duration::from_secs(1),
            prune_interval: Duration::from_mins(1),
            prune_step: 1000,
            max_segments: 10,
            drain_timeout: Duration::from_secs(15),
        }
    }
}
