//! Cases: read for a batch of turns, written one by one, since people are slow.

use std::collections::BTreeMap;
use std::ops::Range;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};

use super::columns::{self, Cells};
use super::commit::Transaction;
use super::json;
use crate::domain::{CaseId, Name, UnixMillis};
use crate::store::care::{CaseWrite, Cases};
use crate::store::notice::NewNotice;
use crate::store::two_way::{Between, Leaves, Turn};
use crate::store::{CaseNote, CaseQuery, CaseRecord, CaseState, CaseStep, Page, Seq};

/// The columns that [`case`] reads, of a table named `k`.
macro_rules! case_columns {
    () => {
        "k.seq, k.id, k.number, k.address, k.client, k.state, k.reason, k.owner, k.understood, k.language, k.opened_at, \
         k.heard_at, k.due_at, k.overdue_at, k.taken_at, k.solved_at, k.joined"
    };
}
pub(super) use case_columns;

macro_rules! array_of_cases {
    ($from:literal) => {
        concat!(
            "SELECT json_group_array(json_array(",
            case_columns!(),
            ")) FROM ",
            $from
        )
    };
}

pub(super) const MET_BY_ID: &str = array_of_cases!("json_each(?) AS j CROSS JOIN care_case AS k WHERE k.id = j.value");

pub(super) const MET_OPEN: &str = array_of_cases!(
    "jsonb_each(?) AS j CROSS JOIN care_case AS k \
     WHERE k.number = (j.value ->> 0) AND k.address = (j.value ->> 1) AND k.state <> 'solved'"
);

pub(super) const BY_ID: &str = concat!("SELECT ", case_columns!(), " FROM care_case AS k WHERE k.id = ?");

pub(super) const DUE: &str = concat!(
    "SELECT ",
    case_columns!(),
    " FROM care_case AS k WHERE k.due_at IS NOT NULL AND k.due_at <= ? ORDER BY k.due_at LIMIT ?"
);

pub(super) const LIST: &str = concat!(
    "SELECT ",
    case_columns!(),
    " FROM care_case AS k WHERE k.seq < ?1 AND (?2 IS NULL OR k.client = ?2) AND (?3 IS NULL OR k.state = ?3) \
     AND (?4 IS NULL OR k.owner = ?4) AND (?5 IS NULL OR k.number = ?5) ORDER BY k.seq DESC LIMIT ?6"
);

pub(super) const NOTES: &str = "SELECT n.at, n.author, n.text FROM care_case AS k CROSS JOIN care_note AS n \
     WHERE k.id = ?1 AND n.case_seq = k.seq ORDER BY n.seq LIMIT ?2";

/// Notes on a case that are shown.
const MOST_NOTES: u32 = 500;

/// The cases that a batch of turns meets, as they stand after the turns so far.
#[derive(Default)]
pub(super) struct Met(BTreeMap<CaseId, CaseRecord>);

impl Met {
    /// Takes in the cases of an answer.
    pub(super) fn meet(&mut self, row: &SqliteRow) -> Result<(), sqlx::Error> {
        for r in json::rows(row, 0)? {
            let case = case(&r, 0)?;
            self.0.insert(case.id, case);
        }
        Ok(())
    }
}

impl Cases for Met {
    fn by_id(&self, id: CaseId) -> Option<&CaseRecord> {
        self.0.get(&id)
    }

    fn open(&self, between: &Between) -> Option<&CaseRecord> {
        let mut open = self.0.values().filter(|case| case.state != CaseState::Solved);
        open.find(|case| case.between == *between)
    }
}

