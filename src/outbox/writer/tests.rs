//! The writer over the store in memory, with a clock whose hands are turned.

use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::*;
use crate::domain::{Class, MessageId, NewMessage, UnixMillis};
use crate::fixture::{self, bind, lane, name};
use crate::outbox::{Offer, Outcome, Pace, Service};
use crate::store::double::{Commits, Double};
use crate::store::memory::MemoryStore;
use crate::store::two_way::Leaves;
use crate::store::{ActItem, Enqueue, Group, IdempotencyKey, Rules, SegmentAnswer, SegmentState, Seq};

/// Always enough, and counts what is owed.
#[derive(Default)]
struct Unlimited {
    owed: AtomicU32,
}

impl Pace for Unlimited {
    fn take(&self, wanted: u32) -> u32 {
        wanted
    }
    fn take_all(&self, _: u32) -> bool {
        true
    }
    fn owe(&self, segments: u32) {
        self.owed.fetch_add(segments, Ordering::Relaxed);
    }
    fn wait(&self) -> Duration {
        Duration::ZERO
    }
}

/// A store that refuses batches which settle a certain row, or dies of it.
type Moody = Mutex<Option<(Seq, Mood)>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Refuses,
    CannotWrite,
    Panics,
}

impl Commits for Moody {
    fn commit<'a>(
        &'a self,
        store: &'a dyn Store,
        batch: &'a Batch,
        rules: &'a dyn Rules,
    ) -> BoxFuture<'a, Result<Applied, StoreError>> {
        let refused = *self.lock().unwrap();
        match refused {
            Some((seq, mood)) if batch.settle.iter().any(|settle| settle.claimed.seq == seq) => {
                let error = match mood {
                    Mood::Refuses => StoreError::Statement("out of mood".to_owned()),
                    Mood::CannotWrite => StoreError::Io("no disk".to_owned()),
                    Mood::Panics => panic!("the store has died"),
                };
                Box::pin(async { Err(error) })
            }
            _ => store.commit(batch, rules),
        }
    }
}

#[path = "withhold_tests.rs"]
mod withhold_tests;

struct Bench {
    outbox: Outbox,
    store: Arc<dyn Store>,
    refuses: Arc<Moody>,
    pace: Arc<Unlimited>,
    policy: Arc<Policy>,
    clock: Clock,
}

async fn bench() -> Bench {
    bench_with(crate::consent::Gate::default()).await
}

async fn bench_with(gate: crate::consent::Gate) -> Bench {
    let refuses = Arc::new(Moody::default());
    let store: Arc<dyn Store> = Arc::new(Double::new(Arc::new(MemoryStore::new()), refuses.clone()));
    let policy = Arc::new(Policy {
        gate: Arc::new(gate),
        ..fixture::policy()
    });
    let settings = Settings {
        queue: 4,
        batch: 100,
        ..fixture::settings()
    };
    let clock = Clock::manual(UnixMillis(1_000_000));
    let lease = store.take_lease().await.unwrap();
    let (outbox, _task) = start(store.clone(), policy.clone(), &settings, clock.clone(), lease)
        .await
        .unwrap();
    Bench {
        outbox,
        store,
        refuses,
        pace: Arc::default(),
        policy,
        clock,
    }
}

fn message(clock: &Clock) -> NewMessage {
    fixture::message(clock.now())
}

