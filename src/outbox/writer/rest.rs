//! Long messages of which a carrier has a part and not the rest, since it said to slow down or its link went. The rest
//! goes over it too, under the same reference: over another carrier it would be a whole copy.
//!
//! Kept in memory: what a process leaves behind is in the lanes of the next one, and a copy where another carrier claims
//! it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Writer;
use crate::domain::{BindRef, Class, Lane, Name, State, UnixMillis};
use crate::outbox::Policy;
use crate::outbox::board::Board;
use crate::store::{Applied, Batch, LaneClaimed, RestClaim, Seq, Settle, SettleResult};

/// What waits for one carrier alone: no lane's claim finds it.
#[derive(Default)]
pub(super) struct Rests(BTreeMap<Seq, Rest>);

struct Rest {
    carrier: Name,
    /// Segments that the carrier has.
    taken: Vec<u8>,
    lane: Lane,
    class: Class,
    segments: u8,
    expires_at: UnixMillis,
    /// How long its carrier may be away before others may have the message.
    hold: Duration,
    /// Until when it is held; `None` while it is not due, or claimed and not yet settled.
    until: Option<UnixMillis>,
}

impl Rests {
    /// What these settlements leave in part. Noted before they are committed, so that no claim of the same batch finds
    /// it.
    pub(super) fn note(&mut self, settles: &[Settle], policy: &Policy) {
        for settle in settles {
            let (claimed, progress) = (&settle.claimed, &settle.progress);
            let waits = matches!(progress.state, State::Queued | State::Scheduled);
            let bind = progress
                .bind
                .as_ref()
                .filter(|_| waits && progress.step == claimed.progress.step);
            match bind.filter(|_| !claimed.answered.is_empty()) {
                None => self.forget(claimed.seq),
                Some(bind) => {
                    let rest = Rest {
                        carrier: bind.carrier.clone(),
                        taken: claimed.answered.clone(),
                        lane: Lane {
                            route: claimed.route.clone(),
                            step: progress.step,
                        },
                        class: claimed.class,
                        segments: claimed.segments,
                        expires_at: progress.expires_at,
                        hold: policy.hold(progress),
                        until: None,
                    };
                    self.0.insert(claimed.seq, rest);
                }
            }
        }
    }

    /// What was settled before by another attempt or a receipt is not this one's to keep.
    pub(super) fn check(&mut self, batch: &Batch, applied: &Applied) {
        for (settle, result) in batch.settle.iter().zip(&applied.settle) {
            if *result == SettleResult::LostLease {
                self.forget(settle.claimed.seq);
            }
        }
    }

    /// It is due now, in this lane. Whether it is kept: the lane does not have it. One that a receipt has sent to another
    /// step is kept no more.
    pub(super) fn is_due(&mut self, seq: Seq, lane: &Lane, now: UnixMillis) -> bool {
        match self.0.get_mut(&seq) {
            Some(rest) if rest.lane == *lane => {
                rest.until = Some(now.after(rest.hold));
                true
            }
            Some(_) => {
                self.forget(seq);
                false
            }
            None => false,
        }
    }

    /// It was due and is so no more. Whether it was kept.
    pub(super) fn was_due(&mut self, seq: Seq) -> bool {
        self.0.get_mut(&seq).is_some_and(|rest| rest.until.take().is_some())
    }

    pub(super) fn forget(&mut self, seq: Seq) {
        self.0.remove(&seq);
    }

    /// Gives to the lanes what was held long enough for a carrier that is down.
    fn release(&mut self, board: &mut Board, now: UnixMillis) {
        self.0.retain(|_, rest| {
            if rest.until.is_none_or(|until| now < until) {
                return true;
            }
            let is_up = board.is_up(&rest.carrier);
            if is_up {
                rest.until = Some(now.after(rest.hold));
            } else {
                board.add(&rest.lane, rest.class.priority(), u64::from(rest.segments));
            }
            is_up
        });
    }

