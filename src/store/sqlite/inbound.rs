//! Inbound texts, and PDUs that could not be read.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{self, insert_of};
use super::commit::Transaction;
use crate::store::batch::QUARANTINE_ROWS;
use crate::store::matching::{self, KnownInbound};
use crate::store::{BadPdu, InboundResult, NewInbound, Seq};

/// Rows a statement, largest first.
const SIZES: [usize; 2] = [8, 1];

const COLUMNS: &str = "seq, id, carrier, bind, sender, recipient, data_coding, esm_class, octets, text, lossy, \
     segment_reference, segment_total, segment_number, carrier_message_id, digest, at, note";

static INSERTS: LazyLock<[String; 2]> = LazyLock::new(|| SIZES.map(|rows| insert_of("inbound", COLUMNS, rows)));

pub(super) const BY_ID: &str = "SELECT i.carrier, i.carrier_message_id, i.digest, i.at \
     FROM json_each(?1) AS j CROSS JOIN inbound AS i \
     WHERE i.carrier = (j.value ->> 0) AND i.carrier_message_id = (j.value ->> 1) AND i.carrier_message_id IS NOT NULL";

pub(super) const BY_OCTETS: &str = "SELECT i.carrier, i.carrier_message_id, i.digest, i.at \
     FROM json_each(?1) AS j CROSS JOIN inbound AS i \
     WHERE i.at BETWEEN ((j.value ->> 1) - ?2) AND (j.value ->> 1) AND i.carrier = (j.value ->> 0) \
     AND i.digest IN (SELECT unhex(value) FROM json_each(?3))";

/// A stored text that may be one of the batch's.
struct Stored {
    carrier: String,
    carrier_message_id: Option<String>,
    digest: Vec<u8>,
    at: i64,
}

impl Transaction<'_> {
    pub(super) async fn store_inbound(&mut self, items: &[NewInbound]) -> Result<(), sqlx::Error> {
        let stored = self.stored_like(items).await?;
        let mut known: Vec<KnownInbound<'_>> = stored.iter().map(Stored::known).collect();
        let mut rows: Vec<(Seq, &NewInbound)> = Vec::with_capacity(items.len());
        for item in items {
            if known.iter().any(|known| matching::is_repeated(item, known)) {
                self.applied.inbound.push(InboundResult::Repeated);
                continue;
            }
            let seq = self.writer.next.inbound;
            self.writer.next.inbound += 1;
            rows.push((seq, item));
            known.push(KnownInbound::of(item));
            self.applied.inbound.push(InboundResult::Stored(seq));
        }
        let mut rest = rows.as_slice();
        for (size, sql) in SIZES.into_iter().zip(INSERTS.iter()) {
            while rest.len() >= size {
                let (chunk, later) = rest.split_at(size);
                self.insert_inbound(sql, chunk).await?;
                rest = later;
            }
        }
        Ok(())
    }

    async fn insert_inbound(&mut self, sql: &'static str, rows: &[(Seq, &NewInbound)]) -> Result<(), sqlx::Error> {
        // The statement is made above from fixed column names alone.
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (seq, item) in rows {
            query = query
                .bind(*seq)
                .bind(item.id.0)
                .bind(item.bind.carrier.as_str())
                .bind(item.bind.bind)
                .bind(&*item.from)
                .bind(&*item.to)
                .bind(item.data_coding)
                .bind(item.esm_class)
                .bind(&item.octets[..])
                .bind(item.text.as_deref())
                .bind(item.lossy)
                .bind(item.segment.map(|segment| segment.0))
                .bind(item.segment.map(|segment| segment.1))
                .bind(item.segment.map(|segment| segment.2))
                .bind(item.carrier_message_id.as_deref())
                .bind(&item.digest[..])
                .bind(item.at.0)
                .bind(item.note.as_deref());
        }
        query.execute(&mut self.writer.connection).await?;
        Ok(())
    }

    /// Stored texts of which one of these may be a repetition: the same id of the carrier's, or the same octets within
    /// reach of a loss.
    async fn stored_like(&mut self, items: &[NewInbound]) -> Result<Vec<Stored>, sqlx::Error> {
        let ids: Vec<(&str, &str)> = items
            .iter()
            .filter_map(|item| Some((item.bind.carrier.as_str(), item.carrier_message_id.as_deref()?)))
            .collect();
        let losses: BTreeSet<(&str, i64)> = items
            .iter()
            .flat_map(|item| item.losses.iter().map(|loss| (item.bind.carrier.as_str(), loss.0)))
            .collect();
        let mut found = Vec::new();
        if !ids.is_empty() {
            let query = sqlx::query(BY_ID).bind(columns::json(&ids)?);
            found.extend(query.fetch_all(&mut self.writer.connection).await?);
        }
        if !losses.is_empty() {
            let suspects = items.iter().filter(|item| !item.losses.is_empty());
            let digests: Vec<String> = suspects.map(|item| hex::encode(item.digest)).collect();
            let query = sqlx::query(BY_OCTETS)
                .bind(columns::json(&losses)?)
                .bind(NewInbound::ANSWER_IN_FLIGHT_MS)
                .bind(columns::json(&digests)?);
            found.extend(query.fetch_all(&mut self.writer.connection).await?);
        }
        found
            .iter()
            .map(|r| {
                Ok(Stored {
                    carrier: r.try_get(0)?,
                    carrier_message_id: r.try_get(1)?,
                    digest: r.try_get(2)?,
                    at: r.try_get(3)?,
                })
            })
            .collect()
    }

    pub(super) async fn keep_bad_pdus(&mut self, items: &[BadPdu]) -> Result<(), sqlx::Error> {
        #[derive(Serialize)]
        struct Columns<'a>(i64, &'a str, u16, &'a str, u32, String);
        const INSERT: &str = "INSERT INTO quarantine (at, carrier, bind, reason, status, octets) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, unhex(value ->> 5) \
             FROM json_each(?1)";
        const MAKE_ROOM: &str = "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?1";
        if items.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = items
            .iter()
            .map(|item| {
                let octets = hex::encode(&item.octets);
                Columns(
                    item.at.0,
                    item.bind.carrier.as_str(),
                    item.bind.bind,
                    &item.reason,
                    item.status,
                    octets,
                )
            })
            .collect();
        sqlx::query(INSERT)
            .bind(columns::json(&rows)?)
            .execute(&mut self.writer.connection)
            .await?;
        sqlx::query(MAKE_ROOM)
            .bind(QUARANTINE_ROWS)
            .execute(&mut self.writer.connection)
            .await?;
        Ok(())
    }
}

impl Stored {
    fn known(&self) -> KnownInbound<'_> {
        KnownInbound {
            carrier: &self.carrier,
            carrier_message_id: self.carrier_message_id.as_deref(),
            digest: &self.digest,
            at: crate::domain::UnixMillis(self.at),
        }
    }
}
