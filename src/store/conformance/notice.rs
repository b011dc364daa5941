use super::behaviours;
use super::harness::*;
use crate::domain::{Endpoint, NewMessage, Reason, State, UnixMillis};
use crate::store::{
    About, Act, ActItem, Applied, Batch, DeadNotices, DueNotices, DuePage, Fate, NoticeAct, NoticeKind, NoticeQuery,
    NoticeRecord, NoticeSettle, OffReason, Prune, Seq, Sweep,
};

behaviours!(
    what_an_owner_hears_is_kept_with_the_change_that_it_tells_of,
    a_change_that_nobody_hears_by_webhook_is_in_the_stream_alone,
    a_state_that_is_nobody_s_business_makes_no_notice,
    deadlines_wishes_and_doubts_are_told_of,
    a_message_that_names_an_address_has_an_endpoint_of_its_own,
    an_inbound_text_is_told_of_once,
    of_a_message_only_the_earliest_pending_notice_is_due,
    a_notice_that_is_tried_again_holds_back_the_later_ones_of_its_message,
    a_dead_notice_releases_the_next_of_its_message,
    what_is_due_is_read_on_from_a_place,
    a_settled_notice_is_not_settled_again,
    notices_sent_together_stay_together,
    dead_notices_are_listed_and_replayed_by_place_and_by_endpoint,
    an_endpoint_is_switched_off_and_on_again,
    the_stream_is_filtered_and_resumed,
    a_message_shows_its_webhooks,
    a_message_is_not_forgotten_while_a_webhook_about_it_is_pending,
    notices_are_forgotten_with_their_message_or_by_age_and_no_place_is_given_twice,
);

fn hooked(n: u32) -> NewMessage {
    NewMessage {
        client: name("hook"),
        reference: Some(format!("ref-{n}").into()),
        ..message(n)
    }
}

fn hook() -> Endpoint {
    Endpoint::of_client(&name("hook"))
}

/// Messages of the listening client, submitted under the ids `id-N`.
async fn submit(bench: &Bench, messages: std::ops::RangeInclusive<u32>) -> Applied {
    let claimed = bench.claimed_by(tim(), messages.clone().map(hooked)).await;
    let settles = claimed
        .iter()
        .zip(messages)
        .map(|(claimed, n)| settle(claimed, submitted(claimed, &format!("id-{n}"))));
    bench.settle_all(settles.collect()).await
}

async fn deliver(bench: &Bench, n: u32) {
    bench.receive(vec![delivered(&format!("id-{n}"), n)]).await;
}

async fn due_page(bench: &Bench, now: UnixMillis, after: Option<(UnixMillis, Seq)>, limit: u32) -> DuePage {
    let query = DueNotices {
        endpoint: hook(),
        now,
        after,
        limit,
    };
    bench.store.due_notices(&query).await.unwrap()
}

async fn due(bench: &Bench, now: UnixMillis) -> Vec<Seq> {
    places(&due_page(bench, now, None, 100).await.rows)
}

fn places(rows: &[NoticeRecord]) -> Vec<Seq> {
    rows.iter().map(|row| row.notice.seq).collect()
}

fn tried(seq: Seq, fate: Fate) -> NoticeSettle {
    NoticeSettle {
        seq,
        fate,
        attempts: 1,
        tried_at: at(6_000),
        outcome: "500".into(),
    }
}

async fn tell(bench: &Bench, notices: Vec<NoticeSettle>) {
    let batch = Batch {
        notices,
        ..Batch::new(at(7_000))
    };
    bench.commit(batch).await;
}

async fn act(bench: &Bench, act: NoticeAct) -> u32 {
    let batch = Batch {
        notice_acts: vec![act],
        ..Batch::new(at(8_000))
    };
    bench.commit(batch).await.notice_acts[0]
}

async fn stream(bench: &Bench, query: NoticeQuery) -> Vec<(Seq, &'static str)> {
    let query = NoticeQuery { limit: 100, ..query };
    let page = bench.store.notices(&query).await.unwrap();
    page.rows
        .iter()
        .map(|row| (row.notice.seq, row.notice.kind.as_str()))
        .collect()
}

fn from_start() -> NoticeQuery {
    NoticeQuery {
        after: Some(0),
        ..NoticeQuery::default()
    }
}

