//! What a receipt makes of its message, and what the want of one does.

use std::sync::PoisonError;

use super::{Policy, copy, event_of};
use crate::domain::{Flag, Name, Reason, State, UnixMillis};
use crate::outbox::SegmentHabit;
use crate::store::{Event, EventKind, Progress, Receipt, Row, SegmentRecord, SegmentState};

impl Policy {
    pub(super) fn delivered(
        &self,
        row: &Row,
        segments: &[SegmentRecord],
        receipt: &Receipt,
    ) -> (Progress, Option<Event>) {
        let was = row.progress.clone();
        if was.state == State::Delivered {
            let flags = if was.copies > 0 {
                was.flags.with(Flag::DeliveredTwice)
            } else {
                was.flags
            };
            let event = event_of(&was, EventKind::ReceiptAgain, receipt.code, receipt.at);
            return (Progress { flags, ..was }, Some(event));
        }
        if !was.state.yields_to_receipt() {
            let event = event_of(&was, EventKind::ReceiptAgain, receipt.code, receipt.at);
            return (was, Some(event));
        }
        if row.segments > 1 && !self.carrier(&was).whole_texts && !self.is_whole(row, segments, receipt) {
            let event = event_of(&was, EventKind::Segment, receipt.code, receipt.at);
            return (was, Some(event));
        }
        let event = correction(&was, receipt);
        let flags = if was.state.is_final() {
            was.flags.with(Flag::CorrectedByReceipt)
        } else {
            was.flags
        };
        let submitted_at = was.submitted_at.or(Some(receipt.at));
        let carrier_message_id = match row.segments {
            1 => was.carrier_message_id.clone().or_else(|| receipt.id()),
            _ => None,
        };
        let progress = Progress {
            flags,
            submitted_at,
            carrier_message_id,
            code: None,
            done_at: receipt.done_at,
            ..was
        };
        (progress.ended(State::Delivered, None, receipt.at), event)
    }

    /// Whether a long message is on the handset: every segment was reported, or this carrier reports once for all.
    /// Segments that were never answered may not have left: a receipt that can only be about one of them, of a message
    /// in doubt, says nothing of the others. Nor does it of one that was refused, or that another carrier took.
    fn is_whole(&self, row: &Row, segments: &[SegmentRecord], receipt: &Receipt) -> bool {
        let delivered = segments
            .iter()
            .filter(|segment| segment.state == SegmentState::Delivered)
            .count();
        let answered = segments.len() >= usize::from(row.segments);
        if answered && delivered == segments.len() {
            self.habit(&receipt.carrier, |habit| habit.whole(row.seq));
            return true;
        }
        let stands_for = |segment: &SegmentRecord| {
            let taken = matches!(segment.state, SegmentState::Submitted | SegmentState::Delivered);
            taken && segment.carrier == receipt.carrier
        };
        answered
            && segments.iter().all(stands_for)
            && self.habit(&receipt.carrier, |habit| habit.reported(row.seq, delivered, receipt.at))
    }

    fn habit<T>(&self, carrier: &Name, ask: impl FnOnce(&mut SegmentHabit) -> T) -> T {
        let mut habits = self.habits.lock().unwrap_or_else(PoisonError::into_inner);
        ask(habits.entry(carrier.clone()).or_default())
    }

    pub(super) fn undelivered(&self, row: &Row, receipt: &Receipt, reason: Reason) -> (Progress, Option<Event>) {
        let was = row.progress.clone();
        let already = matches!(was.state, State::Delivered | State::Undelivered);
        if already || !was.state.yields_to_receipt() {
            let event = event_of(&was, EventKind::ReceiptAgain, receipt.code, receipt.at);
            return (was, Some(event));
        }
        if reason.another_carrier_may_help() && !was.state.is_final() {
            let (progress, event) = self.next_step(
                &row.route,
                was.clone(),
                receipt.code,
                State::Undelivered,
                reason,
                receipt.at,
            );
            let event = event.map(|(kind, code)| event_of(&was, kind, code, receipt.at));
            return (progress, event.or_else(|| correction(&was, receipt)));
        }
        let event = correction(&was, receipt);
        let flags = if was.state.is_final() {
            was.flags.with(Flag::CorrectedByReceipt)
        } else {
            was.flags
        };
        let progress = Progress {
            flags,
            code: receipt.code,
            done_at: receipt.done_at,
            submitted_at: was.submitted_at.or(Some(receipt.at)),
            ..was
        };
        (progress.ended(State::Undelivered, Some(reason), receipt.at), event)
    }

    /// No receipt came while the message waited in its step: the next one sends a copy, where its class allows one.
    /// Otherwise the wait goes on.
    pub(super) fn step_over(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
        let was = row.progress.clone();
        let next = self.step_after(&row.route, &was);
        match next.filter(|_| was.copies < row.class.copies_allowed() && now < was.expires_at) {
            Some(step) => {
                let event = event_of(&was, EventKind::NextStep, None, now);
                let next = Progress {
                    tries: 0,
                    carrier_message_id: None,
                    ..copy(was, step)
                };
                (self.waiting(&row.route, next, now), Some(event))
            }
            None => {
                let wake_at = Some(was.expires_at.max(now).after(self.receipt_grace));
                (Progress { wake_at, ..was }, None)
            }
        }
    }

    /// The wait for the receipt is over. One that came before it was known that this carrier reports once for all counts
    /// now.
    pub(super) fn unreported(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
        let was = row.progress.clone();
        let bind = was.bind.as_ref().filter(|_| row.segments > 1);
        let reported = bind.is_some_and(|bind| self.habit(&bind.carrier, |habit| habit.stands_for_all(row.seq)));
        let (state, reason) = if reported {
            (State::Delivered, None)
        } else {
            (State::Unconfirmed, Some(Reason::NoReceipt))
        };
        (was.ended(state, reason, now), None)
    }
}

/// What the timeline says when a receipt ends what was in doubt, or ended otherwise.
fn correction(was: &Progress, receipt: &Receipt) -> Option<Event> {
    let kind = match was.state {
        State::Uncertain => EventKind::DoubtSettled,
        state if state.is_final() => EventKind::Corrected,
        _ => return None,
    };
    let mut event = event_of(was, kind, receipt.code, receipt.at);
    event.note = Some(was.state.as_str().into());
    Some(event)
}
