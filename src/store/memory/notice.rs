//! What owners are told.

use std::collections::{BTreeMap, BTreeSet};

use super::commit::Transaction;
use super::tables::Tables;
use crate::domain::{Endpoint, Name, UnixMillis};
use crate::store::notice::{HURRIED, NewNotice};
use crate::store::{
    About, AboutConsent, AboutInbound, AboutMessage, DeadNotices, Delivery, DueNotices, DuePage, EndpointRecord, Fate,
    Notice, NoticeAct, NoticeKind, NoticePage, NoticeQuery, NoticeRecord, NoticeSettle, OffReason, Page, Prune, Seq,
};

/// Notices, and the indexes that follow them.
#[derive(Default)]
pub(super) struct Notices {
    rows: BTreeMap<Seq, Stored>,
    last: Seq,
    pending: BTreeSet<(Endpoint, UnixMillis, Seq)>,
    /// Those of a message that somebody hears by webhook.
    of_message: BTreeMap<Seq, BTreeSet<Seq>>,
    off: BTreeMap<Endpoint, (UnixMillis, OffReason)>,
}

struct Stored {
    notice: Notice,
    message: Option<Seq>,
    inbound: Option<Seq>,
    consent: Option<Seq>,
    case: Option<Seq>,
    client: Option<Name>,
}

impl Notices {
    fn insert(&mut self, new: NewNotice, now: UnixMillis) {
        self.last += 1;
        let seq = self.last;
        let due_at = new.endpoint.as_ref().map(|_| now);
        if let (Some(message), Some(_)) = (new.message, &new.endpoint) {
            self.of_message.entry(message).or_default().insert(seq);
        }
        let notice = Notice {
            seq,
            kind: new.kind,
            at: new.at,
            reason: new.reason,
            code: new.code,
            flags: new.flags,
            carrier: new.carrier,
            endpoint: new.endpoint,
            delivery: Delivery::default(),
        };
        let (message, inbound, client) = (new.message, new.inbound, new.client);
        let (consent, case) = (new.consent, new.case);
        self.rows.insert(
            seq,
            Stored {
                notice,
                message,
                inbound,
                consent,
                case,
                client,
            },
        );
        self.deliver(seq, |delivery| delivery.due_at = due_at);
    }

    /// Changes how far a webhook is, and the index with it.
    fn deliver(&mut self, seq: Seq, change: impl FnOnce(&mut Delivery)) {
        let Some(Stored { notice, .. }) = self.rows.get_mut(&seq) else {
            return;
        };
        let Some(endpoint) = &notice.endpoint else { return };
        if let Some(at) = notice.delivery.due_at {
            self.pending.remove(&(endpoint.clone(), at, seq));
        }
        change(&mut notice.delivery);
        if let Some(at) = notice.delivery.due_at {
            self.pending.insert((endpoint.clone(), at, seq));
        }
    }

    fn is_pending(&self, seq: Seq) -> bool {
        let stored = self.rows.get(&seq);
        stored.is_some_and(|stored| stored.notice.delivery.due_at.is_some())
    }

    /// Those of a message that somebody hears by webhook, oldest first.
    pub(super) fn of_message(&self, message: Seq) -> Vec<Notice> {
        let seqs = self.of_message.get(&message).into_iter().flatten();
        seqs.filter_map(|seq| self.rows.get(seq))
            .map(|stored| stored.notice.clone())
            .collect()
    }

    /// Whether a webhook about the message is still to be sent.
    pub(super) fn awaits(&self, message: Seq) -> bool {
        let mut seqs = self.of_message.get(&message).into_iter().flatten();
        seqs.any(|seq| self.is_pending(*seq))
    }

    pub(super) fn forget_message(&mut self, message: Seq) {
        for seq in self.of_message.remove(&message).unwrap_or_default() {
            self.deliver(seq, |delivery| delivery.due_at = None);
            self.rows.remove(&seq);
        }
    }

