//! What people want to be sent, and what of that stops what waits for them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};

use super::columns::{self, Cells, row_columns};
use super::commit::Transaction;
use crate::domain::{Name, State, UnixMillis, Will};
use crate::store::consent::{EVERY_TOPIC, Held};
use crate::store::notice::NewNotice;
use crate::store::{ConsentChange, ConsentQuery, ConsentRecord, ConsentResult, NewConsent, Page, Seq};

pub(super) const HELD: &str = "SELECT c.seq, c.msisdn, c.brand, c.topic, c.will, c.source, c.at, c.note \
     FROM jsonb_each(?) AS j CROSS JOIN consent AS c WHERE c.msisdn = (j.value ->> 0) AND c.brand = (j.value ->> 1)";

pub(super) const WAITING: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM json_each(?) AS j CROSS JOIN message AS m INDEXED BY message_waiting WHERE m.recipient = j.value \
     AND m.state IN ('queued', 'scheduled')"
);

/// The bit is that of [`Flag::WithPlatform`](crate::domain::Flag::WithPlatform), written as in the partial index, to the
/// letter.
pub(super) const WITH_PLATFORM: &str = concat!(
    "SELECT ",
    row_columns!(),
    " FROM json_each(?) AS j CROSS JOIN message AS m INDEXED BY message_with_platform WHERE m.recipient = j.value \
     AND m.state = 'submitted' AND (m.flags & 65536) <> 0"
);

pub(super) const LIST: &str = "SELECT c.seq, c.msisdn, c.brand, c.topic, c.will, c.source, c.at, c.note \
     FROM consent AS c WHERE c.seq > ?1 AND (?2 IS NULL OR c.brand IN (SELECT value FROM json_each(?2))) \
     ORDER BY c.seq LIMIT ?3";

pub(super) const OF_PERSON: &str = "SELECT c.seq, c.msisdn, c.brand, c.topic, c.will, c.source, c.at, c.note \
     FROM consent AS c WHERE c.msisdn = ?1 AND c.seq > ?2 \
     AND (?3 IS NULL OR c.brand IN (SELECT value FROM json_each(?3))) ORDER BY c.seq LIMIT ?4";

pub(super) const HISTORY: &str = "SELECT c.seq, c.msisdn, c.brand, c.topic, c.will, c.source, c.at, c.note, c.recorded_at \
     FROM consent_change AS c WHERE c.msisdn = ?1 \
     AND (?2 IS NULL OR c.brand IN (SELECT value FROM json_each(?2))) ORDER BY c.seq DESC LIMIT ?3";

impl Transaction<'_> {
    /// Notes what people want; their messages that wait and are not wanted end here. One result each.
    pub(super) async fn consent(&mut self, items: &[&NewConsent]) -> Result<Vec<ConsentResult>, sqlx::Error> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut held = self.held(items).await?;
        let before: HashSet<Seq> = held
            .values()
            .flat_map(|held| &held.entries)
            .map(|entry| entry.seq)
            .collect();
        let mut results = Vec::with_capacity(items.len());
        let mut noted: Vec<(Seq, &NewConsent)> = Vec::new();
        for item in items {
            let held = held.entry((item.msisdn.clone(), item.brand.clone())).or_default();
            let result = match held.apply(item, self.writer.next.consent) {
                Err(unchanged) => unchanged,
                Ok(()) => {
                    self.writer.next.consent += 1;
                    let seq = self.writer.next.consent_change;
                    self.writer.next.consent_change += 1;
                    noted.push((seq, item));
                    ConsentResult::Noted { seq, suppressed: 0 }
                }
            };
            results.push(result);
        }
        if noted.is_empty() {
            return Ok(results);
        }
        self.write_consents(&noted, &held, &before);
        let suppressed = self.suppress(&noted).await?;
        for result in &mut results {
            if let ConsentResult::Noted { seq, suppressed: rows } = result {
                *rows = suppressed.get(seq).copied().unwrap_or(0);
            }
        }
        let changed: BTreeSet<_> = noted
            .iter()
            .map(|(_, item)| (item.msisdn.clone(), item.brand.clone()))
            .collect();
        let wants = held.iter().filter(|(whose, _)| changed.contains(*whose));
        self.applied
            .wants
            .extend(wants.map(|((msisdn, brand), held)| held.wants(msisdn, brand)));
        Ok(results)
    }

    async fn held(&mut self, items: &[&NewConsent]) -> Result<BTreeMap<(Box<str>, Name), Held>, sqlx::Error> {
        let whose: BTreeSet<(&str, &str)> = items.iter().map(|item| (&*item.msisdn, item.brand.as_str())).collect();
        self.script.add(HELD).bind_json(&whose);
        let answer = self.send().await?;
        let mut held: BTreeMap<_, Held> = BTreeMap::new();
        for r in answer.rows() {
            let entry = record(r)?;
            let whose = (entry.msisdn.clone(), entry.brand.clone());
            held.entry(whose).or_default().entries.push(entry);
        }
        Ok(held)
    }

    fn write_consents(
        &mut self,
        noted: &[(Seq, &NewConsent)],
        held: &BTreeMap<(Box<str>, Name), Held>,
        before: &HashSet<Seq>,
    ) {
        const FORGET: &str = "DELETE FROM consent WHERE seq IN (SELECT value FROM json_each(?))";
        const INSERT: &str = "INSERT INTO consent (seq, msisdn, brand, topic, will, source, at, note) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
             value ->> 7 FROM jsonb_each(?)";
        const HISTORY: &str = "INSERT INTO consent_change (seq, msisdn, brand, topic, will, source, at, note, \
             recorded_at) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
             value ->> 6, value ->> 7, value ->> 8 FROM jsonb_each(?)";
        let now = self.now;
        let changes: Vec<_> = noted.iter().map(|(seq, item)| (*seq, item.record())).collect();
        let entries = held.values().flat_map(|held| &held.entries);
        let entries: Vec<_> = entries.map(|entry| Columns::of(entry.seq, entry, now)).collect();
        let history: Vec<_> = changes
            .iter()
            .map(|(seq, entry)| Columns::of(*seq, entry, now))
            .collect();
        // What these people had gives way to what they have.
        self.script.add(FORGET).bind_json(before);
        self.script.add(INSERT).bind_json(&entries);
        self.script.add(HISTORY).bind_json(&history);
        for (seq, item) in noted {
            let told = item.told.iter();
            self.notices
                .extend(told.map(|client| NewNotice::of_consent(*seq, item, client, self.rules)));
        }
    }

    /// Stops what waits for those who want no more of it, and what a platform has. How many end here, by the place of what
    /// was said.
    async fn suppress(&mut self, noted: &[(Seq, &NewConsent)]) -> Result<BTreeMap<Seq, u32>, sqlx::Error> {
        let outs: Vec<_> = noted.iter().filter(|(_, item)| item.will == Will::OptedOut).collect();
        let mut suppressed = BTreeMap::new();
        if outs.is_empty() {
            return Ok(suppressed);
        }
        let numbers: BTreeSet<&str> = outs.iter().map(|(_, item)| &*item.msisdn).collect();
        self.flush();
        self.script.add(WAITING).bind_json(&numbers);
        self.script.add(WITH_PLATFORM).bind_json(&numbers);
        let answer = self.send().await?;
        for r in answer.rows() {
            let Some(row) = self.readable(r, 0)? else { continue };
            let mut to_them = outs.iter().filter(|(_, item)| *item.msisdn == *row.to);
            let stopped = to_them.find_map(|(seq, item)| Some((*seq, self.rules.opted_out(&row, item, self.now)?)));
            if let Some((seq, (progress, event))) = stopped {
                *suppressed.entry(seq).or_insert(0) += u32::from(progress.state == State::Suppressed);
                self.change(row, progress, event);
            }
        }
        self.flush();
        Ok(suppressed)
    }
}

