//! The way of a text from a customer: the pipeline that handles it, the calls of back ends, the waits for a person.

use std::sync::{Arc, Mutex};

use anyhow::Context;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::Intake;
use crate::backend::{AddressGuard, SimSwap, SimSwapToken as Token, Webhooks};
use crate::clock::Clock;
use crate::config::{Config, SimSwapConfig};
use crate::dispatch::action::{Actions, Parts};
use crate::dispatch::{ConsentStep, Waits};
use crate::inbound::{Book, Limits, Pipeline, Shelf};
use crate::outbox::Outbox;
use crate::store::{Lease, Store};

/// How often anybody may ask, and be answered by itself.
pub(super) fn limits(config: &Config) -> Arc<Limits> {
    let settings = &config.two_way;
    let most = settings.max_numbers as usize;
    Arc::new(Limits::new(&config.command, settings.address_per_minute, most))
}

fn sim_swap(config: &SimSwapConfig, caller: &Webhooks) -> SimSwap {
    let token = match &config.token_file {
        _ if !config.token.is_set() => Token::Nothing,
        None => Token::Fixed(config.token.expose().to_owned().into()),
        Some(path) => Token::File {
            path: path.clone(),
            last: Mutex::new(config.token.expose().to_owned().into()),
        },
    };
    SimSwap {
        webhooks: caller.clone(),
        url: config.url.as_str().into(),
        token,
        max_age_hours: config.max_age.as_secs() / 3_600,
        timeout: config.timeout,
    }
}

/// Starts all; gives the catalogue that they go by, which may be replaced.
pub(super) fn start(
    config: &Config,
    (store, outbox, lease): (&Arc<dyn Store>, &Outbox, Lease),
    (intake, consent, limits): (&Arc<Intake>, Arc<ConsentStep>, Arc<Limits>),
    clock: &Clock,
    (tasks, aside): (&TaskTracker, &Handle),
    stop: &CancellationToken,
) -> anyhow::Result<Arc<Shelf>> {
    let shelf = Arc::new(Shelf::from_pointee(Book::new(config)?));
    let settings = &config.two_way;
    let guard = AddressGuard::new(&config.webhook.allow_networks);
    let caller = Webhooks::new(guard, config.webhook.ca_file.as_deref()).context("webhook.ca_file")?;
    let parts = Parts {
        store: store.clone(),
        outbox: outbox.clone(),
        sim_swap: config.sim_swap.as_ref().map(|config| sim_swap(config, &caller)),
        caller: Box::new(caller),
        clock: clock.clone(),
        shelf: shelf.clone(),
        intake: intake.clone(),
        limits: limits.clone(),
        lease,
        most: settings.max_calls.into(),
    };
    // No call is begun once all texts in hand are handled.
    let handled = CancellationToken::new();
    let actions = Actions::new(parts, handled.clone());
    let waits = Waits {
        store: store.clone(),
        outbox: outbox.clone(),
        clock: clock.clone(),
        shelf: shelf.clone(),
        intake: intake.clone(),
        limits: limits.clone(),
    };
    tasks.spawn_on(waits.run(stop.clone()), aside);
    let pipeline = Pipeline {
        store: store.clone(),
        outbox: outbox.clone(),
        clock: clock.clone(),
        book: shelf.load_full(),
        shelf: shelf.clone(),
        limits,
        intake: intake.clone(),
        consent,
        actions: actions.clone(),
        reassembly_timeout: settings.reassembly_timeout,
    };
    let stop = stop.clone();
    let texts = async move {
        let _handled = handled.drop_guard();
        let book = pipeline.book.clone();
        // Learning takes a moment, and nobody need wait for it: the texts that come meanwhile are in the store.
        let learnt = tokio::task::spawn_blocking(move || book.is_empty() || book.matcher().size() > 0).await;
        if learnt.is_ok() {
            pipeline.run(stop).await;
        }
    };
    tasks.spawn_on(texts, aside);
    tasks.spawn_on(actions.run(), aside);
    Ok(shelf)
}
