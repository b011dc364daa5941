//! One batch. Only storing messages can fail, and that is found out before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use super::tables::Tables;
use crate::domain::{BindRef, Lane, MessageId, Name, Reason, State, UnixMillis};
use crate::store::batch::QUARANTINE_ROWS;
use crate::store::matching::{self, KnownInbound};
use crate::store::notice::NewNotice;
use crate::store::{
    Act, ActItem, ActResult, Applied, Batch, Changed, Claim, Claimed, Enqueue, EnqueueResult, Event, Group,
    GroupResult, IdempotencyKey, InboundResult, LaneClaim, LaneClaimed, Lease, NewInbound, Progress, Prune,
    PruneResult, RestClaim, Row, Rules, SegmentAnswer, SegmentRecord, Seq, Settle, SettleResult, StoreError, Sweep,
    SweepResult,
};

pub(super) struct Transaction<'a> {
    pub(super) tables: &'a mut Tables,
    pub(super) rules: &'a dyn Rules,
    pub(super) now: UnixMillis,
    /// What owners are told beside the changes, not yet kept.
    pub(super) notices: Vec<NewNotice>,
    pub(super) applied: Applied,
}

/// What is to be stored, once all of it is known to be new.
#[derive(Default)]
struct New<'a> {
    seq: Seq,
    rows: Vec<(Seq, &'a Enqueue)>,
    ids: BTreeSet<MessageId>,
    keys: BTreeMap<(&'a Name, &'a str), &'a IdempotencyKey>,
}

/// An earlier request under a key.
enum Before {
    /// The same: its answer.
    Same(Box<str>),
    /// Another one.
    Other,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(tables: &'a mut Tables, rules: &'a dyn Rules, now: UnixMillis) -> Self {
        Self {
            tables,
            rules,
            now,
            notices: Vec::new(),
            applied: Applied::default(),
        }
    }

    pub(super) fn apply(mut self, batch: &Batch) -> Result<Applied, StoreError> {
        // Before anything is changed: only storing messages can fail.
        let new = self.enqueue(&batch.enqueue, &batch.groups)?;
        self.applied.consents = batch.consents.iter().map(|item| self.consent(item)).collect();
        self.insert(new);
        for answer in &batch.segments {
            self.answer_segment(answer.clone());
        }
        self.settle(&batch.settle);
        self.match_receipts(&batch.receipts);
        self.hear_rcs(&batch.rcs);
        for item in &batch.inbound {
            self.store_inbound(item.clone());
        }
        self.take_turns(&batch.turns);
        for pdu in &batch.quarantine {
            self.tables.quarantine.push_back(pdu.clone());
            if self.tables.quarantine.len() > QUARANTINE_ROWS as usize {
                self.tables.quarantine.pop_front();
            }
        }
        for act in &batch.certified {
            let done = self.certify(act);
            self.applied.certified.push(done);
        }
        for item in &batch.acts {
            let result = self.act(item);
            self.applied.acts.push(result);
        }
        for sweep in &batch.sweeps {
            let result = self.sweep(sweep);
            self.applied.sweeps.push(result);
        }
        self.keep_notices();
        self.settle_notices(&batch.notices);
        self.act_on_notices(&batch.notice_acts);
        self.keep_rcs_events(&batch.rcs_events);
        self.mark_rcs_events(&batch.rcs_marks);
        if let Some(prune) = batch.prune {
            self.applied.prune = Some(self.prune(prune));
        }
        for claim in &batch.rests {
            let rows = self.claim_rests(claim);
            self.applied.rests.push(rows);
        }
        for claim in &batch.claims {
            let lanes = claim.lanes.iter().map(|lane| self.claim_lane(claim, lane, &batch.kept));
            let lanes = lanes.collect();
            self.applied.claims.push(lanes);
        }
        Ok(self.applied)
    }

    /// `row` goes on as `progress`.
    pub(super) fn change(&mut self, row: &Row, progress: Progress, event: Option<Event>) {
        let progress = row.progress.followed_by(progress);
        if row.progress.state != progress.state {
            self.applied.changed.push(Changed::of(row, &progress, self.now));
        }
        self.note(row.seq, event);
        self.tables.update(row.seq, |row| row.progress = progress);
    }

    fn note(&mut self, seq: Seq, event: Option<Event>) {
        if let Some(event) = event {
            self.tables.events.entry(seq).or_default().push(event);
        }
    }

