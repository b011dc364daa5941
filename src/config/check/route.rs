//! `[route.ID]`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::decode::nearest;
use super::super::{BindMode, RouteConfig, StepConfig};
use super::{Check, secs};
use crate::domain::{Channel, Name, SenderId};

/// What a route asks of a message, one prefix at a time: two routes may not ask the same.
type Asked<'a> = (&'a str, BTreeSet<&'static str>, BTreeSet<&'a str>, BTreeSet<&'a str>);

impl Check<'_> {
    pub(super) fn routes(&mut self) {
        let config = self.config;
        let mut asked: BTreeMap<Asked<'_>, &Name> = BTreeMap::new();
        for (id, route) in &config.route {
            let key = format!("route.{id}");
            if *id == Name::nowhere() {
                self.wrong(&key, "is the name of what has no route", "give the route another name");
            }
            self.who(&key, route);
            self.steps(&key, route);
            let prefixes: BTreeSet<&str> = route.prefixes.iter().map(String::as_str).collect();
            let any = BTreeSet::from([""]);
            for prefix in if prefixes.is_empty() { any } else { prefixes } {
                let asks = (
                    prefix,
                    route.classes.iter().map(|class| class.as_str()).collect(),
                    route.clients.iter().map(Name::as_str).collect(),
                    route.senders.iter().map(String::as_str).collect(),
                );
                if let Some(other) = asked.insert(asks, id) {
                    let what = if prefix.is_empty() {
                        "any destination".into()
                    } else {
                        format!("prefix {prefix}")
                    };
                    let cause = format!("serves {what} for the same messages as route `{other}`");
                    let cure = "tell them apart by prefixes, classes, clients or senders, or make them one route";
                    self.disagrees(&key, &format!("route.{other}"), cause, cure);
                }
            }
        }
    }

    fn who(&mut self, key: &str, route: &RouteConfig) {
        for (index, prefix) in route.prefixes.iter().enumerate() {
            let fits = (1..=15).contains(&prefix.len()) && prefix.bytes().all(|c| c.is_ascii_digit());
            if !fits || prefix.starts_with('0') {
                let cause = format!("`{prefix}` is not the beginning of a number");
                let cure = "write digits, country code first, without + or 00, e.g. prefixes = [\"39\"]";
                self.wrong(&format!("{key}.prefixes[{index}]"), cause, cure);
            }
            if route.prefixes[..index].contains(prefix) {
                self.wrong(
                    &format!("{key}.prefixes[{index}]"),
                    format!("{prefix} is there twice"),
                    "leave one out",
                );
            }
        }
        for (index, client) in route.clients.iter().enumerate() {
            self.known_client(&format!("{key}.clients[{index}]"), client.as_str());
        }
        for (index, sender) in route.senders.iter().enumerate() {
            if let Err(error) = SenderId::parse(sender) {
                let cure = "write it as in a message, e.g. \"MyBank\", \"12345\" or \"+393331234567\"";
                self.wrong(&format!("{key}.senders[{index}]"), format!("`{sender}` {error}"), cure);
            }
        }
        self.span(
            &format!("{key}.failover_after"),
            route.failover_after,
            secs(0)..=secs(3_600),
        );
        self.span(
            &format!("{key}.failover_after_urgent"),
            route.failover_after_urgent,
            secs(0)..=secs(3_600),
        );
    }

    fn steps(&mut self, key: &str, route: &RouteConfig) {
        if route.steps.is_empty() {
            self.wrong(
                &format!("{key}.steps"),
                "has no step",
                "write e.g. steps = [{ carriers = [\"tim\"] }]",
            );
        }
        if route.steps.len() > 16 {
            self.wrong(
                &format!("{key}.steps"),
                format!("has {} steps, and must have 1 to 16", route.steps.len()),
                "drop the last",
            );
        }
        for (index, step) in route.steps.iter().enumerate() {
            let at = format!("{key}.steps[{index}]");
            self.step(&at, step);
            let by = |step: &StepConfig, channel| {
                let mut carriers = step.carriers.iter();
                carriers.any(|carrier| self.config.channel_of(&carrier.id) == channel)
            };
            let is_before_sms = route.steps[index + 1..].iter().any(|step| by(step, Channel::Sms));
            if step.wait.is_none() && is_before_sms && by(step, Channel::Rcs) {
                let cause = "is missing: what RCS takes and does not deliver is never said by SMS";
                let cure = "write how long RCS may take, e.g. wait = \"30s\"";
                self.warn(&format!("{at}.wait"), cause, cure);
            }
        }
        self.one_agent(key, route);
    }

    /// What one agent may have must not go out by another: the handset would show it twice.
    fn one_agent(&mut self, key: &str, route: &RouteConfig) {
        let config = self.config;
        let carriers = route.steps.iter().flat_map(|step| &step.carriers);
        let agents: BTreeSet<&Name> = carriers
            .map(|carrier| &carrier.id)
            .filter(|id| config.rbm.contains_key(*id))
            .collect();
        let mut agents = agents.into_iter();
        if let (Some(one), Some(other)) = (agents.next(), agents.next()) {
            let cause =
                format!("has two agents of RCS, `{one}` and `{other}`: a handset could be shown one message by both");
            let cure =
                "keep one, and give the other a route of its own, told apart by prefixes, classes, clients or senders";
            self.wrong(&format!("{key}.steps"), cause, cure);
        }
    }

    fn step(&mut self, key: &str, step: &StepConfig) {
        let config = self.config;
        if step.carriers.is_empty() {
            self.wrong(
                &format!("{key}.carriers"),
                "has no carrier",
                "write e.g. carriers = [\"tim\"]",
            );
        }
        let channels: BTreeSet<&str> = step
            .carriers
            .iter()
            .map(|carrier| config.channel_of(&carrier.id).as_str())
            .collect();
        if channels.len() > 1 {
            let cure = "give each channel a step of its own";
            self.wrong(&format!("{key}.carriers"), "has carriers of RCS and of SMS", cure);
        }
        let mut seen = BTreeSet::new();
        for (index, carrier) in step.carriers.iter().enumerate() {
            let at = format!("{key}.carriers[{index}]");
            let id = &carrier.id;
            match config.carrier.get(id) {
                Some(found) if found.bind_mode == BindMode::Receiver => {
                    let cause = format!("carrier `{id}` is bound as receiver, and cannot send");
                    let other = format!("carrier.{id}.bind_mode");
                    self.disagrees(
                        &at,
                        &other,
                        cause,
                        "take another carrier, or bind this one as transceiver",
                    );
                }
                Some(_) => {}
                None if config.rbm.contains_key(id) => {}
                None => self.unknown_carrier(&at, id),
            }
            if !seen.insert(id) {
                self.wrong(
                    &at,
                    format!("carrier `{id}` is there twice"),
                    "leave one out, and give the other a weight",
                );
            }
            self.within(&format!("{at}.weight"), carrier.weight, 1..=1000);
        }
        if let Some(wait) = step.wait {
            self.span(&format!("{key}.wait"), wait, secs(1)..=secs(86_400));
        }
    }

    fn unknown_carrier(&mut self, at: &str, id: &Name) {
        let near = nearest(
            id.as_str(),
            self.config
                .carrier
                .keys()
                .chain(self.config.rbm.keys())
                .map(Name::as_str),
        );
        let cause = format!("there is no carrier `{id}`");
        match near {
            Some(near) => {
                let cure = format!("did you mean \"{near}\"?");
                self.disagrees(at, &format!("carrier.{near}"), cause, cure);
            }
            None => self.disagrees(at, "carrier", cause, format!("add [carrier.{id}]")),
        }
    }
}
