//! The ways in for events beside HTTP: the table that programs on the same database write, and NATS.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::http::ApiState;
use crate::notify::Inbox;
#[cfg(feature = "nats")]
use crate::notify::Nats;

/// Starts those that are configured.
pub(super) fn start(config: &Config, state: &ApiState, tasks: &TaskTracker, stop: &CancellationToken) {
    if config.events.inbox {
        let clients = config.client.keys();
        let clients = clients.filter_map(|name| Some((name.clone(), state.clients.named(name.as_str())?.clone())));
        let inbox = Inbox {
            store: state.store.clone(),
            outbox: state.outbox.clone(),
            publisher: state.publisher.clone(),
            clients: clients.collect(),
            interval: config.events.inbox_interval,
        };
        tasks.spawn(inbox.run(stop.clone()));
    }
    #[cfg(feature = "nats")]
    if let Some(nats) = &config.nats
        && let Some(client) = state.clients.named(&nats.client)
    {
        let nats = Nats {
            config: nats.clone(),
            client: client.clone(),
            publisher: state.publisher.clone(),
            outbox: state.outbox.clone(),
        };
        tasks.spawn(nats.run(stop.clone()));
    }
}
