use super::behaviours;
use super::harness::*;
use crate::domain::{Lane, NewMessage, Reason, State, UnixMillis};
use crate::store::{Batch, EventKind, Progress, Prune, PruneResult, Sweep, SweepResult};

behaviours!(
    due_rows_are_moved_in_steps_oldest_first,
    rows_past_their_validity_are_expired,
    a_submitted_row_waits_no_longer_than_its_wake_time,
    rows_of_another_lease_are_in_doubt,
    rows_of_a_bind_that_fell_are_in_doubt_and_those_of_others_are_not,
    strays_go_to_another_lane,
    strays_without_another_lane_fail_and_their_owners_hear_of_it,
    pruning_walks_by_age_and_forgets_what_ended,
    pruning_takes_events_and_segments_with_their_message,
    pruning_forgets_old_keys_and_parked_receipts,
);

const fn swept(moved: u32, more: bool) -> SweepResult {
    SweepResult { moved, more }
}

async fn due_rows_are_moved_in_steps_oldest_first(bench: &Bench) {
    let later = |n: u32, ms| NewMessage {
        not_before: Some(at(ms)),
        ..message(n)
    };
    bench
        .enqueue([later(1, 300), later(2, 200), later(3, 100), later(4, 400)])
        .await;
    let due = || Sweep::Due {
        state: State::Scheduled,
        limit: 2,
    };
    assert_eq!(bench.sweep(at(300), due()).await, swept(2, true));
    assert_eq!(
        [bench.state(3).await, bench.state(2).await],
        [State::Queued, State::Queued]
    );
    assert_eq!(bench.state(1).await, State::Scheduled);
    assert_eq!(bench.sweep(at(300), due()).await, swept(1, false));
    assert_eq!(bench.state(4).await, State::Scheduled);
}

async fn rows_past_their_validity_are_expired(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    let due = || Sweep::Due {
        state: State::Queued,
        limit: 2,
    };
    assert_eq!(bench.sweep(at(3_599_999), due()).await, swept(0, false));
    let applied = bench
        .commit(Batch {
            sweeps: vec![due()],
            ..Batch::new(at(3_600_000))
        })
        .await;
    assert_eq!(
        (applied.sweeps[0], applied.changed[0].progress.state),
        (swept(1, false), State::Expired)
    );
    assert_eq!(bench.progress(1).await.reason, Some(Reason::ValidityOver));
}

async fn a_submitted_row_waits_no_longer_than_its_wake_time(bench: &Bench) {
    bench.sent(1, "a").await;
    let due = Sweep::Due {
        state: State::Submitted,
        limit: 2,
    };
    assert_eq!(bench.sweep(at(7_200_000), due).await, swept(1, false));
    assert_eq!(bench.state(1).await, State::Unconfirmed);
}

async fn rows_of_another_lease_are_in_doubt(bench: &Bench) {
    bench.claimed_by(tim(), (1..=3).map(message)).await;
    let lease = bench.store.take_lease().await.unwrap();
    assert_ne!(lease, LEASE);
    assert_eq!(
        bench.sweep(NOW, Sweep::Orphans { lease: LEASE, limit: 2 }).await,
        swept(0, false)
    );
    assert_eq!(
        bench.sweep(NOW, Sweep::Orphans { lease, limit: 2 }).await,
        swept(2, true)
    );
    assert_eq!(
        bench.sweep(NOW, Sweep::Orphans { lease, limit: 2 }).await,
        swept(1, false)
    );
    for n in 1..=3 {
        assert_eq!(bench.state(n).await, State::Uncertain);
        assert_eq!(bench.record(n).await.events, [event(EventKind::Doubted)]);
    }
}

async fn rows_of_a_bind_that_fell_are_in_doubt_and_those_of_others_are_not(bench: &Bench) {
    bench.claimed_by(tim(), (1..=2).map(message)).await;
    bench.claimed_by(bind("tim", 1), [message(3)]).await;
    bench.claimed_by(bind("vodafone", 0), [message(4)]).await;
    bench.sent(5, "a").await;
    let abandoned = || Sweep::Abandoned { bind: tim(), limit: 9 };
    assert_eq!(bench.sweep(NOW, abandoned()).await, swept(2, false));
    let states = [1, 2, 3, 4, 5].map(|n| bench.state(n));
    let states = futures_util::future::join_all(states).await;
    let (doubt, held) = (State::Uncertain, State::Claimed);
    assert_eq!(states, [doubt, doubt, held, held, State::Submitted]);
    assert_eq!(bench.sweep(NOW, abandoned()).await, swept(0, false));
}

async fn strays_go_to_another_lane(bench: &Bench) {
    bench.enqueue((1..=3).map(message)).await;
    let to = Lane {
        route: name("world"),
        step: 1,
    };
    let strays = || Sweep::Strays {
        lane: italy(),
        to: Some(to.clone()),
        limit: 2,
    };
    assert_eq!(bench.sweep(NOW, strays()).await, swept(2, true));
    assert_eq!(bench.sweep(NOW, strays()).await, swept(1, false));
    let backlog = bench.store.backlog().await.unwrap();
    assert_eq!((backlog.len(), &backlog[0].lane, backlog[0].rows), (1, &to, 3));
    assert!(bench.claim(NOW, tim(), 9).await.is_empty());
}

