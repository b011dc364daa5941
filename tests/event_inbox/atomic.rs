//! A thousand rollbacks and kills.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rand::RngExt;
use sqlx::Row as _;

use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::nothing_may_be_skipped;
use crate::support::seed::{rng, seed};
use crate::transfer::furnish;
use crate::{LIMIT, every_row_is_settled, execute, file, program};

/// Writers that are killed at the least, and how many of them at a time.
const KILLS: u32 = 400;
const HANDS: u32 = 3;
/// Rollbacks and commits that there are at the least: writers follow one another until there are.
const ROLLBACKS: usize = 600;
const COMMITS: usize = 300;
/// Writers at the most: a machine on which so many do so little is ill.
const WRITERS: u32 = 1_000;
/// Kills of the daemon itself.
const DAEMON_KILLS: u32 = 6;
/// Tokens that one writer may use: far more than it comes to, however late it is killed.
const TOKENS: u32 = 9_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_exists_exactly_when_the_transaction_of_its_row_was_committed() {
    let Some(python) = python() else {
        assert!(!nothing_may_be_skipped(), "python3 is missing: apt-get install python3");
        eprintln!("skipped: python3 is missing");
        return;
    };
    let seed = seed("event inbox");
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "north", &[]);
    furnish(&house, &carrier, "");
    let mut daemon = Some(house.start().await);
    execute(
        &mut program(&house).await,
        "CREATE TABLE transfer (token INTEGER PRIMARY KEY)",
    )
    .await;

    let notes = house.path().join("notes");
    let next = AtomicU32::new(0);
    let killed = std::thread::scope(|scope| {
        let hands: Vec<_> = (0..HANDS)
            .map(|_| scope.spawn(|| work(&python, &file(&house), &notes, seed, &next)))
            .collect();
        let runtime = tokio::runtime::Handle::current();
        for kill in 1..=DAEMON_KILLS {
            while next.load(Ordering::Relaxed) < kill * KILLS / (DAEMON_KILLS + 1) {
                std::thread::sleep(Duration::from_millis(5));
            }
            daemon.take().unwrap().kill();
            daemon = Some(tokio::task::block_in_place(|| runtime.block_on(house.start())));
        }
        hands.into_iter().map(|hand| hand.join().unwrap()).sum::<u32>()
    });
    let database = house.database();
    every_row_is_settled(&database).await;

    let mut file = program(&house).await;
    let booked = sqlx::query("SELECT token FROM transfer")
        .fetch_all(&mut file)
        .await
        .unwrap();
    let mut books: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for row in &booked {
        books.entry(row.get(0)).or_default().0 += 1;
    }
    for row in database.rows().await {
        books.entry(row.token.unwrap()).or_default().1 += 1;
    }
    let wrong: Vec<_> = books.iter().filter(|(_, counts)| **counts != (1, 1)).collect();
    let notes = fs::read(notes).unwrap();
    let (begun, rolled_back) = (count(&notes, b'b'), count(&notes, b'r'));
    eprintln!(
        "event inbox: {killed} writers and {DAEMON_KILLS} daemons killed, {begun} transactions begun, {rolled_back} \
         rolled back, {} committed, {} messages",
        booked.len(),
        books.values().map(|(_, messages)| messages).sum::<u32>()
    );
    assert!(wrong.is_empty(), "token: (rows booked, messages): {wrong:?}");
    assert!(killed >= KILLS && rolled_back >= ROLLBACKS, "too few of each");
    assert!(begun > rolled_back + booked.len(), "no kill came between begin and end");
    assert_eq!(
        database
            .number("SELECT count(*) FROM event_inbox WHERE state <> 'done'")
            .await,
        0
    );
    assert_eq!(database.integrity().await, "ok");
    assert_eq!(house.alarms(), [""; 0]);
    house.settled(LIMIT).await;
    assert_eq!(daemon.unwrap().stop().await.code(), Some(0));
}

/// Starts writers one after the other and kills each at some moment; how many.
fn work(python: &Path, file: &Path, notes: &Path, seed: u64, next: &AtomicU32) -> u32 {
    let mut killed = 0;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= KILLS && enough(notes) {
            return killed;
        }
        assert!(number < WRITERS, "{number} writers, and too few rollbacks and commits");
        let mut writer = Command::new(python)
            .args(["-S", "-E"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/event_inbox/writer.py"))
            .arg(file)
            .args([
                (number * TOKENS + 1).to_string(),
                (seed ^ u64::from(number)).to_string(),
            ])
            .arg(notes)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(writer.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let moment = rng(seed, u64::from(number)).random_range(0..30_000);
        std::thread::sleep(Duration::from_micros(moment));
        writer.kill().unwrap();
        let status = writer.wait().unwrap();
        assert_eq!(status.code(), None, "writer {number} had ended by itself: {status}");
        killed += 1;
    }
}

/// Whether as much was rolled back and committed as the trial asks for.
fn enough(notes: &Path) -> bool {
    let notes = fs::read(notes).unwrap();
    count(&notes, b'r') >= ROLLBACKS && count(&notes, b'c') >= COMMITS
}

fn count(notes: &[u8], note: u8) -> usize {
    notes.iter().filter(|one| **one == note).count()
}

/// The interpreter itself, past whatever stands in front of it.
fn python() -> Option<PathBuf> {
    let said = Command::new("python3")
        .args(["-c", "import sqlite3, sys; print(sys.executable)"])
        .output()
        .ok()?;
    let path = String::from_utf8(said.stdout).ok()?;
    (said.status.success() && !path.trim().is_empty()).then(|| path.trim().into())
}
