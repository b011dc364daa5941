//! Which lanes a carrier serves: its own, and those of the steps before it whose carriers have all been down for long.
//! Pure: the time that a carrier has been down is handed in.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::RouteConfig;
use crate::domain::{Lane, Name};
use crate::outbox::Service;

/// The steps of every route.
#[derive(Clone, Debug, Default)]
pub struct LaneMap {
    routes: BTreeMap<Name, Route>,
}

#[derive(Clone, Debug)]
struct Route {
    steps: Vec<Step>,
    failover_after: Duration,
    failover_after_urgent: Duration,
}

/// The carriers of a step and their weights.
#[derive(Clone, Debug)]
pub struct Step {
    /// Carriers with their weights.
    pub carriers: Vec<(Name, u32)>,
}

impl LaneMap {
    /// The lanes of these routes.
    pub fn new(routes: &BTreeMap<Name, RouteConfig>) -> Self {
        let route = |config: &RouteConfig| Route {
            steps: config
                .steps
                .iter()
                .map(|step| Step {
                    carriers: step.carriers.iter().map(|c| (c.id.clone(), c.weight)).collect(),
                })
                .collect(),
            failover_after: config.failover_after,
            failover_after_urgent: config.failover_after_urgent,
        };
        Self {
            routes: routes
                .iter()
                .map(|(name, config)| (name.clone(), route(config)))
                .collect(),
        }
    }

    /// What `carrier` serves now. `down_for` is how long a carrier has had no bind that can submit; `None` while it
    /// has one.
    pub fn services(&self, carrier: &Name, down_for: impl Fn(&Name) -> Option<Duration>) -> Vec<Service> {
        let mut services = Vec::new();
        for (name, route) in &self.routes {
            for (index, step) in route.steps.iter().enumerate() {
                let Some(weight) = step.weight_of(carrier) else {
                    continue;
                };
                let lane = |step: usize| Lane {
                    route: name.clone(),
                    step: u8::try_from(step).unwrap_or(u8::MAX),
                };
                services.push(Service {
                    lane: lane(index),
                    weight,
                    urgent_only: false,
                });
                // From the step before this one backwards, for as long as everyone there is down.
                for before in (0..index).rev() {
                    let Some(down) = route.steps[before].down_for(&down_for) else {
                        break;
                    };
                    if down < route.failover_after_urgent || route.steps[before].weight_of(carrier).is_some() {
                        break;
                    }
                    services.push(Service {
                        lane: lane(before),
                        weight,
                        urgent_only: down < route.failover_after,
                    });
                }
            }
        }
        services
    }

    /// Whether the configuration still has this lane.
    pub fn has(&self, lane: &Lane) -> bool {
        self.routes
            .get(&lane.route)
            .is_some_and(|route| usize::from(lane.step) < route.steps.len())
    }

    /// Where the rows of a lane that is no more go: the first step of its route where that is still there.
    pub fn replacement(&self, lane: &Lane) -> Option<Lane> {
        self.routes.contains_key(&lane.route).then(|| Lane {
            route: lane.route.clone(),
            step: 0,
        })
    }
}

impl Step {
    fn weight_of(&self, carrier: &Name) -> Option<u32> {
        self.carriers
            .iter()
            .find(|(name, _)| name == carrier)
            .map(|(_, weight)| *weight)
    }

    /// How long all its carriers have been down together.
    fn down_for(&self, down_for: &impl Fn(&Name) -> Option<Duration>) -> Option<Duration> {
        let mut shortest = None;
        for (name, _) in &self.carriers {
            let down = down_for(name)?;
            shortest = Some(shortest.map_or(down, |least: Duration| least.min(down)));
        }
        shortest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn map() -> LaneMap {
        let step = |ids: &[&str]| Step {
            carriers: ids.iter().map(|id| (name(id), 1)).collect(),
        };
        let route = Route {
            steps: vec![step(&["tim", "vodafone"]), step(&["backup"])],
            failover_after: Duration::from_secs(30),
            failover_after_urgent: Duration::from_secs(2),
        };
        LaneMap {
            routes: BTreeMap::from([(name("italy"), route)]),
        }
    }

    fn lanes(services: &[Service]) -> Vec<(u8, bool)> {
        services
            .iter()
            .map(|service| (service.lane.step, service.urgent_only))
            .collect()
    }

    #[test]
    fn a_backup_waits_while_one_carrier_of_the_step_before_is_up() {
        let down = |carrier: &Name| (carrier.as_str() == "tim").then_some(Duration::from_secs(300));
        assert_eq!(lanes(&map().services(&name("backup"), down)), [(1, false)]);
    }

    #[test]
    fn a_backup_takes_urgent_classes_after_seconds_and_the_others_after_half_a_minute() {
        let backup = name("backup");
        let services = |secs| map().services(&backup, |_| Some(Duration::from_secs(secs)));
        assert_eq!(lanes(&services(1)), [(1, false)]);
        assert_eq!(lanes(&services(2)), [(1, false), (0, true)]);
        assert_eq!(lanes(&services(30)), [(1, false), (0, false)]);
    }
}
