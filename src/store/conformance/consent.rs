use std::sync::Arc;

use super::behaviours;
use super::harness::*;
use crate::domain::{Class, Flag, Name, NewMessage, Reason, Source, State, UnixMillis, Will};
use crate::store::{
    About, Applied, Batch, ConsentQuery, ConsentRecord, ConsentResult, Enqueue, InboundResult, NewConsent, NewInbound,
    NoticeKind, NoticeQuery, Progress,
};

behaviours!(
    what_somebody_wants_is_kept_with_its_history,
    what_is_said_of_all_takes_the_place_of_what_was_said_of_topics,
    what_is_older_than_what_is_known_changes_nothing,
    an_opt_out_ends_what_waits_for_that_person_and_brand,
    an_opt_out_asks_back_what_a_platform_has,
    a_text_brings_its_wish_and_its_answer_unless_it_is_a_repetition,
    a_change_is_told_to_each_client_of_the_brand,
    consents_are_listed_by_place_person_and_brand,
);

fn said(n: u32, brand: &str, topic: Option<&str>, will: Will, ms: i64) -> NewConsent {
    NewConsent {
        msisdn: number(n).into(),
        brand: name(brand),
        topic: topic.map(name),
        will,
        source: Source::Sms,
        at: at(ms),
        note: None,
        told: Arc::new([name(brand)]),
    }
}

async fn say(bench: &Bench, consents: Vec<NewConsent>) -> Applied {
    bench
        .commit(Batch {
            consents,
            ..Batch::new(at(60_000))
        })
        .await
}

async fn all(bench: &Bench, query: ConsentQuery) -> Vec<ConsentRecord> {
    let query = ConsentQuery { limit: 100, ..query };
    bench.store.consents(&query).await.unwrap().rows
}

async fn of(bench: &Bench, n: u32) -> Vec<(Option<Name>, Will)> {
    let query = ConsentQuery {
        msisdn: Some(number(n).into()),
        ..ConsentQuery::default()
    };
    all(bench, query)
        .await
        .into_iter()
        .map(|it| (it.topic, it.will))
        .collect()
}

const fn noted(seq: i64, suppressed: u32) -> ConsentResult {
    ConsentResult::Noted { seq, suppressed }
}

async fn what_somebody_wants_is_kept_with_its_history(bench: &Bench) {
    let out = said(1, "bank", None, Will::OptedOut, 0);
    let applied = say(bench, vec![out.clone(), out.clone()]).await;
    assert_eq!(applied.consents, [noted(1, 0), ConsentResult::Same]);
    assert_eq!(applied.wants[0].said, [(None, Will::OptedOut, at(0))]);
    let back = NewConsent {
        source: Source::Api,
        note: Some("form 7".into()),
        ..said(1, "bank", None, Will::OptedIn, 5)
    };
    assert_eq!(say(bench, vec![back]).await.consents, [noted(2, 0)]);
    assert_eq!(of(bench, 1).await, [(None, Will::OptedIn)]);
    let gone = say(bench, vec![said(1, "bank", None, Will::Withdrawn, 6)]).await;
    assert_eq!((gone.consents[0], gone.wants[0].said.len()), (noted(3, 0), 0));
    assert!(of(bench, 1).await.is_empty());
    let again = say(bench, vec![said(1, "bank", None, Will::Withdrawn, 7)]).await;
    assert_eq!(again.consents, [ConsentResult::Same]);
    let history = bench.store.consent_history(&number(1), &[], 10).await.unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|change| (change.said.seq, change.said.will, change.said.source, change.said.at))
        .collect();
    assert_eq!(
        told,
        [
            (3, Will::Withdrawn, Source::Sms, at(6)),
            (2, Will::OptedIn, Source::Api, at(5)),
            (1, Will::OptedOut, Source::Sms, at(0))
        ]
    );
    assert_eq!(
        (history[1].said.note.as_deref(), history[1].recorded_at),
        (Some("form 7"), at(60_000))
    );
    let others = bench
        .store
        .consent_history(&number(1), &[name("shop")], 10)
        .await
        .unwrap();
    assert!(others.is_empty());
}

