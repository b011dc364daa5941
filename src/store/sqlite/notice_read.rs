//! What is to be told, was told, or could not be.

use sqlx::{Row as _, SqliteConnection, SqlitePool};

use super::care::case_columns;
use super::checksum::{self, InboundHead, MessageHead};
use super::columns::{self, Cells};
use super::{care, consent, json};
use crate::domain::{Endpoint, Flags, InboundId, MessageId, Name, State, UnixMillis};
use crate::store::{
    About, AboutConsent, AboutInbound, AboutMessage, DeadNotices, Delivery, DueNotices, DuePage, EndpointRecord,
    Notice, NoticeKind, NoticePage, NoticeQuery, NoticeRecord, OffReason, Page, Seq,
};

/// Notices that one stretch looks at: a rare filter over millions of them answers in pieces rather than late.
const NOTICES_A_STRETCH: i64 = 20_000;

/// The columns that [`notice`] reads, of a table named `n`.
macro_rules! notice_columns {
    () => {
        "n.seq, n.kind, n.at, n.reason, n.code, n.flags, n.carrier, n.endpoint, n.due_at, n.attempts, n.bundle, \
         n.tried_at, n.outcome, n.dead_at"
    };
}

/// How many these are: what it is about follows from there.
const NOTICE_COLUMNS: usize = 14;

/// Where of a record's own columns those of a consent begin.
const CONSENT: usize = 25;

/// Where the whole of a long text is.
const WHOLE: usize = NOTICE_COLUMNS + CONSENT + 8;

/// And where those of a case begin.
const CASE: usize = CONSENT + 9;

/// And those that [`record`] reads beside, with how they are joined; `$hex` is `hex` for a `json_array`, which has no
/// octets.
macro_rules! record_columns {
    ($hex:literal) => {
        concat!(
            notice_columns!(),
            ", m.seq, ",
            $hex,
            "(m.id), m.client, m.class, m.recipient, m.sender, m.segments, m.reference, m.callback, m.accepted_at, \
             m.submitted_at, i.seq, ",
            $hex,
            "(i.id), n.client, i.sender, i.recipient, i.text, i.segment_reference, i.segment_total, i.segment_number, \
             i.segment_reference_bits, m.receipt, m.not_before, m.checksum, i.checksum, c.seq, c.msisdn, c.brand, c.topic, \
             c.will, c.source, c.at, c.note, i.whole, ",
            case_columns!()
        )
    };
}

macro_rules! joined {
    () => {
        " LEFT JOIN message AS m ON m.seq = n.message_seq LEFT JOIN inbound AS i ON i.seq = n.inbound_seq \
         LEFT JOIN consent_change AS c ON c.seq = n.consent_seq LEFT JOIN care_case AS k ON k.seq = n.case_seq"
    };
}

/// An array of arrays, and the next due time. `NOT EXISTS`: no earlier one of the same message is pending.
pub(super) const DUE: &str = concat!(
    "SELECT (SELECT json_group_array(json_array(",
    record_columns!("hex"),
    ")) FROM (SELECT * FROM notice AS n WHERE n.endpoint = ?1 AND n.due_at IS NOT NULL AND n.due_at <= ?2 \
     AND (n.due_at, n.seq) > (?3, ?4) AND NOT EXISTS (SELECT 1 FROM notice AS e WHERE e.message_seq = n.message_seq \
     AND e.seq < n.seq AND e.endpoint IS NOT NULL AND +e.due_at IS NOT NULL) ORDER BY n.due_at, n.seq LIMIT ?5) AS n",
    joined!(),
    "), (SELECT min(due_at) FROM notice WHERE endpoint = ?1 AND due_at IS NOT NULL AND due_at > ?2)"
);

