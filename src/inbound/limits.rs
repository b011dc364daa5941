//! How often a number, all numbers together, and an address may ask; and the last fence against a loop.

use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::fence::Fence;
use crate::command::Catalogue;
use crate::command::catalogue;
use crate::domain::{Name, UnixMillis, bare};

/// The one key of all numbers beyond the bound.
const OTHERS: &str = "";

/// The limits of a catalogue.
pub struct Limits {
    commands: ArcSwap<Commands>,
    /// Of all texts to one of our addresses, in a minute; `None` is no limit.
    address: Option<DefaultKeyedRateLimiter<Box<str>>>,
    fence: Fence,
    /// Who was told of which limit within the hour.
    told: DefaultKeyedRateLimiter<(Box<str>, Box<str>)>,
    most_keys: usize,
}

type Commands = HashMap<Name, Arc<OfCommand>>;

struct OfCommand {
    /// What was asked for.
    limits: catalogue::Limits,
    number: DefaultKeyedRateLimiter<Box<str>>,
    all: Option<DefaultDirectRateLimiter>,
}

/// Whether something may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It may.
    Yes,
    /// It may not, and the customer is told so.
    No,
    /// It may not, and was told so within the hour.
    Silent,
}

/// What the limits said of one text. They are asked once, however often the text is decided upon.
#[derive(Debug, Default)]
pub(super) struct Verdicts(RefCell<Vec<(Box<str>, Room)>>);

impl Verdicts {
    /// What was said of a scope, or is said now.
    pub(super) fn once(&self, scope: &str, ask: impl FnOnce() -> Room) -> Room {
        let known = self
            .0
            .borrow()
            .iter()
            .find(|(known, _)| **known == *scope)
            .map(|(_, room)| *room);
        known.unwrap_or_else(|| {
            let room = ask();
            self.0.borrow_mut().push((scope.into(), room));
            room
        })
    }
}

impl Limits {
    /// The limits of each command; of an address, so many texts a minute (0 is no limit); numbers remembered.
    pub fn new(catalogue: &Catalogue, address_per_minute: u32, most_keys: usize) -> Self {
        Self {
            commands: ArcSwap::from_pointee(commands(catalogue, &Commands::new())),
            address: NonZeroU32::new(address_per_minute).map(|most| RateLimiter::keyed(Quota::per_minute(most))),
            fence: Fence::new(most_keys),
            told: RateLimiter::keyed(Quota::per_hour(at_least_one(1))),
            most_keys,
        }
    }

    /// Goes on with another catalogue. What is limited as before goes on being counted.
    pub fn renew(&self, catalogue: &Catalogue) {
        let before = self.commands.load();
        self.commands.store(Arc::new(commands(catalogue, &before)));
    }

    /// Whether another text may be sent by itself between a number and one of our addresses.
    pub fn has_room(&self, number: &str, address: &str, now: UnixMillis) -> bool {
        self.fence.has_room(number, address, now)
    }

    /// Whether a text may be answered by itself that was answered before.
    pub(super) fn may_repeat(&self, number: &str, address: &str, text: &str, now: UnixMillis) -> bool {
        self.fence.may_repeat(number, address, text, now)
    }

    /// A text is answered by itself: now, or once its call is.
    pub(super) fn answered(&self, number: &str, address: &str, text: &str, now: UnixMillis) {
        self.fence.answered(number, address, text, now);
    }

    /// Texts were sent by themselves between a number and one of our addresses.
    pub fn sent(&self, number: &str, address: &str, texts: usize, now: UnixMillis) {
        self.fence.sent(number, address, texts, now);
    }

    /// Whether the address takes another text, from this number.
    pub(super) fn address(&self, number: &str, address: &str) -> Room {
        let Some(limiter) = &self.address else { return Room::Yes };
        let address = bare(address);
        if limiter.check_key(&self.key(limiter, address)).is_ok() {
            return Room::Yes;
        }
        self.refused(number.into(), address)
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
        self.refused(key, command.as_str())
    }

    fn refused(&self, number: Box<str>, limit: &str) -> Room {
        let told = self.told.len() >= self.most_keys || self.told.check_key(&(number, limit.into())).is_err();
        if told { Room::Silent } else { Room::No }
    }

    /// Forgets who has not asked for long. Cheap enough for once a minute.
    pub fn sweep(&self, now: UnixMillis) {
        let commands = self.commands.load();
        let keyed = commands.values().map(|limits| &limits.number);
        for limiter in keyed.chain(&self.address) {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        self.fence.sweep(now);
        self.told.retain_recent();
        self.told.shrink_to_fit();
    }

    /// Numbers remembered.
    pub fn keys(&self) -> usize {
        let commands = self.commands.load();
        let numbers = commands.values().map(|limits| limits.number.len());
        let addresses = self.address.as_ref().map_or(0, RateLimiter::len);
        numbers.sum::<usize>() + addresses + self.fence.keys() + self.told.len()
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
    fn the_numbers_and_addresses_remembered_are_bounded() {
        let limits = Limits::new(&shipped(), 1, 10);
        let balance = Name::parse("balance").unwrap();
        for n in 0..1_000 {
            let n = n.to_string();
            limits.room(&n, &balance);
            limits.address(&n, &n);
            limits.sent(&n, &n, 1, UnixMillis(0));
        }
        assert!(limits.keys() <= 44, "{}", limits.keys());
        assert_eq!(
            limits.address("new", "new"),
            Room::Silent,
            "strangers share one key then"
        );
        limits.sweep(UnixMillis(0));
    }

    #[test]
    fn an_address_takes_so_many_a_minute() {
        let limits = Limits::new(&shipped(), 2, 10);
        let take = |number| limits.address(number, "12345");
        assert_eq!(
            [take("1"), take("2"), take("1"), take("1"), take("2")],
            [Room::Yes, Room::Yes, Room::No, Room::Silent, Room::No],
            "each is told once"
        );
        assert_eq!(limits.address("1", "999"), Room::Yes);
    }

    #[test]
    fn of_one_text_the_limits_are_asked_once() {
        let verdicts = Verdicts::default();
        let ask = |scope, room| verdicts.once(scope, || room);
        assert_eq!(
            [
                ask("balance", Room::Yes),
                ask("balance", Room::No),
                ask("topup", Room::Silent)
            ],
            [Room::Yes, Room::Yes, Room::Silent]
        );
    }
}
