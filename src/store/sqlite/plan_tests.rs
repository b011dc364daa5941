//! How SQLite answers the statements of the hot path: pinned, since a planner that changes its mind costs a scan of
//! every finished row. Held with and without `ANALYZE`, over some thousands of finished rows.

use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::care::{BY_ID as CASE_BY_ID, DUE as CASES_DUE, LIST as CASES, MET_BY_ID, MET_OPEN, NOTES as CASE_NOTES};
use super::certified::{
    ARE, CODES, DROP_QUESTIONS, END, HOLDER, LIST as CERTIFIED, MARK as MARK_CODE, OF_NUMBER, VERIFICATION,
};
use super::claim::{CLAIM, CLAIM_RESTS};
use super::consent::{HELD, HISTORY, LIST, OF_PERSON, WAITING, WITH_PLATFORM};
use super::enqueue::KNOWN_KEYS;
use super::event_inbox::{MARK, NEW, PENDING, SETTLE as SETTLE_INBOX};
use super::inbound::{BY_ID, BY_OCTETS};
use super::notice::{HOLD_LATER, HURRY, REPLAY, REPLAY_OF, SETTLE};
use super::notice_read::{DEAD, DUE as NOTICES_DUE, ENDPOINTS, OF_MESSAGE, STRETCH};
use super::prune::OLD;
use super::rcs::{BY_ID as MESSAGES_BY_ID, HEAD, REVOKING};
use super::read::{BACKLOG, REPLIES_TO, TEXTS_OF, TOTALS};
use super::receipt::{BY_CARRIER_ID, BY_SEGMENT_ID, BY_SEQ, OUT_UNNAMED};
use super::sweep::{DUE, ORPHANS, STRAYS};
use super::two_way::{
    DROP_QUESTION, DUE as ACTIONS_DUE, HANDLE, MOVE_ON, RUNNING, SPENT, STANDINGS, STILL_AT, STILL_UNHANDLED, UNHANDLED,
};
use super::update::{UPDATE, UPDATE_TOLD};

/// A filled file's connection.
async fn filled(analyzed: bool) -> (tempfile::TempDir, SqliteConnection) {
    const FILL: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
         INSERT INTO message (seq, id, client, class, priority, recipient, sender, text, encoding, segments, route, \
         receipt, accepted_at, state, step, wake_at, expires_at, attempt, carrier, bind, carrier_message_id, final_at) \
         SELECT i, randomblob(16), 'bank', 'service', 3, '39333' || (1000000 + i), 'MyBank', 'text', 'gsm7', 1, \
         'italy', 1, i, CASE i % 500 WHEN 0 THEN 'queued' WHEN 1 THEN 'claimed' WHEN 2 THEN 'uncertain' \
         WHEN 3 THEN 'submitted' WHEN 4 THEN 'undelivered' ELSE 'delivered' END, 0, \
         CASE WHEN i % 500 IN (0, 2, 3) THEN i END, i + 1000, 1, 'tim', 0, hex(i), i FROM n";
    const FILL_NOTICES: &str = "INSERT INTO notice (message_seq, kind, at, flags, endpoint, due_at, dead_at) \
         SELECT seq, 'message.' || state, seq, 0, CASE seq % 3 WHEN 0 THEN 'bank' END, \
         CASE seq % 300 WHEN 0 THEN seq END, CASE seq % 300 WHEN 3 THEN seq END FROM message";
    let dir = tempfile::tempdir().unwrap();
    let mut connection = super::tests::fresh_file(&dir).await;
    sqlx::query(FILL).execute(&mut connection).await.unwrap();
    sqlx::query(FILL_NOTICES).execute(&mut connection).await.unwrap();
    if analyzed {
        sqlx::query("ANALYZE").execute(&mut connection).await.unwrap();
    }
    (dir, connection)
}

async fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
        .fetch_all(connection)
        .await
        .unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail")).collect()
}

