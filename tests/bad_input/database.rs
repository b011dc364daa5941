//! A database that is not as the daemon left it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use sqlx::{ConnectOptions, Row};

use crate::carrier::{Hostile, Tame, route};
use crate::daemon::{Home, wait_for};

/// A home whose database has been used and left in good order.
fn used() -> Home {
    let tame = Tame::new();
    let daemon = Home::new(&(tame.table("tame", "") + &route("tame"))).start();
    let id = daemon.send_text("before");
    daemon.until(&id, "submitted");
    let (code, home) = daemon.stop();
    assert_eq!(code, 0);
    home
}

fn sql(home: &Home, statement: &str) {
    query(home, statement);
}

pub(crate) fn query(home: &Home, statement: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = home.database();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(url);
        let mut connection = options.connect().await.unwrap();
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let rows = rows
            .iter()
            .map(|row| row.try_get::<String, _>(0).unwrap_or_default())
            .collect();
        sqlx::Connection::close(connection).await.unwrap();
        rows
    })
}

/// Starting is refused with this code and these words, and the file is not thrown away.
#[track_caller]
fn refuses(home: &Home, code: i32, words: &[&str]) {
    let before = fs::metadata(home.database()).map(|meta| meta.len()).ok();
    let (got, said) = home.refused();
    for word in words {
        assert!(said.contains(word), "`{word}` in\n{said}");
    }
    assert_eq!(got, code, "{said}");
    assert_eq!(
        fs::metadata(home.database()).map(|meta| meta.len()).ok(),
        before,
        "the file was changed"
    );
}

#[test]
fn rows_that_cannot_be_read_are_quarantined_and_others_go_on() {
    let poisons = [
        "class = 'vip'",
        "encoding = 'morse'",
        "sender = ''",
        "segments = 300",
        "recipient = '39 333 x'",
        "recipient = ''",
        "text = replace(hex(zeroblob(100000)), '00', 'abcdefghij')",
        "text = 'nul' || char(0)",
        "text = CAST(x'ff41fe' AS TEXT)",
        "tries = 9223372036854775807",
    ];
    let trials = poisons.map(|poison| (poison, std::thread::spawn(move || poisoned(poison))));
    let failed = trials
        .into_iter()
        .filter_map(|(poison, trial)| trial.join().is_err().then_some(poison));
    assert_eq!(failed.collect::<Vec<_>>(), [""; 0]);
}

/// One message is spoilt while the daemon is down; the one behind it goes on.
fn poisoned(poison: &str) {
    let hostile = Hostile::new();
    let daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let bad = daemon.send_text("poison");
    let good = daemon.send_text("good");
    let (code, home) = daemon.stop();
    assert_eq!(code, 0);
    let id = bad.trim_start_matches("msg_");
    sql(
        &home,
        &format!("UPDATE message SET {poison} WHERE lower(hex(id)) = '{id}'"),
    );
    hostile.forget();
    let mut daemon = home.start();
    let mut peer = hostile.bound();
    peer.accept_submit("good-1");
    daemon.until(&good, "submitted");
    peer.lives("no poison goes out");
    daemon.is_well();
    let (_, home) = daemon.stop();
    let found = query(
        &home,
        &format!("SELECT state || ' ' || coalesce(reason, '') FROM message WHERE lower(hex(id)) = '{id}'"),
    );
    let ends = ["quarantined poison", "quarantined damaged"];
    assert!(found.len() == 1 && ends.contains(&&*found[0]), "{poison}: {found:?}");
}

#[test]
fn a_row_in_an_unknown_state_is_left_alone_and_others_go_on() {
    let hostile = Hostile::new();
    let daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let (odd, good) = (daemon.send_text("odd"), daemon.send_text("good"));
    let (_, home) = daemon.stop();
    let hex = odd.trim_start_matches("msg_");
    sql(
        &home,
        &format!("UPDATE message SET state = 'teleported' WHERE lower(hex(id)) = '{hex}'"),
    );
    hostile.forget();
    let mut daemon = home.start();
    let mut peer = hostile.bound();
    peer.accept_submit("good-1");
    daemon.until(&good, "submitted");
    // A list with it is no error of the server's.
    let (status, body) = crate::daemon::request(daemon.api, "GET", "/v1/messages", crate::daemon::KEY, None);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(&good), "{body}");
    let (status, body) = crate::daemon::request(
        daemon.api,
        "GET",
        &format!("/v1/messages/{odd}"),
        crate::daemon::KEY,
        None,
    );
    assert!(status != 500 && !body.contains("panicked"), "{status} {body}");
    peer.lives("no odd row goes out");
    daemon.is_well();
}

