//! `[carrier.ID]`: who carries messages to the handsets.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DefaultAlphabet, FlashCoding, NationalTables, Secret, Zone, unit};
use crate::domain::AddressKind;

/// A carrier: how to reach it, how fast, and its ways.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CarrierConfig {
    /// What it speaks. Default `smpp`.
    pub protocol: Protocol,
    /// Its host name or address. Required.
    pub host: String,
    /// Its port. Default 2775.
    pub port: u16,
    /// Our name there: 1 to 15 characters (SMPP 3.4 §5.2.1). Required.
    pub system_id: String,
    /// Our password there, at most 8 characters by the standard, though carriers take more. Set by loading, from
    /// whichever of the three forms was given; empty when none was.
    pub password: Secret,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
    /// The name of a systemd credential that holds the password.
    pub password_credential: Option<String>,
    /// `system_type` of the bind, at most 12 characters. Default empty.
    pub system_type: String,
    /// `address_range` of the bind, at most 40 characters. Default empty.
    pub address_range: String,

    /// Whether the link is TLS. Default true; false needs `insecure_plaintext`.
    pub tls: bool,
    /// Allows a link without TLS. Default false.
    pub insecure_plaintext: bool,
    /// The authorities to trust, in PEM. `None`: the system's.
    pub tls_ca_file: Option<PathBuf>,
    /// The name its certificate must carry. `None`: `host`.
    pub tls_server_name: Option<String>,
    /// Our certificate, in PEM, where it asks for one.
    pub client_cert_file: Option<PathBuf>,
    /// The key of our certificate, in PEM.
    pub client_key_file: Option<PathBuf>,

    /// Which bind. Default `transceiver`.
    pub bind_mode: BindMode,
    /// Binds, 1 to 64; `pair` binds as many receivers again. Default 1.
    pub binds: u16,
    /// Requests outstanding on a bind, 1 to 5000. Default 100.
    pub window: u16,
    /// Segments a second over all binds. 0, the default, is as fast as the carrier takes them.
    pub throughput: u32,
    /// The version shown in the bind. Default `3.4`.
    pub interface_version: InterfaceVersion,
    /// How long the link may take to stand, TLS included. Default 10 s.
    #[serde(with = "unit::duration")]
    pub connect_timeout: Duration,
    /// How long the answer to a bind may take. Default 10 s.
    #[serde(with = "unit::duration")]
    pub bind_timeout: Duration,
    /// How long an answer may take before the message is in doubt. Default 30 s.
    #[serde(with = "unit::duration")]
    pub response_timeout: Duration,
    /// Silence after which we ask whether the carrier is there. Default 30 s.
    #[serde(with = "unit::duration")]
    pub enquire_link_interval: Duration,
    /// The first pause before connecting again; it doubles each time. Default 1 s.
    #[serde(with = "unit::duration")]
    pub reconnect_min: Duration,
    /// The longest pause before connecting again. Every pause is up to a fifth longer, so that binds which went down
    /// together do not come back together. Default 60 s.
    #[serde(with = "unit::duration")]
    pub reconnect_max: Duration,

    /// How long a message in doubt waits for a late receipt. `None`: `outbox.doubt_hold`.
    #[serde(with = "unit::optional_duration")]
    pub doubt_hold: Option<Duration>,
    /// Tries of a message with this carrier while its refusals are temporary, 1 to 100. Default 5.
    pub max_tries: u32,
    /// The pause before the second try; it doubles each time. Default 5 s.
    #[serde(with = "unit::duration")]
    pub retry_min: Duration,
    /// The longest pause between tries. Default 10 min.
    #[serde(with = "unit::duration")]
    pub retry_max: Duration,
    /// What to do on a status, by its name (`ESME_RINVDSTADR`) or its code in hex (`0x00000413`), instead of the
    /// built-in table. Default none.
    pub status: BTreeMap<String, StatusAction>,

    /// How a text longer than one segment is sent. Default `udh8`.
    pub long_message: LongMessage,
    /// Segments that a text may make with this carrier, 1 to 255. `None`: `outbox.max_segments`.
    pub max_segments: Option<u8>,
    /// What the carrier means by `data_coding` 0, both ways. Default `gsm7`.
    pub default_alphabet: DefaultAlphabet,
    /// Whether look-alikes replace what GSM-7 lacks where that keeps a text in GSM-7; a message may say otherwise.
    /// Default false.
    pub smart: bool,
    /// National tables that its handsets know, used where they make a message shorter. Default none.
    pub shift_tables: NationalTables,
    /// Whether what a reader takes for one character stays in one segment. Default false.
    pub whole_graphemes: bool,
    /// By which `data_coding` it knows a flash message. Default `general`.
    pub flash_coding: FlashCoding,
    /// `service_type`, at most 5 characters. Default empty.
    pub service_type: String,
    /// TON and NPI of our addresses, by their kind.
    pub source: Numbering,
    /// TON and NPI of the handsets' addresses, by their kind.
    pub destination: Numbering,
    /// How a validity period is written. Default `relative`.
    pub validity_format: ValidityFormat,
    /// The longest validity the carrier takes; a longer one is cut to it. Default 7 days.
    #[serde(with = "unit::duration")]
    pub max_validity: Duration,
    /// Whether `user_message_reference` is sent; it settles doubts. Default true.
    pub reference_tlv: bool,

    /// Which segments of a long text get a receipt. Default `learned`.
    pub segment_receipts: SegmentReceipts,
    /// How the id in a receipt relates to the id in the answer. Default `learned`.
    pub receipt_id: ReceiptId,
    /// The zone of the dates in its receipts. Default UTC.
    pub time_zone: Zone,
    /// What a deliver_sm is answered while we cannot store it; one that the carrier tries again after. Default
    /// `ESME_RTHROTTLED`.
    pub busy_status: BusyStatus,
}

