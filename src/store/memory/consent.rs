//! What people want to be sent.

use std::collections::BTreeMap;

use super::commit::Transaction;
use crate::domain::{Flag, Name, State, Will};
use crate::store::consent::Held;
use crate::store::notice::NewNotice;
use crate::store::{ConsentChange, ConsentQuery, ConsentRecord, ConsentResult, NewConsent, Page, Row, Seq};

/// What people want, and what they have said.
#[derive(Default)]
pub(super) struct Consents {
    held: BTreeMap<(Box<str>, Name), Held>,
    last: Seq,
    changes: Vec<ConsentChange>,
}

impl Consents {
    /// A change by its place.
    pub(super) fn said(&self, seq: Seq) -> Option<&ConsentRecord> {
        let at = usize::try_from(seq - 1).ok()?;
        self.changes.get(at).map(|change| &change.said)
    }

    pub(super) fn list(&self, query: &ConsentQuery) -> Page<ConsentRecord> {
        let wanted = |entry: &&ConsentRecord| {
            query.msisdn.as_ref().is_none_or(|msisdn| *msisdn == entry.msisdn)
                && (query.brands.is_empty() || query.brands.contains(&entry.brand))
                && query.after.is_none_or(|after| entry.seq > after)
        };
        let entries = self.held.values().flat_map(|held| &held.entries);
        let mut rows: Vec<ConsentRecord> = entries.filter(wanted).cloned().collect();
        rows.sort_unstable_by_key(|entry| entry.seq);
        rows.truncate(query.limit as usize);
        let next = rows
            .last()
            .filter(|_| rows.len() >= query.limit as usize)
            .map(|row| row.seq);
        Page { rows, next }
    }

    pub(super) fn history(&self, msisdn: &str, brands: &[Name], limit: u32) -> Vec<ConsentChange> {
        let of = |change: &&ConsentChange| {
            *change.said.msisdn == *msisdn && (brands.is_empty() || brands.contains(&change.said.brand))
        };
        self.changes
            .iter()
            .rev()
            .filter(of)
            .take(limit as usize)
            .cloned()
            .collect()
    }
}

impl Transaction<'_> {
    pub(super) fn consent(&mut self, item: &NewConsent) -> ConsentResult {
        let consents = &mut self.tables.consents;
        let held = consents
            .held
            .entry((item.msisdn.clone(), item.brand.clone()))
            .or_default();
        if let Err(unchanged) = held.apply(item, consents.last + 1) {
            return unchanged;
        }
        consents.last += 1;
        let wants = held.wants(&item.msisdn, &item.brand);
        let seq = consents.changes.len() as Seq + 1;
        consents.changes.push(ConsentChange {
            said: ConsentRecord { seq, ..item.record() },
            recorded_at: self.now,
        });
        self.applied.wants.push(wants);
        let told = item.told.iter();
        self.notices
            .extend(told.map(|client| NewNotice::of_consent(seq, item, client, self.rules)));
        let suppressed = match item.will {
            Will::OptedOut => self.suppress(item),
            Will::OptedIn | Will::Withdrawn => 0,
        };
        ConsentResult::Noted { seq, suppressed }
    }

    /// Stops what waits for who wants no more of it, and what a platform has. How many end here.
    fn suppress(&mut self, item: &NewConsent) -> u32 {
        let can_be_stopped = |row: &&Row| {
            let is_there = match row.progress.state {
                State::Queued | State::Scheduled => true,
                State::Submitted => row.progress.flags.has(Flag::WithPlatform),
                _ => false,
            };
            is_there && row.to == item.msisdn
        };
        let rows = self.tables.messages.values().map(|message| &message.row);
        let rows: Vec<Row> = rows.filter(can_be_stopped).cloned().collect();
        let mut suppressed = 0;
        for row in &rows {
            if let Some((progress, event)) = self.rules.opted_out(row, item, self.now) {
                suppressed += u32::from(progress.state == State::Suppressed);
                self.change(row, progress, event);
            }
        }
        suppressed
    }
}
