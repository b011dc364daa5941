//! What is done with a message whose submit ended, whose receipt came, whose time is up: pure rules.

mod rcs;
mod receipt;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::hearing::Hearing;
use super::segment_habit::SegmentHabit;
use crate::consent::{Gate, Recipient};
use crate::domain::{AfterDoubt, Channel, Endpoint, Flag, Name, PlanStep, Reason, State, UnixMillis};
use crate::store::{
    Act, ActResult, Claimed, Event, EventKind, NewConsent, NoticeKind, Progress, RcsReport, Receipt, Row, Rules,
    SegmentRecord, Seq, Settle, Verdict,
};

/// The rules of the outbox: the plan's length, the patience with carriers, the memory of their habits.
pub struct Policy {
    /// The steps of each route.
    pub steps: HashMap<Name, Vec<PlanStep>>,
    /// How long a receipt is awaited after the end of validity.
    pub receipt_grace: Duration,
    /// Patience with each carrier.
    pub carriers: HashMap<Name, CarrierPolicy>,
    /// Patience with one that the configuration no longer has.
    pub former_carrier: CarrierPolicy,
    /// What is known of how each carrier reports on long messages.
    pub habits: Mutex<HashMap<Name, SegmentHabit>>,
    /// Who hears of what becomes of messages.
    pub hearing: Hearing,
    /// Who wants no messages, and when.
    pub gate: std::sync::Arc<Gate>,
}

/// Patience with one carrier.
#[derive(Clone, Copy, Debug)]
pub struct CarrierPolicy {
    /// How long a message in doubt is held for a late answer or receipt.
    pub doubt_hold: Duration,
    /// Tries that may be refused for now, over a message's life.
    pub max_tries: u32,
    /// Wait after the first refused try; doubles.
    pub retry_min: Duration,
    /// Longest wait.
    pub retry_max: Duration,
    /// What it speaks.
    pub channel: Channel,
    /// Whether a text of any length goes to it as one PDU (`message_payload`), so that one receipt is about all of it.
    pub whole_texts: bool,
}

impl Default for CarrierPolicy {
    fn default() -> Self {
        Self {
            doubt_hold: Duration::from_secs(30),
            max_tries: 5,
            retry_min: Duration::from_secs(5),
            retry_max: Duration::from_mins(10),
            channel: Channel::Sms,
            whole_texts: false,
        }
    }
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The carrier took it; for a long message, every segment.
    Submitted {
        /// The carrier's id, where it gave one and the message has one segment.
        carrier_message_id: Option<Box<str>>,
    },
    /// Nothing of it was written: it can go out as if never claimed.
    NotWritten,
    /// The carrier said to slow down: costs no try.
    Throttled {
        /// The command_status.
        status: u32,
    },
    /// Refused for now: tried again later.
    Retry {
        /// The command_status.
        status: u32,
    },
    /// This carrier will not take it; another one may.
    NextStep {
        /// The command_status.
        status: u32,
    },
    /// The handset has no RCS, or cannot show it: the next step at once.
    NotReachable {
        /// The status of the answer.
        status: u32,
    },
    /// Nobody will take it.
    Refused {
        /// The command_status.
        status: u32,
        /// What it means.
        reason: Reason,
    },
    /// It cannot be written: a fault of its own.
    Unsendable,
    /// Nobody knows.
    Uncertain,
}

impl Policy {
    /// What a claim's end makes of the row. `jitter` in `0.0..1.0` spreads retries.
    pub fn settle(&self, claimed: &std::sync::Arc<Claimed>, outcome: &Outcome, now: UnixMillis, jitter: f64) -> Settle {
        let was = &claimed.progress;
        let by_rcs = self.by(was) == Some(Channel::Rcs);
        let (progress, event) = match outcome {
            Outcome::NotReachable { status } => self.not_reachable(&claimed.route, was.clone(), *status, now),
            Outcome::Uncertain if by_rcs => self.rcs_lost(claimed.class, was.clone(), now),
            Outcome::Submitted { carrier_message_id } if by_rcs => {
                self.rcs_taken(claimed, carrier_message_id.clone(), now)
            }
            outcome => {
                let (progress, event) = self.after_outcome(claimed, outcome, now, jitter);
                (progress, event.map(|(kind, code)| event_of(was, kind, code, now)))
            }
        };
        Settle {
            claimed: claimed.clone(),
            progress,
            event,
        }
    }