/// What a carrier speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// SMPP 3.4 or 5.0.
    #[default]
    Smpp,
    /// The RCS business messaging API, version 1.
    Rbm,
}

/// Which bind a carrier gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindMode {
    /// Both ways over one link.
    #[default]
    Transceiver,
    /// Towards the handsets only.
    Transmitter,
    /// From the handsets only.
    Receiver,
    /// A transmitter and a receiver each.
    Pair,
}

/// The version of SMPP shown in the bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InterfaceVersion {
    /// 0x34.
    #[default]
    #[serde(rename = "3.4")]
    V3_4,
    /// 0x50.
    #[serde(rename = "5.0")]
    V5_0,
}

/// How a text longer than one segment is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongMessage {
    /// A user data header with an 8-bit reference (3GPP TS 23.040 §9.2.3.24.1).
    #[default]
    Udh8,
    /// A user data header with a 16-bit reference (3GPP TS 23.040 §9.2.3.24.8).
    Udh16,
    /// The `sar_*` TLVs.
    Sar,
    /// Whole, in `message_payload`; the carrier splits it.
    Payload,
}

/// Which segments of a long text get a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentReceipts {
    /// Seen from what comes.
    #[default]
    Learned,
    /// Every one.
    Each,
    /// The first, for all.
    First,
    /// The last, for all.
    Last,
}

/// How the id in a receipt relates to the id in the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptId {
    /// Seen from what comes.
    #[default]
    Learned,
    /// The same.
    AsIs,
    /// Hex in the answer, decimal in the receipt.
    HexToDecimal,
    /// Decimal in the answer, hex in the receipt.
    DecimalToHex,
}

/// How a validity period is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidityFormat {
    /// A span from now (SMPP 3.4 §7.1.1.2).
    #[default]
    Relative,
    /// A time of day with its quarter hours from UTC (SMPP 3.4 §7.1.1.1).
    Absolute,
}

/// What a deliver_sm is answered while it cannot be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BusyStatus {
    /// 0x58.
    #[default]
    #[serde(rename = "ESME_RTHROTTLED")]
    Throttled,
    /// 0x08.
    #[serde(rename = "ESME_RSYSERR")]
    SystemError,
}

/// What to do on a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusAction {
    /// Try again with this carrier, later.
    Retry,
    /// Go on to the next step of the route.
    Next,
    /// The message has failed.
    Final,
    /// Slow down and try again; it burns no try.
    Throttle,
}

/// TON and NPI by the kind of address (SMPP 3.4 §5.2.5, §5.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Numbering {
    /// Of a number in E.164. Default TON 1, NPI 1.
    pub international: TonNpi,
    /// Of a short code. Default TON 3, NPI 0.
    pub short_code: TonNpi,
    /// Of a name. Default TON 5, NPI 0.
    pub alphanumeric: TonNpi,
}

/// A type of number and a numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TonNpi {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan indicator.
    pub npi: u8,
}

impl Numbering {
    /// TON and NPI of a kind.
    pub const fn of(&self, kind: AddressKind) -> TonNpi {
        match kind {
            AddressKind::International => self.international,
            AddressKind::ShortCode => self.short_code,
            AddressKind::Alphanumeric => self.alphanumeric,
        }
    }
}

impl Default for Numbering {
    fn default() -> Self {
        Self {
            international: TonNpi { ton: 1, npi: 1 },
            short_code: TonNpi { ton: 3, npi: 0 },
            alphanumeric: TonNpi { ton: 5, npi: 0 },
        }
    }
}

impl Default for CarrierConfig {
    fn default() -> Self {
        Self {
            protocol: Protocol::Smpp,
            host: String::new(),
            port: 2775,
            system_id: String::new(),
            password: Secret::default(),
            password_file: None,
            password_credential: None,
            system_type: String::new(),
            address_range: String::new(),
            tls: true,
            insecure_plaintext: false,
            tls_ca_file: None,
            tls_server_name: None,
            client_cert_file: None,
            client_key_file: None,
            bind_mode: BindMode::Transceiver,
            binds: 1,
            window: 100,
            throughput: 0,
            interface_version: InterfaceVersion::V3_4,
            connect_timeout: Duration::from_secs(10),
            bind_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            enquire_link_interval: Duration::from_secs(30),
            reconnect_min: Duration::from_secs(1),
            reconnect_max: Duration::from_secs(60),
            doubt_hold: None,
            max_tries: 5,
            retry_min: Duration::from_secs(5),
            retry_max: Duration::from_mins(10),
            status: BTreeMap::new(),
            long_message: LongMessage::Udh8,
            max_segments: None,
            default_alphabet: DefaultAlphabet::Gsm7,
            smart: false,
            shift_tables: NationalTables::default(),
            whole_graphemes: false,
            flash_coding: FlashCoding::General,
            service_type: String::new(),
            source: Numbering::default(),
            destination: Numbering::default(),
            validity_format: ValidityFormat::Relative,
            max_validity: Duration::from_hours(7 * 24),
            reference_tlv: true,
            segment_receipts: SegmentReceipts::Learned,
            receipt_id: ReceiptId::Learned,
            time_zone: Zone::default(),
            busy_status: BusyStatus::Throttled,
        }
    }
}
