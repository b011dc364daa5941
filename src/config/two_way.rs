//! `[two_way]`: how texts from customers are handled.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::unit;
use crate::dialogue::Words;

/// How texts from customers are handled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TwoWayConfig {
    /// How long the segments of a long text are waited for; then what has come is handled as it is. 10s to 1h. Default
    /// 5 min.
    #[serde(with = "unit::duration")]
    pub reassembly_timeout: Duration,
    /// Calls of back ends under way at once, 1 to 1000. Default 512.
    pub max_calls: u16,
    /// Whether carriers are asked for receipts of what Araldo says by itself. Without them, the default, a reply is done
    /// once a carrier has taken it: who texts has the phone in hand, and texts again. With them its client is told what
    /// became of each, and another carrier gets what the first could not deliver.
    pub receipts: bool,
    /// Texts that one of our addresses takes a minute, from all numbers together; 0 is no limit, the default. Whoever is
    /// beyond it is told so, once an hour.
    pub address_per_minute: u32,
    /// Numbers whose asking is counted, of each command, 1,000 to 10,000,000. Default 100,000.
    pub max_numbers: u32,
    /// The country whose numbers customers write without its code, by ISO 3166-1 alpha-2. Default `IT`.
    pub country: String,
    /// What Araldo itself says, by key and language, instead of its own words.
    pub words: Words,
}

impl Default for TwoWayConfig {
    fn default() -> Self {
        Self {
            reassembly_timeout: Duration::from_mins(5),
            max_calls: 512,
            receipts: false,
            address_per_minute: 0,
            max_numbers: 100_000,
            country: "IT".to_owned(),
            words: Words::new(),
        }
    }
}
