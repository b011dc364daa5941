//! `[events]`, `[event.NAME]`, `[templates]`, `[template.NAME]`: what can be said without reading a template.

use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::super::EventConfig;
use super::{Check, secs};
use crate::domain::Class;

impl Check<'_> {
    pub(super) fn events(&mut self) {
        let config = self.config;
        self.within("events.max_batch", config.events.max_batch, 1..=10_000);
        self.within("events.max_bytes", config.events.max_bytes, 1_024..=16 << 20);
        self.within("events.max_messages", config.events.max_messages, 1..=1_000);
        let interval = config.events.inbox_interval;
        self.span("events.inbox_interval", interval, Duration::from_millis(10)..=secs(60));
        self.within("templates.fuel", config.templates.fuel, 100..=1_000_000);
        if TimeZone::get(&config.templates.time_zone).is_err() {
            let cause = format!("`{}` is not a time zone", config.templates.time_zone);
            self.wrong("templates.time_zone", cause, "write e.g. time_zone = \"Europe/Rome\"");
        }
        for (name, rule) in &config.event {
            self.rule(&format!("event.{name}"), rule);
        }
        for (name, template) in &config.template {
            if let Some(most) = template.max_segments {
                self.within(&format!("template.{name}.max_segments"), most, 1..=255);
            }
        }
    }

    fn rule(&mut self, key: &str, rule: &EventConfig) {
        let required = [
            ("type", rule.types.is_empty(), "type = \"com.bank.card.shipped.v1\""),
            ("to", rule.to.is_empty(), "to = \"{{ data.msisdn }}\""),
            ("template", rule.template.is_empty(), "template = \"card_shipped\""),
        ];
        for (name, missing, example) in required {
            if missing {
                self.wrong(&format!("{key}.{name}"), "is missing", format!("write e.g. {example}"));
            }
        }
        for (index, client) in rule.client.iter().enumerate() {
            self.known_client(&format!("{key}.client[{index}]"), client.as_str());
        }
        if let Some(class) = rule.class.as_deref().filter(|class| !class.contains("{{"))
            && Class::from_str(class).is_err()
        {
            let known = Class::ALL.map(Class::as_str).join(", ");
            self.wrong(
                &format!("{key}.class"),
                format!("`{class}` is no class"),
                format!("write one of {known}"),
            );
        }
    }
}
