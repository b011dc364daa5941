//! What a carrier brings: receipts meet their messages, texts are stored, and only then is the carrier answered.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::{join_all, join3};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use metrics::{Counter, counter};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::coop::unconstrained;

use super::consent::ConsentStep;
use super::status::{CarrierState, count};
use crate::carrier::{AnswerSlot, Inbound, InboundReceipt, InboundText, Verdict as Answer};
use crate::clock::{self, Clock};
use crate::dialogue;
use crate::domain::{BindRef, Name, UnixMillis};
use crate::inbound::redact;
use crate::outbox::Outbox;
use crate::receipt::{Correlator, Transform, verdict};
use crate::store::{BadPdu, Loss, NewInbound, Receipt, ReceiptResult};

/// Taken from the queue at once, for one commit.
const AT_ONCE: usize = 256;
/// So many times may be under way: what is committed, and what comes meanwhile.
const BATCHES: usize = 4;

/// The way inward of one bind.
pub(super) struct Pump {
    pub(super) bind: BindRef,
    /// The address and port of the carrier's end.
    pub(super) peer: Box<str>,
    pub(super) outbox: Outbox,
    pub(super) clock: Clock,
    pub(super) state: Arc<CarrierState>,
    pub(super) correlator: Arc<Mutex<Correlator>>,
    pub(super) counters: Counters,
    pub(super) consent: Arc<ConsentStep>,
}

/// What is counted of the way inward.
pub(super) struct Counters {
    receipts: Counter,
    repeated: Counter,
    unmatched: Counter,
    texts: Counter,
}

impl Counters {
    pub(super) fn of(carrier: &Name) -> Self {
        let of_carrier = |metric: &'static str| counter!(metric, "carrier" => carrier.as_str().to_owned());
        Self {
            receipts: of_carrier("araldo_receipts_total"),
            repeated: of_carrier("araldo_receipts_repeated_total"),
            unmatched: of_carrier("araldo_receipts_unmatched_total"),
            texts: of_carrier("araldo_inbound_messages_total"),
        }
    }
}

/// A receipt on its way to the store, and the transforms behind its candidates.
struct Asked {
    receipt: Receipt,
    transforms: Vec<Transform>,
    slot: AnswerSlot,
}

