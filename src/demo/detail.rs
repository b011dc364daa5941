//! A message whole: its timeline, its segments, and the PDUs beneath.

use araldo_smpp::{FieldValue, Header, Tlv};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::stage::Stage;
use super::view::{encoding_word, span, tone};
use super::wire::{self, Exchange, Seen, Sought};
use crate::domain::{InboundId, MessageId, State, UnixMillis};
use crate::simulator::{Direction, rcs};
use crate::store::matching::reference_of;
use crate::store::{InboundQuery, MessageRecord};

/// Inbound texts looked through for one.
const INBOUND: u32 = 500;
/// Octets in a line of a dump.
const DUMP_LINE: usize = 16;

/// A message, or `None` where there is none: the template and what it is given.
pub(super) async fn find(stage: &Stage, id: &str) -> Option<(&'static str, Value)> {
    if let Ok(id) = id.parse::<MessageId>() {
        return outbound(stage, id).await.map(|message| ("detail.html", message));
    }
    let id: InboundId = id.parse().ok()?;
    inbound(stage, id).await.map(|message| ("inbound.html", message))
}

async fn outbound(stage: &Stage, id: MessageId) -> Option<Value> {
    let record = stage.store.get()?.message(id, None).await.ok()??;
    // What a message's owner sees of it is what the API shows.
    let api = stage.back_end.message(&id.to_string()).await.ok()??;
    let text = |name: &str| api.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let count = |name: &str| api.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (row, progress) = (&record.row, &record.row.progress);
    let took = progress.final_at.filter(|_| progress.state == State::Delivered);
    let segments = match count("segments") {
        1 => "1 segment".to_owned(),
        more => format!("{more} segments"),
    };
    let words = |value: &Value| value.as_str().map(|word| word.replace('_', " ")).unwrap_or_default();
    Some(json!({
        "id": text("id"),
        "is_final": progress.state.is_final(),
        "state": text("state"),
        "tone": tone(progress.state),
        "class": text("class"),
        "from": text("from"),
        "to": text("to"),
        "text": text("text"),
        "shape": format!("{segments}, {}", encoding_word(&text("encoding"))),
        "carrier": text("carrier"),
        "route": text("route"),
        "step": count("step") + 1,
        "attempts": count("attempts"),
        "copies": count("copies"),
        "reason": api.get("reason").map(words),
        "code": progress.code.map(|code| format!("0x{code:08X}")),
        "notes": api.get("notes").and_then(Value::as_array).map(|notes| notes.iter().map(words).collect::<Vec<_>>()),
        "latency": took.map(|at| span(at.since(row.accepted_at).as_millis())),
        "timeline": timeline(&api, row.accepted_at),
        "segment_rows": segment_rows(&record),
        "exchanges": exchanges(stage, &record),
        "rcs": stage.platform.message(record.row.id.0).map(|message| rcs_view(&message)),
    }))
}

async fn inbound(stage: &Stage, id: InboundId) -> Option<Value> {
    let query = InboundQuery {
        limit: INBOUND,
        ..InboundQuery::default()
    };
    let page = stage.store.get()?.inbound(&query).await.ok()?;
    let found = page.rows.into_iter().find(|record| record.id == id)?;
    Some(json!({
        "id": id,
        "from": format!("+{}", found.from.trim_start_matches('+')),
        "to": found.to,
        "text": found.text.as_deref().unwrap_or("(no text)"),
        "carrier": found.carrier,
    }))
}

/// The API's timeline with a colour, and times counted from the accept.
fn timeline(api: &Value, accepted_at: UnixMillis) -> Vec<Value> {
    let entries = api
        .get("timeline")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let view = |entry: &Value| {
        let event = entry.get("event").and_then(Value::as_str).unwrap_or_default();
        let at = entry.get("at").and_then(Value::as_str).unwrap_or_default();
        json!({
            "at": at,
            "since": since(at, accepted_at),
            "word": event.replace('_', " "),
            "tone": event_tone(event),
            "carrier": entry.get("carrier"),
            "say": remark(entry),
        })
    };
    entries.iter().map(view).collect()
}

fn since(at: &str, accepted_at: UnixMillis) -> String {
    let at: Option<UnixMillis> = at.parse::<jiff::Timestamp>().ok().map(Into::into);
    at.map_or_else(String::new, |at| {
        format!("+{}", span(at.since(accepted_at).as_millis()))
    })
}

fn event_tone(event: &str) -> &'static str {
    match event {
        "accepted" | "released" | "requeued" | "webhook_pending" => "wait",
        "by_event" | "tapped" => "in",
        "claimed" | "progress" | "segment" => "go",
        "doubted" | "revoking" | "retried" | "next_step" | "resent" | "corrected" | "receipt_again" => "doubt",
        "doubt_settled" | "webhook_sent" | "read" => "good",
        "webhook_dead" => "bad",
        other => other.parse().map_or("wait", tone),
    }
}

fn remark(entry: &Value) -> String {
    let mut remarks = Vec::new();
    if let Some(told) = entry.get("told").and_then(Value::as_str) {
        remarks.push(told.to_owned());
    }
    if let Some(attempt) = entry
        .get("attempt")
        .and_then(Value::as_u64)
        .filter(|attempt| *attempt > 1)
    {
        remarks.push(format!("attempt {attempt}"));
    }
    if let Some(id) = entry.get("carrier_message_id").and_then(Value::as_str) {
        remarks.push(format!("its id {id}"));
    }
    if let Some(code) = entry.get("code").and_then(Value::as_u64) {
        let code = u32::try_from(code).unwrap_or(u32::MAX);
        remarks.push(araldo_smpp::CommandStatus(code).to_string());
    }
    if let Some(outcome) = entry.get("outcome").and_then(Value::as_str) {
        remarks.push(match outcome.parse::<u16>() {
            Ok(status) => format!("answered {status}"),
            Err(_) => outcome.replace('_', " "),
        });
    }
    for name in ["reason", "note"] {
        if let Some(word) = entry.get(name).and_then(Value::as_str) {
            remarks.push(word.replace('_', " "));
        }
    }
    remarks.join(", ")
}