#[test]
fn claims_with_an_odd_lease_are_in_doubt_at_the_next_start() {
    let hostile = Hostile::new();
    let daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let oddities = [
        ("lease = NULL", "no owner"),
        ("lease = 9000000", "a lease of the future"),
        ("lease = -1", "no lease at all"),
        ("lease = 1, claimed_at = 99999999999999", "a clock that jumped"),
        (
            "lease = 1, carrier = 'gone', bind = 63",
            "a carrier that is not configured",
        ),
    ];
    let ids: Vec<_> = oddities
        .iter()
        .map(|_| daemon.send(&json!({ "to": "+393331234567", "text": "claimed", "class": "marketing" })))
        .collect();
    let stale = daemon.send_text("queued with stale fields");
    let (_, home) = daemon.stop();
    for (id, (odd, _)) in ids.iter().zip(oddities) {
        let id = id.trim_start_matches("msg_");
        sql(
            &home,
            &format!(
                "UPDATE message SET state = 'claimed', attempt = 1, carrier = 'evil', bind = 0, claimed_at = accepted_at \
                 WHERE lower(hex(id)) = '{id}'"
            ),
        );
        sql(
            &home,
            &format!("UPDATE message SET {odd} WHERE lower(hex(id)) = '{id}'"),
        );
    }
    let hex = stale.trim_start_matches("msg_");
    sql(
        &home,
        &format!(
            "UPDATE message SET lease = 1, carrier = 'evil', bind = 7, claimed_at = 5 WHERE lower(hex(id)) = '{hex}'"
        ),
    );
    hostile.forget();
    let mut daemon = home.start();
    let mut peer = hostile.bound();
    peer.accept_submit("stale-1");
    daemon.until(&stale, "submitted");
    for (id, (_, what)) in ids.iter().zip(oddities) {
        let message = daemon.until_message(id, what, |message| message["state"] == "failed");
        assert_eq!(message["reason"], "outcome_unknown", "{what}: {message:#}");
    }
    peer.lives("nothing in doubt was sent again");
    daemon.is_well();
}

#[test]
fn a_schema_of_a_later_version_is_exit_78() {
    let home = used();
    sql(
        &home,
        "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
         VALUES (9999, 'later', '2030-01-01', 1, x'00', 0)",
    );
    refuses(&home, 78, &["newer version", "araldo.db", "restore a backup"]);
}

#[test]
fn a_file_that_is_damaged_is_refused_with_its_name_and_a_cure() {
    const CURE: &[&str] = &["araldo.db", "restore a backup", ".recover"];
    let damage = |change: &dyn Fn(&mut Vec<u8>)| {
        let home = used();
        let mut octets = fs::read(home.database()).unwrap();
        change(&mut octets);
        fs::write(home.database(), octets).unwrap();
        home
    };
    for (what, home) in [
        (
            "truncated in mid-page",
            damage(&|octets| octets.truncate(octets.len() / 2 + 17)),
        ),
        ("truncated to a page", damage(&|octets| octets.truncate(4_096))),
        ("a bit of the magic", damage(&|octets| octets[3] ^= 0x10)),
        ("a bit of the page size", damage(&|octets| octets[16] ^= 0x40)),
        ("a bit of the file format", damage(&|octets| octets[18] ^= 0x40)),
        ("a bit of the first page's kind", damage(&|octets| octets[100] ^= 0x04)),
        (
            "no database",
            damage(&|octets| *octets = b"Dear diary, today I deleted the database.\n".repeat(200)),
        ),
    ] {
        println!("{what}");
        let before = fs::read(home.database()).unwrap();
        refuses(&home, 74, CURE);
        assert_eq!(
            fs::read(home.database()).unwrap(),
            before,
            "{what}: the file was changed"
        );
    }
}

#[test]
fn a_database_of_another_program_is_refused() {
    let home = Home::new("");
    sql_create(
        &home,
        "PRAGMA application_id = 252006674; CREATE TABLE other (id INTEGER)",
    );
    let before = fs::read(home.database()).unwrap();
    refuses(&home, 74, &["araldo.db", "another program"]);
    assert_eq!(fs::read(home.database()).unwrap(), before, "the file was changed");
}

fn sql_create(home: &Home, statements: &str) {
    fs::write(home.database(), b"").unwrap();
    for statement in statements.split("; ") {
        sql(home, statement);
    }
}

