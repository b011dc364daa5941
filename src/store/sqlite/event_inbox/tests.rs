use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::store::conformance::harness::*;
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::tests::{raw, settings, tamper};
use crate::store::{Batch, Group, GroupResult, InboxMark, InboxPlace, InboxRow, NewEvents, Prune, RefusedEvent};

const ALL: NewEvents = NewEvents {
    after: 0,
    limit: 100,
    max_bytes: 1_000,
};

/// What a program writes.
async fn write(bench: &Bench, columns: &str, values: &str) {
    tamper(bench, &format!("INSERT INTO event_inbox ({columns}) VALUES ({values})")).await;
}

async fn write_one(bench: &Bench) {
    write(bench, "client, source, type", "'bank', '/cards', 'shipped'").await;
}

/// State, rules, messages and error of every row.
async fn rows(bench: &Bench) -> Vec<(String, Option<i64>, Option<i64>, Option<String>)> {
    let mut connection = raw(bench.dir.as_ref().unwrap()).await;
    let sql = "SELECT state, matched, messages, error FROM event_inbox ORDER BY id";
    sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
}

async fn new_rows(bench: &Bench) -> Vec<InboxRow> {
    bench.store.new_events(&ALL).await.unwrap()
}

fn group(word: &str, place: i64, messages: impl IntoIterator<Item = u32>) -> Group {
    Group {
        client: name("bank"),
        key: key(word, 1, word),
        members: messages.into_iter().map(|n| new(message(n))).collect(),
        inbox: Some(InboxPlace { place, matched: 3 }),
    }
}

async fn publish(bench: &Bench, groups: Vec<Group>) -> Vec<GroupResult> {
    let batch = Batch {
        groups,
        ..Batch::new(NOW)
    };
    bench.commit(batch).await.groups
}

async fn mark(bench: &Bench, inbox: Vec<InboxMark>) {
    let batch = Batch {
        inbox,
        ..Batch::new(NOW)
    };
    bench.commit(batch).await;
}

