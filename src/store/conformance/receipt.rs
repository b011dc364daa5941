use super::behaviours;
use super::harness::*;
use crate::domain::{Flag, Reason, State};
use crate::store::matching::reference_of;
use crate::store::{EventKind, ReceiptResult, SegmentState, SettleResult, Sweep, Verdict};

const MATCHED: ReceiptResult = ReceiptResult::Matched { candidate: 0 };

behaviours!(
    a_receipt_meets_its_message,
    a_receipt_says_under_which_of_its_candidates_it_was_known,
    a_receipt_of_another_carrier_or_recipient_is_not_matched,
    a_receipt_for_a_recycled_id_meets_the_newest_open_message,
    a_receipt_before_its_answer_is_parked_and_met_by_it,
    a_parked_receipt_is_met_once,
    two_receipts_for_one_message_in_a_batch_both_meet_it,
    a_receipt_that_ends_nothing_is_for_the_timeline,
    a_doubt_is_settled_by_our_own_reference,
    a_doubt_is_settled_by_its_recipient_where_nothing_else_fits,
    where_two_messages_fit_a_receipt_settles_no_doubt,
    a_message_still_awaiting_its_answer_may_be_what_a_receipt_is_about,
    a_parked_receipt_settles_the_doubt_that_comes_later,
    a_parked_receipt_that_fits_two_doubts_settles_neither,
    a_parked_receipt_settles_the_doubt_that_a_dead_process_left,
    a_message_taken_without_an_id_is_met_by_its_recipient_or_reference,
    a_parked_receipt_meets_the_message_that_is_then_taken_without_an_id,
    a_parked_receipt_is_looked_for_where_its_own_recipient_has_news,
    a_late_receipt_corrects_what_was_given_up_in_doubt_for_a_day,
    receipts_of_unknown_segments_do_not_make_a_long_message_whole,
    receipts_that_name_no_message_settle_one_doubt_each,
    a_long_message_is_delivered_when_every_segment_is,
    a_parked_receipt_of_a_segment_is_met_when_the_message_is_settled,
    a_late_answer_does_not_put_back_a_segment_of_a_later_attempt,
    a_receipt_for_nobody_is_parked,
    a_late_receipt_corrects_what_was_given_up,
);

async fn a_receipt_meets_its_message(bench: &Bench) {
    bench.sent(1, "a").await;
    let mut one = receipt("a", 1, Verdict::Undelivered(Reason::AbsentSubscriber));
    one.code = Some(u32::MAX);
    assert_eq!(bench.receive(vec![one]).await, [MATCHED]);
    let progress = bench.progress(1).await;
    assert_eq!(
        (progress.state, progress.reason),
        (State::Undelivered, Some(Reason::AbsentSubscriber))
    );
    assert_eq!((progress.code, progress.final_at), (Some(u32::MAX), Some(at(5_000))));
    assert_eq!(progress.done_at, Some(at(4_000)));
}

async fn a_receipt_says_under_which_of_its_candidates_it_was_known(bench: &Bench) {
    bench.sent(1, "0A").await;
    let mut one = delivered("10", 1);
    one.candidates = vec!["10".into(), "0A".into()];
    assert_eq!(
        bench.receive(vec![one]).await,
        [ReceiptResult::Matched { candidate: 1 }]
    );
}

async fn a_receipt_of_another_carrier_or_recipient_is_not_matched(bench: &Bench) {
    bench.sent(1, "a").await;
    let mut elsewhere = delivered("a", 1);
    elsewhere.carrier = name("vodafone");
    let results = bench.receive(vec![elsewhere, delivered("a", 2)]).await;
    assert_eq!(results, [ReceiptResult::Parked, ReceiptResult::Parked]);
    assert_eq!((bench.state(1).await, bench.parked().await), (State::Submitted, 2));
}

async fn a_receipt_for_a_recycled_id_meets_the_newest_open_message(bench: &Bench) {
    let to = message(1).to;
    for n in 1..=3 {
        let mut next = message(n);
        next.to = to.clone();
        let claimed = bench.claimed_by(tim(), [next]).await.remove(0);
        bench.settle(&claimed, submitted(&claimed, "a")).await;
    }
    let undelivered = receipt("a", 1, Verdict::Undelivered(Reason::CarrierFailed));
    bench.receive(vec![undelivered]).await;
    bench.receive(vec![delivered("a", 1)]).await;
    let states = [bench.state(1).await, bench.state(2).await, bench.state(3).await];
    assert_eq!(states, [State::Submitted, State::Delivered, State::Undelivered]);
}

