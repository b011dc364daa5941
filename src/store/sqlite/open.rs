//! Opening the file: who owns it, how it is synced, which schema it has.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

use super::SqliteStore;
use super::commit::{BREATH, Writer};
use super::{check, log, schema};
use crate::clock::monotonic;
use crate::store::StoreError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Pages in the log from which the writer itself moves the last of it, so that the next commit begins it anew: 32 MiB.
/// Between two commits nobody else can: under load the log never stands still.
pub(super) const LONG_LOG_PAGES: i64 = 8_192;

/// Pages in the log from which a check gives way, whose long read keeps the log from being begun anew: 256 MiB.
pub(super) const CHECK_LOG_PAGES: i64 = 65_536;

/// Scripts and statements that a connection keeps prepared: more than the combinations that keep coming back, and a
/// bound for the memory that they take.
const STATEMENTS: usize = 64;

/// How long SQLite waits for a lock that another program holds, before it is told of and waited for again.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest that opening waits for such a lock: within the time that a start may take (`TimeoutStartSec`).
const OPEN_PATIENCE: Duration = Duration::from_secs(60);

/// How to open the file.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The database file; made when it is not there.
    pub file: PathBuf,
    /// Reader connections.
    pub readers: u32,
    /// The longest that a reader may hold its snapshot: it keeps the log from being begun anew.
    pub read_deadline: Duration,
}

/// The folder that a database file makes its state: lock and admin token stand beside it.
pub fn state_dir(file: &Path) -> PathBuf {
    match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    }
}

impl SqliteStore {
    /// Opens the file, takes its lock and brings its schema up to date. While another program holds the database's lock
    /// it waits, a minute at the most.
    pub async fn open(settings: &SqliteSettings) -> Result<Self, StoreError> {
        Self::open_within(settings, OPEN_PATIENCE, BUSY_TIMEOUT).await
    }

    /// As [`SqliteStore::open`]; `busy` is how long SQLite waits by itself each time.
    pub(super) async fn open_within(
        settings: &SqliteSettings,
        patience: Duration,
        busy: Duration,
    ) -> Result<Self, StoreError> {
        let lock = Lock::take(&settings.file)?;
        check_file(&settings.file)?;
        lock.check_empty(&settings.file)?;
        log::check(&settings.file)?;
        check_marked(&settings.file).await?;
        keep_private(&settings.file)?;
        let begun = monotonic();
        let open = loop {
            match Open::all(settings, busy).await {
                Err(StoreError::Locked(file)) if monotonic().duration_since(begun) < patience => {
                    tracing::warn!(
                        event = "store_locked",
                        "{file}: another program holds the database's lock: opening waits up to {patience:?} for it; let \
                         that program end its transaction"
                    );
                    tokio::time::sleep(BREATH).await;
                }
                done => break done?,
            }
        };
        Ok(Self {
            waits_for_lock: open.writer.waits_for_lock.clone(),
            writer: Mutex::new(Some(open.writer)),
            readers: open.readers,
            checkpointer: Mutex::new(Some(open.checkpointer)),
            log_is_long: AtomicBool::new(false),
            read_deadline: settings.read_deadline,
            file: settings.file.clone(),
            check_gives_way: Arc::default(),
            damage: OnceLock::new(),
            _lock: lock.keep(&settings.file)?,
        })
    }
}

/// The connections to a file whose schema is ours and up to date.
struct Open {
    writer: Writer,
    checkpointer: SqliteConnection,
    readers: SqlitePool,
}

impl Open {
    async fn all(settings: &SqliteSettings, busy: Duration) -> Result<Self, StoreError> {
        schema::check_owner(&settings.file, busy).await?;
        let options = SqliteConnectOptions::new()
            .filename(&settings.file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(busy)
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", "67108864")
            .pragma("temp_store", "MEMORY")
            .statement_cache_capacity(STATEMENTS)
            .row_buffer_size(512)
            .disable_statement_logging();
        // To set the way of vacuuming is a write: a reader would wait for whoever holds the lock.
        let mut writer = options
            .clone()
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .pragma("cache_size", "-8192")
            .thread_name(|_| "araldo-writer".to_owned())
            .connect()
            .await
            .map_err(|error| cannot_open(&settings.file, &error))?;
        MIGRATIONS
            .run_direct(None, &mut writer, false)
            .await
            .map_err(|error| migrate_error(&settings.file, error))?;
        schema::check(&mut writer, &settings.file).await?;
        // A checkpoint that waits for readers holds up the writer: it gives in early and is tried again.
        let checkpointer = options
            .clone()
            .busy_timeout(busy.min(Duration::from_millis(250)))
            .thread_name(|_| "araldo-ckpt".to_owned())
            .connect()
            .await
            .map_err(|error| cannot_open(&settings.file, &error))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(settings.readers.max(1))
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            .connect_lazy_with(
                options
                    .pragma("query_only", "1")
                    .pragma("cache_size", "-2048")
                    .thread_name(|_| "araldo-reader".into()),
            );
        let writer = Writer::new(writer)
            .await
            .map_err(|error| cannot_open(&settings.file, &error))?;
        Ok(Self {
            writer,
            checkpointer,
            readers,
        })
    }
}

/// Moves the log into the file without making anyone wait; says how many pages the log has all the same.
pub(super) async fn checkpoint(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let (_, log, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(connection)
        .await?;
    Ok(log)
}

/// A new file is for the daemon's user alone: it holds texts and numbers. The log beside it takes after it.
fn keep_private(file: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = File::options().write(true).create_new(true).mode(0o600).open(file);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Open(format!("{}: {error}", file.display()))),
    }
}

