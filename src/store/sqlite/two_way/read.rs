//! What stands: texts that are not handled, what is between a number and an address, calls to make.

use std::collections::BTreeMap;

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use crate::domain::{CaseId, InboundId, UnixMillis};
use crate::store::sqlite::checksum::InboundHead;
use crate::store::sqlite::columns::{self, Cells};
use crate::store::sqlite::json;
use crate::store::sqlite::read::tell_of_damage;
use crate::store::two_way::{
    ActionProgress, ActionQuery, ActionRecord, Between, NewAction, Person, Question, Spend, Standing, UnhandledText,
};
use crate::store::{CaseState, Certified, Lease, OpenCase, Seq};

pub(in crate::store::sqlite) const UNHANDLED: &str = "SELECT json_group_array(json_array(o.seq, hex(o.id), o.carrier, o.sender, \
     o.recipient, o.text, o.segment_reference, o.segment_total, o.segment_number, o.segment_reference_bits, o.at, \
     o.checksum)) \
     FROM (SELECT * FROM inbound WHERE handled_at IS NULL AND seq > ?1 ORDER BY seq LIMIT ?2) AS o";

pub(in crate::store::sqlite) const STANDINGS: &str = "SELECT (SELECT json_group_array(json_array(p.number, p.language, p.passive, \
     p.wrong, p.locked_until, p.said, p.said_times, p.said_since)) \
     FROM jsonb_each(?1) AS j CROSS JOIN person AS p WHERE p.number = (j.value ->> 0)), \
     (SELECT json_group_array(json_array(q.number, q.address, q.said, q.asked_at, q.expires_at)) \
     FROM jsonb_each(?1) AS j CROSS JOIN question AS q WHERE q.number = (j.value ->> 0) AND q.address = (j.value ->> 1)), \
     (SELECT json_group_array(json_array(cert.msisdn, cert.client, cert.profile)) \
     FROM jsonb_each(?1) AS j CROSS JOIN certified AS cert INDEXED BY certified_now \
     WHERE cert.msisdn = (j.value ->> 0) AND cert.ended_at IS NULL), \
     (SELECT json_group_array(json_array(k.number, k.address, k.id, k.state)) \
     FROM jsonb_each(?1) AS j CROSS JOIN care_case AS k \
     WHERE k.number = (j.value ->> 0) AND k.address = (j.value ->> 1) AND k.state <> 'solved')";

macro_rules! actions {
    ($where:literal) => {
        concat!(
            "SELECT json_group_array(json_array(o.seq, o.version, hex(o.id), hex(o.inbound_id), o.number, o.address, \
             o.client, o.command, o.language, o.slots, o.text, o.spent_day, o.spent, o.at, o.state, o.asks, o.attempts, \
             o.lease, o.next_at, o.late_at, o.outcome, o.doubt)) FROM (SELECT * FROM action WHERE ",
            $where,
            " LIMIT ?2) AS o"
        )
    };
}

pub(in crate::store::sqlite) const DUE: &str = actions!("next_at <= ?1 AND next_at IS NOT NULL ORDER BY next_at");
pub(in crate::store::sqlite) const RUNNING: &str = actions!("state = 'running' AND seq > ?1 ORDER BY seq");

/// Texts that are not handled, oldest first.
pub(in crate::store::sqlite) async fn unhandled(
    pool: &SqlitePool,
    after: Seq,
    limit: u32,
) -> Result<Vec<UnhandledText>, sqlx::Error> {
    let found = sqlx::query(UNHANDLED).bind(after).bind(limit).fetch_one(pool).await?;
    let rows = json::rows(&found, 0)?;
    // One that cannot be read does not cost the others.
    let mut texts: Vec<UnhandledText> = rows.iter().filter_map(|r| text(r).ok()).collect();
    texts.sort_unstable_by_key(|text| text.seq);
    Ok(texts)
}

/// A text; what is damaged has no words, so that nothing is done for them.
fn text(r: &impl Cells) -> Result<UnhandledText, sqlx::Error> {
    const CHECKSUM: usize = 11;
    let mut text = text_as_it_is(r)?;
    let head = InboundHead {
        seq: text.seq,
        id: text.id,
        from: &text.from,
        to: &text.to,
        text: text.text.as_deref(),
        segment: text.segment,
    };
    if let Err(error) = columns::check(r, CHECKSUM, head.part()) {
        tell_of_damage("inbound", text.seq, &error);
        text.text = None;
    }
    Ok(text)
}

fn text_as_it_is(r: &impl Cells) -> Result<UnhandledText, sqlx::Error> {
    Ok(UnhandledText {
        seq: columns::narrow(r, 0)?,
        id: InboundId(r.uuid(1)?),
        carrier: columns::parsed(r, 2)?,
        from: columns::words(r, 3)?,
        to: columns::words(r, 4)?,
        text: r.text(5)?.map(Into::into),
        code: None,
        segment: columns::concat(r, 6)?,
        at: UnixMillis(columns::narrow(r, 10)?),
    })
}

