//! What becomes of a message that goes by RCS, as rows have it: the table of [`Stand`] gives the way, and here it is gone.

use std::time::Duration;

use super::{Policy, claimed_for, event_of, recipient};
use crate::domain::rich::Postback;
use crate::domain::{Channel, Class, Flag, Flags, Name, Reason, State, UnixMillis};
use crate::outbox::fallback::{Deed, Known, Stand};
use crate::store::{Claimed, Event, EventKind, Progress, RcsReport, RcsSaid, Row};

/// The longest that a code or an alarm is held for a late report: its SMS waits for that.
const URGENT_HOLD: Duration = Duration::from_secs(5);
/// Claims with each of which the process fell, after which a message is set aside for a person.
const FALLS: u32 = 5;
/// How long after the outbox the platform gives up by itself: a net for when we are not there to ask it.
const NET: Duration = Duration::from_secs(15);
/// Under this, users are told twice too often.
const LEAST_TTL: Duration = Duration::from_secs(10);
/// Under this, a try is over before it can be answered.
const LEAST_TRY: Duration = Duration::from_secs(2);

/// Why a message leaves its RCS step, and how it ends where no other one follows.
struct Leaving {
    /// For the timeline.
    why: &'static str,
    /// Whether the SMS may be a second copy.
    in_doubt: bool,
    /// The state it ends in, and why.
    end: (State, Reason),
    /// The carrier's code.
    code: Option<u32>,
}

/// What a rule makes of a row.
type Moved = (Progress, Option<Event>);

impl Policy {
    /// How long the platform is to try, of a message that it is given now: a little longer than the outbox waits before it
    /// asks for it back; without a next step, as long as the message is worth sending.
    pub fn rcs_ttl(&self, route: &Name, was: &Progress, now: UnixMillis) -> Duration {
        let valid = was.expires_at.since(now);
        let wait = self.step_wait(route, was);
        wait.map_or(valid, |wait| wait.saturating_add(NET).min(valid))
            .max(LEAST_TTL)
    }

    /// Until when a message that is claimed now may be tried before the platform has it: as long as its step waits, and no
    /// longer than it is worth sending.
    pub fn rcs_until(&self, route: &Name, was: &Progress, now: UnixMillis) -> UnixMillis {
        let wait = self.step_wait(route, was);
        wait.map_or(was.expires_at, |wait| {
            now.after(wait.max(LEAST_TRY)).min(was.expires_at)
        })
    }

    /// What the carrier speaks that has the message, or last had it.
    pub(in crate::outbox) fn by(&self, was: &Progress) -> Option<Channel> {
        was.bind.as_ref().map(|_| self.carrier(was).channel)
    }

    /// Where a message stands between the two channels.
    fn stand(&self, route: &Name, was: &Progress) -> Stand {
        // What is told of a message that no carrier has claimed yet is told by RCS.
        let by_rcs = self.by(was) != Some(Channel::Sms);
        match was.state {
            State::Delivered if was.flags.has(Flag::DeliveredByRcs) => Stand::Delivered,
            State::Delivered => Stand::SmsLeft,
            State::Queued | State::Scheduled => match self.by(was) {
                // A copy of the SMS that waits: the first one may have left.
                Some(Channel::Sms) if was.flags.has(Flag::CopyDue) => Stand::SmsLeft,
                Some(Channel::Rcs) | None if self.step_channel(route, was.step) == Channel::Rcs => Stand::Trying,
                Some(Channel::Rcs | Channel::Sms) | None => Stand::SmsWaits,
            },
            State::Claimed if by_rcs => Stand::Trying,
            State::Submitted | State::Uncertain if by_rcs && was.flags.has(Flag::Revoking) => Stand::Revoking,
            State::Submitted if by_rcs => Stand::Accepted,
            State::Uncertain if by_rcs => Stand::Doubtful,
            State::Unconfirmed if by_rcs => Stand::GivenUp,
            State::Claimed | State::Submitted | State::Uncertain | State::Unconfirmed => Stand::SmsLeft,
            State::Undelivered
            | State::Failed
            | State::Expired
            | State::Canceled
            | State::Suppressed
            | State::Quarantined => Stand::Ended,
        }
    }

    /// What a report of the platform's makes of its message; `None` leaves the row alone.
    pub(super) fn reported(&self, row: &Row, report: &RcsReport, now: UnixMillis) -> Option<Moved> {
        let was = &row.progress;
        let known = match report.said {
            RcsSaid::Delivered | RcsSaid::Read => Known::Delivered,
            RcsSaid::Revoked => Known::Revoked,
            RcsSaid::NotRevoked => Known::NotRevoked,
            RcsSaid::Tapped { place } => {
                let mut event = event_of(was, EventKind::Tapped, None, report.at);
                event.note = Some(Postback::place_in_words(place).into());
                return Some((was.clone(), Some(event)));
            }
        };
        let moved = self.moved(row, known, now);
        let moved = moved.map(|(progress, event)| (dated(was, progress, report.at), event));
        if report.said != RcsSaid::Read || was.flags.has(Flag::Read) {
            return moved;
        }
        // That it was read is told in the place of the event that it brought.
        let progress = moved.map_or_else(|| was.clone(), |(progress, _)| progress);
        let flags = progress.flags.with(Flag::Read);
        let event = event_of(was, EventKind::Read, None, report.at);
        Some((Progress { flags, ..progress }, Some(event)))
    }

