//! Changes of rows, written many at a time: one statement over a JSON array, whatever their kind.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::Row as _;

use super::commit::{Transaction, Trust};
use crate::domain::State;
use crate::store::{Changed, Progress, Row, SegmentAnswer, Seq, Settle, SettleResult};

/// A row's change: names the state and the attempt that it leaves.
pub(super) struct RowUpdate {
    seq: Seq,
    attempt: u32,
    from: State,
    progress: Progress,
}

macro_rules! update {
    () => {
        "UPDATE message SET \
     state = j.value ->> 3, step = j.value ->> 4, wake_at = j.value ->> 5, expires_at = j.value ->> 6, \
     tries = j.value ->> 7, copies = j.value ->> 8, flags = j.value ->> 9, \
     submitted_at = j.value ->> 10, final_at = j.value ->> 11, \
     carrier_message_id = j.value ->> 12, reason = j.value ->> 13, code = j.value ->> 14, done_at = j.value ->> 15 \
     FROM jsonb_each(?) AS j \
     WHERE message.seq = (j.value ->> 0) AND message.attempt = (j.value ->> 1) AND message.state = (j.value ->> 2)"
    };
}

pub(super) const UPDATE: &str = update!();

/// The same, and tells which rows it touched.
pub(super) const UPDATE_TOLD: &str = concat!(update!(), " RETURNING message.seq");

#[derive(Serialize)]
struct Columns<'a>(
    Seq,
    u32,
    &'static str,
    &'static str,
    u8,
    Option<i64>,
    i64,
    u16,
    u8,
    u32,
    Option<i64>,
    Option<i64>,
    Option<&'a str>,
    Option<&'static str>,
    Option<u32>,
    Option<i64>,
);

impl RowUpdate {
    /// A change of a row that this transaction has read.
    pub(super) fn of_row(row: &Row, progress: Progress) -> Self {
        Self {
            seq: row.seq,
            attempt: row.progress.attempt,
            from: row.progress.state,
            progress,
        }
    }

    fn columns(&self) -> Columns<'_> {
        columns_of(self.seq, self.attempt, self.from, &self.progress)
    }
}

fn columns_of(seq: Seq, attempt: u32, from: State, p: &Progress) -> Columns<'_> {
    Columns(
        seq,
        attempt,
        from.as_str(),
        p.state.as_str(),
        p.step,
        p.wake_at.map(|at| at.0),
        p.expires_at.0,
        p.tries,
        p.copies,
        p.flags.0,
        p.submitted_at.map(|at| at.0),
        p.final_at.map(|at| at.0),
        p.carrier_message_id.as_deref(),
        p.reason.map(|reason| reason.as_str()),
        p.code,
        p.done_at.map(|at| at.0),
    )
}

