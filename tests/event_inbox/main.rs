//! Events that another program writes into the database itself, in transactions of its own: a message exists exactly when
//! the transaction of its row was committed, whatever is killed at whatever moment.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the journeys through the daemon use the rest")]
mod support;

mod atomic;
mod refusal;
#[path = "../support/transfer.rs"]
mod transfer;

use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};

use support::daemon::House;
use support::database::Database;
use support::until;

const LIMIT: Duration = Duration::from_secs(60);

async fn every_row_is_settled(database: &Database) {
    const NEW: &str = "SELECT count(*) FROM event_inbox WHERE state = 'new'";
    until(LIMIT, "every row is settled", async || {
        (database.number(NEW).await == 0).then_some(())
    })
    .await;
}

fn file(house: &House) -> PathBuf {
    house.path().join("state").join("araldo.db")
}

/// A connection of another program.
async fn program(house: &House) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(file(house))
        .connect()
        .await
        .unwrap()
}

async fn execute(program: &mut SqliteConnection, sql: &str) {
    sqlx::query(AssertSqlSafe(sql)).execute(program).await.unwrap();
}
