//! Inbound texts, and PDUs that could not be read.

use sqlx::Row as _;

use super::commit::Transaction;
use crate::store::{BadPdu, InboundResult, NewInbound};

/// Unreadable PDUs that are kept; the oldest make room.
const QUARANTINE_ROWS: i64 = 10_000;

impl Transaction<'_> {
    pub(super) async fn store_inbound(&mut self, items: &[NewInbound]) -> Result<(), sqlx::Error> {
        const INSERT: &str = "INSERT INTO inbound (id, carrier, bind, sender, recipient, data_coding, esm_class, \
             octets, text, lossy, segment_reference, segment_total, segment_number, carrier_message_id, digest, at, \
             note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) RETURNING seq";
        for item in items {
            if self.is_repeated(item).await? {
                self.applied.inbound.push(InboundResult::Repeated);
                continue;
            }
            let row = sqlx::query(INSERT)
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
                .bind(item.note.as_deref())
                .fetch_one(&mut self.writer.connection)
                .await?;
            self.applied.inbound.push(InboundResult::Stored(row.try_get(0)?));
        }
        Ok(())
    }

    /// Whether the carrier sends again what it may think we never had: the same id of its own, or the same octets as
    /// a text whose answer may have been lost.
    async fn is_repeated(&mut self, item: &NewInbound) -> Result<bool, sqlx::Error> {
        const BY_ID: &str = "SELECT EXISTS (SELECT 1 FROM inbound WHERE carrier = ?1 AND carrier_message_id = ?2 \
             AND digest = ?3)";
        const BY_OCTETS: &str = "SELECT EXISTS (SELECT 1 FROM inbound AS i, json_each(?1) AS j \
             WHERE i.at BETWEEN (j.value - ?2) AND j.value AND i.carrier = ?3 AND i.digest = ?4)";
        let carrier = item.bind.carrier.as_str();
        if let Some(id) = &item.carrier_message_id {
            let known: bool = sqlx::query_scalar(BY_ID)
                .bind(carrier)
                .bind(&**id)
                .bind(&item.digest[..])
                .fetch_one(&mut self.writer.connection)
                .await?;
            if known {
                return Ok(true);
            }
        }
        if item.losses.is_empty() {
            return Ok(false);
        }
        let losses: Vec<i64> = item.losses.iter().map(|at| at.0).collect();
        let losses = serde_json::to_string(&losses).map_err(super::columns::decode)?;
        sqlx::query_scalar(BY_OCTETS)
            .bind(losses)
            .bind(NewInbound::ANSWER_IN_FLIGHT_MS)
            .bind(carrier)
            .bind(&item.digest[..])
            .fetch_one(&mut self.writer.connection)
            .await
    }

    pub(super) async fn keep_bad_pdus(&mut self, items: &[BadPdu]) -> Result<(), sqlx::Error> {
        const INSERT: &str = "INSERT INTO quarantine (at, carrier, bind, reason, status, octets) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        const MAKE_ROOM: &str = "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?1";
        for item in items {
            sqlx::query(INSERT)
                .bind(item.at.0)
                .bind(item.bind.carrier.as_str())
                .bind(item.bind.bind)
                .bind(&*item.reason)
                .bind(item.status)
                .bind(&item.octets[..])
                .execute(&mut self.writer.connection)
                .await?;
        }
        if !items.is_empty() {
            sqlx::query(MAKE_ROOM).bind(QUARANTINE_ROWS).execute(&mut self.writer.connection).await?;
        }
        Ok(())
    }
}
