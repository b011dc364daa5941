//! The inbox of RCS platforms.

use std::collections::{BTreeMap, HashSet};

use super::commit::Transaction;
use crate::domain::{Name, UnixMillis};
use crate::store::{NewRcsEvent, RcsEvent, RcsEventResult, RcsMark, Seq};

#[derive(Default)]
pub(super) struct RcsInbox {
    known: HashSet<(Name, [u8; 32])>,
    /// Those of which something is to be made.
    new: BTreeMap<Seq, RcsEvent>,
    /// The others, and since when.
    done: BTreeMap<Seq, (Name, [u8; 32], UnixMillis)>,
    keys: BTreeMap<Seq, [u8; 32]>,
    last: Seq,
}

impl RcsInbox {
    pub(super) fn new_events(&self, after: Seq, limit: u32) -> Vec<RcsEvent> {
        let behind = self.new.range(after + 1..).map(|(_, event)| event.clone());
        behind.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
    }

    fn keep(&mut self, event: &NewRcsEvent) -> RcsEventResult {
        if !self.known.insert((event.carrier.clone(), event.key)) {
            return RcsEventResult::Repeated;
        }
        self.last += 1;
        self.keys.insert(self.last, event.key);
        let kept = RcsEvent {
            place: self.last,
            carrier: event.carrier.clone(),
            payload: event.payload.clone(),
            at: event.at,
        };
        self.new.insert(self.last, kept);
        RcsEventResult::Kept
    }

    fn mark(&mut self, mark: &RcsMark, now: UnixMillis) {
        if let (Some(event), Some(key)) = (self.new.remove(&mark.place), self.keys.remove(&mark.place)) {
            self.done.insert(mark.place, (event.carrier, key, now));
        }
    }

    /// Forgets what was done before a time; how many.
    pub(super) fn forget(&mut self, before: UnixMillis) -> u64 {
        let old = self.done.extract_if(.., |_, (_, _, at)| *at < before);
        let old: Vec<_> = old.map(|(_, (carrier, key, _))| (carrier, key)).collect();
        for key in &old {
            self.known.remove(key);
        }
        old.len() as u64
    }
}

impl Transaction<'_> {
    pub(super) fn keep_rcs_events(&mut self, events: &[NewRcsEvent]) {
        for event in events {
            let result = self.tables.rcs_inbox.keep(event);
            self.applied.rcs_events.push(result);
        }
    }

    pub(super) fn mark_rcs_events(&mut self, marks: &[RcsMark]) {
        for mark in marks {
            self.tables.rcs_inbox.mark(mark, self.now);
        }
    }
}