async fn what_an_owner_hears_is_kept_with_the_change_that_it_tells_of(bench: &Bench) {
    let applied = submit(bench, 1..=1).await;
    assert!(applied.noticed);
    assert_eq!(applied.heard_by.into_iter().collect::<Vec<_>>(), [hook()]);
    let page = due_page(bench, at(10), None, 9).await;
    let NoticeRecord { notice, about } = &page.rows[0];
    assert_eq!((notice.kind.as_str(), notice.at), ("message.submitted", at(1)));
    assert_eq!((notice.carrier.as_ref(), notice.reason), (Some(&name("tim")), None));
    assert_eq!(notice.delivery.due_at, Some(at(10)));
    let About::Message(about) = about else {
        panic!("{about:?}")
    };
    assert_eq!(
        (about.id, about.client.as_str(), &*about.to),
        (id(1), "hook", &*number(1))
    );
    assert_eq!((about.reference.as_deref(), about.segments), (Some("ref-1"), 1));
    assert_eq!((about.accepted_at, about.submitted_at), (NOW, Some(at(1))));
    let mut receipt = receipt("id-1", 1, crate::store::Verdict::Undelivered(Reason::AbsentSubscriber));
    receipt.code = Some(u32::MAX);
    tell(bench, vec![tried(notice.seq, Fate::Told)]).await;
    bench.receive(vec![receipt]).await;
    let page = due_page(bench, at(5_000), None, 9).await;
    let told = &page.rows[0].notice;
    assert_eq!(
        (told.kind.as_str(), told.reason, told.code),
        ("message.undelivered", Some(Reason::AbsentSubscriber), Some(u32::MAX))
    );
    assert!(page.unreadable.is_empty());
}

async fn a_change_that_nobody_hears_by_webhook_is_in_the_stream_alone(bench: &Bench) {
    let applied = {
        let claimed = bench.claimed(1).await;
        bench.settle(&claimed, submitted(&claimed, "a")).await
    };
    assert!(applied.noticed && applied.heard_by.is_empty());
    assert_eq!(stream(bench, from_start()).await, [(1, "message.submitted")]);
    assert!(bench.store.endpoints().await.unwrap().is_empty());
    assert!(bench.record(1).await.webhooks.is_empty());
}

async fn a_state_that_is_nobody_s_business_makes_no_notice(bench: &Bench) {
    let claimed = bench.claimed_by(tim(), [hooked(1)]).await.remove(0);
    let waiting = crate::store::Progress::waiting(0, Some(at(50)), at(3_600_000));
    assert!(!bench.settle(&claimed, waiting).await.noticed);
    let due = Sweep::Due {
        state: State::Scheduled,
        limit: 9,
    };
    bench.sweep(at(50), due).await;
    assert_eq!(stream(bench, from_start()).await, []);
}

async fn deadlines_wishes_and_doubts_are_told_of(bench: &Bench) {
    bench.enqueue([hooked(1), hooked(2)]).await;
    let acts = vec![ActItem {
        id: id(1),
        client: None,
        act: Act::Cancel,
    }];
    bench
        .commit(Batch {
            acts,
            ..Batch::new(at(5))
        })
        .await;
    let over = Sweep::Due {
        state: State::Queued,
        limit: 9,
    };
    bench.sweep(at(3_600_000), over).await;
    let claimed = bench.claimed_by(tim(), [hooked(3)]).await.remove(0);
    bench.settle(&claimed, uncertain(&claimed)).await;
    let told = stream(bench, from_start()).await;
    assert_eq!(
        told,
        [
            (1, "message.canceled"),
            (2, "message.expired"),
            (3, "message.uncertain")
        ]
    );
    // Of doubts this client does not hear.
    assert_eq!(due(bench, at(9_000_000)).await, [1, 2]);
}

async fn a_message_that_names_an_address_has_an_endpoint_of_its_own(bench: &Bench) {
    let named = NewMessage {
        callback: Some("https://Other.example/a?b".into()),
        ..hooked(1)
    };
    let claimed = bench.claimed_by(tim(), [named]).await.remove(0);
    let applied = bench.settle(&claimed, submitted(&claimed, "id-1")).await;
    let other = Endpoint::stored("hook https://other.example");
    assert_eq!(
        applied.heard_by.into_iter().collect::<Vec<_>>(),
        std::slice::from_ref(&other)
    );
    deliver(bench, 1).await;
    assert!(due(bench, at(9_000)).await.is_empty());
    let query = DueNotices {
        endpoint: other.clone(),
        now: at(9_000),
        after: None,
        limit: 9,
    };
    let page = bench.store.due_notices(&query).await.unwrap();
    let About::Message(about) = &page.rows[0].about else {
        panic!()
    };
    assert_eq!(about.callback.as_deref(), Some("https://Other.example/a?b"));
    let known = &bench.store.endpoints().await.unwrap()[0];
    assert_eq!((&known.endpoint, known.pending, known.oldest), (&other, 2, Some(at(1))));
}

