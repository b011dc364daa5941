//! A store with a few rules of its own, and short ways to fill it.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::domain::{
    BindRef, Class, Encoding, Endpoint, Flag, InboundId, Lane, MessageId, Msisdn, Name, NewMessage, Reason, SenderId,
    Shape, State, UnixMillis,
};
use crate::store::Lease;
use crate::store::memory::MemoryStore;
use crate::store::sqlite::{SqliteSettings, SqliteStore};
use crate::store::{
    Act, ActResult, Applied, Batch, Claim, Claimed, Enqueue, Event, EventKind, IdempotencyKey, LaneClaim,
    MessageRecord, NewConsent, NewInbound, NoticeKind, Progress, RcsReport, RcsSaid, Receipt, ReceiptResult, Row,
    Rules, SegmentAnswer, SegmentRecord, SegmentState, Seq, Settle, SettleResult, Store, StoreError, Sweep,
    SweepResult, Verdict,
};

pub(crate) const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
pub(crate) const LEASE: Lease = Lease(1);

/// NOW and so many milliseconds.
pub(crate) fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOW.0 + ms)
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(crate) fn bind(carrier: &str, bind: u16) -> BindRef {
    BindRef {
        carrier: name(carrier),
        bind,
    }
}

pub(crate) fn tim() -> BindRef {
    bind("tim", 0)
}

pub(crate) fn italy() -> Lane {
    Lane {
        route: name("italy"),
        step: 0,
    }
}

pub(crate) fn id(n: u32) -> MessageId {
    MessageId(Uuid::from_u128(
        0x0193_2b5e_7c3a_7000_8000_0000_0000_0000 + u128::from(n),
    ))
}

pub(crate) fn number(n: u32) -> String {
    format!("3933312{n:05}")
}

/// The n-th message: each has a recipient of its own.
pub(crate) fn message(n: u32) -> NewMessage {
    NewMessage {
        id: id(n),
        client: name("bank"),
        class: Class::Transaction,
        to: Msisdn::parse(&number(n)).unwrap(),
        from: SenderId::parse("MyBank").unwrap(),
        text: "Your card has been shipped.".into(),
        encoding: Encoding::Gsm7,
        shape: Shape::default(),
        rich: None,
        segments: 1,
        lane: italy(),
        receipt: true,
        reference: None,
        callback: None,
        accepted_at: NOW,
        not_before: None,
        expires_at: at(3_600_000),
    }
}

pub(crate) fn long(n: u32, segments: u8) -> NewMessage {
    NewMessage { segments, ..message(n) }
}

pub(crate) fn key(word: &str, body: u8, answer: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: word.into(),
        fingerprint: [body; 32],
        answer: answer.into(),
    }
}

pub(crate) fn new(message: NewMessage) -> Enqueue {
    Enqueue {
        message,
        key: None,
        claim: None,
        birth: None,
    }
}

pub(crate) fn receipt(carrier_id: &str, n: u32, verdict: Verdict) -> Receipt {
    Receipt {
        carrier: name("tim"),
        carrier_message_id: carrier_id.into(),
        candidates: vec![carrier_id.into()],
        destination: number(n).into(),
        reference: None,
        verdict,
        code: None,
        done_at: Some(at(4_000)),
        at: at(5_000),
    }
}

pub(crate) fn delivered(carrier_id: &str, n: u32) -> Receipt {
    receipt(carrier_id, n, Verdict::Delivered)
}

pub(crate) fn text_in(n: u128, digest: u8) -> NewInbound {
    NewInbound {
        id: InboundId(Uuid::from_u128(n)),
        bind: tim(),
        from: "393331234567".into(),
        to: "12345".into(),
        data_coding: 0,
        esm_class: 0,
        octets: Bytes::from_static(b"STOP\0"),
        text: Some("STOP\0".into()),
        code: None,
        lossy: false,
        segment: None,
        carrier_message_id: None,
        digest: [digest; 32],
        losses: Vec::new(),
        at: NOW,
        note: None,
        handled: None,
        consents: Vec::new(),
        answers: Vec::new(),
    }
}

