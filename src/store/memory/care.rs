//! Cases.

use std::collections::BTreeMap;

use super::commit::Transaction;
use crate::domain::{CaseId, UnixMillis};
use crate::store::care::{CaseWrite, Cases};
use crate::store::notice::NewNotice;
use crate::store::two_way::Between;
use crate::store::{CaseNote, CaseQuery, CaseRecord, CaseState, Page, Prune, Seq};

/// Cases, and what people noted on them.
#[derive(Default)]
pub(super) struct CaseBooks {
    rows: BTreeMap<Seq, CaseRecord>,
    notes: BTreeMap<Seq, Vec<CaseNote>>,
}

impl Cases for CaseBooks {
    fn by_id(&self, id: CaseId) -> Option<&CaseRecord> {
        self.rows.values().find(|case| case.id == id)
    }

    fn open(&self, between: &Between) -> Option<&CaseRecord> {
        let mut open = self.rows.values().filter(|case| case.state != CaseState::Solved);
        open.find(|case| case.between == *between)
    }
}

impl CaseBooks {
    pub(super) fn at(&self, seq: Seq) -> Option<&CaseRecord> {
        self.rows.get(&seq)
    }

    /// The place of a new one.
    pub(super) fn next(&self) -> Seq {
        self.rows.last_key_value().map_or(1, |(seq, _)| seq + 1)
    }

    pub(super) fn due(&self, now: UnixMillis, limit: u32) -> Vec<CaseRecord> {
        let due = |case: &&CaseRecord| case.due_at.is_some_and(|due| due <= now);
        let mut rows: Vec<CaseRecord> = self.rows.values().filter(due).cloned().collect();
        rows.sort_by_key(|case| case.due_at);
        rows.truncate(limit as usize);
        rows
    }

    pub(super) fn list(&self, query: &CaseQuery) -> Page<CaseRecord> {
        let wanted = |case: &&CaseRecord| {
            query.client.as_ref().is_none_or(|client| *client == case.client)
                && query.state.is_none_or(|state| state == case.state)
                && (query.owner.is_none() || case.owner == query.owner)
                && query
                    .number
                    .as_ref()
                    .is_none_or(|number| *number == case.between.number)
        };
        let older = self.rows.range(..query.before.unwrap_or(Seq::MAX)).rev();
        let found = older.map(|(_, case)| case).filter(wanted);
        let rows: Vec<CaseRecord> = found.take(query.limit as usize).cloned().collect();
        let full = rows.len() >= query.limit as usize;
        let next = rows.last().filter(|_| full).map(|row| row.seq);
        Page { rows, next }
    }

    pub(super) fn notes(&self, id: CaseId) -> Vec<CaseNote> {
        let notes = self.by_id(id).and_then(|case| self.notes.get(&case.seq));
        notes.cloned().unwrap_or_default()
    }

    /// The newest stays: its place is not given again while notices may speak of it.
    pub(super) fn prune(&mut self, prune: Prune) {
        let newest = self.next() - 1;
        let old = |case: &CaseRecord| case.solved_at.is_some_and(|at| at < prune.ended_before);
        self.rows.retain(|seq, case| *seq == newest || !old(case));
        self.notes.retain(|seq, _| self.rows.contains_key(seq));
    }
}

impl Transaction<'_> {
    pub(super) fn write_case(&mut self, write: CaseWrite) {
        let CaseWrite { case, note, told } = write;
        if let Some(kind) = told {
            self.notices.push(NewNotice::of_case(&case, kind, self.now, self.rules));
        }
        let cases = &mut self.tables.cases;
        if let Some(note) = note {
            cases.notes.entry(case.seq).or_default().push(note);
        }
        cases.rows.insert(case.seq, case);
    }
}
