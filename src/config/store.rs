//! `[store]`: where messages are kept.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::unit;

/// Where messages are kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The database: `sqlite://` and a path. Default `sqlite:///var/lib/araldo/araldo.db`.
    pub url: String,
    /// Bytes that must stay free on the database's file system for new messages to be taken; below it they get 503
    /// `storage_low`. On a small file system 5 % of it counts instead, or 16 MiB if that is more, or a quarter of it if
    /// that is less. Default 256 MiB.
    #[serde(with = "unit::size")]
    pub min_free_bytes: u64,
    /// Bytes set aside beforehand, so that receipts, inbound texts and opt-outs can still be written on a full disk;
    /// 0 sets none aside. On a small file system a quarter of it counts instead. Default 16 MiB.
    #[serde(with = "unit::size")]
    pub reserve_bytes: u64,
    /// Connections for reading, 1 to 64. Default 4.
    pub read_connections: u32,
    /// The longest that one read may hold its snapshot, since the log cannot be folded in meanwhile. Default 5 s.
    #[serde(with = "unit::duration")]
    pub read_timeout: Duration,
    /// How long finished messages are kept. Default 30 days.
    #[serde(with = "unit::duration")]
    pub retention: Duration,
    /// How long an Idempotency-Key is remembered. Default 24 h.
    #[serde(with = "unit::duration")]
    pub idempotency_retention: Duration,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: "sqlite:///var/lib/araldo/araldo.db".into(),
            min_free_bytes: 256 << 20,
            reserve_bytes: 16 << 20,
            read_connections: 4,
            read_timeout: Duration::from_secs(5),
            retention: Duration::from_hours(30 * 24),
            idempotency_retention: Duration::from_hours(24),
        }
    }
}

impl StoreConfig {
    /// The database file, where the URL names one. `sqlite://` is followed by a path, which begins with a slash unless
    /// it is relative to the working directory.
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let path = self.url.strip_prefix("sqlite://")?;
        let path = path.split('?').next().unwrap_or_default();
        (!path.is_empty()).then(|| path.into())
    }
}
