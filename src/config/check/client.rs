//! `[client.ID]`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::super::ClientWebhookConfig;
use super::super::decode::nearest;
use super::{Check, secs};
use crate::backend::{AddressGuard, InvalidTarget, Refusal, Target};

/// The events that a webhook may ask for.
const EVENTS: [&str; 17] = [
    "message.submitted",
    "message.delivered",
    "message.undelivered",
    "message.failed",
    "message.expired",
    "message.suppressed",
    "message.canceled",
    "message.uncertain",
    "message.unconfirmed",
    "message.quarantined",
    "message.read",
    "inbound.received",
    "consent.changed",
    "case.opened",
    "case.taken",
    "case.solved",
    "case.overdue",
];

/// Shorter keys can be guessed.
const SHORTEST_KEY: usize = 16;

impl Check<'_> {
    pub(super) fn clients(&mut self) {
        let config = self.config;
        let mut keys = BTreeMap::new();
        for (id, client) in &config.client {
            let key = format!("client.{id}");
            if client.key.expose().is_empty() {
                if !self.has_form(&format!("{key}.key")) {
                    self.wrong(
                        &key,
                        "has no key",
                        "give key_file, or key_credential, with 32 random characters or more",
                    );
                }
            } else {
                let text = client.key.expose();
                if text.len() < SHORTEST_KEY {
                    let cause = format!("has {} characters, and can be guessed", text.len());
                    self.warn(&format!("{key}.key"), cause, "take 32 random characters or more");
                }
                if !text.bytes().all(|c| c.is_ascii_graphic()) {
                    let cause = "has characters that an Authorization header cannot carry";
                    self.wrong(
                        &format!("{key}.key"),
                        cause,
                        "take letters, digits and punctuation of ASCII",
                    );
                }
                if let Some(other) = keys.insert(Sha256::digest(text), id) {
                    let cause = format!("is the key of client `{other}` as well");
                    let other = format!("client.{other}.key");
                    self.disagrees(
                        &format!("{key}.key"),
                        &other,
                        cause,
                        "give each client a key of its own",
                    );
                }
            }
            if client.scopes.is_empty() {
                self.wrong(
                    &format!("{key}.scopes"),
                    "is empty: the client may do nothing",
                    "write scopes = [\"send\", \"read\"]",
                );
            }
            if let Some(sender) = &client.default_sender
                && !client.senders.is_empty()
                && !client.senders.contains(sender)
            {
                let (key, other) = (format!("{key}.default_sender"), format!("{key}.senders"));
                self.disagrees(
                    &key,
                    &other,
                    format!("{sender} is not among the client's senders"),
                    "add it to senders",
                );
            }
            if let Some(webhook) = &client.webhook {
                self.webhook(&format!("{key}.webhook"), webhook);
            }
        }
    }

    /// Whether one of a secret's forms was given, and so has been complained about where it is empty.
    fn has_form(&self, key: &str) -> bool {
        ["_file", "_credential"]
            .iter()
            .any(|form| self.origins.exact(&format!("{key}{form}")).is_some())
    }

    fn webhook(&mut self, key: &str, webhook: &ClientWebhookConfig) {
        self.webhook_url(&format!("{key}.url"), &webhook.url);
        let secret = webhook.secret.expose();
        let previous = webhook.previous_secret.expose();
        if !previous.is_empty() && !is_webhook_secret(previous) {
            let cure = "give the secret that was in use before, or leave it out";
            self.wrong(&format!("{key}.previous_secret"), "is not a webhook secret", cure);
        }
        if !is_webhook_secret(secret) && (!secret.is_empty() || !self.has_form(&format!("{key}.secret"))) {
            let cause = if secret.is_empty() {
                "is missing"
            } else {
                "is not a webhook secret"
            };
            let cure = "give secret_file with `whsec_` and the base64 of 24 to 64 random bytes, e.g. of `openssl rand -base64 32`";
            self.wrong(&format!("{key}.secret"), cause, cure);
        }
        for (index, event) in webhook.events.iter().enumerate() {
            if !EVENTS.contains(&event.as_str()) {
                let cure = match nearest(event, EVENTS.into_iter()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("the events are {}", EVENTS.join(", ")),
                };
                self.wrong(
                    &format!("{key}.events[{index}]"),
                    format!("there is no event `{event}`"),
                    cure,
                );
            }
        }
        self.within(&format!("{key}.batch"), webhook.batch, 1..=1000);
        self.within(&format!("{key}.concurrency"), webhook.concurrency, 1..=64);
        self.span(&format!("{key}.timeout"), webhook.timeout, secs(1)..=secs(60));
    }

    fn webhook_url(&mut self, key: &str, url: &str) {
        self.target(key, url, "write e.g. https://bank.example/hooks/sms");
    }

    /// A URL that the guard lets us call.
    pub(super) fn target(&mut self, key: &str, url: &str, example: &str) {
        let target = match Target::parse(url) {
            Ok(target) => target,
            Err(_) if url.is_empty() => return self.wrong(key, "is missing", example),
            Err(InvalidTarget::User) => {
                let cure = "leave it out: the signature shows who we are";
                return self.wrong(key, "holds a name or password", cure);
            }
            Err(InvalidTarget::Scheme) => return self.wrong(key, "is neither https nor http", example),
            Err(invalid) => return self.wrong(key, invalid.to_string(), example),
        };
        let (cause, cure) = match AddressGuard::new(&self.config.webhook.allow_networks).look(&target) {
            Ok(()) => return,
            Err(Refusal::Plain) => (
                "plain http goes only to the networks of webhook.allow_networks",
                "write https, or add the network, e.g. webhook.allow_networks = [\"10.0.0.0/8\"]",
            ),
            Err(Refusal::Inside) => (
                "names a private address, and no network of webhook.allow_networks holds it",
                "add the network, e.g. webhook.allow_networks = [\"10.0.0.0/8\"]",
            ),
        };
        self.disagrees(key, "webhook.allow_networks", cause, cure);
    }
}

/// `whsec_` and the base64 of 24 to 64 bytes.
fn is_webhook_secret(text: &str) -> bool {
    let bytes = text.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    bytes.is_some_and(|bytes| (24..=64).contains(&bytes.len()))
}
