//! Rows whose time has come, rows that a dead process held, rows of lanes that are no more.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::columns::{self, row_columns};
use super::commit::Transaction;
use crate::domain::{Lane, Reason, State};
use crate::store::{Seq, Sweep, SweepResult};

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

impl Transaction<'_> {
    pub(super) async fn sweep(&mut self, sweeps: &[Sweep]) -> Result<(), sqlx::Error> {
        for sweep in sweeps {
            let result = match sweep {
                Sweep::Due { state, limit } => self.sweep_due(*state, *limit).await?,
                Sweep::Orphans { lease, limit } => {
                    let query = sqlx::query(ORPHANS).bind(lease.0).bind(*limit);
                    let found = query.fetch_all(&mut self.writer.connection).await?;
                    let (rules, now) = (self.rules, self.now);
                    self.move_on(&found, *limit, |row| rules.orphaned(row, now)).await?
                }
                Sweep::Strays { lane, to, limit } => self.sweep_strays(lane, to.as_ref(), *limit).await?,
            };
            self.applied.sweeps.push(result);
        }
        Ok(())
    }

    async fn sweep_due(&mut self, state: State, limit: u32) -> Result<SweepResult, sqlx::Error> {
        let query = sqlx::query(DUE).bind(state.as_str()).bind(self.now.0).bind(limit);
        let found = query.fetch_all(&mut self.writer.connection).await?;
        let (rules, now) = (self.rules, self.now);
        self.move_on(&found, limit, |row| rules.when_due(row, now)).await
    }

    async fn move_on(
        &mut self,
        found: &[SqliteRow],
        limit: u32,
        next: impl Fn(&crate::store::Row) -> (crate::store::Progress, Option<crate::store::Event>),
    ) -> Result<SweepResult, sqlx::Error> {
        for r in found {
            match columns::row(r, 0) {
                Ok(row) => {
                    let (progress, event) = next(&row);
                    self.change(row, progress, event);
                }
                Err(_) => self.quarantine_row(r.try_get(0)?).await?,
            }
        }
        self.flush().await?;
        let moved = u32::try_from(found.len()).unwrap_or(u32::MAX);
        Ok(SweepResult { moved, more: moved == limit })
    }

    async fn sweep_strays(&mut self, lane: &Lane, to: Option<&Lane>, limit: u32) -> Result<SweepResult, sqlx::Error> {
        const MOVE: &str = "UPDATE message SET route = ?3, step = ?4 WHERE seq IN \
             (SELECT seq FROM message WHERE state = 'queued' AND route = ?1 AND step = ?2 LIMIT ?5)";
        const FAIL: &str = "UPDATE message SET state = 'failed', wake_at = NULL, final_at = ?3, reason = ?4 \
             WHERE seq IN (SELECT seq FROM message WHERE state = 'queued' AND route = ?1 AND step = ?2 LIMIT ?5)";
        let query = match to {
            Some(to) => sqlx::query(MOVE)
                .bind(lane.route.as_str())
                .bind(lane.step)
                .bind(to.route.as_str())
                .bind(i64::from(to.step)),
            None => sqlx::query(FAIL)
                .bind(lane.route.as_str())
                .bind(lane.step)
                .bind(self.now.0)
                .bind(Reason::NoRoute.as_str()),
        };
        let done = query.bind(limit).execute(&mut self.writer.connection).await?;
        let moved = u32::try_from(done.rows_affected()).unwrap_or(u32::MAX);
        Ok(SweepResult { moved, more: moved == limit })
    }

    /// A row that cannot be read is set aside for a person; the others go on.
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
