//! `[nats]`: whether this build has it, and whether it says enough.

use super::super::{NatsConfig, Scope};
use super::{Check, tls};

impl Check<'_> {
    pub(super) fn nats(&mut self) {
        let Some(nats) = &self.config.nats else { return };
        if !cfg!(feature = "nats") {
            let cure = "install a build with it (cargo build --release --features nats), or leave [nats] out";
            self.wrong("nats", "this build of araldo has not the feature `nats`", cure);
        }
        self.within("nats.batch", nats.batch, 1..=1_000);
        self.nats_url(&nats.url);
        self.nats_client(&nats.client);
        self.nats_names(nats);
        if nats.tls_cert_file.is_some() != nats.tls_key_file.is_some() {
            let cause = "a certificate and its key go together";
            self.wrong("nats.tls_cert_file", cause, "write both tls_cert_file and tls_key_file");
        }
        if let Some(file) = &nats.tls_ca_file
            && let Err(cause) = tls::certificates(file)
        {
            let cure = "name a file of certificates in PEM that we may read";
            self.wrong("nats.tls_ca_file", cause, cure);
        }
        if let Some(file) = &nats.credentials_file
            && let Err(error) = std::fs::File::open(file)
        {
            let cause = format!("{}: {error}", file.display());
            self.wrong("nats.credentials_file", cause, "name a .creds file that we may read");
        }
    }

    fn nats_url(&mut self, url: &str) {
        let example = "write e.g. url = \"tls://nats.bank.example:4222\"";
        // What is wrong may hold a password: it is not repeated.
        if url.is_empty() {
            self.wrong("nats.url", "is missing", example);
        } else if url.contains('@') {
            self.wrong("nats.url", "holds a secret", "leave it out, and write credentials_file");
        } else if !["nats://", "tls://"].iter().any(|scheme| url.starts_with(scheme)) {
            self.wrong("nats.url", "must begin with nats:// or tls://", example);
        }
    }

    fn nats_client(&mut self, name: &str) {
        let client = self.config.client.iter().find(|(known, _)| known.as_str() == name);
        match client {
            None if name.is_empty() => self.wrong("nats.client", "is missing", "write e.g. client = \"bank\""),
            None => self.known_client("nats.client", name),
            Some((_, client)) if !client.scopes.contains(&Scope::Events) => {
                let cause = format!("client {name} has not the scope `events`");
                let other = format!("client.{name}.scopes");
                self.disagrees("nats.client", &other, cause, format!("add \"events\" to {other}"));
            }
            Some(_) => {}
        }
    }

    fn nats_names(&mut self, nats: &NatsConfig) {
        let wrong = |c: char| c.is_whitespace() || c.is_control() || ".*>/\\".contains(c);
        for (key, name) in [("nats.stream", &nats.stream), ("nats.durable", &nats.durable)] {
            if name.is_empty() {
                self.wrong(key, "is missing", "write the name of the stream or consumer");
            } else if name.contains(wrong) {
                self.wrong(
                    key,
                    "has a blank, a dot, a wildcard or a slash",
                    "write a name that NATS takes",
                );
            }
        }
        if nats.subject.contains(char::is_whitespace) {
            self.wrong("nats.subject", "has a blank", "write e.g. subject = \"events.>\"");
        }
    }
}
