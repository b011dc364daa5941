//! Events that another program writes into the database itself, in transactions of its own: a message exists exactly when
//! the transaction of its row was committed, whatever is killed at whatever moment.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the journeys through the daemon use the rest")]
mod support;

mod atomic;
mod refusal;

use std::fs;
use std::path::PathBuf;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};

use support::carrier::Carrier;
use support::daemon::House;

/// A client that may publish, a rule and its template; the text says the token of the transfer.
fn furnish(house: &House, carrier: &Carrier) {
    let templates = house.path().join("templates");
    fs::create_dir_all(&templates).unwrap();
    fs::write(
        templates.join("transfer.en.txt"),
        "transaction#{{ data.token }} executed",
    )
    .unwrap();
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"north\"] }}]\n[client.core]\n\
         key = \"core-0123456789abcdefghijklmnopqrstuvwxyz\"\nscopes = [\"events\"]\ndefault_sender = \"MyBank\"\n\
         [event.transfer]\ntype = \"com.bank.transfer.v1\"\nto = \"{{{{ data.msisdn }}}}\"\ntemplate = \"transfer\"\n\
         class = \"transaction\"\n",
        carrier.section("")
    ));
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
