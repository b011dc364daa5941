//! The writer over the store in memory, with a clock whose hands are turned.

use std::collections::HashMap;
use std::sync::Mutex;

use super::*;
use crate::domain::{Class, Encoding, MessageId, Msisdn, Name, NewMessage, SenderId, UnixMillis};
use crate::outbox::{Offer, Outcome, Pace, Service};
use crate::store::memory::MemoryStore;
use crate::store::{ActItem, IdempotencyKey};

struct Unlimited;

impl Pace for Unlimited {
    fn take(&self, wanted: u32) -> u32 {
        wanted
    }
    fn take_all(&self, _: u32) -> bool {
        true
    }
    fn wait(&self) -> Duration {
        Duration::ZERO
    }
}

struct Bench {
    outbox: Outbox,
    store: Arc<dyn Store>,
    policy: Arc<Policy>,
    clock: Clock,
}

async fn bench() -> Bench {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let policy = Arc::new(Policy {
        steps: HashMap::from([(name("all"), 1)]),
        receipt_grace: Duration::from_secs(60),
        carriers: HashMap::new(),
        habits: Mutex::default(),
    });
    let settings = Settings {
        queue: 4,
        batch: 100,
        commit_timeout: Duration::from_secs(10),
        promote_interval: Duration::from_secs(1),
        rescue_interval: Duration::from_secs(1),
        prune_interval: Duration::from_secs(1),
        prune_step: 100,
        retention: Duration::from_secs(60),
        idempotency_retention: Duration::from_secs(60),
    };
    let clock = Clock::manual(UnixMillis(1_000_000));
    let lease = store.take_lease().await.unwrap();
    let (outbox, _task) = start(store.clone(), policy.clone(), &settings, clock.clone(), lease)
        .await
        .unwrap();
    Bench {
        outbox,
        store,
        policy,
        clock,
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn bind() -> BindRef {
    BindRef {
        carrier: name("tim"),
        bind: 0,
    }
}

fn message(clock: &Clock) -> NewMessage {
    let now = clock.now();
    NewMessage {
        id: crate::clock::message_id(now),
        client: name("bank"),
        class: Class::Service,
        to: Msisdn::parse("+393331234567").unwrap(),
        from: SenderId::parse("Bank").unwrap(),
        text: "Ciao".into(),
        encoding: Encoding::Gsm7,
        segments: 1,
        lane: Lane {
            route: name("all"),
            step: 0,
        },
        receipt: true,
        reference: None,
        callback: None,
        accepted_at: now,
        not_before: None,
        expires_at: now.after(Duration::from_secs(3_600)),
    }
}

fn new(message: NewMessage) -> Enqueue {
    Enqueue {
        message,
        key: None,
        claim: None,
    }
}

impl Bench {
    async fn bind_up(&self, window: u32) -> mpsc::UnboundedReceiver<Arc<Claimed>> {
        let services = vec![Service {
            lane: Lane {
                route: name("all"),
                step: 0,
            },
            weight: 1,
            urgent_only: false,
        }];
        let (tx, rx) = mpsc::unbounded_channel();
        self.outbox
            .bind_up(
                bind(),
                Offer {
                    services,
                    window,
                    taken: crate::outbox::Taken::default(),
                    pace: Arc::new(Unlimited),
                },
                tx,
            )
            .await;
        rx
    }

    async fn settle(&self, claimed: &Arc<Claimed>, outcome: Outcome) {
        let settle = self.policy.settle(claimed, &outcome, self.clock.now(), 0.0);
        self.outbox
            .settle(
                vec![Settlement {
                    settle,
                    frees_place: true,
                }],
                Vec::new(),
            )
            .await;
    }

    async fn state(&self, id: MessageId) -> State {
        self.store.message(id, None).await.unwrap().unwrap().row.progress.state
    }
}

fn submitted() -> Outcome {
    Outcome::Submitted {
        carrier_message_id: Some("a1".into()),
    }
}

#[tokio::test]
async fn a_message_is_claimed_in_the_commit_that_stores_it_while_a_bind_has_room() {
    let bench = bench().await;
    let mut claims = bench.bind_up(10).await;
    let message = message(&bench.clock);
    let id = message.id;
    bench.outbox.enqueue(vec![new(message)]).await.unwrap();
    let claimed = claims.recv().await.unwrap();
    assert_eq!((claimed.id, claimed.progress.attempt), (id, 1));
    assert_eq!(bench.state(id).await, State::Claimed);
}

#[tokio::test]
async fn rows_claimed_and_not_settled_never_exceed_the_window() {
    let bench = bench().await;
    let mut claims = bench.bind_up(3).await;
    let items = (0..10).map(|_| new(message(&bench.clock))).collect();
    bench.outbox.enqueue(items).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(claims.recv().await.unwrap());
    }
    assert!(claims.try_recv().is_err());
    bench.settle(&held[0], submitted()).await;
    let next = claims.recv().await.unwrap();
    assert!(held.iter().all(|claimed| claimed.id != next.id));
    assert!(claims.try_recv().is_err());
}

#[tokio::test]
async fn a_backlog_is_claimed_when_a_bind_comes_up_and_nothing_after_it_went_down() {
    let bench = bench().await;
    bench
        .outbox
        .enqueue(vec![new(message(&bench.clock)), new(message(&bench.clock))])
        .await
        .unwrap();
    let mut claims = bench.bind_up(1).await;
    let first = claims.recv().await.unwrap();
    bench.outbox.bind_down(bind()).await;
    bench.settle(&first, submitted()).await;
    bench.outbox.enqueue(vec![new(message(&bench.clock))]).await.unwrap();
    assert!(claims.recv().await.is_none(), "the offer is gone");
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_takes_no_place_in_the_window() {
    let bench = bench().await;
    let mut claims = bench.bind_up(2).await;
    let keyed = || Enqueue {
        key: Some(IdempotencyKey {
            key: "k".into(),
            fingerprint: [1; 32],
            answer: "first".into(),
        }),
        ..new(message(&bench.clock))
    };
    let results = bench.outbox.enqueue(vec![keyed(), keyed()]).await.unwrap();
    assert_eq!(results[1], EnqueueResult::Replayed("first".into()));
    claims.recv().await.unwrap();
    bench.outbox.enqueue(vec![new(message(&bench.clock))]).await.unwrap();
    claims.recv().await.expect("the second place is still free");
}

#[tokio::test]
async fn an_overdue_answer_keeps_its_place_and_a_late_one_frees_it() {
    let bench = bench().await;
    let mut claims = bench.bind_up(1).await;
    let items = vec![new(message(&bench.clock)), new(message(&bench.clock))];
    bench.outbox.enqueue(items).await.unwrap();
    let first = claims.recv().await.unwrap();
    let settle = bench.policy.settle(&first, &Outcome::Uncertain, bench.clock.now(), 0.0);
    bench
        .outbox
        .settle(
            vec![Settlement {
                settle,
                frees_place: false,
            }],
            Vec::new(),
        )
        .await;
    bench
        .outbox
        .act(ActItem {
            id: first.id,
            client: None,
            act: crate::store::Act::Cancel,
        })
        .await
        .unwrap();
    assert_eq!(bench.state(first.id).await, State::Uncertain);
    assert!(claims.try_recv().is_err());
    bench.settle(&first, submitted()).await;
    claims.recv().await.unwrap();
    assert_eq!(bench.state(first.id).await, State::Submitted);
}

#[tokio::test]
async fn a_full_queue_refuses_and_says_so() {
    let bench = bench().await;
    // The writer is held by nothing here, so the queue is filled without letting it run.
    let mut refused = false;
    for _ in 0..64 {
        let (reply, _) = oneshot::channel();
        let request = Request {
            items: vec![new(message(&bench.clock))],
            reply,
        };
        refused |= bench.outbox.requests.try_send(request).is_err();
    }
    assert!(refused);
}

#[tokio::test]
async fn what_another_process_had_claimed_comes_into_doubt() {
    let bench = bench().await;
    let _claims = bench.bind_up(1).await;
    let message = message(&bench.clock);
    let id = message.id;
    bench.outbox.enqueue(vec![new(message)]).await.unwrap();
    let next = bench.store.take_lease().await.unwrap();
    assert_eq!(crate::outbox::rescue::orphans(&bench.outbox, next).await.unwrap(), 1);
    assert_eq!(bench.state(id).await, State::Uncertain);
}
