//! Rows for a bind: one range read of the partial index for each lane and priority.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::checksum;
use super::columns::{self, CHECKSUM, ROW_COLUMNS};
use super::commit::Transaction;
use crate::store::{Batch, Claim, Claimed, LaneClaim, LaneClaimed, RestClaim, Seq};

macro_rules! claimed_columns {
    () => {
        "seq, id, client, class, recipient, sender, route, segments, receipt, callback, accepted_at, \
         state, step, wake_at, expires_at, attempt, tries, copies, flags, lease, carrier, bind, \
         claimed_at, submitted_at, final_at, carrier_message_id, reason, code, done_at, checksum, text, encoding, shape, rich"
    };
}

/// Takes the oldest rows until their segments reach the bound; the first row is taken however long it is, so that a
/// long message is never stuck. `LIMIT` bounds the read, as every row has a segment at least. The index has queued rows
/// only; that the row itself says so is asked by `+state`, since an index that a disk has spoilt would have it claimed
/// again and again.
pub(super) const CLAIM: &str = concat!(
    "UPDATE message AS m SET state = 'claimed', wake_at = NULL, attempt = attempt + 1, lease = ?, carrier = ?, \
     bind = ?, claimed_at = ?, submitted_at = NULL \
     WHERE m.seq IN (SELECT seq FROM (SELECT seq, sum(segments) OVER (ORDER BY seq) - segments AS before \
         FROM (SELECT seq, segments FROM message WHERE state = 'queued' AND route = ? AND step = ? \
               AND priority = ? AND expires_at > ? AND +state = 'queued' \
               AND seq NOT IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?)) WHERE before < ?) \
     RETURNING ",
    claimed_columns!()
);

/// Takes these rows where they still wait. By place alone: `+` keeps the planner from the indexes.
pub(super) const CLAIM_RESTS: &str = concat!(
    "UPDATE message AS m SET state = 'claimed', wake_at = NULL, attempt = attempt + 1, lease = ?, carrier = ?, \
     bind = ?, claimed_at = ?, submitted_at = NULL \
     WHERE m.seq IN (SELECT value FROM json_each(?)) AND +m.state = 'queued' AND +m.expires_at > ? \
     RETURNING ",
    claimed_columns!()
);

/// Octets of UTF-8 in a text of 255 segments, at most.
const LONGEST_TEXT: usize = 255 * 153 * 4;

/// Lanes claimed by one script: each number of them is a text of its own, kept prepared.
const LANES_A_SCRIPT: usize = 4;