    fn after_outcome(
        &self,
        claimed: &Claimed,
        outcome: &Outcome,
        now: UnixMillis,
        jitter: f64,
    ) -> (Progress, Option<(EventKind, Option<u32>)>) {
        let mut was = claimed.progress.clone();
        if *outcome != Outcome::NotWritten {
            was.flags = was.flags.without(Flag::Felled);
        }
        // A copy of which the carrier has taken nothing is still the one that was counted.
        if !claimed.answered.is_empty() || matches!(outcome, Outcome::Submitted { .. } | Outcome::Uncertain) {
            was.flags = was.flags.without(Flag::CopyDue);
        }
        match outcome {
            Outcome::Submitted { carrier_message_id } => {
                let settled = was.state == State::Uncertain;
                let progress = self.submitted(claimed, was, carrier_message_id.clone(), now);
                (progress, settled.then_some((EventKind::DoubtSettled, None)))
            }
            Outcome::NotWritten => (
                self.waiting(&claimed.route, was, now),
                Some((EventKind::Released, None)),
            ),
            Outcome::Throttled { .. } => (self.waiting(&claimed.route, was, now), None),
            Outcome::Retry { status } => self.retried(&claimed.route, was, *status, now, jitter),
            Outcome::NextStep { status } | Outcome::NotReachable { status } => self.next_step(
                &claimed.route,
                was,
                Some(*status),
                State::Failed,
                Reason::CarrierRefused,
                now,
            ),
            Outcome::Refused { status, reason } => {
                let progress = Progress {
                    code: Some(*status),
                    ..was
                };
                (progress.ended(State::Failed, Some(*reason), now), None)
            }
            Outcome::Unsendable => (was.ended(State::Quarantined, Some(Reason::Poison), now), None),
            Outcome::Uncertain => (self.uncertain(was, now), Some((EventKind::Doubted, None))),
        }
    }

    fn submitted(
        &self,
        claimed: &Claimed,
        was: Progress,
        carrier_message_id: Option<Box<str>>,
        now: UnixMillis,
    ) -> Progress {
        // What goes by RCS is awaited, wanted or not, where an SMS would follow.
        let falls_back = self.by(&was) == Some(Channel::Rcs) && self.step_after(&claimed.route, &was).is_some();
        let awaited = claimed.receipt || falls_back;
        let mut flags = was.flags;
        if carrier_message_id.is_none() && claimed.segments == 1 {
            flags = flags.with(Flag::NoCarrierId);
        }
        if claimed.taken_elsewhere {
            flags = flags.with(Flag::PossibleDuplicate);
        }
        Progress {
            state: State::Submitted,
            wake_at: awaited.then(|| self.receipt_due(&claimed.route, &was, now)),
            final_at: (!awaited).then_some(now),
            submitted_at: Some(now),
            carrier_message_id,
            flags,
            reason: None,
            code: None,
            ..was
        }
    }

    fn retried(
        &self,
        route: &Name,
        was: Progress,
        status: u32,
        now: UnixMillis,
        jitter: f64,
    ) -> (Progress, Option<(EventKind, Option<u32>)>) {
        let carrier = self.carrier(&was);
        let tries = was.tries.saturating_add(1);
        let was = Progress {
            tries,
            code: Some(status),
            ..was
        };
        if u32::from(tries) >= carrier.max_tries {
            return self.next_step(route, was, Some(status), State::Failed, Reason::RetriesOver, now);
        }
        let due = now.after(backoff(carrier.retry_min, carrier.retry_max, tries, jitter));
        let wake_at = Some(due.min(was.expires_at));
        (
            Progress {
                state: State::Scheduled,
                wake_at,
                ..was
            },
            Some((EventKind::Retried, Some(status))),
        )
    }

