//! The catalogue made ready: the matcher, the words, what is called, and in whose name customers are answered. Built once;
//! another catalogue is another book.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use minijinja::value::{Serde, Value};
use serde_json::{Map, Value as Json};

use crate::accept::Client;
use crate::backend::Keys;
use crate::care::{BadCalendar, Desk};
use crate::command::catalogue::{Action, Localised, Method, missing};
use crate::command::{Catalogue, Command, Locale, Matcher};
use crate::config::{ClientConfig, Config, ConfigError, Origins, Problem};
use crate::dialogue;
use crate::domain::{Name, Region, UnixMillis, bare};
use crate::notify::{Rendered, Templates};

/// The catalogue in use: whoever begins something takes it as it stands and keeps it to the end.
pub type Shelf = ArcSwap<Book>;

/// A catalogue ready for use.
pub struct Book {
    commands: Catalogue,
    /// What knows what is asked for. It learns when it is first needed, which takes a moment.
    matcher: OnceLock<Matcher>,
    templates: Templates,
    calls: HashMap<Name, Arc<Call>>,
    clients: HashMap<Name, Arc<Client>>,
    /// By our addresses, without plus.
    addresses: HashMap<Box<str>, Address>,
    /// The only client, where there is one alone.
    only: Option<Arc<Client>>,
    zone: TimeZone,
    /// The people who answer what no machine should.
    desk: Desk,
    /// The country of numbers that are written without its code.
    home: Region,
    /// Whether carriers are asked for receipts of what is said.
    receipts: bool,
}

struct Address {
    client: Option<Name>,
    locale: Option<Locale>,
}

/// What a command calls.
#[derive(Debug)]
pub struct Call {
    /// The URL.
    pub url: Box<str>,
    /// The method.
    pub method: Method,
    /// How long one call may take.
    pub timeout: Duration,
    /// Tries beyond the first.
    pub retries: u16,
    /// What signs it.
    pub keys: Option<Keys>,
    /// Whether a call whose outcome is not known may be made again.
    pub idempotent: bool,
    /// Where is asked what became of a call.
    pub status_url: Option<Box<str>>,
    /// After how long the customer is told that it takes long.
    pub late_after: Duration,
}

/// Why a catalogue cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// A template of ours or of the catalogue.
    #[error("{key}: {told}")]
    Template {
        /// Its key.
        key: String,
        /// What is wrong.
        told: String,
    },
    /// The secret of an action.
    #[error("command.{command}.action.secret_file: {}: {told}", path.display())]
    Secret {
        /// The command.
        command: Name,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        told: String,
    },
    /// When people are there.
    #[error("care: {0}")]
    Care(#[from] BadCalendar),
}

impl Book {
    /// Makes the catalogue of a configuration ready.
    pub fn new(config: &Config) -> Result<Self, BookError> {
        let zone = TimeZone::get(&config.templates.time_zone).unwrap_or(TimeZone::UTC);
        let default = config
            .templates
            .locale
            .parse()
            .unwrap_or_else(|_| crate::notify::Locale::english());
        let mut templates = Templates::new(default, &zone, config.templates.fuel);
        let mut words = dialogue::shipped();
        for (key, texts) in &config.two_way.words {
            words.entry(key.clone()).or_default().extend(texts.clone());
        }
        for (key, texts) in &words {
            add(&mut templates, &format!("two_way.words.{key}"), say_name(key), texts)?;
        }
        let mut calls = HashMap::new();
        for (name, command) in &config.command {
            for (outcome, texts) in &command.replies {
                let key = format!("command.{name}.replies.{outcome}");
                add(&mut templates, &key, reply_name(name, outcome), texts)?;
            }
            if let Some(action) = &command.action {
                calls.insert(name.clone(), Arc::new(Call::new(name, command, action)?));
            }
        }
        let clients: HashMap<Name, Arc<Client>> = config
            .client
            .iter()
            .map(|(name, client)| (name.clone(), Arc::new(answering(name, client))))
            .collect();
        let only = clients.values().next().filter(|_| clients.len() == 1).cloned();
        let addresses = config.address.iter().map(|(address, config)| {
            let kept = Address {
                client: config.client.clone(),
                locale: config.locale,
            };
            (bare(address).into(), kept)
        });
        Ok(Self {
            commands: config.command.clone(),
            matcher: OnceLock::new(),
            templates,
            calls,
            clients,
            addresses: addresses.collect(),
            only,
            zone,
            desk: Desk::new(&config.care)?,
            home: Region::parse(&config.two_way.country).unwrap_or_else(Region::home),
            receipts: config.two_way.receipts,
        })
    }

    /// The same, with whatever is wrong told as of the configuration.
    pub fn load(config: &Config, origins: &Origins) -> Result<Self, ConfigError> {
        Self::new(config).map_err(|error| {
            let (key, cause) = match error {
                BookError::Template { key, told } => (key, told),
                BookError::Secret { command, path, told } => {
                    let key = format!("command.{command}.action.secret_file");
                    (key, format!("{}: {told}", path.display()))
                }
                BookError::Care(error) => ("care".to_owned(), error.to_string()),
            };
            let place = origins.place(&key).cloned();
            ConfigError::Invalid(vec![Problem::new(key, cause).at(place)])
        })
    }

    /// The people who answer what no machine should.
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Whether carriers are asked for receipts of what is said.
    pub const fn receipts(&self) -> bool {
        self.receipts
    }