async fn a_receipt_before_its_answer_is_parked_and_met_by_it(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    assert_eq!(bench.receive(vec![delivered("a", 1)]).await, [ReceiptResult::Parked]);
    assert_eq!(bench.state(1).await, State::Claimed);
    let applied = bench.settle(&claimed, submitted(&claimed, "a")).await;
    assert_eq!(applied.changed.len(), 2);
    assert_eq!((bench.state(1).await, bench.parked().await), (State::Delivered, 0));
    assert_eq!(bench.progress(1).await.done_at, Some(at(4_000)));
}

async fn a_parked_receipt_is_met_once(bench: &Bench) {
    let to = message(1).to;
    let twin = |n| crate::domain::NewMessage {
        to: to.clone(),
        ..message(n)
    };
    let claimed = bench.claimed_by(tim(), [twin(1), twin(2)]).await;
    bench.receive(vec![delivered("a", 1)]).await;
    bench
        .settle_all(claimed.iter().map(|it| settle(it, submitted(it, "a"))).collect())
        .await;
    let states = [bench.state(1).await, bench.state(2).await];
    assert_eq!(
        states.iter().filter(|state| **state == State::Delivered).count(),
        1,
        "{states:?}"
    );
}

async fn two_receipts_for_one_message_in_a_batch_both_meet_it(bench: &Bench) {
    bench.sent(1, "a").await;
    assert_eq!(
        bench.receive(vec![delivered("a", 1), delivered("a", 1)]).await,
        [MATCHED, MATCHED]
    );
    let record = bench.record(1).await;
    assert_eq!(record.row.progress.state, State::Delivered);
    assert_eq!(record.events, [event(EventKind::ReceiptAgain)]);
}

async fn a_receipt_that_ends_nothing_is_for_the_timeline(bench: &Bench) {
    bench.sent(1, "a").await;
    let results = bench
        .receive(vec![receipt("a", 1, Verdict::Progress("enroute")), delivered("a", 1)])
        .await;
    assert_eq!(results, [MATCHED, MATCHED]);
    let record = bench.record(1).await;
    assert_eq!(
        (record.row.progress.state, record.events),
        (State::Delivered, vec![event(EventKind::Progress)])
    );
}

async fn a_doubt_is_settled_by_our_own_reference(bench: &Bench) {
    let to = message(1).to;
    let mut claimed = Vec::new();
    for n in 1..=2 {
        let mut next = message(n);
        next.to = to.clone();
        claimed.extend(bench.claimed_by(tim(), [next]).await);
    }
    bench
        .settle_all(claimed.iter().map(|it| settle(it, uncertain(it))).collect())
        .await;
    let mut one = delivered("?", 1);
    one.reference = Some(reference_of(claimed[1].seq));
    assert_eq!(bench.receive(vec![one]).await, [ReceiptResult::SettledDoubt]);
    assert_eq!(
        [bench.state(1).await, bench.state(2).await],
        [State::Uncertain, State::Delivered]
    );
}

async fn a_doubt_is_settled_by_its_recipient_where_nothing_else_fits(bench: &Bench) {
    bench.doubted(1).await;
    bench.doubted(2).await;
    let mut one = delivered("?", 1);
    one.destination = format!("+{}", number(1)).into();
    assert_eq!(
        bench.receive(vec![one, delivered("!", 3)]).await,
        [ReceiptResult::SettledDoubt, ReceiptResult::Parked]
    );
    assert_eq!(
        [bench.state(1).await, bench.state(2).await],
        [State::Delivered, State::Uncertain]
    );
}

async fn twins(bench: &Bench) -> Vec<crate::store::Claimed> {
    let to = message(1).to;
    let twin = |n| crate::domain::NewMessage {
        to: to.clone(),
        ..message(n)
    };
    bench.claimed_by(tim(), [twin(1), twin(2)]).await
}

async fn where_two_messages_fit_a_receipt_settles_no_doubt(bench: &Bench) {
    let claimed = twins(bench).await;
    bench
        .settle_all(claimed.iter().map(|it| settle(it, uncertain(it))).collect())
        .await;
    assert_eq!(bench.receive(vec![delivered("?", 1)]).await, [ReceiptResult::Parked]);
    assert_eq!(
        [bench.state(1).await, bench.state(2).await],
        [State::Uncertain, State::Uncertain]
    );
}

async fn a_message_still_awaiting_its_answer_may_be_what_a_receipt_is_about(bench: &Bench) {
    let claimed = twins(bench).await;
    bench.settle(&claimed[0], uncertain(&claimed[0])).await;
    assert_eq!(bench.receive(vec![delivered("b", 1)]).await, [ReceiptResult::Parked]);
    bench.settle(&claimed[1], submitted(&claimed[1], "b")).await;
    assert_eq!(
        [bench.state(1).await, bench.state(2).await],
        [State::Uncertain, State::Delivered]
    );
}

