//! The inbox of RCS platforms.

use std::collections::HashSet;

use sqlx::sqlite::SqlitePool;

use super::commit::Transaction;
use crate::domain::{Name, UnixMillis};
use crate::store::{NewRcsEvent, RcsEvent, RcsEventResult, RcsMark, Seq};

pub(super) const NEW: &str =
    "SELECT id, carrier, payload, at FROM rcs_inbox WHERE done_at IS NULL AND id > ? ORDER BY id LIMIT ?";

pub(super) const KNOWN: &str = "SELECT json_group_array(j.key) FROM json_each(?) AS j \
     WHERE EXISTS (SELECT 1 FROM rcs_inbox AS r WHERE r.carrier = (j.value ->> 0) AND r.key = unhex(j.value ->> 1))";

const KEEP: &str = "INSERT INTO rcs_inbox (carrier, key, payload, at) \
     SELECT j.value ->> 0, unhex(j.value ->> 1), j.value ->> 2, j.value ->> 3 FROM jsonb_each(?) AS j ORDER BY j.key";

pub(super) const MARK: &str = "UPDATE rcs_inbox SET done_at = ?, error = j.value ->> 1 FROM jsonb_each(?) AS j \
     WHERE rcs_inbox.id = (j.value ->> 0) AND +rcs_inbox.done_at IS NULL";

/// Events of which something is to be made, in their order.
pub(super) async fn new_events(pool: &SqlitePool, after: Seq, limit: u32) -> Result<Vec<RcsEvent>, sqlx::Error> {
    let rows: Vec<(Seq, String, String, i64)> = sqlx::query_as(NEW).bind(after).bind(limit).fetch_all(pool).await?;
    let event = |(place, carrier, payload, at): (Seq, String, String, i64)| {
        Ok(RcsEvent {
            place,
            carrier: Name::parse(&carrier).map_err(|error| sqlx::Error::Decode(error.into()))?,
            payload: payload.into(),
            at: UnixMillis(at),
        })
    };
    rows.into_iter().map(event).collect()
}

impl Transaction<'_> {
    pub(super) async fn keep_rcs_events(&mut self, events: &[NewRcsEvent]) -> Result<(), sqlx::Error> {
        if events.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = events
            .iter()
            .map(|event| (event.carrier.as_str(), hex::encode(event.key)))
            .collect();
        self.script.add(KNOWN).bind_json(&keys);
        let (known,): (String,) = self.send().await?.one()?;
        let known: Vec<usize> = serde_json::from_str(&known).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let mut seen: HashSet<&(&str, String)> = known.iter().filter_map(|index| keys.get(*index)).collect();
        let mut rows = Vec::new();
        for (event, key) in events.iter().zip(&keys) {
            let is_new = seen.insert(key);
            self.applied.rcs_events.push(if is_new {
                rows.push((key.0, &key.1, &event.payload, event.at.0));
                RcsEventResult::Kept
            } else {
                RcsEventResult::Repeated
            });
        }
        if !rows.is_empty() {
            self.script.add(KEEP).bind_json(&rows);
        }
        Ok(())
    }

    pub(super) fn mark_rcs_events(&mut self, marks: &[RcsMark]) {
        if marks.is_empty() {
            return;
        }
        let rows: Vec<_> = marks.iter().map(|mark| (mark.place, &mark.error)).collect();
        self.script.add(MARK).bind(self.now.0).bind_json(&rows);
    }
}
