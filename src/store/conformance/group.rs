use super::behaviours;
use super::harness::*;
use crate::domain::{Flag, Flags, Reason, State};
use crate::store::{Batch, Birth, Enqueue, EnqueueResult, Event, EventKind, Group, GroupResult, StoreError};

behaviours!(
    a_group_is_stored_under_one_key,
    the_same_group_gives_the_first_answer_again_and_stores_nothing,
    the_key_of_a_group_with_another_body_is_refused,
    a_group_without_messages_keeps_its_key,
    twins_of_a_group_in_one_batch_are_one,
    groups_and_messages_share_the_keys_of_their_client,
    a_group_that_fails_leaves_nothing_behind,
    a_member_begins_with_its_event,
    a_member_that_fails_at_once_is_told_and_never_claimed,
    a_member_is_stored_as_claimed_where_a_bind_asks_for_it,
);

fn group(word: &str, body: u8, members: Vec<Enqueue>) -> Group {
    Group {
        client: name("bank"),
        key: key(word, body, word),
        members,
        inbox: None,
    }
}

fn members(numbers: impl IntoIterator<Item = u32>) -> Vec<Enqueue> {
    numbers.into_iter().map(|n| new(message(n))).collect()
}

async fn store(bench: &Bench, groups: Vec<Group>) -> Vec<GroupResult> {
    let batch = Batch {
        groups,
        ..Batch::new(NOW)
    };
    bench.commit(batch).await.groups
}

async fn rows(bench: &Bench) -> u64 {
    bench.store.backlog().await.unwrap().iter().map(|lane| lane.rows).sum()
}

async fn a_group_is_stored_under_one_key(bench: &Bench) {
    let results = store(bench, vec![group("a", 1, members([1, 2])), group("b", 1, members([3]))]).await;
    assert_eq!(results, [GroupResult::Stored(vec![1, 2]), GroupResult::Stored(vec![3])]);
    assert_eq!(rows(bench).await, 3);
    let known = bench.store.key(&name("bank"), "a").await.unwrap().unwrap();
    assert_eq!((&*known.answer, known.fingerprint), ("a", [1; 32]));
}

async fn the_same_group_gives_the_first_answer_again_and_stores_nothing(bench: &Bench) {
    store(bench, vec![group("a", 1, members([1, 2]))]).await;
    let again = store(bench, vec![group("a", 1, members([3, 4]))]).await;
    assert_eq!(again, [GroupResult::Replayed("a".into())]);
    assert_eq!(rows(bench).await, 2);
}

async fn the_key_of_a_group_with_another_body_is_refused(bench: &Bench) {
    store(bench, vec![group("a", 1, members([1]))]).await;
    assert_eq!(
        store(bench, vec![group("a", 2, members([2]))]).await,
        [GroupResult::KeyReused]
    );
    assert_eq!(rows(bench).await, 1);
}

async fn a_group_without_messages_keeps_its_key(bench: &Bench) {
    assert_eq!(
        store(bench, vec![group("a", 1, vec![])]).await,
        [GroupResult::Stored(vec![])]
    );
    assert_eq!(
        store(bench, vec![group("a", 1, vec![])]).await,
        [GroupResult::Replayed("a".into())]
    );
}

async fn twins_of_a_group_in_one_batch_are_one(bench: &Bench) {
    let twins = vec![
        group("a", 1, members([1, 2])),
        group("a", 1, members([3])),
        group("a", 2, members([4])),
        group("b", 1, members([5])),
    ];
    let results = store(bench, twins).await;
    let stored = |seqs: &[i64]| GroupResult::Stored(seqs.to_vec());
    let replayed = GroupResult::Replayed("a".into());
    assert_eq!(
        results,
        [stored(&[1, 2]), replayed, GroupResult::KeyReused, stored(&[3])]
    );
}

async fn groups_and_messages_share_the_keys_of_their_client(bench: &Bench) {
    let batch = Batch {
        enqueue: vec![Enqueue {
            key: Some(key("a", 1, "single")),
            ..new(message(1))
        }],
        groups: vec![group("a", 1, members([2])), group("b", 1, members([3]))],
        ..Batch::new(NOW)
    };
    let applied = bench.commit(batch).await;
    assert_eq!(applied.enqueue, [EnqueueResult::Stored(1)]);
    assert_eq!(
        applied.groups,
        [GroupResult::Replayed("single".into()), GroupResult::Stored(vec![2])]
    );
}

async fn a_group_that_fails_leaves_nothing_behind(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    let batch = Batch {
        groups: vec![group("a", 1, members([2, 3])), group("b", 1, members([4, 1]))],
        ..Batch::new(NOW)
    };
    let failed = bench.try_commit(batch).await.unwrap_err();
    assert!(matches!(failed, StoreError::Statement(_)), "{failed}");
    assert_eq!(rows(bench).await, 1);
    assert!(bench.store.key(&name("bank"), "a").await.unwrap().is_none());
    assert_eq!(
        store(bench, vec![group("a", 1, members([2]))]).await,
        [GroupResult::Stored(vec![2])]
    );
}

fn born(n: u32, birth: Birth) -> Enqueue {
    Enqueue {
        birth: Some(Box::new(birth)),
        ..new(message(n))
    }
}

fn by_event() -> Event {
    Event {
        at: NOW,
        kind: EventKind::ByEvent,
        attempt: 0,
        bind: None,
        code: None,
        note: Some("by event \"7\" of /cards, rule x".into()),
    }
}

async fn a_member_begins_with_its_event(bench: &Bench) {
    let birth = Birth {
        event: Some(by_event()),
        flags: Flags::default().with(Flag::Personal),
        ..Birth::default()
    };
    store(bench, vec![group("a", 1, vec![born(1, birth), new(message(2))])]).await;
    let record = bench.record(1).await;
    assert_eq!(record.events, [by_event()]);
    assert!(record.row.progress.flags.has(Flag::Personal));
    assert!(bench.record(2).await.events.is_empty());
    let claimed = bench.claim(NOW, tim(), 10).await;
    assert!(
        claimed[0].progress.flags.has(Flag::Personal),
        "the note goes on with the claim"
    );
}

async fn a_member_that_fails_at_once_is_told_and_never_claimed(bench: &Bench) {
    let birth = Birth {
        failed: Some(Reason::NoRoute),
        ..Birth::default()
    };
    let batch = Batch {
        groups: vec![group("a", 1, vec![born(1, birth), new(message(2))])],
        ..Batch::new(NOW)
    };
    let applied = bench.commit(batch).await;
    assert_eq!(applied.groups, [GroupResult::Stored(vec![1, 2])]);
    let told: Vec<_> = applied
        .changed
        .iter()
        .map(|changed| (changed.id, changed.progress.state))
        .collect();
    assert_eq!(told, [(id(1), State::Failed)]);
    let progress = bench.progress(1).await;
    assert_eq!(
        (progress.state, progress.reason, progress.final_at, progress.wake_at),
        (State::Failed, Some(Reason::NoRoute), Some(NOW), None)
    );
    assert_eq!(seqs(&bench.claim(NOW, tim(), 10).await), [2]);
}

async fn a_member_is_stored_as_claimed_where_a_bind_asks_for_it(bench: &Bench) {
    let claimed = Enqueue {
        claim: Some((tim(), LEASE)),
        ..new(message(1))
    };
    store(bench, vec![group("a", 1, vec![claimed])]).await;
    assert_eq!(bench.state(1).await, State::Claimed);
}
