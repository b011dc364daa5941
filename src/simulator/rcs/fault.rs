//! What goes wrong, and when: faults, the rules that aim them, and the script that decides on each call under a seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::simulator::span;

/// Something that a platform should not do. In JSON a word, `"expire_token"`, or a word with its values,
/// `{"status": {"code": 503}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The call is answered with this status, and has no effect. On a webhook: it is passed over, as if it had been
    /// answered with it.
    Status {
        /// 400 to 599.
        code: u16,
        /// `Retry-After`, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// 429 since this user has had enough of the agent: waiting does not help.
    UserTrafficLimit,
    /// 401, and the token is good for nothing any more.
    ExpireToken,
    /// The call has its effect, its answer never comes.
    LoseAnswer,
    /// The call has no effect, and no answer comes.
    LoseRequest,
    /// The call has its effect, and is answered 200 with octets that are no JSON.
    Garbage,
    /// The answer, or the webhook, comes later.
    Delay {
        /// By how much.
        #[serde(with = "span")]
        by: Duration,
    },
    /// The webhook comes so many times more, though it was answered 200.
    Repeat {
        /// How many.
        times: u32,
    },
    /// The webhook has a signature made with another token; it is not tried again.
    BadSignature,
    /// The webhook never comes.
    LoseWebhook,
}

impl Fault {
    /// The word in JSON and in the statistics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::UserTrafficLimit => "user_traffic_limit",
            Self::ExpireToken => "expire_token",
            Self::LoseAnswer => "lose_answer",
            Self::LoseRequest => "lose_request",
            Self::Garbage => "garbage",
            Self::Delay { .. } => "delay",
            Self::Repeat { .. } => "repeat",
            Self::BadSignature => "bad_signature",
            Self::LoseWebhook => "lose_webhook",
        }
    }

    const fn is_of_webhooks(&self) -> bool {
        matches!(self, Self::Repeat { .. } | Self::BadSignature | Self::LoseWebhook)
    }
}

/// What is called, or told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// A message.
    #[default]
    Send,
    /// Its revocation.
    Revoke,
    /// An event of the agent's.
    Event,
    /// What a handset can do.
    Capabilities,
    /// Which of many can be reached.
    BatchGet,
    /// A file by its URL, or its bytes.
    File,
    /// An access token.
    Token,
    /// What the agent's webhook is told.
    Webhook,
}

impl Call {
    /// The word in JSON, the ledger and the statistics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Revoke => "revoke",
            Self::Event => "event",
            Self::Capabilities => "capabilities",
            Self::BatchGet => "batch_get",
            Self::File => "file",
            Self::Token => "token",
            Self::Webhook => "webhook",
        }
    }
}

/// A fault and when it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault,
    /// To which calls.
    #[serde(default)]
    pub when: When,
}

/// Which calls a rule means, and which of those it hits. Of `nth`, `every` and `probability` at most one; none hits all.
/// A rule sees only the calls that no rule before it has hit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Which calls; `send` where it is absent.
    pub call: Call,
    /// What the number begins with, as `+39333`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// What the body contains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Calls let through before the rule begins to count.
    pub after: u64,
    /// The one call hit, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Every so manieth is hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The chance of each to be hit, 0.0 to 1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How often the rule hits at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// Why a rule makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("rule {index}: {problem}")]
pub struct InvalidRule {
    /// Which, from 0.
    pub index: usize,
    /// What is wrong.
    pub problem: &'static str,
}

impl FaultRule {
    /// The fault at every message.
    pub fn always(fault: Fault) -> Self {
        Self {
            fault,
            when: When::default(),
        }
    }

    /// The fault at the nth message, from 1, and at no other.
    pub fn nth(fault: Fault, nth: u64) -> Self {
        let mut rule = Self::always(fault);
        rule.when.nth = Some(nth);
        rule
    }

    /// The same for another call than messages.
    #[must_use]
    pub fn on(mut self, call: Call) -> Self {
        self.when.call = call;
        self
    }

    /// The same so many times at most.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.when.times = Some(times);
        self
    }

    /// The same for what contains this.
    #[must_use]
    pub fn saying(mut self, text: &str) -> Self {
        self.when.text = Some(text.to_owned());
        self
    }

    fn check(&self) -> Result<(), &'static str> {
        let When {
            call,
            nth,
            every,
            probability,
            ..
        } = self.when;
        let counts = [nth.is_some(), every.is_some(), probability.is_some()];
        if counts.into_iter().filter(|given| *given).count() > 1 {
            return Err("only one of nth, every and probability can be given");
        }
        if nth == Some(0) || every == Some(0) {
            return Err("nth and every count from 1");
        }
        if probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err("probability is 0.0 to 1.0");
        }
        if let Fault::Status { code, .. } = self.fault
            && !(400..600).contains(&code)
        {
            return Err("a status of a fault is 400 to 599");
        }
        let (fault, call) = (self.fault.is_of_webhooks(), call == Call::Webhook);
        let of_both = matches!(self.fault, Fault::Status { .. } | Fault::Delay { .. });
        if fault != call && !of_both {
            return Err(
                "repeat, bad_signature and lose_webhook are of webhooks, status and delay of all, the rest of calls",
            );
        }
        Ok(())
    }
}

