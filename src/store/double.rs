//! For tests: a store before another one, whose commits are the test's to hold up, to refuse or to let pass.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{
    ActionQuery, ActionRecord, Applied, Backlog, Batch, Between, CaseNote, CaseQuery, CaseRecord, CertifiedQuery,
    CertifiedRecord, ConsentChange, ConsentQuery, ConsentRecord, DeadNotices, DueNotices, DuePage, EndpointRecord,
    IdempotencyKey, InboundQuery, InboundRecord, InboxRow, Lease, MessageQuery, MessageRecord, NewEvents, NoticePage,
    NoticeQuery, NoticeRecord, Page, QuarantineRecord, RcsEvent, Revocation, Rules, SentCode, Seq, Standing, Store,
    StoreError, Totals, Uncertified, UnhandledText, VerificationRecord,
};
use crate::domain::{CaseId, Lane, MessageId, Name, UnixMillis, VerificationId};

/// What becomes of commits.
pub(crate) trait Commits: Send + Sync + 'static {
    /// A commit on its way to `store`.
    fn commit<'a>(
        &'a self,
        store: &'a dyn Store,
        batch: &'a Batch,
        rules: &'a dyn Rules,
    ) -> BoxFuture<'a, Result<Applied, StoreError>>;
}

/// A store before another one. All but commits is the other one's.
pub(crate) struct Double<C> {
    store: Arc<dyn Store>,
    commits: Arc<C>,
}

impl<C: Commits> Double<C> {
    pub(crate) fn new(store: Arc<dyn Store>, commits: Arc<C>) -> Self {
        Self { store, commits }
    }
}

impl<C: Commits> Store for Double<C> {
    fn commit<'a>(&'a self, batch: &'a Batch, rules: &'a dyn Rules) -> BoxFuture<'a, Result<Applied, StoreError>> {
        self.commits.commit(&*self.store, batch, rules)
    }

    fn take_lease(&self) -> BoxFuture<'_, Result<Lease, StoreError>> {
        self.store.take_lease()
    }

    fn revocations<'a>(
        &'a self,
        carrier: &'a Name,
        after: Seq,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Revocation>, StoreError>> {
        self.store.revocations(carrier, after, limit)
    }

    fn waiting<'a>(
        &'a self,
        lane: &'a Lane,
        priority: u8,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Box<str>>, StoreError>> {
        self.store.waiting(lane, priority, limit)
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

    fn case(&self, id: CaseId) -> BoxFuture<'_, Result<Option<CaseRecord>, StoreError>> {
        self.store.case(id)
    }

    fn cases<'a>(&'a self, query: &'a CaseQuery) -> BoxFuture<'a, Result<Page<CaseRecord>, StoreError>> {
        self.store.cases(query)
    }

    fn case_notes(&self, id: CaseId) -> BoxFuture<'_, Result<Vec<CaseNote>, StoreError>> {
        self.store.case_notes(id)
    }

    fn due_cases(&self, now: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<CaseRecord>, StoreError>> {
        self.store.due_cases(now, limit)
    }

    fn consents<'a>(&'a self, query: &'a ConsentQuery) -> BoxFuture<'a, Result<Page<ConsentRecord>, StoreError>> {
        self.store.consents(query)
    }

    fn consent_history<'a>(
        &'a self,
        msisdn: &'a str,
        brands: &'a [Name],
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConsentChange>, StoreError>> {
        self.store.consent_history(msisdn, brands, limit)
    }

    fn new_events<'a>(&'a self, query: &'a NewEvents) -> BoxFuture<'a, Result<Vec<InboxRow>, StoreError>> {
        self.store.new_events(query)
    }

    fn new_rcs_events(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<RcsEvent>, StoreError>> {
        self.store.new_rcs_events(after, limit)
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

    fn verification<'a>(
        &'a self,
        id: VerificationId,
        client: &'a Name,
    ) -> BoxFuture<'a, Result<Option<VerificationRecord>, StoreError>> {
        self.store.verification(id, client)
    }

    fn certified<'a>(&'a self, query: &'a CertifiedQuery) -> BoxFuture<'a, Result<Page<CertifiedRecord>, StoreError>> {
        self.store.certified(query)
    }

    fn are_certified<'a>(&'a self, pairs: &'a [(Name, Box<str>)]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        self.store.are_certified(pairs)
    }

    fn uncertified(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Uncertified>, StoreError>> {
        self.store.uncertified(since)
    }

    fn codes(&self, since: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<SentCode>, StoreError>> {
        self.store.codes(since, limit)
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.checkpoint()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.store.close()
    }
}