/// The file whose lock says who owns the state: the owner's pid, and the database that stands there since it was first
/// opened.
const LOCK: &str = "araldo.lock";

/// The lock as it was taken.
struct Lock {
    lock: File,
    path: PathBuf,
    /// The database that was opened here before.
    database: String,
}

impl Lock {
    fn take(database: &Path) -> Result<Self, StoreError> {
        let dir = state_dir(database);
        let path = dir.join(LOCK);
        let open = || -> std::io::Result<File> {
            std::fs::create_dir_all(&dir)?;
            File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
        };
        let mut lock = open().map_err(|error| {
            StoreError::Open(format!(
                "{}: {error}; create the directory and let Araldo's user write to it",
                path.display()
            ))
        })?;
        let locked = lock.try_lock();
        let mut said = String::new();
        lock.read_to_string(&mut said).ok();
        let mut lines = said.lines().map(str::trim);
        let owner = lines.next().unwrap_or_default();
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = match owner {
                    "" => "another process".to_owned(),
                    pid => format!("pid {pid}"),
                };
                return Err(StoreError::InUse { dir, owner });
            }
            Err(TryLockError::Error(error)) => {
                return Err(StoreError::Open(format!(
                    "{} cannot be locked: {error}",
                    path.display()
                )));
            }
        }
        let database = lines.next().unwrap_or_default().to_owned();
        let mut lock = Self { lock, path, database };
        lock.write()?;
        Ok(lock)
    }

    /// An empty file where a database was is not taken for a new one.
    fn check_empty(&self, file: &Path) -> Result<(), StoreError> {
        let is_empty = std::fs::metadata(file).is_ok_and(|meta| meta.len() == 0);
        if is_empty && self.database == name_of(file) {
            return Err(StoreError::Damaged(format!(
                "{}: is empty, and was a database\n  cure: restore a backup; to begin anew, remove the file",
                file.display()
            )));
        }
        Ok(())
    }

    /// The file is open and a database.
    fn keep(mut self, file: &Path) -> Result<File, StoreError> {
        let name = name_of(file);
        if self.database != name {
            self.database = name;
            self.write()?;
        }
        Ok(self.lock)
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let (mut lock, pid) = (&self.lock, std::process::id());
        let write = || -> std::io::Result<()> {
            lock.set_len(0)?;
            lock.rewind()?;
            write!(lock, "{pid}\n{}", self.database)
        };
        let mut write = write;
        write().map_err(|error| StoreError::Open(format!("{}: {error}", self.path.display())))
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What can be told before SQLite touches anything. An empty file is a database to be; a log beside it is all that is
/// left of one.
fn check_file(file: &Path) -> Result<(), StoreError> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
    let log = log::beside(file, "-wal");
    if length(file) == 0 && length(&log) > 0 {
        return Err(StoreError::Open(format!(
            "{} is there and {} is missing or empty: SQLite would throw the log away\n  cure: put the file that belongs \
             to it back in its place; to begin anew, move the log elsewhere",
            log.display(),
            file.display()
        )));
    }
    Ok(())
}

/// Says which file it is, and what to do if it is damaged.
pub(super) fn cannot_open(file: &Path, error: &sqlx::Error) -> StoreError {
    const SQLITE_READONLY: u32 = 8;
    const SQLITE_CORRUPT: u32 = 11;
    const SQLITE_NOTADB: u32 = 26;
    if is_locked(error) {
        return StoreError::Locked(file.display().to_string());
    }
    match primary_code(error) {
        Some(SQLITE_CORRUPT | SQLITE_NOTADB | SQLITE_READONLY) => named(file, error.to_string()),
        // Of the catalogue, which SQLite has written itself.
        None if matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
            named(file, error.to_string())
        }
        _ => StoreError::Open(format!("{}: {error}", file.display())),
    }
}

