//! One batch, one transaction, one sync.
//!
//! The kinds of change write their statements into one [`Script`], which is sent where a kind must know what stands in
//! the tables, and at the end with the `COMMIT`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};

use super::damage::met_untyped_row;
use super::open::{BUSY_TIMEOUT, is_locked, store_error};
use super::script::{Answer, Script, rows_have_moved};
use super::update::RowUpdate;
use crate::domain::UnixMillis;
use crate::store::notice::NewNotice;
use crate::store::{Applied, Batch, Changed, Event, Lease, Progress, Row, Rules, SegmentState, Seq, StoreError};

/// Between two waits for the write lock.
pub(super) const BREATH: Duration = Duration::from_millis(50);

/// The writer: the only connection that changes our tables, and what it must remember between batches.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) next: Next,
    /// Receipts that wait: while there are none, nobody looks for them.
    pub(super) parked: u64,
    /// Whether answered segments of long messages are kept: while there are none, nobody looks for them.
    pub(super) segments: bool,
    /// A transaction was begun and has not ended: only ever so at the start of a batch if the one before was dropped
    /// half-way.
    open: bool,
    /// Another program holds the write lock.
    pub(super) waits_for_lock: Arc<AtomicBool>,
}

/// The places of the next rows.
pub(super) struct Next {
    pub(super) message: Seq,
    pub(super) inbound: Seq,
    pub(super) action: Seq,
    pub(super) consent: Seq,
    pub(super) consent_change: Seq,
    pub(super) case: Seq,
}

/// A batch in the making: the open transaction and what it has found out so far.
pub(super) struct Transaction<'a> {
    pub(super) writer: &'a mut Writer,
    pub(super) rules: &'a dyn Rules,
    pub(super) now: UnixMillis,
    pub(super) applied: Applied,
    /// Rows as changed and not yet written, so that two receipts for one message see each other.
    pub(super) rows: HashMap<Seq, Row>,
    /// Changes of rows not yet written, each with the state and attempt that it leaves.
    pub(super) updates: Vec<RowUpdate>,
    /// What receipts say of segments, not yet written.
    pub(super) marks: BTreeMap<(Seq, u8), (SegmentState, Option<u32>, UnixMillis)>,
    /// Events not yet written.
    pub(super) events: Vec<(Seq, Event)>,
    /// What owners are told beside the changes, not yet written.
    pub(super) notices: Vec<NewNotice>,
    /// How many of the changes are written as notices.
    pub(super) noticed: usize,
    /// Statements not yet sent.
    pub(super) script: Script,
    pub(super) trust: Trust,
}

/// How settlements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// As if every row were still claimed as it was handed out, which is nearly always so. Where it is not, the script
    /// fails, the transaction is rolled back, and the batch is applied again with care.
    AllClaimed,
    /// Asking which rows were.
    Care,
}

impl Writer {
    pub(super) async fn new(mut connection: SqliteConnection) -> Result<Self, sqlx::Error> {
        sqlx::query(Script::SETUP).execute(&mut connection).await?;
        let mut writer = Self {
            connection,
            next: Next {
                message: 1,
                inbound: 1,
                action: 1,
                consent: 1,
                consent_change: 1,
                case: 1,
            },
            parked: 0,
            segments: false,
            open: false,
            waits_for_lock: Arc::default(),
        };
        writer.remember().await?;
        Ok(writer)
    }

    /// Applies the batch, or leaves everything as it was. While another program holds the write lock, nothing of the
    /// batch is applied and nothing of it is lost: it waits.
    pub(super) async fn commit(&mut self, batch: &Batch, rules: &dyn Rules) -> Result<Applied, StoreError> {
        loop {
            match self.try_commit(batch, rules).await {
                Err(error) if is_locked(&error) => self.wait_for_lock().await,
                done => {
                    self.waits_for_lock.store(false, Ordering::Relaxed);
                    return done.map_err(store_error);
                }
            }
        }
    }

    async fn try_commit(&mut self, batch: &Batch, rules: &dyn Rules) -> Result<Applied, sqlx::Error> {
        self.roll_back_leftover().await?;
        let mut done = self.apply(batch, rules, Trust::AllClaimed).await;
        if done.as_ref().is_err_and(met_untyped_row) {
            self.roll_back_leftover().await?;
            if self.isolate_untyped(batch.now, rules).await? {
                done = self.apply(batch, rules, Trust::AllClaimed).await;
            }
        }
        if done.as_ref().is_err_and(rows_have_moved) {
            self.roll_back_leftover().await?;
            done = self.apply(batch, rules, Trust::Care).await;
        }
        if done.is_err() {
            self.roll_back_leftover().await.ok();
        }
        done
    }

    /// Ends a transaction that failed, or whose future was dropped, or whose rules have panicked.
    async fn roll_back_leftover(&mut self) -> Result<(), sqlx::Error> {
        if self.open {
            // SQLite may have rolled it back itself: a second rollback is then an error to ignore.
            sqlx::query("ROLLBACK").execute(&mut self.connection).await.ok();
            self.remember().await?;
            self.open = false;
        }
        Ok(())
    }

