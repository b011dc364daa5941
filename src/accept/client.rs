//! A back-end system.

use std::collections::{BTreeMap, HashSet};

use metrics::Counter;

use crate::config::{AddressConfig, ClientConfig, Scope};
use crate::domain::{Class, Name, SenderId};
use crate::throttle::client::ClientThrottle;

/// A back-end system, as far as what it asks for is concerned.
pub struct Client {
    /// Its name.
    pub name: Name,
    /// What it may do.
    pub scopes: HashSet<Scope>,
    /// The senders that it may use; empty is any.
    pub senders: HashSet<SenderId>,
    /// The sender of a message that names none.
    pub default_sender: Option<SenderId>,
    /// Whether a message without Idempotency-Key is refused.
    pub require_idempotency_key: bool,
    /// Whether it has a secret with which callbacks are signed.
    pub has_webhook_secret: bool,
    /// Our addresses whose texts it hears.
    pub addresses: Vec<Box<str>>,
    /// Its pace; `None` is unlimited.
    pub throttle: Option<ClientThrottle>,
    accepted: [Counter; Class::ALL.len()],
}

impl Client {
    /// A client of the configuration, with the addresses whose texts it hears.
    pub fn new(name: &Name, config: &ClientConfig, addresses: &BTreeMap<String, AddressConfig>) -> Self {
        let heard = addresses
            .iter()
            .filter(|(_, config)| config.client.as_ref() == Some(name));
        // Carriers write a number with or without its plus.
        let heard = heard.flat_map(|(address, _)| {
            let digits = address.strip_prefix('+').unwrap_or(address);
            [Box::from(digits), format!("+{digits}").into()]
        });
        Self {
            name: name.clone(),
            scopes: config.scopes.iter().copied().collect(),
            senders: config.senders.iter().cloned().collect(),
            default_sender: config.default_sender.clone(),
            require_idempotency_key: config.require_idempotency_key,
            has_webhook_secret: config.webhook.as_ref().is_some_and(|webhook| webhook.secret.is_set()),
            addresses: heard.collect(),
            throttle: ClientThrottle::new(config.rate),
            accepted: Class::ALL.map(|class| {
                metrics::counter!(
                    "araldo_messages_accepted_total", "client" => name.to_string(), "class" => class.as_str()
                )
            }),
        }
    }

    pub(crate) fn count_accepted(&self, class: Class) {
        self.accepted[class as usize].increment(1);
    }
}
