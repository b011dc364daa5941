//! Messages handed in: each has an id, a fate, its place in the phone, its receipts.

use std::sync::Arc;
use std::time::Instant;

use araldo_smpp::{Address, COctet, CommandStatus, MessageState};
use araldo_sms::UserData;

use super::Centre;
use crate::domain::UnixMillis;
use crate::simulator::config::{ReceiptConfig, ReceiptForm};
use crate::simulator::event::SimulatorEvent;
use crate::simulator::receipt::{self, Fate, Receipt};
use crate::simulator::submission::Submission;

/// What became of a message handed in.
#[derive(Debug)]
pub(in crate::simulator) enum Taken {
    Refused(CommandStatus),
    As {
        id: COctet,
        /// Receipts with the time they are due, but for the one that leaves before the response.
        receipts: Vec<(Instant, Receipt)>,
        early: Option<Receipt>,
    },
}

impl Centre {
    /// Takes a message: an id, a fate, its place in the phone, its receipts.
    pub(in crate::simulator) fn take(
        &self,
        submission: &Submission<'_>,
        system_id: &Arc<str>,
        unanswered: usize,
        now: Instant,
    ) -> Taken {
        let at = self.now();
        let mut guard = self.state();
        let state = &mut *guard;
        let crowded = self
            .config
            .submit_window
            .is_some_and(|window| unanswered >= usize::from(window));
        if crowded || state.pace.as_mut().is_some_and(|pace| !pace.take(now)) {
            state.stats.throttled += 1;
            return Taken::Refused(CommandStatus::ESME_RTHROTTLED);
        }
        state.stats.accepted += 1;
        let number = state.next_id;
        state.next_id += 1;
        // The message is on its way once it is answered.
        let (start, delay) = (now + self.config.response_delay, self.config.response_delay);
        let fate = receipt::fate(&state.receipts, &mut state.rng, submission, start, at.after(delay));
        state.remember(fate);
        let wanted = receipt::wanted(&state.receipts, &mut state.rng, submission, &fate);
        let (mut receipts, mut early) = (Vec::new(), None);
        if wanted.receipt {
            let last = self.receipt(&state.receipts, submission, number, &fate, at);
            if wanted.intermediate {
                let halfway = now + fate.due.saturating_duration_since(now) / 2;
                receipts.push((halfway, last.enroute(at)));
            }
            if wanted.twice {
                receipts.push((fate.due, last.clone()));
            }
            if wanted.before_response {
                early = Some(last);
            } else {
                receipts.push((fate.due, last));
            }
        }
        if state.phones.remember()
            && let Some(kept) = state.phones.take(submission, number, system_id, at)
            && self.is_watched()
        {
            let kept = kept.clone();
            let fates = kept.numbers.iter().filter_map(|number| state.fate(*number));
            // A message that will not be delivered never shows on its phone.
            if fates.into_iter().all(|fate| fate.state == MessageState::DELIVERED) {
                let message = self.view(state, &kept, now);
                self.tell(SimulatorEvent::Message(message));
            }
        }
        Taken::As {
            id: self.config.id_form.in_response(number).into(),
            receipts,
            early,
        }
    }

    fn receipt(
        &self,
        config: &ReceiptConfig,
        submission: &Submission<'_>,
        number: u64,
        fate: &Fate,
        submitted: UnixMillis,
    ) -> Receipt {
        let preview = if config.form == ReceiptForm::Tlv {
            Box::default()
        } else {
            let (coding, udhi) = (submission.data_coding.0, submission.esm_class.has_udhi());
            let read = UserData::decode(coding, udhi, &submission.octets, self.config.default_alphabet);
            receipt::preview(read.text().unwrap_or_default())
        };
        Receipt {
            number,
            phone: detached(submission.destination),
            sender: detached(submission.source),
            state: fate.state,
            error: fate.error,
            submitted,
            done: fate.at,
            preview,
            reference: submission
                .tlvs
                .user_message_reference()
                .filter(|_| config.echo_reference),
            form: config.form,
            id_form: self.config.id_form,
        }
    }
}

/// A copy that does not keep the frame alive.
fn detached(address: &Address) -> Address {
    Address {
        addr: address.addr.detached(),
        ..*address
    }
}