/// Pending ones are counted from their index alone.
pub(super) const ENDPOINTS: &str = "WITH waiting AS (SELECT endpoint, count(*) AS pending, min(seq) AS oldest FROM notice \
     WHERE due_at IS NOT NULL GROUP BY endpoint), \
     given_up AS (SELECT endpoint, count(*) AS dead FROM notice WHERE dead_at IS NOT NULL GROUP BY endpoint), \
     known AS (SELECT endpoint FROM waiting UNION SELECT endpoint FROM given_up UNION SELECT endpoint FROM webhook_off) \
     SELECT k.endpoint, coalesce(w.pending, 0), (SELECT n.at FROM notice AS n WHERE n.seq = w.oldest), \
     coalesce(g.dead, 0), o.at, o.reason FROM known AS k LEFT JOIN waiting AS w ON w.endpoint = k.endpoint \
     LEFT JOIN given_up AS g ON g.endpoint = k.endpoint LEFT JOIN webhook_off AS o ON o.endpoint = k.endpoint \
     ORDER BY k.endpoint";

pub(super) const DEAD: &str = concat!(
    "SELECT ",
    record_columns!(""),
    " FROM notice AS n INDEXED BY notice_dead",
    joined!(),
    " WHERE n.dead_at IS NOT NULL AND (?1 IS NULL OR n.endpoint = ?1) AND n.seq < ?2 ORDER BY n.seq DESC LIMIT ?3"
);

pub(super) const STRETCH: &str = concat!(
    "SELECT ",
    record_columns!(""),
    " FROM notice AS n",
    joined!(),
    " WHERE n.seq > ?1 AND n.seq <= ?2 AND (m.seq IS NOT NULL OR i.seq IS NOT NULL OR c.seq IS NOT NULL OR k.seq IS NOT NULL) \
     AND (?3 IS NULL OR coalesce(m.client, n.client) = ?3) AND (?4 IS NULL OR m.class IN (SELECT value FROM json_each(?4))) \
     AND (?5 IS NULL OR n.kind IN (SELECT value FROM json_each(?5))) ORDER BY n.seq LIMIT ?6"
);

/// Those that can be told of: places are given without gaps, so the rest is forgotten.
const KEPT: &str = concat!(
    "SELECT count(*) FROM notice AS n",
    joined!(),
    " WHERE n.seq > ?1 AND n.seq <= ?2 AND (m.seq IS NOT NULL OR i.seq IS NOT NULL OR c.seq IS NOT NULL OR k.seq IS NOT NULL)"
);

pub(super) const OF_MESSAGE: &str = concat!(
    "SELECT ",
    notice_columns!(),
    " FROM notice AS n WHERE n.message_seq = ?1 AND n.endpoint IS NOT NULL ORDER BY n.seq"
);

pub(super) async fn due(readers: &SqlitePool, query: &DueNotices) -> Result<DuePage, sqlx::Error> {
    let (after_at, after_seq) = query.after.unwrap_or((UnixMillis(i64::MIN), Seq::MIN));
    let found = sqlx::query(DUE)
        .bind(query.endpoint.as_str())
        .bind(query.now.0)
        .bind(after_at.0)
        .bind(after_seq)
        .bind(query.limit)
        .fetch_one(readers)
        .await?;
    let mut page = DuePage {
        next_at: found.try_get::<Option<i64>, _>(1)?.map(UnixMillis),
        ..DuePage::default()
    };
    for r in json::rows(&found, 0)? {
        match record(&r) {
            Ok(record) => page.rows.push(record),
            Err(_) => page.unreadable.push(columns::narrow(&r, 0)?),
        }
    }
    page.rows
        .sort_unstable_by_key(|row| (row.notice.delivery.due_at, row.notice.seq));
    Ok(page)
}

pub(super) async fn endpoints(readers: &SqlitePool) -> Result<Vec<EndpointRecord>, sqlx::Error> {
    let found = sqlx::query(ENDPOINTS).fetch_all(readers).await?;
    found
        .iter()
        .map(|r| {
            let off_at: Option<i64> = r.try_get(4)?;
            let why: Option<String> = r.try_get(5)?;
            Ok(EndpointRecord {
                endpoint: Endpoint::stored(r.try_get(0)?),
                pending: columns::narrow(r, 1)?,
                oldest: r.try_get::<Option<i64>, _>(2)?.map(UnixMillis),
                dead: columns::narrow(r, 3)?,
                off: off_at.map(|at| (UnixMillis(at), OffReason::stored(&why.unwrap_or_default()))),
            })
        })
        .collect()
}

