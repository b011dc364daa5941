use super::behaviours;
use super::harness::*;
use crate::store::{Batch, NewRcsEvent, Prune, RcsEventResult, RcsMark};

behaviours!(
    an_event_is_kept_once_however_often_it_comes,
    the_same_event_of_another_carrier_is_another,
    events_are_given_in_their_order_until_they_are_marked,
    an_event_that_was_made_use_of_long_ago_is_forgotten,
);

fn event(carrier: &str, key: u8) -> NewRcsEvent {
    NewRcsEvent {
        carrier: name(carrier),
        key: [key; 32],
        payload: format!("{{\"eventId\": \"{key}\", \"text\": \"è\"}}").into(),
        at: at(key.into()),
    }
}

async fn keep(bench: &Bench, rcs_events: Vec<NewRcsEvent>) -> Vec<RcsEventResult> {
    let batch = Batch {
        rcs_events,
        ..Batch::new(NOW)
    };
    bench.commit(batch).await.rcs_events
}

async fn mark(bench: &Bench, place: i64, error: Option<&str>) {
    let rcs_marks = vec![RcsMark {
        place,
        error: error.map(Into::into),
    }];
    bench
        .commit(Batch {
            rcs_marks,
            ..Batch::new(NOW)
        })
        .await;
}

async fn places(bench: &Bench, after: i64) -> Vec<i64> {
    let events = bench.store.new_rcs_events(after, 100).await.unwrap();
    events.iter().map(|event| event.place).collect()
}

async fn an_event_is_kept_once_however_often_it_comes(bench: &Bench) {
    use RcsEventResult::{Kept, Repeated};
    let twice = vec![event("rbm", 1), event("rbm", 1), event("rbm", 2)];
    assert_eq!(keep(bench, twice).await, [Kept, Repeated, Kept]);
    for _ in 0..100 {
        assert_eq!(keep(bench, vec![event("rbm", 1)]).await, [Repeated]);
    }
    mark(bench, 1, None).await;
    assert_eq!(
        keep(bench, vec![event("rbm", 1)]).await,
        [Repeated],
        "it was made use of"
    );
    assert_eq!(places(bench, 0).await, [2]);
}

async fn the_same_event_of_another_carrier_is_another(bench: &Bench) {
    let results = keep(bench, vec![event("rbm", 1), event("other", 1)]).await;
    assert_eq!(results, [RcsEventResult::Kept; 2]);
}

async fn events_are_given_in_their_order_until_they_are_marked(bench: &Bench) {
    keep(bench, (1..=5).map(|key| event("rbm", key)).collect()).await;
    assert_eq!(places(bench, 0).await, [1, 2, 3, 4, 5]);
    assert_eq!(places(bench, 3).await, [4, 5]);
    mark(bench, 2, None).await;
    mark(bench, 3, Some("senderPhoneNumber: is missing")).await;
    mark(bench, 3, None).await;
    assert_eq!(places(bench, 0).await, [1, 4, 5]);
    let first = bench.store.new_rcs_events(0, 1).await.unwrap().remove(0);
    let told = event("rbm", 1);
    assert_eq!(
        (first.carrier, first.payload, first.at),
        (told.carrier, told.payload, told.at)
    );
}

async fn an_event_that_was_made_use_of_long_ago_is_forgotten(bench: &Bench) {
    keep(bench, vec![event("rbm", 1), event("rbm", 2)]).await;
    mark(bench, 1, None).await;
    let prune = |ended_before| Prune {
        after: 0,
        step: 100,
        ended_before,
        keys_before: NOW,
        parked_before: NOW,
        notices_after: 0,
    };
    let forgotten = async |ended_before| {
        let batch = Batch {
            prune: Some(prune(ended_before)),
            ..Batch::new(at(1))
        };
        bench.commit(batch).await.prune.unwrap().rcs_events
    };
    assert_eq!(forgotten(NOW).await, 0);
    assert_eq!(forgotten(at(1)).await, 1);
    assert_eq!(
        keep(bench, vec![event("rbm", 1), event("rbm", 2)]).await,
        [RcsEventResult::Kept, RcsEventResult::Repeated]
    );
}
