//! Who hears of messages by webhook.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::Name;

/// Where webhooks go: a client's own address (`bank`), or the origin of an address that some of its messages name
/// (`bank https://hooks.example:8443`). What is slow or dead there delays no other endpoint. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint(Arc<str>);

impl Endpoint {
    /// The address of a client's `[client.ID.webhook]`.
    pub fn of_client(client: &Name) -> Self {
        Self(client.as_str().into())
    }

    /// The origin of an address that a message names.
    pub fn of_callback(client: &Name, url: &str) -> Self {
        let after_scheme = url.find("://").map_or(0, |at| at + 3);
        let end = url[after_scheme..]
            .find(['/', '?', '#'])
            .map_or(url.len(), |at| after_scheme + at);
        Self(format!("{client} {}", url[..end].to_ascii_lowercase()).into())
    }

    /// One that was written down.
    pub fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The client's id.
    pub fn client(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// Whether it is the address of single messages rather than the client's own.
    pub fn is_callback(&self) -> bool {
        self.0.contains(' ')
    }

    /// As it is written down and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_of_one_origin_are_one_endpoint_of_their_client() {
        let bank = Name::parse("bank").unwrap();
        for url in [
            "https://Hooks.example:8443/a?b=c",
            "https://hooks.example:8443",
            "https://hooks.example:8443?x",
        ] {
            let endpoint = Endpoint::of_callback(&bank, url);
            assert_eq!(endpoint.as_str(), "bank https://hooks.example:8443", "{url}");
            assert_eq!((endpoint.client(), endpoint.is_callback()), ("bank", true));
        }
        let own = Endpoint::of_client(&bank);
        assert_eq!((own.client(), own.is_callback()), ("bank", false));
    }
}
