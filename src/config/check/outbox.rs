//! `[store]`, `[outbox]`, `[log]`, `[address]`, and whether there is anything to do.

use tracing_subscriber::EnvFilter;

use super::super::decode::nearest;
use super::{Check, secs};
use crate::domain::SenderId;

impl Check<'_> {
    pub(super) fn store(&mut self) {
        let store = &self.config.store;
        if store.sqlite_path().is_none() {
            // The URL may hold a password: only its scheme is shown.
            let scheme = store
                .url
                .split("://")
                .next()
                .filter(|scheme| scheme.len() < 16 && *scheme != store.url);
            let cause = match scheme {
                Some("sqlite") => "names no file".to_owned(),
                Some(scheme) => format!("`{scheme}://` is not built in; sqlite:// is"),
                None => "is not a URL of a database".to_owned(),
            };
            self.wrong(
                "store.url",
                cause,
                "write sqlite:// and a path, e.g. sqlite:///var/lib/araldo/araldo.db",
            );
        }
        self.within("store.read_connections", store.read_connections, 1..=64);
        self.span("store.read_timeout", store.read_timeout, secs(1)..=secs(60));
        let years = secs(10 * 366 * 86_400);
        self.span("store.retention", store.retention, secs(3_600)..=years);
        self.span(
            "store.idempotency_retention",
            store.idempotency_retention,
            secs(60)..=years,
        );
        // A replayed answer speaks of a message that must still be there.
        self.at_most(
            ("store.idempotency_retention", store.idempotency_retention),
            ("store.retention", store.retention),
        );
    }

    pub(super) fn outbox(&mut self) {
        let outbox = &self.config.outbox;
        let day = secs(86_400);
        self.span("outbox.doubt_hold", outbox.doubt_hold, secs(1)..=secs(3_600));
        self.span("outbox.receipt_grace", outbox.receipt_grace, secs(60)..=day * 14);
        self.within("outbox.queue", outbox.queue, 1..=1 << 20);
        self.within("outbox.batch", outbox.batch, 1..=1 << 16);
        self.span("outbox.commit_timeout", outbox.commit_timeout, secs(1)..=secs(120));
        let tick = std::time::Duration::from_millis(10);
        self.span("outbox.promote_interval", outbox.promote_interval, tick..=secs(60));
        self.span("outbox.rescue_interval", outbox.rescue_interval, tick..=secs(60));
        self.span("outbox.prune_interval", outbox.prune_interval, secs(1)..=day);
        self.within("outbox.prune_step", outbox.prune_step, 1..=100_000);
        self.within("outbox.max_segments", outbox.max_segments, 1..=255);
        self.span("outbox.drain_timeout", outbox.drain_timeout, secs(1)..=secs(600));
        // Else the hold would be as long as the pause between two looks.
        self.at_most(
            ("outbox.rescue_interval", outbox.rescue_interval),
            ("outbox.doubt_hold", outbox.doubt_hold),
        );
        self.at_most(
            ("outbox.receipt_grace", outbox.receipt_grace),
            ("store.retention", self.config.store.retention),
        );
    }

    pub(super) fn log(&mut self) {
        if let Err(error) = EnvFilter::try_new(&self.config.log.filter) {
            let cause = format!("cannot be read: {error}");
            self.wrong(
                "log.filter",
                cause,
                "write a level, then modules, e.g. \"info,araldo::carrier=debug\"",
            );
        }
    }

    pub(super) fn addresses(&mut self) {
        let config = self.config;
        for (address, section) in &config.address {
            let key = format!("address.{address}");
            if let Err(error) = SenderId::parse(address) {
                self.wrong(
                    &key,
                    format!("`{address}` {error}"),
                    "write one of our own numbers, e.g. [address.\"12345\"]",
                );
            }
            if let Some(client) = &section.client {
                self.known_client(&format!("{key}.client"), client.as_str());
            }
        }
    }

    pub(super) fn known_client(&mut self, key: &str, client: &str) {
        let config = self.config;
        if !config.client.contains_key(client) {
            let cure = match nearest(client, config.client.keys().map(crate::domain::Name::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("add [client.{client}]"),
            };
            self.disagrees(key, "client", format!("there is no client `{client}`"), cure);
        }
    }

    pub(super) fn something_to_do(&mut self) {
        let config = self.config;
        for (section, empty, what) in [
            ("client", config.client.is_empty(), "nobody may send"),
            (
                "carrier",
                config.carrier.is_empty() && config.rbm.is_empty(),
                "nothing can leave",
            ),
            (
                "route",
                config.route.is_empty(),
                "every message is refused with no_route",
            ),
        ] {
            if empty {
                let cause = format!("there is no {section}: {what}");
                self.warn(
                    section,
                    cause,
                    format!("add [{section}.ID]; `araldo config default` shows its keys"),
                );
            }
        }
    }
}