impl Transaction<'_> {
    /// Claims, and ends the transaction.
    ///
    /// The `COMMIT` is part of the last claims' script where nothing more is to be read. A row that then proves
    /// unreadable is set aside after the commit; should that fail, the row is claimed by a lease that sends nothing,
    /// and the next start sets it aside among the orphans.
    pub(super) async fn claim_and_commit(&mut self, batch: &Batch) -> Result<(), sqlx::Error> {
        let claims = &batch.claims;
        let mut rests = self.claim_rests(&batch.rests).await?;
        let lanes: Vec<_> = claims
            .iter()
            .flat_map(|claim| claim.lanes.iter().map(move |lane| (claim, lane)))
            .collect();
        let (first, last) = lanes.split_at(lanes.len().saturating_sub(1) / LANES_A_SCRIPT * LANES_A_SCRIPT);
        let mut found = Vec::with_capacity(lanes.len());
        for lanes in first.chunks(LANES_A_SCRIPT) {
            found.extend(self.claim_lanes(lanes, &batch.kept, false).await?);
        }
        let at_once = (lanes.is_empty() && rests.is_empty()) || !self.writer.segments;
        found.extend(self.claim_lanes(last, &batch.kept, at_once).await?);
        if !at_once {
            self.recall_segments(found.iter_mut().chain(&mut rests)).await?;
            self.write_notices();
            self.script.add("COMMIT");
            self.send().await?;
        } else if !self.script.is_empty() {
            self.write_notices();
            self.send().await.ok();
        }
        let mut found = found.into_iter();
        let results = claims
            .iter()
            .map(|claim| found.by_ref().take(claim.lanes.len()).collect());
        self.applied.claims.extend(results);
        self.applied.rests = rests;
        Ok(())
    }

    async fn claim_rests(&mut self, claims: &[RestClaim]) -> Result<Vec<LaneClaimed>, sqlx::Error> {
        let first = self.script.next_place();
        for claim in claims {
            self.script
                .add(CLAIM_RESTS)
                .bind(claim.lease.0)
                .bind(claim.bind.carrier.as_str())
                .bind(claim.bind.bind)
                .bind(self.now.0)
                .bind_json(&claim.rows)
                .bind(self.now.0);
        }
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        self.claimed_rows(first, claims.len()).await
    }

    /// Sends the script with the claims of these lanes, and the `COMMIT` if wanted; gives the rows of each lane.
    async fn claim_lanes(
        &mut self,
        lanes: &[(&Claim, &LaneClaim)],
        kept: &[Seq],
        commit: bool,
    ) -> Result<Vec<LaneClaimed>, sqlx::Error> {
        let first = self.script.next_place();
        for (claim, lane) in lanes {
            self.claim_lane(claim, lane, kept);
        }
        if commit {
            self.script.add("COMMIT");
        }
        self.claimed_rows(first, lanes.len()).await
    }

    /// Sends the script; gives the rows of each of the `count` claims in it that begin at its place `first`.
    async fn claimed_rows(&mut self, first: usize, count: usize) -> Result<Vec<LaneClaimed>, sqlx::Error> {
        let answer = self.send().await?;
        let mut found: Vec<LaneClaimed> = Vec::new();
        found.resize_with(count, LaneClaimed::default);
        for (place, r) in &answer.rows {
            match claimed(r) {
                Ok(row) => found[place - first].rows.push(row),
                Err(error) => {
                    self.quarantine_row(r, 0, &error)?;
                    found[place - first].quarantined += 1;
                }
            }
        }
        for lane in &mut found {
            lane.rows.sort_unstable_by_key(|row| row.seq);
        }
        Ok(found)
    }

    fn claim_lane(&mut self, claim: &Claim, lane: &LaneClaim, kept: &[Seq]) {
        let (bind, now) = (&claim.bind, self.now.0);
        self.script
            .add(CLAIM)
            .bind(claim.lease.0)
            .bind(bind.carrier.as_str())
            .bind(bind.bind)
            .bind(now)
            .bind(lane.lane.route.as_str())
            .bind(lane.lane.step)
            .bind(lane.priority)
            .bind(now)
            .bind_json(kept)
            .bind(lane.segments)
            .bind(lane.segments);
    }

    /// What this carrier has answered of a long message is not sent to it again.
    async fn recall_segments(&mut self, lanes: impl Iterator<Item = &mut LaneClaimed>) -> Result<(), sqlx::Error> {
        let again = |row: &&mut Claimed| row.segments > 1 && row.progress.attempt > 1;
        let rows: Vec<&mut Claimed> = lanes.flat_map(|lane| &mut lane.rows).filter(again).collect();
        let known = self.segments_by_seq(rows.iter().map(|row| row.seq).collect()).await?;
        for row in rows {
            if let Some(segments) = known.get(&row.seq) {
                crate::store::matching::recall(row, segments);
            }
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
        return Err(columns::decode(std::io::Error::other(
            "a number or text that no message has",
        )));
    }
    let (encoding, shape) = (
        columns::parsed(r, ROW_COLUMNS + 1)?,
        columns::shape(r, ROW_COLUMNS + 2)?,
    );
    let rich: Option<String> = r.try_get(ROW_COLUMNS + 3)?;
    let body = checksum::message_body(&text, encoding, &shape, rich.as_deref());
    columns::check(r, CHECKSUM, body)?;
    Ok(Claimed {
        seq: row.seq,
        id: row.id,
        client: row.client,
        class: row.class,
        to: row.to,
        from: row.from.parse().map_err(columns::decode)?,
        text: text.into(),
        rich: rich.map(Into::into),
        encoding,
        shape,
        segments: row.segments,
        route: row.route,
        receipt: row.receipt,
        callback: row.callback,
        accepted_at: row.accepted_at,
        progress: row.progress,
        answered: Vec::new(),
        taken_elsewhere: false,
    })
}
