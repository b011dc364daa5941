//! Turns of conversations.

use std::collections::{BTreeMap, BTreeSet};

use super::commit::Transaction;
use super::tables::Tables;
use crate::domain::UnixMillis;
use crate::store::care::{Cases as _, owned, write_of};
use crate::store::notice::NewNotice;
use crate::store::two_way::{
    ActionQuery, ActionRecord, ActionState, Between, Leaves, NewAction, Person, Question, QuestionChange, Standing,
    Turn, TurnResult, UnhandledText,
};
use crate::store::{OpenCase, Prune, Seq};

/// The books of the conversations.
#[derive(Default)]
pub(super) struct TwoWay {
    /// Texts that are not handled.
    pub(super) unhandled: BTreeSet<Seq>,
    /// Long texts put together, by the row in which they stand.
    pub(super) whole: BTreeMap<Seq, Option<Box<str>>>,
    /// Rows of segments whose text stands in another one.
    pub(super) parts: BTreeSet<Seq>,
    questions: BTreeMap<Between, Question>,
    people: BTreeMap<Box<str>, (Person, UnixMillis)>,
    actions: BTreeMap<Seq, (ActionRecord, Option<UnixMillis>)>,
    next_action: Seq,
    /// By number, command and day.
    spent: BTreeMap<SpentKey, i64>,
}

type SpentKey = (Box<str>, Box<str>, i64);

fn spent_key(action: &NewAction) -> Option<SpentKey> {
    let spend = action.spend.as_ref()?;
    Some((action.between.number.clone(), action.command.as_str().into(), spend.day))
}

impl Transaction<'_> {
    pub(super) fn take_turns(&mut self, turns: &[Turn]) {
        for turn in turns {
            let result = self.take_turn(turn);
            self.applied.turns.push(result);
        }
    }

    fn take_turn(&mut self, turn: &Turn) -> TurnResult {
        let books = &mut self.tables.two_way;
        let stands = match &turn.leaves {
            Leaves::Text { seq, .. } => books.unhandled.contains(seq),
            Leaves::Action { seq, version, .. } => books
                .actions
                .get(seq)
                .is_some_and(|(known, _)| known.version == *version),
            Leaves::Case(_) => true,
        };
        if !stands {
            return TurnResult::Gone;
        }
        let place = turn.key.as_ref().map(|(client, key)| (client.clone(), key.key.clone()));
        if let Some(((_, key), place)) = turn.key.as_ref().zip(place.as_ref())
            && let Some((before, _)) = self.tables.keys.get(place)
        {
            return match before.fingerprint == key.fingerprint {
                true => TurnResult::Replayed(before.answer.clone()),
                false => TurnResult::KeyReused,
            };
        }
        let cases = &self.tables.cases;
        if let Leaves::Action { seq, .. } = &turn.leaves {
            let between = books.actions.get(seq).map(|(record, _)| &record.action.between);
            let open = between.and_then(|between| cases.open(between)).map(OpenCase::from);
            if let Some(id) = owned(turn, open) {
                return TurnResult::Owned(id);
            }
        }
        let case = match write_of(turn, cases, cases.next(), self.now) {
            Ok(case) => case,
            Err(refused) => return refused,
        };
        if let Some(action) = &turn.action
            && let Some((key, spend)) = spent_key(action).zip(action.spend.as_ref())
        {
            let spent = books.spent.entry(key).or_default();
            if spent.saturating_add(spend.hundredths) > spend.limit {
                return TurnResult::OverLimit;
            }
            *spent += spend.hundredths;
        }
        match &turn.leaves {
            Leaves::Text { seq, parts, whole, .. } => {
                books.unhandled.remove(seq);
                for part in parts {
                    books.unhandled.remove(part);
                    books.parts.insert(*part);
                }
                if let Some(whole) = whole {
                    books.whole.insert(*seq, whole.text.clone());
                    self.notices.push(NewNotice::of_whole(*seq, whole, self.rules));
                }
            }
            Leaves::Action {
                seq, becomes, refunds, ..
            } => books.move_on(*seq, becomes, *refunds, self.now),
            Leaves::Case(_) => {}
        }
        match &turn.question {
            Some(QuestionChange::Ask(question)) => {
                books.questions.insert(question.between.clone(), question.clone());
            }
            Some(QuestionChange::Drop(between)) => {
                books.end_question(between);
            }
            None => {}
        }
        if let Some((number, person)) = &turn.person {
            books.people.insert(number.clone(), (person.clone(), self.now));
        }
        let action = turn.action.as_ref().map(|action| books.add(action));
        for said in &turn.consents {
            self.consent(said);
        }
        if let Some(case) = case {
            self.write_case(case);
        }
        if let Some(((_, key), place)) = turn.key.as_ref().zip(place) {
            self.tables.keys.insert(place, (key.clone(), self.now));
        }
        let messages = turn.messages.iter().map(|message| self.store_now(message)).collect();
        TurnResult::Done { action, messages }
    }
}

