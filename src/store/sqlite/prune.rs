//! Forgetting what ended long ago, in small steps along the rows' age.

use super::commit::Transaction;
use crate::store::{Prune, PruneResult, Seq};

/// Free pages given back to the file system by one step.
const PAGES_A_STEP: &str = "PRAGMA incremental_vacuum(256)";

/// Rows of a stretch that ended long ago, and of which no webhook is still to be sent.
pub(super) const OLD: &str = "SELECT count(*), json_group_array(seq) FROM message WHERE seq > ? AND seq <= ? \
     AND ((state = 'submitted' AND receipt = 0 AND submitted_at < ?) OR (final_at < ? \
     AND state NOT IN ('scheduled', 'queued', 'claimed', 'submitted', 'uncertain'))) \
     AND NOT EXISTS (SELECT 1 FROM notice AS n WHERE n.message_seq = message.seq AND n.endpoint IS NOT NULL \
     AND +n.due_at IS NOT NULL)";

impl Transaction<'_> {
    pub(super) async fn prune(&mut self, prune: Prune) -> Result<(), sqlx::Error> {
        const SPAN: &str =
            "SELECT max(seq), count(*) FROM (SELECT seq FROM message WHERE seq > ? ORDER BY seq LIMIT ?)";
        self.script.add(SPAN).bind(prune.after).bind(prune.step);
        let (last, seen) = self.send().await?.one::<(Option<Seq>, i64)>()?;
        let mut result = PruneResult::default();
        if let Some(last) = last {
            result.messages = self.forget_messages(prune, last).await?;
            result.next = if seen < i64::from(prune.step) { 0 } else { last };
        }
        result.keys = self
            .forget(
                "DELETE FROM idempotency WHERE (client, key) IN \
             (SELECT client, key FROM idempotency WHERE at < ? ORDER BY at LIMIT ?)",
                prune.keys_before.0,
                prune.step,
            )
            .await?;
        result.parked = self
            .forget(
                "DELETE FROM parked_receipt WHERE id IN \
             (SELECT id FROM parked_receipt WHERE at < ? ORDER BY at LIMIT ?)",
                prune.parked_before.0,
                prune.step,
            )
            .await?;
        result.inbox = self
            .forget(
                "DELETE FROM event_inbox WHERE id IN \
             (SELECT id FROM event_inbox WHERE done_at < ? AND state <> 'new' ORDER BY done_at LIMIT ?)",
                prune.ended_before.0,
                prune.step,
            )
            .await?;
        result.rcs_events = self
            .forget(
                "DELETE FROM rcs_inbox WHERE id IN \
             (SELECT id FROM rcs_inbox WHERE done_at < ? ORDER BY done_at LIMIT ?)",
                prune.ended_before.0,
                prune.step,
            )
            .await?;
        for sql in [
            "DELETE FROM action WHERE seq IN (SELECT seq FROM action WHERE done_at < ? ORDER BY done_at LIMIT ?)",
            "DELETE FROM question WHERE (number, address) IN \
             (SELECT number, address FROM question WHERE expires_at < ? ORDER BY expires_at LIMIT ?)",
            // The newest stays: its place is not given again while notices may speak of it.
            "DELETE FROM care_note WHERE case_seq IN (SELECT seq FROM care_case WHERE solved_at < ? \
             AND seq < (SELECT max(seq) FROM care_case) ORDER BY solved_at LIMIT ?)",
            "DELETE FROM care_case WHERE seq IN (SELECT seq FROM care_case WHERE solved_at < ? \
             AND seq < (SELECT max(seq) FROM care_case) ORDER BY solved_at LIMIT ?)",
            "DELETE FROM verification WHERE id IN \
             (SELECT id FROM verification WHERE made_at < ? ORDER BY made_at LIMIT ?)",
            "DELETE FROM person WHERE number IN (SELECT number FROM person WHERE at < ? ORDER BY at LIMIT ?)",
        ] {
            self.script.add(sql).bind(prune.ended_before.0).bind(prune.step);
        }
        self.script
            .add("DELETE FROM spent WHERE day < ?")
            .bind(prune.ended_before.0.div_euclid(86_400_000));
        (result.notices, result.next_notice) = self.forget_notices(prune).await?;
        self.writer.parked = self.writer.parked.saturating_sub(result.parked);
        self.script.add(PAGES_A_STEP);
        self.applied.prune = Some(result);
        Ok(())
    }

    async fn forget_messages(&mut self, prune: Prune, last: Seq) -> Result<u64, sqlx::Error> {
        let before = prune.ended_before.0;
        self.script
            .add(OLD)
            .bind(prune.after)
            .bind(last)
            .bind(before)
            .bind(before);
        let (count, seqs) = self.send().await?.one::<(i64, String)>()?;
        if count == 0 {
            return Ok(0);
        }
        for sql in [
            "DELETE FROM segment WHERE message_seq IN (SELECT value FROM json_each(?))",
            "DELETE FROM message_event WHERE message_seq IN (SELECT value FROM json_each(?))",
            "DELETE FROM notice WHERE message_seq IN (SELECT value FROM json_each(?)) AND endpoint IS NOT NULL",
            "DELETE FROM message WHERE seq IN (SELECT value FROM json_each(?))",
        ] {
            self.script.add(sql).bind(&*seqs);
        }
        Ok(count.unsigned_abs())
    }

    async fn forget_notices(&mut self, prune: Prune) -> Result<(u64, Seq), sqlx::Error> {
        const SPAN: &str = "SELECT max(seq), count(*) FROM (SELECT seq FROM notice WHERE seq > ? ORDER BY seq LIMIT ?)";
        const DELETE: &str = "DELETE FROM notice WHERE seq > ? AND seq <= ? AND at < ? AND +due_at IS NULL";
        self.script.add(SPAN).bind(prune.notices_after).bind(prune.step);
        let (last, seen) = self.send().await?.one::<(Option<Seq>, i64)>()?;
        let Some(last) = last else { return Ok((0, 0)) };
        let next = if seen < i64::from(prune.step) { 0 } else { last };
        self.script
            .add(DELETE)
            .bind(prune.notices_after)
            .bind(last)
            .bind(prune.ended_before.0);
        Ok((self.send().await?.changed, next))
    }

    async fn forget(&mut self, sql: &'static str, before: i64, step: u32) -> Result<u64, sqlx::Error> {
        self.script.add(sql).bind(before).bind(step);
        Ok(self.send().await?.changed)
    }
}
