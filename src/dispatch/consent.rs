//! A consent word is obeyed and answered in the commit that stores its text. What waits for the pipeline: a long text,
//! a word that means something else beside a question, and HELP where the catalogue has a reply to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::accept::{Body, Client, Intake, Text, Wish, accept_answer};
use crate::carrier::InboundText;
use crate::command::Locale;
use crate::config::Config;
use crate::consent::{Ear, Heard, Reaction, Spoken, Word};
use crate::domain::{Class, Flag, Msisdn, Name, Source, UnixMillis};
use crate::inbound::Limits;
use crate::store::{Enqueue, NewConsent};

/// Hears consent words, and makes their answers.
pub struct ConsentStep {
    hearing: ArcSwap<Hearing>,
    intake: Arc<Intake>,
    /// In whose name is answered, by brand: the answer goes out from the address that was written to, which may be on no
    /// list of the client's.
    voices: BTreeMap<Name, Client>,
    /// The carriers of RCS.
    agents: BTreeSet<Name>,
    /// The last fence against a loop, the same for all that is answered by itself.
    limits: Arc<Limits>,
}

/// What is taken for a consent word beside a catalogue.
struct Hearing {
    ear: Ear,
    /// Whether the catalogue has a reply to HELP.
    catalogue_helps: bool,
}

/// What follows from a consent word.
pub struct Obeyed {
    /// The word.
    pub word: &'static str,
    /// What is to be noted.
    pub consents: Vec<NewConsent>,
    /// What is answered; `None` where nobody answers, or nobody is to be answered.
    pub answer: Option<Enqueue>,
}

impl ConsentStep {
    /// The step of a configuration; the intake knows who wants what.
    pub fn new(config: &Config, intake: Arc<Intake>, limits: Arc<Limits>) -> Self {
        let policy = &intake.gate.policy;
        let voice = |brand: &Name| {
            let client = policy.members(brand).first()?.clone();
            let mut voice = Client::new(&client, config.client.get(&client)?, &config.address);
            voice.senders.clear();
            Some((brand.clone(), voice))
        };
        Self {
            hearing: ArcSwap::from_pointee(Hearing::new(config)),
            voices: policy.brands().filter_map(voice).collect(),
            agents: config.rbm.keys().cloned().collect(),
            intake,
            limits,
        }
    }

    /// Goes on beside another catalogue.
    pub fn renew(&self, config: &Config) {
        self.hearing.store(Arc::new(Hearing::new(config)));
    }

    /// How a wish came that this carrier brought.
    pub fn source(&self, carrier: &Name) -> Source {
        if self.agents.contains(carrier) {
            Source::Rcs
        } else {
            Source::Sms
        }
    }

    /// What a text says of consent that is obeyed as it is stored, and what is answered. `None` where it is no consent
    /// word, or one that waits for the pipeline.
    pub fn react(&self, text: &InboundText, at: UnixMillis) -> Option<Obeyed> {
        let said = text.text.as_deref().filter(|_| text.segment.is_none())?;
        let heard = Heard {
            text: said,
            from: &text.source,
            to: &text.destination,
            at,
            // Whether one does, the store knows: the pipeline asks it.
            pending: true,
        };
        let reaction = self.hear(&heard)?;
        if reaction.spoken.word == Word::Help && self.hearing.load().catalogue_helps {
            return None;
        }
        let (from, to) = (&*text.source, &*text.destination);
        let obeyed = self.obey(reaction, from, to, at, self.has_room(from, to, at));
        self.note_answers(from, to, usize::from(obeyed.answer.is_some()), at);
        Some(obeyed)
    }

    /// What a text means for consent; `None` where it is no consent word.
    pub fn hear(&self, heard: &Heard<'_>) -> Option<Reaction> {
        self.hearing.load().ear.hear(&self.intake.gate.policy, heard)
    }

    /// What a wish means that was said in other words, of a topic by any word for it. Who names one that nobody knows
    /// means everything.
    pub fn understood(
        &self,
        (word, topic): (Word, Option<&str>),
        locale: Locale,
        number: &Msisdn,
        address: &str,
        at: UnixMillis,
    ) -> Reaction {
        let policy = &self.intake.gate.policy;
        let spoken = Spoken {
            word,
            topic: topic.and_then(|topic| policy.topic(topic)).cloned(),
            locale: Some(locale),
            soft: false,
        };
        self.hearing.load().ear.obey(policy, spoken, number, address, at)
    }

    /// Whether a number may be answered by itself once more from an address. Never one of our own addresses.
    pub fn has_room(&self, number: &str, address: &str, now: UnixMillis) -> bool {
        !self.intake.gate.policy.sends_from(number) && self.limits.has_room(number, address, now)
    }

    /// A number was answered by itself.
    pub fn note_answers(&self, number: &str, address: &str, answers: usize, now: UnixMillis) {
        self.limits.sent(number, address, answers, now);
    }

    /// From where every brand can be answered for: the default sender of the only one. `None` where there are several, or
    /// it has none.
    pub fn common_sender(&self) -> Option<String> {
        let mut voices = self.voices.values();
        let (Some(voice), None) = (voices.next(), voices.next()) else {
            return None;
        };
        voice.default_sender.as_ref().map(ToString::to_string)
    }

    /// What follows from a reaction to what `number` sent to `address` at a time.
    pub fn obey(&self, reaction: Reaction, number: &str, address: &str, at: UnixMillis, answered: bool) -> Obeyed {
        let word = word(&reaction);
        metrics::counter!("araldo_consent_words_total", "word" => word).increment(1);
        let answer = answered.then(|| self.answer(&reaction, number, address, at));
        Obeyed {
            word,
            consents: reaction.consents,
            answer: answer.flatten(),
        }
    }

    fn answer(&self, reaction: &Reaction, number: &str, address: &str, at: UnixMillis) -> Option<Enqueue> {
        let voice = self.voices.get(reaction.brand.as_ref()?)?;
        let number = Msisdn::written(number).ok()?;
        let wish = Wish {
            to: Some(Text(format!("+{}", number.digits()).into())),
            from: Some(Text(address.into())),
            class: Some(Text(Class::Reply.as_str().into())),
            ..Wish::default()
        };
        let body = Body {
            text: &reaction.answer,
            rich: None,
            max_segments: None,
            pointer: "/text",
        };
        match accept_answer(&self.intake, voice, &wish, body, at) {
            Ok(mut accepted) => {
                if reaction.spoken.word == Word::Stop {
                    accepted.flags = accepted.flags.with(Flag::Acknowledges);
                }
                Some(accepted.into_answer())
            }
            Err(faults) => {
                let codes: Vec<_> = faults.iter().map(|fault| fault.code.word()).collect();
                tracing::warn!(event = "consent_not_answered", ?codes);
                None
            }
        }
    }
}

impl Hearing {
    fn new(config: &Config) -> Self {
        Self {
            ear: Ear::new(config),
            catalogue_helps: config.command.values().any(|command| command.replies_to_help()),
        }
    }
}

fn word(reaction: &Reaction) -> &'static str {
    match reaction.spoken.word {
        Word::Stop => "stop",
        Word::Start => "start",
        Word::Help => "help",
    }
}
