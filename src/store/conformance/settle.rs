use super::behaviours;
use super::harness::*;
use crate::domain::{Flag, Flags, Reason, State};
use crate::store::{
    Act, ActItem, ActResult, Batch, EnqueueResult, EventKind, Progress, ReceiptResult, SettleResult, Sweep,
};

behaviours!(
    a_claim_is_settled_as_submitted,
    a_claim_is_settled_as_failed_with_reason_and_code,
    a_claim_is_settled_to_be_tried_again,
    a_claim_of_a_lost_lease_settles_nothing,
    a_settled_claim_is_not_settled_again,
    a_late_answer_settles_a_doubt,
    a_late_answer_settles_a_resend_that_still_waits,
    a_late_answer_to_an_earlier_attempt_settles_nothing,
    a_late_answer_to_what_was_given_up_lets_its_receipt_find_it,
    a_late_answer_undoes_no_fail_over_and_no_requeue,
    a_late_refusal_leaves_the_resend_that_waits,
    a_settlement_that_comes_too_late_costs_the_rest_of_its_batch_nothing,
    overdue_and_then_answered_in_one_batch_is_submitted,
    a_settlement_leaves_the_columns_of_the_claim_alone,
    an_owner_cancels_what_waits_and_not_what_is_sent,
    an_act_of_another_client_finds_nothing,
    a_person_requeues_what_has_failed,
    a_requeued_message_goes_out_whole,
);

async fn a_claim_is_settled_as_submitted(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    let mut done = settle(&claimed, submitted(&claimed, "id \"1\" \u{e9}"));
    done.event = Some(event(EventKind::Retried));
    let applied = bench.settle_all(vec![done]).await;
    assert_eq!(applied.settle, [SettleResult::Settled]);
    let changed = &applied.changed[0];
    assert_eq!(
        (changed.id, changed.from, changed.progress.state),
        (id(1), State::Claimed, State::Submitted)
    );
    assert_eq!((changed.at, changed.from_step), (at(10), 0));
    let record = bench.record(1).await;
    assert_eq!(record.row.progress, submitted(&claimed, "id \"1\" \u{e9}"));
    assert_eq!(record.events, [event(EventKind::Retried)]);
}

async fn a_claim_is_settled_as_failed_with_reason_and_code(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    let mut failed = claimed
        .progress
        .clone()
        .ended(State::Failed, Some(Reason::InvalidDestination), at(10));
    (failed.code, failed.flags) = (Some(u32::MAX), Flags::default().with(Flag::NoCarrierId));
    bench.settle(&claimed, failed.clone()).await;
    assert_eq!(bench.progress(1).await, failed);
}

async fn a_claim_is_settled_to_be_tried_again(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    let held = claimed.progress.clone();
    let retry = Progress {
        state: State::Scheduled,
        wake_at: Some(at(60_000)),
        tries: 1,
        step: 1,
        ..held
    };
    bench.settle(&claimed, retry.clone()).await;
    assert_eq!(bench.progress(1).await, retry);
    bench
        .sweep(
            at(60_000),
            Sweep::Due {
                state: State::Scheduled,
                limit: 1,
            },
        )
        .await;
    assert!(
        bench.claim(at(60_000), tim(), 9).await.is_empty(),
        "it waits in the next lane"
    );
    assert_eq!(bench.store.backlog().await.unwrap()[0].lane.step, 1);
}

async fn a_claim_of_a_lost_lease_settles_nothing(bench: &Bench) {
    let first = bench.claimed(1).await;
    bench.settle(&first, Progress::waiting(0, None, at(3_600_000))).await;
    let second = bench.claim(NOW, tim(), 1).await.remove(0);
    let applied = bench.settle(&first, submitted(&first, "old")).await;
    assert_eq!(applied.settle, [SettleResult::LostLease]);
    assert!(applied.changed.is_empty());
    assert_eq!(bench.progress(1).await, second.progress);
}

async fn a_settled_claim_is_not_settled_again(bench: &Bench) {
    let claimed = bench.sent(1, "a").await;
    let applied = bench.settle(&claimed, uncertain(&claimed)).await;
    assert_eq!(applied.settle, [SettleResult::LostLease]);
    assert_eq!(bench.state(1).await, State::Submitted);
}

async fn a_late_answer_settles_a_doubt(bench: &Bench) {
    let claimed = bench.doubted(1).await;
    let applied = bench.settle(&claimed, submitted(&claimed, "a")).await;
    assert_eq!(applied.settle, [SettleResult::Settled]);
    assert_eq!(applied.changed[0].from, State::Uncertain);
    assert_eq!(bench.progress(1).await, submitted(&claimed, "a"));
}

