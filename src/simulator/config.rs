//! What a simulator is told at its start.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use araldo_smpp::MessageState;
use araldo_sms::DefaultAlphabet;
use serde::{Deserialize, Serialize};

use super::fault::FaultRule;
use super::message_id::IdForm;
use super::span;
use crate::clock::Clock;

/// How a simulated message centre behaves. [`SimulatorConfig::default`] is a carrier without fault: it takes every bind,
/// answers at once and reports every message delivered.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// Where ESMEs connect; port 0 takes a free one. Default 127.0.0.1:2775.
    pub listen: SocketAddr,
    /// Where the HTTP control listens; `None` goes without. Default 127.0.0.1:2776.
    pub control: Option<SocketAddr>,
    /// How bind responses name us; 15 characters at most. Default `simulator`.
    pub name: String,
    /// The one system_id let in; `None` lets in any.
    pub system_id: Option<String>,
    /// The one password let in; `None` lets in any.
    pub password: Option<String>,
    /// The file that every PDU is appended to before the answer leaves; `None` keeps no ledger.
    pub ledger: Option<PathBuf>,
    /// Segments a second over all links; one above is answered ESME_RTHROTTLED. `None` takes them all.
    ///
    /// A tenth of a second's worth, but at least ten, may come at once.
    pub throughput: Option<u32>,
    /// Requests of one link that may wait for their delayed answer; one above is answered ESME_RTHROTTLED.
    pub submit_window: Option<u16>,
    /// How long every submit_sm waits for its answer. Default zero.
    pub response_delay: Duration,
    /// deliver_sm outstanding on one link at most. Default 500.
    pub deliver_window: u16,
    /// How long until a deliver_sm that was refused for a passing reason is tried again. Default 1 s.
    pub deliver_retry: Duration,
    /// Receipts.
    pub receipts: ReceiptConfig,
    /// How ids are written in responses and in receipts.
    pub id_form: IdForm,
    /// The first message id; `None` begins at the microseconds since 1970, so that no two runs give out the same.
    pub first_id: Option<u64>,
    /// What goes wrong, and when.
    pub faults: Vec<FaultRule>,
    /// Decides every share and probability. Default 1.
    pub seed: u64,
    /// Messages that the virtual phones remember, all together; zero remembers none and saves the reading of texts.
    pub phone_memory: usize,
    /// What `data_coding` 0 means, both ways. Default GSM-7, an octet a character.
    pub default_alphabet: DefaultAlphabet,
    /// Whether sloppy PDUs are taken; else they are refused as the standard has it. Default false.
    pub tolerant: bool,
    /// Silence of the ESME after which it is asked whether it is there; `None` never asks. Default 30 s.
    pub enquire_link_interval: Option<Duration>,
    /// How long `POST /mo` waits for the deliver_sm_resp. Default 10 s.
    pub mo_timeout: Duration,
    /// Where the dates in receipts come from.
    pub clock: Clock,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 2775)),
            control: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 2776))),
            name: "simulator".to_owned(),
            system_id: None,
            password: None,
            ledger: None,
            throughput: None,
            submit_window: None,
            response_delay: Duration::ZERO,
            deliver_window: 500,
            deliver_retry: Duration::from_secs(1),
            receipts: ReceiptConfig::default(),
            id_form: IdForm::default(),
            first_id: None,
            faults: Vec::new(),
            seed: 1,
            phone_memory: 10_000,
            default_alphabet: DefaultAlphabet::default(),
            tolerant: false,
            enquire_link_interval: Some(Duration::from_secs(30)),
            mo_timeout: Duration::from_secs(10),
            clock: Clock::system(),
        }
    }
}