pub(crate) fn event(kind: EventKind) -> Event {
    Event {
        at: NOW,
        kind,
        attempt: 1,
        bind: Some(tim()),
        code: Some(u32::MAX),
        note: Some("a \"word\"".into()),
    }
}

pub(crate) fn submitted(claimed: &Claimed, carrier_id: &str) -> Progress {
    let progress = claimed.progress.clone();
    let state = State::Submitted;
    Progress {
        state,
        wake_at: Some(at(7_200_000)),
        submitted_at: Some(at(1)),
        carrier_message_id: Some(carrier_id.into()),
        ..progress
    }
}

pub(crate) fn uncertain(claimed: &Claimed) -> Progress {
    Progress {
        state: State::Uncertain,
        wake_at: Some(at(30_000)),
        ..claimed.progress.clone()
    }
}

pub(crate) fn settle(claimed: &Claimed, progress: Progress) -> Settle {
    Settle {
        claimed: Arc::new(claimed.clone()),
        progress,
        event: None,
    }
}

pub(crate) fn segment(claimed: &Claimed, number: u8, carrier_id: &str) -> SegmentAnswer {
    SegmentAnswer {
        seq: claimed.seq,
        number,
        attempt: claimed.progress.attempt,
        carrier: name("tim"),
        state: SegmentState::Submitted,
        carrier_message_id: Some(carrier_id.into()),
        code: None,
        at: at(1),
    }
}

/// A store under test.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) dir: Option<tempfile::TempDir>,
}

impl Bench {
    pub(crate) async fn memory() -> Self {
        let store = Arc::new(MemoryStore::new());
        assert_eq!(store.take_lease().await.unwrap(), LEASE);
        Self { store, dir: None }
    }

    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = SqliteSettings {
            file: dir.path().join("araldo.db"),
            readers: 1,
            read_deadline: std::time::Duration::from_secs(5),
        };
        let store = Arc::new(SqliteStore::open(&settings).await.unwrap());
        assert_eq!(store.take_lease().await.unwrap(), LEASE);
        Self { store, dir: Some(dir) }
    }

    /// The file is sound after all that.
    pub(crate) async fn check_file(&self) {
        use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
        self.store.checkpoint().await.ok();
        self.store.close().await;
        let file = self.dir.as_ref().unwrap().path().join("araldo.db");
        let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let found: String = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(found, "ok");
    }

    pub(crate) async fn try_commit(&self, batch: Batch) -> Result<Applied, StoreError> {
        self.store.commit(&batch, &TestRules).await
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Applied {
        self.try_commit(batch).await.unwrap()
    }

    pub(crate) async fn enqueue(&self, messages: impl IntoIterator<Item = NewMessage>) {
        let enqueue = messages.into_iter().map(new).collect();
        self.commit(Batch {
            enqueue,
            ..Batch::new(NOW)
        })
        .await;
    }

    /// Stores messages as claimed by a bind.
    pub(crate) async fn claimed_by(
        &self,
        bind: BindRef,
        messages: impl IntoIterator<Item = NewMessage>,
    ) -> Vec<Claimed> {
        let messages: Vec<NewMessage> = messages.into_iter().collect();
        let claim = Some((bind.clone(), LEASE));
        let enqueue = messages.iter().map(|message| Enqueue {
            message: message.clone(),
            key: None,
            claim: claim.clone(),
            birth: None,
        });
        let applied = self
            .commit(Batch {
                enqueue: enqueue.collect(),
                ..Batch::new(NOW)
            })
            .await;
        let seqs = applied.enqueue.iter().map(|result| match result {
            crate::store::EnqueueResult::Stored(seq) => *seq,
            other => panic!("{other:?}"),
        });
        seqs.zip(&messages)
            .map(|(seq, message)| {
                let waiting = Progress::waiting(0, None, message.expires_at);
                Claimed::new(message, seq, waiting.claimed(LEASE, bind.clone(), NOW))
            })
            .collect()
    }

    pub(crate) async fn claimed(&self, n: u32) -> Claimed {
        self.claimed_by(tim(), [message(n)]).await.remove(0)
    }

    /// A message that the carrier has taken under this id.
    pub(crate) async fn sent(&self, n: u32, carrier_id: &str) -> Claimed {
        let claimed = self.claimed(n).await;
        let done = self.settle(&claimed, submitted(&claimed, carrier_id)).await;
        assert_eq!(done.settle, [SettleResult::Settled]);
        claimed
    }

    /// A message in doubt.
    pub(crate) async fn doubted(&self, n: u32) -> Claimed {
        let claimed = self.claimed(n).await;
        self.settle(&claimed, uncertain(&claimed)).await;
        claimed
    }

    pub(crate) async fn settle(&self, claimed: &Claimed, progress: Progress) -> Applied {
        self.settle_all(vec![settle(claimed, progress)]).await
    }

    pub(crate) async fn settle_all(&self, settle: Vec<Settle>) -> Applied {
        self.commit(Batch {
            settle,
            ..Batch::new(at(10))
        })
        .await
    }

    pub(crate) async fn receive(&self, receipts: Vec<Receipt>) -> Vec<ReceiptResult> {
        self.commit(Batch {
            receipts,
            ..Batch::new(at(5_000))
        })
        .await
        .receipts
    }

    pub(crate) async fn answer(&self, segments: Vec<SegmentAnswer>) {
        self.commit(Batch {
            segments,
            ..Batch::new(at(1))
        })
        .await;
    }

    pub(crate) async fn claim(&self, now: UnixMillis, bind: BindRef, segments: u32) -> Vec<Claimed> {
        let lanes = vec![LaneClaim {
            lane: italy(),
            priority: Class::Transaction.priority(),
            segments,
        }];
        let claims = vec![Claim {
            bind,
            lease: LEASE,
            lanes,
        }];
        self.commit(Batch {
            claims,
            ..Batch::new(now)
        })
        .await
        .claims
        .remove(0)
        .remove(0)
        .rows
    }

    pub(crate) async fn sweep(&self, now: UnixMillis, sweep: Sweep) -> SweepResult {
        self.commit(Batch {
            sweeps: vec![sweep],
            ..Batch::new(now)
        })
        .await
        .sweeps[0]
    }

    pub(crate) async fn record(&self, n: u32) -> MessageRecord {
        self.store.message(id(n), None).await.unwrap().unwrap()
    }

    pub(crate) async fn progress(&self, n: u32) -> Progress {
        self.record(n).await.row.progress
    }

    pub(crate) async fn state(&self, n: u32) -> State {
        self.progress(n).await.state
    }

    pub(crate) async fn parked(&self) -> u64 {
        self.store.totals().await.unwrap().parked.rows
    }
}

