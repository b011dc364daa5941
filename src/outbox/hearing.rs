//! Who hears of what becomes of messages.

use std::collections::HashMap;

use crate::domain::{Endpoint, Name};
use crate::store::NoticeKind;

/// Which client hears of what, from the configuration.
#[derive(Debug, Default)]
pub struct Hearing {
    clients: HashMap<Name, Listener>,
    addresses: HashMap<Box<str>, Name>,
}

#[derive(Debug)]
struct Listener {
    endpoint: Endpoint,
    /// Whether it hears of everything, or of these events alone.
    all: bool,
    events: Vec<NoticeKind>,
}

impl Hearing {
    /// A client that hears of all events by webhook, or of these alone.
    pub fn listener(&mut self, client: &Name, all: bool, events: Vec<NoticeKind>) {
        let endpoint = Endpoint::of_client(client);
        self.clients.insert(client.clone(), Listener { endpoint, all, events });
    }

    /// An address of ours whose texts are a client's.
    pub fn address(&mut self, address: &str, client: &Name) {
        // Carriers write a number with or without its plus.
        self.addresses
            .insert(address.trim_start_matches('+').into(), client.clone());
    }

    /// Who hears of such a fact. An address that the message names takes the place of the client's own, for the events
    /// that the client wants.
    pub(super) fn endpoint(&self, client: &Name, kind: NoticeKind, callback: Option<&str>) -> Option<Endpoint> {
        let listener = self.clients.get(client)?;
        if !listener.all && !listener.events.contains(&kind) {
            return None;
        }
        Some(match callback {
            Some(url) => Endpoint::of_callback(client, url),
            None => listener.endpoint.clone(),
        })
    }

    /// Whose address it is.
    pub(super) fn owner_of(&self, address: &str) -> Option<Name> {
        self.addresses.get(address.trim_start_matches('+')).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::State;

    #[test]
    fn a_client_hears_what_it_asked_for_where_the_message_says() {
        let (bank, shop) = (Name::parse("bank").unwrap(), Name::parse("shop").unwrap());
        let mut hearing = Hearing::default();
        let (delivered, failed) = (
            NoticeKind::Message(State::Delivered),
            NoticeKind::Message(State::Failed),
        );
        hearing.listener(&bank, false, vec![delivered]);
        hearing.address("+12345", &bank);
        assert_eq!(
            hearing.endpoint(&bank, delivered, None),
            Some(Endpoint::of_client(&bank))
        );
        let callback = hearing.endpoint(&bank, delivered, Some("https://a.example/x"));
        assert_eq!(callback.unwrap().as_str(), "bank https://a.example");
        assert_eq!(hearing.endpoint(&bank, failed, Some("https://a.example/x")), None);
        assert_eq!(hearing.endpoint(&shop, delivered, None), None);
        assert_eq!((hearing.owner_of("12345"), hearing.owner_of("9")), (Some(bank), None));
    }
}
