//! Messages to store.

use crate::domain::{BindRef, Flags, Name, NewMessage, Reason, State, UnixMillis};
use crate::store::{Changed, Event, InboxPlace, Lease, NewVerification, Progress, Row, Seq};

/// A message to store.
#[derive(Clone, Debug)]
pub struct Enqueue {
    /// The message.
    pub message: NewMessage,
    /// Makes the same request twice one message.
    pub key: Option<IdempotencyKey>,
    /// Stored as claimed by this bind, which has window and tokens for it.
    pub claim: Option<(BindRef, Lease)>,
    /// What the message begins with, where it is not made by a request of its own.
    pub birth: Option<Box<Birth>>,
}

/// What a message begins with beside itself.
#[derive(Clone, Debug, Default)]
pub struct Birth {
    /// The first of its timeline.
    pub event: Option<Event>,
    /// It ends at once, for this reason: suppressed where its recipient wants none, or else failed.
    pub failed: Option<Reason>,
    /// Its notes.
    pub flags: Flags,
    /// The code that it brings to a number, to certify it.
    pub verification: Option<NewVerification>,
}

/// Messages that are stored together under one key: all of them or none. There may be none, and the key is kept.
#[derive(Debug)]
pub struct Group {
    /// The owner.
    pub client: Name,
    /// Makes the same request twice one.
    pub key: IdempotencyKey,
    /// The messages, without keys of their own.
    pub members: Vec<Enqueue>,
    /// The row of the event inbox that it settles, if it came that way.
    pub inbox: Option<InboxPlace>,
}

/// What became of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupResult {
    /// Stored, each in its place.
    Stored(Vec<Seq>),
    /// The same request was stored before: this was its answer.
    Replayed(Box<str>),
    /// The key was used for another request.
    KeyReused,
    /// The row of the event inbox is settled already, or gone: nothing is stored.
    Withdrawn,
}

/// The owner's word that makes a request unique, for a day.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The word.
    pub key: Box<str>,
    /// SHA-256 of the request's body.
    pub fingerprint: [u8; 32],
    /// The answer to give again.
    pub answer: Box<str>,
}

/// What became of a message to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnqueueResult {
    /// Stored.
    Stored(Seq),
    /// The same request was stored before: this was its answer.
    Replayed(Box<str>),
    /// The key was used for another request.
    KeyReused,
}

impl Enqueue {
    /// A message to store, under no key.
    pub fn new(message: NewMessage) -> Self {
        Self {
            message,
            key: None,
            claim: None,
            birth: None,
        }
    }

    /// The same message, to be stored by another try.
    pub fn again(&self) -> Self {
        Self {
            message: self.message.clone(),
            key: self.key.clone(),
            claim: None,
            birth: self.birth.clone(),
        }
    }

    /// Whether it fails at once.
    pub fn fails(&self) -> bool {
        self.birth.as_ref().is_some_and(|birth| birth.failed.is_some())
    }

    /// What its owner is told of a message that ends at once: it leaves no other state.
    pub fn ended(&self, seq: Seq, now: UnixMillis) -> Option<Changed> {
        self.fails().then(|| {
            Changed::of(
                &Row::new(seq, &self.message, self.stored_as(now)),
                &self.stored_as(now),
                now,
            )
        })
    }

    /// The progress with which the message enters the outbox: claimed where it may be sent now and a bind asked for it.
    pub fn stored_as(&self, now: UnixMillis) -> Progress {
        let message = &self.message;
        let due = message.not_before.filter(|at| *at > now);
        let mut waiting = Progress::waiting(message.lane.step, due, message.expires_at);
        if let Some(birth) = &self.birth {
            waiting.flags = birth.flags;
            if birth.failed.is_some() {
                let state = match birth.failed {
                    Some(Reason::OptedOut) => State::Suppressed,
                    _ => State::Failed,
                };
                return waiting.ended(state, birth.failed, now);
            }
        }
        match &self.claim {
            Some((bind, lease)) if waiting.state == State::Queued => waiting.claimed(*lease, bind.clone(), now),
            _ => waiting,
        }
    }
}
