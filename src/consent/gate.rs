//! Who wants no messages, in memory: as the store has it, and kept true by each commit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use super::{Policy, QuietHours, Recipient};
use crate::config::Config;
use crate::domain::{Name, UnixMillis, Will};
use crate::store::{ConsentRecord, Wants};

/// What is asked before a message goes on: a look-up in memory, none at all while nobody has opted out.
#[derive(Debug, Default)]
pub struct Gate {
    /// Brands, topics, exemptions.
    pub policy: Policy,
    /// When people are left in peace.
    pub quiet: QuietHours,
    /// Whether anybody has opted out of anything.
    closed: AtomicBool,
    people: RwLock<People>,
}

/// People who have opted out of something, by their digits, which are a number below 10^15.
#[derive(Debug, Default)]
struct People {
    said: HashMap<u64, Box<[Said]>>,
    /// Brands with their topics, each once.
    subjects: Vec<(Name, Option<Name>)>,
    places: HashMap<(Name, Option<Name>), u32>,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    /// The place in `subjects`.
    subject: u32,
    will: Will,
    at: UnixMillis,
}

impl Gate {
    /// An open gate with the configuration's rules.
    pub fn new(config: &Config) -> Self {
        Self {
            policy: Policy::new(config),
            quiet: QuietHours::new(config),
            ..Self::default()
        }
    }

    /// Whether nobody has opted out.
    pub fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    /// Whether the recipient does not want the message.
    pub fn withholds(&self, recipient: &Recipient<'_>) -> bool {
        if self.is_open() {
            return false;
        }
        let people = self.people.read().unwrap_or_else(PoisonError::into_inner);
        let Some(said) = recipient
            .to
            .parse()
            .ok()
            .and_then(|digits: u64| people.said.get(&digits))
        else {
            return false;
        };
        let brand = self.policy.brand_of(recipient.client);
        let of_brand = said.iter().filter_map(|said| {
            let (of, topic) = people.subjects.get(said.subject as usize)?;
            (of == brand).then_some((topic.as_ref(), said.will, said.at))
        });
        self.policy.withholds(recipient, of_brand)
    }

    /// Takes in what the store holds at the start, page by page.
    pub fn load(&self, records: &[ConsentRecord]) {
        let mut people = self.people.write().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            let said = (record.topic.clone(), record.will, record.at);
            people.add(&record.msisdn, &record.brand, &[said]);
        }
        self.closed.store(!people.said.is_empty(), Ordering::Release);
    }

    /// Takes in what a commit has changed.
    pub fn learn(&self, wants: &[Wants]) {
        if wants.is_empty() {
            return;
        }
        let mut people = self.people.write().unwrap_or_else(PoisonError::into_inner);
        for wants in wants {
            people.forget(&wants.msisdn, &wants.brand);
            people.add(&wants.msisdn, &wants.brand, &wants.said);
        }
        self.closed.store(!people.said.is_empty(), Ordering::Release);
    }
}

impl People {
    fn forget(&mut self, msisdn: &str, brand: &Name) {
        let Ok(digits) = msisdn.parse() else { return };
        let Some(said) = self.said.get(&digits) else { return };
        let subjects = &self.subjects;
        let others = |said: &&Said| subjects.get(said.subject as usize).is_some_and(|(of, _)| of != brand);
        let rest: Box<[Said]> = said.iter().filter(others).copied().collect();
        match rest.is_empty() {
            true => self.said.remove(&digits),
            false => self.said.insert(digits, rest),
        };
    }

    /// Adds what somebody wants. Who has opted in to a topic is kept too: that counts before an opt-out of all.
    fn add(&mut self, msisdn: &str, brand: &Name, said: &[(Option<Name>, Will, UnixMillis)]) {
        let Ok(digits) = msisdn.parse::<u64>() else { return };
        let counts = |(topic, will, _): &&(Option<Name>, Will, UnixMillis)| {
            *will == Will::OptedOut || *will == Will::OptedIn && topic.is_some()
        };
        let new: Vec<Said> = said
            .iter()
            .filter(counts)
            .map(|(topic, will, at)| Said {
                subject: self.place(brand, topic.as_ref()),
                will: *will,
                at: *at,
            })
            .collect();
        if new.is_empty() {
            return;
        }
        let known = self.said.remove(&digits).unwrap_or_default();
        self.said.insert(digits, known.into_iter().chain(new).collect());
    }

    fn place(&mut self, brand: &Name, topic: Option<&Name>) -> u32 {
        let subject = (brand.clone(), topic.cloned());
        if let Some(place) = self.places.get(&subject) {
            return *place;
        }
        let place = u32::try_from(self.subjects.len()).unwrap_or(u32::MAX);
        self.subjects.push(subject.clone());
        self.places.insert(subject, place);
        place
    }
}
