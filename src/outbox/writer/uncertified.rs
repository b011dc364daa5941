//! Numbers that were certified and are so no more: what is for certified numbers alone and was accepted before is not
//! sent there.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::{Flag, Name, UnixMillis};
use crate::store::{Claimed, Store, StoreError, Uncertified};

/// Beyond this nothing waits that was accepted before: a message is put off for a week at the most, and then valid for
/// one.
const LONGEST_WAIT: Duration = Duration::from_hours(15 * 24);

/// When certifications have ended, by number and client: the latest end of each.
#[derive(Default)]
pub(super) struct Ended(HashMap<Box<str>, Vec<(Name, UnixMillis)>>);

impl Ended {
    /// As the store has it.
    pub(super) async fn load(store: &dyn Store, now: UnixMillis) -> Result<Self, StoreError> {
        let since = UnixMillis(now.0.saturating_sub(millis(LONGEST_WAIT)));
        let mut ended = Self::default();
        for end in store.uncertified(since).await? {
            ended.add(end);
        }
        Ok(ended)
    }

    /// Takes in what a commit has ended, and forgets what matters no more.
    pub(super) fn learn(&mut self, new: Vec<Uncertified>, now: UnixMillis) {
        if new.is_empty() {
            return;
        }
        self.0.retain(|_, ends| {
            ends.retain(|(_, at)| now.since(*at) < LONGEST_WAIT);
            !ends.is_empty()
        });
        new.into_iter().for_each(|end| self.add(end));
    }

    /// Whether a message is for a customer who has the number no more.
    pub(super) fn withholds(&self, claimed: &Claimed) -> bool {
        if self.0.is_empty() || !claimed.progress.flags.has(Flag::ForCertified) {
            return false;
        }
        let ends = self.0.get(&*claimed.to).into_iter().flatten();
        let mut own = ends.filter(|(client, _)| *client == claimed.client);
        own.any(|(_, at)| *at >= claimed.accepted_at)
    }

    fn add(&mut self, end: Uncertified) {
        let ends = self.0.entry(end.msisdn).or_default();
        ends.retain(|(client, _)| *client != end.client);
        ends.push((end.client, end.at));
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