async fn an_inbound_text_is_told_of_once(bench: &Bench) {
    let mut text = text_in(1, 1);
    text.carrier_message_id = Some("mo-1".into());
    for _ in 0..2 {
        let batch = Batch {
            inbound: vec![text.clone()],
            ..Batch::new(NOW)
        };
        bench.commit(batch).await;
    }
    let page = due_page(bench, NOW, None, 9).await;
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].notice.kind, NoticeKind::InboundReceived);
    let About::Inbound(about) = &page.rows[0].about else {
        panic!()
    };
    assert_eq!(
        (about.client.as_ref(), &*about.from),
        (Some(&name("hook")), "393331234567")
    );
    assert_eq!((about.text.as_deref(), about.segment), (Some("STOP\0"), None));
}

async fn of_a_message_only_the_earliest_pending_notice_is_due(bench: &Bench) {
    submit(bench, 1..=2).await;
    deliver(bench, 1).await;
    assert_eq!(due(bench, at(9_000)).await, [1, 2]);
    tell(bench, vec![tried(1, Fate::Told)]).await;
    assert_eq!(due(bench, at(9_000)).await, [2, 3]);
}

async fn a_notice_that_is_tried_again_holds_back_the_later_ones_of_its_message(bench: &Bench) {
    submit(bench, 1..=2).await;
    deliver(bench, 1).await;
    let later = Fate::Again {
        at: at(20_000),
        bundle: None,
    };
    tell(bench, vec![tried(1, later)]).await;
    let page = due_page(bench, at(19_999), None, 9).await;
    assert_eq!((places(&page.rows), page.next_at), (vec![2], Some(at(20_000))));
    assert_eq!(due(bench, at(20_000)).await, [2, 1]);
    let notice = &bench.record(1).await.webhooks[0];
    assert_eq!(
        (notice.delivery.attempts, notice.delivery.outcome.as_deref()),
        (1, Some("500"))
    );
    tell(bench, vec![tried(1, Fate::Told)]).await;
    assert_eq!(due(bench, at(20_000)).await, [2, 3]);
}

async fn a_dead_notice_releases_the_next_of_its_message(bench: &Bench) {
    submit(bench, 1..=1).await;
    deliver(bench, 1).await;
    tell(bench, vec![tried(1, Fate::Dead)]).await;
    assert_eq!(due(bench, at(9_000)).await, [2]);
}

async fn what_is_due_is_read_on_from_a_place(bench: &Bench) {
    submit(bench, 1..=5).await;
    let first = due_page(bench, at(10), None, 2).await;
    assert_eq!((places(&first.rows), first.next_at), (vec![1, 2], None));
    let next = due_page(bench, at(10), Some((at(10), 2)), 2).await;
    assert_eq!(places(&next.rows), [3, 4]);
    assert!(due_page(bench, at(10), Some((at(10), 5)), 2).await.rows.is_empty());
    let early = due_page(bench, at(9), None, 2).await;
    assert_eq!((early.rows.len(), early.next_at), (0, Some(at(10))));
}

async fn a_settled_notice_is_not_settled_again(bench: &Bench) {
    submit(bench, 1..=1).await;
    tell(bench, vec![tried(1, Fate::Told)]).await;
    let later = Fate::Again { at: NOW, bundle: None };
    tell(bench, vec![tried(1, later), tried(99, Fate::Dead)]).await;
    assert!(due(bench, at(9_000)).await.is_empty());
    assert!(bench.store.endpoints().await.unwrap().is_empty());
}

async fn notices_sent_together_stay_together(bench: &Bench) {
    submit(bench, 1..=3).await;
    let later = Fate::Again {
        at: at(20_000),
        bundle: Some(2),
    };
    tell(bench, vec![tried(2, later), tried(3, later)]).await;
    let page = due_page(bench, at(20_000), None, 9).await;
    let bundles: Vec<_> = page.rows.iter().map(|row| row.notice.delivery.bundle).collect();
    assert_eq!(bundles, [None, Some(2), Some(2)]);
}