pub(crate) fn seqs(rows: &[Claimed]) -> Vec<Seq> {
    rows.iter().map(|row| row.seq).collect()
}

/// Plain rules, for the store's own tests.
pub(crate) struct TestRules;

impl Rules for TestRules {
    fn after_receipt(
        &self,
        row: &Row,
        segments: &[SegmentRecord],
        receipt: &Receipt,
    ) -> Option<(Progress, Option<Event>)> {
        let held = &row.progress;
        if !held.state.yields_to_receipt() {
            return Some((held.clone(), Some(event(EventKind::ReceiptAgain))));
        }
        assert_eq!(segments.is_empty(), row.segments == 1 || segments.is_empty());
        let delivered = |segment: &SegmentRecord| segment.state == SegmentState::Delivered;
        let (state, reason) = match receipt.verdict {
            Verdict::Progress(_) => return Some((held.clone(), Some(event(EventKind::Progress)))),
            Verdict::Undelivered(reason) => (State::Undelivered, Some(reason)),
            Verdict::Delivered if row.segments == 1 => (State::Delivered, None),
            Verdict::Delivered if segments.iter().filter(|it| delivered(it)).count() == usize::from(row.segments) => {
                (State::Delivered, None)
            }
            Verdict::Delivered => return Some((held.clone(), Some(event(EventKind::Segment)))),
        };
        let mut progress = held.clone().ended(state, reason, receipt.at);
        progress.code = receipt.code;
        progress.done_at = receipt.done_at;
        let corrected = held.state.is_final();
        if corrected {
            progress.flags = progress.flags.with(Flag::CorrectedByReceipt);
        }
        Some((progress, corrected.then(|| event(EventKind::Corrected))))
    }