    fn enqueue<'b>(&mut self, items: &'b [Enqueue], groups: &'b [Group]) -> Result<New<'b>, StoreError> {
        let mut new = New {
            seq: self.tables.next_seq(),
            ..New::default()
        };
        for item in items {
            let before = item
                .key
                .as_ref()
                .and_then(|key| self.before(&new, &item.message.client, key));
            self.applied.enqueue.push(match before {
                Some(Before::Same(answer)) => EnqueueResult::Replayed(answer),
                Some(Before::Other) => EnqueueResult::KeyReused,
                None => {
                    new.keys
                        .extend(item.key.as_ref().map(|key| ((&item.message.client, &*key.key), key)));
                    EnqueueResult::Stored(self.next_place(&mut new, item)?)
                }
            });
        }
        for group in groups {
            if group.inbox.is_some() {
                // No program writes here: there is no such row.
                self.applied.groups.push(GroupResult::Withdrawn);
                continue;
            }
            self.applied
                .groups
                .push(match self.before(&new, &group.client, &group.key) {
                    Some(Before::Same(answer)) => GroupResult::Replayed(answer),
                    Some(Before::Other) => GroupResult::KeyReused,
                    None => {
                        new.keys.insert((&group.client, &*group.key.key), &group.key);
                        let places = group.members.iter().map(|item| self.next_place(&mut new, item));
                        GroupResult::Stored(places.collect::<Result<_, _>>()?)
                    }
                });
        }
        Ok(new)
    }

    fn insert(&mut self, new: New<'_>) {
        for (seq, item) in new.rows {
            self.put(seq, item);
        }
        for ((client, word), key) in new.keys {
            self.tables
                .keys
                .insert((client.clone(), word.into()), (key.clone(), self.now));
        }
    }

    fn put(&mut self, seq: Seq, item: &Enqueue) {
        self.tables.insert(seq, &item.message, item.stored_as(self.now));
        self.keep_verification(item);
        if let Some(birth) = &item.birth {
            self.note(seq, birth.event.clone());
            self.applied.changed.extend(item.ended(seq, self.now));
        }
    }

    /// Stores a message of a turn, which has a fresh id.
    pub(super) fn store_now(&mut self, item: &Enqueue) -> Seq {
        let seq = self.tables.next_seq();
        self.put(seq, item);
        seq
    }

    /// What an earlier request of the same key got, in this batch or before it.
    fn before(&self, new: &New<'_>, client: &Name, key: &IdempotencyKey) -> Option<Before> {
        let stored = || {
            self.tables
                .keys
                .get(&(client.clone(), key.key.clone()))
                .map(|(before, _)| before)
        };
        let before = new.keys.get(&(client, &*key.key)).copied().or_else(stored)?;
        Some(if before.fingerprint == key.fingerprint {
            Before::Same(before.answer.clone())
        } else {
            Before::Other
        })
    }

