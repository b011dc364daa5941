use super::behaviours;
use super::harness::*;
use crate::domain::State;
use crate::store::{Batch, Enqueue, EnqueueResult, Progress, StoreError, Sweep, SweepResult};

behaviours!(
    a_key_is_known_by_its_client,
    the_same_key_and_body_give_the_first_answer_again,
    the_same_key_with_another_body_is_refused,
    twins_in_one_batch_are_one_message,
    keys_of_two_clients_are_two_keys,
    a_key_with_strange_characters_is_kept_to_the_letter,
    a_message_is_stored_as_claimed_where_a_bind_asks_for_it,
    a_message_for_later_is_scheduled_though_a_bind_asks_for_it,
    a_scheduled_message_is_promoted_when_due,
    batches_of_any_size_are_stored_whole_and_in_order,
    a_batch_that_fails_leaves_nothing_behind,
);

fn keyed(n: u32, word: &str, body: u8, answer: &str) -> Enqueue {
    Enqueue {
        key: Some(key(word, body, answer)),
        ..new(message(n))
    }
}

async fn store(bench: &Bench, enqueue: Vec<Enqueue>) -> Vec<EnqueueResult> {
    bench
        .commit(Batch {
            enqueue,
            ..Batch::new(NOW)
        })
        .await
        .enqueue
}

async fn the_same_key_and_body_give_the_first_answer_again(bench: &Bench) {
    assert_eq!(
        store(bench, vec![keyed(1, "k", 1, "first")]).await,
        [EnqueueResult::Stored(1)]
    );
    assert_eq!(
        store(bench, vec![keyed(2, "k", 1, "second")]).await,
        [EnqueueResult::Replayed("first".into())]
    );
    assert!(bench.store.message(id(2), None).await.unwrap().is_none());
}

async fn the_same_key_with_another_body_is_refused(bench: &Bench) {
    store(bench, vec![keyed(1, "k", 1, "first")]).await;
    assert_eq!(
        store(bench, vec![keyed(2, "k", 2, "second")]).await,
        [EnqueueResult::KeyReused]
    );
}

async fn twins_in_one_batch_are_one_message(bench: &Bench) {
    let results = store(
        bench,
        vec![
            keyed(1, "k", 1, "first"),
            keyed(2, "k", 1, "second"),
            keyed(3, "k", 2, "third"),
        ],
    )
    .await;
    let replayed = EnqueueResult::Replayed("first".into());
    assert_eq!(results, [EnqueueResult::Stored(1), replayed, EnqueueResult::KeyReused]);
    assert_eq!(bench.store.backlog().await.unwrap()[0].rows, 1);
}

async fn keys_of_two_clients_are_two_keys(bench: &Bench) {
    let mut other = keyed(2, "k", 1, "second");
    other.message.client = name("shop");
    let results = store(bench, vec![keyed(1, "k", 1, "first"), other]).await;
    assert_eq!(results, [EnqueueResult::Stored(1), EnqueueResult::Stored(2)]);
}

async fn a_key_with_strange_characters_is_kept_to_the_letter(bench: &Bench) {
    for (n, word) in ["a\0b", "a", "\u{1}\"\\'{}\n", "12", "1e3", "null", "", "\u{1f3e6}"]
        .into_iter()
        .enumerate()
    {
        let (n, seq) = (u32::try_from(n).unwrap(), i64::try_from(n).unwrap() + 1);
        let first = store(bench, vec![keyed(n, word, 1, "an\0swer")]).await;
        assert_eq!(first, [EnqueueResult::Stored(seq)], "{word:?}");
        let again = store(bench, vec![keyed(99, word, 1, "again")]).await;
        assert_eq!(again, [EnqueueResult::Replayed("an\0swer".into())], "{word:?}");
    }
}

async fn a_message_is_stored_as_claimed_where_a_bind_asks_for_it(bench: &Bench) {
    let claimed = bench.claimed(1).await;
    let progress = bench.progress(1).await;
    assert_eq!(progress, claimed.progress);
    assert_eq!(
        (progress.state, progress.attempt, progress.lease),
        (State::Claimed, 1, Some(LEASE))
    );
    assert!(bench.claim(NOW, tim(), 10).await.is_empty());
}

async fn a_message_for_later_is_scheduled_though_a_bind_asks_for_it(bench: &Bench) {
    let mut later = message(1);
    later.not_before = Some(at(1_000));
    bench.claimed_by(tim(), [later]).await;
    assert_eq!(
        bench.progress(1).await,
        Progress::waiting(0, Some(at(1_000)), at(3_600_000))
    );
}

async fn a_scheduled_message_is_promoted_when_due(bench: &Bench) {
    let mut later = message(1);
    later.not_before = Some(at(1_000));
    bench.enqueue([later]).await;
    let due = || Sweep::Due {
        state: State::Scheduled,
        limit: 10,
    };
    assert_eq!(bench.sweep(at(999), due()).await, SweepResult::default());
    assert!(bench.claim(at(999), tim(), 10).await.is_empty());
    assert_eq!(
        bench.sweep(at(1_000), due()).await,
        SweepResult { moved: 1, more: false }
    );
    assert_eq!(bench.claim(at(1_000), tim(), 10).await.len(), 1);
}

async fn batches_of_any_size_are_stored_whole_and_in_order(bench: &Bench) {
    bench.enqueue((0..107).map(message)).await;
    let rows = bench.claim(NOW, tim(), 1_000).await;
    assert_eq!(seqs(&rows), (1..=107).collect::<Vec<_>>());
    assert_eq!(
        rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        (0..107).map(id).collect::<Vec<_>>()
    );
}

async fn a_batch_that_fails_leaves_nothing_behind(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    let batch = Batch {
        enqueue: vec![keyed(2, "k", 1, "lost"), new(message(3)), new(message(1))],
        receipts: vec![delivered("x", 9)],
        inbound: vec![text_in(1, 1)],
        ..Batch::new(NOW)
    };
    let failed = bench.try_commit(batch).await.unwrap_err();
    assert!(matches!(failed, StoreError::Statement(_)), "{failed}");
    assert!(bench.store.message(id(2), None).await.unwrap().is_none());
    assert_eq!(bench.parked().await, 0);
    assert!(bench.store.inbound(&Default::default()).await.unwrap().rows.is_empty());
    assert_eq!(
        store(bench, vec![keyed(2, "k", 1, "kept")]).await,
        [EnqueueResult::Stored(2)]
    );
}

async fn a_key_is_known_by_its_client(bench: &Bench) {
    let mut batch = Batch::new(at(0));
    batch.enqueue.push(Enqueue {
        key: Some(key("k", 7, "stored")),
        ..new(message(1))
    });
    bench.commit(batch).await;
    let known = bench.store.key(&message(1).client, "k").await.unwrap().unwrap();
    assert_eq!(
        (known.fingerprint, &*known.answer),
        (key("k", 7, "").fingerprint, "stored")
    );
    assert!(bench.store.key(&name("another"), "k").await.unwrap().is_none());
    assert!(bench.store.key(&message(1).client, "other").await.unwrap().is_none());
}