    /// Moves on to the next step of the plan, or ends where there is none.
    fn next_step(
        &self,
        route: &Name,
        was: Progress,
        code: Option<u32>,
        end: State,
        reason: Reason,
        now: UnixMillis,
    ) -> (Progress, Option<(EventKind, Option<u32>)>) {
        let was = Progress {
            code,
            carrier_message_id: None,
            ..was
        };
        match self.step_after(route, &was) {
            Some(step) if now < was.expires_at => (
                self.waiting(route, Progress { step, tries: 0, ..was }, now),
                Some((EventKind::NextStep, code)),
            ),
            _ => (was.ended(end, Some(reason), now), None),
        }
    }

    /// What becomes of a message of which another carrier has a part: it goes out whole as a copy that is counted first,
    /// or its outcome stays unknown where its class allows none.
    pub(super) fn as_copy(&self, claimed: &Claimed, now: UnixMillis) -> (Progress, Option<Event>) {
        let was = claimed.progress.clone();
        if was.copies >= claimed.class.copies_allowed() {
            return (was.ended(State::Failed, Some(Reason::OutcomeUnknown), now), None);
        }
        let event = event_of(&was, EventKind::Resent, None, now);
        let step = was.step;
        (self.waiting(&claimed.route, copy(was, step), now), Some(event))
    }

    /// How long a message in doubt, or one that its carrier has in part, is held.
    pub(super) fn hold(&self, progress: &Progress) -> Duration {
        self.carrier(progress).doubt_hold
    }

    fn uncertain(&self, was: Progress, now: UnixMillis) -> Progress {
        let hold = self.carrier(&was).doubt_hold;
        Progress {
            state: State::Uncertain,
            wake_at: Some(now.after(hold)),
            flags: was.flags.with(Flag::WasUncertain).without(Flag::CopyDue),
            ..was
        }
    }

    /// The next step by a channel that the message may go.
    fn step_after(&self, route: &Name, was: &Progress) -> Option<u8> {
        let (steps, channels) = (self.steps.get(route)?, was.flags.channels());
        let after = steps.iter().enumerate().skip(usize::from(was.step) + 1);
        let (step, _) = after.into_iter().find(|(_, step)| channels.allow(step.channel))?;
        u8::try_from(step).ok()
    }

    /// When the wait for the receipt of a message that was taken just now is over: that of its step, where another one
    /// follows, or the whole.
    fn receipt_due(&self, route: &Name, was: &Progress, now: UnixMillis) -> UnixMillis {
        let whole = was.expires_at.max(now).after(self.receipt_grace);
        let wait = self.step_wait(route, was);
        wait.map_or(whole, |wait| now.after(wait).min(whole))
    }

    /// How long a message waits in its step, where another one follows. A carrier of another step that has taken it in the
    /// place of those of its own has all the time.
    fn step_wait(&self, route: &Name, was: &Progress) -> Option<Duration> {
        let step = self.steps.get(route)?.get(usize::from(was.step))?;
        let is_own = self.by(was).is_none_or(|channel| channel == step.channel);
        step.wait.filter(|_| is_own && self.step_after(route, was).is_some())
    }

    fn step_channel(&self, route: &Name, step: u8) -> Channel {
        let steps = self.steps.get(route).map_or(&[][..], Vec::as_slice);
        steps.get(usize::from(step)).map_or(Channel::Sms, |step| step.channel)
    }

    fn carrier(&self, progress: &Progress) -> CarrierPolicy {
        let bind = progress.bind.as_ref();
        bind.and_then(|bind| self.carriers.get(&bind.carrier))
            .copied()
            .unwrap_or(self.former_carrier)
    }

    /// Due now, on its lane; on the first of its route where its own step is no more. Nobody would claim it from a
    /// route that is gone.
    fn waiting(&self, route: &Name, was: Progress, now: UnixMillis) -> Progress {
        match self.steps.get(route) {
            None => was.ended(State::Failed, Some(Reason::NoRoute), now),
            Some(steps) => Progress {
                state: State::Queued,
                step: if usize::from(was.step) < steps.len() {
                    was.step
                } else {
                    0
                },
                wake_at: Some(was.expires_at),
                ..was
            },
        }
    }