async fn a_late_answer_settles_a_resend_that_still_waits(bench: &Bench) {
    let claimed = bench.doubted(1).await;
    bench
        .sweep(
            at(30_000),
            Sweep::Due {
                state: State::Uncertain,
                limit: 9,
            },
        )
        .await;
    assert_eq!(bench.state(1).await, State::Queued);
    let applied = bench.settle(&claimed, submitted(&claimed, "a")).await;
    assert_eq!(applied.settle, [SettleResult::Settled]);
    assert_eq!(applied.changed[0].from, State::Queued);
    assert!(bench.claim(at(30_000), tim(), 9).await.is_empty());
    assert!(bench.store.backlog().await.unwrap().is_empty());
}

async fn a_late_answer_to_an_earlier_attempt_settles_nothing(bench: &Bench) {
    let claimed = bench.doubted(1).await;
    bench
        .sweep(
            at(30_000),
            Sweep::Due {
                state: State::Uncertain,
                limit: 9,
            },
        )
        .await;
    let second = bench.claim(at(30_000), tim(), 9).await.remove(0);
    let applied = bench.settle(&claimed, submitted(&claimed, "a")).await;
    assert_eq!(applied.settle, [SettleResult::LostLease]);
    assert_eq!(bench.progress(1).await, second.progress);
}

async fn a_late_answer_to_what_was_given_up_lets_its_receipt_find_it(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    let given_up = uncertain(&claimed).ended(State::Failed, Some(Reason::OutcomeUnknown), at(2));
    bench.settle(&claimed, given_up).await;
    let applied = bench.settle(&claimed, submitted(&claimed, "a")).await;
    assert_eq!(
        (applied.settle, applied.changed.len()),
        (vec![SettleResult::Settled], 0)
    );
    let progress = bench.progress(1).await;
    assert_eq!(
        (progress.state, progress.reason),
        (State::Failed, Some(Reason::OutcomeUnknown))
    );
    bench.receive(vec![delivered("a", 1)]).await;
    assert_eq!(bench.state(1).await, State::Delivered);
}

async fn a_late_answer_undoes_no_fail_over_and_no_requeue(bench: &Bench) {
    let moved_on = bench.claimed(1).await;
    let next_step = Progress {
        state: State::Queued,
        step: 1,
        wake_at: Some(moved_on.progress.expires_at),
        ..moved_on.progress.clone()
    };
    bench.settle(&moved_on, next_step).await;
    let requeued = bench.claimed(2).await;
    let failed = uncertain(&requeued).ended(State::Failed, Some(Reason::OutcomeUnknown), at(2));
    bench.settle(&requeued, failed).await;
    let mut batch = Batch::new(at(3));
    batch.acts.push(ActItem {
        id: requeued.id,
        client: None,
        act: Act::Requeue,
    });
    bench.commit(batch).await;
    for claimed in [&moved_on, &requeued] {
        let applied = bench.settle(claimed, submitted(claimed, "a")).await;
        assert_eq!(applied.settle, [SettleResult::LostLease]);
    }
    assert_eq!(
        [bench.state(1).await, bench.state(2).await],
        [State::Queued, State::Queued]
    );
}

async fn a_late_refusal_leaves_the_resend_that_waits(bench: &Bench) {
    let claimed = bench.doubted(1).await;
    let due = Sweep::Due {
        state: State::Uncertain,
        limit: 9,
    };
    bench.sweep(at(30_000), due).await;
    let refused = claimed
        .progress
        .clone()
        .ended(State::Failed, Some(Reason::CarrierRefused), at(30_001));
    assert_eq!(bench.settle(&claimed, refused).await.settle, [SettleResult::LostLease]);
    assert_eq!(bench.state(1).await, State::Queued);
}

async fn a_settlement_that_comes_too_late_costs_the_rest_of_its_batch_nothing(bench: &Bench) {
    let gone = bench.sent(1, "a").await;
    let claimed = bench.claimed(2).await;
    let mut lost = settle(&gone, uncertain(&gone));
    lost.event = Some(event(EventKind::Doubted));
    let batch = Batch {
        enqueue: (3..=4).map(|n| new(message(n))).collect(),
        settle: vec![lost, settle(&claimed, submitted(&claimed, "b"))],
        receipts: vec![delivered("b", 2), delivered("unheard of", 9)],
        ..Batch::new(at(5_000))
    };
    let applied = bench.commit(batch).await;
    assert_eq!(applied.enqueue, [EnqueueResult::Stored(3), EnqueueResult::Stored(4)]);
    assert_eq!(applied.settle, [SettleResult::LostLease, SettleResult::Settled]);
    assert_eq!(
        applied.receipts,
        [ReceiptResult::Matched { candidate: 0 }, ReceiptResult::Parked]
    );
    let states: Vec<State> = applied.changed.iter().map(|changed| changed.progress.state).collect();
    assert_eq!(states, [State::Submitted, State::Delivered]);
    let record = bench.record(1).await;
    assert_eq!((record.row.progress.state, record.events.len()), (State::Submitted, 0));
    assert_eq!((bench.state(2).await, bench.parked().await), (State::Delivered, 1));
    assert_eq!(bench.claimed(5).await.seq, 5);
}

