//! The rules in force: which fault befalls a PDU, decided under a seed.

use araldo_smpp::CommandId;
use araldo_sms::{Concat, Encoding, UserData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::rule::Target;
use super::{Fault, FaultRule, InvalidRule};

/// What a rule can look at in a PDU.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulator) struct Subject<'a> {
    pub(in crate::simulator) command: CommandId,
    pub(in crate::simulator) system_id: &'a str,
    pub(in crate::simulator) message: Option<SubjectMessage<'a>>,
}

/// The message in the PDU, if it is one.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulator) struct SubjectMessage<'a> {
    pub(in crate::simulator) destination: &'a [u8],
    pub(in crate::simulator) octets: &'a [u8],
    pub(in crate::simulator) data_coding: u8,
    pub(in crate::simulator) udhi: bool,
    pub(in crate::simulator) concat: Option<Concat>,
}

/// The rules in force with what each has seen so far.
#[derive(Debug)]
pub(in crate::simulator) struct FaultScript {
    rules: Vec<Armed>,
}

impl FaultScript {
    /// Each rule draws from a stream of its own, so that rules added behind it change nothing for it.
    pub(in crate::simulator) fn new(rules: Vec<FaultRule>, seed: u64) -> Result<Self, InvalidRule> {
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

    pub(in crate::simulator) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(in crate::simulator) fn rules(&self) -> Vec<FaultRule> {
        self.rules.iter().map(|armed| armed.rule.clone()).collect()
    }

    /// The fault that befalls this PDU.
    pub(in crate::simulator) fn decide(&mut self, subject: &Subject<'_>) -> Option<Fault> {
        self.rules
            .iter_mut()
            .find_map(|armed| armed.hits(subject).then(|| armed.rule.fault.clone()))
    }
}

#[derive(Debug)]
struct Armed {
    rule: FaultRule,
    target: Target,
    seen: u64,
    hits: u64,
    rng: StdRng,
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
    use araldo_smpp::CommandStatus;

    use super::*;
    use crate::simulator::Status;

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
