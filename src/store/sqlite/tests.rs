//! What is SQLite's alone: the file, its lock and settings, and rows that nobody can read.

use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;

use super::{SqliteSettings, SqliteStore};
use crate::domain::State;
use crate::store::conformance::harness::*;
use crate::store::{Act, ActItem, ActResult, Batch, MessageQuery, ReceiptResult, Store, StoreError, Sweep};

pub(super) fn settings(dir: &TempDir) -> SqliteSettings {
    SqliteSettings {
        file: dir.path().join("araldo.db"),
        readers: 2,
        read_deadline: Duration::from_secs(5),
    }
}

pub(super) async fn raw(dir: &TempDir) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(settings(dir).file)
        .connect()
        .await
        .unwrap()
}

/// A plain connection to a new file with our schema.
pub(super) async fn fresh_file(dir: &TempDir) -> SqliteConnection {
    SqliteStore::open(&settings(dir)).await.unwrap().close().await;
    raw(dir).await
}

/// Changes the file behind the store's back.
pub(super) async fn tamper(bench: &Bench, sql: &str) {
    let mut connection = raw(bench.dir.as_ref().unwrap()).await;
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_second_open_of_the_same_directory_names_the_process_that_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&settings(&dir)).await.unwrap();
    let refused = SqliteStore::open(&settings(&dir)).await.err().unwrap();
    let StoreError::InUse { owner, .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!(*owner, format!("pid {}", std::process::id()));
    store.close().await;
    drop(store);
    SqliteStore::open(&settings(&dir)).await.unwrap();
}

#[tokio::test]
async fn opening_waits_for_a_program_that_holds_the_lock_and_names_the_cure_where_it_has_no_end() {
    const SHORT: Duration = Duration::from_millis(20);
    let dir = tempfile::tempdir().unwrap();
    let mut program = fresh_file(&dir).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut program).await.unwrap();
    let refused = SqliteStore::open_within(&settings(&dir), SHORT, SHORT)
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, StoreError::Locked(_)), "{refused}");
    assert!(refused.to_string().contains("let it end its transaction"), "{refused}");
    let settings = settings(&dir);
    let opened = SqliteStore::open_within(&settings, Duration::from_mins(1), SHORT);
    let ended = async {
        tokio::time::sleep(SHORT * 5).await;
        program.close().await.unwrap();
    };
    let (opened, ()) = tokio::join!(opened, ended);
    opened.unwrap().take_lease().await.unwrap();
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut connection = fresh_file(&dir).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'newer', 1, x'00', 0)";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let refused = SqliteStore::open(&settings(&dir)).await.err().unwrap();
    assert!(matches!(refused, StoreError::TooNew(_)), "{refused}");
}

#[tokio::test]
async fn the_writer_syncs_each_commit_into_a_log_and_gives_free_pages_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&settings(&dir)).await.unwrap();
    let mut writer = store.writer.lock().await;
    let connection = &mut writer.as_mut().unwrap().connection;
    for (pragma, wanted) in [("synchronous", 2_i64), ("auto_vacuum", 2), ("wal_autocheckpoint", 0)] {
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(format!("PRAGMA {pragma}")))
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(found, wanted, "{pragma}");
    }
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(connection)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&settings(&dir)).await.unwrap();
    assert!(
        sqlx::query("DELETE FROM message")
            .execute(&store.readers)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_is_committed_is_there_after_a_reopen_and_places_go_on() {
    let bench = Bench::sqlite().await;
    bench.sent(1, "a").await;
    bench.receive(vec![delivered("?", 9)]).await;
    bench.store.close().await;
    let Bench { dir, store } = bench;
    drop(store);
    let dir = dir.unwrap();
    let store = std::sync::Arc::new(SqliteStore::open(&settings(&dir)).await.unwrap());
    assert_ne!(store.take_lease().await.unwrap(), LEASE);
    let bench = Bench { store, dir: Some(dir) };
    assert_eq!(bench.claimed(2).await.seq, 2);
    assert_eq!((bench.state(1).await, bench.parked().await), (State::Submitted, 1));
    bench.check_file().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_quarantined_by_the_claim_and_others_go_on() {
    for poison in [
        "class = 'unheard_of'",
        "sender = ''",
        "encoding = 'morse'",
        "segments = 300",
        "reason = 'whim'",
    ] {
        let bench = Bench::sqlite().await;
        bench.enqueue((1..=3).map(message)).await;
        tamper(&bench, &format!("UPDATE message SET {poison} WHERE seq = 2")).await;
        bench.store.totals().await.unwrap();
        bench.store.backlog().await.unwrap();
        assert_eq!(seqs(&bench.claim(NOW, tim(), 1_000).await), [1, 3], "{poison}");
        let mut connection = raw(bench.dir.as_ref().unwrap()).await;
        let found: (String, String) = sqlx::query_as("SELECT state, reason FROM message WHERE seq = 2")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(found.0, "quarantined");
        assert!(["poison", "damaged"].contains(&&*found.1), "{poison}: {}", found.1);
        let page = bench
            .store
            .messages(&MessageQuery {
                limit: 9,
                ..Default::default()
            })
            .await
            .unwrap();
        assert!(page.rows.len() >= 2);
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_costs_no_sweep_receipt_or_act_of_another() {
    let bench = Bench::sqlite().await;
    for n in 1..=2 {
        bench.sent(n, &format!("id-{n}")).await;
    }
    bench.claimed_by(tim(), (3..=4).map(message)).await;
    bench.enqueue((5..=6).map(message)).await;
    tamper(&bench, "UPDATE message SET class = 'unheard_of' WHERE seq IN (1, 3, 5)").await;
    let results = bench.receive(vec![delivered("id-1", 1), delivered("id-2", 2)]).await;
    assert_eq!(
        results,
        [ReceiptResult::Parked, ReceiptResult::Matched { candidate: 0 }]
    );
    let lease = bench.store.take_lease().await.unwrap();
    bench.sweep(NOW, Sweep::Orphans { lease, limit: 9 }).await;
    assert_eq!(bench.state(4).await, State::Uncertain);
    let cancel = |n| ActItem {
        id: id(n),
        client: None,
        act: Act::Cancel,
    };
    let acts = bench
        .commit(Batch {
            acts: vec![cancel(5), cancel(6)],
            ..Batch::new(NOW)
        })
        .await
        .acts;
    let refused = ActResult::Refused {
        state: State::Quarantined,
        since: None,
    };
    assert_eq!(acts, [refused, ActResult::Done(State::Canceled)]);
}

#[tokio::test]
async fn a_batch_dropped_half_way_leaves_nothing_and_blocks_nobody() {
    use futures_util::FutureExt;
    let bench = Bench::sqlite().await;
    let batch = |receipts| Batch {
        enqueue: (1..=50).map(|n| new(message(n))).collect(),
        receipts,
        ..Batch::new(NOW)
    };
    // Polled once, the writer has begun and waits for its thread, which looks for the messages of all these receipts
    // before it could be told to commit.
    let many = (0..20_000).map(|n| delivered(&n.to_string(), 9)).collect();
    assert!(bench.try_commit(batch(many)).now_or_never().is_none());
    let applied = bench.commit(batch(Vec::new())).await;
    assert_eq!(applied.enqueue[0], crate::store::EnqueueResult::Stored(1));
    bench.check_file().await;
}
