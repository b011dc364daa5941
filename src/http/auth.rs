//! Who calls, and what it may do. Of keys only hashes are kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::{Code, Problem};
pub use crate::accept::Client;
use crate::config::{AddressConfig, ClientConfig, Scope, Secret};
use crate::domain::Name;

/// A secret of which only the SHA-256 is kept.
#[derive(Clone)]
pub struct Secret256([u8; 32]);

/// The clients, by the hash of their key and by name.
#[derive(Default)]
pub struct Clients {
    by_key: HashMap<[u8; 32], Arc<Client>>,
    by_name: HashMap<Name, Arc<Client>>,
}

/// Two clients show the same key: nobody could tell them apart.
#[derive(Debug, thiserror::Error)]
#[error("clients `{0}` and `{1}` have the same key; give each its own")]
pub struct DuplicateKey(Name, Name);

impl Secret256 {
    /// Hashes a secret. An empty one matches nothing.
    pub fn new(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Whether the request shows this secret as its bearer token, compared in constant time.
    pub fn is_shown_by(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|shown| self.0.ct_eq(&<[u8; 32]>::from(Sha256::digest(shown))).into())
    }
}

impl Clients {
    /// The clients of the configuration. One without a key cannot call.
    pub fn new(
        clients: &BTreeMap<Name, ClientConfig>,
        addresses: &BTreeMap<String, AddressConfig>,
    ) -> Result<Self, DuplicateKey> {
        let mut all = Self::default();
        for (name, config) in clients {
            let client = Arc::new(Client::new(name, config, addresses));
            all.by_name.insert(name.clone(), client.clone());
            if let Some(hash) = hash_of(&config.key)
                && let Some(other) = all.by_key.insert(hash, client)
            {
                return Err(DuplicateKey(other.name.clone(), name.clone()));
            }
        }
        Ok(all)
    }

    /// The client that calls, if it may do that.
    pub fn caller(&self, headers: &HeaderMap, scope: Scope) -> Result<&Arc<Client>, Problem> {
        let caller = bearer(headers).and_then(|key| {
            let hash: [u8; 32] = Sha256::digest(key).into();
            let (held, client) = self.by_key.get_key_value(&hash)?;
            bool::from(held.ct_eq(&hash)).then_some(client)
        });
        let client = caller.ok_or_else(|| Problem::new(Code::Unauthenticated))?;
        if client.scopes.contains(&scope) {
            return Ok(client);
        }
        let need = scope.as_str();
        Err(Problem::with_detail(Code::ScopeMissing, format!("the key has not the scope `{need}`")).with("need", need))
    }

    /// A client by its name.
    pub fn named(&self, name: &str) -> Option<&Arc<Client>> {
        self.by_name.get(name)
    }
}

impl Client {
    /// Takes a place for one message, or answers 429.
    pub(super) fn take_place(&self) -> Result<(), Problem> {
        let Some(throttle) = &self.throttle else { return Ok(()) };
        throttle.take().map_err(|wait| {
            metrics::counter!("araldo_rate_limited_total", "scope" => "client").increment(1);
            let rate = throttle.rate();
            Problem::with_detail(
                Code::RateLimited,
                format!("the client may send {rate} messages a second"),
            )
            .with("limit", rate)
            .retry_after(wait)
        })
    }
}

fn hash_of(key: &Secret) -> Option<[u8; 32]> {
    (!key.expose().is_empty()).then(|| Sha256::digest(key.expose()).into())
}

/// The token of `Authorization: Bearer TOKEN`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (given.next()?, given.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
