//! One batch, one transaction, one sync.

use std::collections::HashMap;

use sqlx::{Connection, SqliteConnection};

use super::open::store_error;
use crate::store::{Applied, Batch, Changed, Event, Lease, Progress, Row, Rules, Seq, StoreError};

/// The writer: the only connection that changes the file, and what it must remember between batches.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    /// The place of the next message.
    pub(super) next_seq: Seq,
    /// Receipts that wait: while there are none, nobody looks for them.
    pub(super) parked: u64,
}

/// A batch in the making: the open transaction and what it has found out so far.
pub(super) struct Transaction<'a> {
    pub(super) writer: &'a mut Writer,
    pub(super) rules: &'a dyn Rules,
    pub(super) now: crate::domain::UnixMillis,
    pub(super) applied: Applied,
    /// Rows that this batch has read and changed, so that two receipts for one message see each other.
    pub(super) rows: HashMap<Seq, Row>,
    /// Changes of rows not yet written, each with the state and attempt that it leaves.
    pub(super) updates: Vec<update::RowUpdate>,
    /// Events not yet written.
    pub(super) events: Vec<(Seq, Event)>,
}

use super::update;

impl Writer {
    pub(super) async fn new(mut connection: SqliteConnection) -> Result<Self, sqlx::Error> {
        let last: i64 =
            sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM message").fetch_one(&mut connection).await?;
        let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM parked_receipt").fetch_one(&mut connection).await?;
        Ok(Self { connection, next_seq: last + 1, parked: parked.unsigned_abs() })
    }

    /// Applies the batch, or leaves everything as it was.
    pub(super) async fn commit(&mut self, batch: &Batch, rules: &dyn Rules) -> Result<Applied, StoreError> {
        let (next_seq, parked) = (self.next_seq, self.parked);
        let done = self.apply(batch, rules).await;
        if done.is_err() {
            // The transaction may have been rolled back by SQLite itself: a second rollback is then an error to ignore.
            sqlx::query("ROLLBACK").execute(&mut self.connection).await.ok();
            (self.next_seq, self.parked) = (next_seq, parked);
        }
        done.map_err(store_error)
    }

    async fn apply(&mut self, batch: &Batch, rules: &dyn Rules) -> Result<Applied, sqlx::Error> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await?;
        let mut transaction = Transaction {
            writer: self,
            rules,
            now: batch.now,
            applied: Applied::default(),
            rows: HashMap::new(),
            updates: Vec::new(),
            events: Vec::new(),
        };
        transaction.enqueue(&batch.enqueue).await?;
        transaction.answer_segments(&batch.segments).await?;
        transaction.settle(&batch.settle).await?;
        transaction.match_receipts(&batch.receipts).await?;
        transaction.store_inbound(&batch.inbound).await?;
        transaction.keep_bad_pdus(&batch.quarantine).await?;
        transaction.act(&batch.acts).await?;
        transaction.sweep(&batch.sweeps).await?;
        transaction.flush().await?;
        if let Some(prune) = batch.prune {
            transaction.prune(prune).await?;
        }
        transaction.claim(&batch.claims).await?;
        let applied = transaction.applied;
        sqlx::query("COMMIT").execute(&mut self.connection).await?;
        Ok(applied)
    }

    pub(super) async fn take_lease(&mut self) -> Result<Lease, StoreError> {
        let token: i64 = sqlx::query_scalar("UPDATE lease SET token = token + 1 RETURNING token")
            .fetch_one(&mut self.connection)
            .await
            .map_err(store_error)?;
        Ok(Lease(token))
    }

    pub(super) async fn close(mut self) {
        // A clean end leaves a short log; a failure here loses nothing.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await.ok();
        self.connection.close().await.ok();
    }
}

impl Transaction<'_> {
    /// Notes that `row` goes on as `progress`, to be written with the next [`Transaction::flush`].
    pub(super) fn change(&mut self, mut row: Row, progress: Progress, event: Option<Event>) {
        let from = row.progress.state;
        if from != progress.state {
            self.applied.changed.push(Changed {
                id: row.id,
                client: row.client.clone(),
                class: row.class,
                from,
                progress: progress.clone(),
                accepted_at: row.accepted_at,
                at: self.now,
                route: row.route.clone(),
                segments: row.segments,
                from_step: row.progress.step,
            });
        }
        if let Some(event) = event {
            self.events.push((row.seq, event));
        }
        if progress != row.progress {
            self.updates.push(update::RowUpdate::of_row(row.seq, &row.progress, progress.clone()));
            row.progress = progress;
        }
        self.rows.insert(row.seq, row);
    }
}
