//! `[carrier.ID]` with `protocol = "rbm"`: an agent of the RCS business messaging API.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Protocol, Secret, unit};

/// An agent: who it is, how it signs in, how fast, and what it believes of handsets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RbmConfig {
    /// `rbm`.
    pub protocol: Protocol,
    /// The agent's id, as the console shows it. Required.
    pub agent_id: String,
    /// Which of the platform's hosts: the nearest is the fastest, and look-ups of many numbers want that of the numbers'
    /// own region. Default `global`.
    pub region: RbmRegion,
    /// Another base of the API than the region's, e.g. that of a simulator. `None`: the region's.
    pub api_base: Option<String>,
    /// Allows an `api_base` of http beyond loopback. Default false.
    pub insecure_plaintext: bool,
    /// The service account's key file, as the console issues it (JSON). Set by loading, from whichever of the three forms
    /// was given. Required.
    pub service_account: Secret,
    /// A file that holds it.
    pub service_account_file: Option<PathBuf>,
    /// The name of a systemd credential that holds it.
    pub service_account_credential: Option<String>,
    /// The client token that webhooks are signed with. Set by loading; without it nothing is heard of messages and users.
    pub client_token: Secret,
    /// A file that holds the client token.
    pub client_token_file: Option<PathBuf>,
    /// The name of a systemd credential that holds the client token.
    pub client_token_credential: Option<String>,
    /// The client token before, while it is changed: believed too.
    pub previous_client_token: Secret,
    /// A file that holds the client token before.
    pub previous_client_token_file: Option<PathBuf>,
    /// The name of a systemd credential that holds the client token before.
    pub previous_client_token_credential: Option<String>,

    /// Our number that stands for the agent: what users say by RCS comes to it as what they text it by SMS, and STOP is the
    /// same. `None`: of what they say only STOP and its like are heard, as of every brand.
    pub address: Option<String>,

    /// Requests under way at once, 1 to 5000. Default 100.
    pub window: u16,
    /// Messages a second. 0, the default, is as fast as the platform takes them.
    pub throughput: u32,
    /// How long the connection may take to stand, TLS included. Default 10 s.
    #[serde(with = "unit::duration")]
    pub connect_timeout: Duration,
    /// How long an answer may take before the request is sent again. Default 10 s.
    #[serde(with = "unit::duration")]
    pub response_timeout: Duration,
    /// Tries of a request while its failures are temporary, 1 to 100; all with one id. Default 4.
    pub max_tries: u32,
    /// The pause before the second try; it doubles each time, and is longer where the platform asks for it. Default 500 ms.
    #[serde(with = "unit::duration")]
    pub retry_min: Duration,
    /// The longest pause between tries. Default 10 s.
    #[serde(with = "unit::duration")]
    pub retry_max: Duration,

    /// What the numbers begin with that may have RCS, country code first; others are never asked for. Default any.
    pub prefixes: Vec<String>,
    /// What the numbers begin with that have no RCS: a country, or a carrier's block. Default none.
    pub without_rcs: Vec<String>,
    /// Carriers whose users are sent no RCS, by the names that the platform gives them (numbers of the United States only).
    /// Default none.
    pub skip_carriers: Vec<String>,
    /// How long a handset that could be reached is believed to be so. Default 4 h.
    #[serde(with = "unit::duration")]
    pub reachable_for: Duration,
    /// How long one that could not be reached is left alone. Default 1 h.
    #[serde(with = "unit::duration")]
    pub unreachable_for: Duration,
    /// Handsets that are remembered, 1000 to 10000000. Default 1000000, of about 400 bytes each.
    pub remembered: u32,
    /// How long a message that not every handset can show waits to learn what its own can; then it is sent as it is. Offers
    /// never wait. 0 asks nobody. Default 500 ms.
    #[serde(with = "unit::duration")]
    pub look_up_timeout: Duration,
}

/// Which of the platform's hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RbmRegion {
    /// Wherever the platform answers.
    #[default]
    Global,
    /// The United States.
    UnitedStates,
    /// Europe.
    Europe,
    /// Asia.
    Asia,
}

impl Default for RbmConfig {
    fn default() -> Self {
        Self {
            protocol: Protocol::Rbm,
            agent_id: String::new(),
            region: RbmRegion::default(),
            api_base: None,
            insecure_plaintext: false,
            service_account: Secret::default(),
            service_account_file: None,
            service_account_credential: None,
            client_token: Secret::default(),
            client_token_file: None,
            client_token_credential: None,
            previous_client_token: Secret::default(),
            previous_client_token_file: None,
            previous_client_token_credential: None,
            address: None,
            window: 100,
            throughput: 0,
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(10),
            max_tries: 4,
            retry_min: Duration::from_millis(500),
            retry_max: Duration::from_secs(10),
            prefixes: Vec::new(),
            without_rcs: Vec::new(),
            skip_carriers: Vec::new(),
            reachable_for: Duration::from_hours(4),
            unreachable_for: Duration::from_hours(1),
            remembered: 1_000_000,
            look_up_timeout: Duration::from_millis(500),
        }
    }
}

impl RbmConfig {
    /// The base of the API: the one that was given, or the region's.
    pub fn base(&self) -> &str {
        let region = match self.region {
            RbmRegion::Global => araldo_rcs::Region::Global,
            RbmRegion::UnitedStates => araldo_rcs::Region::UnitedStates,
            RbmRegion::Europe => araldo_rcs::Region::Europe,
            RbmRegion::Asia => araldo_rcs::Region::Asia,
        };
        self.api_base.as_deref().unwrap_or(region.base())
    }
}

/// In a file all carriers are tables of `carrier`, whatever they speak. Here those of `rbm` are put apart, since their keys
/// are others.
pub(super) fn split(tree: &mut Json) {
    let Some(Json::Object(carriers)) = tree.get_mut("carrier") else {
        return;
    };
    let is_rbm = |table: &Json| table["protocol"] == "rbm";
    let ids: Vec<String> = carriers
        .iter()
        .filter(|(_, table)| is_rbm(table))
        .map(|(id, _)| id.clone())
        .collect();
    let apart: serde_json::Map<_, _> = ids.into_iter().filter_map(|id| carriers.remove_entry(&id)).collect();
    tree["rbm"] = Json::Object(apart);
}

/// The other way: as a file has it.
pub(super) fn join(tree: &mut Json) {
    let apart = tree.as_object_mut().and_then(|sections| sections.remove("rbm"));
    if let (Some(Json::Object(apart)), Some(Json::Object(carriers))) = (apart, tree.get_mut("carrier")) {
        carriers.extend(apart);
    }
}
