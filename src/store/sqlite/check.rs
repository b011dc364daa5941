//! A look at the whole store: what SQLite says of its file, and every row against its checksum. Reads only.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row as _, SqliteConnection};

use super::columns::row_columns;
use super::damage::{check_row, checked_columns};
use super::open::{cannot_open, damage_of};
use super::read::{inbound_columns, inbound_record, record_columns};
use super::{columns, log, open};
use crate::clock::monotonic;
use crate::store::{CheckReport, CheckStage, Seq, StoreError};

/// Rows read at once: a short transaction.
const SLICE: u32 = 1_000;
/// Damaged rows that are named one by one.
const NAMED: usize = 1_000;
/// Steps of SQLite between two looks at whether to give way.
const STEPS_A_LOOK: i32 = 10_000;
/// A check beside a working daemon rests this many times as long as it has read.
const REST: u32 = 4;

/// How a check goes about it.
#[derive(Clone)]
pub(super) enum Manner {
    /// As fast as it can: nobody else is at work.
    Alone,
    /// In the background: rests between slices, and gives way when told to.
    Beside(Arc<AtomicBool>),
}

const MESSAGES: &str = concat!(
    "SELECT ",
    checked_columns!(),
    " FROM message AS m WHERE m.seq > ? ORDER BY m.seq LIMIT ?"
);

const TEXTS: &str = concat!(
    "SELECT ",
    inbound_columns!(),
    " FROM inbound AS i WHERE i.seq > ? ORDER BY i.seq LIMIT ?"
);

/// Checks the store in `file`. What is wrong with the file as a whole is an error, with the place and the cure.
pub(super) async fn check(
    file: &Path,
    manner: &Manner,
    tell: &(dyn Fn(CheckStage) + Sync),
) -> Result<CheckReport, StoreError> {
    let trouble = |error: sqlx::Error| cannot_open(file, &error);
    if matches!(manner, Manner::Alone) {
        log::check(file)?;
    }
    tell(CheckStage::Structure);
    let mut connection = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .busy_timeout(open::BUSY_TIMEOUT)
        .thread_name(|_| "araldo-check".to_owned())
        .disable_statement_logging()
        .connect()
        .await
        .map_err(trouble)?;
    if let Manner::Beside(give_way) = manner {
        let give_way = give_way.clone();
        connection
            .lock_handle()
            .await
            .map_err(trouble)?
            .set_progress_handler(STEPS_A_LOOK, move || !give_way.load(Ordering::Relaxed));
    }
    let mut report = CheckReport::default();
    match structure(&mut connection).await {
        Ok(faults) if faults.is_empty() => {}
        Ok(faults) => return Err(damage_of(file, &faults)),
        Err(error) if open::is_interrupted(&error) => return Ok(report),
        Err(error) => return Err(trouble(error)),
    }
    let mut work = Work {
        connection,
        manner,
        tell,
        report: &mut report,
        before: 0,
    };
    work.tables().await.map_err(trouble)?;
    work.connection.close().await.ok();
    report.is_whole = true;
    Ok(report)
}

/// What SQLite's own check says of the file, a line a fault; nothing where all is well.
async fn structure(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    let mut said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(20)")
        .fetch_all(connection)
        .await?;
    said.retain(|line| line != "ok");
    Ok(said)
}

struct Work<'a> {
    connection: SqliteConnection,
    manner: &'a Manner,
    tell: &'a (dyn Fn(CheckStage) + Sync),
    report: &'a mut CheckReport,
    /// Rows of the tables before this one.
    before: u64,
}

impl Work<'_> {
    async fn tables(&mut self) -> Result<(), sqlx::Error> {
        const ROWS: &str = "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM inbound)";
        let (messages, texts): (i64, i64) = sqlx::query_as(ROWS).fetch_one(&mut self.connection).await?;
        let all = messages.unsigned_abs() + texts.unsigned_abs();
        let damaged = self.rows(MESSAGES, all, check_row, columns::CHECKSUM).await?;
        self.report.messages = damaged;
        self.before = self.report.rows;
        let damaged = self.rows(TEXTS, all, |r| inbound_record(r).map(drop), 18).await?;
        self.report.texts = damaged;
        Ok(())
    }

    /// Goes through a table slice by slice, and gives the places of the rows that are not as they were written.
    async fn rows(
        &mut self,
        slice: &'static str,
        all: u64,
        check: impl Fn(&SqliteRow) -> Result<(), sqlx::Error>,
        checksum: usize,
    ) -> Result<Vec<Seq>, sqlx::Error> {
        let mut damaged = Vec::new();
        let mut after = Seq::MIN;
        loop {
            let begun = monotonic();
            let found = sqlx::query(slice)
                .bind(after)
                .bind(SLICE)
                .fetch_all(&mut self.connection)
                .await?;
            for r in &found {
                after = r.try_get(0)?;
                let unsummed = matches!(r.try_get::<Option<i64>, _>(checksum), Ok(None));
                self.report.unchecked += u64::from(unsummed);
                if check(r).is_err() && !is_set_aside(r) {
                    self.report.damaged += 1;
                    damaged.extend((damaged.len() < NAMED).then_some(after));
                }
            }
            self.report.rows += found.len() as u64;
            (self.tell)(CheckStage::Rows {
                done: self.report.rows,
                all,
            });
            if found.len() < SLICE as usize {
                return Ok(damaged);
            }
            if matches!(self.manner, Manner::Beside(_)) {
                let rest = monotonic().duration_since(begun) * REST;
                tokio::time::sleep(rest.max(Duration::from_millis(1))).await;
            }
        }
    }
}

/// A message that was found before, and waits for a person.
fn is_set_aside(r: &SqliteRow) -> bool {
    matches!(r.try_get::<&str, _>(columns::STATE), Ok("quarantined"))
}
