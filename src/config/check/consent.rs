//! `[consent]`, `[brand.ID]`, `[topic.ID]`, `[quiet_hours.CLASS]`.

use super::super::Config;
use super::Check;
use crate::command::normalise::fold;
use crate::consent::{Quiet, Words};
use crate::domain::Region;

/// Characters of an answer: two segments.
const LONGEST_TEXT: usize = 306;

impl Check<'_> {
    pub(super) fn consent(&mut self) {
        let config = self.config;
        for country in config.consent.exempt_in.keys() {
            if Region::parse(country).is_none() {
                let cause = format!("`{country}` is no country of ISO 3166-1 alpha-2");
                self.wrong(
                    &format!("consent.exempt_in.{country}"),
                    cause,
                    "write e.g. exempt_in.US = [\"otp\"]",
                );
            }
        }
        for prefix in config.consent.time_zones.keys() {
            if prefix.is_empty() || prefix.len() > 15 || !prefix.bytes().all(|c| c.is_ascii_digit()) {
                let cause = "is not the leading digits of numbers, country code first";
                self.wrong(
                    &format!("consent.time_zones.{prefix}"),
                    cause,
                    "write e.g. time_zones.1212 = \"America/New_York\"",
                );
            }
        }
        let texts = &config.consent.texts;
        for (name, texts) in [
            ("stop", &texts.stop),
            ("stop_topic", &texts.stop_topic),
            ("start", &texts.start),
            ("start_topic", &texts.start_topic),
            ("help", &texts.help),
        ] {
            for (locale, text) in texts {
                if text.trim().is_empty() || text.chars().count() > LONGEST_TEXT {
                    let cause = format!("must have 1 to {LONGEST_TEXT} characters");
                    self.wrong(
                        &format!("consent.texts.{name}.{locale}"),
                        cause,
                        "shorten it, or leave it out",
                    );
                }
            }
        }
        self.brands(config);
        self.topics(config);
        for (class, hours) in &config.quiet_hours {
            let key = format!("quiet_hours.{class}");
            if let Err(error) = Quiet::new(hours) {
                self.wrong(&format!("{key}.{}", error.key()), error.to_string(), error.cure());
            }
        }
    }

    fn brands(&mut self, config: &Config) {
        for (id, brand) in &config.brand {
            let key = format!("brand.{id}");
            if brand.clients.is_empty() {
                self.wrong(
                    &format!("{key}.clients"),
                    "is missing",
                    "write e.g. clients = [\"bank\", \"shop\"]",
                );
            }
            for (index, client) in brand.clients.iter().enumerate() {
                let at = format!("{key}.clients[{index}]");
                self.known_client(&at, client.as_str());
                let mut others = config.brand.iter().filter(|(other, _)| *other < id);
                if let Some((other, _)) = others.find(|(_, other)| other.clients.contains(client)) {
                    let other = format!("brand.{other}.clients");
                    let cause = format!("`{client}` is of {other} too, and has one brand");
                    self.disagrees(&at, &other, cause, "leave it in one of the two");
                }
            }
            if config.client.contains_key(id) && !brand.clients.contains(id) {
                let cause = "is called as a client that is not of it, which is a brand by that name itself";
                self.disagrees(&key, &format!("client.{id}"), cause, "choose another id");
            }
        }
    }

    fn topics(&mut self, config: &Config) {
        let words = Words::new([], []);
        for (id, topic) in &config.topic {
            let key = format!("topic.{id}");
            if topic.classes.is_empty() {
                self.wrong(
                    &format!("{key}.classes"),
                    "is missing",
                    "write e.g. classes = [\"marketing\"]",
                );
            }
            for (index, word) in topic.words.iter().enumerate() {
                let at = format!("{key}.words[{index}]");
                let folded = fold(word);
                if folded.is_empty() || folded.contains(' ') {
                    self.wrong(&at, "is not one word", "write a word alone, e.g. \"offers\"");
                } else if words.hear(word).is_some() {
                    let cause = format!("`{word}` is a consent word itself");
                    self.wrong(&at, cause, "choose another word");
                }
                let mut others = config.topic.iter().filter(|(other, _)| *other < id);
                if let Some((other, _)) = others.find(|(_, other)| other.words.iter().any(|it| fold(it) == folded)) {
                    let other = format!("topic.{other}.words");
                    let cause = format!("`{word}` names {other} too");
                    self.disagrees(&at, &other, cause, "leave it in one of the two");
                }
            }
        }
    }
}