    fn next_place<'e>(&self, new: &mut New<'e>, item: &'e Enqueue) -> Result<Seq, StoreError> {
        if self.tables.holds(item.message.id) || !new.ids.insert(item.message.id) {
            return Err(StoreError::Statement(format!("{} is stored already", item.message.id)));
        }
        let seq = new.seq;
        new.rows.push((seq, item));
        new.seq += 1;
        Ok(seq)
    }

    fn answer_segment(&mut self, answer: SegmentAnswer) {
        if self
            .tables
            .segment(answer.seq, answer.number)
            .is_some_and(|known| known.attempt > answer.attempt)
        {
            return;
        }
        self.tables.put_segment(
            answer.seq,
            SegmentRecord {
                number: answer.number,
                attempt: answer.attempt,
                carrier: answer.carrier,
                state: answer.state,
                carrier_message_id: answer.carrier_message_id,
                code: answer.code,
                at: answer.at,
            },
        );
    }

    fn settle(&mut self, settles: &[Settle]) {
        let mut settled = Vec::new();
        for settle in settles {
            let seq = settle.claimed.seq;
            // As the durable store does: an earlier settlement of the same row meets its receipts first.
            if settled.contains(&seq) {
                self.meet_parked_receipts(&std::mem::take(&mut settled));
            }
            let settled_as = |row: &Row| {
                let held =
                    row.progress.state == State::Claimed && row.progress.attempt == settle.claimed.progress.attempt;
                let progress = if held {
                    Some(settle.progress.clone())
                } else {
                    settle.late(row)
                };
                Some((row.clone(), progress?))
            };
            let Some((row, progress)) = self.tables.row(seq).and_then(settled_as) else {
                self.applied.settle.push(SettleResult::LostLease);
                continue;
            };
            self.applied.settle.push(SettleResult::Settled);
            let event = settle.event.clone().filter(|_| row.progress.state != progress.state);
            self.change(&row, progress, event);
            if settle.may_meet_receipts() {
                settled.push(seq);
            }
        }
        self.meet_parked_receipts(&settled);
    }

    fn store_inbound(&mut self, item: NewInbound) {
        let repeated = |text: &NewInbound| matching::is_repeated(&item, &KnownInbound::of(text));
        let result = if self.tables.inbound.values().any(repeated) {
            InboundResult::Repeated
        } else {
            let seq = self.tables.inbound.last_key_value().map_or(1, |(seq, _)| seq + 1);
            self.notices.extend(NewNotice::of_inbound(seq, &item, self.rules));
            for said in &item.consents {
                self.consent(said);
            }
            if let Some(between) = item.ends_question() {
                self.tables.two_way.end_question(&between);
            }
            for answer in &item.answers {
                self.store_now(answer);
            }
            if item.handled.is_none() {
                self.tables.two_way.unhandled.insert(seq);
            }
            let kept = NewInbound {
                answers: Vec::new(),
                ..item
            };
            self.tables.inbound.insert(seq, kept);
            InboundResult::Stored(seq)
        };
        self.applied.inbound.push(result);
    }

    fn act(&mut self, item: &ActItem) -> ActResult {
        let Some(message) = self.tables.by_id(item.id, item.client.as_ref()) else {
            return ActResult::NotFound;
        };
        let row = message.row.clone();
        match self.rules.act(&row, item.act, self.now) {
            Ok((progress, event)) => {
                if item.act == Act::Requeue {
                    self.tables.forget_segments(row.seq);
                }
                let state = progress.state;
                self.change(&row, progress, event);
                ActResult::Done(state)
            }
            Err(refused) => refused,
        }
    }

    fn sweep(&mut self, sweep: &Sweep) -> SweepResult {
        let (rules, now) = (self.rules, self.now);
        match sweep {
            Sweep::Due { state, limit } => {
                let from = (state.as_str(), UnixMillis(i64::MIN), Seq::MIN);
                let due = self.tables.waking.range(from..=(state.as_str(), now, Seq::MAX));
                let seqs: Vec<Seq> = due.take(*limit as usize).map(|(_, _, seq)| *seq).collect();
                self.move_on(&seqs, *limit, |row| rules.when_due(row, now))
            }
            Sweep::Orphans { lease, limit } => {
                let orphan = |row: &&Row| row.progress.lease != Some(*lease);
                let rows = self
                    .tables
                    .claimed
                    .iter()
                    .filter_map(|seq| self.tables.row(*seq))
                    .filter(orphan);
                let seqs: Vec<Seq> = rows.take(*limit as usize).map(|row| row.seq).collect();
                self.move_on(&seqs, *limit, |row| rules.orphaned(row, now))
            }
            Sweep::Strays {
                lane,
                to: Some(to),
                limit,
            } => {
                let seqs = self.strays(lane, *limit);
                for seq in &seqs {
                    self.tables.update(*seq, |row| {
                        row.route = to.route.clone();
                        row.progress.step = to.step;
                    });
                }
                swept(seqs.len(), *limit)
            }
            Sweep::Abandoned { bind, limit } => {
                let held = |row: &&Row| row.progress.bind.as_ref() == Some(bind);
                let claimed = self.tables.claimed.iter();
                let rows = claimed.filter_map(|seq| self.tables.row(*seq)).filter(held);
                let seqs: Vec<Seq> = rows.take(*limit as usize).map(|row| row.seq).collect();
                self.move_on(&seqs, *limit, |row| rules.orphaned(row, now))
            }
            // No disk, no damage.
            Sweep::Damaged { .. } => SweepResult::default(),
            Sweep::Strays { lane, to: None, limit } => {
                let seqs = self.strays(lane, *limit);
                let fail = |row: &Row| row.progress.clone().ended(State::Failed, Some(Reason::NoRoute), now);
                self.move_on(&seqs, *limit, |row| (fail(row), None))
            }
        }
    }

    fn strays(&self, lane: &Lane, limit: u32) -> Vec<Seq> {
        let places = (lane.route.clone(), lane.step, 0)..=(lane.route.clone(), lane.step, u8::MAX);
        self.tables
            .queue
            .range(places)
            .flat_map(|(_, seqs)| seqs)
            .take(limit as usize)
            .copied()
            .collect()
    }

    fn move_on(&mut self, seqs: &[Seq], limit: u32, next: impl Fn(&Row) -> (Progress, Option<Event>)) -> SweepResult {
        let mut doubts = Vec::new();
        for seq in seqs {
            let Some(row) = self.tables.row(*seq).cloned() else {
                continue;
            };
            let (progress, event) = next(&row);
            if progress.state == State::Uncertain && row.receipt {
                doubts.push(*seq);
            }
            self.change(&row, progress, event);
        }
        self.meet_parked_receipts(&doubts);
        swept(seqs.len(), limit)
    }

    fn prune(&mut self, prune: Prune) -> PruneResult {
        let step = prune.step as usize;
        let seen: Vec<&Row> = self
            .tables
            .messages
            .range(prune.after + 1..)
            .take(step)
            .map(|(_, message)| &message.row)
            .collect();
        let last = seen.last().map_or(0, |row| row.seq);
        let next = if seen.len() < step { 0 } else { last };
        let old: Vec<Seq> = seen
            .into_iter()
            .filter(|row| ended_before(row, prune.ended_before) && !self.tables.notices.awaits(row.seq))
            .map(|row| row.seq)
            .collect();
        for seq in &old {
            self.tables.remove(*seq);
        }
        let keys = self.tables.keys.iter().map(|(place, (_, at))| (*at, place.clone()));
        let keys = oldest(keys, prune.keys_before, step);
        for place in &keys {
            self.tables.keys.remove(place);
        }
        let parked = self.tables.parked.iter().map(|(id, receipt)| (receipt.at, *id));
        let parked = oldest(parked, prune.parked_before, step);
        for id in &parked {
            self.tables.parked.remove(id);
        }
        self.tables.two_way.prune(prune);
        self.tables.cases.prune(prune);
        let rcs_events = self.tables.rcs_inbox.forget(prune.ended_before);
        self.tables.numbers.prune(prune);
        let (notices, next_notice) = self.tables.notices.prune(prune);
        PruneResult {
            next_notice,
            notices,
            next,
            messages: old.len() as u64,
            keys: keys.len() as u64,
            parked: parked.len() as u64,
            inbox: 0,
            rcs_events,
        }
    }

    fn claim_lane(&mut self, claim: &Claim, lane: &LaneClaim, kept: &[Seq]) -> LaneClaimed {
        let place = (lane.lane.route.clone(), lane.lane.step, lane.priority);
        let waiting = self
            .tables
            .queue
            .get(&place)
            .into_iter()
            .flatten()
            .filter_map(|seq| self.tables.row(*seq));
        let mut taken = Vec::new();
        let mut segments = 0;
        let open = |row: &&Row| row.progress.expires_at > self.now && !kept.contains(&row.seq);
        for row in waiting.filter(open) {
            if segments >= lane.segments {
                break;
            }
            segments += u32::from(row.segments);
            taken.push(row.seq);
        }
        let rows = taken
            .into_iter()
            .filter_map(|seq| self.claim_row(claim.lease, &claim.bind, seq));
        let rows = rows.collect();
        LaneClaimed { rows, quarantined: 0 }
    }

    fn claim_rests(&mut self, claim: &RestClaim) -> LaneClaimed {
        let (tables, now) = (&self.tables, self.now);
        let is_open = |row: &Row| row.progress.state == State::Queued && row.progress.expires_at > now;
        let open = |seq: &Seq| tables.row(*seq).is_some_and(is_open);
        let open: Vec<Seq> = claim.rows.iter().copied().filter(open).collect();
        let rows = open
            .into_iter()
            .filter_map(|seq| self.claim_row(claim.lease, &claim.bind, seq));
        let rows = rows.collect();
        LaneClaimed { rows, quarantined: 0 }
    }

    fn claim_row(&mut self, lease: Lease, bind: &BindRef, seq: Seq) -> Option<Claimed> {
        let now = self.now;
        self.tables.update(seq, |row| {
            row.progress = row.progress.clone().claimed(lease, bind.clone(), now);
        });
        let message = self.tables.messages.get(&seq)?;
        let row = message.row.clone();
        let mut claimed = Claimed {
            seq,
            id: row.id,
            client: row.client,
            class: row.class,
            to: row.to,
            from: message.from.clone(),
            text: message.text.clone(),
            rich: message.rich.clone(),
            encoding: message.encoding,
            shape: message.shape,
            segments: row.segments,
            route: row.route,
            receipt: row.receipt,
            callback: row.callback,
            accepted_at: row.accepted_at,
            progress: row.progress,
            answered: Vec::new(),
            taken_elsewhere: false,
        };
        if claimed.segments > 1 && claimed.progress.attempt > 1 {
            matching::recall(&mut claimed, &self.tables.segments_of(seq));
        }
        Some(claimed)
    }
}

fn ended_before(row: &Row, before: UnixMillis) -> bool {
    let progress = &row.progress;
    match progress.state {
        State::Submitted => !row.receipt && progress.submitted_at.is_some_and(|at| at < before),
        state => state.is_final() && progress.final_at.is_some_and(|at| at < before),
    }
}

fn oldest<K: Ord>(rows: impl Iterator<Item = (UnixMillis, K)>, before: UnixMillis, step: usize) -> Vec<K> {
    let mut old: Vec<(UnixMillis, K)> = rows.filter(|(at, _)| *at < before).collect();
    old.sort_unstable();
    old.into_iter().take(step).map(|(_, key)| key).collect()
}

fn swept(rows: usize, limit: u32) -> SweepResult {
    let moved = u32::try_from(rows).unwrap_or(u32::MAX);
    SweepResult {
        moved,
        more: moved == limit,
    }
}