/// What stands between each pair, in their order.
pub(in crate::store::sqlite) async fn standings(
    pool: &SqlitePool,
    pairs: &[Between],
) -> Result<Vec<Standing>, sqlx::Error> {
    let asked: Vec<(&str, &str)> = pairs.iter().map(|pair| (&*pair.number, &*pair.address)).collect();
    let asked = serde_json::to_string(&asked).map_err(columns::decode)?;
    let found = sqlx::query(STANDINGS).bind(asked).fetch_one(pool).await?;
    let people = json::rows(&found, 0)?;
    let people: BTreeMap<Box<str>, Person> = people.iter().map(person).collect::<Result<_, _>>()?;
    let questions: Vec<Question> = json::rows(&found, 1)?.iter().map(question).collect::<Result<_, _>>()?;
    let cases: Vec<(Between, OpenCase)> = json::rows(&found, 3)?.iter().map(open_case).collect::<Result<_, _>>()?;
    let mut certified: BTreeMap<Box<str>, Vec<Certified>> = BTreeMap::new();
    for r in json::rows(&found, 2)? {
        let of_number = certified.entry(columns::words(&r, 0)?).or_default();
        of_number.push(crate::store::sqlite::certified::certified(&r, 1)?);
    }
    let standing = |pair: &Between| Standing {
        person: people.get(&pair.number).cloned(),
        question: questions.iter().find(|question| question.between == *pair).cloned(),
        certified: certified.get(&pair.number).cloned().unwrap_or_default(),
        case: cases.iter().find(|(between, _)| between == pair).map(|(_, case)| *case),
    };
    Ok(pairs.iter().map(standing).collect())
}

fn person(r: &impl Cells) -> Result<(Box<str>, Person), sqlx::Error> {
    let person = Person {
        language: r.text(1)?.map(Into::into),
        passive: columns::narrow(r, 2)?,
        wrong: times(&columns::words(r, 3)?)?,
        locked_until: r.number(4)?.map(UnixMillis),
        said: r.number(5)?,
        said_times: columns::narrow(r, 6)?,
        said_since: r.number(7)?.map(UnixMillis),
    };
    Ok((columns::words(r, 0)?, person))
}

/// Times in a JSON array.
fn times(json: &str) -> Result<Vec<UnixMillis>, sqlx::Error> {
    let times: Vec<i64> = serde_json::from_str(json).map_err(columns::decode)?;
    Ok(times.into_iter().map(UnixMillis).collect())
}

fn open_case(r: &impl Cells) -> Result<(Between, OpenCase), sqlx::Error> {
    let between = Between {
        number: columns::words(r, 0)?,
        address: columns::words(r, 1)?,
    };
    Ok((between, open_of(r, 2)?))
}

/// Reads number and state of a case that is open, from column `at`.
pub(super) fn open_of(r: &impl Cells, at: usize) -> Result<OpenCase, sqlx::Error> {
    Ok(OpenCase {
        id: CaseId(columns::narrow(r, at)?),
        is_taken: columns::parsed::<CaseState>(r, at + 1)? == CaseState::Taken,
    })
}

fn question(r: &impl Cells) -> Result<Question, sqlx::Error> {
    Ok(Question {
        between: Between {
            number: columns::words(r, 0)?,
            address: columns::words(r, 1)?,
        },
        said: columns::words(r, 2)?,
        asked_at: UnixMillis(columns::narrow(r, 3)?),
        expires_at: UnixMillis(columns::narrow(r, 4)?),
    })
}

/// Calls to make, or being made.
pub(in crate::store::sqlite) async fn actions(
    pool: &SqlitePool,
    query: ActionQuery,
) -> Result<Vec<ActionRecord>, sqlx::Error> {
    let (sql, from, limit) = match query {
        ActionQuery::Due { now, limit } => (DUE, now.0, limit),
        ActionQuery::Running { after, limit } => (RUNNING, after, limit),
    };
    let found: SqliteRow = sqlx::query(sql).bind(from).bind(limit).fetch_one(pool).await?;
    json::rows(&found, 0)?.iter().map(action).collect()
}

fn action(r: &impl Cells) -> Result<ActionRecord, sqlx::Error> {
    let millis = |at| Ok::<_, sqlx::Error>(r.number(at)?.map(UnixMillis));
    let spend = r.number(11)?.zip(r.number(12)?).map(|(day, hundredths)| Spend {
        day,
        hundredths,
        limit: i64::MAX,
    });
    Ok(ActionRecord {
        seq: columns::narrow(r, 0)?,
        version: columns::narrow(r, 1)?,
        action: NewAction {
            id: r.uuid(2)?,
            inbound: InboundId(r.uuid(3)?),
            between: Between {
                number: columns::words(r, 4)?,
                address: columns::words(r, 5)?,
            },
            client: columns::parsed(r, 6)?,
            command: columns::parsed(r, 7)?,
            language: columns::words(r, 8)?,
            slots: columns::words(r, 9)?,
            text: columns::words(r, 10)?,
            spend,
            at: UnixMillis(columns::narrow(r, 13)?),
            progress: ActionProgress {
                state: columns::parsed(r, 14)?,
                asks: columns::narrow::<i64>(r, 15)? != 0,
                doubt: columns::narrow::<i64>(r, 21)? != 0,
                attempts: columns::narrow(r, 16)?,
                lease: r.number(17)?.map(Lease),
                next_at: millis(18)?,
                late_at: millis(19)?,
                outcome: r.text(20)?.map(Into::into),
            },
        },
    })
}
