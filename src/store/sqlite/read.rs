//! What people and back ends look at: short transactions on reader connections.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};

use super::checksum::{self, InboundBody, InboundHead, MessageHead};
use super::columns::{self, CHECKSUM, ROW_COLUMNS, row_columns, segment_columns};
use crate::domain::{BindRef, Class, Encoding, InboundId, Lane, MessageId, Name, Reason, Shape, State, UnixMillis};
use crate::store::{
    Backlog, IdempotencyKey, InboundQuery, InboundRecord, MessageQuery, MessageRecord, Page, ParkedTotals,
    QuarantineRecord, Seq, Totals,
};

/// Rows that one page of a filtered list looks at. A page that finds few ends there and says where to go on, so that a
/// rare filter over millions of rows answers in pieces rather than late.
const ROWS_A_PAGE: i64 = 50_000;

pub(super) const BACKLOG: &str = "SELECT route, step, priority, count(*), sum(segments) FROM message \
     WHERE state = 'queued' GROUP BY route, step, priority";

macro_rules! of_classes {
    ($($class:literal)*) => {
        concat!($(
            ", count(*) FILTER (WHERE class = '", $class, "'), min(accepted_at) FILTER (WHERE class = '", $class, "')"
        ),*)
    };
}

macro_rules! count_by_state {
    () => {
        concat!("SELECT state", of_classes!("otp" "alert" "reply" "transaction" "service" "marketing"), " FROM message ")
    };
}

/// By state; of each class in the order of [`Class::ALL`] its rows and the oldest. Each arm reads a partial index of
/// open rows only, in whose order it groups: sorting a million rows would take their memory.
pub(super) const TOTALS: &str = concat!(
    count_by_state!(),
    "WHERE state IN ('scheduled', 'queued', 'uncertain', 'submitted') AND wake_at IS NOT NULL GROUP BY state UNION ALL ",
    count_by_state!(),
    "WHERE state = 'claimed' GROUP BY state"
);

macro_rules! record_columns {
    () => {
        concat!(
            row_columns!(),
            ", m.text, m.encoding, m.reference, m.not_before, m.shape, m.rich"
        )
    };
}
pub(super) use record_columns;

/// What [`inbound_record`] reads, of a table named `i`.
macro_rules! inbound_columns {
    () => {
        "i.seq, i.id, i.carrier, i.sender, i.recipient, i.text, i.lossy, i.data_coding, i.segment_reference, \
         i.segment_total, i.segment_number, i.segment_reference_bits, i.at, i.note, i.bind, i.esm_class, i.octets, \
         i.carrier_message_id, i.checksum, i.whole"
    };
}
pub(super) use inbound_columns;

pub(super) async fn message(
    readers: &SqlitePool,
    id: MessageId,
    client: Option<&Name>,
) -> Result<Option<MessageRecord>, sqlx::Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        record_columns!(),
        " FROM message AS m WHERE m.id = ?1 AND (?2 IS NULL OR m.client = ?2)"
    );
    const EVENTS: &str =
        "SELECT at, kind, attempt, carrier, bind, code, note FROM message_event WHERE message_seq = ?1 ORDER BY id";
    const SEGMENTS: &str = concat!(
        "SELECT ",
        segment_columns!(),
        " FROM segment AS s WHERE s.message_seq = ?1 ORDER BY s.number"
    );
    let mut snapshot = readers.begin().await?;
    let found = sqlx::query(SELECT)
        .bind(id.0)
        .bind(client.map(Name::as_str))
        .fetch_optional(&mut *snapshot)
        .await?;
    let Some(found) = found else { return Ok(None) };
    let mut message = record(&found)?;
    let events = sqlx::query(EVENTS)
        .bind(message.row.seq)
        .fetch_all(&mut *snapshot)
        .await?;
    message.events = events.iter().map(columns::event).collect::<Result<_, _>>()?;
    if message.row.segments > 1 {
        let segments = sqlx::query(SEGMENTS)
            .bind(message.row.seq)
            .fetch_all(&mut *snapshot)
            .await?;
        message.segments = segments
            .iter()
            .map(|r| columns::segment(r, 0).map(|(_, segment)| segment))
            .collect::<Result<_, _>>()?;
    }
    message.webhooks = super::notice_read::of_message(&mut snapshot, message.row.seq).await?;
    Ok(Some(message))
}

