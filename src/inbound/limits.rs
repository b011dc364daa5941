//! How often a number, all numbers together, and an address may ask; and the last fence against a loop.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::command::Catalogue;
use crate::command::catalogue;
use crate::domain::Name;

/// Automatic texts that a number may get at once, and how fast room for more comes: ten in five minutes.
const FENCE: u32 = 10;
const FENCE_PACE: Duration = Duration::from_secs(30);
/// The one key of all numbers beyond the bound.
const OTHERS: &str = "";

/// The limits of a catalogue.
pub struct Limits {
    commands: ArcSwap<Commands>,
    /// Of all texts to one of our addresses, in a minute; `None` is no limit.
    address: Option<DefaultKeyedRateLimiter<Box<str>>>,
    fence: DefaultKeyedRateLimiter<Box<str>>,
    /// Who was told of a limit within the hour.
    told: DefaultKeyedRateLimiter<(Box<str>, Name)>,
    most_keys: usize,
}

type Commands = HashMap<Name, Arc<OfCommand>>;

struct OfCommand {
    /// What was asked for.
    limits: catalogue::Limits,
    number: DefaultKeyedRateLimiter<Box<str>>,
    all: Option<DefaultDirectRateLimiter>,
}

/// Whether a command may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It may.
    Yes,
    /// It may not, and the customer is told so.
    No,
    /// It may not, and was told so within the hour.
    Silent,
}

impl Limits {
    /// The limits of each command; of an address, so many texts a minute (0 is no limit); numbers remembered.
    pub fn new(catalogue: &Catalogue, address_per_minute: u32, most_keys: usize) -> Self {
        let fence = Quota::with_period(FENCE_PACE).unwrap_or(Quota::per_minute(at_least_one(2)));
        Self {
            commands: ArcSwap::from_pointee(commands(catalogue, &Commands::new())),
            address: NonZeroU32::new(address_per_minute).map(|most| RateLimiter::keyed(Quota::per_minute(most))),
            fence: RateLimiter::keyed(fence.allow_burst(at_least_one(FENCE))),
            told: RateLimiter::keyed(Quota::per_hour(at_least_one(1))),
            most_keys,
        }
    }

    /// Goes on with another catalogue. What is limited as before goes on being counted.
    pub fn renew(&self, catalogue: &Catalogue) {
        let before = self.commands.load();
        self.commands.store(Arc::new(commands(catalogue, &before)));
    }

    /// Whether there is room for another automatic text to the number.
    pub fn fence(&self, number: &str) -> bool {
        let key = self.key(&self.fence, number);
        self.fence.check_key(&key).is_ok()
    }

    /// Whether the address takes another text.
    pub(super) fn address(&self, address: &str) -> bool {
        self.address
            .as_ref()
            .is_none_or(|limiter| limiter.check_key(&address.into()).is_ok())
    }

    /// Whether the number may ask for the command.
    pub(super) fn room(&self, number: &str, command: &Name) -> Room {
        let commands = self.commands.load();
        let Some(limits) = commands.get(command) else {
            return Room::Yes;
        };
        let key = self.key(&limits.number, number);
        let all = || limits.all.as_ref().is_none_or(|all| all.check().is_ok());
        if limits.number.check_key(&key).is_ok() && all() {
            return Room::Yes;
        }
        let told = self.told.len() >= self.most_keys || self.told.check_key(&(key, command.clone())).is_err();
        if told { Room::Silent } else { Room::No }
    }

    /// Forgets who has not asked for long. Cheap enough for once a minute.
    pub fn sweep(&self) {
        let commands = self.commands.load();
        let keyed = commands.values().map(|limits| &limits.number);
        for limiter in keyed.chain(&self.address).chain([&self.fence]) {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        self.told.retain_recent();
        self.told.shrink_to_fit();
    }

    /// Numbers remembered.
    pub fn keys(&self) -> usize {
        let commands = self.commands.load();
        let numbers = commands.values().map(|limits| limits.number.len());
        numbers.sum::<usize>() + self.fence.len() + self.told.len()
    }

    /// Above the bound, numbers that are new share one key.
    fn key(&self, limiter: &DefaultKeyedRateLimiter<Box<str>>, number: &str) -> Box<str> {
        if limiter.len() < self.most_keys { number } else { OTHERS }.into()
    }
}

fn commands(catalogue: &Catalogue, before: &Commands) -> Commands {
    let limited = catalogue.iter().map(|(name, command)| {
        let known = before.get(name).filter(|known| known.limits == command.limits);
        let limited = known
            .cloned()
            .unwrap_or_else(|| Arc::new(OfCommand::new(&command.limits)));
        (name.clone(), limited)
    });
    limited.collect()
}

impl OfCommand {
    fn new(limits: &catalogue::Limits) -> Self {
        let all = NonZeroU32::new(limits.command_per_minute).map(Quota::per_minute);
        Self {
            limits: limits.clone(),
            number: RateLimiter::keyed(Quota::per_hour(at_least_one(limits.number_per_hour))),
            all: all.map(RateLimiter::direct),
        }
    }
}

fn at_least_one(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::catalogue::shipped;

    #[test]
    fn a_number_asks_so_often_and_is_told_once() {
        let mut catalogue = shipped();
        let balance = Name::parse("balance").unwrap();
        catalogue.get_mut(&balance).unwrap().limits.number_per_hour = 2;
        let limits = Limits::new(&catalogue, 0, 100);
        let ask = |number| limits.room(number, &balance);
        assert_eq!(
            [ask("1"), ask("1"), ask("1"), ask("1")],
            [Room::Yes, Room::Yes, Room::No, Room::Silent]
        );
        assert_eq!(ask("2"), Room::Yes);
    }

    #[test]
    fn another_catalogue_goes_on_counting_what_is_limited_as_before() {
        let [balance, topup] = ["balance", "topup"].map(|name| Name::parse(name).unwrap());
        let mut catalogue = shipped();
        for name in [&balance, &topup] {
            catalogue.get_mut(name).unwrap().limits.number_per_hour = 1;
        }
        let limits = Limits::new(&catalogue, 0, 100);
        let ask = |command: &Name| limits.room("1", command) == Room::Yes;
        assert!(ask(&balance) && ask(&topup));
        catalogue.get_mut(&topup).unwrap().limits.number_per_hour = 2;
        limits.renew(&catalogue);
        assert!(!ask(&balance));
        assert!(ask(&topup));
        catalogue.remove(&balance);
        limits.renew(&catalogue);
        assert!(ask(&balance), "nobody limits what is not there");
    }

    #[test]
    fn ten_automatic_texts_at_once_are_the_most() {
        let limits = Limits::new(&shipped(), 0, 100);
        assert!((0..10).all(|_| limits.fence("1")));
        assert!(!limits.fence("1"));
        assert!(limits.fence("2"));
    }

    #[test]
    fn the_numbers_remembered_are_bounded() {
        let limits = Limits::new(&shipped(), 0, 10);
        (0..1_000).for_each(|n| {
            limits.fence(&n.to_string());
        });
        assert!(limits.keys() <= 11, "{}", limits.keys());
        assert!(!limits.fence("new"), "strangers share one key then");
        limits.sweep();
    }

    #[test]
    fn an_address_takes_so_many_a_minute() {
        let limits = Limits::new(&shipped(), 2, 10);
        let take = || limits.address("12345");
        assert_eq!([take(), take(), take()], [true, true, false]);
        assert!(limits.address("999"));
    }
}