async fn dead_notices_are_listed_and_replayed_by_place_and_by_endpoint(bench: &Bench) {
    submit(bench, 1..=5).await;
    tell(bench, (1..=5).map(|seq| tried(seq, Fate::Dead)).collect()).await;
    let listed = async |query: DeadNotices| bench.store.dead_notices(&query).await.unwrap();
    let query = |endpoint, before| DeadNotices {
        endpoint,
        before,
        limit: 3,
    };
    let first = listed(query(Some(hook()), None)).await;
    assert_eq!((places(&first.rows), first.next), (vec![5, 4, 3], Some(3)));
    assert_eq!(first.rows[0].notice.delivery.dead_at, Some(at(7_000)));
    let second = listed(query(None, first.next)).await;
    assert_eq!((places(&second.rows), second.next), (vec![2, 1], None));
    let other = Endpoint::stored("other");
    assert!(listed(query(Some(other.clone()), None)).await.rows.is_empty());
    let replay = |endpoint, from, to, limit| NoticeAct::Replay {
        endpoint,
        from,
        to,
        limit,
    };
    assert_eq!(act(bench, replay(None, 2, 3, 9)).await, 2);
    assert_eq!(act(bench, replay(Some(other), 0, Seq::MAX, 9)).await, 0);
    assert_eq!(act(bench, replay(Some(hook()), 0, Seq::MAX, 1)).await, 1);
    assert_eq!(due(bench, at(8_000)).await, [1, 2, 3]);
    let again = due_page(bench, at(8_000), None, 9).await;
    let delivery = &again.rows[0].notice.delivery;
    assert_eq!((delivery.attempts, delivery.dead_at), (0, None));
    assert_eq!(bench.store.endpoints().await.unwrap()[0].dead, 2);
}

async fn an_endpoint_is_switched_off_and_on_again(bench: &Bench) {
    submit(bench, 1..=2).await;
    let endpoint = hook();
    let off = |reason| NoticeAct::SwitchOff {
        endpoint: endpoint.clone(),
        reason,
    };
    let on = |from| NoticeAct::SwitchOn {
        endpoint: endpoint.clone(),
        from,
    };
    act(bench, off(OffReason::Gone)).await;
    for passed_over in [
        off(OffReason::Wished),
        off(OffReason::Failing),
        on(Some(OffReason::Failing)),
    ] {
        act(bench, passed_over).await;
        let known = bench.store.endpoints().await.unwrap().remove(0);
        assert_eq!((known.pending, known.off), (2, Some((at(8_000), OffReason::Gone))));
    }
    let later = Fate::Again {
        at: at(90_000),
        bundle: None,
    };
    tell(bench, vec![tried(1, later), tried(2, Fate::Told)]).await;
    act(bench, on(None)).await;
    assert_eq!(bench.store.endpoints().await.unwrap()[0].off, None);
    assert_eq!(due(bench, at(8_000)).await, [1]);
    // One that fails gives way to a person's wish, and to its own recovery.
    let known = async || bench.store.endpoints().await.unwrap()[0].off.map(|(_, reason)| reason);
    act(bench, off(OffReason::Failing)).await;
    assert_eq!(known().await, Some(OffReason::Failing));
    act(bench, on(Some(OffReason::Failing))).await;
    assert_eq!(known().await, None);
    act(bench, off(OffReason::Failing)).await;
    act(bench, off(OffReason::Wished)).await;
    assert_eq!(known().await, Some(OffReason::Wished));
}