pub(super) async fn key(readers: &SqlitePool, client: &Name, key: &str) -> Result<Option<IdempotencyKey>, sqlx::Error> {
    const SELECT: &str = "SELECT fingerprint, answer FROM idempotency WHERE client = ? AND key = ?";
    let found = sqlx::query(SELECT)
        .bind(client.as_str())
        .bind(key)
        .fetch_optional(readers)
        .await?;
    let known = |r: SqliteRow| {
        let fingerprint: Vec<u8> = r.try_get(0)?;
        Ok(IdempotencyKey {
            key: key.into(),
            fingerprint: fingerprint[..].try_into().map_err(columns::decode)?,
            answer: r.try_get::<String, _>(1)?.into(),
        })
    };
    found.map(known).transpose()
}

/// What a person was answered, by an index of its own.
pub(super) const REPLIES_TO: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM message AS m INDEXED BY message_reply WHERE m.class = 'reply' AND m.recipient = ?6 AND m.seq < ?1 \
     AND m.seq >= ?2 AND (?3 IS NULL OR m.client = ?3) AND (?4 IS NULL OR m.state = ?4) AND ?5 = 'reply' \
     AND (?7 IS NULL OR m.reference = ?7) ORDER BY m.seq DESC LIMIT ?8"
);

/// What a person texted, by an index of its own: carriers write a number with or without its plus.
pub(super) const TEXTS_OF: &str = concat!(
    "SELECT ",
    inbound_columns!(),
    " FROM inbound AS i INDEXED BY inbound_sender WHERE sender IN (?4, '+' || ?4) AND seq < ?1 AND part_of IS NULL \
      AND (?2 IS NULL OR recipient IN (SELECT value FROM json_each(?2))) ORDER BY seq DESC LIMIT ?3"
);

pub(super) async fn messages(readers: &SqlitePool, query: &MessageQuery) -> Result<Page<MessageRecord>, sqlx::Error> {
    const SPAN: &str = "SELECT min(seq), count(*) FROM \
         (SELECT seq FROM message WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2)";
    const SELECT: &str = concat!(
        "SELECT ",
        record_columns!(),
        " FROM message AS m WHERE m.seq < ?1 AND m.seq >= ?2 AND (?3 IS NULL OR m.client = ?3) \
         AND (?4 IS NULL OR m.state = ?4) AND (?5 IS NULL OR m.class = ?5) AND (?6 IS NULL OR m.recipient = ?6) \
         AND (?7 IS NULL OR m.reference = ?7) ORDER BY m.seq DESC LIMIT ?8"
    );
    let before = query.before.unwrap_or(Seq::MAX);
    let mut snapshot = readers.begin().await?;
    let span = sqlx::query(SPAN)
        .bind(before)
        .bind(ROWS_A_PAGE)
        .fetch_one(&mut *snapshot)
        .await?;
    let (oldest, looked_at): (Option<i64>, i64) = (span.try_get(0)?, span.try_get(1)?);
    let has_index = query.class == Some(Class::Reply) && query.to.is_some();
    let (select, oldest, looked_at) = match has_index {
        true => (REPLIES_TO, Some(0), 0),
        false => (SELECT, oldest, looked_at),
    };
    let Some(oldest) = oldest else {
        return Ok(Page {
            rows: Vec::new(),
            next: None,
        });
    };
    let found = sqlx::query(select)
        .bind(before)
        .bind(oldest)
        .bind(query.client.as_ref().map(Name::as_str))
        .bind(query.state.map(|state| state.as_str()))
        .bind(query.class.map(Class::as_str))
        .bind(query.to.as_ref().map(|to| to.digits()))
        .bind(query.reference.as_deref())
        .bind(query.limit)
        .fetch_all(&mut *snapshot)
        .await?;
    // A row that cannot be read does not cost the list.
    let rows: Vec<MessageRecord> = found.iter().filter_map(|r| record(r).ok()).collect();
    let next = if found.len() >= query.limit as usize {
        found.last().map(|r| r.try_get(0)).transpose()?
    } else if looked_at == ROWS_A_PAGE {
        Some(oldest)
    } else {
        None
    };
    Ok(Page { rows, next })
}