async fn strays_without_another_lane_fail_and_their_owners_hear_of_it(bench: &Bench) {
    bench.enqueue((1..=3).map(message)).await;
    let strays = Sweep::Strays {
        lane: italy(),
        to: None,
        limit: 2,
    };
    let applied = bench
        .commit(Batch {
            sweeps: vec![strays],
            ..Batch::new(at(5))
        })
        .await;
    assert_eq!((applied.sweeps[0], applied.changed.len()), (swept(2, true), 2));
    let progress = &applied.changed[0].progress;
    assert_eq!(
        (progress.state, progress.reason),
        (State::Failed, Some(Reason::NoRoute))
    );
    assert_eq!((progress.final_at, progress.wake_at), (Some(at(5)), None));
}

async fn prune(bench: &Bench, after: i64, step: u32, before: UnixMillis) -> PruneResult {
    let prune = Prune {
        notices_after: 0,
        after,
        step,
        ended_before: before,
        keys_before: before,
        parked_before: before,
    };
    bench
        .commit(Batch {
            prune: Some(prune),
            ..Batch::new(NOW)
        })
        .await
        .prune
        .unwrap()
}

async fn pruning_walks_by_age_and_forgets_what_ended(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    bench.sent(2, "b").await;
    let quiet = bench
        .claimed_by(
            tim(),
            [NewMessage {
                receipt: false,
                ..message(3)
            }],
        )
        .await
        .remove(0);
    let mut done = submitted(&quiet, "c");
    done.wake_at = None;
    bench.settle(&quiet, done).await;
    for n in 4..=5 {
        let failed = bench.claimed(n).await;
        let after = at(if n == 4 { 10 } else { 1_000 });
        bench
            .settle(
                &failed,
                failed
                    .progress
                    .clone()
                    .ended(State::Failed, Some(Reason::CarrierRefused), after),
            )
            .await;
    }
    bench.doubted(6).await;
    let first = prune(bench, 0, 3, at(1_000)).await;
    assert_eq!((first.messages, first.next), (1, 3));
    let second = prune(bench, first.next, 9, at(1_000)).await;
    assert_eq!((second.messages, second.next), (1, 0));
    let page = bench
        .store
        .messages(&crate::store::MessageQuery {
            limit: 9,
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(page.rows.iter().map(|it| it.row.seq).collect::<Vec<_>>(), [6, 5, 2, 1]);
    assert_eq!(prune(bench, 0, 9, at(1_000)).await, PruneResult::default());
    assert_eq!(bench.receive(vec![delivered("b", 2)]).await.len(), 1);
}

async fn pruning_takes_events_and_segments_with_their_message(bench: &Bench) {
    let claimed = bench.claimed_by(tim(), [long(1, 2)]).await.remove(0);
    bench.answer(vec![segment(&claimed, 1, "a")]).await;
    let failed = claimed
        .progress
        .clone()
        .ended(State::Failed, Some(Reason::CarrierRefused), NOW);
    let mut done = settle(&claimed, failed);
    done.event = Some(event(EventKind::Retried));
    bench.settle_all(vec![done]).await;
    assert_eq!(prune(bench, 0, 9, at(1)).await.messages, 1);
    assert!(bench.store.message(id(1), None).await.unwrap().is_none());
    assert_eq!(
        bench.receive(vec![delivered("a", 1)]).await,
        [crate::store::ReceiptResult::Parked]
    );
    // A message takes the place of one that is forgotten without its past.
    bench.enqueue([long(2, 2)]).await;
    let record = bench.record(2).await;
    assert_eq!((record.events.len(), record.segments.len()), (0, 0));
    assert_eq!(record.row.progress, Progress::waiting(0, None, at(3_600_000)));
}

async fn pruning_forgets_old_keys_and_parked_receipts(bench: &Bench) {
    let keyed = |n: u32| crate::store::Enqueue {
        key: Some(key(&n.to_string(), 1, "a")),
        ..new(message(n))
    };
    bench
        .commit(Batch {
            enqueue: (1..=3).map(keyed).collect(),
            ..Batch::new(NOW)
        })
        .await;
    bench.receive(vec![delivered("x", 8), delivered("y", 9)]).await;
    let none = prune(bench, 0, 2, NOW).await;
    assert_eq!((none.keys, none.parked), (0, 0));
    let first = prune(bench, 0, 2, at(1)).await;
    assert_eq!((first.messages, first.keys, first.parked), (0, 2, 0));
    let second = prune(bench, 0, 2, at(5_001)).await;
    assert_eq!((second.keys, second.parked, bench.parked().await), (1, 2, 0));
}
