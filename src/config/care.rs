//! `[care]`: when people are there to answer, and how soon they do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Weekday, Zone, unit};

/// When cases are worked on, and what is promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CareConfig {
    /// Whether what a machine should not decide is left to a person. Default `true`; where nobody would look, customers
    /// are told that they were not understood instead.
    pub open_cases: bool,
    /// Whose clock the hours are by. Default UTC.
    pub time_zone: Zone,
    /// The opening hours of each day, e.g. `monday = ["09:00-13:00", "14:00-18:00"]`; a day without any is closed. Default
    /// none, which is always open but for holidays.
    pub hours: BTreeMap<Weekday, Vec<String>>,
    /// Days that are closed: `2026-12-28`, or `12-25` of every year. Default none.
    pub holidays: Vec<String>,
    /// The longest wait for a person, in opening time. Default 4 h.
    #[serde(with = "unit::duration")]
    pub answer_within: Duration,
}

impl Default for CareConfig {
    fn default() -> Self {
        Self {
            open_cases: true,
            time_zone: Zone::default(),
            hours: BTreeMap::new(),
            holidays: Vec::new(),
            answer_within: Duration::from_hours(4),
        }
    }
}
