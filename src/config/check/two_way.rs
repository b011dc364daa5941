//! `[two_way]`, and whether somebody answers.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Check, secs};
use crate::command::Locale;
use crate::command::catalogue::Localised;
use crate::dialogue;
use crate::domain::{Region, bare};

impl Check<'_> {
    pub(super) fn two_way(&mut self) {
        let settings = &self.config.two_way;
        let range = secs(10)..=Duration::from_hours(1);
        self.span("two_way.reassembly_timeout", settings.reassembly_timeout, range);
        self.within("two_way.max_calls", settings.max_calls, 1..=1_000);
        self.within("two_way.max_numbers", settings.max_numbers, 1_000..=10_000_000);
        if Region::parse(&settings.country).is_none() {
            let cause = format!("`{}` is no country of ISO 3166-1 alpha-2", settings.country);
            self.wrong("two_way.country", cause, "write e.g. country = \"IT\"");
        }
        let known = dialogue::shipped();
        for key in settings.words.keys().filter(|key| !known.contains_key(*key)) {
            let keys: Vec<&str> = known.keys().map(String::as_str).collect();
            let cure = match crate::accept::nearest(key, &keys) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", keys.join(", ")),
            };
            let key = format!("two_way.words.{key}");
            self.wrong(&key, "is nothing that Araldo says", cure);
        }
        let codes = settings.words.get("verification").into_iter().flatten();
        for (locale, _) in codes.filter(|(_, text)| !text.contains("code")) {
            let key = format!("two_way.words.verification.{locale}");
            self.wrong(&key, "does not say the code", "write {{ code }} into it");
        }
        self.within("verification.per_hour", self.config.verification.per_hour, 1..=100);
        self.who_answers();
        self.who_hears();
        self.in_every_language();
    }

    /// A command listens on addresses that are ours.
    fn who_hears(&mut self) {
        let config = self.config;
        let is_ours = |address: &str| config.address.keys().any(|own| bare(own) == bare(address));
        for (name, command) in config.command.iter().filter(|_| !config.address.is_empty()) {
            let others = command.addresses.iter().enumerate();
            for (index, address) in others.filter(|(_, address)| !is_ours(address)) {
                let key = format!("command.{name}.addresses[{index}]");
                let cause = format!("`{address}` is not among our addresses, so that nobody can ask for it there");
                self.warn(&key, cause, format!("add [address.\"{address}\"], or leave it out"));
            }
        }
    }

    /// Whoever is answered in a language by the commands is asked and told in it by Araldo, too.
    fn in_every_language(&mut self) {
        let config = self.config;
        let spoken: BTreeSet<Locale> = config
            .command
            .values()
            .flat_map(|command| command.title.keys().copied())
            .collect();
        let shipped = dialogue::shipped();
        for locale in spoken {
            let is_said = |key: &str, texts: &Localised<String>| {
                let own = config.two_way.words.get(key);
                texts.contains_key(&locale) || own.is_some_and(|own| own.contains_key(&locale))
            };
            let missing: Vec<&str> = shipped
                .iter()
                .filter(|(key, texts)| !is_said(key, texts))
                .map(|(key, _)| key.as_str())
                .collect();
            if let Some(first) = missing.first() {
                let cause = format!(
                    "is not there in {locale}, which commands have a title in: customers are told in another language {}",
                    missing.join(", ")
                );
                let cure = format!("add two_way.words.{first}.{locale} and so on");
                self.warn("two_way.words", cause, cure);
            }
        }
    }

    /// A command answers in a client's name, and that client must be there.
    fn who_answers(&mut self) {
        let config = self.config;
        for (name, command) in &config.command {
            if let Some(client) = command
                .client
                .as_ref()
                .filter(|client| !config.client.contains_key(*client))
            {
                let key = format!("command.{name}.client");
                let cause = format!("there is no client `{client}`");
                self.wrong(&key, cause, format!("add [client.{client}], or name one that is there"));
            }
        }
        let named = config.command.values().all(|command| command.client.is_some());
        let by_address = config.address.values().any(|address| address.client.is_some());
        if !config.command.is_empty() && !named && !by_address && config.client.len() > 1 {
            let cause = "nobody knows in which client's name customers are answered, so they are not";
            self.warn(
                "command",
                cause,
                "write client = \"…\" in [address.\"…\"], or in each command",
            );
        }
    }
}