pub(super) async fn dead(readers: &SqlitePool, query: &DeadNotices) -> Result<Page<NoticeRecord>, sqlx::Error> {
    let found = sqlx::query(DEAD)
        .bind(query.endpoint.as_ref().map(Endpoint::as_str))
        .bind(query.before.unwrap_or(Seq::MAX))
        .bind(query.limit)
        .fetch_all(readers)
        .await?;
    let full = found.len() >= query.limit as usize;
    let next = found.last().filter(|_| full).map(|r| r.try_get(0)).transpose()?;
    // One that cannot be read does not cost the list.
    let rows = found.iter().filter_map(|r| record(r).ok()).collect();
    Ok(Page { rows, next })
}

pub(super) async fn stretch(readers: &SqlitePool, query: &NoticeQuery) -> Result<NoticePage, sqlx::Error> {
    const NEWEST: &str = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'notice'), 0)";
    const SPAN: &str = "SELECT max(seq), count(*) FROM (SELECT seq FROM notice WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
    let mut snapshot = readers.begin().await?;
    let Some(after) = query.after else {
        return Ok(NoticePage {
            upto: sqlx::query_scalar(NEWEST).fetch_one(&mut *snapshot).await?,
            ..NoticePage::default()
        });
    };
    let (last, looked_at): (Option<Seq>, i64) = sqlx::query_as(SPAN)
        .bind(after)
        .bind(NOTICES_A_STRETCH)
        .fetch_one(&mut *snapshot)
        .await?;
    let Some(last) = last else {
        let newest: Seq = sqlx::query_scalar(NEWEST).fetch_one(&mut *snapshot).await?;
        let upto = newest.max(after);
        return Ok(NoticePage {
            upto,
            forgotten: upto.abs_diff(after),
            ..NoticePage::default()
        });
    };
    let kinds = words(query.kinds.iter().map(|kind| kind.as_str()))?;
    let classes = words(query.classes.iter().map(|class| class.as_str()))?;
    let found = sqlx::query(STRETCH)
        .bind(after)
        .bind(last)
        .bind(query.client.as_ref().map(Name::as_str))
        .bind(classes)
        .bind(kinds)
        .bind(query.limit)
        .fetch_all(&mut *snapshot)
        .await?;
    let full = found.len() >= query.limit as usize;
    let upto: Option<Seq> = found.last().filter(|_| full).map(|r| r.try_get(0)).transpose()?;
    let upto = upto.unwrap_or(last);
    let kept: i64 = sqlx::query_scalar(KEPT)
        .bind(after)
        .bind(upto)
        .fetch_one(&mut *snapshot)
        .await?;
    Ok(NoticePage {
        rows: found.iter().filter_map(|r| record(r).ok()).collect(),
        upto,
        forgotten: upto.abs_diff(after).saturating_sub(kept.unsigned_abs()),
        more: full || looked_at == NOTICES_A_STRETCH,
    })
}

/// An array of the words; NULL for none.
fn words<'a>(words: impl Iterator<Item = &'a str>) -> Result<Option<String>, sqlx::Error> {
    let words: Vec<_> = words.collect();
    (!words.is_empty())
        .then(|| serde_json::to_string(&words).map_err(columns::decode))
        .transpose()
}

pub(super) async fn of_message(connection: &mut SqliteConnection, seq: Seq) -> Result<Vec<Notice>, sqlx::Error> {
    let found = sqlx::query(OF_MESSAGE).bind(seq).fetch_all(connection).await?;
    // One that cannot be read does not cost the message.
    Ok(found.iter().filter_map(|r| notice(r).ok()).collect())
}

