//! Turns taken in: checked against what stands, then written.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::{Made, Moved, PersonColumns};
use super::read::open_of;
use crate::domain::Name;
use crate::store::care::{Cases as _, owned, write_of};
use crate::store::notice::NewNotice;
use crate::store::sqlite::care::Met;
use crate::store::sqlite::columns::{self, Cells};
use crate::store::sqlite::commit::Transaction;
use crate::store::sqlite::enqueue::{Before, KnownKeys, before, keep};
use crate::store::sqlite::json;
use crate::store::two_way::{Leaves, NewAction, QuestionChange, Spend, Turn, TurnResult};
use crate::store::{Enqueue, IdempotencyKey, OpenCase, Seq};

/// Of these texts, those that are not handled: by place, not by a walk of all that are not.
pub(in crate::store::sqlite) const STILL_UNHANDLED: &str = "SELECT json_group_array(i.seq) FROM json_each(?) AS j CROSS JOIN inbound AS i \
     WHERE i.seq = j.value AND +i.handled_at IS NULL";

/// With the case that is open in their conversations.
pub(in crate::store::sqlite) const STILL_AT: &str = "SELECT json_group_array(json_array(a.seq, a.version, a.number, a.command, a.spent_day, \
     a.spent, k.id, k.state)) FROM jsonb_each(?) AS j CROSS JOIN action AS a LEFT JOIN care_case AS k \
     ON k.number = a.number AND k.address = a.address AND k.state <> 'solved' \
     WHERE a.seq = (j.value ->> 0) AND a.version = (j.value ->> 1)";

pub(in crate::store::sqlite) const SPENT: &str = "SELECT json_group_array(json_array(s.number, s.command, s.day, s.hundredths)) \
     FROM jsonb_each(?) AS j CROSS JOIN spent AS s \
     WHERE s.number = (j.value ->> 0) AND s.command = (j.value ->> 1) AND s.day = (j.value ->> 2)";

pub(in crate::store::sqlite) const HANDLE: &str = "UPDATE inbound SET handled_at = ?, outcome = j.value ->> 1, whole = j.value ->> 2, \
     part_of = j.value ->> 3 FROM jsonb_each(?) AS j WHERE inbound.seq = (j.value ->> 0)";

pub(in crate::store::sqlite) const MOVE_ON: &str = "UPDATE action SET version = version + 1, state = j.value ->> 1, asks = j.value ->> 2, \
     attempts = j.value ->> 3, lease = j.value ->> 4, next_at = j.value ->> 5, late_at = j.value ->> 6, \
     outcome = j.value ->> 7, done_at = j.value ->> 8, doubt = j.value ->> 9 FROM jsonb_each(?) AS j WHERE action.seq = (j.value ->> 0)";

pub(in crate::store::sqlite) const DROP_QUESTION: &str = "DELETE FROM question WHERE (number, address) IN \
     (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?))";

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

impl Transaction<'_> {
    pub(in crate::store::sqlite) async fn take_turns(&mut self, turns: &[Turn]) -> Result<(), sqlx::Error> {
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
