//! What goes wrong, and when: rules, and the script that decides on each PDU under a seed.

use std::time::Duration;

use araldo_smpp::{CommandId, CommandStatus};
use araldo_sms::{Concat, Encoding, UserData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::span;

/// Something that a carrier should not do. In JSON a word, `"reset"`, or a word with its values,
/// `{"delay": {"by": "250ms"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The link is reset as if the PDU had never been read: it is not in the ledger and has no effect.
    DropBeforeReading,
    /// The PDU has its effect, its answer is lost: the link is closed instead.
    DropBeforeResponse,
    /// The answer is written, then the link is closed; nothing after the PDU is read.
    DropAfterResponse,
    /// The PDU has its effect, then the link is reset (RST) without an answer.
    Reset,
    /// Half of the answer is written, then nothing more, and nothing more is read.
    Stall {
        /// When the link is closed; absent stalls until the peer closes it.
        #[serde(default, with = "span::option", skip_serializing_if = "Option::is_none")]
        drop_after: Option<Duration>,
    },
    /// The answer comes later, those of other PDUs do not wait for it.
    Delay {
        /// By how much.
        #[serde(with = "span")]
        by: Duration,
    },
    /// The answer has a sequence_number that nobody asked under.
    WrongSequence,
    /// The answer comes twice.
    DuplicateResponse,
    /// The PDU has no effect and is answered with this status. On a bind: the bind is refused.
    Status(Status),
    /// Octets that are no PDU come instead of the answer.
    Garbage {
        /// How many.
        octets: u16,
    },
    /// Of a long message so many segments are answered; at the next one, read and taken, the link is closed.
    AnswerSegments {
        /// Segments answered.
        answered: u8,
    },
    /// The PDU is taken and not answered; an unbind comes instead.
    Unbind,
    /// The PDU is taken and never answered; the link stays. On a bind: it is neither let in nor refused.
    NoResponse,
    /// The answer is given, then nothing more is read.
    StopReading {
        /// When reading goes on; absent never does.
        #[serde(default, with = "span::option", skip_serializing_if = "Option::is_none")]
        resume_after: Option<Duration>,
    },
}

impl Fault {
    /// The word in JSON and in the statistics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DropBeforeReading => "drop_before_reading",
            Self::DropBeforeResponse => "drop_before_response",
            Self::DropAfterResponse => "drop_after_response",
            Self::Reset => "reset",
            Self::Stall { .. } => "stall",
            Self::Delay { .. } => "delay",
            Self::WrongSequence => "wrong_sequence",
            Self::DuplicateResponse => "duplicate_response",
            Self::Status(_) => "status",
            Self::Garbage { .. } => "garbage",
            Self::AnswerSegments { .. } => "answer_segments",
            Self::Unbind => "unbind",
            Self::NoResponse => "no_response",
            Self::StopReading { .. } => "stop_reading",
        }
    }
}

/// A command_status in JSON: its name, `"0x58"`, or the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub CommandStatus);

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u32),
            Word(String),
        }
        let word = match Form::deserialize(deserializer)? {
            Form::Number(number) => return Ok(Self(CommandStatus(number))),
            Form::Word(word) => word,
        };
        let hex = word
            .strip_prefix("0x")
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        CommandStatus::from_name(&word)
            .or(hex.map(CommandStatus))
            .map(Self)
            .ok_or_else(|| {
                de::Error::custom(format!(
                    "\"{word}\" is no command_status such as \"ESME_RTHROTTLED\" or \"0x58\""
                ))
            })
    }
}

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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
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

    fn check(&self) -> Result<Target, String> {
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
enum Target {
    Any,
    Bind,
    Command(CommandId),
}

/// What a rule can look at in a PDU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) command: CommandId,
    pub(super) system_id: &'a str,
    pub(super) message: Option<SubjectMessage<'a>>,
}

/// The message in the PDU, if it is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct SubjectMessage<'a> {
    pub(super) destination: &'a [u8],
    pub(super) octets: &'a [u8],
    pub(super) data_coding: u8,
    pub(super) udhi: bool,
    pub(super) concat: Option<Concat>,
}

/// The rules in force with what each has seen so far.
#[derive(Debug)]
pub(super) struct FaultScript {
    rules: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    rule: FaultRule,
    target: Target,
    seen: u64,
    hits: u64,
    rng: StdRng,
}

