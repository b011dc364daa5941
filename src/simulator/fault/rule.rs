//! A rule: a fault and the PDUs that it hits.

use araldo_smpp::CommandId;
use serde::{Deserialize, Serialize};

use super::Fault;

/// A fault and when it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault,
    /// To which PDUs.
    #[serde(default)]
    pub when: When,
}

/// Which PDUs a rule means, and which of those it hits. Of `nth`, `every` and `probability` at most one; none hits all.
///
/// A rule sees only the PDUs that no rule before it has hit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The command, as `submit_sm` (the default), `deliver_sm_resp`, `enquire_link`; `bind` is all three binds, `any` all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What destination_addr begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// What the text of the segment contains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The system_id of the ESME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_id: Option<String>,
    /// PDUs let through before the rule begins to count.
    #[serde(skip_serializing_if = "is_zero")]
    pub after: u64,
    /// The one PDU hit, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Every so manieth is hit: 3 hits the third, the sixth, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The chance of each to be hit, 0.0 to 1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How often the rule hits at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl FaultRule {
    /// The fault at every submit_sm.
    pub fn always(fault: Fault) -> Self {
        Self {
            fault,
            when: When::default(),
        }
    }

    /// The fault at the nth submit_sm, from 1, and at no other.
    pub fn nth(fault: Fault, nth: u64) -> Self {
        Self {
            fault,
            when: When {
                nth: Some(nth),
                ..When::default()
            },
        }
    }

    /// The fault at every so manieth submit_sm.
    pub fn every(fault: Fault, every: u64) -> Self {
        Self {
            fault,
            when: When {
                every: Some(every),
                ..When::default()
            },
        }
    }

    /// The fault at a share of all submit_sm.
    pub fn with_probability(fault: Fault, probability: f64) -> Self {
        Self {
            fault,
            when: When {
                probability: Some(probability),
                ..When::default()
            },
        }
    }

    /// The same for another command than submit_sm.
    #[must_use]
    pub fn on(mut self, command: &str) -> Self {
        self.when.command = Some(command.to_owned());
        self
    }

    /// The same for destinations with this prefix only.
    #[must_use]
    pub fn to(mut self, prefix: &str) -> Self {
        self.when.destination = Some(prefix.to_owned());
        self
    }

    /// The same for texts with this in them only.
    #[must_use]
    pub fn saying(mut self, token: &str) -> Self {
        self.when.text = Some(token.to_owned());
        self
    }

    /// The same so many times at most.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.when.times = Some(times);
        self
    }

    /// What the rule aims at, or what is wrong with it.
    pub(super) fn check(&self) -> Result<Target, String> {
        let When {
            nth,
            every,
            probability,
            ..
        } = self.when;
        if [nth.is_some(), every.is_some(), probability.is_some()]
            .into_iter()
            .filter(|given| *given)
            .count()
            > 1
        {
            return Err("only one of nth, every and probability can be given".to_owned());
        }
        if nth == Some(0) || every == Some(0) {
            return Err("nth and every count from 1".to_owned());
        }
        if probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err("probability is 0.0 to 1.0".to_owned());
        }
        match self.when.command.as_deref() {
            None => Ok(Target::Command(CommandId::SUBMIT_SM)),
            Some("any") => Ok(Target::Any),
            Some("bind") => Ok(Target::Bind),
            Some(name) => CommandId::from_name(name)
                .map(Target::Command)
                .ok_or_else(|| format!("\"{name}\" is no command such as \"submit_sm\"")),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Any,
    Bind,
    Command(CommandId),
}

/// Why a rule makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("rule {index}: {problem}")]
pub struct InvalidRule {
    /// Which, from 0.
    pub index: usize,
    /// What is wrong.
    pub problem: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
