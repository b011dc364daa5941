use super::behaviours;
use super::harness::*;
use crate::domain::{Class, Lane, NewMessage, State};
use crate::store::{Batch, Claim, LaneClaim, Progress, RestClaim, SegmentState};

behaviours!(
    the_oldest_rows_are_claimed_first,
    a_claim_stops_at_its_bound_of_segments,
    a_long_first_row_is_claimed_whatever_the_bound,
    nothing_is_claimed_for_no_segments,
    a_row_past_its_validity_is_not_claimed,
    claims_of_two_binds_never_overlap,
    a_claim_takes_from_its_lanes_and_priorities_in_their_order,
    many_lanes_are_claimed_at_once_each_for_itself,
    a_claimed_row_carries_all_that_its_carrier_needs,
    a_kept_row_is_in_no_lane_and_is_claimed_by_its_place_with_what_the_carrier_has_of_it,
    what_a_carrier_has_answered_of_a_long_message_is_not_sent_to_it_again,
    the_rich_form_is_kept_with_its_message_and_claimed_with_it,
);

async fn the_rich_form_is_kept_with_its_message_and_claimed_with_it(bench: &Bench) {
    const RICH: &str = r#"{"card":{"title":"Spedita","suggestions":[{"type":"reply","label":"Sì"}]}}"#;
    let rich = NewMessage {
        rich: Some(RICH.into()),
        ..message(1)
    };
    bench.enqueue([rich, message(2)]).await;
    assert_eq!(bench.record(1).await.rich.as_deref(), Some(RICH));
    let claimed = bench.claim(NOW, tim(), 2).await;
    let rich: Vec<_> = claimed.iter().map(|row| row.rich.as_deref()).collect();
    assert_eq!(rich, [Some(RICH), None]);
}

async fn the_oldest_rows_are_claimed_first(bench: &Bench) {
    bench.enqueue((1..=5).map(message)).await;
    assert_eq!(seqs(&bench.claim(NOW, tim(), 2).await), [1, 2]);
    assert_eq!(seqs(&bench.claim(NOW, tim(), 9).await), [3, 4, 5]);
}

async fn a_claim_stops_at_its_bound_of_segments(bench: &Bench) {
    bench.enqueue([long(1, 2), long(2, 2), long(3, 2), message(4)]).await;
    // The second row goes over the bound; the third would begin beyond it.
    assert_eq!(seqs(&bench.claim(NOW, tim(), 3).await), [1, 2]);
    assert_eq!(seqs(&bench.claim(NOW, tim(), 2).await), [3]);
}

async fn a_long_first_row_is_claimed_whatever_the_bound(bench: &Bench) {
    bench.enqueue([long(1, 200), message(2)]).await;
    assert_eq!(seqs(&bench.claim(NOW, tim(), 1).await), [1]);
}

async fn nothing_is_claimed_for_no_segments(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    assert!(bench.claim(NOW, tim(), 0).await.is_empty());
}

async fn a_row_past_its_validity_is_not_claimed(bench: &Bench) {
    let mut short = message(1);
    short.expires_at = at(1_000);
    bench.enqueue([short, message(2)]).await;
    assert_eq!(seqs(&bench.claim(at(1_000), tim(), 1).await), [2]);
    assert_eq!(bench.state(1).await, State::Queued);
}

async fn claims_of_two_binds_never_overlap(bench: &Bench) {
    bench.enqueue((1..=6).map(message)).await;
    let lane = || LaneClaim {
        lane: italy(),
        priority: Class::Transaction.priority(),
        segments: 2,
    };
    let claim = |n| Claim {
        bind: bind("tim", n),
        lease: LEASE,
        lanes: vec![lane()],
    };
    let claims = vec![claim(0), claim(1)];
    let claims = bench
        .commit(Batch {
            claims,
            ..Batch::new(NOW)
        })
        .await
        .claims;
    let taken: Vec<_> = claims.iter().map(|lanes| seqs(&lanes[0].rows)).collect();
    assert_eq!(taken, [[1, 2], [3, 4]]);
    assert_eq!(bench.progress(3).await.bind, Some(bind("tim", 1)));
    assert_eq!(seqs(&bench.claim(NOW, tim(), 9).await), [5, 6]);
}

async fn a_claim_takes_from_its_lanes_and_priorities_in_their_order(bench: &Bench) {
    let mut alert = message(2);
    alert.class = Class::Alert;
    let mut elsewhere = message(3);
    elsewhere.lane = Lane {
        route: name("italy"),
        step: 1,
    };
    bench.enqueue([message(1), alert, elsewhere]).await;
    let lane = |step, class: Class| LaneClaim {
        lane: Lane {
            route: name("italy"),
            step,
        },
        priority: class.priority(),
        segments: 5,
    };
    let lanes = vec![
        lane(0, Class::Alert),
        lane(1, Class::Transaction),
        lane(0, Class::Marketing),
    ];
    let claims = vec![Claim {
        bind: tim(),
        lease: LEASE,
        lanes,
    }];
    let found = bench
        .commit(Batch {
            claims,
            ..Batch::new(NOW)
        })
        .await
        .claims
        .remove(0);
    let taken: Vec<_> = found.iter().map(|lane| seqs(&lane.rows)).collect();
    assert_eq!(taken, [vec![2], vec![3], vec![]]);
    assert_eq!(bench.state(1).await, State::Queued);
}