impl Transaction<'_> {
    /// Asks for the cases that turns speak of, and for those that are open where they speak; gives the places of the
    /// answers.
    pub(super) fn look_for_cases(&mut self, turns: &[Turn]) -> Range<usize> {
        let (mut ids, mut pairs) = (Vec::new(), Vec::new());
        for turn in turns {
            if let Leaves::Case(act) = &turn.leaves {
                ids.push(act.id.0);
            }
            pairs.extend(
                turn.seen
                    .iter()
                    .map(|(between, _)| (&*between.number, &*between.address)),
            );
            match &turn.case {
                Some(CaseStep::Open(new)) => {
                    ids.push(new.id.0);
                    pairs.push((&*new.between.number, &*new.between.address));
                }
                Some(CaseStep::Join { id, .. } | CaseStep::Note { id, .. }) => ids.push(id.0),
                None => {}
            }
        }
        let first = self.script.next_place();
        if !ids.is_empty() {
            self.script.add(MET_BY_ID).bind_json(&ids);
        }
        if !pairs.is_empty() {
            self.script.add(MET_OPEN).bind_json(&pairs);
        }
        first..self.script.next_place()
    }

    /// Writes what a turn makes of a case.
    pub(super) fn write_case(&mut self, met: &mut Met, write: CaseWrite) {
        const NOTE: &str = "INSERT INTO care_note (case_seq, at, author, text) VALUES (?, ?, ?, ?)";
        let CaseWrite { case, note, told } = write;
        self.upsert_case(&case);
        if let Some(note) = note {
            self.script.add(NOTE).bind(case.seq).bind(note.at.0);
            self.script.bind(&*note.author).bind(&*note.text);
        }
        if let Some(kind) = told {
            self.notices.push(NewNotice::of_case(&case, kind, self.now, self.rules));
        }
        self.writer.next.case = self.writer.next.case.max(case.seq + 1);
        met.0.insert(case.id, case);
    }

    fn upsert_case(&mut self, case: &CaseRecord) {
        const WRITE: &str = "INSERT INTO care_case (seq, id, number, address, client, state, reason, owner, understood, \
             language, opened_at, heard_at, due_at, overdue_at, taken_at, solved_at, joined) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (seq) DO UPDATE SET state = excluded.state, owner = excluded.owner, \
             heard_at = excluded.heard_at, due_at = excluded.due_at, overdue_at = excluded.overdue_at, \
             taken_at = excluded.taken_at, solved_at = excluded.solved_at, joined = excluded.joined";
        let at = |time: Option<UnixMillis>| time.map(|at| at.0);
        let script = self.script.add(WRITE);
        script.bind(case.seq).bind(i64::from(case.id.0));
        script.bind(&*case.between.number).bind(&*case.between.address);
        script.bind(case.client.as_str()).bind(case.state.as_str());
        script.bind(case.reason.as_str()).bind(case.owner.as_deref());
        script.bind(case.understood.as_deref()).bind(&*case.language);
        script.bind(case.opened_at.0).bind(case.heard_at.0);
        script.bind(at(case.due_at)).bind(at(case.overdue_at));
        script.bind(at(case.taken_at)).bind(at(case.solved_at));
        script.bind(case.joined);
    }
}

pub(super) async fn by_id(readers: &SqlitePool, id: CaseId) -> Result<Option<CaseRecord>, sqlx::Error> {
    let found = sqlx::query(BY_ID).bind(i64::from(id.0)).fetch_optional(readers).await?;
    found.map(|r| case(&r, 0)).transpose()
}

pub(super) async fn due(readers: &SqlitePool, now: UnixMillis, limit: u32) -> Result<Vec<CaseRecord>, sqlx::Error> {
    let found = sqlx::query(DUE).bind(now.0).bind(limit).fetch_all(readers).await?;
    found.iter().map(|r| case(r, 0)).collect()
}

pub(super) async fn list(readers: &SqlitePool, query: &CaseQuery) -> Result<Page<CaseRecord>, sqlx::Error> {
    let found = sqlx::query(LIST)
        .bind(query.before.unwrap_or(Seq::MAX))
        .bind(query.client.as_ref().map(Name::as_str))
        .bind(query.state.map(CaseState::as_str))
        .bind(query.owner.as_deref())
        .bind(query.number.as_deref())
        .bind(query.limit)
        .fetch_all(readers)
        .await?;
    let rows: Vec<CaseRecord> = found.iter().map(|r| case(r, 0)).collect::<Result<_, _>>()?;
    let full = rows.len() >= query.limit as usize;
    let next = rows.last().filter(|_| full).map(|row| row.seq);
    Ok(Page { rows, next })
}

pub(super) async fn notes(readers: &SqlitePool, id: CaseId) -> Result<Vec<CaseNote>, sqlx::Error> {
    let found = sqlx::query(NOTES)
        .bind(i64::from(id.0))
        .bind(MOST_NOTES)
        .fetch_all(readers)
        .await?;
    let note = |r: &SqliteRow| {
        Ok(CaseNote {
            at: UnixMillis(r.try_get(0)?),
            author: r.try_get::<String, _>(1)?.into(),
            text: r.try_get::<String, _>(2)?.into(),
        })
    };
    found.iter().map(note).collect()
}

/// Reads what [`case_columns`] selected, from column `at`.
pub(super) fn case(r: &impl Cells, at: usize) -> Result<CaseRecord, sqlx::Error> {
    let millis = |at: usize| Ok::<_, sqlx::Error>(r.number(at)?.map(UnixMillis));
    Ok(CaseRecord {
        seq: columns::narrow(r, at)?,
        id: CaseId(columns::narrow(r, at + 1)?),
        between: Between {
            number: columns::words(r, at + 2)?,
            address: columns::words(r, at + 3)?,
        },
        client: columns::parsed(r, at + 4)?,
        state: columns::parsed(r, at + 5)?,
        reason: columns::parsed(r, at + 6)?,
        owner: r.text(at + 7)?.map(Into::into),
        understood: r.text(at + 8)?.map(Into::into),
        language: columns::words(r, at + 9)?,
        opened_at: UnixMillis(columns::narrow(r, at + 10)?),
        heard_at: UnixMillis(columns::narrow(r, at + 11)?),
        due_at: millis(at + 12)?,
        overdue_at: millis(at + 13)?,
        taken_at: millis(at + 14)?,
        solved_at: millis(at + 15)?,
        joined: columns::narrow(r, at + 16)?,
    })
}