    /// Whether there is nothing that anybody could ask for.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// What knows what is asked for. The first call learns the catalogue: up to a second.
    pub fn matcher(&self) -> &Matcher {
        let learn = || Matcher::new(&self.commands).at_home_in(self.home);
        self.matcher.get_or_init(learn)
    }

    /// A command by its name.
    pub fn command(&self, name: &Name) -> Option<&Command> {
        self.commands.get(name)
    }

    /// The command that has a reply to HELP.
    pub fn help(&self) -> Option<&Name> {
        let mut commands = self.commands.iter();
        commands.find_map(|(name, command)| command.replies_to_help().then_some(name))
    }

    /// Whether commands are heard on this address: on those of the configuration, or on any if it has none.
    pub fn listens_on(&self, address: &str) -> bool {
        self.addresses.is_empty() || self.addresses.contains_key(bare(address))
    }

    /// Whether the address is one of ours.
    pub fn is_ours(&self, address: &str) -> bool {
        self.addresses.contains_key(bare(address))
    }

    /// The language of an address.
    pub fn locale_of(&self, address: &str) -> Option<Locale> {
        self.addresses.get(bare(address))?.locale
    }

    /// In whose name is answered what came to an address, by a command or by none.
    pub fn client(&self, address: &str, command: Option<&Name>) -> Option<&Arc<Client>> {
        let by_command = command.and_then(|name| self.command(name)?.client.as_ref());
        let by_address = || self.addresses.get(bare(address))?.client.as_ref();
        match by_command.or_else(by_address) {
            Some(name) => self.clients.get(name),
            None => self.only.as_ref(),
        }
    }

    /// A client by its name.
    pub fn named(&self, client: &Name) -> Option<&Arc<Client>> {
        self.clients.get(client)
    }

    /// What a command calls.
    pub fn call(&self, command: &Name) -> Option<&Arc<Call>> {
        self.calls.get(command)
    }

    /// The customers' day.
    pub fn day(&self, now: UnixMillis) -> Date {
        now.timestamp().to_zoned(self.zone.clone()).date()
    }

    /// What a command is called.
    pub fn called(&self, command: &Name, locale: Locale) -> String {
        let called = self.command(command).and_then(|command| command.called(locale));
        called.unwrap_or(command.as_str()).to_owned()
    }

    /// One of our own texts.
    pub(super) fn words(&self, key: &str, locale: Locale, vars: &Map<String, Json>) -> Option<Rendered> {
        self.render(&say_name(key), locale, vars)
    }

    /// The reply of a command to an outcome; `None` where it has none, or none that these values fill.
    pub(super) fn reply(
        &self,
        command: &Name,
        outcome: &str,
        locale: Locale,
        vars: &Map<String, Json>,
    ) -> Option<Rendered> {
        let texts = &self.command(command)?.replies;
        texts.get(outcome)?;
        let rendered = self.render(&reply_name(command, outcome), locale, vars);
        if rendered.is_none() {
            let template = texts.get(outcome).and_then(|texts| texts.get(&locale));
            let missing = template
                .map_or_else(Vec::new, |template| missing(template, vars))
                .join(", ");
            tracing::error!(
                event = "reply_failed", %command, outcome, locale = locale.code(), missing,
                "the template uses what the answer does not have, or a link; the customer gets our own words"
            );
        }
        rendered
    }

    fn render(&self, name: &str, locale: Locale, vars: &Map<String, Json>) -> Option<Rendered> {
        let locale = locale.code().parse().ok();
        let context = vars
            .iter()
            .map(|(name, value)| (Arc::from(name.as_str()), Value::from(Serde(value))))
            .collect();
        self.templates.render(name, locale.as_ref(), &context).ok()
    }
}

impl Call {
    fn new(name: &Name, command: &Command, action: &Action) -> Result<Self, BookError> {
        let wrong = |path: &str, told: String| BookError::Secret {
            command: name.clone(),
            path: path.into(),
            told,
        };
        let keys = match &action.secret_file {
            None => None,
            Some(path) => {
                let secret = std::fs::read_to_string(path).map_err(|error| wrong(path, error.to_string()))?;
                Some(Keys::new([secret.trim()]).map_err(|error| wrong(path, error.to_string()))?)
            }
        };
        Ok(Self {
            url: action.url.as_str().into(),
            method: action.method,
            timeout: action.timeout,
            retries: action.retries.into(),
            keys,
            idempotent: action.idempotent.unwrap_or(!command.money),
            status_url: action.status_url.as_deref().map(Into::into),
            late_after: action.late_after,
        })
    }
}

fn add(templates: &mut Templates, key: &str, name: String, texts: &Localised<String>) -> Result<(), BookError> {
    let wrong = |told| BookError::Template {
        key: key.to_owned(),
        told,
    };
    let name = Name::parse(&name).map_err(|error| wrong(error.to_string()))?;
    for (locale, source) in texts {
        templates.add_text(&name, locale.code(), source).map_err(wrong)?;
    }
    Ok(())
}

fn say_name(key: &str) -> String {
    format!("say-{key}")
}

fn reply_name(command: &Name, outcome: &str) -> String {
    format!("reply-{command}-{outcome}")
}

/// The client as customers are answered in its name: from the very address to which they wrote.
fn answering(name: &Name, config: &ClientConfig) -> Client {
    let config = ClientConfig {
        senders: Vec::new(),
        ..config.clone()
    };
    Client::new(name, &config, &Default::default())
}
