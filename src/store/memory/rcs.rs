//! What an RCS platform tells, and what it is to be asked.

use super::commit::Transaction;
use super::tables::Tables;
use crate::domain::{Flag, Lane, Name, State};
use crate::store::notice::NewNotice;
use crate::store::{RcsReport, RcsResult, Revocation, Seq};

impl Transaction<'_> {
    /// Applies what platforms tell, in its order.
    pub(super) fn hear_rcs(&mut self, reports: &[RcsReport]) {
        for report in reports {
            let known = self
                .tables
                .by_id(report.message, None)
                .map(|message| message.row.clone());
            let Some(row) = known.filter(|row| row.to == report.to) else {
                self.applied.rcs.push(RcsResult::Unknown);
                continue;
            };
            if let Some((progress, event)) = self.rules.after_rcs(&row, report, self.now) {
                self.notices
                    .extend(NewNotice::of_rcs(&row, &progress, report, self.rules));
                self.change(&row, progress, event);
            }
            self.applied.rcs.push(RcsResult::Met);
        }
    }
}

impl Tables {
    pub(super) fn revocations(&self, carrier: &Name, after: Seq, limit: u32) -> Vec<Revocation> {
        let later = self.messages.range(after + 1..).map(|(_, message)| &message.row);
        let asked = later.filter(|row| {
            let by = row.progress.bind.as_ref().is_some_and(|bind| bind.carrier == *carrier);
            by && row.progress.flags.has(Flag::Revoking)
        });
        let revocation = |row: &crate::store::Row| Revocation {
            seq: row.seq,
            message: row.id,
            to: row.to.clone(),
        };
        asked.take(limit as usize).map(revocation).collect()
    }

    pub(super) fn waiting(&self, lane: &Lane, priority: u8, limit: u32) -> Vec<Box<str>> {
        let rows = self.messages.values().map(|message| &message.row);
        let waits = rows.filter(|row| {
            let is_there = row.route == lane.route && row.progress.step == lane.step;
            is_there && row.progress.state == State::Queued && row.class.priority() == priority
        });
        waits.take(limit as usize).map(|row| row.to.clone()).collect()
    }
}