    fn settle(&mut self, item: &NoticeSettle, now: UnixMillis) {
        if !self.is_pending(item.seq) {
            return;
        }
        let (due_at, bundle, dead_at) = match item.fate {
            Fate::Told => (None, None, None),
            Fate::Again { at, bundle } => (Some(at), bundle, None),
            Fate::Dead => (None, None, Some(now)),
        };
        self.deliver(item.seq, |delivery| {
            *delivery = Delivery {
                due_at,
                attempts: item.attempts,
                bundle,
                tried_at: Some(item.tried_at),
                outcome: Some(item.outcome.clone()),
                dead_at,
            }
        });
        if let Some(due_at) = due_at {
            self.hold_later(item.seq, due_at);
        }
    }

    /// Later notices of the message are not due before this one.
    fn hold_later(&mut self, seq: Seq, due_at: UnixMillis) {
        let message = self.rows.get(&seq).and_then(|stored| stored.message);
        let of_message = message.and_then(|message| self.of_message.get(&message));
        let later: Vec<Seq> = of_message
            .into_iter()
            .flat_map(|seqs| seqs.range(seq + 1..))
            .copied()
            .collect();
        for seq in later {
            self.deliver(seq, |delivery| {
                delivery.due_at = delivery.due_at.map(|at| at.max(due_at));
            });
        }
    }

    fn act(&mut self, act: &NoticeAct, now: UnixMillis) -> u32 {
        match act {
            NoticeAct::Replay {
                endpoint,
                from,
                to,
                limit,
            } => {
                let dead = self.rows.range(*from..=*to).filter(|(_, stored)| {
                    let notice = &stored.notice;
                    notice.delivery.dead_at.is_some() && (endpoint.is_none() || notice.endpoint == *endpoint)
                });
                let seqs: Vec<Seq> = dead.map(|(seq, _)| *seq).take(*limit as usize).collect();
                for seq in &seqs {
                    self.deliver(*seq, |delivery| {
                        (delivery.due_at, delivery.dead_at) = (Some(now), None);
                        (delivery.attempts, delivery.bundle) = (0, None);
                    });
                }
                count(seqs.len())
            }
            NoticeAct::SwitchOff { endpoint, reason } => {
                let gives_way = match self.off.get(endpoint) {
                    None => true,
                    Some((_, known)) => *known == OffReason::Failing && *reason != OffReason::Failing,
                };
                if gives_way {
                    self.off.insert(endpoint.clone(), (now, *reason));
                }
                u32::from(gives_way)
            }
            NoticeAct::SwitchOn { endpoint, from } => {
                let known = self.off.get(endpoint).map(|(_, reason)| *reason);
                if from.is_none() || known == *from {
                    self.off.remove(endpoint);
                }
                let later = (
                    endpoint.clone(),
                    now.after(std::time::Duration::from_millis(1)),
                    Seq::MIN,
                );
                let of_endpoint = self.pending.range(later..).take_while(|(of, ..)| of == endpoint);
                let seqs: Vec<Seq> = of_endpoint.take(HURRIED as usize).map(|(_, _, seq)| *seq).collect();
                for seq in &seqs {
                    self.deliver(*seq, |delivery| delivery.due_at = Some(now));
                }
                count(seqs.len())
            }
        }
    }

    /// Forgets old ones that are not pending; how many, and where to go on.
    pub(super) fn prune(&mut self, prune: Prune) -> (u64, Seq) {
        let step = prune.step as usize;
        let seen: Vec<Seq> = self
            .rows
            .range(prune.notices_after + 1..)
            .take(step)
            .map(|(seq, _)| *seq)
            .collect();
        let next = seen.last().copied().filter(|_| seen.len() >= step).unwrap_or(0);
        let old = |seq: &Seq| {
            let stored = self.rows.get(seq);
            stored.is_some_and(|it| it.notice.at < prune.ended_before && it.notice.delivery.due_at.is_none())
        };
        let old: Vec<Seq> = seen.into_iter().filter(old).collect();
        for seq in &old {
            if let Some(Stored { message: Some(of), .. }) = self.rows.remove(seq)
                && let Some(seqs) = self.of_message.get_mut(&of)
            {
                seqs.remove(seq);
            }
        }
        (old.len() as u64, next)
    }
}

