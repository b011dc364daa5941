//! The event inbox: the one table that other programs write to.

use std::collections::HashSet;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};

use super::commit::Transaction;
use crate::store::{Group, InboxMark, InboxRow, InboxSaid, NewEvents, Seq};

/// As octets, since SQLite takes any for a text. What is too long is not even read.
pub(super) const NEW: &str = "SELECT id, bytes, bytes <= ?2, iif(bytes <= ?2, CAST(client AS BLOB), NULL), \
     iif(bytes <= ?2, CAST(source AS BLOB), NULL), iif(bytes <= ?2, CAST(event_id AS BLOB), NULL), \
     iif(bytes <= ?2, CAST(type AS BLOB), NULL), iif(bytes <= ?2, CAST(subject AS BLOB), NULL), \
     iif(bytes <= ?2, CAST(time AS BLOB), NULL), iif(bytes <= ?2, CAST(data AS BLOB), NULL) \
     FROM (SELECT *, octet_length(client) + octet_length(source) + octet_length(event_id) + octet_length(type) \
     + coalesce(octet_length(subject), 0) + coalesce(octet_length(time), 0) + coalesce(octet_length(data), 0) AS bytes \
     FROM event_inbox WHERE state = 'new' AND id > ?1 ORDER BY id LIMIT ?3)";

/// By place: the plus keeps the planner from walking every new row for each.
pub(super) const PENDING: &str = "SELECT i.id FROM json_each(?) AS j CROSS JOIN event_inbox AS i \
     WHERE i.id = j.value AND +i.state = 'new'";

pub(super) const SETTLE: &str = "UPDATE event_inbox SET state = 'done', done_at = ?, matched = j.value ->> 1, \
     messages = j.value ->> 2, error = NULL FROM jsonb_each(?) AS j \
     WHERE event_inbox.id = (j.value ->> 0) AND +event_inbox.state = 'new'";

pub(super) const MARK: &str = "UPDATE event_inbox SET state = j.value ->> 1, done_at = ?, matched = NULL, \
     messages = 0, error = j.value ->> 2 FROM jsonb_each(?) AS j \
     WHERE event_inbox.id = (j.value ->> 0) AND +event_inbox.state = 'new'";

/// New rows in their order.
pub(super) async fn new_events(pool: &SqlitePool, query: &NewEvents) -> Result<Vec<InboxRow>, sqlx::Error> {
    let rows = sqlx::query(NEW)
        .bind(query.after)
        .bind(i64::try_from(query.max_bytes).unwrap_or(i64::MAX))
        .bind(query.limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(row).collect()
}

fn row(row: &SqliteRow) -> Result<InboxRow, sqlx::Error> {
    let said = |row: &SqliteRow| {
        Ok::<_, sqlx::Error>(InboxSaid {
            client: row.try_get(3)?,
            source: row.try_get(4)?,
            event_id: row.try_get(5)?,
            kind: row.try_get(6)?,
            subject: row.try_get(7)?,
            time: row.try_get(8)?,
            data: row.try_get(9)?,
        })
    };
    Ok(InboxRow {
        place: row.try_get(0)?,
        bytes: row.try_get::<i64, _>(1)?.unsigned_abs(),
        said: if row.try_get(2)? { Some(said(row)?) } else { None },
    })
}

impl Transaction<'_> {
    /// Of the rows that these groups settle, those that are still new.
    pub(super) async fn pending_inbox(&mut self, groups: &[Group]) -> Result<HashSet<Seq>, sqlx::Error> {
        let places = groups.iter().filter_map(|group| Some(group.inbox.as_ref()?.place));
        let places: Vec<Seq> = places.collect();
        if places.is_empty() {
            return Ok(HashSet::new());
        }
        self.script.add(PENDING).bind_json(&places);
        let answer = self.send().await?;
        answer.rows().map(|row| row.try_get(0)).collect()
    }

    /// Rows whose messages are stored with this commit: place, rules, messages.
    pub(super) fn settle_inbox(&mut self, rows: &[(Seq, u32, usize)]) {
        if !rows.is_empty() {
            self.script.add(SETTLE).bind(self.now.0).bind_json(rows);
        }
    }

    pub(super) fn mark_inbox(&mut self, marks: &[InboxMark]) {
        const KEEP: &str = "INSERT INTO event_inbox (client, source, event_id, type, data, state, done_at, messages, \
             error) VALUES (?, ?, ?, ?, ?, 'refused', ?, 0, ?)";
        let mut rows = Vec::new();
        for mark in marks {
            match mark {
                InboxMark::Repeated(place) => rows.push((*place, "repeated", None)),
                InboxMark::Refused(place, error) => rows.push((*place, "refused", Some(&**error))),
                InboxMark::Kept(event) => {
                    self.script
                        .add(KEEP)
                        .bind(event.client.as_str().to_owned())
                        .bind(event.source.to_string())
                        .bind(event.event_id.to_string())
                        .bind(event.kind.to_string())
                        .bind(event.data.to_string())
                        .bind(self.now.0)
                        .bind(event.error.to_string());
                }
            }
        }
        if !rows.is_empty() {
            self.script.add(MARK).bind(self.now.0).bind_json(&rows);
        }
    }
}

#[cfg(test)]
mod tests;