/// The plan has each of `wanted`, and scans none of the tables that grow. (An index that is partial may be walked
/// whole: it holds open rows only.)
async fn holds(sql: &str, wanted: &[&str]) {
    for analyzed in [false, true] {
        let (_dir, mut connection) = filled(analyzed).await;
        let lines = plan(&mut connection, sql).await;
        for line in wanted {
            assert!(
                lines.iter().any(|it| it.contains(line)),
                "{line} (analyzed: {analyzed})\n{lines:#?}\n{sql}"
            );
        }
        let scans = |it: &&String| {
            let grows = [
                "message",
                "m",
                "s",
                "segment",
                "i",
                "inbound",
                "idempotency",
                "notice",
                "event_inbox",
                "e",
                "action",
                "a",
                "question",
                "person",
                "spent",
                "p",
                "q",
                "consent",
                "consent_change",
                "c",
                "certified",
                "cert",
                "verification",
                "ver",
            ];
            let table = it.strip_prefix("SCAN ").and_then(|it| it.split(' ').next());
            table.is_some_and(|table| grows.contains(&table))
                && !it.contains("message_queue")
                && !it.contains("message_claimed")
                && !it.contains("notice_due")
                && !it.contains("notice_dead")
        };
        let scanned: Vec<_> = lines.iter().filter(scans).collect();
        assert!(scanned.is_empty(), "analyzed: {analyzed}\n{lines:#?}\n{sql}");
    }
}

#[tokio::test]
async fn a_claim_is_a_range_read_of_the_queue() {
    holds(
        CLAIM,
        &[
            "INDEX message_queue (route=? AND step=? AND priority=?)",
            "SEARCH m USING INTEGER PRIMARY KEY",
        ],
    )
    .await;
}

#[tokio::test]
async fn kept_rows_are_claimed_by_their_places() {
    holds(CLAIM_RESTS, &["SEARCH m USING INTEGER PRIMARY KEY"]).await;
}

#[tokio::test]
async fn due_rows_are_read_by_state_and_time() {
    holds(DUE, &["INDEX message_wake (state=? AND wake_at>? AND wake_at<?)"]).await;
}

#[tokio::test]
async fn orphans_are_read_from_the_claimed_rows() {
    holds(ORPHANS, &["SCAN m USING INDEX message_claimed"]).await;
}

#[tokio::test]
async fn strays_are_read_from_their_lane() {
    holds(STRAYS, &["INDEX message_queue (route=? AND step=?)"]).await;
}

