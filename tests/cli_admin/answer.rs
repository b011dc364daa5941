//! What a daemon would answer.

use serde_json::{Value, json};

pub(crate) const ID: &str = "msg_01932b5e7c3a70008000000000000001";

pub(crate) fn daemon(asked: &str) -> (u16, Value) {
    match asked {
        "GET status" => (
            200,
            json!({
                "version": "0.1.0", "uptime_seconds": 7200, "stopping": false,
                "store": { "working": true, "storage_low": true, "commits": 1 }, "receipts_parked": 3,
                "carriers": [{ "id": "tim", "state": "up",
                    "binds": [{ "state": "bound", "window": 100, "in_flight": 7 }, { "state": "waiting", "since": "2025-01-02T12:04:05.678Z", "last_error": "refused", "window": 100, "in_flight": 0 }] }],
                "outbox": [{ "class": "otp", "state": "queued", "messages": 12, "oldest_accepted_at": "2025-01-02T12:04:05Z" }],
            }),
        ),
        "GET queue" => (200, json!({ "open": [], "lanes": [] })),
        "GET carriers" => (
            200,
            json!({ "data": [{ "id": "tim", "state": "stopped", "binds": [] }] }),
        ),
        _ if asked.starts_with("GET quarantine?") => (
            200,
            json!({ "data": [{ "at": "2025-01-02T12:04:05Z", "carrier": "tim", "bind": 1, "peer": "192.0.2.7:2775",
                "reason": "short_message: cut short", "command_status": 1, "status": "ESME_RINVMSGLEN", "length": 60,
                "hex": format!("0000003c00000005{}", "**".repeat(52)) }] }),
        ),
        "POST carriers/tim/stop" => (200, json!({ "id": "tim", "state": "stopping" })),
        "POST messages" => (
            202,
            json!({ "id": ID, "to": "+393331234567", "state": "queued", "segments": 1, "encoding": "gsm7" }),
        ),
        _ if asked.starts_with("GET messages?") => (200, json!({ "data": [message("delivered", &[])], "next": "c2" })),
        _ if asked.starts_with("GET inbound?") => (
            200,
            json!({ "data": [{ "id": "in_1", "received_at": "2025-01-02T12:04:05Z", "carrier": "tim", "from": "393331234567",
                "to": "12345", "text": "SALDO\u{1b}[31m" }], "next": null }),
        ),
        _ if asked.ends_with(&format!("messages/{ID}")) => (200, message("failed", &["was_uncertain"])),
        _ if asked.ends_with("0002") => (200, message("failed", &[])),
        _ if asked.ends_with("0003") => (200, message("delivered", &[])),
        _ if asked.ends_with("/requeue") || asked.ends_with("/cancel") => (200, message("queued", &[])),
        _ if asked.contains("carriers/busy") => problem(409, "carrier_state"),
        _ => problem(404, "not_found"),
    }
}

pub(crate) fn problem(status: u16, code: &str) -> (u16, Value) {
    (
        status,
        json!({ "title": "That is so", "status": status, "detail": "because", "code": code }),
    )
}

fn message(state: &str, notes: &[&str]) -> Value {
    json!({
        "id": ID, "state": state, "class": "otp", "client": "bank", "to": "+393331234567", "from": "MyBank",
        "segments": 1, "encoding": "gsm7", "accepted_at": "2025-01-02T12:04:05.678Z", "reason": null, "notes": notes,
        "timeline": [{ "at": "2025-01-02T12:04:05.678Z", "event": "accepted" }],
    })
}