async fn a_parked_receipt_settles_the_doubt_that_comes_later(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    bench.receive(vec![delivered("?", 1)]).await;
    bench.settle(&claimed, uncertain(&claimed)).await;
    assert_eq!((bench.state(1).await, bench.parked().await), (State::Delivered, 0));
}

async fn a_parked_receipt_that_fits_two_doubts_settles_neither(bench: &Bench) {
    let claimed = twins(bench).await;
    bench.receive(vec![delivered("?", 1)]).await;
    bench
        .settle_all(claimed.iter().map(|it| settle(it, uncertain(it))).collect())
        .await;
    assert_eq!(
        [bench.state(1).await, bench.state(2).await],
        [State::Uncertain, State::Uncertain]
    );
    assert_eq!(bench.parked().await, 1);
}

async fn a_parked_receipt_settles_the_doubt_that_a_dead_process_left(bench: &Bench) {
    bench.claimed(1).await;
    bench.receive(vec![delivered("?", 1)]).await;
    let lease = bench.store.take_lease().await.unwrap();
    bench.sweep(at(6_000), Sweep::Orphans { lease, limit: 9 }).await;
    assert_eq!((bench.state(1).await, bench.parked().await), (State::Delivered, 0));
}

fn without_id(claimed: &crate::store::Claimed) -> crate::store::Progress {
    crate::store::Progress {
        carrier_message_id: None,
        ..submitted(claimed, "")
    }
}

async fn a_message_taken_without_an_id_is_met_by_its_recipient_or_reference(bench: &Bench) {
    for n in 1..=2 {
        let claimed = bench.claimed(n).await;
        bench.settle(&claimed, without_id(&claimed)).await;
    }
    assert_eq!(
        bench.receive(vec![delivered("x", 1)]).await,
        [ReceiptResult::SettledDoubt]
    );
    let progress = bench.progress(1).await;
    assert_eq!(
        (progress.state, bench.state(2).await),
        (State::Delivered, State::Submitted)
    );

    let mut of_another = delivered("y", 2);
    of_another.reference = Some(reference_of(bench.record(2).await.row.seq) ^ 1);
    assert_eq!(bench.receive(vec![of_another]).await, [ReceiptResult::Parked]);
    // One with an id of its own is not guessed at.
    bench.sent(3, "a").await;
    assert_eq!(bench.receive(vec![delivered("z", 3)]).await, [ReceiptResult::Parked]);
}

async fn a_parked_receipt_meets_the_message_that_is_then_taken_without_an_id(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    assert_eq!(bench.receive(vec![delivered("x", 1)]).await, [ReceiptResult::Parked]);
    bench.settle(&claimed, without_id(&claimed)).await;
    assert_eq!((bench.state(1).await, bench.parked().await), (State::Delivered, 0));
}

async fn a_parked_receipt_is_looked_for_where_its_own_recipient_has_news(bench: &Bench) {
    let to = |n| message(n).to;
    let [first, second, other] = [1, 2, 3].map(message);
    let second = crate::domain::NewMessage { to: to(1), ..second };
    let twins = bench.claimed_by(tim(), [first, second]).await;
    bench.receive(vec![delivered("?", 1)]).await;
    bench
        .settle_all(twins.iter().map(|it| settle(it, uncertain(it))).collect())
        .await;
    assert_eq!(bench.parked().await, 1, "two fit");
    bench.settle(&twins[1], submitted(&twins[1], "b")).await;
    let other = bench.claimed_by(tim(), [other]).await.remove(0);
    bench.settle(&other, uncertain(&other)).await;
    assert_eq!((bench.state(1).await, bench.parked().await), (State::Uncertain, 1));
}

async fn a_late_receipt_corrects_what_was_given_up_in_doubt_for_a_day(bench: &Bench) {
    for (n, reason) in [
        (1, Reason::OutcomeUnknown),
        (2, Reason::CarrierRefused),
        (3, Reason::OutcomeUnknown),
    ] {
        let claimed = bench.claimed(n).await;
        let given_up = uncertain(&claimed).ended(State::Failed, Some(reason), at(2));
        bench.settle(&claimed, given_up).await;
    }
    let mut too_late = delivered("c", 3);
    too_late.at = at(2 + 24 * 3_600_000 + 1);
    let results = bench
        .receive(vec![delivered("a", 1), delivered("b", 2), too_late])
        .await;
    assert_eq!(
        results,
        [
            ReceiptResult::SettledDoubt,
            ReceiptResult::Parked,
            ReceiptResult::Parked
        ]
    );
    let states = [bench.state(1).await, bench.state(2).await, bench.state(3).await];
    assert_eq!(states, [State::Delivered, State::Failed, State::Failed]);
}

