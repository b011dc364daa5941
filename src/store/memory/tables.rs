//! The maps, and the indexes that follow them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::care::CaseBooks;
use super::certified::Numbers;
use super::consent::Consents;
use super::notice::Notices;
use super::rcs_inbox::RcsInbox;
use super::two_way::TwoWay;
use crate::domain::{Class, Encoding, Lane, MessageId, Name, NewMessage, SenderId, Shape, State, UnixMillis};
use crate::store::{
    Backlog, BadPdu, Event, IdempotencyKey, InboundRecord, MessageQuery, MessageRecord, NewInbound, Progress,
    QuarantineRecord, Receipt, Row, SegmentRecord, Seq,
};

/// A carrier, and an id of its.
type CarrierId = (Name, Box<str>);

#[derive(Default)]
pub(super) struct Tables {
    pub(super) closed: bool,
    pub(super) lease: i64,
    pub(super) messages: BTreeMap<Seq, Message>,
    last_message: Seq,
    ids: BTreeMap<MessageId, Seq>,
    /// Route, step and priority of queued rows.
    pub(super) queue: BTreeMap<(Name, u8, u8), BTreeSet<Seq>>,
    pub(super) claimed: BTreeSet<Seq>,
    /// State and time of rows that wait for one.
    pub(super) waking: BTreeSet<(&'static str, UnixMillis, Seq)>,
    carrier_ids: BTreeMap<CarrierId, BTreeSet<Seq>>,
    segment_ids: BTreeMap<CarrierId, BTreeSet<(Seq, u8)>>,
    segments: BTreeMap<Seq, BTreeMap<u8, SegmentRecord>>,
    pub(super) events: BTreeMap<Seq, Vec<Event>>,
    pub(super) keys: BTreeMap<(Name, Box<str>), (IdempotencyKey, UnixMillis)>,
    pub(super) parked: BTreeMap<u64, Receipt>,
    pub(super) next_parked: u64,
    pub(super) inbound: BTreeMap<Seq, NewInbound>,
    pub(super) quarantine: VecDeque<BadPdu>,
    pub(super) notices: Notices,
    pub(super) two_way: TwoWay,
    pub(super) consents: Consents,
    pub(super) cases: CaseBooks,
    pub(super) rcs_inbox: RcsInbox,
    pub(super) numbers: Numbers,
}

/// A stored message.
pub(super) struct Message {
    pub(super) row: Row,
    pub(super) from: SenderId,
    pub(super) text: Arc<str>,
    pub(super) rich: Option<Arc<str>>,
    pub(super) encoding: Encoding,
    pub(super) shape: Shape,
    pub(super) reference: Option<Box<str>>,
    not_before: Option<UnixMillis>,
}

impl Tables {
    pub(super) fn holds(&self, id: MessageId) -> bool {
        self.ids.contains_key(&id)
    }

    pub(super) fn by_id(&self, id: MessageId, client: Option<&Name>) -> Option<&Message> {
        let message = self.messages.get(self.ids.get(&id)?)?;
        client
            .is_none_or(|client| *client == message.row.client)
            .then_some(message)
    }

    pub(super) fn row(&self, seq: Seq) -> Option<&Row> {
        self.messages.get(&seq).map(|message| &message.row)
    }

    pub(super) fn next_seq(&self) -> Seq {
        self.last_message + 1
    }

    pub(super) fn insert(&mut self, seq: Seq, message: &NewMessage, progress: Progress) {
        let row = Row::new(seq, message, progress);
        self.last_message = seq;
        self.ids.insert(message.id, seq);
        self.index(&row, true);
        self.messages.insert(
            seq,
            Message {
                row,
                from: message.from.clone(),
                text: message.text.clone(),
                rich: message.rich.clone(),
                encoding: message.encoding,
                shape: message.shape,
                reference: message.reference.clone(),
                not_before: message.not_before,
            },
        );
    }