#[test]
fn a_table_or_column_that_is_missing_is_refused_by_name() {
    for (damage, names) in [
        ("DROP TABLE parked_receipt", "parked_receipt"),
        ("DROP TABLE quarantine", "quarantine"),
        (
            "ALTER TABLE inbound DROP COLUMN note",
            "table inbound is not as this version makes it",
        ),
        (
            "CREATE TRIGGER spy AFTER INSERT ON message BEGIN DELETE FROM message; END",
            "trigger spy is not ours",
        ),
        ("DROP INDEX message_id", "message_id"),
    ] {
        let home = used();
        sql(&home, damage);
        refuses(&home, 74, &["araldo.db", names]);
    }
}

#[test]
fn a_second_daemon_is_exit_73_and_the_first_goes_on() {
    let tame = Tame::new();
    let mut daemon = Home::new(&(tame.table("tame", "") + &route("tame"))).start();
    let second = Home::new("");
    let config = fs::read_to_string(daemon.path().join("araldo.toml")).unwrap();
    fs::write(second.0.path().join("araldo.toml"), config).unwrap();
    let (code, said) = second.refused();
    assert_eq!(code, 73, "{said}");
    assert!(
        said.contains(&format!("in use by pid {}", daemon.pid())) && said.contains("stop that daemon"),
        "{said}"
    );
    let id = daemon.send_text("the first goes on");
    daemon.until(&id, "submitted");
    daemon.is_well();
}

#[test]
fn a_state_directory_that_cannot_be_used_is_said_to_be_so() {
    let replace = |home: &Home, state: &str| {
        let file = home.0.path().join("araldo.toml");
        let config = fs::read_to_string(&file).unwrap();
        let was = home.database().display().to_string();
        fs::write(&file, config.replace(&was, state)).unwrap();
    };
    let home = Home::new("");
    let file = home.0.path().join("a-file");
    fs::write(&file, "").unwrap();
    replace(&home, &format!("{}/araldo.db", file.display()));
    let (code, said) = home.refused();
    assert_eq!(code, 73, "{said}");
    assert!(said.contains("a-file") && said.contains("cure"), "{said}");
    let home = Home::new("");
    replace(&home, "/proc/araldo/araldo.db");
    let (code, said) = home.refused();
    assert_eq!(code, 73, "{said}");
    // Root may write everywhere; then there is nothing to see here.
    let home = Home::new("");
    fs::set_permissions(home.state(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(home.state().join("probe"), "").is_err() {
        let (code, said) = home.refused();
        assert_eq!(code, 77, "{said}");
    }
    fs::set_permissions(home.state(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn after_a_kill_the_log_of_the_database_is_read_and_nothing_is_lost() {
    let hostile = Hostile::new();
    let daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    let id = daemon.send_text("survives");
    let home = daemon.kill();
    hostile.forget();
    let daemon = home.start();
    let mut peer = hostile.bound();
    peer.accept_submit("survivor");
    daemon.until(&id, "submitted");
    // Without its log the file is an older one, still whole: what was in the log is gone and nothing is made up.
    let (_, home) = daemon.stop();
    for name in ["araldo.db-wal", "araldo.db-shm"] {
        fs::remove_file(home.state().join(name)).ok();
    }
    let mut daemon = home.start();
    assert_eq!(
        wait_for("the message", || Some(daemon.message(&id)))["state"],
        "submitted"
    );
    daemon.is_well();
}

#[test]
fn a_log_without_its_database_is_not_taken_for_a_new_one() {
    let hostile = Hostile::new();
    let daemon = Home::new(&(hostile.table("evil", "") + &route("evil"))).start();
    daemon.send_text("in the log");
    let home = daemon.kill();
    assert!(home.state().join("araldo.db-wal").metadata().unwrap().len() > 0);
    fs::remove_file(home.database()).unwrap();
    let wal = fs::read(home.state().join("araldo.db-wal")).unwrap();
    refuses(&home, 74, &["araldo.db-wal", "araldo.db is missing"]);
    assert_eq!(
        fs::read(home.state().join("araldo.db-wal")).unwrap(),
        wal,
        "the log was deleted"
    );
}

#[test]
fn a_listener_that_cannot_be_had_is_exit_74() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::new("");
    let file = home.0.path().join("araldo.toml");
    let config = fs::read_to_string(&file).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fs::write(&file, config.replacen("127.0.0.1:0", &address, 1)).unwrap();
    let (code, said) = home.refused();
    assert_eq!(code, 74, "{said}");
    assert!(said.contains(&address), "the address is named:\n{said}");
}