    /// Takes what is kept out of the lanes, which have counted all that waits.
    pub(super) fn uncount(&self, board: &mut Board) {
        for rest in self.0.values().filter(|rest| rest.until.is_some()) {
            board.remove(&rest.lane, rest.class.priority(), u64::from(rest.segments));
        }
    }
}

impl Writer {
    /// Claims what is kept for binds that have room: what has begun is ended before anything else begins. Says how long
    /// until one of their carriers gets a token.
    pub(super) fn claim_rests(&mut self, batch: &mut Batch) -> Option<Duration> {
        self.rests.release(&mut self.board, batch.now);
        let mut wait: Option<Duration> = None;
        let mut claims: BTreeMap<BindRef, Vec<Seq>> = BTreeMap::new();
        let open = |rest: &Rest| rest.until.is_some() && batch.now < rest.expires_at;
        for (seq, rest) in self.rests.0.iter().filter(|(_, rest)| open(rest)) {
            match self
                .board
                .place_rest(&rest.carrier, &rest.lane, rest.class, rest.segments)
            {
                Ok(bind) => claims.entry(bind).or_default().push(*seq),
                Err(token) => wait = wait.into_iter().chain(token).min(),
            }
        }
        let lease = self.lease;
        let claim = |(bind, rows)| RestClaim { bind, lease, rows };
        batch.rests = claims.into_iter().map(claim).collect();
        batch.kept = self.rests.0.keys().copied().collect();
        wait
    }

    /// Hands over what was claimed of it.
    pub(super) fn hand_out_rests(&mut self, batch: &Batch, claims: Vec<LaneClaimed>) {
        for (claim, got) in batch.rests.iter().zip(claims) {
            let mut got: BTreeMap<Seq, _> = got.rows.into_iter().map(|row| (row.seq, row)).collect();
            for seq in &claim.rows {
                let Some(mut row) = got.remove(seq) else {
                    self.free_rest(&claim.bind, *seq);
                    continue;
                };
                let rest = self.rests.0.get(seq);
                let (class, segments) = (row.class, row.segments);
                // An answer may still be on its way into the store.
                let unknown = rest.iter().flat_map(|rest| &rest.taken);
                let unknown: Vec<u8> = unknown
                    .copied()
                    .filter(|number| !row.answered.contains(number))
                    .collect();
                row.answered.extend(unknown);
                self.rests.forget(*seq);
                let row = Arc::new(row);
                match self.held_back(&row, batch.now) {
                    Some(settle) => {
                        self.board.settled(&claim.bind, class, segments);
                        self.withheld.push(settle);
                    }
                    None => self.hand_to(&claim.bind, row),
                }
            }
        }
    }

    /// Gives back the places of claims that came to nothing.
    pub(super) fn free_rests(&mut self, batch: &Batch) {
        for claim in &batch.rests {
            for seq in &claim.rows {
                self.free_rest(&claim.bind, *seq);
            }
        }
    }

    fn free_rest(&mut self, bind: &BindRef, seq: Seq) {
        if let Some(rest) = self.rests.0.get(&seq) {
            self.board.settled(bind, rest.class, rest.segments);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn what_a_receipt_sends_to_another_step_is_kept_no_more() {
        let own = fixture::lane();
        let next = Lane { step: 1, ..own.clone() };
        let mut rests = Rests::default();
        let rest = Rest {
            carrier: fixture::name("tim"),
            taken: vec![1],
            lane: own.clone(),
            class: Class::Alert,
            segments: 2,
            expires_at: UnixMillis(9_000),
            hold: Duration::from_secs(1),
            until: None,
        };
        rests.0.insert(7, rest);
        assert!(rests.is_due(7, &own, UnixMillis(1_000)));
        assert!(rests.was_due(7));
        assert!(!rests.is_due(7, &next, UnixMillis(1_000)));
        assert!(!rests.is_due(7, &own, UnixMillis(1_000)), "it is forgotten");
    }
}
