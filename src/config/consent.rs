//! `[consent]`, `[brand.ID]`, `[topic.ID]`, `[quiet_hours.CLASS]`: what people may refuse, and when they are left in
//! peace.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Config, Zone};
use crate::command::Locale;
use crate::domain::{Class, Name};

/// What a STOP does, and what is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentConfig {
    /// The classes that are sent whatever a recipient has refused. Default `otp` and `alert`.
    pub exempt: Vec<Class>,
    /// The same by the recipient's country (ISO 3166-1 alpha-2), where its law asks for another list. Default empty.
    pub exempt_in: BTreeMap<String, Vec<Class>>,
    /// The language of an answer where neither the word nor the number's country tells one. Default `en`.
    pub locale: Locale,
    /// What is answered, instead of the built-in texts. `{brand}` is the brand's title.
    pub texts: ConsentTexts,
    /// The time zones of numbers by their leading digits, the longest first, where the country does not tell: it has
    /// several, or the number plan says more, e.g. `1212 = "America/New_York"`. Default empty.
    pub time_zones: BTreeMap<String, Zone>,
}

/// The texts of the answers, by language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentTexts {
    /// To STOP.
    pub stop: BTreeMap<Locale, String>,
    /// To STOP of one topic; `{topic}` is its title.
    pub stop_topic: BTreeMap<Locale, String>,
    /// To START.
    pub start: BTreeMap<Locale, String>,
    /// To START of one topic; `{topic}` is its title.
    pub start_topic: BTreeMap<Locale, String>,
    /// To HELP.
    pub help: BTreeMap<Locale, String>,
}

/// Clients that are one sender in the eyes of people: a STOP to one is a STOP to all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrandConfig {
    /// The clients. Required. A client of no brand is a brand of its own, by its id.
    pub clients: Vec<Name>,
    /// What people know it as. Default its id.
    pub title: String,
}

/// A kind of message that can be refused alone: STOP OFFERS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopicConfig {
    /// The words that name it beside STOP and START, beside its id.
    pub words: Vec<String>,
    /// The classes that it covers. Required.
    pub classes: Vec<Class>,
    /// What it is called in an answer. Default its id.
    pub title: String,
}

/// When the messages of a class wait, by the recipient's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuietHoursConfig {
    /// When they begin, e.g. `21:00`. Required.
    pub from: String,
    /// When they end, e.g. `08:00`; before `from` it is that of the next day. Required.
    pub to: String,
    /// Days that are quiet from midnight to midnight: `monday` to `sunday`. Default empty.
    pub days: Vec<Weekday>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each says itself")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Default for ConsentConfig {
    fn default() -> Self {
        Self {
            exempt: vec![Class::Otp, Class::Alert],
            exempt_in: BTreeMap::new(),
            locale: Locale::En,
            texts: ConsentTexts::default(),
            time_zones: BTreeMap::new(),
        }
    }
}

impl From<Weekday> for jiff::civil::Weekday {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}

impl Config {
    /// The brand of a client.
    pub fn brand_of(&self, client: &Name) -> Name {
        let group = self.brand.iter().find(|(_, brand)| brand.clients.contains(client));
        group.map_or_else(|| client.clone(), |(brand, _)| brand.clone())
    }

    /// The topics; where none is configured, offers alone can be refused by the usual words.
    pub fn topics(&self) -> BTreeMap<Name, TopicConfig> {
        if !self.topic.is_empty() {
            return self.topic.clone();
        }
        let promo = TopicConfig {
            words: OFFERS.iter().map(|word| (*word).to_owned()).collect(),
            classes: vec![Class::Marketing],
            title: String::new(),
        };
        Name::parse("promo")
            .map(|id| BTreeMap::from([(id, promo)]))
            .unwrap_or_default()
    }
}

/// What offers are called.
const OFFERS: [&str; 18] = [
    "promo",
    "promos",
    "promozioni",
    "promozione",
    "promotions",
    "offerte",
    "offerta",
    "offers",
    "offres",
    "ofertas",
    "angebote",
    "pubblicità",
    "publicité",
    "publicidad",
    "publicidade",
    "werbung",
    "marketing",
    "ads",
];
