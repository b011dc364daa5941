//! What is kept: the outbox, receipts that wait for their message, inbound texts, idempotency keys.
//!
//! One trait, several stores, one meaning: every store passes the suite in `conformance`. A store decides nothing. It
//! makes the changes asked for, all in one synced commit, and says of each what came of it. Where a change depends on
//! the row that it meets (a receipt, a deadline), the store asks the [`Rules`] handed in with the batch.

mod batch;
mod care;
mod certified;
mod check;
#[cfg(test)]
pub(crate) mod conformance;
mod consent;
#[cfg(test)]
pub(crate) mod double;
mod event_inbox;
pub mod matching;
pub mod memory;
mod notice;
mod rcs_inbox;
mod read;
mod row;
pub mod sqlite;
pub mod two_way;

use std::path::PathBuf;

use futures_util::future::BoxFuture;

pub use batch::{
    Act, ActItem, ActResult, Applied, BadPdu, Batch, Birth, Changed, Claim, Claimed, Enqueue, EnqueueResult, Group,
    GroupResult, IdempotencyKey, InboundResult, LaneClaim, LaneClaimed, Loss, NewInbound, Prune, PruneResult,
    RcsReport, RcsResult, RcsSaid, Receipt, ReceiptResult, RestClaim, Revocation, SegmentAnswer, Settle, SettleResult,
    Sweep, SweepResult, Verdict,
};
pub use care::{
    CaseAct, CaseChange, CaseNote, CaseQuery, CaseReason, CaseRecord, CaseRefused, CaseState, CaseStep, NewCase,
    OpenCase,
};
pub use certified::{
    Certified, CertifiedAct, CertifiedEnd, CertifiedQuery, CertifiedRecord, NewVerification, SentCode, Uncertified,
    VerificationRecord, VerificationState,
};
pub use check::{CheckReport, CheckStage};
pub use consent::{ConsentChange, ConsentQuery, ConsentRecord, ConsentResult, NewConsent, Wants};
pub use event_inbox::{InboxMark, InboxPlace, InboxRow, InboxSaid, NewEvents, RefusedEvent};
pub use notice::{
    About, AboutConsent, AboutInbound, AboutMessage, DeadNotices, Delivery, DueNotices, DuePage, EndpointRecord, Fate,
    Notice, NoticeAct, NoticeKind, NoticePage, NoticeQuery, NoticeRecord, NoticeSettle, OffReason,
};
pub use rcs_inbox::{NewRcsEvent, RcsEvent, RcsEventResult, RcsMark};
pub use read::{
    Backlog, InboundQuery, InboundRecord, MessageQuery, MessageRecord, Page, ParkedTotals, QuarantineRecord,
    SegmentRecord, Totals,
};
pub use row::{Event, EventKind, Lease, Progress, Row, SegmentState, Seq};
pub use two_way::{
    ActionProgress, ActionQuery, ActionRecord, ActionState, Between, Standing, Turn, TurnResult, UnhandledText,
};

use crate::domain::{CaseId, Endpoint, Lane, MessageId, Name, UnixMillis, VerificationId};

