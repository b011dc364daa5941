//! New messages.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::Row as _;
use uuid::Uuid;

use super::commit::Transaction;
use crate::domain::{Name, UnixMillis};
use crate::store::{Enqueue, EnqueueResult, Seq};

const INSERT: &str = "INSERT INTO message (seq, id, client, class, priority, recipient, sender, text, encoding, \
     segments, route, receipt, reference, callback, accepted_at, not_before, state, step, wake_at, expires_at, attempt, \
     lease, carrier, bind, claimed_at, shape) \
     SELECT value ->> 0, unhex(value ->> 1, '-'), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
     value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, \
     value ->> 15, value ->> 16, value ->> 17, value ->> 18, value ->> 19, value ->> 20, value ->> 21, value ->> 22, \
     value ->> 23, value ->> 24, value ->> 25 FROM jsonb_each(?)";

pub(super) const KNOWN_KEYS: &str = "SELECT i.client, i.key, i.fingerprint, i.answer FROM jsonb_each(?) AS j \
     CROSS JOIN idempotency AS i WHERE i.client = (j.value ->> 0) AND i.key = (j.value ->> 1)";

/// Client and key, fingerprint and answer.
type KnownKeys = HashMap<(String, String), (Vec<u8>, Box<str>)>;

impl Transaction<'_> {
    pub(super) async fn enqueue(&mut self, items: &[Enqueue]) -> Result<(), sqlx::Error> {
        let mut known = self.known_keys(items).await?;
        let mut rows: Vec<(Seq, &Enqueue)> = Vec::with_capacity(items.len());
        for item in items {
            let result = match self.replay(item, &mut known) {
                Some(result) => result,
                None => {
                    let seq = self.writer.next.message;
                    self.writer.next.message += 1;
                    rows.push((seq, item));
                    EnqueueResult::Stored(seq)
                }
            };
            self.applied.enqueue.push(result);
        }
        self.insert(&rows);
        self.keep_keys(&rows);
        Ok(())
    }

    /// What an earlier request of the same key got; remembers this one for those that follow in the batch.
    fn replay(&self, item: &Enqueue, known: &mut KnownKeys) -> Option<EnqueueResult> {
        let key = item.key.as_ref()?;
        let place = (item.message.client.as_str().to_owned(), key.key.to_string());
        match known.get(&place) {
            Some((fingerprint, answer)) if fingerprint == &key.fingerprint => {
                Some(EnqueueResult::Replayed(answer.clone()))
            }
            Some(_) => Some(EnqueueResult::KeyReused),
            None => {
                known.insert(place, (key.fingerprint.to_vec(), key.answer.clone()));
                None
            }
        }
    }

    async fn known_keys(&mut self, items: &[Enqueue]) -> Result<KnownKeys, sqlx::Error> {
        let keys: Vec<(&str, &str)> = items
            .iter()
            .filter_map(|item| Some((item.message.client.as_str(), &*item.key.as_ref()?.key)))
            .collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        self.script.add(KNOWN_KEYS).bind_json(&keys);
        let answer = self.send().await?;
        answer
            .rows()
            .map(|r| {
                let answer: String = r.try_get(3)?;
                Ok(((r.try_get(0)?, r.try_get(1)?), (r.try_get(2)?, answer.into())))
            })
            .collect()
    }

    fn insert(&mut self, rows: &[(Seq, &Enqueue)]) {
        if rows.is_empty() {
            return;
        }
        let now = self.now;
        let rows: Vec<_> = rows.iter().map(|(seq, item)| Columns::of(*seq, item, now)).collect();
        self.script.add(INSERT).bind_json(&rows);
    }

    fn keep_keys(&mut self, rows: &[(Seq, &Enqueue)]) {
        #[derive(Serialize)]
        struct Key<'a>(&'a str, &'a str, String, &'a str, i64);
        const KEEP: &str = "INSERT INTO idempotency (client, key, fingerprint, answer, at) \
             SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4 FROM jsonb_each(?)";
        let keys: Vec<_> = rows
            .iter()
            .filter_map(|(_, item)| {
                let key = item.key.as_ref()?;
                let client = item.message.client.as_str();
                Some(Key(
                    client,
                    &key.key,
                    hex::encode(key.fingerprint),
                    &key.answer,
                    self.now.0,
                ))
            })
            .collect();
        if !keys.is_empty() {
            self.script.add(KEEP).bind_json(&keys);
        }
    }
}

/// A new message, in the order of the insert.
#[derive(Serialize)]
struct Columns<'a>(
    Seq,
    Uuid,
    &'a str,
    &'a str,
    u8,
    &'a str,
    String,
    &'a str,
    &'a str,
    u8,
    &'a str,
    bool,
    Option<&'a str>,
    Option<&'a str>,
    i64,
    Option<i64>,
    &'a str,
    u8,
    Option<i64>,
    i64,
    u32,
    Option<i64>,
    Option<Name>,
    Option<u16>,
    Option<i64>,
    Option<String>,
);

impl<'a> Columns<'a> {
    fn of(seq: Seq, item: &'a Enqueue, now: UnixMillis) -> Self {
        let message = &item.message;
        let progress = item.stored_as(now);
        let (carrier, bind) = progress.bind.map(|bind| (bind.carrier, bind.bind)).unzip();
        Self(
            seq,
            message.id.0,
            message.client.as_str(),
            message.class.as_str(),
            message.class.priority(),
            message.to.digits(),
            message.from.to_string(),
            &message.text,
            message.encoding.as_str(),
            message.segments,
            message.lane.route.as_str(),
            message.receipt,
            message.reference.as_deref(),
            message.callback.as_deref(),
            message.accepted_at.0,
            message.not_before.map(|at| at.0),
            progress.state.as_str(),
            progress.step,
            progress.wake_at.map(|at| at.0),
            progress.expires_at.0,
            progress.attempt,
            progress.lease.map(|lease| lease.0),
            carrier,
            bind,
            progress.claimed_at.map(|at| at.0),
            message.shape.words(),
        )
    }
}
