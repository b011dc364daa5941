//! Which way a message goes: the steps of its plan, each a lane that some carriers serve. Pure: no async, no clock.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::config::{RouteConfig, StepCarrier};
use crate::domain::{Channel, Channels, Class, Lane, Msisdn, Name, PlanStep, SenderId};

/// The routes, ready to be asked.
///
/// Of the routes that fit a message one is taken:
/// 1. the one with the longest prefix that the destination starts with; no prefix fits every destination, last;
/// 2. of these, the one that asks for more of class, client and sender; of as many, class counts before client, client
///    before sender;
/// 3. of these, the first by name.
#[derive(Debug, Default)]
pub struct Router {
    /// Indexes into `routes` for each prefix, the most asking first.
    by_prefix: HashMap<Box<str>, Vec<usize>>,
    longest_prefix: usize,
    routes: Vec<Route>,
    by_name: HashMap<Name, usize>,
}

/// What is to be sent, as far as routing cares.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The destination.
    pub to: &'a Msisdn,
    /// The sender.
    pub from: &'a SenderId,
    /// The class.
    pub class: Class,
    /// The owner.
    pub client: &'a Name,
    /// By which channels.
    pub channels: Channels,
}

impl Wanted<'_> {
    /// The same by other channels.
    #[must_use]
    pub const fn by(self, channels: Channels) -> Self {
        Self { channels, ..self }
    }
}

/// The way that a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The first step.
    pub lane: Lane,
    /// How many steps there are.
    pub steps: u8,
    /// The route.
    pub route: Name,
}

/// No route fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no route leads there")]
pub struct NoRoute;

#[derive(Debug)]
struct Route {
    name: Name,
    classes: HashSet<Class>,
    clients: HashSet<Name>,
    senders: HashSet<SenderId>,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    carriers: Vec<StepCarrier>,
    plan: PlanStep,
}

impl Router {
    /// Takes the routes of the configuration. A route without steps leads nowhere and is left out; so is a sender
    /// that is none. Both are errors of the configuration, which its check reports. A step's channel is that of its first
    /// carrier.
    pub fn new(routes: &BTreeMap<Name, RouteConfig>, channel_of: impl Fn(&Name) -> Channel) -> Self {
        let mut router = Self::default();
        for (name, config) in routes.iter().filter(|(_, config)| !config.steps.is_empty()) {
            let index = router.routes.len();
            router.by_name.insert(name.clone(), index);
            router.routes.push(Route::new(name, config, &channel_of));
            let any = [String::new()];
            let prefixes = if config.prefixes.is_empty() {
                any.as_slice()
            } else {
                config.prefixes.as_slice()
            };
            for prefix in prefixes {
                let prefix = prefix.strip_prefix('+').unwrap_or(prefix);
                router.longest_prefix = router.longest_prefix.max(prefix.len());
                router.by_prefix.entry(prefix.into()).or_default().push(index);
            }
        }
        for fits in router.by_prefix.values_mut() {
            // The routes stand in the order of their names, and the sort is stable.
            fits.sort_by_key(|index| std::cmp::Reverse(router.routes[*index].constraints()));
        }
        router
    }

    /// The way that a message goes.
    pub fn plan(&self, wanted: &Wanted<'_>) -> Result<Plan, NoRoute> {
        let digits = wanted.to.digits();
        let longest = self.longest_prefix.min(digits.len());
        let (route, step) = (0..=longest)
            .rev()
            .filter_map(|length| self.by_prefix.get(&digits[..length]))
            .flatten()
            .map(|index| &self.routes[*index])
            .find_map(|route| Some((route, route.first_step(wanted)?)))
            .ok_or(NoRoute)?;
        Ok(Plan {
            lane: Lane {
                route: route.name.clone(),
                step,
            },
            steps: route.step_count(),
            route: route.name.clone(),
        })
    }

    /// The steps of each route: by which channel, and how long a message waits there before it moves on.
    pub fn steps(&self) -> HashMap<Name, Vec<PlanStep>> {
        let plan = |route: &Route| route.steps.iter().map(|step| step.plan).collect();
        self.routes
            .iter()
            .map(|route| (route.name.clone(), plan(route)))
            .collect()
    }

    /// The agent of each route that has a step by RCS.
    pub fn agents(&self) -> HashMap<Name, Name> {
        let agent = |route: &Route| {
            let by_rcs = route.steps.iter().find(|step| step.plan.channel == Channel::Rcs)?;
            Some((route.name.clone(), by_rcs.carriers.first()?.id.clone()))
        };
        self.routes.iter().filter_map(agent).collect()
    }

    /// The channels of a route in the order of its steps, each once.
    pub fn channels_of_route(&self, route: &Name) -> Vec<Channel> {
        let mut channels: Vec<Channel> = Vec::new();
        for step in self.route(route).iter().flat_map(|route| &route.steps) {
            if !channels.contains(&step.plan.channel) {
                channels.push(step.plan.channel);
            }
        }
        channels
    }

    /// Every carrier of a route, in the order of its steps, each once.
    pub fn carriers_of_route(&self, route: &Name) -> Vec<Name> {
        let mut carriers: Vec<Name> = Vec::new();
        for step in self.route(route).iter().flat_map(|route| &route.steps) {
            for carrier in &step.carriers {
                if !carriers.contains(&carrier.id) {
                    carriers.push(carrier.id.clone());
                }
            }
        }
        carriers
    }

    fn route(&self, name: &Name) -> Option<&Route> {
        self.by_name.get(name).map(|index| &self.routes[*index])
    }
}

impl Route {
    fn new(name: &Name, config: &RouteConfig, channel_of: &impl Fn(&Name) -> Channel) -> Self {
        let steps = config.steps.iter().map(|step| {
            let first = step.carriers.first();
            Step {
                carriers: step.carriers.clone(),
                plan: PlanStep {
                    channel: first.map_or(Channel::Sms, |carrier| channel_of(&carrier.id)),
                    wait: step.wait,
                },
            }
        });
        Self {
            name: name.clone(),
            classes: config.classes.iter().copied().collect(),
            clients: config.clients.iter().cloned().collect(),
            senders: config
                .senders
                .iter()
                .filter_map(|sender| SenderId::parse(sender).ok())
                .collect(),
            steps: steps.take(u8::MAX.into()).collect(),
        }
    }

    /// How much the route asks for, to be compared: how many things, then which.
    fn constraints(&self) -> (u8, bool, bool, bool) {
        let asks = [
            !self.classes.is_empty(),
            !self.clients.is_empty(),
            !self.senders.is_empty(),
        ];
        (asks.iter().map(|asks| u8::from(*asks)).sum(), asks[0], asks[1], asks[2])
    }

    fn fits(&self, wanted: &Wanted<'_>) -> bool {
        (self.classes.is_empty() || self.classes.contains(&wanted.class))
            && (self.clients.is_empty() || self.clients.contains(wanted.client))
            && (self.senders.is_empty() || self.senders.contains(wanted.from))
    }

    /// The first step of a message that fits, by a channel that it may go.
    fn first_step(&self, wanted: &Wanted<'_>) -> Option<u8> {
        let allowed = |step: &Step| wanted.channels.allow(step.plan.channel);
        let step = self.steps.iter().position(allowed).filter(|_| self.fits(wanted))?;
        u8::try_from(step).ok()
    }

    fn step_count(&self) -> u8 {
        u8::try_from(self.steps.len()).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests;
