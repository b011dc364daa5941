//! The outbox in one SQLite file: one writer connection, a pool of readers, a connection for checkpoints.

mod acts;
mod care;
mod certified;
mod check;
mod checksum;
mod claim;
mod columns;
mod commit;
mod consent;
mod damage;
#[cfg(test)]
mod damage_tests;
mod enqueue;
mod event_inbox;
mod inbound;
mod json;
mod log;
mod notice;
mod notice_read;
mod open;
#[cfg(test)]
mod plan_tests;
mod prune;
mod rcs;
mod rcs_inbox;
mod read;
mod receipt;
mod schema;
mod script;
mod sweep;
#[cfg(test)]
mod tests;
mod two_way;
mod update;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

pub use open::{SqliteSettings, state_dir};

use super::two_way::Between;
use super::{
    ActionQuery, ActionRecord, Applied, Backlog, Batch, CaseNote, CaseQuery, CaseRecord, CertifiedQuery,
    CertifiedRecord, CheckReport, CheckStage, ConsentChange, ConsentQuery, ConsentRecord, DeadNotices, DueNotices,
    DuePage, EndpointRecord, IdempotencyKey, InboundQuery, InboundRecord, InboxRow, Lease, MessageQuery, MessageRecord,
    NewEvents, NoticePage, NoticeQuery, NoticeRecord, Page, QuarantineRecord, RcsEvent, Revocation, Rules, SentCode,
    Seq, Standing, Store, StoreError, Totals, Uncertified, UnhandledText, VerificationRecord,
};
use crate::domain::{CaseId, Lane, MessageId, Name, UnixMillis, VerificationId};

/// An outbox in a SQLite file. Dropped, it leaves the file to the next process.
pub struct SqliteStore {
    writer: Mutex<Option<commit::Writer>>,
    readers: SqlitePool,
    checkpointer: Mutex<Option<SqliteConnection>>,
    /// The checkpointer alone cannot keep up with the log: the writer lends a hand before its next commit.
    log_is_long: AtomicBool,
    /// The writer waits for another program's transaction.
    waits_for_lock: Arc<AtomicBool>,
    read_deadline: Duration,
    file: PathBuf,
    /// The log has grown long while a check was reading: it gives way.
    check_gives_way: Arc<AtomicBool>,
    /// What was found to be wrong with the file.
    damage: OnceLock<StoreError>,
    /// Held for the life of the process: the file's lock says who owns the state.
    _lock: std::fs::File,
}

impl SqliteStore {
    async fn read<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
        match tokio::time::timeout(self.read_deadline, work).await {
            Ok(done) => done.map_err(|error| self.condemn(open::store_error(error))),
            Err(_) => Err(StoreError::TooSlow),
        }
    }

    /// Remembers that the file is damaged, for this process and for the next one, which looks before it serves.
    fn condemn(&self, error: StoreError) -> StoreError {
        let StoreError::Damaged(what) = error else {
            return error;
        };
        let damage = self.damage.get_or_init(|| {
            let damage = open::named(&self.file, what);
            open::mark(&self.file, &damage);
            damage
        });
        damage.clone()
    }
}

/// Looks at the whole store in `file`, which must exist; `tell` hears how far it is. Damage to the file as a whole is an
/// error. Reads only; may run beside a daemon.
pub async fn check(file: &Path, tell: &(dyn Fn(CheckStage) + Sync)) -> Result<CheckReport, StoreError> {
    if let Err(error) = std::fs::metadata(file) {
        return Err(StoreError::Open(format!(
            "{}: {error}; store.url names the file, and the daemon makes it at its first start",
            file.display()
        )));
    }
    open::check_before(file)?;
    check::check(file, &check::Manner::Alone, tell).await
}