async fn the_stream_is_filtered_and_resumed(bench: &Bench) {
    let now = NoticeQuery::default();
    assert_eq!(bench.store.notices(&now).await.unwrap().upto, 0);
    submit(bench, 1..=2).await;
    bench.sent(3, "id-3").await;
    deliver(bench, 1).await;
    let inbound = Batch {
        inbound: vec![text_in(1, 1)],
        ..Batch::new(NOW)
    };
    bench.commit(inbound).await;
    assert_eq!(bench.store.notices(&now).await.unwrap().upto, 5);
    let (submitted, delivered) = ("message.submitted", "message.delivered");
    let of = |client: &str| NoticeQuery {
        client: Some(name(client)),
        ..from_start()
    };
    assert_eq!(stream(bench, of("bank")).await, [(3, submitted)]);
    let hook = stream(bench, of("hook")).await;
    assert_eq!(
        hook,
        [(1, submitted), (2, submitted), (4, delivered), (5, "inbound.received")]
    );
    let of_class = NoticeQuery {
        classes: vec![crate::domain::Class::Otp, crate::domain::Class::Transaction],
        ..from_start()
    };
    let messages = [(1, submitted), (2, submitted), (3, submitted), (4, delivered)];
    assert_eq!(stream(bench, of_class).await, messages);
    let kinds = NoticeQuery {
        kinds: vec![NoticeKind::Message(State::Delivered)],
        ..from_start()
    };
    assert_eq!(stream(bench, kinds).await, [(4, delivered)]);
    let class = NoticeQuery {
        classes: vec![crate::domain::Class::Otp, crate::domain::Class::Alert],
        ..from_start()
    };
    assert_eq!(stream(bench, class).await, []);
    let part = NoticeQuery {
        limit: 2,
        after: Some(1),
        ..NoticeQuery::default()
    };
    let page = bench.store.notices(&part).await.unwrap();
    assert_eq!((places(&page.rows), page.upto, page.more), (vec![2, 3], 3, true));
    let end = NoticeQuery {
        limit: 9,
        after: Some(3),
        ..NoticeQuery::default()
    };
    let page = bench.store.notices(&end).await.unwrap();
    assert_eq!((page.rows.len(), page.upto, page.more), (2, 5, false));
    assert_eq!(page.forgotten, 0);
}

async fn a_message_shows_its_webhooks(bench: &Bench) {
    submit(bench, 1..=1).await;
    deliver(bench, 1).await;
    let mut told = tried(1, Fate::Told);
    told.outcome = "204".into();
    tell(bench, vec![told]).await;
    let webhooks = bench.record(1).await.webhooks;
    let shown: Vec<_> = webhooks
        .iter()
        .map(|it| {
            let delivery = &it.delivery;
            (
                it.kind.as_str(),
                delivery.tried_at,
                delivery.outcome.as_deref(),
                delivery.due_at,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("message.submitted", Some(at(6_000)), Some("204"), None),
            ("message.delivered", None, None, Some(at(5_000)))
        ]
    );
}

async fn prune(bench: &Bench, before: UnixMillis, notices_after: Seq) -> (u64, u64, Seq) {
    let prune = Prune {
        after: 0,
        step: 4,
        ended_before: before,
        keys_before: NOW,
        parked_before: NOW,
        notices_after,
    };
    let batch = Batch {
        prune: Some(prune),
        ..Batch::new(before)
    };
    let done = bench.commit(batch).await.prune.unwrap();
    (done.messages, done.notices, done.next_notice)
}

async fn a_message_is_not_forgotten_while_a_webhook_about_it_is_pending(bench: &Bench) {
    submit(bench, 1..=1).await;
    deliver(bench, 1).await;
    assert_eq!(prune(bench, at(9_000), 0).await, (0, 0, 0));
    tell(bench, vec![tried(1, Fate::Told), tried(2, Fate::Dead)]).await;
    assert_eq!(prune(bench, at(9_000), 0).await.0, 1);
    assert!(bench.store.message(id(1), None).await.unwrap().is_none());
    assert!(bench.store.endpoints().await.unwrap().is_empty());
    assert_eq!(stream(bench, from_start()).await, []);
}

async fn notices_are_forgotten_with_their_message_or_by_age_and_no_place_is_given_twice(bench: &Bench) {
    for n in 1..=3 {
        bench.sent(n, &format!("id-{n}")).await;
        deliver(bench, n).await;
    }
    assert_eq!(prune(bench, at(2), 0).await, (0, 2, 4));
    let kept = bench
        .store
        .notices(&NoticeQuery {
            limit: 9,
            ..from_start()
        })
        .await
        .unwrap();
    assert_eq!((kept.rows.len(), kept.upto, kept.forgotten), (4, 6, 2));
    assert_eq!(prune(bench, at(5_001), 4).await, (3, 2, 0));
    assert_eq!(prune(bench, at(5_001), 0).await, (0, 2, 0));
    let none = bench.store.notices(&from_start()).await.unwrap();
    assert_eq!((none.upto, none.forgotten), (6, 6));
    bench.sent(4, "id-4").await;
    assert_eq!(stream(bench, from_start()).await, [(7, "message.submitted")]);
}
