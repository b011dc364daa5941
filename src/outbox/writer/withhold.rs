//! What is not to be sent, or not now: asked when a message is stored, and again when it is claimed.

use std::sync::Arc;
use std::time::Duration;

use super::{Waiting, Writer};
use crate::consent::{Gate, Recipient};
use crate::domain::{Flag, NewMessage, Reason, State, UnixMillis};
use crate::outbox::policy::claimed_for;
use crate::store::{
    Applied, Batch, Birth, Claimed, ConsentQuery, Enqueue, InboundResult, NewConsent, Progress, Settle, Store,
    StoreError,
};

/// How long a message waits for a carrier of its own channel before it is offered again.
const OTHER_CHANNEL: Duration = Duration::from_secs(10);
/// People read at once at the start.
const PAGE: u32 = 10_000;

/// Reads who wants no messages.
pub(super) async fn learn(store: &dyn Store, gate: &Gate) -> Result<(), StoreError> {
    let mut query = ConsentQuery {
        limit: PAGE,
        ..ConsentQuery::default()
    };
    loop {
        let page = store.consents(&query).await?;
        gate.load(&page.rows);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(()),
        }
    }
}

impl Writer {
    /// New messages that their recipients do not want end as they are stored, those too whose recipient says so in this
    /// very batch.
    pub(super) fn withhold(&self, batch: &mut Batch) {
        let gate = &self.policy.gate;
        let Batch {
            consents,
            inbound,
            enqueue,
            groups,
            turns,
            ..
        } = batch;
        let told: Vec<NewConsent> = turns.iter().flat_map(|turn| turn.consents.clone()).collect();
        let said: Vec<&NewConsent> = consents
            .iter()
            .chain(inbound.iter().flat_map(|text| &text.consents))
            .chain(&told)
            .collect();
        if said.is_empty() && gate.is_open() {
            return;
        }
        let members = groups.iter_mut().flat_map(|group| &mut group.members);
        let answers = turns.iter_mut().flat_map(|turn| &mut turn.messages);
        for item in enqueue.iter_mut().chain(members).chain(answers) {
            let recipient = recipient(item);
            let withheld = gate.withholds(&recipient) || said.iter().any(|said| gate.policy.stops(&recipient, said));
            if withheld && !item.fails() {
                let birth = item.birth.get_or_insert_with(Box::<Birth>::default);
                birth.failed = Some(Reason::OptedOut);
            }
        }
    }

    /// Answers that were stored with the texts that they answer wait in their lanes.
    pub(super) fn count_answers(&mut self, batch: &Batch, applied: &Applied) {
        for (text, result) in batch.inbound.iter().zip(&applied.inbound) {
            if matches!(result, InboundResult::Repeated) {
                continue;
            }
            for item in text.answers.iter().filter(|item| !item.fails()) {
                let NewMessage {
                    lane, class, segments, ..
                } = &item.message;
                if item.message.not_before.is_none_or(|at| at <= batch.now) {
                    self.board.add(lane, class.priority(), u64::from(*segments));
                }
            }
        }
    }

    /// What becomes of a claimed row that is not to be sent now, or not by the carrier that has claimed it in the place of
    /// one that is down.
    pub(super) fn held_back(&self, claimed: &Arc<Claimed>, now: UnixMillis) -> Option<Settle> {
        let gate = &self.policy.gate;
        let was = &claimed.progress;
        let by = self.policy.by(was);
        let (progress, event) = if gate.withholds(&claimed_for(claimed)) {
            (was.clone().ended(State::Suppressed, Some(Reason::OptedOut), now), None)
        } else if self.uncertified.withholds(claimed) {
            (was.clone().ended(State::Failed, Some(Reason::NotCertified), now), None)
        } else if by.is_some_and(|channel| !was.flags.channels().allow(channel)) {
            let later = Progress {
                state: State::Scheduled,
                wake_at: Some(now.after(OTHER_CHANNEL).min(was.expires_at)),
                ..was.clone()
            };
            (later, None)
        } else if let Some(end) = gate.quiet.until(claimed.class, &claimed.to, now) {
            let later = Progress {
                state: State::Scheduled,
                wake_at: Some(end.min(was.expires_at)),
                ..was.clone()
            };
            (later, None)
        } else if claimed.is_uncounted_copy() {
            self.policy.as_copy(claimed, now)
        } else {
            return None;
        };
        Some(Settle {
            claimed: claimed.clone(),
            progress,
            event,
        })
    }

    /// Settles what was held back. No bind has given it a place.
    pub(super) fn settle_withheld(&mut self, batch: &mut Batch, waiting: &mut Waiting) {
        for settle in self.withheld.drain(..) {
            batch.settle.push(settle);
            waiting.frees_place.push(false);
        }
    }
}

fn recipient(item: &Enqueue) -> Recipient<'_> {
    let NewMessage {
        to,
        client,
        class,
        accepted_at,
        ..
    } = &item.message;
    let solicited = item
        .birth
        .as_ref()
        .is_some_and(|birth| birth.flags.has(Flag::Solicited));
    Recipient {
        to: to.digits(),
        client,
        class: *class,
        solicited_at: solicited.then_some(*accepted_at),
    }
}
