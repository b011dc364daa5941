//! Rows whose time has come, rows that a dead process held, rows of lanes that are no more.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::columns::{self, row_columns};
use super::commit::Transaction;
use crate::domain::{Lane, Reason, State};
use crate::store::{Event, Progress, Row, Seq, Sweep, SweepResult};

pub(super) const DUE: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = ?1 AND m.wake_at <= ?2 AND m.wake_at IS NOT NULL ORDER BY m.wake_at LIMIT ?3"
);

pub(super) const ORPHANS: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = 'claimed' AND m.lease IS NOT ?1 ORDER BY m.seq LIMIT ?2"
);

pub(super) const STRAYS: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM message AS m WHERE m.state = 'queued' AND m.route = ?1 AND m.step = ?2 LIMIT ?3"
);

impl Transaction<'_> {
    pub(super) async fn sweep(&mut self, sweeps: &[Sweep]) -> Result<(), sqlx::Error> {
        let (rules, now) = (self.rules, self.now);
        for sweep in sweeps {
            let result = match sweep {
                Sweep::Due { state, limit } => {
                    let query = sqlx::query(DUE).bind(state.as_str()).bind(now.0).bind(limit);
                    let found = query.fetch_all(&mut self.writer.connection).await?;
                    self.move_on(&found, *limit, |row| rules.when_due(row, now)).await?
                }
                Sweep::Orphans { lease, limit } => {
                    let query = sqlx::query(ORPHANS).bind(lease.0).bind(limit);
                    let found = query.fetch_all(&mut self.writer.connection).await?;
                    self.move_on(&found, *limit, |row| rules.orphaned(row, now)).await?
                }
                Sweep::Strays {
                    lane,
                    to: Some(to),
                    limit,
                } => self.move_strays(lane, to, *limit).await?,
                Sweep::Strays { lane, to: None, limit } => {
                    let query = sqlx::query(STRAYS)
                        .bind(lane.route.as_str())
                        .bind(lane.step)
                        .bind(limit);
                    let found = query.fetch_all(&mut self.writer.connection).await?;
                    let fail = |row: &Row| row.progress.clone().ended(State::Failed, Some(Reason::NoRoute), now);
                    self.move_on(&found, *limit, |row| (fail(row), None)).await?
                }
            };
            self.applied.sweeps.push(result);
        }
        Ok(())
    }

    async fn move_on(
        &mut self,
        found: &[SqliteRow],
        limit: u32,
        next: impl Fn(&Row) -> (Progress, Option<Event>),
    ) -> Result<SweepResult, sqlx::Error> {
        let mut doubts = Vec::new();
        for r in found {
            let Some(row) = self.readable(r, 0).await? else {
                continue;
            };
            let (progress, event) = next(&row);
            if progress.state == State::Uncertain && row.receipt {
                doubts.push((row.seq, row.to.clone()));
            }
            self.change(row, progress, event);
        }
        self.flush().await?;
        let doubts: Vec<_> = doubts.iter().map(|(seq, to)| (*seq, &**to)).collect();
        self.meet_parked_receipts(&doubts).await?;
        Ok(swept(found.len() as u64, limit))
    }

    async fn move_strays(&mut self, lane: &Lane, to: &Lane, limit: u32) -> Result<SweepResult, sqlx::Error> {
        const MOVE: &str = "UPDATE message SET route = ?3, step = ?4 WHERE seq IN \
             (SELECT seq FROM message WHERE state = 'queued' AND route = ?1 AND step = ?2 LIMIT ?5)";
        let query = sqlx::query(MOVE)
            .bind(lane.route.as_str())
            .bind(lane.step)
            .bind(to.route.as_str())
            .bind(to.step);
        let done = query.bind(limit).execute(&mut self.writer.connection).await?;
        Ok(swept(done.rows_affected(), limit))
    }

    /// Reads a row. One that cannot be read is set aside for a person, and the others go on.
    pub(super) async fn readable(&mut self, r: &SqliteRow, at: usize) -> Result<Option<Row>, sqlx::Error> {
        match columns::row(r, at) {
            Ok(row) => Ok(Some(row)),
            Err(_) => {
                self.quarantine_row(r.try_get(at)?).await?;
                Ok(None)
            }
        }
    }

    /// Sets a row aside for a person.
    pub(super) async fn quarantine_row(&mut self, seq: Seq) -> Result<(), sqlx::Error> {
        const UPDATE: &str = "UPDATE message SET state = 'quarantined', wake_at = NULL, final_at = ?2, reason = ?3 \
             WHERE seq = ?1";
        sqlx::query(UPDATE)
            .bind(seq)
            .bind(self.now.0)
            .bind(Reason::Poison.as_str())
            .execute(&mut self.writer.connection)
            .await?;
        Ok(())
    }
}

fn swept(rows: u64, limit: u32) -> SweepResult {
    let moved = u32::try_from(rows).unwrap_or(u32::MAX);
    SweepResult {
        moved,
        more: moved == limit,
    }
}
