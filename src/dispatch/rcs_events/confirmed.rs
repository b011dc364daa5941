//! One confirmation for what is said twice: by the menu of the handset, and by the keyword that it writes at once.

use std::time::Duration;

use moka::sync::Cache;

use crate::domain::UnixMillis;

/// The menu's event and its keyword come within this time of each other, in either order.
const TOGETHER: Duration = Duration::from_mins(2);
/// Confirmations that are remembered.
const MOST: u64 = 100_000;

/// How a consent word was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// By the handset's menu.
    ByMenu,
    /// By a text.
    InWords,
}

/// A word from a number to an address.
type Spoken = (Box<str>, Box<str>, &'static str);

/// Which consent words were confirmed of late, how they were said, and when. In memory alone: a restart between the two costs a second confirmation.
pub struct Confirmed(Cache<Spoken, (Said, UnixMillis)>);

impl Default for Confirmed {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(MOST).time_to_live(TOGETHER);
        Self(cache.build())
    }
}

impl Confirmed {
    /// Whether a word from a number to an address is to be confirmed: not where it is the other half of one that was, just
    /// now. Said once more in the same way, it is another one.
    pub(super) fn is_first(&self, from: &str, to: &str, word: &'static str, said: Said, at: UnixMillis) -> bool {
        let of = (from.into(), to.into(), word);
        let before = self.0.remove(&of);
        let is_half = |(how, then): (Said, UnixMillis)| how != said && at.since(then).max(then.since(at)) <= TOGETHER;
        if before.is_some_and(is_half) {
            return false;
        }
        self.0.insert(of, (said, at));
        true
    }
}
