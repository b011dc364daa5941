//! What the demo is set up with: the daemon's configuration, the phones, a home for the files.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

use super::account::COMMANDS;
use super::bank::Bank;
use super::carrier::{PASSWORD, SYSTEM_ID, SimulatedCarrier};
use super::platform::{PLATFORM, Platform, WAIT};
use super::port::Ports;
use super::story;
use crate::clock;
use crate::command::Catalogue;
use crate::command::catalogue::{self, Action, Authorisation};
use crate::config::{
    AddressConfig, CarrierConfig, ClientConfig, ClientWebhookConfig, Config, EventConfig, HttpConfig, ListenConfig,
    OutboxConfig, RouteConfig, Scope, Secret, StepCarrier, StepConfig, StoreConfig, TemplateConfig, TemplatesConfig,
    WebhookConfig,
};
use crate::domain::{Name, SenderId};
use crate::notify::shipped;

/// A virtual phone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phone {
    /// Whose it is.
    pub(super) name: &'static str,
    /// Its number in E.164, without plus.
    pub(super) number: &'static str,
    /// The same for people.
    pub(super) pretty: &'static str,
}

/// The phones. The last two numbers are of ranges that the regulators keep for fiction.
pub(super) const PHONES: [Phone; 3] = [
    Phone {
        name: "Giulia",
        number: "393475550199",
        pretty: "+39 347 555 0199",
    },
    Phone {
        name: "Tom",
        number: "447700900321",
        pretty: "+44 7700 900321",
    },
    Phone {
        name: "Amélie",
        number: "33639981234",
        pretty: "+33 6 39 98 12 34",
    },
];

/// The one client of the API.
pub(super) const CLIENT: &str = "bank";

/// Where the phones text to.
pub(super) const SHORT_CODE: &str = "48400";
/// Who sends.
pub(super) const SENDERS: [&str; 5] = ["BancaAurea", "NorthBank", "CorriereVia", "LumenTel", SHORT_CODE];
/// A number that the carriers do not know.
pub(super) const UNKNOWN_NUMBER: &str = "393990000000";

/// The directory of the database.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    temporary: bool,
}

impl Home {
    /// A directory of one's own, or the one given.
    pub(super) fn make(keep: Option<&Path>) -> anyhow::Result<Self> {
        let (path, temporary) = match keep {
            Some(path) => (path.to_owned(), false),
            None => {
                let random = hex::encode(&clock::secret_bits()[..6]);
                (std::env::temp_dir().join(format!("araldo-demo-{random}")), true)
            }
        };
        // What a message says is nobody else's business.
        let made = DirBuilder::new().mode(0o700).recursive(!temporary).create(&path);
        made.with_context(|| format!("{}: the directory cannot be made", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("{}: cannot be used", path.display()))?;
        Ok(Self { path, temporary })
    }

    /// Removes the directory, where it was temporary.
    pub(super) fn leave(self) {
        drop(self);
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(event = "demo_home_left", path = %self.path.display(), %error);
        }
    }
}

/// What the bank is told: how its messages ended or where they stand in doubt, and what customers text.
const TOLD: [&str; 7] = [
    "message.delivered",
    "message.undelivered",
    "message.failed",
    "message.expired",
    "message.uncertain",
    "message.unconfirmed",
    "inbound.received",
];

/// The rules that come with the daemon and those of the demo, and their templates.
#[derive(Deserialize)]
struct Rules {
    templates: TemplatesConfig,
    event: BTreeMap<Name, EventConfig>,
    template: BTreeMap<Name, TemplateConfig>,
}

impl Rules {
    /// Reads the rules, and writes the templates where the daemon finds them.
    fn unpack(home: &Home) -> anyhow::Result<Self> {
        let file = |text| config::File::from_str(text, config::FileFormat::Toml);
        let both = config::Config::builder()
            .add_source(file(shipped::RULES))
            .add_source(file(story::RULES));
        let mut rules: Self = both.build()?.try_deserialize()?;
        let dir = home.path.join("templates");
        fs::create_dir_all(&dir).with_context(|| format!("{}: cannot be made", dir.display()))?;
        for (name, text) in shipped::templates().into_iter().chain(story::templates()) {
            let path = dir.join(&*name);
            fs::write(&path, text).with_context(|| format!("{}: cannot be written", path.display()))?;
        }
        rules.templates.dir = Some(dir);
        Ok(rules)
    }
}