async fn overdue_and_then_answered_in_one_batch_is_submitted(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    let other = bench.claimed(2).await;
    let applied = bench
        .settle_all(vec![
            settle(&claimed, uncertain(&claimed)),
            settle(&other, submitted(&other, "b")),
            settle(&claimed, submitted(&claimed, "a")),
            settle(&claimed, uncertain(&claimed)),
        ])
        .await;
    let settled = SettleResult::Settled;
    assert_eq!(applied.settle, [settled, settled, settled, SettleResult::LostLease]);
    let ways: Vec<_> = applied.changed.iter().map(|it| (it.from, it.progress.state)).collect();
    let submitted_ = (State::Claimed, State::Submitted);
    assert_eq!(
        ways,
        [
            (State::Claimed, State::Uncertain),
            submitted_,
            (State::Uncertain, State::Submitted)
        ]
    );
    assert_eq!(bench.state(1).await, State::Submitted);
}

async fn a_settlement_leaves_the_columns_of_the_claim_alone(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    bench.settle(&claimed, Progress::waiting(0, None, at(3_600_000))).await;
    let held = bench.progress(1).await;
    assert_eq!(
        (held.attempt, held.lease, held.bind, held.claimed_at),
        (1, Some(LEASE), Some(tim()), Some(NOW))
    );
}

async fn act(bench: &Bench, n: u32, client: Option<&str>, act: Act) -> ActResult {
    let acts = vec![ActItem {
        id: id(n),
        client: client.map(name),
        act,
    }];
    bench
        .commit(Batch {
            acts,
            ..Batch::new(at(10))
        })
        .await
        .acts[0]
}

async fn an_owner_cancels_what_waits_and_not_what_is_sent(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    bench.sent(2, "a").await;
    assert_eq!(
        act(bench, 1, Some("bank"), Act::Cancel).await,
        ActResult::Done(State::Canceled)
    );
    let refused = ActResult::Refused {
        state: State::Submitted,
        since: Some(at(1)),
    };
    assert_eq!(act(bench, 2, Some("bank"), Act::Cancel).await, refused);
    assert_eq!(bench.progress(1).await.reason, Some(Reason::CanceledBySender));
    assert!(bench.claim(NOW, tim(), 9).await.is_empty());
}

async fn an_act_of_another_client_finds_nothing(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    assert_eq!(act(bench, 1, Some("shop"), Act::Cancel).await, ActResult::NotFound);
    assert_eq!(act(bench, 9, None, Act::Cancel).await, ActResult::NotFound);
    assert_eq!(act(bench, 1, None, Act::Cancel).await, ActResult::Done(State::Canceled));
}

async fn a_person_requeues_what_has_failed(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    let failed = claimed
        .progress
        .clone()
        .ended(State::Failed, Some(Reason::RetriesOver), NOW);
    bench.settle(&claimed, failed).await;
    assert_eq!(act(bench, 1, None, Act::Requeue).await, ActResult::Done(State::Queued));
    let again = bench.claim(NOW, tim(), 9).await.remove(0);
    assert_eq!((again.progress.attempt, again.progress.reason), (2, None));
    assert_eq!(bench.record(1).await.events, [event(EventKind::Requeued)]);
}

async fn a_requeued_message_goes_out_whole(bench: &Bench) {
    bench.enqueue([long(1, 2)]).await;
    let claimed = bench.claim(NOW, tim(), 9).await.remove(0);
    bench
        .answer(vec![segment(&claimed, 1, "a"), segment(&claimed, 2, "b")])
        .await;
    let failed = claimed
        .progress
        .clone()
        .ended(State::Failed, Some(Reason::RetriesOver), NOW);
    bench.settle(&claimed, failed).await;
    assert_eq!(act(bench, 1, None, Act::Requeue).await, ActResult::Done(State::Queued));
    let again = bench.claim(NOW, tim(), 9).await.remove(0);
    assert_eq!((again.answered, again.taken_elsewhere), (Vec::new(), false));
    assert_eq!(bench.record(1).await.segments, []);
}