pub(super) async fn inbound(readers: &SqlitePool, query: &InboundQuery) -> Result<Page<InboundRecord>, sqlx::Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        inbound_columns!(),
        " FROM inbound AS i WHERE seq < ?1 AND part_of IS NULL \
          AND (?2 IS NULL OR recipient IN (SELECT value FROM json_each(?2))) ORDER BY seq DESC LIMIT ?3"
    );
    let to = query
        .to
        .as_ref()
        .map(serde_json::to_string)
        .transpose()
        .map_err(columns::decode)?;
    let select = if query.from.is_some() { TEXTS_OF } else { SELECT };
    let found = sqlx::query(select)
        .bind(query.before.unwrap_or(Seq::MAX))
        .bind(to)
        .bind(query.limit)
        .bind(query.from.as_deref())
        .fetch_all(readers)
        .await?;
    let mut rows = Vec::with_capacity(found.len());
    for r in &found {
        match inbound_record(r) {
            Ok(text) => rows.push(text),
            // A text that cannot be read does not cost the list.
            Err(error) => tell_of_damage("inbound", r.try_get(0)?, &error),
        }
    }
    let full = found.len() >= query.limit as usize;
    let next = found.last().filter(|_| full).map(|r| r.try_get(0)).transpose()?;
    Ok(Page { rows, next })
}

pub(super) async fn quarantine(
    readers: &SqlitePool,
    carrier: Option<&Name>,
    limit: u32,
) -> Result<Vec<QuarantineRecord>, sqlx::Error> {
    // At most 10,000 rows are kept: no index is needed to find a carrier's.
    const SELECT: &str = "SELECT at, carrier, bind, peer, reason, status, octets FROM quarantine \
         WHERE ?1 IS NULL OR carrier = ?1 ORDER BY id DESC LIMIT ?2";
    let found = sqlx::query(SELECT)
        .bind(carrier.map(Name::as_str))
        .bind(limit)
        .fetch_all(readers)
        .await?;
    found
        .iter()
        .map(|r| {
            Ok(QuarantineRecord {
                at: UnixMillis(r.try_get(0)?),
                bind: BindRef {
                    carrier: columns::parsed(r, 1)?,
                    bind: columns::narrow(r, 2)?,
                },
                peer: r.try_get::<Option<String>, _>(3)?.map(Into::into),
                reason: r.try_get::<String, _>(4)?.into(),
                status: columns::narrow(r, 5)?,
                octets: r.try_get(6)?,
            })
        })
        .collect()
}

pub(super) async fn backlog(readers: &SqlitePool) -> Result<Vec<Backlog>, sqlx::Error> {
    let found = sqlx::query(BACKLOG).fetch_all(readers).await?;
    // A lane that cannot be read has no carrier to claim from it, and no class has another priority.
    let parts = found.iter().filter_map(|r| backlog_of(r).ok());
    Ok(parts
        .filter(|part| usize::from(part.priority) < Class::PRIORITIES)
        .collect())
}

fn backlog_of(r: &SqliteRow) -> Result<Backlog, sqlx::Error> {
    Ok(Backlog {
        lane: Lane {
            route: columns::parsed(r, 0)?,
            step: columns::narrow(r, 1)?,
        },
        priority: columns::narrow(r, 2)?,
        rows: columns::narrow(r, 3)?,
        segments: columns::narrow(r, 4)?,
    })
}

pub(super) async fn totals(readers: &SqlitePool) -> Result<Totals, sqlx::Error> {
    let mut snapshot = readers.begin().await?;
    let found = sqlx::query(TOTALS).fetch_all(&mut *snapshot).await?;
    // Rows of a class that cannot be read are not counted: their claim quarantines them.
    let mut open = Vec::new();
    for r in &found {
        let state = columns::parsed(r, 0)?;
        for (index, class) in Class::ALL.into_iter().enumerate() {
            let oldest: Option<i64> = r.try_get(2 + 2 * index)?;
            if let Some(oldest) = oldest {
                open.push((class, state, columns::narrow(r, 1 + 2 * index)?, UnixMillis(oldest)));
            }
        }
    }
    let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM parked_receipt")
        .fetch_one(&mut *snapshot)
        .await?;
    Ok(Totals {
        open,
        parked: ParkedTotals {
            rows: parked.unsigned_abs(),
        },
    })
}

