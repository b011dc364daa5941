//! Rows that cannot be followed say why, and cost no other row.

use sqlx::Row as _;

use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::transfer::furnish;
use crate::{LIMIT, every_row_is_settled, execute, program};

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_is_refused_with_its_reason_and_costs_no_other() {
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "north", &[]);
    furnish(&house, &carrier, "");
    let daemon = house.start().await;
    let mut program = program(&house).await;
    let good = r#"'{"msisdn": "+393331234567", "token": 1}'"#;
    let long = format!("'\"{}\"'", "x".repeat(80_000));
    let rows = [
        ("'core'", "'1'", good, "done", ""),
        ("'nobody'", "'2'", good, "refused", "client: there is no such client"),
        (
            "'bank'",
            "'3'",
            good,
            "refused",
            "client: bank has not the scope `events`",
        ),
        ("'core'", "'4'", "'{'", "refused", "data: is not JSON: line 1 column 1"),
        ("'core'", "'5'", "'{}'", "refused", "data: rule transfer: to"),
        (
            "'core'",
            "'6'",
            "CAST(x'22ff22' AS TEXT)",
            "refused",
            "data: is not JSON",
        ),
        ("'core'", "CAST(x'ff' AS TEXT)", "'{}'", "refused", "id: is not UTF-8"),
        ("'core'", "''", good, "refused", "event_id: is empty"),
        (
            "'core'",
            "'7'",
            long.as_str(),
            "refused",
            "an event may have 65536 (events.max_bytes)",
        ),
        ("'core'", "'1'", good, "repeated", ""),
        (
            "'core'",
            "'1'",
            "'{}'",
            "refused",
            "another event was published with the same source and id",
        ),
        (
            "'core'",
            "'8'",
            r#"'{"msisdn": "+393331234568", "token": 2}'"#,
            "done",
            "",
        ),
    ];
    for (client, id, data, ..) in rows {
        let sql = format!(
            "INSERT INTO event_inbox (client, source, event_id, type, data) \
             VALUES ({client}, '/transfers', {id}, 'com.bank.transfer.v1', {data})"
        );
        execute(&mut program, &sql).await;
    }
    let database = house.database();
    every_row_is_settled(&database).await;
    let found = sqlx::query("SELECT state, coalesce(error, ''), done_at FROM event_inbox ORDER BY id")
        .fetch_all(&mut program)
        .await
        .unwrap();
    for (row, (_, id, _, state, error)) in found.iter().zip(rows) {
        let (is, why, done_at): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(is, state, "{id}: {why}");
        assert!(why.contains(error) && why.is_empty() == error.is_empty(), "{id}: {why}");
        assert!(!why.contains("333123"), "{id}: {why}");
        assert!(done_at > 0);
    }
    assert_eq!(database.number("SELECT count(*) FROM message").await, 2);
    house.settled(LIMIT).await;
    assert_eq!(daemon.stop().await.code(), Some(0));
}