impl SimulatorConfig {
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

/// Which receipts are sent, when, and how they look. Shares are 0.0 to 1.0 of the messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptConfig {
    /// Whether any is sent at all. Default true.
    pub enabled: bool,
    /// The shortest time from submit_sm to the final state. Default zero.
    #[serde(with = "span")]
    pub delay_min: Duration,
    /// The longest; between the two every delay is equally likely. Default zero.
    #[serde(with = "span")]
    pub delay_max: Duration,
    /// Share of messages that end UNDELIV.
    pub undelivered: f64,
    /// The code in `err:` and `network_error_code` of those. Default 1.
    pub error_code: u16,
    /// Share of messages whose receipt never comes, though asked for.
    pub silent: f64,
    /// Where id and state stand in the deliver_sm. Default both.
    pub form: ReceiptForm,
    /// Share of receipts that leave before the submit_sm_resp does, whatever the delay.
    pub before_response: f64,
    /// Share of receipts sent twice.
    pub duplicate: f64,
    /// Share of messages with an ENROUTE notification before the final receipt.
    pub intermediate: f64,
    /// Which segments of a long message get a receipt. Default each.
    pub segments: SegmentReceipts,
    /// The state of a message whose validity_period was over before its delay was. Default EXPIRED.
    pub after_expiry: ExpiredState,
    /// Whether receipts may come on any link of the same system_id instead of the one the message came on.
    pub on_any_link: bool,
    /// Whether the TLV user_message_reference of the submit_sm comes back. Default true.
    pub echo_reference: bool,
}

impl Default for ReceiptConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            delay_min: Duration::ZERO,
            delay_max: Duration::ZERO,
            undelivered: 0.0,
            error_code: 1,
            silent: 0.0,
            form: ReceiptForm::default(),
            before_response: 0.0,
            duplicate: 0.0,
            intermediate: 0.0,
            segments: SegmentReceipts::default(),
            after_expiry: ExpiredState::default(),
            on_any_link: false,
            echo_reference: true,
        }
    }
}

impl ReceiptConfig {
    /// Refuses shares outside 0.0 to 1.0 and a delay that ends before it begins, naming the field.
    pub fn check(&self) -> Result<(), InvalidReceipts> {
        let shares = [
            ("undelivered", self.undelivered),
            ("silent", self.silent),
            ("before_response", self.before_response),
            ("duplicate", self.duplicate),
            ("intermediate", self.intermediate),
        ];
        if let Some((field, got)) = shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(InvalidReceipts::Share { field, got });
        }
        if self.delay_max < self.delay_min {
            return Err(InvalidReceipts::Delay);
        }
        Ok(())
    }
}

/// Why receipts cannot be sent that way.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidReceipts {
    /// A share is no share.
    #[error("{field} is a share from 0.0 to 1.0, not {got}")]
    Share {
        /// The field of [`ReceiptConfig`].
        field: &'static str,
        /// Its value.
        got: f64,
    },
    /// The range is empty.
    #[error("delay_max is shorter than delay_min")]
    Delay,
}

/// Where id and state stand in the deliver_sm of a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptForm {
    /// `id:… stat:…` in short_message (SMPP 3.4 Appendix B).
    Text,
    /// The TLVs receipted_message_id and message_state; short_message is empty.
    Tlv,
    /// Both.
    #[default]
    Both,
}

/// Which segments of a long message get a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SegmentReceipts {
    /// Every segment its own.
    #[default]
    Each,
    /// One for all, under the id of the first segment.
    First,
    /// One for all, under the id of the last segment.
    Last,
}

/// What becomes of a message whose validity_period was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ExpiredState {
    /// EXPIRED, as the standard has it.
    #[default]
    Expired,
    /// UNDELIV.
    Undeliverable,
    /// DELETED.
    Deleted,
    /// UNKNOWN.
    Unknown,
    /// The validity_period is not looked at.
    Ignored,
}

impl ExpiredState {
    /// The state on the wire; `None` when expiry is not looked at.
    pub(super) const fn message_state(self) -> Option<MessageState> {
        match self {
            Self::Expired => Some(MessageState::EXPIRED),
            Self::Undeliverable => Some(MessageState::UNDELIVERABLE),
            Self::Deleted => Some(MessageState::DELETED),
            Self::Unknown => Some(MessageState::UNKNOWN),
            Self::Ignored => None,
        }
    }
}
