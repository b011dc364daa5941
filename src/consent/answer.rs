//! What a consent word means: what is to be noted, and what is answered.

use std::collections::BTreeMap;

use super::quiet::country;
use super::{Policy, Spoken, Word, Words};
use crate::command::Locale;
use crate::config::{Config, ConsentTexts};
use crate::domain::{Msisdn, Name, Source, UnixMillis, Will};
use crate::store::NewConsent;

/// Hears consent words in what comes in.
#[derive(Debug)]
pub struct Ear {
    words: Words,
    texts: ConsentTexts,
    locale: Locale,
}

/// A text from a handset.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// What it says, whole.
    pub text: &'a str,
    /// The sender's address.
    pub from: &'a str,
    /// Our address.
    pub to: &'a str,
    /// When it came.
    pub at: UnixMillis,
    /// Whether a question waits for its sender's answer: words that then mean something else are let be.
    pub pending: bool,
}

/// What is to be done about a consent word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// What was heard.
    pub spoken: Spoken,
    /// What is to be noted, of each brand that sends from the address.
    pub consents: Vec<NewConsent>,
    /// The language of the answer.
    pub locale: Locale,
    /// What is answered.
    pub answer: String,
    /// The brand that answers: the first that sends from the address. `None`: nobody does.
    pub brand: Option<Name>,
}

impl Ear {
    /// An ear for the configured topics; the commands' keywords are never a slip of a consent word.
    pub fn new(config: &Config) -> Self {
        let topics = config.topics();
        let topics = topics.iter().map(|(id, topic)| (id, topic.words.as_slice()));
        let commands = config.command.values().filter(|command| command.consent.is_none());
        let keywords = commands.flat_map(|command| command.keywords.values().flatten().map(String::as_str));
        Self {
            words: Words::new(topics, keywords),
            texts: config.consent.texts.clone(),
            locale: config.consent.locale,
        }
    }

    /// The words.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// What a text from a handset means for consent; `None` where it is no consent word, or its sender no number.
    pub fn hear(&self, policy: &Policy, heard: &Heard<'_>) -> Option<Reaction> {
        let spoken = self.words.hear(heard.text)?;
        if heard.pending && spoken.soft {
            return None;
        }
        let number = Msisdn::written(heard.from).ok()?;
        Some(self.obey(policy, spoken, &number, heard.to, heard.at))
    }

    /// What a wish means that was understood however it was said.
    pub fn obey(&self, policy: &Policy, spoken: Spoken, number: &Msisdn, address: &str, at: UnixMillis) -> Reaction {
        let brands = policy.brands_at(address);
        let will = match spoken.word {
            Word::Stop => Some(Will::OptedOut),
            Word::Start => Some(Will::OptedIn),
            Word::Help => None,
        };
        let consents = brands.iter().filter_map(|brand| {
            Some(NewConsent {
                msisdn: number.digits().into(),
                brand: brand.clone(),
                topic: spoken.topic.clone(),
                will: will?,
                source: Source::Sms,
                at,
                note: None,
                told: policy.members(brand),
            })
        });
        let locale = spoken
            .locale
            .or_else(|| spoken_in(country(number.digits())?))
            .unwrap_or(self.locale);
        let brand = policy.sends_from(address).then(|| brands.first().cloned()).flatten();
        Reaction {
            consents: consents.collect(),
            answer: self.answer(policy, &spoken, brand.as_ref(), locale),
            locale,
            brand,
            spoken,
        }
    }

