//! New messages.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::Row as _;
use uuid::Uuid;

use super::checksum;
use super::commit::Transaction;
use crate::domain::{Name, UnixMillis};
use crate::store::{Enqueue, EnqueueResult, Group, GroupResult, IdempotencyKey, Seq};

const INSERT: &str = "INSERT INTO message (seq, id, client, class, priority, recipient, sender, text, encoding, \
     segments, route, receipt, reference, callback, accepted_at, not_before, state, step, wake_at, expires_at, attempt, \
     lease, carrier, bind, claimed_at, flags, final_at, reason, shape, checksum, rich) \
     SELECT value ->> 0, unhex(value ->> 1, '-'), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
     value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, \
     value ->> 15, value ->> 16, value ->> 17, value ->> 18, value ->> 19, value ->> 20, value ->> 21, value ->> 22, \
     value ->> 23, value ->> 24, value ->> 25, value ->> 26, value ->> 27, value ->> 28, value ->> 29, \
     value ->> 30 FROM jsonb_each(?)";

pub(super) const KNOWN_KEYS: &str = "SELECT i.client, i.key, i.fingerprint, i.answer FROM jsonb_each(?) AS j \
     CROSS JOIN idempotency AS i WHERE i.client = (j.value ->> 0) AND i.key = (j.value ->> 1)";

/// Client and key, fingerprint and answer.
pub(super) type KnownKeys = HashMap<(String, String), (Vec<u8>, Box<str>)>;

impl Transaction<'_> {
    pub(super) async fn enqueue(&mut self, items: &[Enqueue], groups: &[Group]) -> Result<(), sqlx::Error> {
        let single = items
            .iter()
            .filter_map(|item| Some((&item.message.client, item.key.as_ref()?)));
        let grouped = groups.iter().map(|group| (&group.client, &group.key));
        let mut known = self.known_keys(single.chain(grouped)).await?;
        let mut pending = self.pending_inbox(groups).await?;
        let mut rows: Vec<(Seq, &Enqueue)> = Vec::with_capacity(items.len());
        let mut keys: Vec<(&Name, &IdempotencyKey)> = Vec::new();
        for item in items {
            let client = &item.message.client;
            let before = item.key.as_ref().and_then(|key| replay(client, key, &mut known));
            let result = match before {
                Some(Before::Same(answer)) => EnqueueResult::Replayed(answer),
                Some(Before::Other) => EnqueueResult::KeyReused,
                None => {
                    keys.extend(item.key.as_ref().map(|key| (client, key)));
                    EnqueueResult::Stored(self.next_place(&mut rows, item))
                }
            };
            self.applied.enqueue.push(result);
        }
        let mut settled = Vec::new();
        for group in groups {
            if group.inbox.is_some_and(|inbox| !pending.remove(&inbox.place)) {
                self.applied.groups.push(GroupResult::Withdrawn);
                continue;
            }
            let result = match replay(&group.client, &group.key, &mut known) {
                Some(Before::Same(answer)) => GroupResult::Replayed(answer),
                Some(Before::Other) => GroupResult::KeyReused,
                None => {
                    keys.push((&group.client, &group.key));
                    settled.extend(
                        group
                            .inbox
                            .map(|inbox| (inbox.place, inbox.matched, group.members.len())),
                    );
                    let members = group.members.iter();
                    GroupResult::Stored(members.map(|item| self.next_place(&mut rows, item)).collect())
                }
            };
            self.applied.groups.push(result);
        }
        self.insert(&rows);
        self.keep_keys(&keys);
        self.settle_inbox(&settled);
        Ok(())
    }

    /// Stores what inbound texts are answered.
    pub(super) fn enqueue_answers<'e>(&mut self, items: impl Iterator<Item = &'e Enqueue>) {
        let mut rows = Vec::new();
        for item in items {
            self.next_place(&mut rows, item);
        }
        self.insert(&rows);
    }

    pub(super) fn next_place<'e>(&mut self, rows: &mut Vec<(Seq, &'e Enqueue)>, item: &'e Enqueue) -> Seq {
        let seq = self.writer.next.message;
        self.writer.next.message += 1;
        if let Some(birth) = &item.birth {
            self.events.extend(birth.event.clone().map(|event| (seq, event)));
            self.applied.changed.extend(item.ended(seq, self.now));
        }
        rows.push((seq, item));
        seq
    }

    /// What the tables know of these keys; most requests have none.
    pub(super) async fn known_keys(
        &mut self,
        keys: impl Iterator<Item = (&Name, &IdempotencyKey)>,
    ) -> Result<KnownKeys, sqlx::Error> {
        let keys: Vec<(&str, &str)> = keys.map(|(client, key)| (client.as_str(), &*key.key)).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        self.script.add(KNOWN_KEYS).bind_json(&keys);
        let answer = self.send().await?;
        answer
            .rows()
            .map(|r| {
                let answer: String = r.try_get(3)?;
                Ok(((r.try_get(0)?, r.try_get(1)?), (r.try_get(2)?, answer.into())))
            })
            .collect()
    }

    pub(super) fn insert(&mut self, rows: &[(Seq, &Enqueue)]) {
        if rows.is_empty() {
            return;
        }
        let now = self.now;
        let columns: Vec<_> = rows.iter().map(|(seq, item)| Columns::of(*seq, item, now)).collect();
        self.script.add(INSERT).bind_json(&columns);
        self.keep_verifications(rows);
    }

    pub(super) fn keep_keys(&mut self, keys: &[(&Name, &IdempotencyKey)]) {
        #[derive(Serialize)]
        struct Key<'a>(&'a str, &'a str, String, &'a str, i64);
        const KEEP: &str = "INSERT INTO idempotency (client, key, fingerprint, answer, at) \
             SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4 FROM jsonb_each(?)";
        if keys.is_empty() {
            return;
        }
        let keys: Vec<_> = keys
            .iter()
            .map(|(client, key)| {
                let fingerprint = hex::encode(key.fingerprint);
                Key(client.as_str(), &key.key, fingerprint, &key.answer, self.now.0)
            })
            .collect();
        self.script.add(KEEP).bind_json(&keys);
    }
}