async fn what_is_said_of_all_takes_the_place_of_what_was_said_of_topics(bench: &Bench) {
    let topics = vec![
        said(1, "bank", Some("promo"), Will::OptedOut, 0),
        said(1, "bank", Some("news"), Will::OptedIn, 1),
    ];
    assert_eq!(say(bench, topics).await.consents, [noted(1, 0), noted(2, 0)]);
    assert_eq!(of(bench, 1).await.len(), 2);
    say(bench, vec![said(1, "bank", None, Will::OptedIn, 2)]).await;
    assert_eq!(of(bench, 1).await, [(None, Will::OptedIn)]);
    say(bench, vec![said(1, "bank", Some("promo"), Will::OptedOut, 3)]).await;
    // The same of all again, and the topic is no more.
    assert_eq!(
        say(bench, vec![said(1, "bank", None, Will::OptedIn, 4)]).await.consents,
        [noted(5, 0)]
    );
    assert_eq!(of(bench, 1).await, [(None, Will::OptedIn)]);
}

async fn what_is_older_than_what_is_known_changes_nothing(bench: &Bench) {
    say(bench, vec![said(1, "bank", None, Will::OptedOut, 10)]).await;
    let older = vec![
        said(1, "bank", None, Will::OptedIn, 9),
        said(1, "bank", Some("promo"), Will::OptedIn, 9),
        said(1, "shop", None, Will::OptedIn, 9),
    ];
    let results = say(bench, older).await.consents;
    assert_eq!(results, [ConsentResult::Outdated, ConsentResult::Outdated, noted(2, 0)]);
}

async fn an_opt_out_ends_what_waits_for_that_person_and_brand(bench: &Bench) {
    let of_client = |n: u32, client: &str, class, to: u32| {
        let base = message(to);
        NewMessage {
            id: id(n),
            client: name(client),
            class,
            ..base
        }
    };
    let later = NewMessage {
        not_before: Some(at(600_000)),
        expires_at: at(900_000),
        ..of_client(2, "bank", Class::Service, 1)
    };
    bench
        .enqueue([
            of_client(1, "bank", Class::Transaction, 1),
            later,
            of_client(3, "bank", Class::Otp, 1),
            of_client(4, "shop", Class::Transaction, 1),
            of_client(5, "bank", Class::Transaction, 9),
        ])
        .await;
    let claimed = bench
        .claimed_by(tim(), [of_client(6, "bank", Class::Transaction, 1)])
        .await;
    let applied = say(bench, vec![said(1, "bank", None, Will::OptedOut, 0)]).await;
    assert_eq!(applied.consents, [noted(1, 2)]);
    let changed: Vec<_> = applied
        .changed
        .iter()
        .map(|it| (it.id, it.from, it.progress.state))
        .collect();
    assert_eq!(
        changed,
        [
            (id(1), State::Queued, State::Suppressed),
            (id(2), State::Scheduled, State::Suppressed)
        ]
    );
    let progress = bench.progress(1).await;
    assert_eq!(
        (progress.reason, progress.final_at, progress.wake_at),
        (Some(Reason::OptedOut), Some(at(60_000)), None)
    );
    for (n, state) in [
        (3, State::Queued),
        (4, State::Queued),
        (5, State::Queued),
        (6, State::Claimed),
    ] {
        assert_eq!(bench.state(n).await, state, "{n}");
    }
    assert_eq!(claimed.len(), 1);
    assert_eq!(
        say(bench, vec![said(1, "bank", None, Will::OptedIn, 1)]).await.consents,
        [noted(2, 0)]
    );
    assert_eq!(bench.state(1).await, State::Suppressed, "what has ended stays so");
}

async fn an_opt_out_asks_back_what_a_platform_has(bench: &Bench) {
    for n in [1, 2] {
        let claimed = bench.claimed(n).await;
        let taken = submitted(&claimed, "x");
        let flags = taken.flags.with(Flag::WithPlatform);
        let progress = if n == 2 { taken } else { Progress { flags, ..taken } };
        bench.settle(&claimed, progress).await;
    }
    let client = message(1).client;
    let out = |n| said(n, client.as_str(), None, Will::OptedOut, 0);
    let applied = say(bench, vec![out(1), out(2)]).await;
    assert_eq!(applied.consents, [noted(1, 0), noted(2, 0)]);
    assert_eq!(bench.state(1).await, State::Submitted);
    let is_asked_back = async |n| bench.progress(n).await.flags.has(Flag::Revoking);
    assert_eq!((is_asked_back(1).await, is_asked_back(2).await), (true, false));
    assert_eq!(bench.record(1).await.events.len(), 1);
}

