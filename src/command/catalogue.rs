//! The catalogue: what customers may ask for. `[command.ID]` tables, which an operator adds and changes without code.

mod lint;
mod reply;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use lint::{Fault, lint};
pub(crate) use reply::missing;

use super::Locale;
use super::slot::currency_in;
use crate::domain::{Name, Region};

/// The catalogue that Araldo ships with, as TOML: `config/commands.toml`.
pub const SHIPPED: &str = include_str!("../../config/commands.toml");

/// A text in several languages.
pub type Localised<T> = BTreeMap<Locale, T>;

/// Every command, by its id.
pub type Catalogue = BTreeMap<Name, Command>;

/// One thing that a customer may ask for by text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Command {
    /// What a question back calls it. The locales of the titles are those that customers are answered in.
    pub title: Localised<String>,
    /// In whose name it answers; `None`: the client whose address the text came to, or else the only one.
    pub client: Option<Name>,
    /// Our addresses that it listens on; empty is all.
    pub addresses: Vec<String>,
    /// Words or short phrases that ask for it, alone or with what fills a slot behind them.
    pub keywords: Localised<Vec<String>>,
    /// Sentences that ask for it; the matcher learns from them. Alternatives in round brackets: `(a|b|) c`.
    pub examples: Localised<Vec<String>>,
    /// What it says to a pending question; it is looked for only while one waits. `None`: a command of its own.
    pub answers: Option<AnswerKind>,
    /// A consent word (STOP, START, HELP): obeyed before all else, and never limited.
    pub consent: Option<Consent>,
    /// Acting on it moves money.
    pub money: bool,
    /// Acting on a wrong guess harms the customer.
    pub sensitive: bool,
    /// What it says and does is the customer's own: it is for certified numbers alone.
    pub personal: bool,
    /// Who may ask for it.
    pub authorisation: Authorisation,
    /// The profile that the customer must have, as the client gave it when the number was certified. `None` is any.
    pub profile: Option<Name>,
    /// What is asked before it is acted on.
    pub confirmation: Confirmation,
    /// How often, and for how much.
    pub limits: Limits,
    /// What it carries, by name.
    pub slots: BTreeMap<String, Slot>,
    /// Whether a person does it, where nothing is called: a case is opened, and the customer told until when. Default
    /// `false`.
    pub case: bool,
    /// What is called; `None`: the daemon itself knows what to do, or a person does.
    pub action: Option<Action>,
    /// What is answered, by outcome: a template a locale, or one for all, with `slots.…`, what is in the answer's `vars`,
    /// and `text`, the answer itself where it is plain text.
    #[serde(alias = "reply", deserialize_with = "replies")]
    pub replies: BTreeMap<String, Localised<String>>,
    /// Segments that a reply may make, 1 to 10. Default 2.
    pub max_segments: u8,
}

/// What may be said to a pending question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// Yes.
    Yes,
    /// No.
    No,
    /// A score.
    Score,
}

/// What a consent word does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Takes the consent back.
    Stop,
    /// Gives it again.
    Start,
    /// Says who writes, and how to stop.
    Help,
}

/// Who may ask for a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authorisation {
    /// Anyone.
    #[default]
    None,
    /// A number that has been certified for a customer.
    Certified,
    /// One that has been certified for a customer with the command's profile.
    Profile,
}

/// What is asked before a command is acted on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// Nothing.
    #[default]
    None,
    /// Yes or no.
    Yes,
    /// A single-use code, sent to the number.
    Code,
}

/// How often a command may be asked for, and for how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Times a number may ask in an hour, 1 to 1000. Default 20.
    pub number_per_hour: u32,
    /// Times all numbers together may ask in a minute; 0 is no limit, the default.
    pub command_per_minute: u32,
    /// The sum that a number may move in a day, such as "500.00"; `None` is no limit.
    pub value_per_day: Option<Literal>,
}

/// A value that a command carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Slot {
    /// What kind of value.
    #[serde(rename = "type")]
    pub kind: SlotKind,
    /// Asked for where it is missing.
    pub required: bool,
    /// The least value of a `money` or `count`.
    pub min: Option<Literal>,
    /// The greatest value of a `money` or `count`.
    pub max: Option<Literal>,
    /// The currency of a `money`, by ISO 4217: sums in another are not taken. Default: where money is moved, or a day has a
    /// limit, that of `two_way.country`; elsewhere any.
    pub currency: Option<String>,
    /// The values of a `choice`, each with the words that mean it.
    pub values: BTreeMap<String, Vec<String>>,
    /// The value where none is given.
    pub default: Option<Literal>,
    /// The question for it.
    pub prompt: Localised<String>,
}

/// The kinds of value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotKind {
    /// A sum, with its currency if said.
    Money,
    /// A phone number.
    Msisdn,
    /// The last four digits of a card.
    #[serde(rename = "card_last4")]
    CardLast4,
    /// A day.
    Date,
    /// How many.
    Count,
    /// One of some.
    Choice,
    /// The number of a case.
    CaseId,
    /// The rest of the text as it is.
    #[default]
    Text,
    /// A language.
    Lang,
}

