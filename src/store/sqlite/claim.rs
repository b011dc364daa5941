//! Rows for a bind: one range read of the partial index for each lane and priority.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::columns::{self, ROW_COLUMNS};
use super::commit::Transaction;
use crate::store::{Claim, Claimed, LaneClaim, LaneClaimed, SegmentRecord, Seq};

/// Takes the oldest rows until their segments reach the bound; the first row is taken however long it is, so that a
/// long message is never stuck. `LIMIT` bounds the read, as every row has a segment at least.
pub(super) const CLAIM: &str = concat!(
    "UPDATE message AS m SET state = 'claimed', wake_at = NULL, attempt = attempt + 1, lease = ?1, carrier = ?2, \
     bind = ?3, claimed_at = ?4, submitted_at = NULL \
     WHERE m.seq IN (SELECT seq FROM (SELECT seq, sum(segments) OVER (ORDER BY seq) - segments AS before \
         FROM (SELECT seq, segments FROM message WHERE state = 'queued' AND route = ?5 AND step = ?6 \
               AND priority = ?7 AND expires_at > ?4 ORDER BY seq LIMIT ?8)) WHERE before < ?8) \
     RETURNING ",
    "seq, id, client, class, recipient, sender, route, segments, receipt, accepted_at, \
     state, step, wake_at, expires_at, attempt, tries, copies, flags, lease, carrier, bind, \
     claimed_at, submitted_at, final_at, carrier_message_id, reason, code, text, encoding"
);

/// Octets of UTF-8 in a text of 255 segments, at most.
const LONGEST_TEXT: usize = 255 * 153 * 4;

impl Transaction<'_> {
    pub(super) async fn claim(&mut self, claims: &[Claim]) -> Result<(), sqlx::Error> {
        for claim in claims {
            let mut lanes = Vec::with_capacity(claim.lanes.len());
            for lane in &claim.lanes {
                lanes.push(self.claim_lane(claim, lane).await?);
            }
            self.applied.claims.push(lanes);
        }
        Ok(())
    }

    async fn claim_lane(&mut self, claim: &Claim, lane: &LaneClaim) -> Result<LaneClaimed, sqlx::Error> {
        let found = sqlx::query(CLAIM)
            .bind(claim.lease.0)
            .bind(claim.bind.carrier.as_str())
            .bind(claim.bind.bind)
            .bind(self.now.0)
            .bind(lane.lane.route.as_str())
            .bind(lane.lane.step)
            .bind(lane.priority)
            .bind(lane.segments)
            .fetch_all(&mut self.writer.connection)
            .await?;
        let mut rows = Vec::with_capacity(found.len());
        let mut quarantined = 0;
        for r in &found {
            match claimed(r) {
                Ok(row) => rows.push(row),
                Err(_) => {
                    self.quarantine_row(r.try_get(0)?).await?;
                    quarantined += 1;
                }
            }
        }
        rows.sort_unstable_by_key(|row| row.seq);
        self.recall_segments(&mut rows).await?;
        Ok(LaneClaimed { rows, quarantined })
    }

    /// What this carrier has answered of a long message is not sent to it again.
    async fn recall_segments(&mut self, rows: &mut [Claimed]) -> Result<(), sqlx::Error> {
        let seqs: Vec<Seq> = rows
            .iter()
            .filter(|row| row.segments > 1 && row.progress.attempt > 1)
            .map(|row| row.seq)
            .collect();
        let mut known: HashMap<Seq, Vec<SegmentRecord>> = self.segments_by_seq(seqs).await?;
        for row in rows {
            let Some(segments) = known.remove(&row.seq) else {
                continue;
            };
            crate::store::matching::recall(row, &segments);
        }
        Ok(())
    }
}

/// What cannot be of our making is an error: nobody knows what it would become on the way to a handset.
fn claimed(r: &SqliteRow) -> Result<Claimed, sqlx::Error> {
    let row = columns::row(r, 0)?;
    let text: String = r.try_get(ROW_COLUMNS)?;
    let digits = !row.to.is_empty() && row.to.bytes().all(|octet| octet.is_ascii_digit());
    if !digits || text.len() > LONGEST_TEXT || text.contains('\0') {
        return Err(columns::decode(std::io::Error::other("a number or text that no message has")));
    }
    Ok(Claimed {
        seq: row.seq,
        id: row.id,
        client: row.client,
        class: row.class,
        to: row.to,
        from: row.from.parse().map_err(columns::decode)?,
        text: text.into(),
        encoding: columns::parsed(r, ROW_COLUMNS + 1)?,
        segments: row.segments,
        route: row.route,
        receipt: row.receipt,
        accepted_at: row.accepted_at,
        progress: row.progress,
        answered: Vec::new(),
        taken_elsewhere: false,
    })
}