fn notice(r: &impl Cells) -> Result<Notice, sqlx::Error> {
    let millis = |at| Ok::<_, sqlx::Error>(r.number(at)?.map(UnixMillis));
    Ok(Notice {
        seq: columns::narrow(r, 0)?,
        kind: columns::parsed::<NoticeKind>(r, 1)?,
        at: UnixMillis(columns::narrow(r, 2)?),
        reason: columns::parsed_if_any(r, 3)?,
        code: columns::narrow_if_any(r, 4)?,
        flags: Flags(columns::narrow(r, 5)?),
        carrier: columns::parsed_if_any(r, 6)?,
        endpoint: r.text(7)?.map(Endpoint::stored),
        delivery: Delivery {
            due_at: millis(8)?,
            attempts: columns::narrow(r, 9)?,
            bundle: r.number(10)?,
            tried_at: millis(11)?,
            outcome: r.text(12)?.map(Into::into),
            dead_at: millis(13)?,
        },
    })
}

fn record(r: &impl Cells) -> Result<NoticeRecord, sqlx::Error> {
    let notice = notice(r)?;
    let at = NOTICE_COLUMNS;
    let about = if r.number(at)?.is_some() {
        let message = AboutMessage {
            seq: columns::narrow(r, at)?,
            id: MessageId(r.uuid(at + 1)?),
            client: columns::parsed(r, at + 2)?,
            class: columns::parsed(r, at + 3)?,
            to: columns::words(r, at + 4)?,
            from: columns::words(r, at + 5)?,
            segments: columns::narrow(r, at + 6)?,
            reference: r.text(at + 7)?.map(Into::into),
            callback: r.text(at + 8)?.map(Into::into),
            accepted_at: UnixMillis(columns::narrow(r, at + 9)?),
            submitted_at: r.number(at + 10)?.map(UnixMillis),
        };
        // That a row is damaged is told of the row as it is.
        if notice.kind != NoticeKind::Message(State::Quarantined) {
            check_message(r, &message)?;
        }
        About::Message(Box::new(message))
    } else if r.number(at + CASE)?.is_some() {
        About::Case(Box::new(care::case(r, at + CASE)?))
    } else if r.number(at + CONSENT)?.is_some() {
        About::Consent(Box::new(AboutConsent {
            client: columns::parsed_if_any(r, at + 13)?,
            said: consent::entry(r, at + CONSENT)?,
        }))
    } else {
        let mut text = AboutInbound {
            seq: columns::narrow(r, at + 11)?,
            id: InboundId(r.uuid(at + 12)?),
            client: columns::parsed_if_any(r, at + 13)?,
            from: columns::words(r, at + 14)?,
            to: columns::words(r, at + 15)?,
            text: r.text(at + 16)?.map(Into::into),
            segment: columns::concat(r, at + 17)?,
        };
        let head = InboundHead {
            seq: text.seq,
            id: text.id,
            from: &text.from,
            to: &text.to,
            text: text.text.as_deref(),
            segment: text.segment,
        };
        columns::check(r, at + 24, head.part())?;
        // The row of a segment in which its long text stands whole.
        if let Some(whole) = r.text(WHOLE)? {
            (text.text, text.segment) = (Some(whole.into()), None);
        }
        About::Inbound(Box::new(text))
    };
    Ok(NoticeRecord { notice, about })
}

fn check_message(r: &impl Cells, message: &AboutMessage) -> Result<(), sqlx::Error> {
    let at = NOTICE_COLUMNS;
    let head = MessageHead {
        seq: message.seq,
        id: message.id,
        client: message.client.as_str(),
        class: message.class,
        to: &message.to,
        from: &message.from,
        segments: message.segments,
        receipt: r.number(at + 21)? != Some(0),
        callback: message.callback.as_deref(),
        accepted_at: message.accepted_at,
    };
    columns::check(r, at + 23, head.part())?;
    let not_before = r.number(at + 22)?.map(UnixMillis);
    let words = checksum::message_words(message.reference.as_deref(), not_before);
    columns::check(r, at + 23, words)
}
