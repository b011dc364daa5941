//! New messages: multi-row inserts of fixed sizes, so that few statements are prepared and reused.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::insert_of;
use super::commit::Transaction;
use crate::store::{Enqueue, EnqueueResult, Seq};

/// Rows a statement, largest first.
const SIZES: [usize; 3] = [32, 8, 1];

const COLUMNS: &str = "seq, id, client, class, priority, recipient, sender, text, encoding, segments, route, receipt, \
     reference, callback, accepted_at, not_before, state, step, wake_at, expires_at, attempt, lease, carrier, bind, \
     claimed_at";

pub(super) const KNOWN_KEYS: &str = "SELECT i.client, i.key, i.fingerprint, i.answer FROM json_each(?1) AS j \
     CROSS JOIN idempotency AS i WHERE i.client = (j.value ->> 0) AND i.key = (j.value ->> 1)";

static INSERTS: LazyLock<[String; 3]> = LazyLock::new(|| SIZES.map(|rows| insert_of("message", COLUMNS, rows)));

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
        let mut rest = rows.as_slice();
        for (size, sql) in SIZES.into_iter().zip(INSERTS.iter()) {
            while rest.len() >= size {
                let (chunk, later) = rest.split_at(size);
                self.insert(sql, chunk).await?;
                rest = later;
            }
        }
        self.keep_keys(&rows).await
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
        let json = super::columns::json(&keys)?;
        let rows = sqlx::query(KNOWN_KEYS)
            .bind(json)
            .fetch_all(&mut self.writer.connection)
            .await?;
        rows.iter()
            .map(|r| {
                let answer: String = r.try_get(3)?;
                Ok(((r.try_get(0)?, r.try_get(1)?), (r.try_get(2)?, answer.into())))
            })
            .collect()
    }

    async fn insert(&mut self, sql: &'static str, rows: &[(Seq, &Enqueue)]) -> Result<(), sqlx::Error> {
        // The text is made above from fixed column names alone.
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (seq, item) in rows {
            let message = &item.message;
            let progress = item.stored_as(self.now);
            let bind = progress.bind.as_ref();
            query = query
                .bind(*seq)
                .bind(message.id.0)
                .bind(message.client.as_str())
                .bind(message.class.as_str())
                .bind(message.class.priority())
                .bind(message.to.digits())
                .bind(message.from.to_string())
                .bind(&*message.text)
                .bind(message.encoding.as_str())
                .bind(message.segments)
                .bind(message.lane.route.as_str())
                .bind(message.receipt)
                .bind(message.reference.as_deref())
                .bind(message.callback.as_deref())
                .bind(message.accepted_at.0)
                .bind(message.not_before.map(|at| at.0))
                .bind(progress.state.as_str())
                .bind(progress.step)
                .bind(progress.wake_at.map(|at| at.0))
                .bind(progress.expires_at.0)
                .bind(progress.attempt)
                .bind(progress.lease.map(|lease| lease.0))
                .bind(bind.map(|bind| bind.carrier.as_str()))
                .bind(bind.map(|bind| bind.bind))
                .bind(progress.claimed_at.map(|at| at.0));
        }
        query.execute(&mut self.writer.connection).await?;
        Ok(())
    }

    async fn keep_keys(&mut self, rows: &[(Seq, &Enqueue)]) -> Result<(), sqlx::Error> {
        #[derive(Serialize)]
        struct Columns<'a>(&'a str, &'a str, String, &'a str, i64);
        const INSERT: &str = "INSERT INTO idempotency (client, key, fingerprint, answer, at) \
             SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4 FROM json_each(?1)";
        let keys: Vec<_> = rows
            .iter()
            .filter_map(|(_, item)| {
                let key = item.key.as_ref()?;
                let client = item.message.client.as_str();
                Some(Columns(
                    client,
                    &key.key,
                    hex::encode(key.fingerprint),
                    &key.answer,
                    self.now.0,
                ))
            })
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let json = super::columns::json(&keys)?;
        sqlx::query(INSERT)
            .bind(json)
            .execute(&mut self.writer.connection)
            .await?;
        Ok(())
    }
}
