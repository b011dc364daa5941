//! The lane over the store in memory, with posts that the test answers by hand and a clock whose hands it turns.

mod failing;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;
use crate::backend::{Failure, Pauses};
use crate::domain::{InboundId, MessageId, NewMessage, State, UnixMillis};
use crate::fixture::{self, bind, name};
use crate::outbox::{self, Hearing, Policy};
use crate::store::memory::MemoryStore;
use crate::store::{
    Batch, Claimed, DeadNotices, Enqueue, Lease, NewInbound, NoticeAct, OffReason, Progress, Receipt, Seq, Settle,
    Verdict,
};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const TAKEN: Answer = Answer::Taken { status: 200 };

/// A post as it came, and where its answer goes.
struct Posted {
    url: String,
    id: String,
    body: Value,
    answer: oneshot::Sender<Answer>,
}

impl Posted {
    fn answer(self, answer: Answer) {
        self.answer.send(answer).ok();
    }

    /// The places of its members, from their ids.
    fn places(&self) -> Vec<u32> {
        let members = self.body.as_array().expect("an array");
        let place = |event: &Value| event["id"].as_str()?.rsplit('_').next()?.parse().ok();
        members.iter().filter_map(place).collect()
    }
}

struct Hands(mpsc::UnboundedSender<Posted>);

impl Sender for Hands {
    fn post<'a>(&'a self, post: Post<'a>) -> BoxFuture<'a, Answer> {
        let (answer, answered) = oneshot::channel();
        let posted = Posted {
            url: post.url.to_owned(),
            id: post.id.to_owned(),
            body: serde_json::from_slice(&post.body).unwrap(),
            answer,
        };
        self.0.send(posted).ok();
        Box::pin(async { answered.await.unwrap_or(Answer::from(Failure::Broken)) })
    }
}

struct House {
    store: Arc<dyn Store>,
    outbox: Outbox,
    policy: Arc<Policy>,
    clock: Clock,
    posts: mpsc::UnboundedReceiver<Posted>,
    sender: Arc<Hands>,
    pauses: Arc<Pauses>,
    stop: CancellationToken,
}

