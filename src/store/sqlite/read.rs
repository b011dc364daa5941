//! What people and back ends look at: short transactions on reader connections.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};

use super::columns::{self, ROW_COLUMNS, row_columns, segment_columns};
use crate::domain::{BindRef, Class, InboundId, Lane, MessageId, Name, UnixMillis};
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
            ", m.text, m.encoding, m.reference, m.not_before, m.shape"
        )
    };
}

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
    let Some(oldest) = oldest else {
        return Ok(Page {
            rows: Vec::new(),
            next: None,
        });
    };
    let found = sqlx::query(SELECT)
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
    const SELECT: &str = "SELECT seq, id, carrier, sender, recipient, coalesce(whole, text), lossy, data_coding, \
         iif(whole IS NULL, segment_reference, NULL), segment_total, segment_number, segment_reference_bits, at, note \
         FROM inbound WHERE seq < ?1 AND part_of IS NULL AND (?2 IS NULL OR recipient IN (SELECT value FROM json_each(?2))) \
         ORDER BY seq DESC LIMIT ?3";
    let to = query
        .to
        .as_ref()
        .map(serde_json::to_string)
        .transpose()
        .map_err(columns::decode)?;
    let found = sqlx::query(SELECT)
        .bind(query.before.unwrap_or(Seq::MAX))
        .bind(to)
        .bind(query.limit)
        .fetch_all(readers)
        .await?;
    let rows: Vec<InboundRecord> = found.iter().map(inbound_record).collect::<Result<_, _>>()?;
    let next = if rows.len() >= query.limit as usize {
        rows.last().map(|text| text.seq)
    } else {
        None
    };
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
    // A lane that cannot be read has no carrier to claim from it.
    Ok(found.iter().filter_map(|r| backlog_of(r).ok()).collect())
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

fn record(r: &SqliteRow) -> Result<MessageRecord, sqlx::Error> {
    Ok(MessageRecord {
        row: columns::row(r, 0)?,
        text: r.try_get::<String, _>(ROW_COLUMNS)?.into(),
        encoding: columns::parsed(r, ROW_COLUMNS + 1)?,
        reference: r.try_get::<Option<String>, _>(ROW_COLUMNS + 2)?.map(Into::into),
        not_before: r.try_get::<Option<i64>, _>(ROW_COLUMNS + 3)?.map(UnixMillis),
        shape: columns::shape(r, ROW_COLUMNS + 4)?,
        events: Vec::new(),
        segments: Vec::new(),
        webhooks: Vec::new(),
    })
}

fn inbound_record(r: &SqliteRow) -> Result<InboundRecord, sqlx::Error> {
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