#[tokio::test]
async fn an_insert_names_only_what_it_must() {
    let bench = Bench::sqlite().await;
    write_one(&bench).await;
    write_one(&bench).await;
    let ids: Vec<_> = new_rows(&bench)
        .await
        .into_iter()
        .map(|row| row.said.unwrap().event_id)
        .collect();
    assert_eq!(ids[0].len(), 32);
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_row_is_settled_by_the_commit_of_its_messages_and_by_no_other() {
    let bench = Bench::sqlite().await;
    write_one(&bench).await;
    let twice = vec![group("a", 1, [1, 2]), group("b", 1, [3])];
    assert_eq!(
        publish(&bench, twice).await,
        [GroupResult::Stored(vec![1, 2]), GroupResult::Withdrawn]
    );
    assert_eq!(
        publish(&bench, vec![group("c", 1, [4])]).await,
        [GroupResult::Withdrawn]
    );
    assert_eq!(rows(&bench).await, [("done".into(), Some(3), Some(2), None)]);
    assert!(bench.store.key(&name("bank"), "c").await.unwrap().is_none());
    assert_eq!(new_rows(&bench).await, []);
}

#[tokio::test]
async fn a_row_that_its_writer_takes_back_makes_no_message() {
    let bench = Bench::sqlite().await;
    write_one(&bench).await;
    tamper(&bench, "DELETE FROM event_inbox").await;
    assert_eq!(
        publish(&bench, vec![group("a", 1, [1])]).await,
        [GroupResult::Withdrawn]
    );
    assert_eq!(bench.store.backlog().await.unwrap(), []);
}

#[tokio::test]
async fn a_commit_that_fails_leaves_the_row_new() {
    let bench = Bench::sqlite().await;
    bench.enqueue([message(1)]).await;
    write_one(&bench).await;
    let batch = Batch {
        groups: vec![group("a", 1, [1])],
        ..Batch::new(NOW)
    };
    bench.try_commit(batch).await.unwrap_err();
    assert_eq!(new_rows(&bench).await.len(), 1);
}

#[tokio::test]
async fn what_an_earlier_event_has_made_is_not_made_again_and_the_row_is_marked() {
    let bench = Bench::sqlite().await;
    write_one(&bench).await;
    write_one(&bench).await;
    publish(&bench, vec![group("a", 1, [1])]).await;
    let again = publish(&bench, vec![group("a", 2, [2])]).await;
    assert_eq!(again, [GroupResult::Replayed("a".into())]);
    mark(&bench, vec![InboxMark::Repeated(2)]).await;
    assert_eq!(rows(&bench).await[1], ("repeated".into(), None, Some(0), None));
}

#[tokio::test]
async fn a_mark_says_why_and_touches_no_settled_row() {
    let bench = Bench::sqlite().await;
    write_one(&bench).await;
    write_one(&bench).await;
    publish(&bench, vec![group("a", 1, [1])]).await;
    let kept = RefusedEvent {
        client: name("bank"),
        source: "/cards".into(),
        event_id: "7".into(),
        kind: "shipped".into(),
        data: "{".into(),
        error: "is not JSON".into(),
    };
    let marks = vec![
        InboxMark::Refused(1, "late".into()),
        InboxMark::Refused(2, "no \"such\" client".into()),
        InboxMark::Kept(Box::new(kept)),
    ];
    mark(&bench, marks).await;
    assert_eq!(
        rows(&bench).await,
        [
            ("done".into(), Some(3), Some(1), None),
            ("refused".into(), None, Some(0), Some("no \"such\" client".into())),
            ("refused".into(), None, Some(0), Some("is not JSON".into())),
        ]
    );
}

#[tokio::test]
async fn rows_come_in_order_whatever_octets_they_hold_and_long_ones_without_their_text() {
    let bench = Bench::sqlite().await;
    let long = format!("'bank', '/cards', 'shipped', '{}'", "x".repeat(2_000));
    write(
        &bench,
        "client, source, type, data",
        "'bank', '/cards', 'a', CAST(x'ff00' AS TEXT)",
    )
    .await;
    write(&bench, "client, source, type, data", &long).await;
    write_one(&bench).await;
    let found = new_rows(&bench).await;
    assert_eq!(found.iter().map(|row| row.place).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(found[0].said.as_ref().unwrap().data.as_deref(), Some(&[0xff, 0][..]));
    assert!(found[1].said.is_none() && found[1].bytes > 2_000, "{:?}", found[1]);
    let next = NewEvents {
        after: 1,
        limit: 1,
        ..ALL
    };
    assert_eq!(bench.store.new_events(&next).await.unwrap()[0].place, 2);
}

#[tokio::test]
async fn settled_rows_are_forgotten_by_age_and_new_ones_never() {
    let bench = Bench::sqlite().await;
    write_one(&bench).await;
    write_one(&bench).await;
    publish(&bench, vec![group("a", 1, [])]).await;
    let prune = |before| Prune {
        after: 0,
        step: 10,
        ended_before: before,
        keys_before: NOW,
        parked_before: NOW,
        notices_after: 0,
    };
    for (before, forgotten) in [(NOW, 0), (at(1), 1), (at(1), 0)] {
        let batch = Batch {
            prune: Some(prune(before)),
            ..Batch::new(NOW)
        };
        assert_eq!(bench.commit(batch).await.prune.unwrap().inbox, forgotten);
    }
    assert_eq!(rows(&bench).await, [("new".into(), None, None, None)]);
}

#[tokio::test]
async fn a_row_that_would_never_be_looked_at_is_refused_as_it_is_written() {
    let bench = Bench::sqlite().await;
    write_one(&bench).await;
    let mut program = raw(bench.dir.as_ref().unwrap()).await;
    for sql in [
        "INSERT INTO event_inbox (id, client, source, type) VALUES (0, 'bank', '/', 'x')",
        "INSERT INTO event_inbox (id, client, source, type) VALUES (-5, 'bank', '/', 'x')",
        "INSERT INTO event_inbox (id, client, source, type) VALUES (9223372036854775807, 'bank', '/', 'x')",
        "INSERT INTO event_inbox (client, source, type, state) VALUES ('bank', '/', 'x', 'weird')",
        "UPDATE event_inbox SET state = 'news'",
        "UPDATE event_inbox SET id = 9223372036854775807",
    ] {
        let refused = sqlx::query(AssertSqlSafe(sql)).execute(&mut program).await.unwrap_err();
        assert!(refused.to_string().contains("event_inbox: "), "{sql}: {refused}");
    }
    execute(
        &mut program,
        "INSERT INTO event_inbox (client, source, type) VALUES ('bank', '/', 'x')",
    )
    .await;
    program.close().await.unwrap();
    let places: Vec<_> = new_rows(&bench).await.into_iter().map(|row| row.place).collect();
    assert_eq!(places, [1, 2], "the next id is the next");
}

#[tokio::test]
async fn rows_that_were_never_looked_at_are_refused_by_the_migration_and_ids_go_on() {
    let mut file = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    for sql in [
        include_str!("../../../../migrations/sqlite/0006_event_inbox.sql"),
        "INSERT INTO event_inbox (id, client, source, type, state) VALUES (3, 'bank', '/', 'x', 'weird'), \
         (4, 'bank', '/', 'x', 'new'), (-5, 'bank', '/', 'x', 'new'), (9223372036854775807, 'bank', '/', 'x', 'done')",
        include_str!("../../../../migrations/sqlite/0012_event_inbox_bounds.sql"),
        "INSERT INTO event_inbox (client, source, type) VALUES ('bank', '/', 'x')",
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut file).await.unwrap();
    }
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, state FROM event_inbox ORDER BY id")
        .fetch_all(&mut file)
        .await
        .unwrap();
    let rows: Vec<_> = rows.iter().map(|(id, state)| (*id, state.as_str())).collect();
    assert_eq!(
        rows,
        [(3, "refused"), (4, "new"), (5, "refused"), (6, "done"), (7, "new")]
    );
}

/// A program that has begun to write.
async fn holder(bench: &Bench) -> SqliteConnection {
    let mut connection = raw(bench.dir.as_ref().unwrap()).await;
    execute(&mut connection, "BEGIN IMMEDIATE").await;
    execute(
        &mut connection,
        "INSERT INTO event_inbox (client, source, type) VALUES ('bank', '/', 'x')",
    )
    .await;
    connection
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::query(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_commit_waits_for_a_program_that_holds_the_write_lock_however_long() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&settings(&dir)).await.unwrap();
    // As if the program held it much longer than SQLite waits by itself.
    execute(
        &mut store.writer.lock().await.as_mut().unwrap().connection,
        "PRAGMA busy_timeout = 20",
    )
    .await;
    let bench = Bench {
        store: Arc::new(store),
        dir: Some(dir),
    };
    let mut program = holder(&bench).await;
    let commit = bench.enqueue([message(1)]);
    tokio::pin!(commit);
    let early = tokio::time::timeout(Duration::from_secs(1), &mut commit).await;
    assert!(early.is_err(), "nothing was committed while the lock was held");
    assert_eq!(new_rows(&bench).await, [], "readers do not wait");
    assert!(bench.store.waits_for_lock());
    execute(&mut program, "COMMIT").await;
    commit.await;
    assert!(!bench.store.waits_for_lock());
    assert_eq!(new_rows(&bench).await.len(), 1);
    assert_eq!(bench.store.backlog().await.unwrap()[0].rows, 1);
    program.close().await.unwrap();
}