    async fn apply(&mut self, batch: &Batch, rules: &dyn Rules, trust: Trust) -> Result<Applied, sqlx::Error> {
        let mut transaction = Transaction::begin(self, rules, batch.now, trust);
        let consents: Vec<_> = batch.consents.iter().collect();
        transaction.applied.consents = transaction.consent(&consents).await?;
        transaction.enqueue(&batch.enqueue, &batch.groups).await?;
        transaction.answer_segments(&batch.segments);
        transaction.settle(&batch.settle).await?;
        transaction.match_receipts(&batch.receipts).await?;
        transaction.hear_rcs(&batch.rcs).await?;
        transaction.store_inbound(&batch.inbound).await?;
        transaction.take_turns(&batch.turns).await?;
        transaction.keep_bad_pdus(&batch.quarantine);
        transaction.certify(&batch.certified).await?;
        transaction.act(&batch.acts).await?;
        transaction.sweep(&batch.sweeps).await?;
        transaction.flush();
        transaction.write_notices();
        transaction.settle_notices(&batch.notices);
        transaction.act_on_notices(&batch.notice_acts).await?;
        transaction.mark_inbox(&batch.inbox);
        transaction.keep_rcs_events(&batch.rcs_events).await?;
        transaction.mark_rcs_events(&batch.rcs_marks);
        if let Some(prune) = batch.prune {
            transaction.prune(prune).await?;
        }
        transaction.claim_and_commit(batch).await?;
        let applied = transaction.applied;
        self.ended();
        Ok(applied)
    }

    /// The transaction is committed.
    pub(super) fn ended(&mut self) {
        self.open = false;
    }

    /// Reads what is remembered from the tables.
    async fn remember(&mut self) -> Result<(), sqlx::Error> {
        // The newest notices may be of a message that is forgotten: its place is not given again before they are too.
        const READ: &str = "SELECT max(coalesce((SELECT max(seq) FROM message), 0), \
             coalesce((SELECT max(message_seq) FROM (SELECT message_seq FROM notice ORDER BY seq DESC LIMIT 10000)), 0)), \
             coalesce((SELECT max(seq) FROM inbound), 0), (SELECT count(*) FROM parked_receipt), \
             EXISTS (SELECT 1 FROM segment), coalesce((SELECT max(seq) FROM action), 0), \
             coalesce((SELECT max(seq) FROM consent), 0), coalesce((SELECT max(seq) FROM consent_change), 0), \
             coalesce((SELECT max(seq) FROM care_case), 0)";
        let (message, inbound, parked, segments, action, consent, consent_change, case): (
            Seq,
            Seq,
            i64,
            bool,
            Seq,
            Seq,
            Seq,
            Seq,
        ) = sqlx::query_as(READ).fetch_one(&mut self.connection).await?;
        self.next = Next {
            message: message + 1,
            inbound: inbound + 1,
            action: action + 1,
            consent: consent + 1,
            consent_change: consent_change + 1,
            case: case + 1,
        };
        self.parked = parked.unsigned_abs();
        self.segments = segments;
        Ok(())
    }

    pub(super) async fn take_lease(&mut self) -> Result<Lease, StoreError> {
        self.roll_back_leftover().await.map_err(store_error)?;
        loop {
            let taken = sqlx::query_scalar("UPDATE lease SET token = token + 1 RETURNING token")
                .fetch_one(&mut self.connection)
                .await;
            match taken {
                Err(error) if is_locked(&error) => self.wait_for_lock().await,
                taken => return taken.map(Lease).map_err(store_error),
            }
        }
    }

    /// Tells of a lock that was held longer than SQLite waits for it, and lets its holder have a moment.
    async fn wait_for_lock(&mut self) {
        self.waits_for_lock.store(true, Ordering::Relaxed);
        metrics::counter!("araldo_store_locked_total").increment(1);
        tracing::warn!(
            event = "store_locked",
            "another program has held the database's write lock for {BUSY_TIMEOUT:?}: what is to be written waits for \
             it; let that program keep its transactions short"
        );
        tokio::time::sleep(BREATH).await;
    }

    pub(super) async fn close(mut self) {
        // A clean end leaves a short log; a failure here loses nothing.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut self.connection)
            .await
            .ok();
        self.connection.close().await.ok();
    }
}

impl<'a> Transaction<'a> {
    pub(super) fn begin(writer: &'a mut Writer, rules: &'a dyn Rules, now: UnixMillis, trust: Trust) -> Self {
        writer.open = true;
        Self {
            writer,
            rules,
            now,
            applied: Applied::default(),
            rows: HashMap::new(),
            updates: Vec::new(),
            marks: BTreeMap::new(),
            events: Vec::new(),
            notices: Vec::new(),
            noticed: 0,
            script: Script::begin(),
            trust,
        }
    }

    /// Sends the statements so far.
    pub(super) async fn send(&mut self) -> Result<Answer, sqlx::Error> {
        std::mem::take(&mut self.script).run(&mut self.writer.connection).await
    }

    /// Notes that `row` goes on as `progress`, to be written with the next [`Transaction::flush`].
    pub(super) fn change(&mut self, mut row: Row, progress: Progress, event: Option<Event>) {
        let progress = row.progress.followed_by(progress);
        if row.progress.state != progress.state {
            self.applied.changed.push(Changed::of(&row, &progress, self.now));
        }
        if let Some(event) = event {
            self.events.push((row.seq, event));
        }
        if progress != row.progress {
            self.updates.push(RowUpdate::of_row(&row, progress.clone()));
            row.progress = progress;
            self.rows.insert(row.seq, row);
        }
    }
}
