//! Changes of rows, written many at a time: one statement over a JSON array, whatever their kind.

use std::collections::HashSet;

use serde::Serialize;
use sqlx::Row as _;

use super::commit::Transaction;
use crate::domain::State;
use crate::store::{Changed, Progress, SegmentAnswer, Seq, Settle, SettleResult};

/// A row's change: names the state and the attempt that it leaves.
pub(super) struct RowUpdate {
    seq: Seq,
    attempt: u32,
    /// `None` is any state that a claim may be settled from.
    from: Option<State>,
    progress: Progress,
}

/// A claim may be settled while it is claimed or in doubt, and also while its resend waits: the late answer to the
/// first copy makes the second one needless.
pub(super) const UPDATE: &str = "UPDATE message SET \
     state = j.value ->> 3, step = j.value ->> 4, wake_at = j.value ->> 5, expires_at = j.value ->> 6, \
     tries = j.value ->> 7, copies = j.value ->> 8, flags = j.value ->> 9, \
     submitted_at = j.value ->> 10, final_at = j.value ->> 11, \
     carrier_message_id = j.value ->> 12, reason = j.value ->> 13, code = j.value ->> 14 \
     FROM json_each(?1) AS j \
     WHERE message.seq = (j.value ->> 0) AND message.attempt = (j.value ->> 1) \
     AND (message.state = (j.value ->> 2) \
          OR ((j.value ->> 2) IS NULL AND message.state IN ('claimed', 'uncertain', 'queued', 'scheduled'))) \
     RETURNING message.seq";

#[derive(Serialize)]
struct Columns<'a>(
    Seq,
    u32,
    Option<&'static str>,
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
);

impl RowUpdate {
    /// A change of a row that this transaction has read.
    pub(super) fn of_row(seq: Seq, from: &Progress, progress: Progress) -> Self {
        Self { seq, attempt: from.attempt, from: Some(from.state), progress }
    }

    fn columns(&self) -> Columns<'_> {
        let p = &self.progress;
        Columns(
            self.seq,
            self.attempt,
            self.from.map(State::as_str),
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
        )
    }
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
            .map(|settle| RowUpdate {
                seq: settle.claimed.seq,
                attempt: settle.claimed.progress.attempt,
                from: None,
                progress: settle.progress.clone(),
            })
            .collect();
        let touched = self.write_updates(&updates).await?;
        let mut found = Vec::new();
        for settle in settles {
            let claimed = &settle.claimed;
            if !touched.contains(&claimed.seq) {
                self.applied.settle.push(SettleResult::LostLease);
                continue;
            }
            self.applied.settle.push(SettleResult::Settled);
            self.applied.changed.push(Changed {
                id: claimed.id,
                client: claimed.client.clone(),
                class: claimed.class,
                from: claimed.progress.state,
                progress: settle.progress.clone(),
                accepted_at: claimed.accepted_at,
                at: self.now,
                route: claimed.route.clone(),
                segments: claimed.segments,
                from_step: claimed.progress.step,
            });
            if let Some(event) = &settle.event {
                self.events.push((claimed.seq, event.clone()));
            }
            if claimed.receipt && matches!(settle.progress.state, State::Submitted | State::Uncertain) {
                found.push(claimed.clone());
            }
        }
        self.meet_parked_receipts(&found).await
    }

    /// Writes what was noted so far.
    pub(super) async fn flush(&mut self) -> Result<(), sqlx::Error> {
        let updates = std::mem::take(&mut self.updates);
        // A row changed twice is written twice, in order: each change names the state that the one before has left.
        let mut rest = updates.as_slice();
        while !rest.is_empty() {
            let mut seen = HashSet::with_capacity(rest.len());
            let run = rest.iter().take_while(|update| seen.insert(update.seq)).count();
            let (now, later) = rest.split_at(run);
            let touched = self.write_updates(now).await?;
            debug_assert_eq!(touched.len(), now.len(), "rows read in this transaction cannot have moved");
            rest = later;
        }
        self.write_events().await
    }

    async fn write_updates(&mut self, updates: &[RowUpdate]) -> Result<HashSet<Seq>, sqlx::Error> {
        if updates.is_empty() {
            return Ok(HashSet::new());
        }
        let rows: Vec<_> = updates.iter().map(RowUpdate::columns).collect();
        let json = serde_json::to_string(&rows).map_err(super::columns::decode)?;
        let touched = sqlx::query(UPDATE).bind(json).fetch_all(&mut self.writer.connection).await?;
        touched.iter().map(|row| row.try_get(0)).collect()
    }

    async fn write_events(&mut self) -> Result<(), sqlx::Error> {
        #[derive(Serialize)]
        struct Columns<'a>(Seq, i64, &'static str, u32, Option<&'a str>, Option<u16>, Option<u32>, Option<&'a str>);
        const INSERT: &str = "INSERT INTO message_event (message_seq, at, kind, attempt, carrier, bind, code, note) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
             value ->> 7 FROM json_each(?1)";
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return Ok(());
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
        let json = serde_json::to_string(&rows).map_err(super::columns::decode)?;
        sqlx::query(INSERT).bind(json).execute(&mut self.writer.connection).await?;
        Ok(())
    }

    /// Records which segments of long messages the carrier has answered.
    pub(super) async fn answer_segments(&mut self, answers: &[SegmentAnswer]) -> Result<(), sqlx::Error> {
        #[derive(Serialize)]
        struct Columns<'a>(Seq, u8, u32, &'a str, &'static str, Option<&'a str>, Option<u32>, i64);
        const UPSERT: &str = "INSERT INTO segment \
             (message_seq, number, attempt, carrier, state, carrier_message_id, code, at) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
             value ->> 7 FROM json_each(?1) WHERE true \
             ON CONFLICT (message_seq, number) DO UPDATE SET attempt = excluded.attempt, carrier = excluded.carrier, \
             state = excluded.state, carrier_message_id = excluded.carrier_message_id, code = excluded.code, \
             at = excluded.at";
        if answers.is_empty() {
            return Ok(());
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
        let json = serde_json::to_string(&rows).map_err(super::columns::decode)?;
        sqlx::query(UPSERT).bind(json).execute(&mut self.writer.connection).await?;
        Ok(())
    }
}