impl Transaction<'_> {
    /// Keeps what owners are told of this batch so far.
    pub(super) fn keep_notices(&mut self) {
        let mut new = std::mem::take(&mut self.notices);
        let changed = self.applied.changed.iter();
        new.extend(changed.filter_map(|changed| NewNotice::of(changed, self.rules)));
        new.sort_by_key(|notice| notice.kind == NoticeKind::MessageRead);
        self.applied.noticed = !new.is_empty();
        for notice in new {
            self.applied.heard_by.extend(notice.endpoint.clone());
            self.tables.notices.insert(notice, self.now);
        }
    }

    pub(super) fn settle_notices(&mut self, items: &[NoticeSettle]) {
        for item in items {
            self.tables.notices.settle(item, self.now);
        }
    }

    pub(super) fn act_on_notices(&mut self, acts: &[NoticeAct]) {
        for act in acts {
            let moved = self.tables.notices.act(act, self.now);
            self.applied.notice_acts.push(moved);
        }
    }
}

impl Tables {
    fn notice_record(&self, stored: &Stored) -> Option<NoticeRecord> {
        let about = match (stored.message, stored.inbound) {
            (Some(seq), _) => About::Message(Box::new(self.about_message(seq)?)),
            (None, Some(seq)) => {
                let text = self.inbound.get(&seq)?;
                let whole = self.two_way.whole.get(&seq).cloned().flatten();
                About::Inbound(Box::new(AboutInbound {
                    seq,
                    id: text.id,
                    client: stored.client.clone(),
                    from: text.from.clone(),
                    to: text.to.clone(),
                    segment: text.segment.filter(|_| whole.is_none()),
                    text: whole.or_else(|| text.text.clone()),
                }))
            }
            (None, None) if stored.case.is_some() => About::Case(Box::new(self.cases.at(stored.case?)?.clone())),
            (None, None) => {
                let said = self.consents.said(stored.consent?)?.clone();
                let client = stored.client.clone();
                About::Consent(Box::new(AboutConsent { client, said }))
            }
        };
        let notice = stored.notice.clone();
        Some(NoticeRecord { notice, about })
    }

    fn about_message(&self, seq: Seq) -> Option<AboutMessage> {
        let message = self.messages.get(&seq)?;
        let row = &message.row;
        Some(AboutMessage {
            seq,
            id: row.id,
            client: row.client.clone(),
            class: row.class,
            to: row.to.clone(),
            from: row.from.clone(),
            segments: row.segments,
            reference: message.reference.clone(),
            callback: row.callback.as_deref().map(Into::into),
            accepted_at: row.accepted_at,
            submitted_at: row.progress.submitted_at,
        })
    }

    pub(super) fn due_notices(&self, query: &DueNotices) -> DuePage {
        let notices = &self.notices;
        let (after_at, after_seq) = query.after.unwrap_or((UnixMillis(i64::MIN), Seq::MIN));
        let from = (query.endpoint.clone(), after_at, after_seq);
        let until = (query.endpoint.clone(), query.now, Seq::MAX);
        let first_of_message = |seq: &Seq| {
            let message = notices.rows.get(seq).and_then(|stored| stored.message);
            let earlier = message.and_then(|message| notices.of_message.get(&message));
            let mut earlier = earlier.into_iter().flat_map(|seqs| seqs.range(..*seq));
            !earlier.any(|seq| notices.is_pending(*seq))
        };
        let mut page = DuePage::default();
        let behind = notices
            .pending
            .range(from.clone()..)
            .skip_while(|place| **place == from);
        let due = behind.take_while(|place| **place <= until).map(|(_, _, seq)| seq);
        for seq in due.filter(|seq| first_of_message(seq)).take(query.limit as usize) {
            match notices.rows.get(seq).and_then(|stored| self.notice_record(stored)) {
                Some(record) => page.rows.push(record),
                None => page.unreadable.push(*seq),
            }
        }
        let mut later = notices.pending.range(until..);
        let next = later.find(|(_, at, _)| *at > query.now);
        page.next_at = next
            .filter(|(endpoint, ..)| *endpoint == query.endpoint)
            .map(|(_, at, _)| *at);
        page
    }

