//! A consent word is obeyed in the commit that stores its text, and answered from there.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::accept::{Client, Intake, Text, Wish, accept_answer};
use crate::carrier::InboundText;
use crate::config::Config;
use crate::consent::{Ear, Heard, Reaction};
use crate::domain::{Class, Flags, Name, UnixMillis};
use crate::store::{Birth, Enqueue, NewConsent};

/// Hears consent words, and makes their answers.
pub struct ConsentStep {
    ear: Ear,
    intake: Arc<Intake>,
    /// In whose name is answered, by brand: the answer goes out from the address that was written to, which may be on no
    /// list of the client's.
    voices: BTreeMap<Name, Client>,
}

impl ConsentStep {
    /// The step of a configuration; the intake knows who wants what.
    pub fn new(config: &Config, intake: Arc<Intake>) -> Self {
        let policy = &intake.gate.policy;
        let voice = |brand: &Name| {
            let client = policy.members(brand).first()?.clone();
            let mut voice = Client::new(&client, config.client.get(&client)?, &config.address);
            voice.senders.clear();
            Some((brand.clone(), voice))
        };
        Self {
            ear: Ear::new(config),
            voices: policy.brands().filter_map(voice).collect(),
            intake,
        }
    }

    /// What a text says of consent, and what is answered; nothing where it is no consent word.
    pub fn react(&self, text: &InboundText, at: UnixMillis) -> (Vec<NewConsent>, Vec<Enqueue>) {
        let said = text.text.as_deref().filter(|_| text.segment.is_none());
        let heard = said.and_then(|said| {
            let heard = Heard {
                text: said,
                from: &text.source,
                to: &text.destination,
                at,
                pending: false,
            };
            self.ear.hear(&self.intake.gate.policy, &heard)
        });
        let Some(reaction) = heard else {
            return (Vec::new(), Vec::new());
        };
        metrics::counter!("araldo_consent_words_total", "word" => word(&reaction)).increment(1);
        let answer = self.answer(&reaction, text, at);
        (reaction.consents, answer.into_iter().collect())
    }

    fn answer(&self, reaction: &Reaction, text: &InboundText, at: UnixMillis) -> Option<Enqueue> {
        let voice = self.voices.get(reaction.brand.as_ref()?)?;
        let wish = Wish {
            to: Some(Text((&*text.source).into())),
            from: Some(Text((&*text.destination).into())),
            text: Some(Text(reaction.answer.as_str().into())),
            class: Some(Text(Class::Reply.as_str().into())),
            ..Wish::default()
        };
        match accept_answer(&self.intake, voice, &wish, at) {
            Ok(accepted) => {
                let birth = (accepted.flags != Flags::default() || accepted.ended.is_some()).then(|| {
                    Box::new(Birth {
                        event: None,
                        failed: accepted.ended,
                        flags: accepted.flags,
                    })
                });
                Some(Enqueue {
                    birth,
                    ..Enqueue::new(accepted.message)
                })
            }
            Err(faults) => {
                let codes: Vec<_> = faults.iter().map(|fault| fault.code.word()).collect();
                tracing::warn!(event = "consent_not_answered", ?codes);
                None
            }
        }
    }
}

fn word(reaction: &Reaction) -> &'static str {
    use crate::consent::Word;
    match reaction.spoken.word {
        Word::Stop => "stop",
        Word::Start => "start",
        Word::Help => "help",
    }
}