impl Transaction<'_> {
    /// Settles claims. Two settlements of one row in a batch (overdue, and then answered) keep their order.
    pub(super) async fn settle(&mut self, settles: &[Settle]) -> Result<(), sqlx::Error> {
        let mut rest = settles;
        while !rest.is_empty() {
            let mut seen = HashSet::with_capacity(rest.len());
            let run = rest.iter().take_while(|settle| seen.insert(settle.claimed.seq)).count();
            let (now, later) = rest.split_at(run);
            self.settle_distinct(now).await?;
            rest = later;
        }
        Ok(())
    }

    async fn settle_distinct(&mut self, settles: &[Settle]) -> Result<(), sqlx::Error> {
        let updates: Vec<_> = settles
            .iter()
            .map(|settle| {
                let claimed = &settle.claimed;
                columns_of(claimed.seq, claimed.progress.attempt, State::Claimed, &settle.progress)
            })
            .collect();
        let (touched, late) = match self.trust {
            Trust::AllClaimed => {
                self.write_updates(&updates);
                (None, HashMap::new())
            }
            Trust::Care => {
                let touched = self.write_those_that_fit(&updates).await?;
                let missed = settles.iter().filter(|settle| !touched.contains(&settle.claimed.seq));
                let late = self.settle_late(missed).await?;
                (Some(touched), late)
            }
        };
        let is_touched = |seq: &Seq| touched.as_ref().is_none_or(|touched| touched.contains(seq));
        let mut settled = Vec::new();
        for settle in settles {
            let seq = settle.claimed.seq;
            let changed = match late.get(&seq) {
                Some((progress, row)) => Changed::of(row, progress, self.now),
                None if is_touched(&seq) => settle.changed(self.now),
                None => {
                    self.applied.settle.push(SettleResult::LostLease);
                    continue;
                }
            };
            self.applied.settle.push(SettleResult::Settled);
            if changed.from != changed.progress.state {
                self.applied.changed.push(changed);
                self.events.extend(settle.event.clone().map(|event| (seq, event)));
            }
            if settle.may_meet_receipts() {
                settled.push((seq, &*settle.claimed.to));
            }
        }
        self.meet_parked_receipts(&settled).await
    }

    /// Settles rows that are claimed no longer, where that may still be; gives them as they were, and as they are.
    async fn settle_late(
        &mut self,
        settles: impl Iterator<Item = &Settle>,
    ) -> Result<HashMap<Seq, (Progress, Row)>, sqlx::Error> {
        let settles: HashMap<Seq, &Settle> = settles.map(|settle| (settle.claimed.seq, settle)).collect();
        let seqs: Vec<Seq> = settles.keys().copied().collect();
        let rows = self.rows_by_seq(&seqs).await?;
        let late = |row: Row| Some((row.seq, (settles.get(&row.seq)?.late(&row)?, row)));
        let late: HashMap<Seq, (Progress, Row)> = rows.into_iter().filter_map(late).collect();
        let updates: Vec<_> = late
            .values()
            .map(|(progress, row)| columns_of(row.seq, row.progress.attempt, row.progress.state, progress))
            .collect();
        self.write_updates(&updates);
        Ok(late)
    }

    /// Writes what was noted so far. What is read from here on comes from the tables.
    pub(super) fn flush(&mut self) {
        self.rows.clear();
        let updates = std::mem::take(&mut self.updates);
        // A row changed twice is written twice, in order: each change names the state that the one before has left.
        let mut rest = updates.as_slice();
        while !rest.is_empty() {
            let mut seen = HashSet::with_capacity(rest.len());
            let run = rest.iter().take_while(|update| seen.insert(update.seq)).count();
            let (now, later) = rest.split_at(run);
            self.write_updates(&now.iter().map(RowUpdate::columns).collect::<Vec<_>>());
            rest = later;
        }
        self.write_marks();
        self.write_events();
    }

    /// Writes changes, every one of which must find its row as it says: the batch fails otherwise. (For rows that this
    /// transaction has read, that would be a fault of ours.)
    fn write_updates(&mut self, updates: &[Columns<'_>]) {
        if !updates.is_empty() {
            self.script.add(UPDATE).bind_json(updates).expect_changes(updates.len());
        }
    }

    /// Writes changes of rows that may have moved; gives those that had not.
    async fn write_those_that_fit(&mut self, updates: &[Columns<'_>]) -> Result<HashSet<Seq>, sqlx::Error> {
        self.script.add(UPDATE_TOLD).bind_json(updates);
        self.send().await?.rows().map(|row| row.try_get(0)).collect()
    }

    fn write_marks(&mut self) {
        const UPDATE: &str = "UPDATE segment SET state = j.value ->> 2, code = j.value ->> 3, at = j.value ->> 4 \
             FROM jsonb_each(?) AS j \
             WHERE segment.message_seq = (j.value ->> 0) AND segment.number = (j.value ->> 1)";
        let marks = std::mem::take(&mut self.marks);
        if marks.is_empty() {
            return;
        }
        let rows: Vec<_> = marks
            .into_iter()
            .map(|((seq, number), (state, code, at))| (seq, number, state.as_str(), code, at.0))
            .collect();
        self.script.add(UPDATE).bind_json(&rows);
    }

    fn write_events(&mut self) {
        #[derive(Serialize)]
        struct Columns<'a>(
            Seq,
            i64,
            &'static str,
            u32,
            Option<&'a str>,
            Option<u16>,
            Option<u32>,
            Option<&'a str>,
        );
        const INSERT: &str = "INSERT INTO message_event (message_seq, at, kind, attempt, carrier, bind, code, note) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
             value ->> 7 FROM jsonb_each(?)";
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return;
        }
        let rows: Vec<_> = events
            .iter()
            .map(|(seq, event)| {
                let bind = event.bind.as_ref();
                Columns(
                    *seq,
                    event.at.0,
                    event.kind.as_str(),
                    event.attempt,
                    bind.map(|bind| bind.carrier.as_str()),
                    bind.map(|bind| bind.bind),
                    event.code,
                    event.note.as_deref(),
                )
            })
            .collect();
        self.script.add(INSERT).bind_json(&rows);
    }

    /// Records which segments of long messages the carrier has answered. A late answer to an earlier attempt is passed
    /// over.
    pub(super) fn answer_segments(&mut self, answers: &[SegmentAnswer]) {
        #[derive(Serialize)]
        struct Columns<'a>(Seq, u8, u32, &'a str, &'static str, Option<&'a str>, Option<u32>, i64);
        const UPSERT: &str = "INSERT INTO segment \
             (message_seq, number, attempt, carrier, state, carrier_message_id, code, at) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
             value ->> 7 FROM jsonb_each(?) WHERE true \
             ON CONFLICT (message_seq, number) DO UPDATE SET attempt = excluded.attempt, carrier = excluded.carrier, \
             state = excluded.state, carrier_message_id = excluded.carrier_message_id, code = excluded.code, \
             at = excluded.at WHERE excluded.attempt >= segment.attempt";
        if answers.is_empty() {
            return;
        }
        let rows: Vec<_> = answers
            .iter()
            .map(|answer| {
                Columns(
                    answer.seq,
                    answer.number,
                    answer.attempt,
                    answer.carrier.as_str(),
                    answer.state.as_str(),
                    answer.carrier_message_id.as_deref(),
                    answer.code,
                    answer.at.0,
                )
            })
            .collect();
        self.writer.segments = true;
        self.script.add(UPSERT).bind_json(&rows);
    }
}