    pub(super) fn endpoints(&self) -> Vec<EndpointRecord> {
        let notices = &self.notices;
        let mut records: BTreeMap<Endpoint, EndpointRecord> = BTreeMap::new();
        let blank = |endpoint: &Endpoint| EndpointRecord {
            endpoint: endpoint.clone(),
            pending: 0,
            oldest: None,
            dead: 0,
            off: notices.off.get(endpoint).cloned(),
        };
        for endpoint in notices.off.keys() {
            records.insert(endpoint.clone(), blank(endpoint));
        }
        for Stored { notice, .. } in notices.rows.values() {
            let Some(endpoint) = &notice.endpoint else { continue };
            let (pending, dead) = (notice.delivery.due_at.is_some(), notice.delivery.dead_at.is_some());
            if pending || dead {
                let record = records.entry(endpoint.clone()).or_insert_with(|| blank(endpoint));
                record.pending += u64::from(pending);
                record.dead += u64::from(dead);
                if pending {
                    record.oldest.get_or_insert(notice.at);
                }
            }
        }
        records.into_values().collect()
    }

    pub(super) fn dead_notices(&self, query: &DeadNotices) -> Page<NoticeRecord> {
        let older = self.notices.rows.range(..query.before.unwrap_or(Seq::MAX)).rev();
        let dead = older.map(|(_, stored)| stored).filter(|stored| {
            let notice = &stored.notice;
            notice.delivery.dead_at.is_some() && (query.endpoint.is_none() || notice.endpoint == query.endpoint)
        });
        let found: Vec<&Stored> = dead.take(query.limit as usize).collect();
        let full = found.len() >= query.limit as usize;
        Page {
            next: found.last().filter(|_| full).map(|stored| stored.notice.seq),
            rows: found
                .into_iter()
                .filter_map(|stored| self.notice_record(stored))
                .collect(),
        }
    }

    pub(super) fn stretch(&self, query: &NoticeQuery) -> NoticePage {
        let Some(after) = query.after else {
            return NoticePage {
                upto: self.notices.last,
                ..NoticePage::default()
            };
        };
        let wanted = |record: &NoticeRecord| {
            let class = match &record.about {
                About::Message(message) => Some(message.class),
                About::Inbound(_) | About::Consent(_) | About::Case(_) => None,
            };
            (query.client.is_none() || record.client() == query.client.as_ref())
                && (query.classes.is_empty() || class.is_some_and(|class| query.classes.contains(&class)))
                && (query.kinds.is_empty() || query.kinds.contains(&record.notice.kind))
        };
        let later = |upto| self.notices.rows.range(after + 1..upto).map(|(_, stored)| stored);
        let records = |upto| later(upto).filter_map(|stored| self.notice_record(stored));
        let found = records(Seq::MAX).filter(wanted);
        let rows: Vec<NoticeRecord> = found.take(query.limit as usize).collect();
        let more = rows.len() >= query.limit as usize;
        let last = rows.last().filter(|_| more).map(|record| record.notice.seq);
        let upto = last.unwrap_or(self.notices.last.max(after));
        NoticePage {
            forgotten: upto.abs_diff(after) - records(upto + 1).count() as u64,
            upto,
            rows,
            more,
        }
    }
}

fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
