//! Forgetting what ended long ago, in small steps along the rows' age.

use sqlx::Row as _;

use super::commit::Transaction;
use crate::store::{Prune, PruneResult, Seq};

/// Free pages given back to the file system by one step.
const PAGES_A_STEP: &str = "PRAGMA incremental_vacuum(256)";

impl Transaction<'_> {
    pub(super) async fn prune(&mut self, prune: Prune) -> Result<(), sqlx::Error> {
        const SPAN: &str =
            "SELECT max(seq), count(*) FROM (SELECT seq FROM message WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
        let span = sqlx::query(SPAN)
            .bind(prune.after)
            .bind(prune.step)
            .fetch_one(&mut self.writer.connection)
            .await?;
        let last: Option<Seq> = span.try_get(0)?;
        let seen: i64 = span.try_get(1)?;
        let mut result = PruneResult::default();
        if let Some(last) = last {
            result.messages = self.forget_messages(prune, last).await?;
            result.next = if seen < i64::from(prune.step) { 0 } else { last };
        }
        result.keys = self
            .forget(
                "DELETE FROM idempotency WHERE (client, key) IN \
             (SELECT client, key FROM idempotency WHERE at < ?1 ORDER BY at LIMIT ?2)",
                prune.keys_before.0,
                prune.step,
            )
            .await?;
        result.parked = self
            .forget(
                "DELETE FROM parked_receipt WHERE id IN \
             (SELECT id FROM parked_receipt WHERE at < ?1 ORDER BY at LIMIT ?2)",
                prune.parked_before.0,
                prune.step,
            )
            .await?;
        self.writer.parked = self.writer.parked.saturating_sub(result.parked);
        sqlx::query(PAGES_A_STEP).execute(&mut self.writer.connection).await?;
        self.applied.prune = Some(result);
        Ok(())
    }

    async fn forget_messages(&mut self, prune: Prune, last: Seq) -> Result<u64, sqlx::Error> {
        const OLD: &str = "SELECT seq FROM message WHERE seq > ?1 AND seq <= ?2 AND ((state = 'submitted' AND receipt = 0 AND submitted_at < ?3) \
             OR (state NOT IN ('scheduled', 'queued', 'claimed', 'submitted', 'uncertain') AND final_at < ?3))";
        let rows = sqlx::query(OLD)
            .bind(prune.after)
            .bind(last)
            .bind(prune.ended_before.0)
            .fetch_all(&mut self.writer.connection)
            .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let seqs: Vec<Seq> = rows.iter().map(|r| r.try_get(0)).collect::<Result<_, _>>()?;
        let json = super::columns::json(&seqs)?;
        for sql in [
            "DELETE FROM segment WHERE message_seq IN (SELECT value FROM json_each(?1))",
            "DELETE FROM message_event WHERE message_seq IN (SELECT value FROM json_each(?1))",
            "DELETE FROM message WHERE seq IN (SELECT value FROM json_each(?1))",
        ] {
            sqlx::query(sql)
                .bind(&json)
                .execute(&mut self.writer.connection)
                .await?;
        }
        Ok(seqs.len() as u64)
    }

    async fn forget(&mut self, sql: &'static str, before: i64, step: u32) -> Result<u64, sqlx::Error> {
        let done = sqlx::query(sql)
            .bind(before)
            .bind(step)
            .execute(&mut self.writer.connection)
            .await?;
        Ok(done.rows_affected())
    }
}