async fn a_text_brings_its_wish_and_its_answer_unless_it_is_a_repetition(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    let client = message(1).client;
    let stop = |n: u128, answer: u32| NewInbound {
        carrier_message_id: Some("mo-1".into()),
        consents: vec![said(1, client.as_str(), None, Will::OptedOut, 0)],
        answers: vec![Enqueue::new(message(answer))],
        ..text_in(n, 1)
    };
    let batch = Batch {
        inbound: vec![stop(1, 2), stop(2, 3)],
        ..Batch::new(NOW)
    };
    let applied = bench.commit(batch).await;
    assert_eq!(applied.inbound, [InboundResult::Stored(1), InboundResult::Repeated]);
    assert_eq!(applied.wants.len(), 1);
    assert_eq!(bench.state(1).await, State::Suppressed);
    assert_eq!(
        bench.state(2).await,
        State::Queued,
        "the answer is not withheld by what it answers"
    );
    assert!(bench.store.message(id(3), None).await.unwrap().is_none());
    assert_eq!(of(bench, 1).await, [(None, Will::OptedOut)]);
}

async fn a_change_is_told_to_each_client_of_the_brand(bench: &Bench) {
    let out = NewConsent {
        told: Arc::new([name("hook"), name("mute")]),
        ..said(1, "acme", Some("promo"), Will::OptedOut, 3)
    };
    let applied = say(bench, vec![out]).await;
    assert!(applied.noticed && applied.heard_by.len() == 1);
    let query = NoticeQuery {
        after: Some(0),
        kinds: vec![NoticeKind::ConsentChanged],
        limit: 10,
        ..NoticeQuery::default()
    };
    let page = bench.store.notices(&query).await.unwrap();
    let clients: Vec<_> = page.rows.iter().map(|row| row.client().unwrap().to_string()).collect();
    assert_eq!(clients, ["hook", "mute"]);
    let About::Consent(about) = &page.rows[0].about else {
        panic!("{:?}", page.rows[0].about)
    };
    let told = (
        &*about.said.msisdn,
        about.said.topic.clone(),
        about.said.will,
        about.said.at,
    );
    assert_eq!(told, (&*number(1), Some(name("promo")), Will::OptedOut, at(3)));
    assert_eq!((page.rows[0].notice.at, page.forgotten), (at(3), 0));
    let due = crate::store::DueNotices {
        endpoint: crate::domain::Endpoint::of_client(&name("hook")),
        now: UnixMillis(at(60_000).0),
        after: None,
        limit: 10,
    };
    assert_eq!(bench.store.due_notices(&due).await.unwrap().rows.len(), 1);
}

async fn consents_are_listed_by_place_person_and_brand(bench: &Bench) {
    let many = (1..=5).map(|n| said(n, if n % 2 == 0 { "shop" } else { "bank" }, None, Will::OptedOut, 0));
    say(bench, many.collect()).await;
    let page = |after, limit, brands: &[&str]| ConsentQuery {
        after,
        limit,
        brands: brands.iter().map(|brand| name(brand)).collect(),
        ..ConsentQuery::default()
    };
    let first = bench.store.consents(&page(None, 2, &[])).await.unwrap();
    assert_eq!((first.rows.len(), first.next), (2, Some(2)));
    let rest = bench.store.consents(&page(first.next, 10, &[])).await.unwrap();
    assert_eq!((rest.rows.len(), rest.next), (3, None));
    let shop = bench.store.consents(&page(None, 10, &["shop"])).await.unwrap();
    let numbers: Vec<_> = shop.rows.iter().map(|row| row.msisdn.to_string()).collect();
    assert_eq!(numbers, [number(2), number(4)]);
}
