use super::behaviours;
use super::harness::*;
use crate::domain::{Class, Flag, Lane, NewMessage, State};
use crate::store::{Batch, EventKind, NoticeKind, NoticeQuery, Progress, RcsReport, RcsResult, RcsSaid, Seq};

behaviours!(
    a_report_meets_its_message_by_our_own_id,
    a_report_about_another_number_or_message_is_unknown,
    reports_in_one_commit_see_each_other,
    what_is_read_is_told_once_and_after_that_it_was_delivered,
    what_is_to_be_taken_back_is_listed_until_that_is_settled,
    who_waits_in_a_lane_is_listed_by_priority_until_it_is_claimed,
);

fn report(n: u32, said: RcsSaid) -> RcsReport {
    RcsReport {
        message: id(n),
        to: number(n).into(),
        carrier: name("tim"),
        said,
        at: at(5_000),
    }
}

async fn hear(bench: &Bench, rcs: Vec<RcsReport>) -> Vec<RcsResult> {
    let batch = Batch {
        rcs,
        ..Batch::new(at(5_000))
    };
    bench.commit(batch).await.rcs
}

async fn a_report_meets_its_message_by_our_own_id(bench: &Bench) {
    bench.sent(1, "a").await;
    bench.sent(2, "b").await;
    let results = hear(bench, vec![report(2, RcsSaid::Delivered)]).await;
    assert_eq!(results, [RcsResult::Met]);
    assert_eq!(
        (bench.state(1).await, bench.state(2).await),
        (State::Submitted, State::Delivered)
    );
}

async fn a_report_about_another_number_or_message_is_unknown(bench: &Bench) {
    bench.sent(1, "a").await;
    let elsewhere = RcsReport {
        to: number(2).into(),
        ..report(1, RcsSaid::Delivered)
    };
    let results = hear(bench, vec![elsewhere, report(9, RcsSaid::Delivered)]).await;
    assert_eq!(results, [RcsResult::Unknown; 2]);
    assert_eq!(bench.state(1).await, State::Submitted);
}

async fn reports_in_one_commit_see_each_other(bench: &Bench) {
    bench.sent(1, "a").await;
    let taps = [RcsSaid::Tapped { place: 0 }, RcsSaid::Read, RcsSaid::Read];
    let results = hear(bench, taps.map(|said| report(1, said)).into()).await;
    assert_eq!(results, [RcsResult::Met; 3]);
    let record = bench.record(1).await;
    let kinds: Vec<_> = record.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Tapped, EventKind::Read]);
    assert!(record.row.progress.flags.has(Flag::Read));
}

async fn what_is_read_is_told_once_and_after_that_it_was_delivered(bench: &Bench) {
    bench.sent(1, "a").await;
    hear(bench, vec![report(1, RcsSaid::Read)]).await;
    hear(bench, vec![report(1, RcsSaid::Read)]).await;
    let query = NoticeQuery {
        after: Some(0),
        limit: 99,
        ..NoticeQuery::default()
    };
    let page = bench.store.notices(&query).await.unwrap();
    let kinds: Vec<_> = page.rows.iter().map(|record| record.notice.kind).collect();
    assert_eq!(
        kinds,
        [
            NoticeKind::Message(State::Submitted),
            NoticeKind::Message(State::Delivered),
            NoticeKind::MessageRead
        ]
    );
}

async fn what_is_to_be_taken_back_is_listed_until_that_is_settled(bench: &Bench) {
    for n in 1..=3 {
        let claimed = bench.claimed(n).await;
        let taken = submitted(&claimed, "x");
        let flags = taken.flags.with(Flag::Revoking);
        let progress = if n == 2 { taken } else { Progress { flags, ..taken } };
        bench.settle(&claimed, progress).await;
    }
    let asked = |after: Seq, limit| {
        let carrier = name("tim");
        async move {
            let found = bench.store.revocations(&carrier, after, limit).await.unwrap();
            found.into_iter().map(|it| (it.message, it.to)).collect::<Vec<_>>()
        }
    };
    let of = |n| (id(n), number(n).into_boxed_str());
    assert_eq!(asked(0, 9).await, [of(1), of(3)]);
    assert_eq!(asked(0, 1).await, [of(1)]);
    assert_eq!(asked(1, 9).await, [of(3)]);
    let other = bench.store.revocations(&name("other"), 0, 9).await.unwrap();
    assert!(other.is_empty());
    hear(bench, vec![report(1, RcsSaid::Revoked)]).await;
    assert_eq!(asked(0, 9).await, [of(3)]);
}

async fn who_waits_in_a_lane_is_listed_by_priority_until_it_is_claimed(bench: &Bench) {
    let offer = |n, step| NewMessage {
        class: Class::Marketing,
        lane: Lane { step, ..italy() },
        ..message(n)
    };
    bench.claimed(1).await;
    let later = NewMessage {
        not_before: Some(at(60_000)),
        ..offer(2, 0)
    };
    bench
        .enqueue([later, offer(3, 0), offer(4, 1), message(5), offer(6, 0), offer(7, 0)])
        .await;
    let waiting = |step, class: Class, limit| async move {
        let lane = Lane { step, ..italy() };
        bench.store.waiting(&lane, class.priority(), limit).await.unwrap()
    };
    let of = |n| number(n).into_boxed_str();
    assert_eq!(waiting(0, Class::Marketing, 9).await, [of(3), of(6), of(7)]);
    assert_eq!(waiting(0, Class::Marketing, 2).await, [of(3), of(6)]);
    assert_eq!(waiting(1, Class::Marketing, 9).await, [of(4)]);
    assert_eq!(waiting(0, message(5).class, 9).await, [of(5)]);
}
