//! `[carrier.ID]` with `protocol = "rbm"`.

use std::net::IpAddr;
use std::time::Duration;

use araldo_rcs::{AgentId, Api, ServiceAccount};
use hyper::Uri;

use super::super::RbmConfig;
use super::{Check, secs};
use crate::domain::SenderId;

impl Check<'_> {
    pub(super) fn rbm(&mut self) {
        let config = self.config;
        for (id, agent) in &config.rbm {
            let key = format!("carrier.{id}");
            self.agent(&key, agent);
            self.agent_secrets(&key, agent);
            self.agent_pace(&key, agent);
            self.agent_numbers(&key, agent);
        }
    }

    fn agent(&mut self, key: &str, config: &RbmConfig) {
        let at = format!("{key}.agent_id");
        let agent = match AgentId::parse(&config.agent_id) {
            Ok(agent) => agent,
            Err(_) if config.agent_id.is_empty() => {
                return self.wrong(&at, "is missing", "write the agent's id, as the console shows it");
            }
            Err(error) => {
                let cause = format!("`{}` {error}", config.agent_id);
                return self.wrong(&at, cause, "copy it from the console");
            }
        };
        let at = format!("{key}.api_base");
        if let Err(error) = Api::new(config.base(), agent) {
            return self.wrong(&at, error.to_string(), "leave it out, and give the region");
        }
        if is_plain_beyond_loopback(config.base()) && !config.insecure_plaintext {
            self.wrong(
                &at,
                "without TLS, tokens and texts travel in the clear",
                "write https://…, or say insecure_plaintext = true too, if the way there is a private line or a VPN",
            );
        }
    }

    fn agent_secrets(&mut self, key: &str, config: &RbmConfig) {
        let at = format!("{key}.service_account");
        if !config.service_account.is_set() {
            let cure = "write service_account_file = \"…\": the key file (JSON) that the console issues";
            self.wrong(&at, "is missing", cure);
        } else if let Err(error) = ServiceAccount::from_json(config.service_account.expose().as_bytes()) {
            let cure = "give the service account's key file (JSON), as the console issues it";
            self.wrong(&at, format!("cannot be read: {error}"), cure);
        }
        self.agent_address(key, config);
        if !config.client_token.is_set() {
            let cure = "write client_token_file = \"…\", with the token that the webhook has in the console";
            let cause = "is missing: webhooks are refused, so nothing is heard of messages, and users cannot answer";
            self.warn(&format!("{key}.client_token"), cause, cure);
        }
    }

    fn agent_address(&mut self, key: &str, config: &RbmConfig) {
        let at = format!("{key}.address");
        match &config.address {
            None => {
                let cause = "is missing: what users say by RCS is heard by nobody, but for STOP and its like, which then are \
                             of every brand and confirmed only where one brand alone has a default_sender";
                self.warn(&at, cause, "write one of our numbers, e.g. address = \"12345\"");
            }
            Some(address) => {
                if let Err(error) = SenderId::parse(address) {
                    let cure = "write one of our numbers, e.g. address = \"12345\"";
                    self.wrong(&at, format!("`{address}` {error}"), cure);
                }
            }
        }
    }

    fn agent_pace(&mut self, key: &str, config: &RbmConfig) {
        let at = |name: &str| format!("{key}.{name}");
        self.within(&at("window"), config.window, 1..=5000);
        self.within(&at("throughput"), config.throughput, 0..=1_000_000);
        self.within(&at("max_tries"), config.max_tries, 1..=100);
        self.within(&at("remembered"), config.remembered, 1_000..=10_000_000);
        self.span(&at("connect_timeout"), config.connect_timeout, secs(1)..=secs(120));
        self.span(&at("response_timeout"), config.response_timeout, secs(1)..=secs(120));
        let pauses = Duration::from_millis(10)..=secs(600);
        self.span(&at("retry_min"), config.retry_min, pauses.clone());
        self.span(&at("retry_max"), config.retry_max, pauses);
        let (low, high) = (at("retry_min"), at("retry_max"));
        self.at_most((&low, config.retry_min), (&high, config.retry_max));
        let kept = secs(1)..=secs(31 * 86_400);
        self.span(&at("reachable_for"), config.reachable_for, kept.clone());
        self.span(&at("unreachable_for"), config.unreachable_for, kept);
        self.span(
            &at("look_up_timeout"),
            config.look_up_timeout,
            Duration::ZERO..=secs(10),
        );
    }

    fn agent_numbers(&mut self, key: &str, config: &RbmConfig) {
        for (name, prefixes) in [("prefixes", &config.prefixes), ("without_rcs", &config.without_rcs)] {
            for (index, prefix) in prefixes.iter().enumerate() {
                let fits = (1..=15).contains(&prefix.len()) && prefix.bytes().all(|octet| octet.is_ascii_digit());
                if !fits || prefix.starts_with('0') {
                    let cause = format!("`{prefix}` is not the beginning of a number");
                    let cure = format!("write digits, country code first, without + or 00, e.g. {name} = [\"39\"]");
                    self.wrong(&format!("{key}.{name}[{index}]"), cause, cure);
                }
            }
        }
    }
}

fn is_plain_beyond_loopback(base: &str) -> bool {
    let Ok(uri) = base.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    uri.scheme_str() == Some("http") && !is_loopback
}