    /// The hold is over and nothing came: the class decides (DESIGN §3).
    fn doubt_over(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
        let was = row.progress.clone();
        let elsewhere = match row.class.after_doubt() {
            AfterDoubt::GiveUp => None,
            AfterDoubt::Resend => Some(was.step),
            AfterDoubt::ResendElsewhere => Some(self.step_after(&row.route, &was).unwrap_or(was.step)),
        };
        match elsewhere {
            Some(step) if was.copies < row.class.copies_allowed() && now < was.expires_at => {
                let event = event_of(&was, EventKind::Resent, None, now);
                (self.waiting(&row.route, copy(was, step), now), Some(event))
            }
            // It may be what brings us down.
            _ if was.flags.has(Flag::Felled) && was.attempt > 1 => {
                (was.ended(State::Quarantined, Some(Reason::Poison), now), None)
            }
            _ => (was.ended(State::Failed, Some(Reason::OutcomeUnknown), now), None),
        }
    }
}

impl Rules for Policy {
    fn after_receipt(
        &self,
        row: &Row,
        segments: &[SegmentRecord],
        receipt: &Receipt,
    ) -> Option<(Progress, Option<Event>)> {
        Some(match receipt.verdict {
            Verdict::Delivered => self.delivered(row, segments, receipt),
            Verdict::Undelivered(reason) => self.undelivered(row, receipt, reason),
            Verdict::Progress(word) => {
                let mut event = event_of(&row.progress, EventKind::Progress, receipt.code, receipt.at);
                event.note = Some(word.into());
                (row.progress.clone(), Some(event))
            }
        })
    }

    fn after_rcs(&self, row: &Row, report: &RcsReport, now: UnixMillis) -> Option<(Progress, Option<Event>)> {
        self.reported(row, report, now)
    }

    fn when_due(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
        if self.by(&row.progress) != Some(Channel::Sms)
            && let Some(moved) = self.rcs_due(row, now)
        {
            return moved;
        }
        let was = row.progress.clone();
        let over = |was: Progress| (was.ended(State::Expired, Some(Reason::ValidityOver), now), None);
        match was.state {
            State::Scheduled if was.expires_at <= now => over(was),
            State::Scheduled => (self.waiting(&row.route, was, now), None),
            State::Queued => over(was),
            State::Uncertain => self.doubt_over(row, now),
            State::Submitted if now < was.expires_at.after(self.receipt_grace) => self.step_over(row, now),
            State::Submitted => self.unreported(row, now),
            State::Claimed
            | State::Delivered
            | State::Undelivered
            | State::Failed
            | State::Expired
            | State::Canceled
            | State::Suppressed
            | State::Unconfirmed
            | State::Quarantined => (Progress { wake_at: None, ..was }, None),
        }
    }

    fn orphaned(&self, row: &Row, now: UnixMillis) -> (Progress, Option<Event>) {
        if self.by(&row.progress) == Some(Channel::Rcs) {
            return self.rcs_orphaned(row, now);
        }
        let event = event_of(&row.progress, EventKind::Doubted, None, now);
        let mut doubted = self.uncertain(row.progress.clone(), now);
        if doubted.attempt == 1 {
            doubted.flags = doubted.flags.with(Flag::Felled);
        }
        let hold = self.carrier(&row.progress).doubt_hold;
        let wake_at = doubted.wake_at.map(|at| at.after(turn(row.seq, hold)));
        (Progress { wake_at, ..doubted }, Some(event))
    }

