//! Turns of conversations: checked in one read for a whole batch, written in a handful of statements.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::care::Met;
use super::checksum::InboundHead;
use super::columns::{self, Cells};
use super::commit::Transaction;
use super::enqueue::{Before, KnownKeys, before, keep};
use super::json;
use super::read::tell_of_damage;
use crate::domain::{CaseId, InboundId, Name, UnixMillis};
use crate::store::care::{Cases as _, owned, write_of};
use crate::store::notice::NewNotice;
use crate::store::two_way::{
    ActionProgress, ActionQuery, ActionRecord, Between, Leaves, NewAction, Person, Question, QuestionChange, Spend,
    Standing, Turn, TurnResult, UnhandledText,
};
use crate::store::{CaseState, Certified, Enqueue, IdempotencyKey, Lease, OpenCase, Seq};

pub(super) const UNHANDLED: &str = "SELECT json_group_array(json_array(o.seq, hex(o.id), o.carrier, o.sender, \
     o.recipient, o.text, o.segment_reference, o.segment_total, o.segment_number, o.segment_reference_bits, o.at, \
     o.checksum)) \
     FROM (SELECT * FROM inbound WHERE handled_at IS NULL AND seq > ?1 ORDER BY seq LIMIT ?2) AS o";

/// Of these texts, those that are not handled: by place, not by a walk of all that are not.
pub(super) const STILL_UNHANDLED: &str = "SELECT json_group_array(i.seq) FROM json_each(?) AS j CROSS JOIN inbound AS i \
     WHERE i.seq = j.value AND +i.handled_at IS NULL";

/// With the case that is open in their conversations.
pub(super) const STILL_AT: &str = "SELECT json_group_array(json_array(a.seq, a.version, a.number, a.command, a.spent_day, \
     a.spent, k.id, k.state)) FROM jsonb_each(?) AS j CROSS JOIN action AS a LEFT JOIN care_case AS k \
     ON k.number = a.number AND k.address = a.address AND k.state <> 'solved' \
     WHERE a.seq = (j.value ->> 0) AND a.version = (j.value ->> 1)";

pub(super) const SPENT: &str = "SELECT json_group_array(json_array(s.number, s.command, s.day, s.hundredths)) \
     FROM jsonb_each(?) AS j CROSS JOIN spent AS s \
     WHERE s.number = (j.value ->> 0) AND s.command = (j.value ->> 1) AND s.day = (j.value ->> 2)";

pub(super) const HANDLE: &str = "UPDATE inbound SET handled_at = ?, outcome = j.value ->> 1, whole = j.value ->> 2, \
     part_of = j.value ->> 3 FROM jsonb_each(?) AS j WHERE inbound.seq = (j.value ->> 0)";

pub(super) const MOVE_ON: &str = "UPDATE action SET version = version + 1, state = j.value ->> 1, asks = j.value ->> 2, \
     attempts = j.value ->> 3, lease = j.value ->> 4, next_at = j.value ->> 5, late_at = j.value ->> 6, \
     outcome = j.value ->> 7, done_at = j.value ->> 8, doubt = j.value ->> 9 FROM jsonb_each(?) AS j WHERE action.seq = (j.value ->> 0)";

pub(super) const DROP_QUESTION: &str = "DELETE FROM question WHERE (number, address) IN \
     (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?))";

pub(super) const STANDINGS: &str = "SELECT (SELECT json_group_array(json_array(p.number, p.language, p.passive, \
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

pub(super) const DUE: &str = actions!("next_at <= ?1 AND next_at IS NOT NULL ORDER BY next_at");
pub(super) const RUNNING: &str = actions!("state = 'running' AND seq > ?1 ORDER BY seq");