impl FaultScript {
    /// Each rule draws from a stream of its own, so that rules added behind it change nothing for it.
    pub(super) fn new(rules: Vec<FaultRule>, seed: u64) -> Result<Self, InvalidRule> {
        let arm = |(index, rule): (usize, FaultRule)| match rule.check() {
            Ok(target) => Ok(Armed {
                rule,
                target,
                seen: 0,
                hits: 0,
                rng: StdRng::seed_from_u64(seed.wrapping_add((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))),
            }),
            Err(problem) => Err(InvalidRule { index, problem }),
        };
        Ok(Self {
            rules: rules.into_iter().enumerate().map(arm).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(super) fn rules(&self) -> Vec<FaultRule> {
        self.rules.iter().map(|armed| armed.rule.clone()).collect()
    }

    /// The fault that befalls this PDU.
    pub(super) fn decide(&mut self, subject: &Subject<'_>) -> Option<Fault> {
        self.rules
            .iter_mut()
            .find_map(|armed| armed.hits(subject).then(|| armed.rule.fault.clone()))
    }
}

impl Armed {
    fn hits(&mut self, subject: &Subject<'_>) -> bool {
        if self.rule.when.times.is_some_and(|times| self.hits >= times) || !self.means(subject) {
            return false;
        }
        let when = &self.rule.when;
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

    fn means(&self, subject: &Subject<'_>) -> bool {
        let when = &self.rule.when;
        let command = match self.target {
            Target::Any => true,
            Target::Bind => subject.command.is_bind() && !subject.command.is_response(),
            Target::Command(command) => command == subject.command,
        };
        if !command
            || when
                .system_id
                .as_deref()
                .is_some_and(|wanted| wanted != subject.system_id)
        {
            return false;
        }
        let wants_message = when.destination.is_some() || when.text.is_some();
        let Some(message) = subject.message else {
            return !wants_message && !matches!(self.rule.fault, Fault::AnswerSegments { .. });
        };
        if let Fault::AnswerSegments { answered } = self.rule.fault
            && !message
                .concat
                .is_some_and(|concat| concat.number == 1 && concat.total > answered)
        {
            return false;
        }
        when.destination
            .as_ref()
            .is_none_or(|prefix| message.destination.starts_with(prefix.as_bytes()))
            && when.text.as_ref().is_none_or(|token| message.says(token))
    }
}

impl SubjectMessage<'_> {
    fn says(&self, token: &str) -> bool {
        UserData::decode(self.data_coding, self.udhi, self.octets, Encoding::Gsm7)
            .text()
            .is_some_and(|text| text.contains(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submit<'a>(destination: &'a str, text: &'a str) -> Subject<'a> {
        Subject {
            command: CommandId::SUBMIT_SM,
            system_id: "bank",
            message: Some(SubjectMessage {
                destination: destination.as_bytes(),
                octets: text.as_bytes(),
                data_coding: 1,
                udhi: false,
                concat: None,
            }),
        }
    }

    fn hits(rules: Vec<FaultRule>, seed: u64, count: usize) -> Vec<usize> {
        let mut script = FaultScript::new(rules, seed).expect("valid rules");
        (1..=count)
            .filter(|_| script.decide(&submit("39347", "hello")).is_some())
            .collect()
    }

    #[test]
    fn the_nth_submit_sm_is_hit_and_no_other() {
        assert_eq!(hits(vec![FaultRule::nth(Fault::Reset, 3)], 1, 10), [3]);
        assert_eq!(hits(vec![FaultRule::every(Fault::Reset, 4)], 1, 10), [4, 8]);
        assert_eq!(hits(vec![FaultRule::every(Fault::Reset, 2).times(2)], 1, 10), [2, 4]);
    }

    #[test]
    fn the_same_seed_hits_the_same_pdus_and_another_seed_others() {
        let rules = || vec![FaultRule::with_probability(Fault::Reset, 0.1)];
        let first = hits(rules(), 7, 1_000);
        assert_eq!(first, hits(rules(), 7, 1_000));
        assert_ne!(first, hits(rules(), 8, 1_000));
        assert!((60..150).contains(&first.len()), "{}", first.len());
    }

    #[test]
    fn a_rule_aims_by_destination_text_and_command() {
        let rules = vec![
            FaultRule::always(Fault::WrongSequence).to("39347"),
            FaultRule::always(Fault::Reset).saying("#otp"),
            FaultRule::always(Fault::NoResponse).on("enquire_link"),
        ];
        let mut script = FaultScript::new(rules, 1).expect("valid rules");
        assert_eq!(script.decide(&submit("393471", "#otp")), Some(Fault::WrongSequence));
        assert_eq!(script.decide(&submit("4915", "code #otp 1")), Some(Fault::Reset));
        assert_eq!(script.decide(&submit("4915", "hello")), None);
        let probe = Subject {
            command: CommandId::ENQUIRE_LINK,
            system_id: "bank",
            message: None,
        };
        assert_eq!(script.decide(&probe), Some(Fault::NoResponse));
    }

    #[test]
    fn answering_some_segments_counts_long_messages_only() {
        let mut script =
            FaultScript::new(vec![FaultRule::always(Fault::AnswerSegments { answered: 2 })], 1).expect("valid rules");
        let mut subject = submit("39", "part");
        assert_eq!(script.decide(&subject), None);
        for (number, hit) in [(1, true), (2, false)] {
            if let Some(message) = &mut subject.message {
                message.concat = Concat::new(araldo_sms::ReferenceSize::Bits8, 1, 5, number);
            }
            assert_eq!(script.decide(&subject).is_some(), hit, "segment {number}");
        }
    }

    #[test]
    fn rules_are_read_from_json_and_wrong_ones_named() {
        let rules: Vec<FaultRule> = serde_json::from_str(
            r#"[{"fault": "reset", "when": {"probability": 0.01, "destination": "39"}},
                {"fault": {"delay": {"by": "250ms"}}},
                {"fault": {"status": "ESME_RTHROTTLED"}, "when": {"every": 10}},
                {"fault": {"status": 1030}, "when": {"command": "bind", "times": 3}},
                {"fault": {"stall": {"drop_after": "1s"}}}]"#,
        )
        .expect("rules");
        assert_eq!(rules[2].fault, Fault::Status(Status(CommandStatus::ESME_RTHROTTLED)));
        let back: Vec<FaultRule> = serde_json::from_str(&serde_json::to_string(&rules).expect("json")).expect("again");
        assert_eq!(back, rules);
        let wrong = vec![FaultRule::always(Fault::Reset), FaultRule::nth(Fault::Reset, 0)];
        assert_eq!(FaultScript::new(wrong, 1).expect_err("nth 0").index, 1);
        let wrong = vec![FaultRule::always(Fault::Reset).on("submit_mm")];
        assert!(
            FaultScript::new(wrong, 1)
                .expect_err("command")
                .to_string()
                .contains("submit_mm")
        );
    }
}
