//! Whose messages are whose, and what an opt-out withholds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::quiet::country;
use crate::command::normalise::fold;
use crate::config::{Config, TopicConfig};
use crate::domain::{Class, Name, UnixMillis, Will, bare};
use crate::store::NewConsent;

/// Whom a message is for, as far as consent is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The number, digits.
    pub to: &'a str,
    /// Whose message it is.
    pub client: &'a Name,
    /// What it is for.
    pub class: Class,
    /// Where it answers a text of the recipient's: a time after which that was heard. What was refused before does not
    /// withhold it.
    pub solicited_at: Option<UnixMillis>,
}

/// Brands, topics, exemptions: pure.
#[derive(Debug, Default)]
pub struct Policy {
    /// Clients that are not a brand of their own.
    brands: HashMap<Name, Name>,
    members: BTreeMap<Name, Arc<[Name]>>,
    titles: HashMap<Name, String>,
    /// Our addresses, and the brands that send from them; the owner's first.
    addresses: HashMap<Box<str>, Vec<Name>>,
    exempt: Vec<Class>,
    exempt_in: HashMap<String, Vec<Class>>,
    topics: BTreeMap<Name, TopicConfig>,
}

impl Policy {
    /// What the configuration says.
    pub fn new(config: &Config) -> Self {
        let mut brands = HashMap::new();
        let mut members: BTreeMap<Name, Vec<Name>> = BTreeMap::new();
        for client in config.client.keys() {
            let brand = config.brand_of(client);
            members.entry(brand.clone()).or_default().push(client.clone());
            if brand != *client {
                brands.insert(client.clone(), brand);
            }
        }
        let title = |brand: &Name| match config.brand.get(brand) {
            Some(section) if !section.title.is_empty() => section.title.clone(),
            _ => brand.to_string(),
        };
        let mut addresses: HashMap<Box<str>, Vec<Name>> = HashMap::new();
        let mut add = |address: &str, client: &Name| {
            let known = addresses.entry(bare(address).into()).or_default();
            let brand = config.brand_of(client);
            if !known.contains(&brand) {
                known.push(brand);
            }
        };
        for (address, section) in &config.address {
            section.client.iter().for_each(|client| add(address, client));
        }
        for (client, section) in &config.client {
            for sender in section.senders.iter().chain(&section.default_sender) {
                add(&sender.to_string(), client);
            }
        }
        Self {
            titles: members.keys().map(|brand| (brand.clone(), title(brand))).collect(),
            members: members
                .into_iter()
                .map(|(brand, clients)| (brand, clients.into()))
                .collect(),
            brands,
            addresses,
            exempt: config.consent.exempt.clone(),
            exempt_in: config
                .consent
                .exempt_in
                .iter()
                .map(|(country, classes)| (country.to_ascii_uppercase(), classes.clone()))
                .collect(),
            topics: config.topics(),
        }
    }

    /// The brand of a client.
    pub fn brand_of<'a>(&'a self, client: &'a Name) -> &'a Name {
        self.brands.get(client).unwrap_or(client)
    }

    /// The clients of a brand; none where there is no such brand.
    pub fn members(&self, brand: &Name) -> Arc<[Name]> {
        self.members.get(brand).cloned().unwrap_or_else(|| Arc::new([]))
    }

    /// Every brand.
    pub fn brands(&self) -> impl Iterator<Item = &Name> {
        self.members.keys()
    }

    /// What people know a brand as.
    pub fn title<'a>(&'a self, brand: &'a Name) -> &'a str {
        self.titles.get(brand).map_or(brand.as_str(), String::as_str)
    }

    /// The brands that a text to this address of ours is about: those that send from it. Of an address that nobody sends
    /// from, every brand: who says STOP there wants nothing from us.
    pub fn brands_at(&self, address: &str) -> Vec<Name> {
        match self.addresses.get(bare(address)) {
            Some(brands) => brands.clone(),
            None => self.members.keys().cloned().collect(),
        }
    }

    /// Whether somebody sends from this address of ours.
    pub fn sends_from(&self, address: &str) -> bool {
        self.addresses.contains_key(bare(address))
    }

    /// The topics.
    pub fn topics(&self) -> impl Iterator<Item = (&Name, &TopicConfig)> {
        self.topics.iter()
    }

    /// A topic by its id or a word for it.
    pub fn topic(&self, word: &str) -> Option<&Name> {
        let folded = fold(word);
        let means = |(id, topic): &(&Name, &TopicConfig)| {
            id.as_str() == word || fold(id.as_str()) == folded || topic.words.iter().any(|it| fold(it) == folded)
        };
        self.topics.iter().find(means).map(|(id, _)| id)
    }

    /// What a topic is called in an answer.
    pub fn topic_title<'a>(&'a self, topic: &'a Name) -> &'a str {
        match self.topics.get(topic) {
            Some(section) if !section.title.is_empty() => &section.title,
            _ => topic.as_str(),
        }
    }

    /// Whether what somebody says just now withholds the message.
    pub fn stops(&self, recipient: &Recipient<'_>, said: &NewConsent) -> bool {
        *said.msisdn == *recipient.to
            && *self.brand_of(recipient.client) == said.brand
            && self.withholds(recipient, [(said.topic.as_ref(), said.will, said.at)])
    }

    /// Whether a message is withheld by what its recipient has said of its brand: (topic, will, when). What is said of a
    /// topic counts before what is said of all; of two topics, the opt-out does.
    pub fn withholds<'a>(
        &self,
        recipient: &Recipient<'_>,
        said: impl IntoIterator<Item = (Option<&'a Name>, Will, UnixMillis)>,
    ) -> bool {
        let (mut all, mut topic_out, mut topic_in) = (None, None, false);
        for (topic, will, at) in said {
            let covers = |topic: &Name| {
                let section = self.topics.get(topic);
                section.is_some_and(|section| section.classes.contains(&recipient.class))
            };
            match (topic, will) {
                (None, Will::OptedOut) => all = Some(at),
                (Some(topic), Will::OptedOut) if covers(topic) => topic_out = topic_out.max(Some(at)),
                (Some(topic), Will::OptedIn) if covers(topic) => topic_in = true,
                _ => {}
            }
        }
        let out = topic_out.or(all.filter(|_| !topic_in));
        let Some(since) = out else { return false };
        let solicited = recipient.solicited_at.is_some_and(|at| at >= since);
        !(solicited || self.is_exempt(recipient))
    }

    /// Whether the law lets the class go out whatever its recipient has refused.
    fn is_exempt(&self, recipient: &Recipient<'_>) -> bool {
        let of_country = || self.exempt_in.get(country(recipient.to)?);
        let law = Some(&self.exempt_in)
            .filter(|law| !law.is_empty())
            .and_then(|_| of_country());
        law.unwrap_or(&self.exempt).contains(&recipient.class)
    }

    /// Words that the topics are named by.
    pub fn topic_words(&self) -> BTreeSet<&str> {
        self.topics
            .values()
            .flat_map(|topic| topic.words.iter().map(String::as_str))
            .collect()
    }
}