    /// Changes a row, and the indexes with it.
    pub(super) fn update(&mut self, seq: Seq, change: impl FnOnce(&mut Row)) {
        let Some(mut row) = self.row(seq).cloned() else { return };
        self.index(&row, false);
        change(&mut row);
        self.index(&row, true);
        if let Some(message) = self.messages.get_mut(&seq) {
            message.row = row;
        }
    }

    pub(super) fn remove(&mut self, seq: Seq) {
        let Some(message) = self.messages.remove(&seq) else {
            return;
        };
        self.index(&message.row, false);
        self.ids.remove(&message.row.id);
        self.events.remove(&seq);
        self.notices.forget_message(seq);
        self.forget_segments(seq);
    }

    pub(super) fn forget_segments(&mut self, seq: Seq) {
        for (number, segment) in self.segments.remove(&seq).unwrap_or_default() {
            set(&mut self.segment_ids, segment_key(&segment), (seq, number), false);
        }
    }

    fn index(&mut self, row: &Row, present: bool) {
        let progress = &row.progress;
        if progress.state == State::Queued {
            let place = (row.route.clone(), progress.step, row.class.priority());
            set(&mut self.queue, Some(place), row.seq, present);
        }
        if progress.state == State::Claimed {
            put(&mut self.claimed, row.seq, present);
        }
        if let Some(at) = progress.wake_at {
            put(&mut self.waking, (progress.state.as_str(), at, row.seq), present);
        }
        if row.receipt
            && progress.state != State::Delivered
            && let (Some(bind), Some(id)) = (&progress.bind, &progress.carrier_message_id)
        {
            set(
                &mut self.carrier_ids,
                Some((bind.carrier.clone(), id.clone())),
                row.seq,
                present,
            );
        }
    }

    /// Messages of one segment that a receipt may be about.
    pub(super) fn by_carrier_id(&self, carrier: &Name, id: &str) -> impl Iterator<Item = &Row> {
        let seqs = self.carrier_ids.get(&(carrier.clone(), id.into()));
        seqs.into_iter().flatten().filter_map(|seq| self.row(*seq))
    }

    /// Long messages of which a receipt may be about one segment.
    pub(super) fn by_segment_id(&self, carrier: &Name, id: &str) -> impl Iterator<Item = (u8, &Row)> {
        let places = self.segment_ids.get(&(carrier.clone(), id.into()));
        places
            .into_iter()
            .flatten()
            .filter_map(|(seq, number)| Some((*number, self.row(*seq).filter(|it| it.receipt)?)))
    }

    pub(super) fn segments_of(&self, seq: Seq) -> Vec<SegmentRecord> {
        self.segments
            .get(&seq)
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect()
    }

    pub(super) fn segment(&self, seq: Seq, number: u8) -> Option<&SegmentRecord> {
        self.segments.get(&seq)?.get(&number)
    }

    pub(super) fn put_segment(&mut self, seq: Seq, segment: SegmentRecord) {
        let number = segment.number;
        if let Some(old) = self.segment(seq, number) {
            let key = segment_key(old);
            set(&mut self.segment_ids, key, (seq, number), false);
        }
        set(&mut self.segment_ids, segment_key(&segment), (seq, number), true);
        self.segments.entry(seq).or_default().insert(number, segment);
    }

    pub(super) fn record(&self, message: &Message) -> MessageRecord {
        let seq = message.row.seq;
        MessageRecord {
            events: self.events.get(&seq).cloned().unwrap_or_default(),
            webhooks: self.notices.of_message(seq),
            segments: if message.row.segments > 1 {
                self.segments_of(seq)
            } else {
                Vec::new()
            },
            ..message.listed()
        }
    }