/// The damage with the file and the cure.
pub(super) fn named(file: &Path, what: String) -> StoreError {
    let file = file.display();
    StoreError::Damaged(format!(
        "{file}: {what}\n  cure: copy the directory, then restore a backup; or save what can be read: sqlite3 {file} \
         .recover | sqlite3 {file}.recovered, look at it, and put it in the place of {file}, {file}-wal and {file}-shm"
    ))
}

/// What SQLite's check has said, with the cure. Where no more than indexes disagree with their tables, they are made
/// anew.
pub(super) fn damage_of(file: &Path, faults: &[String]) -> StoreError {
    const SHOWN: usize = 5;
    let of_index = |fault: &String| fault.contains(" index ");
    let mut what = faults.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    if faults.len() > SHOWN {
        what += "; and more";
    }
    if !faults.iter().all(of_index) {
        return named(file, what);
    }
    let file = file.display();
    StoreError::Damaged(format!(
        "{file}: {what}\n  cure: stop Araldo and copy the directory; restore a backup, or make the indexes anew: \
         sqlite3 {file} REINDEX, then araldo db check"
    ))
}

/// Where it is noted that the file was found damaged.
fn marker(file: &Path) -> PathBuf {
    log::beside(file, "-damaged")
}

/// Notes for the next start that the file is damaged: it looks at all of it before it serves anybody.
pub(super) fn mark(file: &Path, damage: &StoreError) {
    if let Err(error) = std::fs::write(marker(file), damage.to_string()) {
        tracing::warn!(event = "damage_not_marked", %error);
    }
}

/// What can be told of a file without taking its lock. The log is left alone beside a daemon, which writes there.
pub(super) fn check_before(file: &Path) -> Result<(), StoreError> {
    check_file(file)?;
    let lock = File::open(state_dir(file).join(LOCK));
    let in_use = lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)));
    if in_use { Ok(()) } else { log::check(file) }
}

/// A file that was found damaged is looked at once more, and refused unless somebody has mended it.
async fn check_marked(file: &Path) -> Result<(), StoreError> {
    let marker = marker(file);
    if !marker.exists() || !file.exists() {
        return Ok(());
    }
    tracing::warn!(
        event = "store_checked",
        "the store was found damaged before: all of it is looked at first"
    );
    check::check(file, &check::Manner::Alone, &|_| {}).await?;
    std::fs::remove_file(&marker).map_err(|error| StoreError::Open(format!("{}: {error}", marker.display())))
}

fn migrate_error(file: &Path, error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => StoreError::TooNew(format!("{}: schema {version}", file.display())),
        MigrateError::Execute(error) => cannot_open(file, &error),
        MigrateError::ExecuteMigration(error, _) if is_locked(&error) => cannot_open(file, &error),
        other => StoreError::Open(format!(
            "{}: the schema cannot be brought up to date: {other}\n  cure: undo what was changed by hand, or restore a backup",
            file.display()
        )),
    }
}

/// Whether another connection holds the write lock: nothing was done, and it is to be tried again.
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    primary_code(error) == Some(SQLITE_BUSY)
}

/// Whether a statement was told to give way.
pub(super) fn is_interrupted(error: &sqlx::Error) -> bool {
    const SQLITE_INTERRUPT: u32 = 9;
    primary_code(error) == Some(SQLITE_INTERRUPT)
}

/// The result code in full (sqlite.org/rescode.html).
pub(super) fn extended_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    extended_code(error).map(|code| code & 0xff)
}

/// Says what a failure of SQLite means for us, by its primary result code.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    const SQLITE_IOERR: u32 = 10;
    const SQLITE_CORRUPT: u32 = 11;
    const SQLITE_FULL: u32 = 13;
    const SQLITE_NOTADB: u32 = 26;
    // The index of the log finds no room to grow: nothing was written, and no sync has failed.
    const SQLITE_IOERR_SHMSIZE: u32 = 10 | (19 << 8);
    if extended_code(&error) == Some(SQLITE_IOERR_SHMSIZE) {
        return StoreError::Full;
    }
    match (primary_code(&error), error) {
        (Some(SQLITE_FULL), _) => StoreError::Full,
        (Some(SQLITE_IOERR), error) => StoreError::Io(error.to_string()),
        (Some(SQLITE_CORRUPT | SQLITE_NOTADB), error) => StoreError::Damaged(error.to_string()),
        (_, sqlx::Error::PoolTimedOut) => StoreError::TooSlow,
        (_, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) => StoreError::Open("the store is closed".to_owned()),
        (_, error) => StoreError::Statement(error.to_string()),
    }
}