async fn receipts_of_unknown_segments_do_not_make_a_long_message_whole(bench: &Bench) {
    let claimed = bench.claimed_by(tim(), [long(1, 3)]).await.remove(0);
    bench.answer(vec![segment(&claimed, 1, "a")]).await;
    bench.settle(&claimed, uncertain(&claimed)).await;
    // Nobody knows which segments these are about, and what is missing is sent again.
    bench
        .receive(vec![delivered("a", 1), delivered("c", 1), delivered("d", 1)])
        .await;
    let record = bench.record(1).await;
    assert_eq!(
        (record.row.progress.state, record.segments.len()),
        (State::Uncertain, 1)
    );
}

async fn receipts_that_name_no_message_settle_one_doubt_each(bench: &Bench) {
    for n in 1..=2 {
        bench.doubted(n).await;
        let nameless = crate::store::Receipt {
            candidates: Vec::new(),
            ..delivered("", n)
        };
        assert_eq!(bench.receive(vec![nameless]).await, [ReceiptResult::SettledDoubt]);
        assert_eq!(bench.state(n).await, State::Delivered);
    }
}

async fn a_long_message_is_delivered_when_every_segment_is(bench: &Bench) {
    let claimed = bench.claimed_by(tim(), [long(1, 3)]).await.remove(0);
    bench
        .answer(vec![segment(&claimed, 1, "a"), segment(&claimed, 2, "b")])
        .await;
    // A receipt for a segment may come while others are on their way.
    assert_eq!(bench.receive(vec![delivered("a", 1)]).await, [MATCHED]);
    bench.answer(vec![segment(&claimed, 3, "c")]).await;
    let mut done = submitted(&claimed, "");
    done.carrier_message_id = None;
    bench.settle(&claimed, done).await;
    assert_eq!(
        bench.receive(vec![delivered("b", 1), delivered("c", 2)]).await,
        [MATCHED, ReceiptResult::Parked]
    );
    assert_eq!(bench.state(1).await, State::Submitted);
    assert_eq!(bench.receive(vec![delivered("c", 1)]).await, [MATCHED]);
    let record = bench.record(1).await;
    assert_eq!((record.row.progress.state, record.events.len()), (State::Delivered, 2));
    assert!(
        record
            .segments
            .iter()
            .all(|it| it.state == SegmentState::Delivered && it.at == at(5_000))
    );
}

async fn a_parked_receipt_of_a_segment_is_met_when_the_message_is_settled(bench: &Bench) {
    let claimed = bench.claimed_by(tim(), [long(1, 2)]).await.remove(0);
    bench.receive(vec![delivered("a", 1), delivered("b", 1)]).await;
    bench
        .answer(vec![segment(&claimed, 1, "a"), segment(&claimed, 2, "b")])
        .await;
    let mut done = submitted(&claimed, "");
    done.carrier_message_id = None;
    bench.settle(&claimed, done).await;
    assert_eq!((bench.state(1).await, bench.parked().await), (State::Delivered, 0));
}

async fn a_late_answer_does_not_put_back_a_segment_of_a_later_attempt(bench: &Bench) {
    let claimed = bench.claimed_by(tim(), [long(1, 2)]).await.remove(0);
    let mut later = segment(&claimed, 1, "new");
    later.attempt = 2;
    bench.answer(vec![later]).await;
    bench.answer(vec![segment(&claimed, 1, "old")]).await;
    assert_eq!(
        bench.record(1).await.segments[0].carrier_message_id.as_deref(),
        Some("new")
    );
}

async fn a_receipt_for_nobody_is_parked(bench: &Bench) {
    let mut one = receipt("\"x\"", 9, Verdict::Undelivered(Reason::CarrierFailed));
    (one.reference, one.code) = (Some(u16::MAX), Some(u32::MAX));
    one.destination = "".into();
    assert_eq!(
        bench.receive(vec![one, delivered("y", 9)]).await,
        [ReceiptResult::Parked, ReceiptResult::Parked]
    );
    assert_eq!(bench.parked().await, 2);
}

async fn a_late_receipt_corrects_what_was_given_up(bench: &Bench) {
    for (n, state) in [State::Unconfirmed, State::Failed, State::Expired, State::Undelivered]
        .into_iter()
        .enumerate()
    {
        let n = u32::try_from(n).unwrap();
        let claimed = bench.claimed(n).await;
        let carrier_id = format!("id-{n}");
        let ended = submitted(&claimed, &carrier_id).ended(state, Some(Reason::NoReceipt), at(2));
        let applied = bench.settle(&claimed, ended).await;
        assert_eq!(applied.settle, [SettleResult::Settled]);
        assert_eq!(bench.receive(vec![delivered(&carrier_id, n)]).await, [MATCHED]);
        let progress = bench.progress(n).await;
        assert_eq!((progress.state, progress.reason), (State::Delivered, None));
        assert!(progress.flags.has(Flag::CorrectedByReceipt));
    }
}