impl Pump {
    /// Works until the link is gone and what it brought is answered. While some of it is committed, more is taken, so
    /// that it is there for the next commit.
    pub(super) async fn run(self, mut inbound: mpsc::Receiver<Inbound>) {
        let mut items = Vec::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                Some(()) = under_way.next() => {}
                taken = inbound.recv_many(&mut items, AT_ONCE), if under_way.len() < BATCHES => {
                    if taken == 0 {
                        break;
                    }
                    // All of it is handed over at once: what is put off would come in another order.
                    under_way.push(unconstrained(self.take(std::mem::take(&mut items))));
                }
            }
        }
        while under_way.next().await.is_some() {}
    }

    /// Commits what has come, and answers it.
    async fn take(&self, items: Vec<Inbound>) {
        let mut receipts = Vec::new();
        let mut texts = Vec::new();
        let mut bad = Vec::new();
        for item in items {
            match item {
                Inbound::Receipt(receipt, slot) => receipts.extend(self.asked(&receipt, slot)),
                Inbound::Text(text, slot) => texts.push((text, slot)),
                Inbound::Unreadable {
                    reason,
                    status,
                    octets,
                    slot,
                } => {
                    let pdu = BadPdu {
                        at: self.clock.now(),
                        bind: self.bind.clone(),
                        peer: self.peer.clone(),
                        reason: reason.into(),
                        status,
                        octets,
                    };
                    bad.push((pdu, slot));
                }
            }
        }
        let texts = join_all(texts.into_iter().map(|(text, slot)| self.store_text(text, slot)));
        let bad = join_all(bad.into_iter().map(|(pdu, slot)| self.keep_bad(pdu, slot)));
        join3(self.match_receipts(receipts), texts, bad).await;
    }

    /// What to ask the store; `None` for a receipt that was handled already, which is answered at once.
    fn asked(&self, brought: &InboundReceipt, slot: AnswerSlot) -> Option<Asked> {
        let verdict = verdict(brought.state, brought.error);
        let correlator = self.correlator.lock().unwrap_or_else(PoisonError::into_inner);
        self.counters.receipts.increment(1);
        count(&self.state.counts.receipts);
        if correlator.is_repeated(&brought.carrier_message_id, &brought.source, verdict) {
            self.counters.repeated.increment(1);
            slot.answer(Answer::Taken);
            return None;
        }
        let (transforms, candidates) = correlator.candidates(&brought.carrier_message_id).into_iter().unzip();
        let receipt = Receipt {
            carrier: self.bind.carrier.clone(),
            carrier_message_id: brought.carrier_message_id.clone(),
            candidates,
            destination: brought.source.clone(),
            reference: brought.reference,
            verdict,
            code: brought.error,
            done_at: brought.done_at,
            at: self.clock.now(),
        };
        Some(Asked {
            receipt,
            transforms,
            slot,
        })
    }

    async fn match_receipts(&self, asked: Vec<Asked>) {
        if asked.is_empty() {
            return;
        }
        let receipts = asked.iter().map(|asked| asked.receipt.clone()).collect();
        let results = match self.outbox.receipts(receipts).await {
            Ok(results) => results,
            Err(error) => {
                tracing::warn!(event = "receipts_not_stored", bind = %self.bind, %error);
                // Dropped slots answer busy: the carrier brings them again.
                return;
            }
        };
        for (asked, result) in asked.into_iter().zip(results) {
            let receipt = &asked.receipt;
            {
                let mut correlator = self.correlator.lock().unwrap_or_else(PoisonError::into_inner);
                correlator.learn(&asked.transforms, result);
                if result != ReceiptResult::Parked {
                    correlator.remember(&receipt.carrier_message_id, &receipt.destination, receipt.verdict);
                }
            }
            if result == ReceiptResult::Parked {
                self.counters.unmatched.increment(1);
            }
            asked.slot.answer(Answer::Taken);
        }
    }

    async fn store_text(&self, text: InboundText, slot: AnswerSlot) {
        self.counters.texts.increment(1);
        count(&self.state.counts.inbound);
        let text = new_inbound(text, &self.bind, self.clock.now(), self.state.losses(), &self.consent);
        match self.outbox.inbound(text).await {
            Ok(_) => slot.answer(Answer::Taken),
            Err(error) => tracing::warn!(event = "text_not_stored", bind = %self.bind, %error),
        }
    }

    async fn keep_bad(&self, pdu: BadPdu, slot: Option<AnswerSlot>) {
        match (self.outbox.quarantine(pdu).await, slot) {
            (Ok(()), Some(slot)) => slot.answer(Answer::Taken),
            (Ok(()), None) => {}
            // A dropped slot answers busy: the carrier brings it again.
            (Err(error), _) => tracing::warn!(event = "bad_pdu_not_kept", bind = %self.bind, %error),
        }
    }
}

/// A text as it is stored: without secrets, and with what follows at once from a consent word.
pub(super) fn new_inbound(
    text: InboundText,
    bind: &BindRef,
    at: UnixMillis,
    losses: Vec<Loss>,
    consent: &ConsentStep,
) -> NewInbound {
    let digest = digest(&text);
    let (text, code) = without_secrets(text);
    let obeyed = consent.react(&text, at);
    let handled = obeyed.as_ref().map(|obeyed| obeyed.word);
    let (consents, answer) = obeyed.map_or_else(Default::default, |obeyed| (obeyed.consents, obeyed.answer));
    NewInbound {
        id: clock::inbound_id(at),
        bind: bind.clone(),
        from: text.source,
        to: text.destination,
        data_coding: text.data_coding,
        esm_class: text.esm_class,
        octets: text.octets,
        text: text.text,
        code,
        lossy: text.lossy,
        segment: text.segment,
        carrier_message_id: text.carrier_message_id,
        digest,
        losses,
        at,
        note: text.note,
        handled,
        consents,
        answers: answer.into_iter().collect(),
    }
}

/// The text without a PIN that somebody has written, which is not kept; nor are its octets then. With it, what was taken
/// out where that may be the answer to a code of ours, since people call that their PIN too.
fn without_secrets(mut text: InboundText) -> (InboundText, Option<Box<str>>) {
    let Some((said, Cow::Owned(redacted))) = text.text.as_deref().map(|said| (said, redact(said))) else {
        return (text, None);
    };
    let code = dialogue::digits(said).filter(|digits| digits.len() == dialogue::CODE_DIGITS);
    text.text = Some(redacted.into());
    text.octets = Bytes::new();
    text.note = Some("a secret was taken out".into());
    (text, code.map(Into::into))
}

/// What makes two texts the same to the octet.
fn digest(text: &InboundText) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in [
        text.source.as_bytes(),
        text.destination.as_bytes(),
        &[text.data_coding, text.esm_class],
        &text.octets,
    ] {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}
