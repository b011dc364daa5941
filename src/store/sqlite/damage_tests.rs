//! A store that a disk has spoilt: a bit turned, or the file cut, at seeded places.
//!
//! Whatever the place, it ends in one of three ways: the store is refused with the file, the place and a cure; the row is
//! set aside and counted; or nothing of what was accepted has changed. `ARALDO_SEED` gives other places.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;

use super::tests::{raw, settings, tamper};
use super::{SqliteStore, check};
use crate::domain::{Class, NewMessage, Reason, State};
use crate::store::conformance::harness::*;
use crate::store::{Batch, CheckReport, Claim, InboundQuery, LaneClaim, Lease, MessageQuery, Store, StoreError, Sweep};

/// Messages in the file; some have ended, most wait.
const MESSAGES: u32 = 400;
const TEXTS: u32 = 40;

/// How it ended.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Refused,
    Isolated,
    Unchanged,
}

/// The n-th message, in a text of its own.
fn original(n: u32) -> NewMessage {
    NewMessage {
        text: format!("Message {n}: your card has been shipped.").into(),
        reference: n.is_multiple_of(3).then(|| format!("order-{n}").into()),
        ..message(n)
    }
}

/// A filled store; `stopped` in good order, or killed with half of it in the log.
async fn filled(stopped: bool) -> TempDir {
    let bench = Bench::sqlite().await;
    bench.enqueue((1..=MESSAGES / 2).map(original)).await;
    bench.store.checkpoint().await.unwrap();
    for n in 0..TEXTS {
        let inbound = vec![text_in(n.into(), u8::try_from(n).unwrap())];
        bench
            .commit(Batch {
                inbound,
                ..Batch::new(NOW)
            })
            .await;
    }
    for first in (MESSAGES / 2 + 1..=MESSAGES).step_by(10) {
        bench.enqueue((first..first + 10).map(original)).await;
    }
    for claimed in bench.claim(NOW, tim(), MESSAGES / 10).await {
        let id = format!("carrier-{}", claimed.seq);
        bench.settle(&claimed, submitted(&claimed, &id)).await;
    }
    let copy = tempfile::tempdir().unwrap();
    if stopped {
        bench.store.close().await;
    }
    copy_state(bench.dir.as_ref().unwrap().path(), copy.path());
    copy
}

