//! `[route.ID]`: which messages go which way.

use std::fmt;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::unit;
use crate::domain::{Class, Name};

/// Which messages go which way. Of the routes that fit a message, the one with the longest prefix is taken, then the
/// one that asks for more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteConfig {
    /// The leading digits of the destinations it serves, country code first, without plus; empty is every destination.
    pub prefixes: Vec<String>,
    /// The classes it serves; empty is all.
    pub classes: Vec<Class>,
    /// The clients it serves; empty is all.
    pub clients: Vec<Name>,
    /// The senders it serves; empty is all.
    pub senders: Vec<String>,
    /// The ways to try, in order: 1 to 16.
    pub steps: Vec<StepConfig>,
    /// How long all carriers of a step must be down before the next step's take its messages. Default 30 s.
    #[serde(with = "unit::duration")]
    pub failover_after: Duration,
    /// The same for `alert` and `otp`. Default 2 s.
    #[serde(with = "unit::duration")]
    pub failover_after_urgent: Duration,
}

/// One way: the carriers that share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepConfig {
    /// The carriers that share the step, by weight.
    pub carriers: Vec<StepCarrier>,
    /// How long a message waits in this step for its receipt before it moves to the next. `None` is as long as it is
    /// valid.
    #[serde(with = "unit::optional_duration")]
    pub wait: Option<Duration>,
}

/// A carrier of a step: written as its id alone, or as `{ id = "tim", weight = 3 }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepCarrier {
    /// The carrier.
    pub id: Name,
    /// Its share beside the others, 1 to 1000. Default 1.
    pub weight: u32,
}

impl Default for RouteConfig {
    fn default() -> Self {
        Self {
            prefixes: Vec::new(),
            classes: Vec::new(),
            clients: Vec::new(),
            senders: Vec::new(),
            steps: Vec::new(),
            failover_after: Duration::from_secs(30),
            failover_after_urgent: Duration::from_secs(2),
        }
    }
}

impl<'de> Deserialize<'de> for StepCarrier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepCarrierVisitor)
    }
}

struct StepCarrierVisitor;

impl<'de> Visitor<'de> for StepCarrierVisitor {
    type Value = StepCarrier;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a carrier's id, such as \"tim\" or { id = \"tim\", weight = 3 }")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<StepCarrier, E> {
        let id = Name::parse(id).map_err(E::custom)?;
        Ok(StepCarrier { id, weight: 1 })
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<StepCarrier, M::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            id: Name,
            #[serde(default = "one")]
            weight: u32,
        }
        let one = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(StepCarrier {
            id: one.id,
            weight: one.weight,
        })
    }
}

fn one() -> u32 {
    1
}