/// A durable outbox.
pub trait Store: Send + Sync + 'static {
    /// Applies a batch in one synced commit. An error means that nothing of the batch was applied, except
    /// [`StoreError::Unknown`], which means that nobody knows.
    ///
    /// The kinds are applied in the order of [`Batch`]'s fields, the items of a kind in their own order.
    fn commit<'a>(&'a self, batch: &'a Batch, rules: &'a dyn Rules) -> BoxFuture<'a, Result<Applied, StoreError>>;

    /// Takes the next lease: from now on, whatever another lease claimed is in doubt.
    fn take_lease(&self) -> BoxFuture<'_, Result<Lease, StoreError>>;

    /// One message whole, if `client` is `None` or owns it.
    fn message<'a>(
        &'a self,
        id: MessageId,
        client: Option<&'a Name>,
    ) -> BoxFuture<'a, Result<Option<MessageRecord>, StoreError>>;

    /// What a key of a client's stands for, if it was used.
    fn key<'a>(&'a self, client: &'a Name, key: &'a str) -> BoxFuture<'a, Result<Option<IdempotencyKey>, StoreError>>;

    /// A page of messages, newest first. A page may hold fewer rows than asked for though more follow.
    fn messages<'a>(&'a self, query: &'a MessageQuery) -> BoxFuture<'a, Result<Page<MessageRecord>, StoreError>>;

    /// A page of inbound texts, newest first.
    fn inbound<'a>(&'a self, query: &'a InboundQuery) -> BoxFuture<'a, Result<Page<InboundRecord>, StoreError>>;

    /// The newest PDUs that could not be read, of one carrier or of all.
    fn quarantine<'a>(
        &'a self,
        carrier: Option<&'a Name>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<QuarantineRecord>, StoreError>>;

    /// Segments that wait in each lane, by priority.
    fn backlog(&self) -> BoxFuture<'_, Result<Vec<Backlog>, StoreError>>;

    /// Rows by class and open state with the oldest of each, and parked receipts.
    fn totals(&self) -> BoxFuture<'_, Result<Totals, StoreError>>;

    /// Notices that an endpoint is to be told now.
    fn due_notices<'a>(&'a self, query: &'a DueNotices) -> BoxFuture<'a, Result<DuePage, StoreError>>;

    /// Every endpoint that has something pending or dead, or is switched off.
    fn endpoints(&self) -> BoxFuture<'_, Result<Vec<EndpointRecord>, StoreError>>;

    /// A page of notices that were given up, newest first.
    fn dead_notices<'a>(&'a self, query: &'a DeadNotices) -> BoxFuture<'a, Result<Page<NoticeRecord>, StoreError>>;

    /// The notices after a place, oldest first. A page may hold fewer rows than asked for though more follow.
    fn notices<'a>(&'a self, query: &'a NoticeQuery) -> BoxFuture<'a, Result<NoticePage, StoreError>>;

    /// Events that other programs have written into the store and that are not settled yet, oldest first. A store that no
    /// other program reaches has none.
    fn new_events<'a>(&'a self, query: &'a NewEvents) -> BoxFuture<'a, Result<Vec<InboxRow>, StoreError>>;

    /// Messages behind a place that a carrier of RCS is to be asked to take back, oldest first.
    fn revocations<'a>(
        &'a self,
        carrier: &'a Name,
        after: Seq,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Revocation>, StoreError>>;

    /// The recipients, as digits, of messages that wait in a lane and are due, of one priority, oldest first.
    fn waiting<'a>(
        &'a self,
        lane: &'a Lane,
        priority: u8,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Box<str>>, StoreError>>;

    /// Events of RCS platforms behind a place of which something is to be made, oldest first.
    fn new_rcs_events(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<RcsEvent>, StoreError>>;

    /// Inbound texts behind a place of which nothing was made yet, oldest first.
    fn unhandled_texts(&self, after: Seq, limit: u32) -> BoxFuture<'_, Result<Vec<UnhandledText>, StoreError>>;

    /// What stands between each pair of a number and an address, in their order.
    fn standings<'a>(&'a self, pairs: &'a [Between]) -> BoxFuture<'a, Result<Vec<Standing>, StoreError>>;

    /// Calls of back ends.
    fn actions(&self, query: ActionQuery) -> BoxFuture<'_, Result<Vec<ActionRecord>, StoreError>>;

    /// A page of what people want, oldest place first.
    fn consents<'a>(&'a self, query: &'a ConsentQuery) -> BoxFuture<'a, Result<Page<ConsentRecord>, StoreError>>;

    /// What one person has said, newest first; of these brands, or of any where there are none.
    fn consent_history<'a>(
        &'a self,
        msisdn: &'a str,
        brands: &'a [Name],
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConsentChange>, StoreError>>;

    /// A case by its number.
    fn case(&self, id: CaseId) -> BoxFuture<'_, Result<Option<CaseRecord>, StoreError>>;

    /// A page of cases, newest first.
    fn cases<'a>(&'a self, query: &'a CaseQuery) -> BoxFuture<'a, Result<Page<CaseRecord>, StoreError>>;

    /// What people noted on a case, oldest first.
    fn case_notes(&self, id: CaseId) -> BoxFuture<'_, Result<Vec<CaseNote>, StoreError>>;

    /// Cases whose wait is over.
    fn due_cases(&self, now: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<CaseRecord>, StoreError>>;

    /// A code that was sent to certify a number, if `client` owns it.
    fn verification<'a>(
        &'a self,
        id: VerificationId,
        client: &'a Name,
    ) -> BoxFuture<'a, Result<Option<VerificationRecord>, StoreError>>;

    /// A page of certified numbers, oldest place first; of one number, those too that are so no more.
    fn certified<'a>(&'a self, query: &'a CertifiedQuery) -> BoxFuture<'a, Result<Page<CertifiedRecord>, StoreError>>;

    /// Of each pair of a client and a number, digits, whether it is certified.
    fn are_certified<'a>(&'a self, pairs: &'a [(Name, Box<str>)]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>>;

    /// What has ended since a time for the customer who had it: revoked, or certified for another.
    fn uncertified(&self, since: UnixMillis) -> BoxFuture<'_, Result<Vec<Uncertified>, StoreError>>;

    /// The latest codes since a time, so many at the most: to which number each was sent and when, oldest first.
    fn codes(&self, since: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<SentCode>, StoreError>>;

    /// Whether what is to be written waits for another program, which holds the write lock: nothing is wrong with us.
    fn waits_for_lock(&self) -> bool {
        false
    }

    /// Looks at the whole store, beside whatever else is going on; see [`CheckReport`]. A store without a disk has
    /// nothing to look at.
    fn check(&self) -> BoxFuture<'_, Result<CheckReport, StoreError>> {
        futures_util::FutureExt::boxed(std::future::ready(Ok(CheckReport {
            is_whole: true,
            ..CheckReport::default()
        })))
    }

    /// What has turned out to be wrong with the store as a whole: nothing more may be done with it.
    fn damage(&self) -> Option<StoreError> {
        None
    }

    /// Moves what is committed from the log into the main file, where a store has such things.
    fn checkpoint(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Ends with everything on disk. Later calls fail.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What to do with a row that a receipt or a deadline meets. Pure; implemented by the outbox.
///
/// What a rule answers for the columns of the claim (attempt, lease, bind, claimed_at) is passed over: they change with
/// a claim alone.
pub trait Rules: Send + Sync {
    /// A receipt has met its message. `segments` is empty for a message of one segment, and otherwise as they stand
    /// after this receipt. `None` leaves the row alone.
    fn after_receipt(
        &self,
        row: &Row,
        segments: &[SegmentRecord],
        receipt: &Receipt,
    ) -> Option<(Progress, Option<Event>)>;

    /// An RCS platform tells something of a message. `None` leaves the row alone.
    fn after_rcs(
        &self,
        row: &Row,
        report: &RcsReport,
        now: crate::domain::UnixMillis,
    ) -> Option<(Progress, Option<Event>)>;

    /// The row's `wake_at` has come.
    fn when_due(&self, row: &Row, now: crate::domain::UnixMillis) -> (Progress, Option<Event>);

    /// The row was claimed by a process that is no more.
    fn orphaned(&self, row: &Row, now: crate::domain::UnixMillis) -> (Progress, Option<Event>);

    /// A person or the owner asks for something; the error says why not.
    fn act(&self, row: &Row, act: Act, now: crate::domain::UnixMillis) -> Result<(Progress, Option<Event>), ActResult>;

    /// Who hears of such a fact by webhook: the client's own address, or that which the message names. `None` is nobody.
    fn hears(&self, client: &Name, kind: NoticeKind, callback: Option<&str>) -> Option<Endpoint>;

    /// What an opt-out makes of a message that waits, or that an RCS platform has; `None` leaves it alone.
    fn opted_out(&self, row: &Row, said: &NewConsent, now: UnixMillis) -> Option<(Progress, Option<Event>)>;

    /// Whose address an inbound text came to.
    fn owner_of(&self, address: &str) -> Option<Name>;
}

/// Why a store could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or server cannot be reached or read.
    #[error("the store cannot be opened: {0}")]
    Open(String),
    /// The state is used by another daemon.
    #[error("state directory {dir} is in use by {owner}; stop that daemon or give this one a store of its own")]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Who holds it, as far as known.
        owner: String,
    },
    /// Another program keeps the database to itself.
    #[error(
        "{0}: another program holds the database's lock; find it (`fuser {0}`), let it end its transaction, and try again"
    )]
    Locked(String),
    /// The schema was written by a newer version.
    #[error("the store was written by a newer version of Araldo ({0}); install that version or restore a backup")]
    TooNew(String),
    /// The disk is full.
    #[error("no space left for the store: free some on its file system")]
    Full,
    /// A write or sync failed. Nothing written since the last commit can be trusted: the process must end.
    #[error("the store failed to write: {0}")]
    Io(String),
    /// The file is not as it was written: what it is, where, and what helps. The process must end.
    #[error("{0}")]
    Damaged(String),
    /// A commit was under way when the connection broke: it may or may not have taken effect.
    #[error("the store was lost in mid-commit: {0}")]
    Unknown(String),
    /// A read took longer than its deadline.
    #[error("the read took too long; narrow it")]
    TooSlow,
    /// A statement failed.
    #[error("the store refused a statement: {0}")]
    Statement(String),
}

impl StoreError {
    /// Whether the process must end at once, since a sync has failed or the file is damaged.
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Damaged(_))
    }

    /// The exit code of a process that ends for it (DESIGN §6): 70 a failed sync, 73 in use, 78 a newer schema,
    /// 74 anything else.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Io(_) => 70,
            Self::InUse { .. } => 73,
            Self::TooNew(_) => 78,
            Self::Open(_)
            | Self::Locked(_)
            | Self::Full
            | Self::Damaged(_)
            | Self::Unknown(_)
            | Self::TooSlow
            | Self::Statement(_) => 74,
        }
    }
}
