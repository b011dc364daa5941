//! Who is told by webhook, and the lane that tells them.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;

use super::STOP_MARGIN;
use crate::backend::{AddressGuard, Keys, Pauses, Webhooks};
use crate::clock::Clock;
use crate::config::Config;
use crate::dispatch::webhook::{self, Hook};
use crate::outbox::{Hearing, Outbox};
use crate::store::Store;

/// The lane by which clients are told what became of their messages.
pub(super) fn lane(
    config: &Config,
    store: &Arc<dyn Store>,
    outbox: &Outbox,
    clock: &Clock,
    pauses: &Arc<Pauses>,
) -> anyhow::Result<webhook::Lane> {
    let guard = AddressGuard::new(&config.webhook.allow_networks);
    let sender = Webhooks::new(guard, config.webhook.ca_file.as_deref()).context("webhook.ca_file")?;
    let mut hooks = HashMap::new();
    for (client, section) in &config.client {
        let Some(webhook) = &section.webhook else { continue };
        let previous = Some(webhook.previous_secret.expose()).filter(|secret| !secret.is_empty());
        let keys = Keys::new([webhook.secret.expose()].into_iter().chain(previous))
            .with_context(|| format!("client.{client}.webhook.secret"))?;
        let hook = Hook {
            url: webhook.url.as_str().into(),
            keys,
            batch: webhook.batch.into(),
            concurrency: webhook.concurrency.into(),
            timeout: webhook.timeout,
        };
        hooks.insert(client.clone(), Arc::new(hook));
    }
    Ok(webhook::Lane {
        store: store.clone(),
        outbox: outbox.clone(),
        sender: Arc::new(sender),
        clock: clock.clone(),
        hooks,
        max_pause: config.webhook.max_pause,
        pauses: pauses.clone(),
        drain: STOP_MARGIN / 2,
    })
}

/// Who hears what.
pub(super) fn hearing(config: &Config) -> Hearing {
    let mut hearing = Hearing::default();
    for (client, section) in &config.client {
        if let Some(webhook) = &section.webhook {
            // Of a kind that nothing makes yet there is nothing to hear.
            let events = webhook.events.iter().filter_map(|event| event.parse().ok());
            hearing.listener(client, webhook.events.is_empty(), events.collect());
        }
    }
    for (address, section) in &config.address {
        if let Some(client) = &section.client {
            hearing.address(address, client);
        }
    }
    hearing
}