    pub(super) fn backlog(&self) -> Vec<Backlog> {
        let lanes = self.queue.iter().filter(|(_, seqs)| !seqs.is_empty());
        lanes
            .map(|((route, step, priority), seqs)| Backlog {
                lane: Lane {
                    route: route.clone(),
                    step: *step,
                },
                priority: *priority,
                rows: seqs.len() as u64,
                segments: seqs
                    .iter()
                    .filter_map(|seq| self.row(*seq))
                    .map(|row| u64::from(row.segments))
                    .sum(),
            })
            .collect()
    }

    pub(super) fn open(&self) -> Vec<(Class, State, u64, UnixMillis)> {
        let mut groups: BTreeMap<(Class, &str), (State, u64, UnixMillis)> = BTreeMap::new();
        let waking = self.waking.iter().map(|(_, _, seq)| seq);
        let rows = self.claimed.iter().chain(waking).filter_map(|seq| self.row(*seq));
        for row in rows.filter(|row| !row.progress.state.is_final()) {
            let state = row.progress.state;
            let group = groups
                .entry((row.class, state.as_str()))
                .or_insert((state, 0, row.accepted_at));
            (group.1, group.2) = (group.1 + 1, group.2.min(row.accepted_at));
        }
        groups
            .into_iter()
            .map(|((class, _), (state, rows, oldest))| (class, state, rows, oldest))
            .collect()
    }
}

impl Message {
    pub(super) fn fits(&self, query: &MessageQuery) -> bool {
        query.client.as_ref().is_none_or(|client| *client == self.row.client)
            && query.state.is_none_or(|state| state == self.row.progress.state)
            && query.class.is_none_or(|class| class == self.row.class)
            && query.to.as_ref().is_none_or(|to| to.digits() == &*self.row.to)
            && query
                .reference
                .as_ref()
                .is_none_or(|reference| Some(reference) == self.reference.as_ref())
    }

    pub(super) fn listed(&self) -> MessageRecord {
        MessageRecord {
            row: self.row.clone(),
            text: (&*self.text).into(),
            rich: self.rich.as_deref().map(Into::into),
            encoding: self.encoding,
            shape: self.shape,
            reference: self.reference.clone(),
            not_before: self.not_before,
            events: Vec::new(),
            segments: Vec::new(),
            webhooks: Vec::new(),
        }
    }
}

pub(super) fn inbound_record(seq: Seq, text: &NewInbound, two_way: &TwoWay) -> InboundRecord {
    let whole = two_way.whole.get(&seq).cloned().flatten();
    InboundRecord {
        seq,
        id: text.id,
        carrier: text.bind.carrier.clone(),
        from: text.from.clone(),
        to: text.to.clone(),
        segment: text.segment.filter(|_| whole.is_none()),
        text: whole.or_else(|| text.text.clone()),
        lossy: text.lossy,
        data_coding: text.data_coding,
        at: text.at,
        note: text.note.clone(),
    }
}

pub(super) fn quarantine_record(pdu: &BadPdu) -> QuarantineRecord {
    QuarantineRecord {
        at: pdu.at,
        bind: pdu.bind.clone(),
        peer: Some(pdu.peer.clone()),
        reason: pdu.reason.clone(),
        status: pdu.status,
        octets: pdu.octets.to_vec(),
    }
}

fn segment_key(segment: &SegmentRecord) -> Option<CarrierId> {
    let open = segment.state != crate::store::SegmentState::Delivered;
    segment
        .carrier_message_id
        .clone()
        .filter(|_| open)
        .map(|id| (segment.carrier.clone(), id))
}

fn put<T: Ord>(index: &mut BTreeSet<T>, value: T, present: bool) {
    if present {
        index.insert(value);
    } else {
        index.remove(&value);
    }
}

fn set<K: Ord, T: Ord>(index: &mut BTreeMap<K, BTreeSet<T>>, key: Option<K>, value: T, present: bool) {
    let Some(key) = key else { return };
    if present {
        index.entry(key).or_default().insert(value);
    } else if let Some(values) = index.get_mut(&key) {
        values.remove(&value);
        if values.is_empty() {
            index.remove(&key);
        }
    }
}