/// Texts that are not handled, oldest first.
pub(super) async fn unhandled(pool: &SqlitePool, after: Seq, limit: u32) -> Result<Vec<UnhandledText>, sqlx::Error> {
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
pub(super) async fn standings(pool: &SqlitePool, pairs: &[Between]) -> Result<Vec<Standing>, sqlx::Error> {
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
        of_number.push(super::certified::certified(&r, 1)?);
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
fn open_of(r: &impl Cells, at: usize) -> Result<OpenCase, sqlx::Error> {
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
pub(super) async fn actions(pool: &SqlitePool, query: ActionQuery) -> Result<Vec<ActionRecord>, sqlx::Error> {
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

/// Number, command and day.
type SpentKey = (Box<str>, Box<str>, i64);

/// What a batch of turns must know of the tables.
#[derive(Default)]
struct Found {
    unhandled: BTreeSet<Seq>,
    /// The calls that stand where their turns say.
    calls: BTreeMap<(Seq, u32), StandingCall>,
    spent: BTreeMap<SpentKey, i64>,
    cases: Met,
    keys: KnownKeys,
}

/// A call as it stands.
struct StandingCall {
    /// What it was to move.
    spent: Option<(SpentKey, i64)>,
    /// The case that is open in its conversation.
    open: Option<OpenCase>,
}

impl Found {
    /// The case that is open in the conversation of a turn's call, as the turns so far leave it.
    fn open_case(&self, turn: &Turn) -> Option<OpenCase> {
        let Leaves::Action { seq, version, .. } = &turn.leaves else {
            return None;
        };
        let open = self.calls.get(&(*seq, *version))?.open?;
        Some(self.cases.by_id(open.id).map_or(open, OpenCase::from))
    }
}

/// What a batch of turns writes.
#[derive(Default)]
struct Writes<'a> {
    handled: Vec<(Seq, &'a str, Option<&'a str>, Option<Seq>)>,
    moved: Vec<Moved<'a>>,
    made: Vec<Made<'a>>,
    asked: Vec<(&'a str, &'a str, &'a str, i64, i64)>,
    dropped: Vec<(&'a str, &'a str)>,
    people: Vec<PersonColumns<'a>>,
    spent: Vec<(SpentKey, i64)>,
    messages: Vec<(Seq, &'a Enqueue)>,
    keys: Vec<(&'a Name, &'a IdempotencyKey)>,
}

#[derive(Serialize)]
struct Moved<'a>(
    Seq,
    &'static str,
    bool,
    u16,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<&'a str>,
    Option<i64>,
    bool,
);

#[derive(Serialize)]
struct Made<'a>(
    Seq,
    Uuid,
    Uuid,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    Option<i64>,
    Option<i64>,
    i64,
    &'static str,
    bool,
    u16,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

#[derive(Serialize)]
struct PersonColumns<'a>(
    &'a str,
    Option<&'a str>,
    u16,
    Vec<i64>,
    Option<i64>,
    Option<i64>,
    u16,
    Option<i64>,
    i64,
);

impl Transaction<'_> {
    pub(super) async fn take_turns(&mut self, turns: &[Turn]) -> Result<(), sqlx::Error> {
        if turns.is_empty() {
            return Ok(());
        }
        let mut found = self.find(turns).await?;
        let mut writes = Writes::default();
        let mut consents = Vec::new();
        for turn in turns {
            let result = self.take_turn(turn, &mut found, &mut writes);
            if matches!(result, TurnResult::Done { .. }) {
                consents.extend(&turn.consents);
            }
            self.applied.turns.push(result);
        }
        self.consent(&consents).await?;
        self.write(&writes);
        Ok(())
    }

    async fn find(&mut self, turns: &[Turn]) -> Result<Found, sqlx::Error> {
        let keyed = turns.iter().filter_map(|turn| turn.key.as_ref());
        let keyed = keyed.map(|(client, key)| (client, key));
        let mut found = Found {
            keys: self.known_keys(keyed).await?,
            ..Found::default()
        };
        let (mut texts, mut calls) = (Vec::new(), Vec::new());
        for turn in turns {
            match &turn.leaves {
                Leaves::Text { seq, .. } => texts.push(*seq),
                Leaves::Action { seq, version, .. } => calls.push((*seq, *version)),
                Leaves::Case(_) => {}
            }
        }
        let spends: Vec<_> = turns
            .iter()
            .filter_map(|turn| spend_of(turn.action.as_deref()?))
            .collect();
        let keys: Vec<&SpentKey> = spends.iter().map(|(key, _)| key).collect();
        let texts_at = self.script.next_place();
        self.script.add(STILL_UNHANDLED).bind_json(&texts);
        let calls_at = self.script.next_place();
        self.script.add(STILL_AT).bind_json(&calls);
        let spent_at = self.script.next_place();
        self.script.add(SPENT).bind_json(&keys);
        let cases_at = self.look_for_cases(turns);
        let answer = self.send().await?;
        for (place, row) in &answer.rows {
            if *place == texts_at {
                use sqlx::Row as _;
                let seqs: Vec<Seq> = serde_json::from_str(row.try_get(0)?).map_err(columns::decode)?;
                found.unhandled = seqs.into_iter().collect();
            } else if *place == calls_at {
                for r in json::rows(row, 0)? {
                    let spent = match r.number(4)?.zip(r.number(5)?) {
                        Some((day, spent)) => Some(((columns::words(&r, 2)?, columns::words(&r, 3)?, day), spent)),
                        None => None,
                    };
                    let open = match r.number(6)? {
                        Some(_) => Some(open_of(&r, 6)?),
                        None => None,
                    };
                    found.calls.insert(
                        (columns::narrow(&r, 0)?, columns::narrow(&r, 1)?),
                        StandingCall { spent, open },
                    );
                }
            } else if *place == spent_at {
                for r in json::rows(row, 0)? {
                    let key = (columns::words(&r, 0)?, columns::words(&r, 1)?, columns::narrow(&r, 2)?);
                    found.spent.insert(key, columns::narrow(&r, 3)?);
                }
            } else if cases_at.contains(place) {
                found.cases.meet(row)?;
            }
        }
        Ok(found)
    }

    fn take_turn<'t>(&mut self, turn: &'t Turn, found: &mut Found, writes: &mut Writes<'t>) -> TurnResult {
        let spend = turn.action.as_deref().and_then(spend_of);
        let stands = match &turn.leaves {
            Leaves::Text { seq, .. } => found.unhandled.contains(seq),
            Leaves::Action { seq, version, .. } => found.calls.contains_key(&(*seq, *version)),
            Leaves::Case(_) => true,
        };
        if !stands {
            return TurnResult::Gone;
        }
        let earlier = turn
            .key
            .as_ref()
            .and_then(|(client, key)| before(client, key, &found.keys));
        match earlier {
            Some(Before::Same(answer)) => return TurnResult::Replayed(answer),
            Some(Before::Other) => return TurnResult::KeyReused,
            None => {}
        }
        if let Some(id) = owned(turn, found.open_case(turn)) {
            return TurnResult::Owned(id);
        }
        let case = match write_of(turn, &found.cases, self.writer.next.case, self.now) {
            Ok(case) => case,
            Err(refused) => return refused,
        };
        if let Some((key, spend)) = &spend {
            let spent = found
                .spent
                .get(key)
                .copied()
                .unwrap_or(0)
                .saturating_add(spend.hundredths);
            if spent > spend.limit {
                return TurnResult::OverLimit;
            }
            found.spent.insert(key.clone(), spent);
            writes.spent.push((key.clone(), spend.hundredths));
        }
        match &turn.leaves {
            Leaves::Text {
                seq,
                parts,
                outcome,
                whole,
            } => {
                found.unhandled.remove(seq);
                let text = whole.as_ref().and_then(|whole| whole.text.as_deref());
                writes.handled.push((*seq, outcome, text, None));
                writes
                    .handled
                    .extend(parts.iter().map(|part| (*part, &**outcome, None, Some(*seq))));
                if let Some(whole) = whole {
                    self.notices.push(NewNotice::of_whole(*seq, whole, self.rules));
                }
            }
            Leaves::Action {
                seq,
                version,
                becomes,
                refunds,
            } => {
                let spent = found.calls.remove(&(*seq, *version)).and_then(|call| call.spent);
                writes
                    .spent
                    .extend(spent.filter(|_| *refunds).map(|(key, spent)| (key, -spent)));
                writes.moved.push(Moved::of(*seq, becomes, self.now));
            }
            Leaves::Case(_) => {}
        }
        if let Some(case) = case {
            self.write_case(&mut found.cases, case);
        }
        match &turn.question {
            Some(QuestionChange::Ask(question)) => {
                let between = &question.between;
                writes.asked.push((
                    &between.number,
                    &between.address,
                    &question.said,
                    question.asked_at.0,
                    question.expires_at.0,
                ));
            }
            Some(QuestionChange::Drop(between)) => writes.dropped.push((&between.number, &between.address)),
            None => {}
        }
        if let Some((number, person)) = &turn.person {
            writes.people.push(PersonColumns::of(number, person, self.now));
        }
        let action = turn.action.as_ref().map(|action| {
            let seq = self.writer.next.action;
            self.writer.next.action += 1;
            writes.made.push(Made::of(seq, action));
            seq
        });
        if let Some((client, key)) = &turn.key {
            keep(client, key, &mut found.keys);
            writes.keys.push((client, key));
        }
        let first = writes.messages.len();
        for message in &turn.messages {
            self.next_place(&mut writes.messages, message);
        }
        TurnResult::Done {
            action,
            messages: writes.messages[first..].iter().map(|(seq, _)| *seq).collect(),
        }
    }

    fn write(&mut self, writes: &Writes<'_>) {
        const MAKE: &str = "INSERT INTO action (seq, id, inbound_id, number, address, client, command, language, slots, \
             text, spent_day, spent, at, state, version, asks, attempts, lease, next_at, late_at) \
             SELECT value ->> 0, unhex(value ->> 1, '-'), unhex(value ->> 2, '-'), value ->> 3, value ->> 4, \
             value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, \
             value ->> 13, 1, value ->> 14, value ->> 15, value ->> 16, value ->> 17, value ->> 18 FROM jsonb_each(?)";
        const ASK: &str = "INSERT OR REPLACE INTO question (number, address, said, asked_at, expires_at) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM jsonb_each(?)";
        const REMEMBER: &str = "INSERT OR REPLACE INTO person (number, language, passive, wrong, locked_until, said, \
             said_times, said_since, at) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
             value ->> 5, value ->> 6, value ->> 7, value ->> 8 FROM jsonb_each(?)";
        const SPEND: &str = "INSERT INTO spent (number, command, day, hundredths) \
             SELECT value -> 0 ->> 0, value -> 0 ->> 1, value -> 0 ->> 2, value ->> 1 FROM jsonb_each(?) WHERE true \
             ON CONFLICT (number, command, day) DO UPDATE SET hundredths = hundredths + excluded.hundredths";
        if !writes.handled.is_empty() {
            self.script.add(HANDLE).bind(self.now.0).bind_json(&writes.handled);
        }
        if !writes.moved.is_empty() {
            self.script.add(MOVE_ON).bind_json(&writes.moved);
        }
        if !writes.made.is_empty() {
            self.script.add(MAKE).bind_json(&writes.made);
        }
        if !writes.asked.is_empty() {
            self.script.add(ASK).bind_json(&writes.asked);
        }
        if !writes.dropped.is_empty() {
            self.script.add(DROP_QUESTION).bind_json(&writes.dropped);
        }
        if !writes.people.is_empty() {
            self.script.add(REMEMBER).bind_json(&writes.people);
        }
        if !writes.spent.is_empty() {
            self.script.add(SPEND).bind_json(&writes.spent);
        }
        self.insert(&writes.messages);
        self.keep_keys(&writes.keys);
    }
}

/// What an action moves, and in which book that stands.
fn spend_of(action: &NewAction) -> Option<(SpentKey, &Spend)> {
    let spend = action.spend.as_ref()?;
    let key = (action.between.number.clone(), action.command.as_str().into(), spend.day);
    Some((key, spend))
}

impl<'a> Moved<'a> {
    fn of(seq: Seq, to: &'a ActionProgress, now: UnixMillis) -> Self {
        let done = to.state == crate::store::ActionState::Done;
        Self(
            seq,
            to.state.as_str(),
            to.asks,
            to.attempts,
            to.lease.map(|lease| lease.0),
            to.next_at.map(|at| at.0),
            to.late_at.map(|at| at.0),
            to.outcome.as_deref(),
            done.then_some(now.0),
            to.doubt,
        )
    }
}

impl<'a> Made<'a> {
    fn of(seq: Seq, action: &'a NewAction) -> Self {
        let progress = &action.progress;
        Self(
            seq,
            action.id,
            action.inbound.0,
            &action.between.number,
            &action.between.address,
            action.client.as_str(),
            action.command.as_str(),
            &action.language,
            &action.slots,
            &action.text,
            action.spend.as_ref().map(|spend| spend.day),
            action.spend.as_ref().map(|spend| spend.hundredths),
            action.at.0,
            progress.state.as_str(),
            progress.asks,
            progress.attempts,
            progress.lease.map(|lease| lease.0),
            progress.next_at.map(|at| at.0),
            progress.late_at.map(|at| at.0),
        )
    }
}

impl<'a> PersonColumns<'a> {
    fn of(number: &'a str, person: &'a Person, now: UnixMillis) -> Self {
        Self(
            number,
            person.language.as_deref(),
            person.passive,
            person.wrong.iter().map(|at| at.0).collect(),
            person.locked_until.map(|at| at.0),
            person.said,
            person.said_times,
            person.said_since.map(|at| at.0),
            now.0,
        )
    }
}