impl House {
    async fn new() -> Self {
        let mut hearing = Hearing::default();
        for (client, address) in [("bank", "1"), ("shop", "2")] {
            hearing.listener(&name(client), true, Vec::new());
            hearing.address(address, &name(client));
        }
        let policy = Arc::new(Policy {
            hearing,
            ..fixture::policy()
        });
        let settings = fixture::settings();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let lease = store.take_lease().await.unwrap();
        let clock = Clock::manual(NOW);
        let started = outbox::start(store.clone(), policy.clone(), &settings, clock.clone(), lease);
        let (outbox, _) = started.await.unwrap();
        let (posts_tx, posts) = mpsc::unbounded_channel();
        Self {
            store,
            outbox,
            policy,
            clock,
            posts,
            sender: Arc::new(Hands(posts_tx)),
            pauses: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Starts the lane; posts of `batch` events, `concurrency` at a time.
    fn open(&self, batch: usize, concurrency: usize) -> JoinHandle<()> {
        let hook = |client: &str| {
            let hook = Hook {
                url: format!("https://{client}.example/hook").into(),
                keys: Keys::new(["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]).unwrap(),
                batch,
                concurrency,
                timeout: Duration::from_secs(20),
            };
            (name(client), Arc::new(hook))
        };
        let lane = Lane {
            store: self.store.clone(),
            outbox: self.outbox.clone(),
            sender: self.sender.clone(),
            clock: self.clock.clone(),
            hooks: [hook("bank"), hook("shop")].into(),
            max_pause: Duration::from_mins(5),
            pauses: self.pauses.clone(),
            drain: Duration::from_secs(5),
        };
        tokio::spawn(lane.run(self.stop.clone()))
    }

    /// Texts to an address: a notice each, of a text each.
    async fn texts(&self, address: &str, numbers: std::ops::RangeInclusive<u128>) {
        for n in numbers {
            let text = NewInbound {
                id: InboundId(Uuid::from_u128(n)),
                bind: bind(),
                from: "393331234567".into(),
                to: address.into(),
                data_coding: 0,
                esm_class: 0,
                octets: Bytes::from_static(b"SALDO"),
                text: Some("SALDO".into()),
                code: None,
                lossy: false,
                segment: None,
                carrier_message_id: None,
                digest: [0; 32],
                losses: Vec::new(),
                at: NOW,
                note: None,
                handled: None,
                consents: Vec::new(),
                answers: Vec::new(),
            };
            self.outbox.inbound(text).await.unwrap();
        }
    }

    /// A message of the bank's that is submitted and delivered: two notices.
    async fn delivered(&self, callback: Option<&str>) -> MessageId {
        let message = NewMessage {
            id: MessageId(Uuid::from_u128(7)),
            reference: Some("order-1".into()),
            callback: callback.map(Into::into),
            ..fixture::message(NOW)
        };
        let claimed = Progress::waiting(0, None, message.expires_at).claimed(Lease(1), bind(), NOW);
        let claimed = Claimed::new(&message, 1, claimed);
        let progress = Progress {
            state: State::Submitted,
            submitted_at: Some(NOW),
            carrier_message_id: Some("a".into()),
            ..claimed.progress.clone()
        };
        let receipt = Receipt {
            carrier: name("tim"),
            carrier_message_id: "a".into(),
            candidates: vec!["a".into()],
            destination: "393331234567".into(),
            reference: None,
            verdict: Verdict::Delivered,
            code: None,
            done_at: None,
            at: NOW,
        };
        let id = message.id;
        let batch = Batch {
            enqueue: vec![Enqueue {
                claim: Some((bind(), Lease(1))),
                ..Enqueue::new(message)
            }],
            settle: vec![Settle {
                claimed: Arc::new(claimed),
                progress,
                event: None,
            }],
            receipts: vec![receipt],
            ..Batch::new(NOW)
        };
        self.store.commit(&batch, &*self.policy).await.unwrap();
        id
    }

    async fn next(&mut self) -> Posted {
        self.posts.recv().await.unwrap()
    }

    /// Fails everything that is posted at this time; how much that is.
    async fn fail_all(&mut self) -> usize {
        let mut failed = 0;
        while let Ok(Some(posted)) = tokio::time::timeout(Duration::from_millis(10), self.posts.recv()).await {
            posted.answer(Failure::Connect.into());
            failed += 1;
        }
        failed
    }

    /// Nothing is posted.
    async fn quiet(&mut self) {
        let posted = tokio::time::timeout(Duration::from_millis(10), self.posts.recv()).await;
        assert!(posted.is_err(), "{}", posted.unwrap().unwrap().body);
    }

    /// Turns the clock and calls everybody.
    async fn at(&self, span: Duration) {
        self.clock.set(NOW.after(span));
        self.replay(Seq::MAX).await;
    }

    async fn replay(&self, from: Seq) -> u32 {
        let replay = NoticeAct::Replay {
            endpoint: None,
            from,
            to: Seq::MAX,
            limit: 100,
        };
        self.outbox.act_on_notices(replay).await.unwrap()
    }

    async fn pending(&self) -> u64 {
        self.store.endpoints().await.unwrap().iter().map(|it| it.pending).sum()
    }

    /// What was answered last is written down.
    async fn settled(&self, pending: u64) {
        while self.pending().await != pending {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test(start_paused = true)]
async fn an_owner_is_told_of_a_message_in_its_order_and_under_stable_ids() {
    let mut house = House::new().await;
    let id = house.delivered(None).await;
    house.open(1, 8);
    let first = house.next().await;
    house.quiet().await;
    assert_eq!(first.url, "https://bank.example/hook");
    assert_eq!(first.id, format!("evt_{}_1", id.0.simple()));
    let (event, data) = (&first.body, &first.body["data"]);
    assert_eq!(
        (&event["id"], &event["type"]),
        (&first.id.clone().into(), &"message.submitted".into())
    );
    assert_eq!(
        (&data["id"], &data["reference"]),
        (&id.to_string().into(), &"order-1".into())
    );
    assert_eq!(
        (&data["to"], &data["state"]),
        (&"+393331234567".into(), &"submitted".into())
    );
    assert!(data.get("final_at").is_none() && data["notes"].as_array().unwrap().is_empty());
    first.answer(TAKEN);
    let second = house.next().await;
    assert_eq!(second.body["type"], "message.delivered");
    assert_eq!(second.body["data"]["final_at"], NOW.to_string());
    second.answer(TAKEN);
    house.settled(0).await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_s_own_address_takes_the_place_of_its_client_s() {
    let mut house = House::new().await;
    house.delivered(Some("https://other.example/x")).await;
    house.open(1, 8);
    let first = house.next().await;
    assert_eq!(first.url, "https://other.example/x");
    // What is gone there ends this one alone: the next is tried.
    first.answer(Answer::Gone);
    let second = house.next().await;
    assert_eq!(second.body["type"], "message.delivered");
    second.answer(TAKEN);
    house.settled(0).await;
    let known = house.store.endpoints().await.unwrap();
    assert_eq!((known[0].dead, &known[0].off), (1, &None));
}

#[tokio::test(start_paused = true)]
async fn a_failed_notice_is_tried_on_schedule_given_up_and_replayed_under_its_id() {
    let mut house = House::new().await;
    house.texts("1", 1..=1).await;
    house.open(1, 8);
    let mut id = None;
    // Later than the schedule and any pause wants: each wait, a tenth, a pause of five minutes.
    for hours in [0, 1, 2, 3, 6, 12, 24, 36] {
        house.at(Duration::from_hours(hours)).await;
        let posted = house.next().await;
        assert_eq!(*id.get_or_insert_with(|| posted.id.clone()), posted.id);
        posted.answer(Failure::Status(500).into());
        house.quiet().await;
    }
    house.settled(0).await;
    let query = DeadNotices {
        limit: 9,
        ..DeadNotices::default()
    };
    let dead = house
        .store
        .dead_notices(&query)
        .await
        .unwrap()
        .rows
        .remove(0)
        .notice
        .delivery;
    assert_eq!((dead.attempts, dead.outcome.as_deref()), (8, Some("status_500")));
    assert_eq!(house.replay(1).await, 1);
    house.at(Duration::from_hours(48)).await;
    let again = house.next().await;
    assert_eq!(Some(&again.id), id.as_ref());
    again.answer(TAKEN);
    house.settled(0).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_hangs_delays_no_other() {
    let mut house = House::new().await;
    house.texts("1", 1..=20).await;
    house.texts("2", 21..=40).await;
    house.open(1, 2);
    let mut hanging = Vec::new();
    let mut told = 0;
    while told < 20 {
        let posted = house.next().await;
        if posted.url.contains("shop") {
            told += 1;
            posted.answer(TAKEN);
        } else {
            hanging.push(posted);
        }
    }
    assert_eq!(hanging.len(), 2, "as many as may be under way");
    house.settled(20).await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_keeps_its_members_and_is_halved_after_three_failures() {
    let mut house = House::new().await;
    house.texts("1", 1..=6).await;
    house.open(4, 1);
    let first = house.next().await;
    assert_eq!(first.places(), [1, 2, 3, 4]);
    let id = first.id.clone();
    first.answer(Failure::Status(400).into());
    let rest = house.next().await;
    assert_eq!(rest.places(), [5, 6]);
    rest.answer(TAKEN);
    house.settled(4).await;
    for at in [6, 400] {
        house.at(secs(at)).await;
        // Younger ones do not join it.
        house.texts("1", at.into()..=at.into()).await;
        let again = house.next().await;
        assert_eq!((again.places(), &again.id), (vec![1, 2, 3, 4], &id));
        again.answer(Failure::Status(400).into());
        let young = house.next().await;
        assert_eq!(young.places().len(), 1);
        young.answer(TAKEN);
        house.settled(4).await;
    }
    house.at(secs(410)).await;
    let half = house.next().await;
    assert_eq!(half.places(), [1, 2]);
    assert_ne!(half.id, id);
    half.answer(Failure::Status(400).into());
    let other = house.next().await;
    assert_eq!(other.places(), [3, 4]);
    other.answer(TAKEN);
    house.settled(2).await;
    house.at(secs(420)).await;
    let one = house.next().await;
    assert_eq!(one.places(), [1]);
    one.answer(TAKEN);
    house.next().await.answer(TAKEN);
    house.settled(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_gives_posts_under_way_their_time_and_no_more() {
    let mut house = House::new().await;
    house.texts("1", 1..=3).await;
    let lane = house.open(1, 2);
    let (first, second) = (house.next().await, house.next().await);
    house.stop.cancel();
    first.answer(TAKEN);
    house.settled(2).await;
    lane.await.unwrap();
    drop(second);
    house.quiet().await;
    // Another start tells of what was not answered again.
    house.stop = CancellationToken::new();
    house.open(1, 2);
    assert!(house.next().await.id.ends_with("_2"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_no_address_any_more_is_told_nothing() {
    let house = House::new().await;
    house.texts("1", 1..=3).await;
    let lane = Lane {
        store: house.store.clone(),
        outbox: house.outbox.clone(),
        sender: house.sender.clone(),
        clock: house.clock.clone(),
        hooks: HashMap::new(),
        max_pause: secs(300),
        pauses: Arc::default(),
        drain: secs(5),
    };
    tokio::spawn(lane.run(house.stop.clone()));
    house.settled(0).await;
    assert_eq!(house.store.endpoints().await.unwrap()[0].dead, 3);
}