async fn many_lanes_are_claimed_at_once_each_for_itself(bench: &Bench) {
    let lane = |step| Lane {
        route: name("italy"),
        step,
    };
    let message = |n: u8| NewMessage {
        lane: lane(n - 1),
        ..message(n.into())
    };
    bench.enqueue((1..=9).map(message)).await;
    let claim = |n: u16, steps: std::ops::Range<u8>| Claim {
        bind: bind("tim", n),
        lease: LEASE,
        lanes: steps
            .map(|step| LaneClaim {
                lane: lane(step),
                priority: Class::Transaction.priority(),
                segments: 1,
            })
            .collect(),
    };
    let claims = vec![claim(0, 0..3), claim(1, 3..9), claim(2, 0..0)];
    let batch = Batch {
        claims,
        ..Batch::new(NOW)
    };
    let claims = bench.commit(batch).await.claims;
    let taken: Vec<Vec<_>> = claims
        .iter()
        .map(|lanes| lanes.iter().map(|lane| seqs(&lane.rows)).collect())
        .collect();
    assert_eq!(taken[0], [[1], [2], [3]]);
    assert_eq!(taken[1], [[4], [5], [6], [7], [8], [9]]);
    assert!(taken[2].is_empty());
    assert_eq!(bench.progress(9).await.bind, Some(bind("tim", 1)));
}

async fn a_claimed_row_carries_all_that_its_carrier_needs(bench: &Bench) {
    let mut sent = message(1);
    sent.text = "Perché no? \u{1f3e6} \"".into();
    sent.shape = "flash reference_16 locking_turkish".parse().unwrap();
    bench.enqueue([sent.clone()]).await;
    let row = bench.claim(at(7), tim(), 1).await.remove(0);
    let waiting = Progress::waiting(0, None, sent.expires_at);
    assert_eq!(
        (row.id, &row.client, row.class, &*row.to),
        (sent.id, &sent.client, sent.class, sent.to.digits())
    );
    assert_eq!(
        (&row.from, &row.text, row.encoding, row.segments),
        (&sent.from, &sent.text, sent.encoding, 1)
    );
    assert_eq!(
        (&row.route, row.receipt, row.accepted_at),
        (&sent.lane.route, true, NOW)
    );
    assert_eq!(row.progress, waiting.claimed(LEASE, tim(), at(7)));
    assert!(row.answered.is_empty());
    assert_eq!(row.shape, sent.shape);
    assert_eq!(bench.progress(1).await, row.progress);
    assert_eq!(bench.record(1).await.shape, sent.shape);
}

async fn a_kept_row_is_in_no_lane_and_is_claimed_by_its_place_with_what_the_carrier_has_of_it(bench: &Bench) {
    let claimed = bench.claimed_by(tim(), [long(1, 3), long(2, 2)]).await;
    bench.answer(vec![segment(&claimed[0], 1, "a")]).await;
    for claimed in &claimed {
        bench.settle(claimed, Progress::waiting(0, None, at(3_600_000))).await;
    }
    let lane = LaneClaim {
        lane: italy(),
        priority: Class::Transaction.priority(),
        segments: 9,
    };
    let claims = vec![Claim {
        bind: bind("vodafone", 0),
        lease: LEASE,
        lanes: vec![lane],
    }];
    let rest = |rows| RestClaim {
        bind: tim(),
        lease: LEASE,
        rows,
    };
    let applied = bench
        .commit(Batch {
            claims,
            kept: vec![1],
            rests: vec![rest(vec![1])],
            ..Batch::new(NOW)
        })
        .await;
    assert_eq!(seqs(&applied.claims[0][0].rows), [2]);
    let rests = &applied.rests[0].rows;
    assert_eq!((seqs(rests), &*rests[0].answered), (vec![1], &[1][..]));
    assert_eq!(bench.progress(1).await.bind, Some(tim()));
    // What is claimed, overdue or gone is left alone.
    bench
        .settle(&applied.claims[0][0].rows[0], Progress::waiting(0, None, at(3_600_000)))
        .await;
    let late = Batch {
        rests: vec![rest(vec![1, 2, 9])],
        ..Batch::new(at(3_600_001))
    };
    assert!(bench.commit(late).await.rests[0].rows.is_empty());
}

async fn what_a_carrier_has_answered_of_a_long_message_is_not_sent_to_it_again(bench: &Bench) {
    let claimed = bench.claimed_by(tim(), [long(1, 3)]).await.remove(0);
    let mut refused = segment(&claimed, 2, "b");
    refused.state = SegmentState::Refused;
    bench.answer(vec![segment(&claimed, 1, "a"), refused]).await;
    bench.settle(&claimed, Progress::waiting(0, None, at(3_600_000))).await;
    let again = bench.claim(NOW, tim(), 9).await.remove(0);
    assert_eq!((again.progress.attempt, &*again.answered), (2, &[1][..]));
    bench.settle(&again, Progress::waiting(0, None, at(3_600_000))).await;
    assert!(
        bench
            .claim(NOW, bind("vodafone", 0), 9)
            .await
            .remove(0)
            .answered
            .is_empty()
    );
}