#[tokio::test]
async fn a_receipt_finds_its_message_by_the_carriers_id() {
    holds(
        BY_CARRIER_ID,
        &[
            "SCAN j",
            "SEARCH m USING INDEX message_carrier_id (carrier_message_id=?)",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_report_of_an_rcs_platform_finds_its_message_by_our_own_id() {
    holds(MESSAGES_BY_ID, &["SCAN j", "SEARCH m USING INDEX message_id (id=?)"]).await;
}

#[tokio::test]
async fn what_is_to_be_taken_back_is_read_from_its_own_index() {
    holds(
        REVOKING,
        &["SEARCH m USING INDEX message_revoking (carrier=? AND seq>?)"],
    )
    .await;
}

#[tokio::test]
async fn who_waits_in_a_lane_is_read_from_the_queue() {
    holds(HEAD, &["INDEX message_queue (route=? AND step=? AND priority=?)"]).await;
}

#[tokio::test]
async fn a_receipt_finds_its_segment_by_the_carriers_id() {
    let wanted = [
        "SCAN j",
        "INDEX segment_carrier_id (carrier_message_id=?)",
        "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)",
    ];
    holds(BY_SEGMENT_ID, &wanted).await;
}

#[tokio::test]
async fn rows_out_under_no_known_id_are_read_from_their_own_indexes() {
    holds(
        OUT_UNNAMED,
        &[
            "SEARCH m USING INDEX message_wake (state=? AND wake_at>?)",
            "SCAN m USING INDEX message_claimed",
            "SEARCH m USING INDEX message_without_id (<expr>=?)",
            "SEARCH m USING INDEX message_given_up (<expr>=?)",
        ],
    )
    .await;
}

#[tokio::test]
async fn rows_are_changed_and_read_by_their_place() {
    holds(
        UPDATE,
        &["SCAN j", "SEARCH message USING INTEGER PRIMARY KEY (rowid=?)"],
    )
    .await;
    holds(BY_SEQ, &["SCAN j", "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)"]).await;
}

#[tokio::test]
async fn changes_that_tell_what_they_touched_are_made_by_place_too() {
    holds(
        UPDATE_TOLD,
        &["SCAN j", "SEARCH message USING INTEGER PRIMARY KEY (rowid=?)"],
    )
    .await;
}

#[tokio::test]
async fn backlog_and_totals_read_open_rows_only() {
    holds(BACKLOG, &["COVERING INDEX message_queue"]).await;
    holds(
        TOTALS,
        &["INDEX message_wake (state=? AND wake_at>?)", "INDEX message_claimed"],
    )
    .await;
    let (_dir, mut connection) = filled(false).await;
    let lines = plan(&mut connection, TOTALS).await;
    assert!(!lines.iter().any(|line| line.contains("TEMP B-TREE")), "{lines:#?}");
}

#[tokio::test]
async fn keys_and_repeated_texts_are_looked_up_by_index() {
    holds(
        KNOWN_KEYS,
        &["SCAN j", "SEARCH i USING PRIMARY KEY (client=? AND key=?)"],
    )
    .await;
    holds(
        BY_ID,
        &[
            "SCAN j",
            "INDEX inbound_carrier_id (carrier=? AND carrier_message_id=?)",
        ],
    )
    .await;
    holds(BY_OCTETS, &["SCAN j", "INDEX inbound_digest (digest=?)"]).await;
}

#[tokio::test]
async fn due_notices_are_a_range_of_what_is_pending_and_ask_for_earlier_ones_by_message() {
    holds(
        NOTICES_DUE,
        &[
            "SEARCH n USING INDEX notice_due (endpoint=? AND due_at>? AND due_at<?)",
            "SEARCH e USING INDEX notice_message (message_seq=? AND seq<?)",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH notice USING COVERING INDEX notice_due (endpoint=? AND due_at>?)",
        ],
    )
    .await;
}

#[tokio::test]
async fn notices_are_settled_by_place_and_later_ones_found_by_message() {
    holds(SETTLE, &["SCAN j", "SEARCH notice USING INTEGER PRIMARY KEY (rowid=?)"]).await;
    holds(
        HOLD_LATER,
        &[
            "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH n USING INDEX notice_message (message_seq=? AND seq>?)",
            "SEARCH notice USING INTEGER PRIMARY KEY (rowid=?)",
        ],
    )
    .await;
}

#[tokio::test]
async fn dead_and_waiting_notices_are_read_from_their_own_indexes() {
    holds(REPLAY, &["SEARCH notice USING INTEGER PRIMARY KEY (rowid=?)"]).await;
    holds(REPLAY_OF, &["INDEX notice_dead (endpoint=? AND seq>? AND seq<?)"]).await;
    holds(HURRY, &["INDEX notice_due (endpoint=? AND due_at>?)"]).await;
    holds(DEAD, &["INDEX notice_dead"]).await;
    holds(ENDPOINTS, &["COVERING INDEX notice_due", "INDEX notice_dead"]).await;
}

#[tokio::test]
async fn notices_of_a_message_and_of_a_stretch_are_ranges() {
    holds(OF_MESSAGE, &["INDEX notice_message (message_seq=?)"]).await;
    holds(STRETCH, &["SEARCH n USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]).await;
    holds(OLD, &["INDEX notice_message (message_seq=?)"]).await;
}

#[tokio::test]
async fn the_event_inbox_is_read_from_its_new_rows_and_settled_by_place() {
    holds(NEW, &["SEARCH event_inbox USING INDEX event_inbox_new (id>?)"]).await;
    holds(PENDING, &["SEARCH i USING INTEGER PRIMARY KEY (rowid=?)"]).await;
    for sql in [SETTLE_INBOX, MARK] {
        holds(
            sql,
            &["SCAN j", "SEARCH event_inbox USING INTEGER PRIMARY KEY (rowid=?)"],
        )
        .await;
    }
}

#[tokio::test]
async fn unhandled_texts_are_read_from_their_own_index_and_handled_by_place() {
    holds(UNHANDLED, &["SEARCH inbound USING INDEX inbound_unhandled (seq>?)"]).await;
    holds(
        STILL_UNHANDLED,
        &["SCAN j", "SEARCH i USING INTEGER PRIMARY KEY (rowid=?)"],
    )
    .await;
    holds(
        HANDLE,
        &["SCAN j", "SEARCH inbound USING INTEGER PRIMARY KEY (rowid=?)"],
    )
    .await;
}

#[tokio::test]
async fn calls_are_read_from_what_is_open_and_moved_on_by_place() {
    holds(
        ACTIONS_DUE,
        &["SEARCH action USING INDEX action_due (next_at>? AND next_at<?)"],
    )
    .await;
    holds(RUNNING, &["SEARCH action USING INDEX action_running (seq>?)"]).await;
    holds(
        STILL_AT,
        &[
            "SCAN j",
            "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH k USING INDEX care_case_open (number=? AND address=?)",
        ],
    )
    .await;
    holds(
        MOVE_ON,
        &["SCAN j", "SEARCH action USING INTEGER PRIMARY KEY (rowid=?)"],
    )
    .await;
}

#[tokio::test]
async fn what_stands_between_a_number_and_an_address_is_looked_up_by_key() {
    holds(
        STANDINGS,
        &[
            "SEARCH p USING PRIMARY KEY (number=?)",
            "SEARCH q USING PRIMARY KEY (number=? AND address=?)",
            "SEARCH k USING INDEX care_case_open (number=? AND address=?)",
            "SEARCH cert USING INDEX certified_now (msisdn=?)",
        ],
    )
    .await;
    holds(
        SPENT,
        &["SEARCH s USING PRIMARY KEY (number=? AND command=? AND day=?)"],
    )
    .await;
    holds(
        DROP_QUESTION,
        &["SEARCH question USING PRIMARY KEY (number=? AND address=?)"],
    )
    .await;
    holds(DROP_QUESTIONS, &["SEARCH question USING PRIMARY KEY (number=?)"]).await;
}

#[tokio::test]
async fn what_people_want_is_looked_up_by_person_and_what_waits_for_them_by_its_own_index() {
    holds(HELD, &["SCAN j", "INDEX consent_of (msisdn=? AND brand=?)"]).await;
    holds(
        WAITING,
        &["SCAN j", "SEARCH m USING INDEX message_waiting (recipient=?)"],
    )
    .await;
    holds(
        WITH_PLATFORM,
        &["SCAN j", "SEARCH m USING INDEX message_with_platform (recipient=?)"],
    )
    .await;
    holds(OF_PERSON, &["INDEX consent_of (msisdn=?)"]).await;
    holds(LIST, &["SEARCH c USING INTEGER PRIMARY KEY (rowid>?)"]).await;
    holds(HISTORY, &["INDEX consent_change_of (msisdn=?)"]).await;
}

#[tokio::test]
async fn cases_are_found_by_number_by_person_and_by_the_end_of_their_wait() {
    holds(CASE_BY_ID, &["SEARCH k USING INDEX", "(id=?)"]).await;
    holds(MET_BY_ID, &["SCAN j", "SEARCH k USING INDEX", "(id=?)"]).await;
    holds(MET_OPEN, &["SCAN j", "INDEX care_case_open (number=? AND address=?)"]).await;
    holds(CASES_DUE, &["INDEX care_case_due (due_at>? AND due_at<?)"]).await;
    holds(CASES, &["SEARCH k USING INTEGER PRIMARY KEY (rowid<?)"]).await;
    holds(CASE_NOTES, &["INDEX care_note_case (case_seq=?)"]).await;
}

#[tokio::test]
async fn what_a_person_texted_and_was_answered_is_found_by_the_person() {
    holds(TEXTS_OF, &["SEARCH i USING INDEX inbound_sender (sender=? AND seq<?)"]).await;
    holds(
        REPLIES_TO,
        &["SEARCH m USING INDEX message_reply (recipient=? AND seq>? AND seq<?)"],
    )
    .await;
}

#[tokio::test]
async fn what_is_certified_is_looked_up_by_number_and_codes_by_their_id() {
    holds(
        ARE,
        &[
            "SCAN j",
            "SEARCH cert USING INDEX certified_now (msisdn=? AND client=?)",
        ],
    )
    .await;
    holds(
        END,
        &["SEARCH certified USING INDEX certified_now (msisdn=? AND client=?)"],
    )
    .await;
    holds(CERTIFIED, &["SEARCH cert USING INTEGER PRIMARY KEY (rowid>?)"]).await;
    holds(OF_NUMBER, &["INDEX certified_of (msisdn=? AND seq>?)"]).await;
    holds(VERIFICATION, &["SEARCH ver USING PRIMARY KEY (id=?)"]).await;
    holds(
        HOLDER,
        &[
            "SEARCH ver USING PRIMARY KEY (id=?)",
            "SEARCH cert USING INDEX certified_now (msisdn=? AND client=?)",
        ],
    )
    .await;
    holds(CODES, &["SEARCH ver USING INDEX verification_made (made_at>?)"]).await;
    holds(MARK_CODE, &["SEARCH verification USING PRIMARY KEY (id=?)"]).await;
}
