use bytes::Bytes;

use super::behaviours;
use super::harness::*;
use crate::domain::{Concat, ReferenceSize};
use crate::store::{BadPdu, Batch, InboundQuery, InboundResult, Loss, NewInbound};

behaviours!(
    equal_texts_are_two_texts,
    a_text_with_the_carriers_own_id_is_stored_once,
    a_text_whose_answer_was_lost_is_stored_once,
    a_text_is_kept_as_it_came,
    inbound_texts_are_listed_by_address_newest_first,
    unreadable_pdus_are_kept_within_a_bound,
);

async fn store(bench: &Bench, inbound: Vec<NewInbound>) -> Vec<InboundResult> {
    bench
        .commit(Batch {
            inbound,
            ..Batch::new(NOW)
        })
        .await
        .inbound
}

async fn equal_texts_are_two_texts(bench: &Bench) {
    let results = store(bench, vec![text_in(1, 1), text_in(2, 1)]).await;
    assert_eq!(results, [InboundResult::Stored(1), InboundResult::Stored(2)]);
    assert_eq!(store(bench, vec![text_in(3, 1)]).await, [InboundResult::Stored(3)]);
}

async fn a_text_with_the_carriers_own_id_is_stored_once(bench: &Bench) {
    let named = |n, digest| NewInbound {
        carrier_message_id: Some("mo-1".into()),
        ..text_in(n, digest)
    };
    assert_eq!(
        store(bench, vec![named(1, 1), named(2, 1)]).await,
        [InboundResult::Stored(1), InboundResult::Repeated]
    );
    // The id is one of another day's where the octets differ, and another's where the carrier is another.
    let mut elsewhere = named(4, 1);
    elsewhere.bind = bind("vodafone", 0);
    let results = store(bench, vec![named(3, 1), named(3, 2), elsewhere]).await;
    assert_eq!(
        results,
        [
            InboundResult::Repeated,
            InboundResult::Stored(2),
            InboundResult::Stored(3)
        ]
    );
}

async fn a_text_whose_answer_was_lost_is_stored_once(bench: &Bench) {
    let after_loss = |n, digest, losses: &[(i64, i64)]| NewInbound {
        losses: losses
            .iter()
            .map(|(from, to)| Loss {
                from: at(*from),
                to: at(*to),
            })
            .collect(),
        at: at(90_000),
        ..text_in(n, digest)
    };
    store(bench, vec![text_in(1, 1)]).await;
    let results = store(
        bench,
        vec![
            after_loss(2, 1, &[(80_000, 80_000), (60_000, 75_000)]),
            after_loss(3, 1, &[(60_001, 75_000)]),
            after_loss(4, 1, &[(-9, -1)]),
            after_loss(5, 2, &[(60_000, 60_000)]),
        ],
    )
    .await;
    let [repeated, stored @ ..] = &results[..] else {
        panic!()
    };
    assert_eq!(*repeated, InboundResult::Repeated);
    assert_eq!(
        stored,
        [
            InboundResult::Stored(2),
            InboundResult::Stored(3),
            InboundResult::Stored(4)
        ]
    );
}

async fn a_text_is_kept_as_it_came(bench: &Bench) {
    let binary = NewInbound {
        text: None,
        segment: None,
        note: Some("short".into()),
        lossy: true,
        ..text_in(2, 2)
    };
    let segment = NewInbound {
        segment: Concat::new(ReferenceSize::Bits8, 7, 2, 1),
        ..text_in(1, 1)
    };
    store(bench, vec![segment, binary]).await;
    let rows = bench
        .store
        .inbound(&InboundQuery {
            limit: 9,
            ..Default::default()
        })
        .await
        .unwrap()
        .rows;
    let [second, first] = &rows[..] else {
        panic!("{}", rows.len())
    };
    assert_eq!(
        (first.text.as_deref(), first.segment, first.at),
        (Some("STOP\0"), Concat::new(ReferenceSize::Bits8, 7, 2, 1), NOW)
    );
    assert_eq!(
        (first.id, &*first.from, &*first.to),
        (text_in(1, 1).id, "393331234567", "12345")
    );
    assert_eq!(
        (second.text.as_deref(), second.segment, second.lossy),
        (None, None, true)
    );
    assert_eq!(second.note.as_deref(), Some("short"));
}

async fn inbound_texts_are_listed_by_address_newest_first(bench: &Bench) {
    let to = |n: u8| NewInbound {
        to: if n.is_multiple_of(2) {
            "222".into()
        } else {
            "111".into()
        },
        ..text_in(n.into(), n)
    };
    store(bench, (1..=9).map(to).collect()).await;
    let mut query = InboundQuery {
        from: None,
        to: Some(vec!["222".into(), "333".into()]),
        limit: 3,
        before: None,
    };
    let page = bench.store.inbound(&query).await.unwrap();
    assert_eq!(
        (page.rows.iter().map(|it| it.seq).collect::<Vec<_>>(), page.next),
        (vec![8, 6, 4], Some(4))
    );
    query.before = page.next;
    let page = bench.store.inbound(&query).await.unwrap();
    assert_eq!(
        (page.rows.iter().map(|it| it.seq).collect::<Vec<_>>(), page.next),
        (vec![2], None)
    );
}

async fn unreadable_pdus_are_kept_within_a_bound(bench: &Bench) {
    let pdu = |n: u32| BadPdu {
        at: NOW,
        bind: bind(if n.is_multiple_of(2) { "tim" } else { "vodafone" }, 1),
        peer: "192.0.2.7:2775".into(),
        reason: "cut \"short\"".into(),
        status: n,
        octets: Bytes::from(vec![0, 255, 16]),
    };
    for chunk in 0..21 {
        let quarantine = (0..500).map(|n| pdu(chunk * 500 + n)).collect();
        bench
            .commit(Batch {
                quarantine,
                ..Batch::new(NOW)
            })
            .await;
    }
    let kept = bench.store.quarantine(None, u32::MAX).await.unwrap();
    assert_eq!((kept.len(), kept[0].status, kept[9_999].status), (10_000, 10_499, 500));
    assert_eq!(
        (&*kept[0].reason, &kept[0].octets[..]),
        ("cut \"short\"", &[0, 255, 16][..])
    );
    assert_eq!(
        (&kept[0].bind, kept[0].peer.as_deref()),
        (&bind("vodafone", 1), Some("192.0.2.7:2775"))
    );
    assert_eq!(bench.store.quarantine(None, 2).await.unwrap().len(), 2);
    let of_tim = bench.store.quarantine(Some(&name("tim")), 2).await.unwrap();
    assert_eq!(
        of_tim.iter().map(|pdu| pdu.status).collect::<Vec<_>>(),
        [10_498, 10_496]
    );
}