impl Bench {
    async fn bind_up(&self, window: u32) -> mpsc::UnboundedReceiver<Arc<Claimed>> {
        let services = vec![Service {
            lane: lane(),
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
                    pace: self.pace.clone(),
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

    /// Stores a message of two segments and one of one, and claims them.
    async fn two_claimed(&self) -> [Arc<Claimed>; 2] {
        let mut claims = self.bind_up(10).await;
        let long = NewMessage {
            segments: 2,
            ..message(&self.clock)
        };
        let items = vec![Enqueue::new(long), Enqueue::new(message(&self.clock))];
        self.outbox.enqueue(items).await.unwrap();
        [claims.recv().await.unwrap(), claims.recv().await.unwrap()]
    }

    fn submitted(&self, claimed: &Arc<Claimed>) -> Settlement {
        Settlement {
            settle: self.policy.settle(claimed, &submitted(), self.clock.now(), 0.0),
            frees_place: true,
        }
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
    bench.outbox.enqueue(vec![Enqueue::new(message)]).await.unwrap();
    let claimed = claims.recv().await.unwrap();
    assert_eq!((claimed.id, claimed.progress.attempt), (id, 1));
    assert_eq!(bench.state(id).await, State::Claimed);
}

#[tokio::test]
async fn rows_claimed_and_not_settled_never_exceed_the_window() {
    let bench = bench().await;
    let mut claims = bench.bind_up(3).await;
    let items = (0..10).map(|_| Enqueue::new(message(&bench.clock))).collect();
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
        .enqueue(vec![
            Enqueue::new(message(&bench.clock)),
            Enqueue::new(message(&bench.clock)),
        ])
        .await
        .unwrap();
    let mut claims = bench.bind_up(1).await;
    let first = claims.recv().await.unwrap();
    bench.outbox.bind_down(bind()).await;
    bench.settle(&first, submitted()).await;
    bench
        .outbox
        .enqueue(vec![Enqueue::new(message(&bench.clock))])
        .await
        .unwrap();
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
        ..Enqueue::new(message(&bench.clock))
    };
    let results = bench.outbox.enqueue(vec![keyed(), keyed()]).await.unwrap();
    assert_eq!(results[1].as_ref().unwrap(), &EnqueueResult::Replayed("first".into()));
    claims.recv().await.unwrap();
    bench
        .outbox
        .enqueue(vec![Enqueue::new(message(&bench.clock))])
        .await
        .unwrap();
    claims.recv().await.expect("the second place is still free");
}

fn group(word: &str, messages: Vec<NewMessage>) -> Group {
    Group {
        client: messages[0].client.clone(),
        key: IdempotencyKey {
            key: word.into(),
            fingerprint: [1; 32],
            answer: word.into(),
        },
        inbox: None,
        members: messages.into_iter().map(Enqueue::new).collect(),
    }
}

#[tokio::test]
async fn the_messages_of_a_group_are_claimed_with_it_and_its_repetition_takes_no_place() {
    let bench = bench().await;
    let mut claims = bench.bind_up(3).await;
    let pair = || group("k", vec![message(&bench.clock), message(&bench.clock)]);
    let first = bench.outbox.enqueue_groups(vec![pair()]).await.unwrap();
    assert_eq!(first[0].as_ref().unwrap(), &GroupResult::Stored(vec![1, 2]));
    let again = bench.outbox.enqueue_groups(vec![pair()]).await.unwrap();
    assert_eq!(again[0].as_ref().unwrap(), &GroupResult::Replayed("k".into()));
    claims.recv().await.unwrap();
    claims.recv().await.unwrap();
    bench
        .outbox
        .enqueue(vec![Enqueue::new(message(&bench.clock))])
        .await
        .unwrap();
    claims.recv().await.expect("the third place is still free");
}

#[tokio::test]
async fn a_group_that_the_store_refuses_is_stored_in_no_part_and_costs_no_other() {
    let bench = bench().await;
    let mut claims = bench.bind_up(10).await;
    let [one, beside, good] = [(); 3].map(|()| message(&bench.clock));
    let ids = [beside.id, good.id];
    let bad = group("bad", vec![one.clone(), one.clone()]);
    let mixed = bench.outbox.enqueue_groups(vec![bad, group("beside", vec![beside])]);
    let good = bench.outbox.enqueue_groups(vec![group("good", vec![good])]);
    let (mixed, good) = tokio::join!(mixed, good);
    use GroupResult::Stored;
    assert!(
        matches!(mixed.as_deref(), Ok([Err(EnqueueError::Unavailable), Ok(Stored(_))])),
        "{mixed:?}"
    );
    assert!(matches!(good.as_deref(), Ok([Ok(Stored(_))])), "{good:?}");
    assert!(bench.store.message(one.id, None).await.unwrap().is_none());
    let claimed = [claims.recv().await.unwrap().id, claims.recv().await.unwrap().id];
    assert_eq!(claimed, ids, "nobody has to ask again");
}

#[tokio::test]
async fn an_overdue_answer_keeps_its_place_and_a_late_one_frees_it() {
    let bench = bench().await;
    let mut claims = bench.bind_up(1).await;
    let items = vec![Enqueue::new(message(&bench.clock)), Enqueue::new(message(&bench.clock))];
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
        let request = Request::Messages {
            items: vec![Enqueue::new(message(&bench.clock))],
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
    bench.outbox.enqueue(vec![Enqueue::new(message)]).await.unwrap();
    let next = bench.store.take_lease().await.unwrap();
    assert_eq!(crate::outbox::rescue::orphans(&bench.outbox, next).await.unwrap(), 1);
    assert_eq!(bench.state(id).await, State::Uncertain);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_the_store_refuses_holds_up_nobody_and_is_tried_again() {
    let bench = bench().await;
    let [first, second] = bench.two_claimed().await;
    *bench.refuses.lock().unwrap() = Some((first.seq, Mood::Refuses));
    let answered = SegmentAnswer {
        seq: first.seq,
        number: 1,
        attempt: 1,
        carrier: name("tim"),
        state: SegmentState::Submitted,
        carrier_message_id: Some("s1".into()),
        code: None,
        at: bench.clock.now(),
    };
    let settles = vec![bench.submitted(&first), bench.submitted(&second)];
    bench.outbox.settle(settles, vec![answered]).await;
    bench
        .outbox
        .enqueue(vec![Enqueue::new(message(&bench.clock))])
        .await
        .expect("others go on");
    assert_eq!(bench.state(second.id).await, State::Submitted);
    assert_eq!(bench.state(first.id).await, State::Claimed);

    *bench.refuses.lock().unwrap() = None;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let record = bench.store.message(first.id, None).await.unwrap().unwrap();
    assert_eq!(record.row.progress.state, State::Submitted);
    assert_eq!(record.segments.len(), 1, "what was said of its segments is kept too");
}

#[tokio::test(start_paused = true)]
async fn what_the_store_does_not_settle_keeps_its_place_in_the_window() {
    let bench = bench().await;
    let mut claims = bench.bind_up(1).await;
    let items = vec![Enqueue::new(message(&bench.clock)), Enqueue::new(message(&bench.clock))];
    bench.outbox.enqueue(items).await.unwrap();
    let first = claims.recv().await.unwrap();
    *bench.refuses.lock().unwrap() = Some((first.seq, Mood::Refuses));
    bench.outbox.settle(vec![bench.submitted(&first)], Vec::new()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(claims.try_recv().is_err());
    *bench.refuses.lock().unwrap() = None;
    assert_ne!(claims.recv().await.unwrap().id, first.id);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_stored_once_a_retry_has_found_that_the_disk_fails() {
    let bench = bench().await;
    let [first, _] = bench.two_claimed().await;
    *bench.refuses.lock().unwrap() = Some((first.seq, Mood::Refuses));
    bench.outbox.settle(vec![bench.submitted(&first)], Vec::new()).await;
    bench
        .outbox
        .enqueue(vec![Enqueue::new(message(&bench.clock))])
        .await
        .unwrap();
    *bench.refuses.lock().unwrap() = Some((first.seq, Mood::CannotWrite));
    // Its retry is due when the next request comes.
    tokio::time::advance(Duration::from_millis(150)).await;
    let late = message(&bench.clock);
    let id = late.id;
    tokio::time::advance(Duration::from_millis(100)).await;
    assert!(bench.outbox.enqueue(vec![Enqueue::new(late)]).await.is_err());
    assert!(bench.store.message(id, None).await.unwrap().is_none());
    assert!(bench.outbox.health().failed().await.to_string().contains("no disk"));
}

#[tokio::test]
async fn an_offer_anew_counts_no_place_as_free_twice() {
    let bench = bench().await;
    let mut claims = bench.bind_up(1).await;
    let items = (0..3).map(|_| Enqueue::new(message(&bench.clock))).collect();
    bench.outbox.enqueue(items).await.unwrap();
    let first = claims.recv().await.unwrap();
    bench.outbox.bind_down(bind()).await;
    // Both wait for the writer at once.
    let settled = bench.outbox.settle(vec![bench.submitted(&first)], Vec::new());
    let ((), mut claims) = tokio::join!(settled, bench.bind_up(1));
    claims.recv().await.unwrap();
    bench
        .outbox
        .enqueue(vec![Enqueue::new(message(&bench.clock))])
        .await
        .unwrap();
    assert!(claims.try_recv().is_err(), "one place, one claim");
}

#[tokio::test]
async fn a_writer_that_dies_is_noticed() {
    let bench = bench().await;
    let [first, _] = bench.two_claimed().await;
    *bench.refuses.lock().unwrap() = Some((first.seq, Mood::Panics));
    bench.outbox.settle(vec![bench.submitted(&first)], Vec::new()).await;
    let error = bench.outbox.health().failed().await;
    assert!(error.to_string().ends_with("the writer has died"), "{error}");
    let turn = || {
        Turn::new(Leaves::Text {
            seq: 1,
            parts: Vec::new(),
            outcome: "silent".into(),
            whole: None,
        })
    };
    assert!(matches!(bench.outbox.turn(turn()).await, Err(StoreError::Open(_))));
    for answer in bench.outbox.turns(vec![turn(), turn()]).await {
        assert!(matches!(answer.wait().await, Err(StoreError::Open(_))));
    }
}

#[tokio::test]
async fn a_long_message_owes_the_tokens_that_it_was_not_given() {
    let bench = bench().await;
    let long = NewMessage {
        segments: 10,
        ..message(&bench.clock)
    };
    bench.outbox.enqueue(vec![Enqueue::new(long)]).await.unwrap();
    let mut claims = bench.bind_up(4).await;
    assert_eq!(claims.recv().await.unwrap().segments, 10);
    assert_eq!(bench.pace.owed.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn an_offer_whose_answer_is_overdue_is_none_of_the_tenth_that_offers_have() {
    let bench = bench().await;
    let mut claims = bench.bind_up(10).await;
    let offer = || NewMessage {
        class: Class::Marketing,
        ..message(&bench.clock)
    };
    let items = vec![Enqueue::new(offer()), Enqueue::new(offer()), Enqueue::new(offer())];
    bench.outbox.enqueue(items).await.unwrap();
    let first = claims.recv().await.unwrap();
    assert!(claims.try_recv().is_err(), "one place of ten");
    let settle = bench.policy.settle(&first, &Outcome::Uncertain, bench.clock.now(), 0.0);
    let overdue = Settlement {
        settle: settle.clone(),
        frees_place: false,
    };
    bench.outbox.settle(vec![overdue], Vec::new()).await;
    claims.recv().await.unwrap();
    // A late answer gives back the place in the window alone: the second still has marketing's.
    let late = Arc::new(Claimed {
        progress: settle.progress,
        ..(*first).clone()
    });
    bench.settle(&late, submitted()).await;
    bench.outbox.enqueue(vec![Enqueue::new(offer())]).await.unwrap();
    assert_eq!(bench.state(first.id).await, State::Submitted);
    assert!(claims.try_recv().is_err());
}

/// Looks that a commit waits for company, where the last one has answered so many and so many are here from the start.
async fn looks(answered: usize, here: usize) -> usize {
    let looks = std::cell::Cell::new(0);
    company(answered, || {
        looks.set(looks.get() + 1);
        here
    })
    .await;
    looks.get()
}

#[tokio::test]
async fn a_commit_waits_for_those_whom_the_last_one_has_answered_until_they_are_enough() {
    assert_eq!(looks(0, 0).await, TURNS);
    assert!(looks(100, 50).await > QUIET_TURNS, "fifty more may come");
    assert_eq!(looks(100, 99).await, TURNS);
    assert_eq!(looks(2_000, ENOUGH).await, TURNS, "the others get the next one");
}