    fn answer(&self, policy: &Policy, spoken: &Spoken, brand: Option<&Name>, locale: Locale) -> String {
        let topic = spoken.topic.as_ref();
        let (own, built_in) = match spoken.word {
            Word::Stop if topic.is_some() => (&self.texts.stop_topic, stop_topic as fn(Locale) -> &'static str),
            Word::Stop => (&self.texts.stop, stop as fn(Locale) -> &'static str),
            Word::Start if topic.is_some() => (&self.texts.start_topic, start_topic as fn(Locale) -> &'static str),
            Word::Start => (&self.texts.start, start as fn(Locale) -> &'static str),
            Word::Help => (&self.texts.help, help as fn(Locale) -> &'static str),
        };
        let text = chosen(own, locale, self.locale).unwrap_or_else(|| built_in(locale));
        let title = brand.map_or("", |brand| policy.title(brand));
        let topic = topic.map_or("", |topic| policy.topic_title(topic));
        text.replace("{brand}", title).replace("{topic}", topic)
    }
}

/// The operator's text in the language, or in the default one.
fn chosen(own: &BTreeMap<Locale, String>, locale: Locale, default: Locale) -> Option<&str> {
    own.get(&locale).or_else(|| own.get(&default)).map(String::as_str)
}

/// The language of a country's numbers, where it has one of ours.
pub fn spoken_in(country: &str) -> Option<Locale> {
    Some(match country {
        "IT" | "SM" | "VA" => Locale::It,
        "GB" | "IE" | "US" | "AU" | "NZ" | "CA" | "ZA" | "IN" | "MT" | "NG" | "GH" | "KE" | "JM" => Locale::En,
        "FR" | "MC" | "SN" | "CI" | "RE" | "GP" | "MQ" => Locale::Fr,
        "DE" | "AT" | "LI" => Locale::De,
        "ES" | "AR" | "MX" | "CO" | "CL" | "PE" | "VE" | "EC" | "UY" | "PY" | "BO" | "CR" | "GT" | "HN" | "SV"
        | "NI" | "PA" | "DO" | "CU" | "PR" => Locale::Es,
        "PT" | "BR" | "AO" | "MZ" | "CV" => Locale::Pt,
        _ => return None,
    })
}

const fn stop(locale: Locale) -> &'static str {
    match locale {
        Locale::It => {
            "{brand}: non riceverai più messaggi da noi, salvo codici e avvisi di sicurezza. Per riceverli ancora: START."
        }
        Locale::En => {
            "{brand}: you will get no more messages from us, except codes and security alerts. To get them again: START."
        }
        Locale::Fr => {
            "{brand} : vous ne recevrez plus nos messages, sauf codes et alertes de sécurité. Pour les recevoir : START."
        }
        Locale::De => {
            "{brand}: Sie erhalten keine Nachrichten mehr von uns, ausser Codes und Sicherheitshinweisen. Wieder erhalten: START."
        }
        Locale::Es => {
            "{brand}: no recibirá más mensajes nuestros, salvo códigos y avisos de seguridad. Para recibirlos: START."
        }
        Locale::Pt => {
            "{brand}: não receberá mais mensagens nossas, exceto códigos e alertas de segurança. Para as receber: START."
        }
    }
}

const fn stop_topic(locale: Locale) -> &'static str {
    match locale {
        Locale::It => "{brand}: non riceverai più messaggi di tipo \"{topic}\". Per riceverli ancora: START {topic}.",
        Locale::En => "{brand}: you will get no more \"{topic}\" messages. To get them again: START {topic}.",
        Locale::Fr => "{brand} : vous ne recevrez plus de messages \"{topic}\". Pour les recevoir : START {topic}.",
        Locale::De => "{brand}: Sie erhalten keine \"{topic}\"-Nachrichten mehr. Wieder erhalten: START {topic}.",
        Locale::Es => "{brand}: no recibirá más mensajes \"{topic}\". Para recibirlos: START {topic}.",
        Locale::Pt => "{brand}: não receberá mais mensagens \"{topic}\". Para as receber: START {topic}.",
    }
}

const fn start(locale: Locale) -> &'static str {
    match locale {
        Locale::It => "{brand}: riceverai di nuovo i nostri messaggi. Per smettere: STOP.",
        Locale::En => "{brand}: you will get our messages again. To stop: STOP.",
        Locale::Fr => "{brand} : vous recevrez de nouveau nos messages. Pour arrêter : STOP.",
        Locale::De => "{brand}: Sie erhalten unsere Nachrichten wieder. Zum Beenden: STOP.",
        Locale::Es => "{brand}: volverá a recibir nuestros mensajes. Para dejar de recibirlos: STOP.",
        Locale::Pt => "{brand}: voltará a receber as nossas mensagens. Para parar: STOP.",
    }
}

const fn start_topic(locale: Locale) -> &'static str {
    match locale {
        Locale::It => "{brand}: riceverai di nuovo i messaggi di tipo \"{topic}\". Per smettere: STOP {topic}.",
        Locale::En => "{brand}: you will get \"{topic}\" messages again. To stop: STOP {topic}.",
        Locale::Fr => "{brand} : vous recevrez de nouveau les messages \"{topic}\". Pour arrêter : STOP {topic}.",
        Locale::De => "{brand}: Sie erhalten wieder \"{topic}\"-Nachrichten. Zum Beenden: STOP {topic}.",
        Locale::Es => "{brand}: volverá a recibir mensajes \"{topic}\". Para dejar de recibirlos: STOP {topic}.",
        Locale::Pt => "{brand}: voltará a receber mensagens \"{topic}\". Para parar: STOP {topic}.",
    }
}

const fn help(locale: Locale) -> &'static str {
    match locale {
        Locale::It => {
            "{brand}: questo numero invia messaggi di servizio. Per non riceverne più rispondi STOP, per riceverli START."
        }
        Locale::En => {
            "{brand}: this number sends service messages. Reply STOP to get no more of them, START to get them."
        }
        Locale::Fr => {
            "{brand} : ce numéro envoie des messages de service. Répondez STOP pour ne plus en recevoir, START pour les recevoir."
        }
        Locale::De => {
            "{brand}: Diese Nummer sendet Servicenachrichten. Antworten Sie STOP, um keine mehr zu erhalten, START für Empfang."
        }
        Locale::Es => {
            "{brand}: este número envía mensajes de servicio. Responda STOP para no recibirlos, START para recibirlos."
        }
        Locale::Pt => {
            "{brand}: este número envia mensagens de serviço. Responda STOP para não as receber, START para as receber."
        }
    }
}

#[cfg(test)]
#[path = "answer/tests.rs"]
mod tests;