    /// The time of a message is over that the platform has, or of which nobody knows; `None` where it never went there.
    pub(super) fn rcs_due(&self, row: &Row, now: UnixMillis) -> Option<Moved> {
        let was = &row.progress;
        match self.stand(&row.route, was) {
            Stand::Accepted if self.step_after(&row.route, was).is_none() || now >= was.expires_at => {
                let whole = was.expires_at.after(self.receipt_grace);
                Some(match now < whole {
                    // There is nothing to fall back to: the platform gives up at the end of its validity and says so.
                    true => (
                        Progress {
                            wake_at: Some(whole),
                            ..was.clone()
                        },
                        None,
                    ),
                    false => (
                        was.clone().ended(State::Unconfirmed, Some(Reason::NoReceipt), now),
                        None,
                    ),
                })
            }
            Stand::Accepted | Stand::Revoking | Stand::Doubtful => self.moved(row, Known::TimeOver, now),
            Stand::Trying | Stand::SmsWaits | Stand::SmsLeft | Stand::Delivered | Stand::GivenUp | Stand::Ended => None,
        }
    }

    /// Nothing was sent, and RCS will not do: the next step at once.
    pub(super) fn not_reachable(&self, route: &Name, was: Progress, code: u32, now: UnixMillis) -> Moved {
        self.leave(
            route,
            &was,
            &Leaving {
                why: "not_reachable",
                in_doubt: false,
                end: (State::Failed, Reason::NotReachable),
                code: Some(code),
            },
            now,
        )
    }

    /// The answer to the tries was lost: the platform is asked to take back what it may have.
    pub(super) fn rcs_lost(&self, class: Class, was: Progress, now: UnixMillis) -> Moved {
        let event = event_of(&was, EventKind::Doubted, None, now);
        let progress = Progress {
            state: State::Uncertain,
            flags: was
                .flags
                .with(Flag::WasUncertain)
                .with(Flag::Revoking)
                .without(Flag::Felled),
            wake_at: Some(now.after(self.report_hold(class, &was))),
            ..was
        };
        (progress, Some(event))
    }

    /// The platform has it. Who has opted out while it was told has it asked back at once.
    pub(super) fn rcs_taken(&self, claimed: &Claimed, carrier_message_id: Option<Box<str>>, now: UnixMillis) -> Moved {
        let was = claimed.progress.clone();
        let settled = was.state == State::Uncertain;
        let settled = settled.then(|| event_of(&was, EventKind::DoubtSettled, None, now));
        let was = Progress {
            flags: was
                .flags
                .without(Flag::Felled)
                .without(Flag::CopyDue)
                .with(Flag::WithPlatform),
            ..was
        };
        let taken = self.submitted(claimed, was, carrier_message_id, now);
        if taken.final_at.is_none() && self.gate.withholds(&claimed_for(claimed)) {
            return self.asked_back(claimed.class, &taken, now);
        }
        (taken, settled)
    }

    /// Its recipient has opted out of it: what the platform has and awaits is asked back.
    pub(super) fn rcs_opted_out(&self, row: &Row, now: UnixMillis) -> Option<Moved> {
        let was = &row.progress;
        let awaited = was.final_at.is_none() && self.stand(&row.route, was) == Stand::Accepted;
        awaited.then(|| self.asked_back(row.class, was, now))
    }

    fn asked_back(&self, class: Class, was: &Progress, now: UnixMillis) -> Moved {
        let progress = Progress {
            flags: was.flags.with(Flag::Revoking),
            wake_at: Some(now.after(self.report_hold(class, was))),
            ..was.clone()
        };
        (progress, Some(event_of(was, EventKind::Revoking, None, now)))
    }

    /// The SMS is not wanted any more: an end without it.
    fn not_wanted(was: &Progress, in_doubt: bool, now: UnixMillis) -> Moved {
        let (state, reason) = match in_doubt {
            true => (State::Unconfirmed, Reason::NoReceipt),
            false => (State::Suppressed, Reason::OptedOut),
        };
        let flags = was.flags.without(Flag::Revoking);
        let left = Progress { flags, ..was.clone() };
        (left.ended(state, Some(reason), now), correction(was, now))
    }

    /// A message that a process which is no more had claimed: tried again under the same id, which the platform shows once.
    pub(super) fn rcs_orphaned(&self, row: &Row, now: UnixMillis) -> Moved {
        let mut was = row.progress.clone();
        if was.attempt == 1 {
            was.flags = was.flags.with(Flag::Felled);
        }
        // It may be what brings us down.
        if was.flags.has(Flag::Felled) && was.attempt >= FALLS {
            return (was.ended(State::Quarantined, Some(Reason::Poison), now), None);
        }
        let event = event_of(&was, EventKind::Resent, None, now);
        (self.waiting(&row.route, was, now), Some(event))
    }

