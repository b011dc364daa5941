//! What a simulated platform is told at its start.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use araldo_rcs::AgentId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::fault::FaultRule;
use super::handset::Handset;
use crate::clock::Clock;
use crate::simulator::span;

/// How a simulated platform behaves. [`RcsConfig::default`] is one without fault: every handset has RCS and takes all
/// that it is sent at once.
#[derive(Clone, Debug)]
pub struct RcsConfig {
    /// Where the API and the token endpoint listen; port 0 takes a free one. Default 127.0.0.1:2777.
    pub listen: SocketAddr,
    /// Where the HTTP control listens; `None` goes without. Default 127.0.0.1:2778.
    pub control: Option<SocketAddr>,
    /// The one agent. Default `simulator`.
    pub agent: AgentId,
    /// What the agent may send.
    pub use_case: UseCase,
    /// The key file whose assertions are exchanged, as the gateway has it; `None` takes [`super::ACCOUNT`], which
    /// everybody has.
    pub account: Option<Vec<u8>>,
    /// How long an access token is good for. Default 3,599 s.
    pub token_lifetime: Duration,
    /// The webhook; `None` tells nobody.
    pub webhook: Option<WebhookTarget>,
    /// The pause before a webhook that was not answered 200 is tried again; it doubles up to 600 s. Default 1 s.
    pub webhook_retry: Duration,
    /// The file that every request and every webhook is appended to; `None` keeps no ledger.
    pub ledger: Option<PathBuf>,
    /// What becomes of messages.
    pub delivery: DeliveryConfig,
    /// How a second message of the same id is answered. The documentation does not say.
    pub duplicates: Duplicates,
    /// The handset of whoever has none of his own.
    pub handset: Handset,
    /// Handsets by number, or by what numbers begin with: the longest counts.
    pub handsets: BTreeMap<String, Handset>,
    /// What goes wrong, and when.
    pub faults: Vec<FaultRule>,
    /// Decides every share and probability. Default 1.
    pub seed: u64,
    /// Messages that the virtual phones remember, all together. Default 10,000.
    pub phone_memory: usize,
    /// The time.
    pub clock: Clock,
}

/// Where webhooks go, and with which token they are signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookTarget {
    /// A URL of http.
    pub url: String,
    /// The client token.
    pub client_token: SecretString,
}

/// What an agent is approved for, which decides the traffic types that it may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum UseCase {
    /// Login codes only.
    Otp,
    /// Orders and accounts.
    Transactional,
    /// Offers.
    Promotional,
    /// All but login codes; without a traffic type a message is refused.
    MultiUse,
    /// Everything, which no real agent may.
    #[default]
    Any,
}

/// How a second message of the same id is answered. Nothing is sent twice either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Duplicates {
    /// 200, as the first one.
    #[default]
    Ok,
    /// 409.
    Conflict,
}

/// What becomes of messages that were accepted. Shares are 0.0 to 1.0 of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryConfig {
    /// The shortest time until the message is on the handset. Default zero.
    #[serde(with = "span")]
    pub delay_min: Duration,
    /// The longest; between the two every delay is equally likely. Default zero.
    #[serde(with = "span")]
    pub delay_max: Duration,
    /// Share that is read. Default none.
    pub read: f64,
    /// How long after its delivery. Default zero.
    #[serde(with = "span")]
    pub read_delay: Duration,
    /// Share that never arrives, though the handset is there: it expires.
    pub lost: f64,
    /// Share of deliveries of which nobody is told.
    pub silent: f64,
    /// Share of expiries that end TTL_EXPIRATION_REVOKE_FAILED; of these half are delivered all the same.
    pub revoke_failed: f64,
    /// Share of expiries of which nobody is told.
    pub expiry_silent: f64,
    /// Share of expiries that lose a race: withdrawn is told, and DELIVERED too.
    pub expiry_race: f64,
    /// Share of revocations by DELETE that lose a race: answered 200, and delivered all the same.
    pub revoke_race: f64,
    /// Share of messages whose READ is told before their DELIVERED.
    pub read_first: f64,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            delay_min: Duration::ZERO,
            delay_max: Duration::ZERO,
            read: 0.0,
            read_delay: Duration::ZERO,
            lost: 0.0,
            silent: 0.0,
            revoke_failed: 0.0,
            expiry_silent: 0.0,
            expiry_race: 0.0,
            revoke_race: 0.0,
            read_first: 0.0,
        }
    }
}

/// Delivery that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidDelivery {
    /// A share that is none.
    #[error("{field} is {got}, and a share is 0.0 to 1.0")]
    Share {
        /// Which.
        field: &'static str,
        /// What came.
        got: f64,
    },
    /// A delay that ends before it begins.
    #[error("delay_max is shorter than delay_min")]
    Delay,
}

impl DeliveryConfig {
    /// Refuses shares outside 0.0 to 1.0 and a delay that ends before it begins, naming the field.
    pub fn check(&self) -> Result<(), InvalidDelivery> {
        let shares = [
            ("read", self.read),
            ("lost", self.lost),
            ("silent", self.silent),
            ("revoke_failed", self.revoke_failed),
            ("expiry_silent", self.expiry_silent),
            ("expiry_race", self.expiry_race),
            ("revoke_race", self.revoke_race),
            ("read_first", self.read_first),
        ];
        if let Some((field, got)) = shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(InvalidDelivery::Share { field, got });
        }
        if self.delay_max < self.delay_min {
            return Err(InvalidDelivery::Delay);
        }
        Ok(())
    }
}

impl Default for RcsConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 2777)),
            control: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 2778))),
            agent: AgentId::parse("simulator").expect("letters make an agent id"),
            use_case: UseCase::default(),
            account: None,
            token_lifetime: Duration::from_secs(3_599),
            webhook: None,
            webhook_retry: Duration::from_secs(1),
            ledger: None,
            delivery: DeliveryConfig::default(),
            duplicates: Duplicates::default(),
            handset: Handset::default(),
            handsets: BTreeMap::new(),
            faults: Vec::new(),
            seed: 1,
            phone_memory: 10_000,
            clock: Clock::system(),
        }
    }
}

impl RcsConfig {
    /// The default on free loopback ports, for tests and demos.
    pub fn on_free_ports() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: free,
            control: Some(free),
            ..Self::default()
        }
    }
}
