//! The tables, read beside the daemon, as anyone with the file might.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use araldo::domain::Flags;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Row as _};

use super::accountant::Row;
use super::sample::token_of;

pub(crate) struct Database(PathBuf);

/// A message with what its carrier has to do with it.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) row: Row,
    pub(crate) text: String,
    pub(crate) carrier: Option<String>,
    pub(crate) carrier_message_id: Option<String>,
    pub(crate) flags: Flags,
    /// Number, state and the carrier's id of each segment of a long message.
    pub(crate) segments: Vec<(u8, String, Option<String>)>,
    /// What happened beside the plain way.
    pub(crate) events: Vec<String>,
}

impl Database {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self(file)
    }

    async fn open_file(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.0).read_only(true);
        options.connect().await.unwrap()
    }

    /// Changes the tables while no daemon has them.
    pub(crate) async fn alter(&self, sql: &'static str) {
        let mut file = SqliteConnectOptions::new().filename(&self.0).connect().await.unwrap();
        sqlx::query(sql).execute(&mut file).await.unwrap();
    }

    /// Takes the write lock, as another program might; it is given back with what is returned.
    pub(crate) async fn hold(&self) -> SqliteConnection {
        let mut file = SqliteConnectOptions::new().filename(&self.0).connect().await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut file).await.unwrap();
        file
    }

    /// Messages that are not final, by state.
    pub(crate) async fn open(&self) -> BTreeMap<String, i64> {
        let sql = "SELECT state, count(*) FROM message WHERE state IN ('scheduled', 'queued', 'claimed', 'uncertain') \
                   OR (state = 'submitted' AND receipt = 1) GROUP BY state";
        let rows = sqlx::query(sql).fetch_all(&mut self.open_file().await).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Messages by state.
    pub(crate) async fn states(&self) -> BTreeMap<String, i64> {
        let sql = "SELECT state, count(*) FROM message GROUP BY state";
        let rows = sqlx::query(sql).fetch_all(&mut self.open_file().await).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The one number that a query gives.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query(sql)
            .fetch_one(&mut self.open_file().await)
            .await
            .unwrap()
            .get(0)
    }

    /// Every outcome of a message that its owner is to be told: its id in webhooks, and what it is.
    pub(crate) async fn outcomes(&self) -> BTreeMap<String, String> {
        let sql = "SELECT 'evt_' || lower(hex(message.id)) || '_' || notice.seq, kind FROM notice \
                   JOIN message ON message.seq = message_seq WHERE endpoint IS NOT NULL";
        let rows = sqlx::query(sql).fetch_all(&mut self.open_file().await).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// How often a message of this carrier's came into doubt.
    pub(crate) async fn doubts(&self, carrier: &str) -> u64 {
        let sql = "SELECT count(*) FROM message_event WHERE kind = 'doubted' AND carrier = ?";
        let row = sqlx::query(sql)
            .bind(carrier)
            .fetch_one(&mut self.open_file().await)
            .await
            .unwrap();
        u64::try_from(row.get::<i64, _>(0)).unwrap()
    }

    /// Every message.
    pub(crate) async fn rows(&self) -> Vec<Row> {
        self.whole().await.into_iter().map(|whole| whole.row).collect()
    }

    /// Every message, with segments and events.
    pub(crate) async fn whole(&self) -> Vec<Whole> {
        let mut file = self.open_file().await;
        let events = "SELECT message_seq, kind FROM message_event ORDER BY id";
        let mut happened: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for row in sqlx::query(events).fetch_all(&mut file).await.unwrap() {
            happened.entry(row.get(0)).or_default().push(row.get(1));
        }
        let segments =
            "SELECT message_seq, number, state, carrier_message_id FROM segment ORDER BY message_seq, number";
        let mut parts: BTreeMap<i64, Vec<(u8, String, Option<String>)>> = BTreeMap::new();
        for row in sqlx::query(segments).fetch_all(&mut file).await.unwrap() {
            let part = (row.get::<u8, _>(1), row.get(2), row.get(3));
            parts.entry(row.get(0)).or_default().push(part);
        }
        let messages = sqlx::query("SELECT * FROM message ORDER BY seq")
            .fetch_all(&mut file)
            .await
            .unwrap();
        let whole = |row: &SqliteRow| {
            let seq: i64 = row.get("seq");
            whole(
                row,
                parts.remove(&seq).unwrap_or_default(),
                happened.remove(&seq).unwrap_or_default(),
            )
        };
        messages.iter().map(whole).collect()
    }

    /// Every message as its recipient has it: to whom, what, and how often it came into doubt.
    pub(crate) async fn letters(&self) -> Vec<(String, String, u32)> {
        let sql = "SELECT recipient, text, (SELECT count(*) FROM message_event \
                   WHERE message_seq = message.seq AND kind = 'doubted') FROM message ORDER BY seq";
        let rows = sqlx::query(sql).fetch_all(&mut self.open_file().await).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    /// Every text that phones sent.
    pub(crate) async fn texts(&self) -> BTreeSet<String> {
        let rows = sqlx::query("SELECT text FROM inbound WHERE text IS NOT NULL")
            .fetch_all(&mut self.open_file().await)
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// What SQLite says of its own file: `ok`.
    pub(crate) async fn integrity(&self) -> String {
        sqlx::query("PRAGMA integrity_check")
            .fetch_one(&mut self.open_file().await)
            .await
            .unwrap()
            .get(0)
    }
}

fn whole(row: &SqliteRow, segments: Vec<(u8, String, Option<String>)>, events: Vec<String>) -> Whole {
    let text: String = row.get("text");
    let count = |kind: &str| u32::try_from(events.iter().filter(|event| *event == kind).count()).unwrap();
    Whole {
        row: Row {
            id: format!("msg_{}", hex::encode(row.get::<Vec<u8>, _>("id"))),
            token: token_of(&text),
            class: row.get::<String, _>("class").parse().unwrap(),
            state: row.get::<String, _>("state").parse().unwrap(),
            reason: row.get("reason"),
            segments: row.get("segments"),
            receipt: row.get("receipt"),
            copies: row.get("copies"),
            doubts: count("doubted"),
            resends: count("resent"),
        },
        text,
        carrier: row.get("carrier"),
        carrier_message_id: row.get("carrier_message_id"),
        flags: Flags(row.get("flags")),
        segments,
        events,
    }
}