    fn after_rcs(&self, row: &Row, report: &RcsReport, now: UnixMillis) -> Option<(Progress, Option<Event>)> {
        let held = row.progress.clone();
        let flags = held.flags;
        match report.said {
            RcsSaid::Delivered => Some((held.ended(State::Delivered, None, now), None)),
            RcsSaid::Read if flags.has(Flag::Read) => None,
            RcsSaid::Read => {
                let flags = flags.with(Flag::Read);
                let read = Progress { flags, ..held };
                Some((read.ended(State::Delivered, None, now), Some(event(EventKind::Read))))
            }
            RcsSaid::Revoked => Some((
                Progress {
                    flags: flags.without(Flag::Revoking),
                    ..held
                },
                None,
            )),
            RcsSaid::NotRevoked => None,
            RcsSaid::Tapped { .. } => Some((held, Some(event(EventKind::Tapped)))),
        }
    }

    fn when_due(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
        let held = row.progress.clone();
        match held.state {
            State::Scheduled => {
                let wake_at = Some(held.expires_at);
                (
                    Progress {
                        state: State::Queued,
                        wake_at,
                        ..held
                    },
                    None,
                )
            }
            State::Queued => (held.ended(State::Expired, Some(Reason::ValidityOver), now), None),
            State::Uncertain => {
                let wake_at = Some(held.expires_at);
                let copies = held.copies + 1;
                let flags = held.flags.with(Flag::CopyDue);
                (
                    Progress {
                        state: State::Queued,
                        wake_at,
                        copies,
                        flags,
                        ..held
                    },
                    Some(event(EventKind::Resent)),
                )
            }
            State::Submitted => (held.ended(State::Unconfirmed, Some(Reason::NoReceipt), now), None),
            other => panic!("{other} waits for nothing"),
        }
    }

    fn orphaned(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
        let wake_at = Some(UnixMillis(now.0 + 30_000));
        (
            Progress {
                state: State::Uncertain,
                wake_at,
                ..row.progress.clone()
            },
            Some(event(EventKind::Doubted)),
        )
    }

    fn act(&self, row: &Row, act: Act, now: UnixMillis) -> Result<(Progress, Option<Event>), ActResult> {
        let held = row.progress.clone();
        match (act, held.state) {
            (Act::Cancel, State::Queued | State::Scheduled) => {
                Ok((held.ended(State::Canceled, Some(Reason::CanceledBySender), now), None))
            }
            (Act::Requeue, State::Failed | State::Canceled) => {
                let wake_at = Some(held.expires_at);
                let next = Progress {
                    state: State::Queued,
                    wake_at,
                    final_at: None,
                    reason: None,
                    ..held
                };
                Ok((next, Some(event(EventKind::Requeued))))
            }
            (_, state) => Err(ActResult::Refused {
                state,
                since: held.submitted_at.or(held.final_at),
            }),
        }
    }

    /// The client `hook` hears of everything but doubts, and so does whoever names an address.
    fn hears(&self, client: &Name, kind: NoticeKind, callback: Option<&str>) -> Option<Endpoint> {
        let told = kind != NoticeKind::Message(State::Uncertain);
        match callback {
            Some(url) => told.then(|| Endpoint::of_callback(client, url)),
            None => (told && client.as_str() == "hook").then(|| Endpoint::of_client(client)),
        }
    }

    /// A brand is called as its client; codes go out all the same. What a platform has is asked back.
    fn opted_out(&self, row: &Row, said: &NewConsent, now: UnixMillis) -> Option<(Progress, Option<Event>)> {
        let is_withheld = row.client == said.brand && row.class != Class::Otp && said.topic.is_none();
        let held = row.progress.clone();
        is_withheld.then(|| match held.state {
            State::Submitted => {
                let flags = held.flags.with(Flag::Revoking);
                (Progress { flags, ..held }, Some(event(EventKind::Revoking)))
            }
            _ => (held.ended(State::Suppressed, Some(Reason::OptedOut), now), None),
        })
    }

    fn owner_of(&self, address: &str) -> Option<Name> {
        (address == "12345").then(|| name("hook"))
    }
}
