//! An outbox in memory, with the very meaning of the durable one: for tests that turn the clock by hand, and for the
//! demonstration that leaves nothing behind.

mod care;
mod certified;
mod commit;
mod consent;
mod notice;
mod rcs;
mod rcs_inbox;
mod receipt;
mod tables;
mod two_way;

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use self::commit::Transaction;
use self::tables::Tables;
use super::care::Cases as _;
use super::two_way::Between;
use super::{
    ActionQuery, ActionRecord, Applied, Backlog, Batch, CaseNote, CaseQuery, CaseRecord, CertifiedQuery,
    CertifiedRecord, ConsentChange, ConsentQuery, ConsentRecord, DeadNotices, DueNotices, DuePage, EndpointRecord,
    IdempotencyKey, InboundQuery, InboundRecord, InboxRow, Lease, MessageQuery, MessageRecord, NewEvents, NoticePage,
    NoticeQuery, NoticeRecord, Page, ParkedTotals, QuarantineRecord, RcsEvent, Revocation, Rules, SentCode, Seq,
    Standing, Store, StoreError, Totals, Uncertified, UnhandledText, VerificationRecord,
};
use crate::domain::{CaseId, Lane, MessageId, Name, UnixMillis, VerificationId};

/// An outbox that is gone with its process.
#[derive(Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Tables) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.closed {
            return Err(StoreError::Open("the store is closed".to_owned()));
        }
        work(&mut tables)
    }
}

