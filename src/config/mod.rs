//! The configuration: a struct a section, read in layers, checked before anything starts.
//!
//! Each key has its meaning, unit and default at its field; `config/araldo.toml` says the same for operators, and a
//! test holds the two together.

mod address;
mod care;
mod carrier;
mod check;
mod client;
mod consent;
mod credential;
mod decode;
mod error;
mod event;
mod http;
mod layer;
mod load;
mod log;
mod nats;
mod outbox;
mod rbm;
mod route;
mod secret;
mod show;
mod sim_swap;
mod state_dir;
mod store;
mod template;
mod text;
mod two_way;
pub(crate) mod unit;
mod verification;
mod webhook;
mod zone;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use address::AddressConfig;
pub use care::CareConfig;
pub use carrier::{
    BindMode, BusyStatus, CarrierConfig, InterfaceVersion, LongMessage, Numbering, Protocol, ReceiptId,
    SegmentReceipts, StatusAction, TonNpi, ValidityFormat,
};
pub use client::{ClientConfig, ClientWebhookConfig, Scope};
pub use consent::{BrandConfig, ConsentConfig, ConsentTexts, QuietHoursConfig, TopicConfig, Weekday};
pub use error::{ConfigError, Place, Problem};
pub use event::{EventConfig, EventsConfig, Truth, UnknownEvent, Words};
pub use http::{HttpConfig, ListenConfig};
pub use load::{DEFAULT_FILES, LoadOptions, Loaded, Origins};
pub use log::{LogConfig, LogFormat};
pub use nats::NatsConfig;
pub use outbox::OutboxConfig;
pub use rbm::{RbmConfig, RbmRegion};
pub use route::{RouteConfig, StepCarrier, StepConfig};
pub use secret::Secret;
pub use show::{DEFAULT_FILE, Effective};
pub use sim_swap::SimSwapConfig;
pub use state_dir::{StateDirError, check_state_dir, file_system};
pub use store::StoreConfig;
pub use template::{TemplateConfig, TemplatesConfig};
pub use text::{DefaultAlphabet, FlashCoding, NationalTables};
pub use two_way::TwoWayConfig;
pub use verification::VerificationConfig;
pub use webhook::WebhookConfig;
pub use zone::Zone;

use crate::command::Catalogue;
use crate::domain::{Channel, Class, Name};

/// The whole configuration, as it is in effect.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the daemon keeps its files: the directory of the database file. Not a key; loading derives it.
    #[serde(skip)]
    pub state_dir: PathBuf,
    /// Where messages are kept.
    pub store: StoreConfig,
    /// The listeners and the limits of a request.
    pub http: HttpConfig,
    /// The back-end systems.
    pub client: BTreeMap<Name, ClientConfig>,
    /// The carriers that speak SMPP.
    pub carrier: BTreeMap<Name, CarrierConfig>,
    /// The carriers that speak the RCS business messaging API. In a file they are tables of `carrier` too.
    pub rbm: BTreeMap<Name, RbmConfig>,
    /// Which messages go which way.
    pub route: BTreeMap<Name, RouteConfig>,
    /// The queue and its clocks.
    pub outbox: OutboxConfig,
    /// What is told, and in which form.
    pub log: LogConfig,
    /// Our own numbers.
    pub address: BTreeMap<String, AddressConfig>,
    /// What people may refuse, and what is answered.
    pub consent: ConsentConfig,
    /// Clients that are one sender in the eyes of people.
    pub brand: BTreeMap<Name, BrandConfig>,
    /// Kinds of message that can be refused alone.
    pub topic: BTreeMap<Name, TopicConfig>,
    /// When the messages of a class wait, by the recipient's clock.
    pub quiet_hours: BTreeMap<Class, QuietHoursConfig>,
    /// When people are there to answer.
    pub care: CareConfig,
    /// Where webhooks may go.
    pub webhook: WebhookConfig,
    /// How events are taken.
    pub events: EventsConfig,
    /// Which events make which messages.
    pub event: BTreeMap<Name, EventConfig>,
    /// A stream of NATS whose messages are events.
    pub nats: Option<NatsConfig>,
    /// Where the texts of messages are.
    pub templates: TemplatesConfig,
    /// Their bounds.
    pub template: BTreeMap<Name, TemplateConfig>,
    /// How texts from customers are handled.
    pub two_way: TwoWayConfig,
    /// Who is asked whether the SIM of a number was changed of late.
    pub sim_swap: Option<SimSwapConfig>,
    /// The codes that certify a number.
    pub verification: VerificationConfig,
    /// What customers may ask for by text.
    pub command: Catalogue,
}

impl Config {
    /// The sections as a file has them.
    pub(crate) fn tree(&self) -> serde_json::Value {
        let mut tree = serde_json::to_value(self).expect("the sections are made of text, numbers and tables");
        rbm::join(&mut tree);
        tree
    }

    /// Whether there is a carrier of this name, whatever it speaks.
    pub fn has_carrier(&self, name: &Name) -> bool {
        self.carrier.contains_key(name) || self.rbm.contains_key(name)
    }

    /// How long a message in doubt with this carrier waits for a late receipt.
    pub fn doubt_hold(&self, carrier: &CarrierConfig) -> Duration {
        carrier.doubt_hold.unwrap_or(self.outbox.doubt_hold)
    }

    /// The channel of messages that go by a carrier. One that is not configured is taken for one of SMS.
    pub fn channel_of(&self, carrier: &Name) -> Channel {
        match self.rbm.contains_key(carrier) {
            true => Channel::Rcs,
            false => Channel::Sms,
        }
    }

    /// Segments that a text may make with this carrier.
    pub fn max_segments(&self, carrier: &CarrierConfig) -> u8 {
        carrier.max_segments.unwrap_or(self.outbox.max_segments)
    }
}

#[cfg(test)]
mod lint_tests;
#[cfg(test)]
mod tests;
