//! Events that another program writes into the database itself, in transactions of its own: a message exists exactly when
//! the transaction of its row was committed, whatever is killed at whatever moment.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the journeys through the daemon use the rest")]
mod support;

mod atomic;
mod refusal;

use std::path::PathBuf;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};

use support::daemon::House;

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