/// An entry, or a change, in the order of the inserts.
#[derive(Serialize)]
struct Columns<'a>(
    Seq,
    &'a str,
    &'a str,
    &'a str,
    &'static str,
    &'static str,
    i64,
    Option<&'a str>,
    i64,
);

impl<'a> Columns<'a> {
    fn of(seq: Seq, entry: &'a ConsentRecord, now: UnixMillis) -> Self {
        Self(
            seq,
            &entry.msisdn,
            entry.brand.as_str(),
            entry.topic.as_ref().map_or(EVERY_TOPIC, Name::as_str),
            entry.will.as_str(),
            entry.source.as_str(),
            entry.at.0,
            entry.note.as_deref(),
            now.0,
        )
    }
}

pub(super) async fn consents(readers: &SqlitePool, query: &ConsentQuery) -> Result<Page<ConsentRecord>, sqlx::Error> {
    let after = query.after.unwrap_or(0);
    let found = match &query.msisdn {
        Some(msisdn) => sqlx::query(OF_PERSON).bind(&**msisdn).bind(after),
        None => sqlx::query(LIST).bind(after),
    };
    let found = found
        .bind(brands(&query.brands)?)
        .bind(query.limit)
        .fetch_all(readers)
        .await?;
    let rows: Vec<ConsentRecord> = found.iter().map(record).collect::<Result<_, _>>()?;
    let next = rows
        .last()
        .filter(|_| rows.len() >= query.limit as usize)
        .map(|row| row.seq);
    Ok(Page { rows, next })
}

pub(super) async fn history(
    readers: &SqlitePool,
    msisdn: &str,
    of: &[Name],
    limit: u32,
) -> Result<Vec<ConsentChange>, sqlx::Error> {
    let found = sqlx::query(HISTORY)
        .bind(msisdn)
        .bind(brands(of)?)
        .bind(limit)
        .fetch_all(readers)
        .await?;
    let change = |r: &SqliteRow| {
        Ok(ConsentChange {
            said: record(r)?,
            recorded_at: UnixMillis(r.try_get(8)?),
        })
    };
    found.iter().map(change).collect()
}

/// An array of the brands; NULL for any.
fn brands(brands: &[Name]) -> Result<Option<String>, sqlx::Error> {
    let some = !brands.is_empty();
    some.then(|| serde_json::to_string(brands).map_err(columns::decode))
        .transpose()
}

fn record(r: &SqliteRow) -> Result<ConsentRecord, sqlx::Error> {
    entry(r, 0)
}

/// Reads `seq, msisdn, brand, topic, will, source, at, note`, from column `at`.
pub(super) fn entry(r: &impl Cells, at: usize) -> Result<ConsentRecord, sqlx::Error> {
    let topic = columns::words(r, at + 3)?;
    let all = *topic == *EVERY_TOPIC;
    Ok(ConsentRecord {
        seq: columns::narrow(r, at)?,
        msisdn: columns::words(r, at + 1)?,
        brand: columns::parsed(r, at + 2)?,
        topic: (!all).then(|| topic.parse().map_err(columns::decode)).transpose()?,
        will: columns::parsed(r, at + 4)?,
        source: columns::parsed(r, at + 5)?,
        at: UnixMillis(columns::narrow(r, at + 6)?),
        note: r.text(at + 7)?.map(Into::into),
    })
}