impl Store for MemoryStore {
    fn commit<'a>(&'a self, batch: &'a Batch, rules: &'a dyn Rules) -> BoxFuture<'a, Result<Applied, StoreError>> {
        async move { self.with(|tables| Transaction::new(tables, rules, batch.now).apply(batch)) }.boxed()
    }

    fn take_lease(&self) -> BoxFuture<'_, Result<Lease, StoreError>> {
        async move {
            self.with(|tables| {
                tables.lease += 1;
                Ok(Lease(tables.lease))
            })
        }
        .boxed()
    }

    fn revocations<'a>(
        &'a self,
        carrier: &'a Name,
        after: Seq,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Revocation>, StoreError>> {
        async move { self.with(|tables| Ok(tables.revocations(carrier, after, limit))) }.boxed()
    }

    fn waiting<'a>(
        &'a self,
        lane: &'a Lane,
        priority: u8,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Box<str>>, StoreError>> {
        async move { self.with(|tables| Ok(tables.waiting(lane, priority, limit))) }.boxed()
    }

    fn message<'a>(
        &'a self,
        id: MessageId,
        client: Option<&'a Name>,
    ) -> BoxFuture<'a, Result<Option<MessageRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.by_id(id, client).map(|message| tables.record(message)))) }.boxed()
    }

    fn key<'a>(&'a self, client: &'a Name, key: &'a str) -> BoxFuture<'a, Result<Option<IdempotencyKey>, StoreError>> {
        async move {
            self.with(|tables| {
                let place = (client.clone(), key.into());
                Ok(tables.keys.get(&place).map(|(known, _)| known.clone()))
            })
        }
        .boxed()
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> BoxFuture<'a, Result<Page<MessageRecord>, StoreError>> {
        async move {
            self.with(|tables| {
                let older = tables.messages.range(..query.before.unwrap_or(i64::MAX)).rev();
                let fits = older.map(|(_, message)| message).filter(|message| message.fits(query));
                let rows: Vec<_> = fits.take(query.limit as usize).map(tables::Message::listed).collect();
                Ok(page(rows, query.limit, |message| message.row.seq))
            })
        }
        .boxed()
    }

    fn inbound<'a>(&'a self, query: &'a InboundQuery) -> BoxFuture<'a, Result<Page<InboundRecord>, StoreError>> {
        async move {
            self.with(|tables| {
                let older = tables.inbound.range(..query.before.unwrap_or(i64::MAX)).rev();
                let fits = older.filter(|(_, text)| {
                    query.to.as_ref().is_none_or(|to| to.contains(&text.to))
                        && query.from.as_deref().is_none_or(|from| is_from(&text.from, from))
                });
                let rows: Vec<_> = fits
                    .filter(|(seq, _)| !tables.two_way.parts.contains(seq))
                    .take(query.limit as usize)
                    .map(|(seq, text)| tables::inbound_record(*seq, text, &tables.two_way))
                    .collect();
                Ok(page(rows, query.limit, |text| text.seq))
            })
        }
        .boxed()
    }

    fn quarantine<'a>(
        &'a self,
        carrier: Option<&'a Name>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<QuarantineRecord>, StoreError>> {
        async move {
            self.with(|tables| {
                let newest = tables.quarantine.iter().rev();
                let fits = newest.filter(|pdu| carrier.is_none_or(|carrier| *carrier == pdu.bind.carrier));
                Ok(fits.take(limit as usize).map(tables::quarantine_record).collect())
            })
        }
        .boxed()
    }

    fn backlog(&self) -> BoxFuture<'_, Result<Vec<Backlog>, StoreError>> {
        async move { self.with(|tables| Ok(tables.backlog())) }.boxed()
    }

    fn totals(&self) -> BoxFuture<'_, Result<Totals, StoreError>> {
        async move {
            self.with(|tables| {
                let parked = ParkedTotals {
                    rows: tables.parked.len() as u64,
                };
                Ok(Totals {
                    open: tables.open(),
                    parked,
                })
            })
        }
        .boxed()
    }

    fn due_notices<'a>(&'a self, query: &'a DueNotices) -> BoxFuture<'a, Result<DuePage, StoreError>> {
        async move { self.with(|tables| Ok(tables.due_notices(query))) }.boxed()
    }

    fn endpoints(&self) -> BoxFuture<'_, Result<Vec<EndpointRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.endpoints())) }.boxed()
    }

    fn dead_notices<'a>(&'a self, query: &'a DeadNotices) -> BoxFuture<'a, Result<Page<NoticeRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.dead_notices(query))) }.boxed()
    }

    fn notices<'a>(&'a self, query: &'a NoticeQuery) -> BoxFuture<'a, Result<NoticePage, StoreError>> {
        async move { self.with(|tables| Ok(tables.stretch(query))) }.boxed()
    }

    fn new_events<'a>(&'a self, _: &'a NewEvents) -> BoxFuture<'a, Result<Vec<InboxRow>, StoreError>> {
        async { self.with(|_| Ok(Vec::new())) }.boxed()
    }

    fn new_rcs_events(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<RcsEvent>, StoreError>> {
        async move { self.with(|tables| Ok(tables.rcs_inbox.new_events(after, limit))) }.boxed()
    }

    fn unhandled_texts(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<UnhandledText>, StoreError>> {
        async move { self.with(|tables| Ok(tables.unhandled(after, limit))) }.boxed()
    }

    fn standings<'a>(&'a self, pairs: &'a [Between]) -> BoxFuture<'a, Result<Vec<Standing>, StoreError>> {
        async move { self.with(|tables| Ok(tables.standings(pairs))) }.boxed()
    }

    fn actions(&self, query: ActionQuery) -> BoxFuture<'_, Result<Vec<ActionRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.two_way.actions(query))) }.boxed()
    }

    fn case(&self, id: CaseId) -> BoxFuture<'_, Result<Option<CaseRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.cases.by_id(id).cloned())) }.boxed()
    }

    fn cases<'a>(&'a self, query: &'a CaseQuery) -> BoxFuture<'a, Result<Page<CaseRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.cases.list(query))) }.boxed()
    }

    fn case_notes(&self, id: CaseId) -> BoxFuture<'_, Result<Vec<CaseNote>, StoreError>> {
        async move { self.with(|tables| Ok(tables.cases.notes(id))) }.boxed()
    }

    fn due_cases(&self, now: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<CaseRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.cases.due(now, limit))) }.boxed()
    }

    fn consents<'a>(&'a self, query: &'a ConsentQuery) -> BoxFuture<'a, Result<Page<ConsentRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.consents.list(query))) }.boxed()
    }

    fn consent_history<'a>(
        &'a self,
        msisdn: &'a str,
        brands: &'a [Name],
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConsentChange>, StoreError>> {
        async move { self.with(|tables| Ok(tables.consents.history(msisdn, brands, limit))) }.boxed()
    }

    fn verification<'a>(
        &'a self,
        id: VerificationId,
        client: &'a Name,
    ) -> BoxFuture<'a, Result<Option<VerificationRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.numbers.verification(id, client))) }.boxed()
    }

    fn certified<'a>(&'a self, query: &'a CertifiedQuery) -> BoxFuture<'a, Result<Page<CertifiedRecord>, StoreError>> {
        async move { self.with(|tables| Ok(tables.numbers.list(query))) }.boxed()
    }

    fn are_certified<'a>(&'a self, pairs: &'a [(Name, Box<str>)]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        async move {
            self.with(|tables| {
                let is = |(client, msisdn): &(Name, Box<str>)| {
                    tables
                        .numbers
                        .of(msisdn)
                        .iter()
                        .any(|certified| certified.client == *client)
                };
                Ok(pairs.iter().map(is).collect())
            })
        }
        .boxed()
    }

    fn uncertified(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Uncertified>, StoreError>> {
        async move { self.with(|tables| Ok(tables.numbers.uncertified(since))) }.boxed()
    }

    fn codes(&self, since: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<SentCode>, StoreError>> {
        async move { self.with(|tables| Ok(tables.numbers.codes(since, limit))) }.boxed()
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.with(|_| Ok(())) }.boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move { self.tables.lock().unwrap_or_else(PoisonError::into_inner).closed = true }.boxed()
    }
}

/// Carriers write a number with or without its plus.
fn is_from(written: &str, digits: &str) -> bool {
    written.trim_start_matches('+') == digits
}

fn page<T>(rows: Vec<T>, limit: u32, seq: impl Fn(&T) -> i64) -> Page<T> {
    let next = if rows.len() >= limit as usize {
        rows.last().map(seq)
    } else {
        None
    };
    Page { rows, next }
}
