//! What an RCS platform tells, and what it is to be asked.

use std::collections::HashMap;

use sqlx::{Row as _, SqlitePool};

use super::columns::{self, row_columns};
use super::commit::Transaction;
use crate::domain::{Lane, MessageId, Name};
use crate::store::notice::NewNotice;
use crate::store::{RcsReport, RcsResult, Revocation, Row, Seq};

pub(super) const BY_ID: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM jsonb_each(?) AS j CROSS JOIN message AS m WHERE m.id = unhex(j.value)"
);

/// The bit is that of [`Flag::Revoking`](crate::domain::Flag::Revoking), written as in the partial index, to the letter.
pub(super) const REVOKING: &str = "SELECT m.seq, m.id, m.recipient FROM message AS m \
     WHERE m.carrier = ? AND m.seq > ? AND (m.flags & 2048) <> 0 ORDER BY m.seq LIMIT ?";

/// The head of the queue, as a claim would read it.
pub(super) const HEAD: &str = "SELECT recipient FROM message WHERE state = 'queued' AND route = ? AND step = ? \
     AND priority = ? ORDER BY seq LIMIT ?";

impl Transaction<'_> {
    /// Applies what platforms tell, in its order: each report sees what those before it have made of the message.
    pub(super) async fn hear_rcs(&mut self, reports: &[RcsReport]) -> Result<(), sqlx::Error> {
        if reports.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = reports
            .iter()
            .map(|report| report.message.0.simple().to_string())
            .collect();
        self.script.add(BY_ID).bind_json(&ids);
        let answer = self.send().await?;
        let mut seqs: HashMap<MessageId, Seq> = HashMap::new();
        let mut rows: HashMap<Seq, Row> = HashMap::new();
        for r in answer.rows() {
            if let Some(row) = self.readable(r, 0)? {
                seqs.insert(row.id, row.seq);
                rows.insert(row.seq, row);
            }
        }
        for report in reports {
            let read = seqs.get(&report.message).and_then(|seq| rows.get(seq));
            let Some(row) = read.filter(|row| row.to == report.to) else {
                self.applied.rcs.push(RcsResult::Unknown);
                continue;
            };
            let row = self.rows.get(&row.seq).unwrap_or(row).clone();
            if let Some((progress, event)) = self.rules.after_rcs(&row, report, self.now) {
                self.notices
                    .extend(NewNotice::of_rcs(&row, &progress, report, self.rules));
                self.change(row, progress, event);
            }
            self.applied.rcs.push(RcsResult::Met);
        }
        self.flush();
        Ok(())
    }
}

pub(super) async fn revocations(
    readers: &SqlitePool,
    carrier: &Name,
    after: Seq,
    limit: u32,
) -> Result<Vec<Revocation>, sqlx::Error> {
    let found = sqlx::query(REVOKING)
        .bind(carrier.as_str())
        .bind(after)
        .bind(limit)
        .fetch_all(readers)
        .await?;
    let revocation = |r: &sqlx::sqlite::SqliteRow| {
        Ok(Revocation {
            seq: r.try_get(0)?,
            message: MessageId(r.try_get(1)?),
            to: columns::words(r, 2)?,
        })
    };
    found.iter().map(revocation).collect()
}

pub(super) async fn waiting(
    readers: &SqlitePool,
    lane: &Lane,
    priority: u8,
    limit: u32,
) -> Result<Vec<Box<str>>, sqlx::Error> {
    let found = sqlx::query(HEAD)
        .bind(lane.route.as_str())
        .bind(lane.step)
        .bind(priority)
        .bind(limit)
        .fetch_all(readers)
        .await?;
    found.iter().map(|r| columns::words(r, 0)).collect()
}