fn copy_state(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn seed() -> u64 {
    std::env::var("ARALDO_SEED").map_or(20_261_122, |seed| seed.parse().unwrap())
}

/// Where the damage is done.
#[derive(Debug)]
struct Place {
    file: &'static str,
    octet: usize,
    bit: u8,
    cut: bool,
}

impl Place {
    fn draw(random: &mut StdRng, dir: &Path, stopped: bool) -> Self {
        let file = if stopped || random.random_bool(0.5) {
            "araldo.db"
        } else {
            "araldo.db-wal"
        };
        let length = usize::try_from(fs::metadata(dir.join(file)).unwrap().len()).unwrap();
        Self {
            file,
            octet: random.random_range(0..length),
            bit: random.random_range(0..8),
            cut: random.random_bool(0.2),
        }
    }

    fn spoil(&self, dir: &Path) {
        let path = dir.join(self.file);
        let mut octets = fs::read(&path).unwrap();
        if self.cut {
            octets.truncate(self.octet);
        } else {
            octets[self.octet] ^= 1 << self.bit;
        }
        fs::write(path, octets).unwrap();
    }
}

/// What a daemon does with the file: opens it, serves, and checks. `serve_first` claims before the check has seen
/// anything, as a busy start does.
async fn live(dir: &TempDir, serve_first: bool) -> Result<CheckReport, StoreError> {
    let store = SqliteStore::open(&settings(dir)).await?;
    let lease = store.take_lease().await?;
    if serve_first {
        drain(&store, lease).await?;
    }
    let found = store.check().await?;
    assert!(found.is_whole);
    let seqs = found.messages.clone();
    let sweeps = vec![Sweep::Damaged { seqs }];
    let isolate = Batch {
        sweeps,
        ..Batch::new(at(20))
    };
    store.commit(&isolate, &TestRules).await?;
    drain(&store, lease).await?;
    let again = store.check().await?;
    assert_eq!(again.messages, [0; 0], "what was found is set aside");
    store.close().await;
    Ok(found)
}

/// Claims all that waits, and holds each against what was accepted.
async fn drain(store: &SqliteStore, lease: Lease) -> Result<(), StoreError> {
    loop {
        let lanes = vec![LaneClaim {
            lane: italy(),
            priority: Class::Transaction.priority(),
            segments: 50,
        }];
        let claims = vec![Claim {
            bind: tim(),
            lease,
            lanes,
        }];
        let batch = Batch {
            claims,
            ..Batch::new(at(10))
        };
        let claimed = store.commit(&batch, &TestRules).await?.claims.remove(0).remove(0);
        for row in &claimed.rows {
            let wanted = original(u32::try_from(row.seq).unwrap());
            assert_eq!(
                (
                    row.id,
                    &*row.to,
                    &row.from,
                    &*row.text,
                    row.encoding,
                    row.class,
                    row.receipt
                ),
                (
                    wanted.id,
                    wanted.to.digits(),
                    &wanted.from,
                    &*wanted.text,
                    wanted.encoding,
                    wanted.class,
                    wanted.receipt
                ),
                "sent as it was accepted"
            );
        }
        if claimed.rows.is_empty() && claimed.quarantined == 0 {
            return Ok(());
        }
    }
}

/// Every message by its place: gone through the API's own reads.
async fn books(dir: &TempDir) -> (BTreeMap<i64, State>, usize) {
    let store = SqliteStore::open(&settings(dir)).await.unwrap();
    let query = MessageQuery {
        limit: MESSAGES * 2,
        ..MessageQuery::default()
    };
    let page = store.messages(&query).await.unwrap();
    let mut states = BTreeMap::new();
    for record in page.rows {
        let state = record.row.progress.state;
        if state != State::Quarantined {
            let wanted = original(u32::try_from(record.row.seq).unwrap());
            assert_eq!(
                (record.id(), &*record.text),
                (wanted.id, &*wanted.text),
                "shown as it was accepted"
            );
            assert_eq!(record.reference, wanted.reference);
        }
        states.insert(record.row.seq, state);
    }
    // A row that not even its words can be read of is still there, set aside.
    let mut connection = raw(dir).await;
    let set_aside: Vec<i64> = sqlx::query_scalar("SELECT seq FROM message WHERE state = 'quarantined'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    states.extend(set_aside.into_iter().map(|seq| (seq, State::Quarantined)));
    let query = InboundQuery {
        limit: TEXTS * 2,
        ..InboundQuery::default()
    };
    let texts = store.inbound(&query).await.unwrap().rows.len();
    store.close().await;
    (states, texts)
}

async fn trial(whole: &Path, place: &Place, serve_first: bool) -> End {
    let dir = tempfile::tempdir().unwrap();
    copy_state(whole, dir.path());
    place.spoil(dir.path());
    let found = match live(&dir, serve_first).await {
        Ok(found) => found,
        Err(StoreError::Damaged(said) | StoreError::Open(said)) => {
            assert!(said.contains("araldo.db") && said.contains("cure"), "{said}");
            return End::Refused;
        }
        Err(StoreError::TooNew(said)) => {
            assert!(said.contains("araldo.db"), "{said}");
            return End::Refused;
        }
        Err(other) => panic!("{other}"),
    };
    let (states, texts) = books(&dir).await;
    assert_eq!(states.len(), MESSAGES as usize, "none is missing");
    assert_eq!(texts + found.texts.len(), TEXTS as usize, "no text is missing");
    let open = states
        .values()
        .filter(|state| !matches!(state, State::Claimed | State::Submitted | State::Quarantined));
    let set_aside = states.values().filter(|state| **state == State::Quarantined).count();
    // Of a row that no more than its time was spoilt, the end of its validity takes care.
    assert!(open.count() <= 1, "{states:?}");
    if set_aside > 0 || !found.texts.is_empty() {
        End::Isolated
    } else {
        End::Unchanged
    }
}

#[tokio::test]
async fn a_bit_turned_or_a_file_cut_at_200_seeded_places_is_refused_isolated_or_nothing() {
    const PLACES: u64 = 200;
    let (stopped, killed) = tokio::join!(filled(true), filled(false));
    let seed = seed();
    eprintln!("ARALDO_SEED={seed}");
    let mut ends: BTreeMap<End, u32> = BTreeMap::new();
    for n in 0..PLACES {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(n));
        let in_order = n % 2 == 0;
        let whole = if in_order { &stopped } else { &killed };
        let place = Place::draw(&mut random, whole.path(), in_order);
        eprintln!("{n}: {place:?}");
        let end = trial(whole.path(), &place, n % 4 < 2).await;
        eprintln!("{n}: {end:?}");
        *ends.entry(end).or_default() += 1;
    }
    eprintln!("{ends:?}");
    assert!(ends.len() == 3, "each of the three ways was seen: {ends:?}");
}

#[tokio::test]
async fn a_damaged_row_is_set_aside_by_the_claim_and_its_neighbours_go_on() {
    for spoilt in [
        "text = 'Your card has been stolen.'",
        "recipient = '393331200009'",
        "segments = 2",
        "receipt = 0",
        "shape = 'flash'",
    ] {
        let bench = Bench::sqlite().await;
        bench.enqueue((1..=3).map(message)).await;
        tamper(&bench, &format!("UPDATE message SET {spoilt} WHERE seq = 2")).await;
        let shown = bench.record(2).await;
        assert_eq!(
            (shown.row.progress.state, &*shown.text),
            (State::Quarantined, ""),
            "{spoilt}"
        );
        assert_eq!(seqs(&bench.claim(NOW, tim(), 1_000).await), [1, 3], "{spoilt}");
        let progress = bench.progress(2).await;
        assert_eq!(
            (progress.state, progress.reason),
            (State::Quarantined, Some(Reason::Damaged))
        );
        bench.check_file().await;
    }
}

#[tokio::test]
async fn a_row_with_a_cell_of_another_type_holds_up_nobody() {
    let bench = Bench::sqlite().await;
    bench.enqueue((1..=3).map(message)).await;
    // What a bit in the head of the record does: no statement of ours can.
    tamper(&bench, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'message'; PRAGMA writable_schema = RESET; UPDATE message SET text = x'ff' WHERE seq = 2; PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = sql || ' STRICT' WHERE name = 'message'").await;
    assert_eq!(seqs(&bench.claim(NOW, tim(), 1_000).await), [1, 3]);
    assert_eq!(bench.state(2).await, State::Quarantined);
}

#[tokio::test]
async fn a_text_that_was_spoilt_is_not_shown_and_the_others_are() {
    let bench = Bench::sqlite().await;
    let inbound = (1..=3).map(|n| text_in(n.into(), n)).collect();
    bench
        .commit(Batch {
            inbound,
            ..Batch::new(NOW)
        })
        .await;
    tamper(&bench, "UPDATE inbound SET text = 'START' WHERE seq = 2").await;
    let query = InboundQuery {
        limit: 9,
        ..InboundQuery::default()
    };
    let page = bench.store.inbound(&query).await.unwrap();
    assert_eq!(page.rows.iter().map(|text| text.seq).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(bench.store.check().await.unwrap().texts, [2]);
    let left = bench.store.unhandled_texts(0, 9).await.unwrap();
    let said: Vec<_> = left.iter().map(|text| (text.seq, text.text.is_some())).collect();
    assert_eq!(said, [(1, true), (2, false), (3, true)], "nor is anything done for it");
}

#[tokio::test]
async fn rows_of_before_there_were_checksums_are_served() {
    let bench = Bench::sqlite().await;
    bench.enqueue((1..=2).map(message)).await;
    tamper(&bench, "UPDATE message SET checksum = NULL").await;
    let found = bench.store.check().await.unwrap();
    assert_eq!((found.rows, found.unchecked, found.damaged), (2, 2, 0));
    assert_eq!(seqs(&bench.claim(NOW, tim(), 9).await), [1, 2]);
}

#[tokio::test]
async fn a_file_found_damaged_is_refused_before_it_serves_again_until_it_is_mended() {
    let bench = Bench::sqlite().await;
    bench.enqueue((1..=3).map(message)).await;
    // An index that has lost a row, as a disk may leave it.
    let lose = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '''queued''', '''quened''') \
                WHERE name = 'message_queue'; PRAGMA writable_schema = RESET; REINDEX message_queue; \
                PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '''quened''', '''queued''') \
                WHERE name = 'message_queue'; PRAGMA writable_schema = RESET";
    tamper(&bench, lose).await;
    let found = bench.store.check().await.unwrap_err();
    let said = found.to_string();
    assert!(
        said.contains("missing from index message_queue") && said.contains("REINDEX"),
        "{said}"
    );
    assert!(found.is_fatal() && bench.store.damage().is_some());
    bench.store.close().await;
    let Bench { dir, store } = bench;
    drop(store);
    let dir = dir.unwrap();
    let refused = SqliteStore::open(&settings(&dir)).await.err().unwrap();
    assert!(refused.to_string().contains("message_queue"), "{refused}");
    let mut connection = raw(&dir).await;
    sqlx::query("REINDEX").execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    let store = SqliteStore::open(&settings(&dir)).await.unwrap();
    assert!(store.damage().is_none());
    assert_eq!(store.backlog().await.unwrap()[0].rows, 3);
}

#[tokio::test]
async fn a_file_cut_to_nothing_is_not_taken_for_a_new_one() {
    let dir = filled(true).await;
    drop(SqliteStore::open(&settings(&dir)).await.unwrap());
    fs::write(dir.path().join("araldo.db"), b"").unwrap();
    for ending in ["-wal", "-shm"] {
        fs::remove_file(dir.path().join(format!("araldo.db{ending}"))).ok();
    }
    for _ in 0..2 {
        let refused = SqliteStore::open(&settings(&dir)).await.err().unwrap();
        assert!(
            refused.to_string().contains("is empty, and was a database"),
            "{refused}"
        );
    }
    fs::remove_file(dir.path().join("araldo.db")).unwrap();
    SqliteStore::open(&settings(&dir)).await.unwrap();
}

#[tokio::test]
async fn a_check_of_a_sound_file_counts_every_row() {
    let dir = filled(true).await;
    let found = super::check(&dir.path().join("araldo.db"), &|_| {}).await.unwrap();
    assert_eq!(found.rows, u64::from(MESSAGES + TEXTS));
    assert_eq!((found.unchecked, found.damaged, found.is_whole), (0, 0, true));
    let missing = super::check(&dir.path().join("other.db"), &|_| {}).await.unwrap_err();
    assert!(missing.to_string().contains("other.db"), "{missing}");
}

#[tokio::test]
async fn the_log_of_a_killed_process_is_read_whole() {
    let dir = filled(false).await;
    assert!(fs::metadata(dir.path().join("araldo.db-wal")).unwrap().len() > 0);
    let manner = check::Manner::Alone;
    let found = check::check(&dir.path().join("araldo.db"), &manner, &|_| {})
        .await
        .unwrap();
    assert_eq!(found.rows, u64::from(MESSAGES + TEXTS));
}
