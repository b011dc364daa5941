use super::behaviours;
use super::harness::*;
use crate::domain::{Class, NewMessage, State};
use crate::store::{Backlog, MessageQuery, StoreError};

behaviours!(
    a_message_of_another_client_is_not_to_be_seen,
    messages_are_listed_newest_first_from_a_cursor,
    messages_are_listed_by_each_filter,
    the_backlog_is_counted_by_lane_and_priority,
    the_totals_count_open_rows,
    a_closed_store_says_so,
);

async fn a_message_of_another_client_is_not_to_be_seen(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    for (client, seen) in [(Some(name("bank")), true), (Some(name("shop")), false), (None, true)] {
        assert_eq!(
            bench.store.message(id(1), client.as_ref()).await.unwrap().is_some(),
            seen
        );
    }
}

async fn listed(bench: &Bench, query: MessageQuery) -> (Vec<i64>, Option<i64>) {
    let page = bench.store.messages(&query).await.unwrap();
    (page.rows.iter().map(|it| it.row.seq).collect(), page.next)
}

async fn messages_are_listed_newest_first_from_a_cursor(bench: &Bench) {
    assert_eq!(
        listed(
            bench,
            MessageQuery {
                limit: 2,
                ..Default::default()
            }
        )
        .await,
        (vec![], None)
    );
    bench.enqueue((1..=5).map(message)).await;
    let query = |before| MessageQuery {
        before,
        limit: 2,
        ..Default::default()
    };
    assert_eq!(listed(bench, query(None)).await, (vec![5, 4], Some(4)));
    assert_eq!(listed(bench, query(Some(4))).await, (vec![3, 2], Some(2)));
    assert_eq!(listed(bench, query(Some(2))).await, (vec![1], None));
}

async fn messages_are_listed_by_each_filter(bench: &Bench) {
    let other = NewMessage {
        client: name("shop"),
        class: Class::Otp,
        reference: Some("order \"7\"".into()),
        not_before: Some(at(9_000)),
        ..message(2)
    };
    bench.enqueue([message(1), other.clone()]).await;
    let all = || MessageQuery {
        limit: 9,
        ..Default::default()
    };
    for query in [
        MessageQuery {
            client: Some(name("shop")),
            ..all()
        },
        MessageQuery {
            class: Some(Class::Otp),
            ..all()
        },
        MessageQuery {
            state: Some(State::Scheduled),
            ..all()
        },
        MessageQuery {
            to: Some(other.to.clone()),
            ..all()
        },
        MessageQuery {
            reference: other.reference.clone(),
            ..all()
        },
    ] {
        assert_eq!(listed(bench, query).await.0, [2]);
    }
    let neither = MessageQuery {
        client: Some(name("shop")),
        class: Some(Class::Alert),
        ..all()
    };
    assert!(listed(bench, neither).await.0.is_empty());
    let record = bench.record(2).await;
    assert_eq!(
        (&*record.text, record.reference, record.not_before),
        (&*other.text, other.reference, other.not_before)
    );
    assert_eq!((&*record.row.to, &*record.row.from), (other.to.digits(), "MyBank"));
}

async fn the_backlog_is_counted_by_lane_and_priority(bench: &Bench) {
    let alert = NewMessage {
        class: Class::Alert,
        ..message(4)
    };
    bench.enqueue([message(1), long(2, 3), alert]).await;
    bench.claimed(5).await;
    let line = |priority, rows, segments| Backlog {
        lane: italy(),
        priority,
        rows,
        segments,
    };
    let mut backlog = bench.store.backlog().await.unwrap();
    backlog.sort_by_key(|line| line.priority);
    assert_eq!(backlog, [line(0, 1, 1), line(2, 2, 4)]);
}

async fn the_totals_count_open_rows(bench: &Bench) {
    bench
        .enqueue([
            NewMessage {
                accepted_at: at(5),
                ..message(1)
            },
            message(2),
        ])
        .await;
    bench.claimed(3).await;
    bench.sent(4, "a").await;
    bench.doubted(5).await;
    bench.sent(6, "b").await;
    bench.receive(vec![delivered("b", 6), delivered("?", 7)]).await;
    let totals = bench.store.totals().await.unwrap();
    let of = |state| totals.open.iter().find(|it| it.1 == state).map(|it| (it.0, it.2, it.3));
    assert_eq!(of(State::Queued), Some((Class::Transaction, 2, NOW)));
    for state in [State::Claimed, State::Submitted, State::Uncertain] {
        assert_eq!(of(state), Some((Class::Transaction, 1, NOW)), "{state}");
    }
    assert_eq!((totals.open.len(), totals.parked.rows), (4, 1));
}

async fn a_closed_store_says_so(bench: &Bench) {
    bench.store.close().await;
    assert!(matches!(bench.store.backlog().await, Err(StoreError::Open(_))));
    assert!(matches!(bench.store.take_lease().await, Err(StoreError::Open(_))));
    // For the check of the file, which closes it once more.
    assert!(bench.store.checkpoint().await.is_err());
}
