//! A store whose commits can be held up or made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::domain::{MessageId, Name};
use crate::store::{
    ActionQuery, ActionRecord, Applied, Backlog, Batch, Between, DeadNotices, DueNotices, DuePage, EndpointRecord,
    IdempotencyKey, InboundQuery, InboundRecord, InboxRow, Lease, MessageQuery, MessageRecord, NewEvents, NoticePage,
    NoticeQuery, NoticeRecord, Page, QuarantineRecord, Rules, Seq, Standing, Store, StoreError, Totals, UnhandledText,
};

pub(super) struct Gate {
    store: Arc<dyn Store>,
    open: Semaphore,
    failing: AtomicBool,
}

impl Gate {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            open: Semaphore::new(1),
            failing: AtomicBool::new(false),
        }
    }

    /// Commits wait until the permit is dropped.
    pub(super) async fn close(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.open.acquire().await.unwrap()
    }

    /// Commits fail from now on.
    pub(super) fn fail(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }
}

impl Store for Gate {
    fn commit<'a>(&'a self, batch: &'a Batch, rules: &'a dyn Rules) -> BoxFuture<'a, Result<Applied, StoreError>> {
        async move {
            let _open = self.open.acquire().await.unwrap();
            if self.failing.load(Ordering::Relaxed) {
                return Err(StoreError::Open("gone".to_owned()));
            }
            self.store.commit(batch, rules).await
        }
        .boxed()
    }

    fn take_lease(&self) -> BoxFuture<'_, Result<Lease, StoreError>> {
        self.store.take_lease()
    }

    fn message<'a>(
        &'a self,
        id: MessageId,
        client: Option<&'a Name>,
    ) -> BoxFuture<'a, Result<Option<MessageRecord>, StoreError>> {
        self.store.message(id, client)
    }

    fn key<'a>(&'a self, client: &'a Name, key: &'a str) -> BoxFuture<'a, Result<Option<IdempotencyKey>, StoreError>> {
        self.store.key(client, key)
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> BoxFuture<'a, Result<Page<MessageRecord>, StoreError>> {
        self.store.messages(query)
    }

    fn inbound<'a>(&'a self, query: &'a InboundQuery) -> BoxFuture<'a, Result<Page<InboundRecord>, StoreError>> {
        self.store.inbound(query)
    }

    fn quarantine<'a>(
        &'a self,
        carrier: Option<&'a Name>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<QuarantineRecord>, StoreError>> {
        self.store.quarantine(carrier, limit)
    }

    fn backlog(&self) -> BoxFuture<'_, Result<Vec<Backlog>, StoreError>> {
        self.store.backlog()
    }

    fn totals(&self) -> BoxFuture<'_, Result<Totals, StoreError>> {
        self.store.totals()
    }

    fn due_notices<'a>(&'a self, query: &'a DueNotices) -> BoxFuture<'a, Result<DuePage, StoreError>> {
        self.store.due_notices(query)
    }

    fn endpoints(&self) -> BoxFuture<'_, Result<Vec<EndpointRecord>, StoreError>> {
        self.store.endpoints()
    }

    fn dead_notices<'a>(&'a self, query: &'a DeadNotices) -> BoxFuture<'a, Result<Page<NoticeRecord>, StoreError>> {
        self.store.dead_notices(query)
    }

    fn notices<'a>(&'a self, query: &'a NoticeQuery) -> BoxFuture<'a, Result<NoticePage, StoreError>> {
        self.store.notices(query)
    }

    fn new_events<'a>(&'a self, query: &'a NewEvents) -> BoxFuture<'a, Result<Vec<InboxRow>, StoreError>> {
        self.store.new_events(query)
    }

    fn unhandled_texts(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<UnhandledText>, StoreError>> {
        self.store.unhandled_texts(after, limit)
    }

    fn standings<'a>(&'a self, pairs: &'a [Between]) -> BoxFuture<'a, Result<Vec<Standing>, StoreError>> {
        self.store.standings(pairs)
    }

    fn actions(&self, query: ActionQuery) -> BoxFuture<'_, Result<Vec<ActionRecord>, StoreError>> {
        self.store.actions(query)
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.checkpoint()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.store.close()
    }
}
