//! Whether the tables are those that this version made.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::open::{MIGRATIONS, cannot_open};
use crate::store::StoreError;

/// A new file, or one that our migrations have been at; read without changing it.
pub(super) async fn check_owner(file: &Path, busy: Duration) -> Result<(), StoreError> {
    const TABLES: &str = "SELECT count(*), coalesce(sum(name = '_sqlx_migrations'), 0) FROM sqlite_schema \
         WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
    if std::fs::metadata(file).map_or(0, |meta| meta.len()) == 0 {
        return Ok(());
    }
    let trouble = |error: sqlx::Error| cannot_open(file, &error);
    let mut connection = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .busy_timeout(busy)
        .connect()
        .await
        .map_err(trouble)?;
    let (tables, ours): (i64, i64) = sqlx::query_as(TABLES)
        .fetch_one(&mut connection)
        .await
        .map_err(trouble)?;
    connection.close().await.ok();
    if tables > 0 && ours == 0 {
        return Err(StoreError::Open(format!(
            "{}: is the database of another program\n  cure: name another file with store.url",
            file.display()
        )));
    }
    Ok(())
}

/// Compares what the migrations make in an empty database with what is in the file. What others have added beside it
/// is theirs, but for triggers: they would act in our name.
pub(super) async fn check(connection: &mut SqliteConnection, file: &Path) -> Result<(), StoreError> {
    let trouble = |error: sqlx::Error| cannot_open(file, &error);
    let mut model = SqliteConnectOptions::new()
        .in_memory(true)
        .connect()
        .await
        .map_err(trouble)?;
    let made = MIGRATIONS.run_direct(None, &mut model, false).await;
    made.map_err(|error| StoreError::Open(format!("{}: {error}", file.display())))?;
    let wanted = objects(&mut model).await.map_err(trouble)?;
    model.close().await.ok();
    let found = objects(connection).await.map_err(trouble)?;
    let missing = wanted
        .keys()
        .find(|object| !found.contains_key(*object))
        .map(|(kind, name)| format!("{kind} {name} is missing"));
    let other = || {
        let object = wanted
            .iter()
            .find(|(object, sql)| found.get(*object).is_some_and(|found| found != *sql));
        object.map(|((kind, name), _)| format!("{kind} {name} is not as this version makes it"))
    };
    let trigger = || {
        let object = found
            .keys()
            .find(|object| object.0 == "trigger" && !wanted.contains_key(*object));
        object.map(|(_, name)| format!("trigger {name} is not ours"))
    };
    match missing.or_else(other).or_else(trigger) {
        None => Ok(()),
        Some(what) => Err(StoreError::Open(format!(
            "{}: {what}\n  cure: undo what was changed by hand, or restore a backup",
            file.display()
        ))),
    }
}

/// Kind and name of all that the schema has, and how it was made.
async fn objects(connection: &mut SqliteConnection) -> Result<BTreeMap<(String, String), String>, sqlx::Error> {
    const OBJECTS: &str = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema \
         WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name <> '_sqlx_migrations'";
    let rows: Vec<(String, String, String)> = sqlx::query_as(OBJECTS).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(kind, name, sql)| ((kind, name), sql)).collect())
}