/// What a command calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Action {
    /// How it is called. `http`, the only one.
    pub kind: ActionKind,
    /// A fixed URL; nothing of a text ever becomes part of it.
    pub url: String,
    /// POST or PUT. Default POST.
    pub method: Method,
    /// How long one call may take, 100ms to 60s. Default 10s.
    #[serde(with = "crate::config::unit::duration")]
    pub timeout: Duration,
    /// Tries beyond the first, 0 to 10. Default 3.
    pub retries: u8,
    /// Whether the back end makes a call that comes twice under one `Idempotency-Key` one act, so that a call whose
    /// outcome is not known may be made again. `None`: where the command moves no money.
    pub idempotent: Option<bool>,
    /// Where is asked, by GET with the `Idempotency-Key`, what became of a call whose outcome is not known; a 404 says
    /// that it never came.
    pub status_url: Option<String>,
    /// After how long the customer is told that it takes long, 100ms to 60s. Default 5s.
    #[serde(with = "crate::config::unit::duration")]
    pub late_after: Duration,
    /// The file with the secret that signs the call; `None`: unsigned.
    pub secret_file: Option<String>,
}

/// How an action is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A request over HTTP.
    #[default]
    Http,
}

/// The methods of an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
}

/// A value of a slot as the configuration writes it: text, or a whole number. `"10.50"` and not `10.50`, which no
/// binary fraction is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Literal(pub String);

impl Default for Command {
    fn default() -> Self {
        Self {
            title: Localised::new(),
            client: None,
            addresses: Vec::new(),
            keywords: Localised::new(),
            examples: Localised::new(),
            answers: None,
            consent: None,
            money: false,
            sensitive: false,
            personal: false,
            authorisation: Authorisation::default(),
            profile: None,
            confirmation: Confirmation::default(),
            limits: Limits::default(),
            slots: BTreeMap::new(),
            case: false,
            action: None,
            replies: BTreeMap::new(),
            max_segments: 2,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            number_per_hour: 20,
            command_per_minute: 0,
            value_per_day: None,
        }
    }
}

impl Default for Action {
    fn default() -> Self {
        Self {
            kind: ActionKind::default(),
            url: String::new(),
            method: Method::default(),
            timeout: Duration::from_secs(10),
            retries: 3,
            idempotent: None,
            status_url: None,
            late_after: Duration::from_secs(5),
            secret_file: None,
        }
    }
}

impl Command {
    /// A slip here costs the customer: it takes more certainty, and never a guess.
    pub fn is_delicate(&self) -> bool {
        self.money || self.sensitive
    }
}

impl Command {
    /// What people call it: its title, or else its first keyword.
    pub fn called(&self, locale: Locale) -> Option<&str> {
        let title = self.title.get(&locale).or_else(|| self.title.get(&Locale::En));
        let title = title.or_else(|| self.title.values().next());
        let keyword = || self.keywords.values().flatten().next();
        title.or_else(keyword).map(String::as_str)
    }

    /// Whether only a certified number may ask for it.
    pub fn needs_certified(&self) -> bool {
        self.personal || self.authorisation != Authorisation::None || self.profile.is_some()
    }

    /// Whether it is the reply to HELP.
    pub fn replies_to_help(&self) -> bool {
        self.consent == Some(Consent::Help) && self.replies.contains_key("ok")
    }

    /// The currency of that slot.
    pub fn currency(&self) -> &str {
        let slot = self.sum().and_then(|name| self.slots.get(name));
        slot.and_then(|slot| slot.currency.as_deref()).unwrap_or("EUR")
    }

    /// The slot whose value is the sum that it moves, if it carries one.
    pub fn sum(&self) -> Option<&str> {
        let sums = self.slots.iter().find(|(_, slot)| slot.kind == SlotKind::Money);
        sums.map(|(name, _)| name.as_str())
    }
}

/// A template for all languages stands in each.
fn replies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Localised<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a template, or one a language")]
    enum Said {
        Same(String),
        Each(Localised<String>),
    }
    let said = BTreeMap::<String, Said>::deserialize(deserializer)?;
    let each = |said| match said {
        Said::Same(text) => Locale::ALL.into_iter().map(|locale| (locale, text.clone())).collect(),
        Said::Each(texts) => texts,
    };
    Ok(said.into_iter().map(|(outcome, said)| (outcome, each(said))).collect())
}

/// As carriers and laws write it.
impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "STOP",
            Self::Start => "START",
            Self::Help => "HELP",
        })
    }
}

impl Literal {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LiteralVisitor)
    }
}

struct LiteralVisitor;

impl Visitor<'_> for LiteralVisitor {
    type Value = Literal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text such as \"10.50\", or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Literal, E> {
        Ok(Literal(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Literal, E> {
        Ok(Literal(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Literal, E> {
        Ok(Literal(number.to_string()))
    }
}

/// The catalogue that Araldo ships with.
pub fn shipped() -> Catalogue {
    read(SHIPPED).expect("our own catalogue is good TOML: a test reads it")
}

/// The commands of a file of their own.
///
/// # Errors
/// What in it is no command, and where.
pub fn read(file: &str) -> Result<Catalogue, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        command: Catalogue,
    }
    let mut file: File = toml::from_str(file)?;
    settle_currencies(&mut file.command, Region::home().as_str());
    Ok(file.command)
}

/// Gives the sums of commands that move money, or have a limit a day, the currency of the country, where none is named:
/// what is added up must be of one.
pub fn settle_currencies(catalogue: &mut Catalogue, country: &str) {
    for command in catalogue.values_mut() {
        if !command.money && command.limits.value_per_day.is_none() {
            continue;
        }
        let sums = command.slots.values_mut().filter(|slot| slot.kind == SlotKind::Money);
        for slot in sums {
            slot.currency.get_or_insert_with(|| currency_in(country).to_owned());
        }
    }
}