    fn moved(&self, row: &Row, known: Known, now: UnixMillis) -> Option<Moved> {
        let (route, class, was) = (&row.route, row.class, &row.progress);
        let (_, deed) = self.stand(route, was).step(known, class);
        Some(match deed? {
            Deed::Deliver | Deed::WithdrawSms => (delivered(was, was.flags, now), correction(was, now)),
            Deed::NoteTwice => {
                let mut event = event_of(was, EventKind::ReceiptAgain, None, now);
                event.note = Some("rcs".into());
                (delivered(was, was.flags.with(Flag::DeliveredTwice), now), Some(event))
            }
            Deed::Revoke => self.asked_back(class, was, now),
            Deed::Hold => {
                let progress = Progress {
                    state: State::Uncertain,
                    flags: was.flags.with(Flag::WasUncertain).without(Flag::Revoking),
                    wake_at: Some(now.after(self.report_hold(class, was))),
                    ..was.clone()
                };
                (progress, Some(event_of(was, EventKind::Doubted, None, now)))
            }
            Deed::SendSms { in_doubt } if self.gate.withholds(&recipient(row)) => Self::not_wanted(was, in_doubt, now),
            Deed::SendSms { in_doubt: false } => self.leave(
                route,
                was,
                &Leaving {
                    why: "revoked",
                    in_doubt: false,
                    end: (State::Undelivered, Reason::AbsentSubscriber),
                    code: None,
                },
                now,
            ),
            Deed::SendSms { in_doubt: true } => self.leave(
                route,
                was,
                &Leaving {
                    why: "in_doubt",
                    in_doubt: true,
                    end: (State::Unconfirmed, Reason::NoReceipt),
                    code: None,
                },
                now,
            ),
            Deed::GiveUp => {
                let flags = was.flags.without(Flag::Revoking);
                let was = Progress { flags, ..was.clone() };
                (was.ended(State::Unconfirmed, Some(Reason::NoReceipt), now), None)
            }
        })
    }

    /// Moves on to the next step by another channel, or ends where there is none or the time is over. The SMS is no copy of
    /// its class's count: that is for doubts about the SMS itself.
    fn leave(&self, route: &Name, was: &Progress, leaving: &Leaving, now: UnixMillis) -> Moved {
        let flags = was
            .flags
            .without(Flag::Revoking)
            .without(Flag::CopyDue)
            .without(Flag::Felled);
        let flags = match leaving.in_doubt {
            true => flags.with(Flag::PossibleDuplicate),
            false => flags,
        };
        let left = Progress {
            flags,
            code: leaving.code,
            ..was.clone()
        };
        match self.step_after(route, was) {
            Some(step) if now < was.expires_at => {
                let mut event = event_of(was, EventKind::NextStep, leaving.code, now);
                event.note = Some(leaving.why.into());
                let next = Progress {
                    step,
                    tries: 0,
                    carrier_message_id: None,
                    final_at: None,
                    reason: None,
                    ..left
                };
                (self.waiting(route, next, now), Some(event))
            }
            _ => {
                let (state, reason) = leaving.end;
                (left.ended(state, Some(reason), now), correction(was, now))
            }
        }
    }

    fn report_hold(&self, class: Class, was: &Progress) -> Duration {
        let hold = self.carrier(was).doubt_hold;
        if class.is_urgent() { hold.min(URGENT_HOLD) } else { hold }
    }
}

fn delivered(was: &Progress, flags: Flags, now: UnixMillis) -> Progress {
    let flags = flags
        .with(Flag::DeliveredByRcs)
        .without(Flag::Revoking)
        .without(Flag::CopyDue);
    if was.state == State::Delivered {
        return Progress { flags, ..was.clone() };
    }
    let flags = if was.state.is_final() {
        flags.with(Flag::CorrectedByReceipt)
    } else {
        flags
    };
    let progress = Progress {
        flags,
        submitted_at: was.submitted_at.or(Some(now)),
        code: None,
        ..was.clone()
    };
    progress.ended(State::Delivered, None, now)
}

/// With the time of its end by the platform's clock, where that end is new.
fn dated(was: &Progress, progress: Progress, at: UnixMillis) -> Progress {
    let ends = progress.state == State::Delivered && was.state != State::Delivered;
    Progress {
        done_at: if ends { Some(at) } else { progress.done_at },
        ..progress
    }
}

/// What the timeline says where a report ends what was in doubt, or ended otherwise.
fn correction(was: &Progress, now: UnixMillis) -> Option<Event> {
    let kind = match was.state {
        State::Uncertain => EventKind::DoubtSettled,
        state if state.is_final() => EventKind::Corrected,
        _ => return None,
    };
    let mut event = event_of(was, kind, None, now);
    event.note = Some(was.state.as_str().into());
    Some(event)
}

#[cfg(test)]
mod tests;