impl TwoWay {
    pub(super) fn end_question(&mut self, between: &Between) {
        self.questions.remove(between);
    }

    pub(super) fn end_questions_of(&mut self, number: &str) {
        self.questions.retain(|between, _| *between.number != *number);
    }

    fn add(&mut self, action: &NewAction) -> Seq {
        self.next_action += 1;
        let mut action = action.clone();
        if let Some(spend) = &mut action.spend {
            spend.limit = i64::MAX;
        }
        let seq = self.next_action;
        let record = ActionRecord {
            seq,
            version: 1,
            action,
        };
        self.actions.insert(seq, (record, None));
        seq
    }

    fn move_on(&mut self, seq: Seq, becomes: &crate::store::ActionProgress, refunds: bool, now: UnixMillis) {
        let Some((record, done_at)) = self.actions.get_mut(&seq) else {
            return;
        };
        record.version += 1;
        record.action.progress = becomes.clone();
        *done_at = (becomes.state == ActionState::Done).then_some(now);
        if let Some((key, spend)) = spent_key(&record.action).zip(record.action.spend.as_ref())
            && refunds
        {
            *self.spent.entry(key).or_default() -= spend.hundredths;
        }
    }

    pub(super) fn actions(&self, query: ActionQuery) -> Vec<ActionRecord> {
        let all = self.actions.values().map(|(record, _)| record);
        match query {
            ActionQuery::Due { now, limit } => {
                let mut due: Vec<_> = all
                    .filter(|record| record.action.progress.next_at.is_some_and(|at| at <= now))
                    .cloned()
                    .collect();
                due.sort_by_key(|record| record.action.progress.next_at);
                due.truncate(limit as usize);
                due
            }
            ActionQuery::Running { after, limit } => all
                .filter(|record| record.seq > after && record.action.progress.state == ActionState::Running)
                .take(limit as usize)
                .cloned()
                .collect(),
        }
    }

    pub(super) fn prune(&mut self, prune: Prune) {
        let before = prune.ended_before;
        self.actions
            .retain(|_, (_, done_at)| done_at.is_none_or(|at| at >= before));
        self.questions.retain(|_, question| question.expires_at >= before);
        self.people.retain(|_, (_, at)| *at >= before);
        self.spent.retain(|(_, _, day), _| *day >= day_of(before));
    }
}

fn day_of(at: UnixMillis) -> i64 {
    at.0.div_euclid(86_400_000)
}

impl Tables {
    pub(super) fn standings(&self, pairs: &[Between]) -> Vec<Standing> {
        let books = &self.two_way;
        let standing = |pair: &Between| Standing {
            person: books.people.get(&pair.number).map(|(person, _)| person.clone()),
            question: books.questions.get(pair).cloned(),
            certified: self.numbers.of(&pair.number),
            case: self.cases.open(pair).map(OpenCase::from),
        };
        pairs.iter().map(standing).collect()
    }

    pub(super) fn unhandled(&self, after: Seq, limit: u32) -> Vec<UnhandledText> {
        let seqs = self.two_way.unhandled.range(after.saturating_add(1)..);
        seqs.filter_map(|seq| Some(UnhandledText::of(*seq, self.inbound.get(seq)?)))
            .take(limit as usize)
            .collect()
    }
}