/// An earlier request under a key.
pub(super) enum Before {
    /// The same: its answer.
    Same(Box<str>),
    /// Another one.
    Other,
}

/// What an earlier request of the same key got; remembers this one for those that follow in the batch.
fn replay(client: &Name, key: &IdempotencyKey, known: &mut KnownKeys) -> Option<Before> {
    let earlier = before(client, key, known);
    if earlier.is_none() {
        keep(client, key, known);
    }
    earlier
}

/// What an earlier request of the same key got.
pub(super) fn before(client: &Name, key: &IdempotencyKey, known: &KnownKeys) -> Option<Before> {
    if known.is_empty() {
        return None;
    }
    let (fingerprint, answer) = known.get(&place(client, key))?;
    Some(match *fingerprint == key.fingerprint {
        true => Before::Same(answer.clone()),
        false => Before::Other,
    })
}

/// Remembers a request for those that follow in the batch.
pub(super) fn keep(client: &Name, key: &IdempotencyKey, known: &mut KnownKeys) {
    known.insert(place(client, key), (key.fingerprint.to_vec(), key.answer.clone()));
}

fn place(client: &Name, key: &IdempotencyKey) -> (String, String) {
    (client.as_str().to_owned(), key.key.to_string())
}

/// A new message, in the order of the insert.
#[derive(Serialize)]
struct Columns<'a>(
    Seq,
    Uuid,
    &'a str,
    &'a str,
    u8,
    &'a str,
    String,
    &'a str,
    &'a str,
    u8,
    &'a str,
    bool,
    Option<&'a str>,
    Option<&'a str>,
    i64,
    Option<i64>,
    &'a str,
    u8,
    Option<i64>,
    i64,
    u32,
    Option<i64>,
    Option<Name>,
    Option<u16>,
    Option<i64>,
    u32,
    Option<i64>,
    Option<&'static str>,
    Option<String>,
    i64,
    Option<&'a str>,
);

impl<'a> Columns<'a> {
    fn of(seq: Seq, item: &'a Enqueue, now: UnixMillis) -> Self {
        let message = &item.message;
        let progress = item.stored_as(now);
        let (carrier, bind) = progress.bind.map(|bind| (bind.carrier, bind.bind)).unzip();
        let from = message.from.to_string();
        let checksum = checksum::of_message(seq, message, &from);
        Self(
            seq,
            message.id.0,
            message.client.as_str(),
            message.class.as_str(),
            message.class.priority(),
            message.to.digits(),
            from,
            &message.text,
            message.encoding.as_str(),
            message.segments,
            message.lane.route.as_str(),
            message.receipt,
            message.reference.as_deref(),
            message.callback.as_deref(),
            message.accepted_at.0,
            message.not_before.map(|at| at.0),
            progress.state.as_str(),
            progress.step,
            progress.wake_at.map(|at| at.0),
            progress.expires_at.0,
            progress.attempt,
            progress.lease.map(|lease| lease.0),
            carrier,
            bind,
            progress.claimed_at.map(|at| at.0),
            progress.flags.0,
            progress.final_at.map(|at| at.0),
            progress.reason.map(|reason| reason.as_str()),
            message.shape.words(),
            checksum,
            message.rich.as_deref(),
        )
    }
}