/// Reads what [`record_columns`] selected. What is damaged is shown as what it is about to become: set aside, and
/// without its words.
fn record(r: &SqliteRow) -> Result<MessageRecord, sqlx::Error> {
    let read = record_as_it_is(r).and_then(|record| check(r, &record).map(|()| record));
    let Err(error) = read else { return read };
    let mut row = columns::row_as_it_is(r, 0)?;
    let progress = &mut row.progress;
    if progress.state != State::Quarantined {
        tell_of_damage("message", row.seq, &error);
        (progress.state, progress.reason, progress.wake_at) = (State::Quarantined, Some(Reason::Damaged), None);
    }
    Ok(MessageRecord {
        row,
        text: "".into(),
        encoding: Encoding::Gsm7,
        reference: None,
        not_before: None,
        shape: Shape::default(),
        rich: None,
        events: Vec::new(),
        segments: Vec::new(),
        webhooks: Vec::new(),
    })
}

fn record_as_it_is(r: &SqliteRow) -> Result<MessageRecord, sqlx::Error> {
    Ok(MessageRecord {
        row: columns::row_as_it_is(r, 0)?,
        text: r.try_get::<String, _>(ROW_COLUMNS)?.into(),
        encoding: columns::parsed(r, ROW_COLUMNS + 1)?,
        reference: r.try_get::<Option<String>, _>(ROW_COLUMNS + 2)?.map(Into::into),
        not_before: r.try_get::<Option<i64>, _>(ROW_COLUMNS + 3)?.map(UnixMillis),
        shape: columns::shape(r, ROW_COLUMNS + 4)?,
        rich: r.try_get::<Option<String>, _>(ROW_COLUMNS + 5)?.map(Into::into),
        events: Vec::new(),
        segments: Vec::new(),
        webhooks: Vec::new(),
    })
}

fn check(r: &SqliteRow, record: &MessageRecord) -> Result<(), sqlx::Error> {
    let words = checksum::message_words(record.reference.as_deref(), record.not_before);
    let body = checksum::message_body(&record.text, record.encoding, &record.shape, record.rich.as_deref());
    for part in [MessageHead::of_row(&record.row).part(), words, body] {
        columns::check(r, CHECKSUM, part)?;
    }
    Ok(())
}

/// Whether the row that [`record_columns`] selected is as it was written.
pub(super) fn check_record(r: &SqliteRow) -> Result<(), sqlx::Error> {
    check(r, &record_as_it_is(r)?)
}

/// Says that a row is not as it was written. It is never shown as if it were.
pub(super) fn tell_of_damage(table: &'static str, seq: Seq, error: &sqlx::Error) {
    metrics::counter!("araldo_store_rows_damaged_total", "table" => table).increment(1);
    tracing::error!(event = "row_damaged", table, seq, %error, "`araldo db check` looks at the whole store");
}

/// Reads what [`inbound_columns`] selected, and holds it against its checksum.
pub(super) fn inbound_record(r: &SqliteRow) -> Result<InboundRecord, sqlx::Error> {
    const CHECKSUM: usize = 18;
    let mut text = inbound_as_it_is(r)?;
    let head = InboundHead {
        seq: text.seq,
        id: text.id,
        from: &text.from,
        to: &text.to,
        text: text.text.as_deref(),
        segment: text.segment,
    };
    let body = InboundBody {
        carrier: text.carrier.as_str(),
        bind: columns::narrow(r, 14)?,
        data_coding: text.data_coding,
        esm_class: columns::narrow(r, 15)?,
        octets: r.try_get(16)?,
        lossy: text.lossy,
        carrier_message_id: r.try_get(17)?,
        at: text.at,
        note: text.note.as_deref(),
    };
    columns::check(r, CHECKSUM, head.part())?;
    columns::check(r, CHECKSUM, body.part())?;
    // The row of a segment in which its long text stands whole.
    if let Some(whole) = r.try_get::<Option<String>, _>(CHECKSUM + 1)? {
        (text.text, text.segment) = (Some(whole.into()), None);
    }
    Ok(text)
}

fn inbound_as_it_is(r: &SqliteRow) -> Result<InboundRecord, sqlx::Error> {
    Ok(InboundRecord {
        seq: r.try_get(0)?,
        id: InboundId(r.try_get(1)?),
        carrier: columns::parsed(r, 2)?,
        from: r.try_get::<String, _>(3)?.into(),
        to: r.try_get::<String, _>(4)?.into(),
        text: r.try_get::<Option<String>, _>(5)?.map(Into::into),
        lossy: r.try_get(6)?,
        data_coding: columns::narrow(r, 7)?,
        segment: columns::concat(r, 8)?,
        at: UnixMillis(r.try_get(12)?),
        note: r.try_get::<Option<String>, _>(13)?.map(Into::into),
    })
}