/// What a rule can look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) call: Call,
    /// With its plus sign; empty where there is none.
    pub(super) number: &'a str,
    pub(super) body: &'a [u8],
}

/// The rules in force with what each has seen so far.
#[derive(Debug, Default)]
pub(super) struct FaultScript(Vec<Armed>);

#[derive(Debug)]
struct Armed {
    rule: FaultRule,
    seen: u64,
    hits: u64,
    rng: StdRng,
}

impl FaultScript {
    /// Each rule draws from a stream of its own, so that rules added behind it change nothing for it.
    pub(super) fn new(rules: Vec<FaultRule>, seed: u64) -> Result<Self, InvalidRule> {
        let arm = |(index, rule): (usize, FaultRule)| {
            rule.check().map_err(|problem| InvalidRule { index, problem })?;
            let stream = seed.wrapping_add((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            Ok(Armed {
                rule,
                seen: 0,
                hits: 0,
                rng: StdRng::seed_from_u64(stream),
            })
        };
        rules
            .into_iter()
            .enumerate()
            .map(arm)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn rules(&self) -> Vec<FaultRule> {
        self.0.iter().map(|armed| armed.rule.clone()).collect()
    }

    /// The fault that befalls this call.
    pub(super) fn decide(&mut self, subject: Subject<'_>) -> Option<Fault> {
        self.0
            .iter_mut()
            .find_map(|armed| armed.hits(subject).then(|| armed.rule.fault.clone()))
    }
}

impl Armed {
    fn hits(&mut self, subject: Subject<'_>) -> bool {
        let when = &self.rule.when;
        if when.times.is_some_and(|times| self.hits >= times) || !when.means(subject) {
            return false;
        }
        self.seen += 1;
        if self.seen <= when.after {
            return false;
        }
        let count = self.seen - when.after;
        let hit = match (when.nth, when.every, when.probability) {
            (Some(nth), ..) => count == nth,
            (_, Some(every), _) => count.is_multiple_of(every),
            (_, _, Some(probability)) => self.rng.random::<f64>() < probability,
            (None, None, None) => true,
        };
        self.hits += u64::from(hit);
        hit
    }
}

impl When {
    fn means(&self, subject: Subject<'_>) -> bool {
        let contains = |text: &String| {
            let text = text.as_bytes();
            text.is_empty() || subject.body.windows(text.len()).any(|window| window == text)
        };
        self.call == subject.call
            && self.number.as_ref().is_none_or(|head| subject.number.starts_with(head))
            && self.text.as_ref().is_none_or(contains)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(body: &str) -> Subject<'_> {
        Subject {
            call: Call::Send,
            number: "+393331234567",
            body: body.as_bytes(),
        }
    }

    #[test]
    fn a_rule_counts_only_what_it_means() {
        let rules = vec![FaultRule::nth(Fault::UserTrafficLimit, 2).saying("offer")];
        let mut script = FaultScript::new(rules, 1).unwrap();
        let hits = ["offer", "code", "offer", "offer"].map(|body| script.decide(send(body)).is_some());
        assert_eq!(hits, [false, false, true, false]);
    }

    #[test]
    fn chance_is_decided_by_the_seed() {
        let mut rule = FaultRule::always(Fault::LoseAnswer);
        rule.when.probability = Some(0.5);
        let draw = |seed| {
            let mut script = FaultScript::new(vec![rule.clone()], seed).unwrap();
            (0..64).map(|_| script.decide(send("")).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn rules_are_read_from_json_and_wrong_ones_named() {
        let rules: Vec<FaultRule> = serde_json::from_str(
            r#"[{"fault": "expire_token", "when": {"nth": 3}},
                {"fault": {"status": {"code": 503, "retry_after": 2}}, "when": {"call": "capabilities", "every": 10}},
                {"fault": {"repeat": {"times": 100}}, "when": {"call": "webhook"}}]"#,
        )
        .unwrap();
        assert!(FaultScript::new(rules, 1).is_ok());
        let wrong = vec![
            FaultRule::always(Fault::LoseAnswer),
            FaultRule::always(Fault::LoseWebhook),
        ];
        assert_eq!(FaultScript::new(wrong, 1).unwrap_err().index, 1);
    }
}