impl Store for SqliteStore {
    fn commit<'a>(&'a self, batch: &'a Batch, rules: &'a dyn Rules) -> BoxFuture<'a, Result<Applied, StoreError>> {
        async move {
            let mut writer = self.writer.lock().await;
            let writer = writer.as_mut().ok_or_else(closed)?;
            if self.log_is_long.swap(false, Ordering::Relaxed) {
                open::checkpoint(&mut writer.connection)
                    .await
                    .map_err(open::store_error)?;
            }
            writer.commit(batch, rules).await.map_err(|error| self.condemn(error))
        }
        .boxed()
    }

    fn take_lease(&self) -> BoxFuture<'_, Result<Lease, StoreError>> {
        async move {
            let mut writer = self.writer.lock().await;
            writer.as_mut().ok_or_else(closed)?.take_lease().await
        }
        .boxed()
    }

    fn revocations<'a>(
        &'a self,
        carrier: &'a Name,
        after: Seq,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Revocation>, StoreError>> {
        self.read(rcs::revocations(&self.readers, carrier, after, limit))
            .boxed()
    }

    fn waiting<'a>(
        &'a self,
        lane: &'a Lane,
        priority: u8,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Box<str>>, StoreError>> {
        self.read(rcs::waiting(&self.readers, lane, priority, limit)).boxed()
    }

    fn message<'a>(
        &'a self,
        id: MessageId,
        client: Option<&'a Name>,
    ) -> BoxFuture<'a, Result<Option<MessageRecord>, StoreError>> {
        self.read(read::message(&self.readers, id, client)).boxed()
    }

    fn key<'a>(&'a self, client: &'a Name, key: &'a str) -> BoxFuture<'a, Result<Option<IdempotencyKey>, StoreError>> {
        self.read(read::key(&self.readers, client, key)).boxed()
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> BoxFuture<'a, Result<Page<MessageRecord>, StoreError>> {
        self.read(read::messages(&self.readers, query)).boxed()
    }

    fn inbound<'a>(&'a self, query: &'a InboundQuery) -> BoxFuture<'a, Result<Page<InboundRecord>, StoreError>> {
        self.read(read::inbound(&self.readers, query)).boxed()
    }

    fn quarantine<'a>(
        &'a self,
        carrier: Option<&'a Name>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<QuarantineRecord>, StoreError>> {
        self.read(read::quarantine(&self.readers, carrier, limit)).boxed()
    }

    fn backlog(&self) -> BoxFuture<'_, Result<Vec<Backlog>, StoreError>> {
        self.read(read::backlog(&self.readers)).boxed()
    }

    fn totals(&self) -> BoxFuture<'_, Result<Totals, StoreError>> {
        self.read(read::totals(&self.readers)).boxed()
    }

    fn due_notices<'a>(&'a self, query: &'a DueNotices) -> BoxFuture<'a, Result<DuePage, StoreError>> {
        self.read(notice_read::due(&self.readers, query)).boxed()
    }

    fn endpoints(&self) -> BoxFuture<'_, Result<Vec<EndpointRecord>, StoreError>> {
        self.read(notice_read::endpoints(&self.readers)).boxed()
    }

    fn dead_notices<'a>(&'a self, query: &'a DeadNotices) -> BoxFuture<'a, Result<Page<NoticeRecord>, StoreError>> {
        self.read(notice_read::dead(&self.readers, query)).boxed()
    }

    fn notices<'a>(&'a self, query: &'a NoticeQuery) -> BoxFuture<'a, Result<NoticePage, StoreError>> {
        self.read(notice_read::stretch(&self.readers, query)).boxed()
    }

    fn new_events<'a>(&'a self, query: &'a NewEvents) -> BoxFuture<'a, Result<Vec<InboxRow>, StoreError>> {
        self.read(event_inbox::new_events(&self.readers, query)).boxed()
    }

    fn new_rcs_events(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<RcsEvent>, StoreError>> {
        self.read(rcs_inbox::new_events(&self.readers, after, limit)).boxed()
    }

    fn unhandled_texts(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<UnhandledText>, StoreError>> {
        self.read(two_way::unhandled(&self.readers, after, limit)).boxed()
    }

    fn standings<'a>(&'a self, pairs: &'a [Between]) -> BoxFuture<'a, Result<Vec<Standing>, StoreError>> {
        self.read(two_way::standings(&self.readers, pairs)).boxed()
    }

    fn actions(&self, query: ActionQuery) -> BoxFuture<'_, Result<Vec<ActionRecord>, StoreError>> {
        self.read(two_way::actions(&self.readers, query)).boxed()
    }

    fn case(&self, id: CaseId) -> BoxFuture<'_, Result<Option<CaseRecord>, StoreError>> {
        self.read(care::by_id(&self.readers, id)).boxed()
    }

    fn cases<'a>(&'a self, query: &'a CaseQuery) -> BoxFuture<'a, Result<Page<CaseRecord>, StoreError>> {
        self.read(care::list(&self.readers, query)).boxed()
    }

    fn case_notes(&self, id: CaseId) -> BoxFuture<'_, Result<Vec<CaseNote>, StoreError>> {
        self.read(care::notes(&self.readers, id)).boxed()
    }

    fn due_cases(&self, now: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<CaseRecord>, StoreError>> {
        self.read(care::due(&self.readers, now, limit)).boxed()
    }

    fn consents<'a>(&'a self, query: &'a ConsentQuery) -> BoxFuture<'a, Result<Page<ConsentRecord>, StoreError>> {
        self.read(consent::consents(&self.readers, query)).boxed()
    }

    fn consent_history<'a>(
        &'a self,
        msisdn: &'a str,
        brands: &'a [Name],
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConsentChange>, StoreError>> {
        self.read(consent::history(&self.readers, msisdn, brands, limit))
            .boxed()
    }

    fn verification<'a>(
        &'a self,
        id: VerificationId,
        client: &'a Name,
    ) -> BoxFuture<'a, Result<Option<VerificationRecord>, StoreError>> {
        self.read(certified::of_id(&self.readers, id, client)).boxed()
    }

    fn certified<'a>(&'a self, query: &'a CertifiedQuery) -> BoxFuture<'a, Result<Page<CertifiedRecord>, StoreError>> {
        self.read(certified::list(&self.readers, query)).boxed()
    }

    fn are_certified<'a>(&'a self, pairs: &'a [(Name, Box<str>)]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        self.read(certified::are(&self.readers, pairs)).boxed()
    }

    fn uncertified(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Uncertified>, StoreError>> {
        self.read(certified::uncertified(&self.readers, since)).boxed()
    }

    fn codes(&self, since: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<SentCode>, StoreError>> {
        self.read(certified::codes(&self.readers, since, limit)).boxed()
    }

    fn waits_for_lock(&self) -> bool {
        self.waits_for_lock.load(Ordering::Relaxed)
    }

    fn check(&self) -> BoxFuture<'_, Result<CheckReport, StoreError>> {
        async move {
            self.check_gives_way.store(false, Ordering::Relaxed);
            let manner = check::Manner::Beside(self.check_gives_way.clone());
            let checked = check::check(&self.file, &manner, &|_| {}).await;
            checked.map_err(|error| self.condemn(error))
        }
        .boxed()
    }

    fn damage(&self) -> Option<StoreError> {
        self.damage.get().cloned()
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            let mut connection = self.checkpointer.lock().await;
            let pages = open::checkpoint(connection.as_mut().ok_or_else(closed)?)
                .await
                .map_err(|error| self.condemn(open::store_error(error)))?;
            self.log_is_long.store(pages > open::LONG_LOG_PAGES, Ordering::Relaxed);
            if pages > open::CHECK_LOG_PAGES {
                self.check_gives_way.store(true, Ordering::Relaxed);
            }
            Ok(())
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        use sqlx::Connection;
        async move {
            self.readers.close().await;
            if let Some(connection) = self.checkpointer.lock().await.take() {
                connection.close().await.ok();
            }
            if let Some(writer) = self.writer.lock().await.take() {
                writer.close().await;
            }
        }
        .boxed()
    }
}

fn closed() -> StoreError {
    StoreError::Open("the store is closed".to_owned())
}