    fn act(&self, row: &Row, act: Act, now: UnixMillis) -> Result<(Progress, Option<Event>), ActResult> {
        let was = row.progress.clone();
        match (act, was.state) {
            (Act::Cancel, State::Queued | State::Scheduled) => {
                Ok((was.ended(State::Canceled, Some(Reason::CanceledBySender), now), None))
            }
            (Act::Cancel, State::Canceled) => Ok((was, None)),
            (
                Act::Requeue,
                State::Failed | State::Expired | State::Undelivered | State::Unconfirmed | State::Quarantined,
            ) => {
                let mut event = event_of(&was, EventKind::Requeued, was.code, now);
                event.note = Some(how_it_ended(&was).into());
                // What was reported undelivered is on no handset.
                let may_be_there = was.submitted_at.is_some() && was.state != State::Undelivered;
                let mut flags = was.flags.without(Flag::CopyDue).without(Flag::Felled);
                if may_be_there {
                    flags = flags.with(Flag::PossibleDuplicate);
                }
                // A validity that is over would end it at once: the person asks for a new one.
                let expires_at = if was.expires_at > now {
                    was.expires_at
                } else {
                    now.after(row.class.default_validity())
                };
                // An id that an RCS platform knows is never shown again: what may have gone there goes another way now.
                let by_rcs = self.by(&was) == Some(Channel::Rcs);
                let step = self.step_after(&row.route, &was).filter(|_| by_rcs);
                let fresh = Progress {
                    step: step.unwrap_or(0),
                    tries: 0,
                    flags,
                    expires_at,
                    carrier_message_id: None,
                    submitted_at: None,
                    final_at: None,
                    done_at: None,
                    reason: None,
                    code: None,
                    ..was
                };
                Ok((self.waiting(&row.route, fresh, now), Some(event)))
            }
            (Act::Cancel | Act::Requeue, state) => Err(ActResult::Refused {
                state,
                since: was.final_at.or(was.submitted_at).or(was.claimed_at),
            }),
        }
    }

    fn hears(&self, client: &Name, kind: NoticeKind, callback: Option<&str>) -> Option<Endpoint> {
        self.hearing.endpoint(client, kind, callback)
    }

    fn opted_out(&self, row: &Row, said: &NewConsent, now: UnixMillis) -> Option<(Progress, Option<Event>)> {
        let was = &row.progress;
        if !self.gate.policy.stops(&recipient(row), said) {
            return None;
        }
        match was.state {
            State::Queued | State::Scheduled => {
                Some((was.clone().ended(State::Suppressed, Some(Reason::OptedOut), now), None))
            }
            _ => self.rcs_opted_out(row, now),
        }
    }

    fn owner_of(&self, address: &str) -> Option<Name> {
        self.hearing.owner_of(address)
    }
}

/// Who a row is for, as the gate asks.
pub(super) fn recipient(row: &Row) -> Recipient<'_> {
    Recipient {
        to: &row.to,
        client: &row.client,
        class: row.class,
        solicited_at: row.progress.flags.has(Flag::Solicited).then_some(row.accepted_at),
    }
}

/// The same of a row that is claimed.
pub(super) fn claimed_for(claimed: &Claimed) -> Recipient<'_> {
    Recipient {
        to: &claimed.to,
        client: &claimed.client,
        class: claimed.class,
        solicited_at: claimed
            .progress
            .flags
            .has(Flag::Solicited)
            .then_some(claimed.accepted_at),
    }
}

/// To be sent once more, in that step: counted from here on.
fn copy(was: Progress, step: u8) -> Progress {
    Progress {
        step,
        copies: was.copies + 1,
        flags: was.flags.with(Flag::PossibleDuplicate).with(Flag::CopyDue),
        ..was
    }
}

/// The state and the reason, which the row forgets when it is queued again.
fn how_it_ended(was: &Progress) -> String {
    match was.reason {
        Some(reason) => format!("{}, {}", was.state.as_str(), reason.as_str()),
        None => was.state.as_str().to_owned(),
    }
}

fn event_of(was: &Progress, kind: EventKind, code: Option<u32>, at: UnixMillis) -> Event {
    Event {
        at,
        kind,
        attempt: was.attempt,
        bind: was.bind.clone(),
        code,
        note: None,
    }
}

/// What a process that died had claimed is not all sent again at once: should it be one of these that makes the process
/// fall, it takes few of the others with it the second time. They come in turns, over as long as the hold.
fn turn(seq: Seq, hold: Duration) -> Duration {
    const TURNS: u32 = 24;
    let turn = u32::try_from(seq.rem_euclid(i64::from(TURNS))).unwrap_or(0);
    hold * turn / TURNS
}

/// Doubles from `min` to `max` with every try, less up to a fifth.
pub fn backoff(min: Duration, max: Duration, tries: u16, jitter: f64) -> Duration {
    let doublings = u32::from(tries.saturating_sub(1)).min(20);
    let whole = min.saturating_mul(1 << doublings).min(max);
    whole.mul_f64(1.0 - 0.2 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