/// The daemon's configuration: one client, told by webhook, the shipped events, two carriers, an agent of RCS, and two
/// routes: the bank's own messages go by RCS first and by SMS next, all others by SMS.
///
/// Patience is short, so that a person sees fail-over within seconds.
pub(super) fn config(
    home: &Home,
    ports: &Ports,
    key: &str,
    (carriers, platform): (&[SimulatedCarrier], &Platform),
    bank: &Bank,
) -> anyhow::Result<Config> {
    let rules = Rules::unpack(home)?;
    let commands = commands(home, bank)?;
    let database = home.path.join("araldo.db");
    let database = database.to_str().context("the directory's name is not UTF-8")?;
    let client = ClientConfig {
        key: Secret::new(key),
        scopes: vec![Scope::Send, Scope::Read, Scope::Inbound, Scope::Events],
        default_sender: Some(SenderId::parse(SENDERS[0])?),
        webhook: Some(ClientWebhookConfig {
            url: bank.url(),
            secret: Secret::new(bank.secret()),
            events: TOLD.map(str::to_owned).to_vec(),
            ..ClientWebhookConfig::default()
        }),
        ..ClientConfig::default()
    };
    let carriers = carriers
        .iter()
        .map(|carrier| Ok((Name::parse(carrier.name())?, link(carrier))));
    let ours = AddressConfig {
        client: Some(Name::parse(CLIENT)?),
        ..AddressConfig::default()
    };
    Ok(Config {
        state_dir: home.path.clone(),
        store: StoreConfig {
            url: format!("sqlite://{database}"),
            // A laptop's disk may be rather full, and nobody's money hangs on this.
            min_free_bytes: 16 << 20,
            reserve_bytes: 0,
            ..StoreConfig::default()
        },
        http: HttpConfig {
            api: ListenConfig::loopback(ports.api),
            admin: ListenConfig::loopback(ports.page),
            ..HttpConfig::default()
        },
        client: BTreeMap::from([(Name::parse(CLIENT)?, client)]),
        carrier: carriers.collect::<anyhow::Result<_>>()?,
        rbm: BTreeMap::from([(Name::parse(PLATFORM)?, platform.config())]),
        route: routes()?,
        outbox: OutboxConfig {
            doubt_hold: Duration::from_secs(3),
            drain_timeout: Duration::from_secs(3),
            ..OutboxConfig::default()
        },
        address: BTreeMap::from([(SHORT_CODE.to_owned(), ours)]),
        webhook: WebhookConfig {
            allow_networks: vec!["127.0.0.0/8".parse()?],
            max_pause: Duration::from_secs(10),
            ..WebhookConfig::default()
        },
        templates: rules.templates,
        event: rules.event,
        template: rules.template,
        command: commands,
        ..Config::default()
    })
}

/// The routes. The first step by SMS is shared by weight. Then each carrier has a step of its own, so that a message that
/// one refuses is taken by the other; the last is for whoever is there, since a step whose carrier is down is served by
/// the next one's.
fn routes() -> anyhow::Result<BTreeMap<Name, RouteConfig>> {
    let step = |wait: Option<Duration>, carriers: &[(&str, u32)]| {
        let carriers = carriers.iter().map(|(id, weight)| {
            let id = Name::parse(id)?;
            Ok(StepCarrier { id, weight: *weight })
        });
        let carriers = carriers.collect::<anyhow::Result<_>>()?;
        anyhow::Ok(StepConfig { carriers, wait })
    };
    let by_sms = vec![
        step(None, &[("aurora", 3), ("borea", 2)])?,
        step(None, &[("borea", 1)])?,
        step(None, &[("aurora", 1)])?,
        step(None, &[("aurora", 1), ("borea", 1)])?,
    ];
    let by_rcs_first = std::iter::once(step(Some(WAIT), &[(PLATFORM, 1)])?).chain(by_sms.clone());
    let route = |senders: &[&str], steps| RouteConfig {
        senders: senders.iter().map(|sender| (*sender).to_owned()).collect(),
        steps,
        failover_after: Duration::from_secs(2),
        failover_after_urgent: Duration::from_millis(500),
        ..RouteConfig::default()
    };
    Ok(BTreeMap::from([
        (
            Name::parse("bank")?,
            route(&[SENDERS[0], SHORT_CODE], by_rcs_first.collect()),
        ),
        (Name::parse("everywhere")?, route(&[], by_sms)),
    ]))
}

/// The shipped catalogue and the demo's own commands, their actions done by the bank. The phones are the bank's own: none need be verified.
fn commands(home: &Home, bank: &Bank) -> anyhow::Result<Catalogue> {
    let secret = home.path.join("action.whsec");
    fs::write(&secret, bank.secret()).with_context(|| format!("{}: cannot be written", secret.display()))?;
    let (url, status_url) = bank.action_urls();
    let mut catalogue = catalogue::shipped();
    catalogue.extend(catalogue::read(story::COMMANDS)?);
    for name in COMMANDS {
        let command = catalogue.get_mut(name).with_context(|| format!("no command {name}"))?;
        command.authorisation = Authorisation::None;
        command.action = Some(Action {
            url: url.clone(),
            status_url: Some(status_url.clone()),
            secret_file: Some(secret.to_string_lossy().into_owned()),
            timeout: Duration::from_secs(5),
            late_after: Duration::from_secs(2),
            retries: 10,
            ..Action::default()
        });
    }
    Ok(catalogue)
}

fn link(carrier: &SimulatedCarrier) -> CarrierConfig {
    let addr = carrier.addr();
    CarrierConfig {
        host: addr.ip().to_string(),
        port: addr.port(),
        system_id: SYSTEM_ID.to_owned(),
        password: Secret::new(PASSWORD),
        tls: false,
        insecure_plaintext: true,
        window: carrier.window(),
        throughput: 50,
        response_timeout: Duration::from_secs(4),
        reconnect_min: Duration::from_millis(300),
        reconnect_max: Duration::from_secs(2),
        retry_min: Duration::from_millis(500),
        retry_max: Duration::from_secs(5),
        ..CarrierConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_home_is_gone_at_the_end_and_a_kept_one_stays() {
        let temporary = Home::make(None).unwrap();
        let path = temporary.path.clone();
        assert!(path.is_dir());
        temporary.leave();
        assert!(!path.exists());

        let dir = tempfile::tempdir().unwrap();
        let kept = dir.path().join("deep/down");
        Home::make(Some(&kept)).unwrap().leave();
        assert!(kept.is_dir());
    }
}