#[derive(Serialize)]
struct SegmentRow {
    number: u8,
    state: &'static str,
    carrier: String,
    carrier_id: Option<String>,
}

fn segment_rows(record: &MessageRecord) -> Vec<SegmentRow> {
    let row = |segment: &crate::store::SegmentRecord| SegmentRow {
        number: segment.number,
        state: segment.state.as_str(),
        carrier: segment.carrier.to_string(),
        carrier_id: segment.carrier_message_id.as_deref().map(str::to_owned),
    };
    record.segments.iter().map(row).collect()
}

fn exchanges(stage: &Stage, record: &MessageRecord) -> Vec<Value> {
    let row = &record.row;
    let single = row.progress.carrier_message_id.iter();
    let several = record
        .segments
        .iter()
        .filter_map(|segment| segment.carrier_message_id.as_ref());
    let sought = Sought {
        phone: &row.to,
        reference: reference_of(row.seq),
        since: row.accepted_at,
        ids: single.chain(several).map(ToString::to_string).collect(),
    };
    stage
        .wire
        .of(&sought)
        .iter()
        .map(|exchange| exchange_view(exchange, row.accepted_at))
        .collect()
}

/// What the RCS platform holds of it.
fn rcs_view(message: &rcs::PhoneMessage) -> Value {
    json!({
        "state": message.state,
        "traffic_type": message.traffic_type,
        "json": serde_json::to_string_pretty(&message.content).unwrap_or_default(),
    })
}

fn exchange_view(exchange: &Exchange, accepted_at: UnixMillis) -> Value {
    let flip = match exchange.direction {
        Direction::In => Direction::Out,
        Direction::Out => Direction::In,
    };
    let request = pdu_view(&exchange.request, exchange.direction, accepted_at);
    let answer = exchange
        .answer
        .as_ref()
        .map(|answer| pdu_view(answer, flip, accepted_at));
    let unanswered = answer.is_none();
    let pdus: Vec<Value> = std::iter::once(request).chain(answer).collect();
    json!({
        "carrier": exchange.carrier,
        "conn": exchange.conn,
        "sequence": exchange.sequence,
        "what": if exchange.direction == Direction::Out { "receipt" } else { "" },
        "unanswered": unanswered,
        "pdus": pdus,
    })
}

fn pdu_view(seen: &Seen, direction: Direction, accepted_at: UnixMillis) -> Value {
    let Some(header) = Header::parse(&seen.frame) else {
        return Value::Object(Map::new());
    };
    let command = header
        .command_id
        .name()
        .map_or_else(|| format!("0x{:08x}", header.command_id.0), str::to_owned);
    json!({
        "dir": direction,
        "command": command,
        "status": if header.command_id.is_response() { header.command_status.to_string() } else { String::new() },
        "ok": header.command_status.is_ok(),
        "since": format!("+{}", span(seen.at.since(accepted_at).as_millis())),
        "fields": fields(&seen.frame),
        "octets": dump(&seen.frame),
    })
}

fn fields(frame: &Bytes) -> Vec<Value> {
    let field = |name: &str, value: String| json!({ "name": name, "value": value });
    let Ok(pdu) = wire::decode(frame) else {
        return Vec::new();
    };
    let mut all: Vec<Value> = pdu
        .fields()
        .0
        .iter()
        .map(|(name, value)| field(name, shown(value)))
        .collect();
    all.extend(pdu.tlvs().iter().map(|tlv: Tlv<'_>| {
        let name = tlv.tag.name();
        field(
            name,
            tlv.field_value()
                .map_or_else(|| hex::encode(tlv.value), |value| shown(&value)),
        )
    }));
    all
}

fn shown(value: &FieldValue) -> String {
    match value {
        FieldValue::Int(number) => number.to_string(),
        FieldValue::Str(text) if text.is_empty() => "—".to_owned(),
        FieldValue::Str(text) => text.clone(),
        FieldValue::Hex(octets) if octets.is_empty() => "—".to_owned(),
        FieldValue::Hex(octets) => hex::encode(octets),
        FieldValue::List(groups) => format!("{} entries", groups.len()),
    }
}

/// Octets as people read them: an offset, sixteen in hex, and what is ASCII of them.
fn dump(frame: &[u8]) -> String {
    let line = |(at, octets): (usize, &[u8])| {
        let hex: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let plain = octets.iter().map(|octet| {
            if (b' '..=b'~').contains(octet) {
                char::from(*octet)
            } else {
                '.'
            }
        });
        format!(
            "{:04x}  {:<47}  {}",
            at * DUMP_LINE,
            hex.join(" "),
            plain.collect::<String>()
        )
    };
    frame
        .chunks(DUMP_LINE)
        .enumerate()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_has_sixteen_octets_a_line_and_what_is_plain_of_them() {
        assert_eq!(dump(b"ab\0"), format!("0000  {:<47}  ab.", "61 62 00"));
        assert_eq!(dump(&[0; 17]).lines().count(), 2);
    }
}
