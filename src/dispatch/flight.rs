//! A claimed message on its way: its segments go out one by one, and together they say what became of it.

use std::sync::Arc;

use crate::carrier::{ByRcs, Message, RefusalAction, SubmitReport, SubmitResult};
use crate::domain::{Name, UnixMillis};
use crate::outbox::Outcome;
use crate::store::matching::reference_of;
use crate::store::{Claimed, SegmentAnswer, SegmentState};

/// A message handed to a link.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) claimed: Arc<Claimed>,
    /// Segments that were reported on for good.
    settled: u8,
    /// Those of a long message that the carrier took.
    taken: Vec<u8>,
    /// Segments whose answer is overdue.
    overdue: Vec<u8>,
    /// Whether the store knows that it is in doubt.
    in_doubt: bool,
    carrier_message_id: Option<Box<str>>,
    refused: Option<(u32, RefusalAction)>,
    lost: bool,
    unwritten: bool,
    unsendable: bool,
}

/// What a report makes of a flight.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Landing {
    /// More is to come.
    Aloft,
    /// Every segment is answered or overdue: the message is in doubt, and its places in the window stay taken.
    InDoubt,
    /// Over.
    Landed(Outcome),
    /// Over, and the store knows already.
    Silent,
}

impl Flight {
    pub(super) fn new(claimed: Arc<Claimed>) -> Self {
        Self {
            claimed,
            settled: 0,
            taken: Vec::new(),
            overdue: Vec::new(),
            in_doubt: false,
            carrier_message_id: None,
            refused: None,
            lost: false,
            unwritten: false,
            unsendable: false,
        }
    }

    /// What the carrier is given.
    pub(super) fn message(&self, key: i64, carrier: &Name, rcs: Option<ByRcs>) -> Message {
        let claimed = &self.claimed;
        Message {
            key,
            to: claimed.to.clone(),
            from: claimed.from.clone(),
            text: claimed.text.clone(),
            encoding: claimed.encoding,
            shape: claimed.shape,
            expires_at: claimed.progress.expires_at,
            receipt: claimed.receipt,
            reference: reference_of(claimed.seq),
            concat_reference: reference_of(claimed.seq) ^ checksum(carrier),
            skip: claimed.answered.clone(),
            rcs,
        }
    }

    /// Takes in what became of one segment.
    pub(super) fn report(&mut self, report: &SubmitReport) -> Landing {
        if report.total == 0 {
            // No segment was even made.
            return Landing::Landed(Outcome::NotWritten);
        }
        let was_overdue = self.overdue.contains(&report.number);
        match &report.result {
            SubmitResult::Overdue => {
                self.overdue.push(report.number);
            }
            SubmitResult::Accepted { carrier_message_id } => {
                if report.total == 1 {
                    self.carrier_message_id.clone_from(carrier_message_id);
                } else {
                    self.taken.push(report.number);
                }
            }
            SubmitResult::Refused { status, action } => self.refuse(*status, action),
            SubmitResult::NotWritten => self.unwritten = true,
            SubmitResult::Lost => self.lost = true,
            SubmitResult::Unsendable => self.unsendable = true,
        }
        if report.result != SubmitResult::Overdue {
            self.settled += 1;
            if was_overdue {
                self.overdue.retain(|number| *number != report.number);
            }
        }
        let expected = usize::from(report.total) - self.claimed.answered.len().min(usize::from(report.total));
        if self.unsendable && report.total == 1 {
            return Landing::Landed(Outcome::Unsendable);
        }
        if usize::from(self.settled) + self.overdue.len() < expected {
            return Landing::Aloft;
        }
        match (self.overdue.is_empty(), self.in_doubt) {
            (false, false) => {
                self.in_doubt = true;
                Landing::InDoubt
            }
            (false, true) => Landing::Aloft,
            (true, told) => match self.outcome() {
                Outcome::Uncertain if told => Landing::Silent,
                outcome => Landing::Landed(outcome),
            },
        }
    }

    /// Of several refusals the gravest counts.
    fn refuse(&mut self, status: u32, action: &RefusalAction) {
        let gravity = |action: &RefusalAction| match action {
            RefusalAction::Throttle => 0,
            RefusalAction::Retry => 1,
            RefusalAction::NextStep | RefusalAction::NotReachable | RefusalAction::Rejected { .. } => 2,
            RefusalAction::Final(_) => 3,
        };
        let before = self.refused.as_ref();
        if before.is_none_or(|(_, before)| gravity(before) < gravity(action)) {
            self.refused = Some((status, action.clone()));
        }
    }

    /// The claim, with all the segments that the carrier has by now: the rest goes on without them.
    pub(super) fn landed(&self) -> Arc<Claimed> {
        if self.taken.is_empty() {
            return self.claimed.clone();
        }
        let answered = self.claimed.answered.iter().chain(&self.taken).copied().collect();
        Arc::new(Claimed {
            answered,
            ..(*self.claimed).clone()
        })
    }

    fn outcome(&self) -> Outcome {
        if self.unsendable {
            return Outcome::Unsendable;
        }
        if self.lost {
            return Outcome::Uncertain;
        }
        if let Some((status, action)) = self.refused.clone() {
            return match action {
                RefusalAction::Throttle => Outcome::Throttled { status },
                RefusalAction::Retry => Outcome::Retry { status },
                RefusalAction::NextStep => Outcome::NextStep { status },
                RefusalAction::NotReachable => Outcome::NotReachable { status },
                RefusalAction::Rejected { reason, field } => Outcome::Rejected { status, reason, field },
                RefusalAction::Final(reason) => Outcome::Refused { status, reason },
            };
        }
        if self.unwritten {
            return Outcome::NotWritten;
        }
        Outcome::Submitted {
            carrier_message_id: self.carrier_message_id.clone(),
        }
    }

    /// The record of one answered segment of a long message.
    pub(super) fn segment_answer(
        &self,
        carrier: &Name,
        report: &SubmitReport,
        at: UnixMillis,
    ) -> Option<SegmentAnswer> {
        if report.total < 2 {
            return None;
        }
        let (state, carrier_message_id, code) = match &report.result {
            SubmitResult::Accepted { carrier_message_id } => {
                (SegmentState::Submitted, carrier_message_id.clone(), None)
            }
            SubmitResult::Refused { status, .. } => (SegmentState::Refused, None, Some(*status)),
            SubmitResult::NotWritten | SubmitResult::Overdue | SubmitResult::Lost | SubmitResult::Unsendable => {
                return None;
            }
        };
        Some(SegmentAnswer {
            seq: self.claimed.seq,
            number: report.number,
            attempt: self.claimed.progress.attempt,
            carrier: carrier.clone(),
            state,
            carrier_message_id,
            code,
            at,
        })
    }
}

/// Sets the references of two carriers apart, so that a copy over another one is not taken for the rest of the first.
fn checksum(carrier: &Name) -> u16 {
    carrier
        .as_str()
        .bytes()
        .fold(0x1d0f_u16, |sum, octet| sum.rotate_left(3) ^ u16::from(octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Class, Encoding, MessageId, SenderId, Shape};
    use crate::store::Progress;

    fn flight(answered: Vec<u8>) -> Flight {
        Flight::new(Arc::new(Claimed {
            seq: 7,
            id: MessageId(uuid::Uuid::nil()),
            client: Name::parse("bank").unwrap(),
            class: Class::Service,
            to: "393331234567".into(),
            from: SenderId::parse("Bank").unwrap(),
            text: "x".into(),
            encoding: Encoding::Gsm7,
            shape: Shape::default(),
            rich: None,
            segments: 1,
            route: Name::parse("all").unwrap(),
            receipt: true,
            callback: None,
            accepted_at: UnixMillis(0),
            progress: Progress::waiting(0, None, UnixMillis(1_000)),
            answered,
            taken_elsewhere: false,
        }))
    }

    fn report(number: u8, total: u8, result: SubmitResult) -> SubmitReport {
        SubmitReport {
            key: 7,
            number,
            total,
            result,
        }
    }

    fn accepted() -> SubmitResult {
        SubmitResult::Accepted {
            carrier_message_id: Some("a1".into()),
        }
    }

    #[test]
    fn one_accepted_segment_is_a_submitted_message() {
        let landing = flight(vec![]).report(&report(1, 1, accepted()));
        assert_eq!(
            landing,
            Landing::Landed(Outcome::Submitted {
                carrier_message_id: Some("a1".into())
            })
        );
    }

    #[test]
    fn a_long_message_is_submitted_with_its_last_segment_and_keeps_no_id_of_one() {
        let mut flight = flight(vec![]);
        assert_eq!(flight.report(&report(2, 2, accepted())), Landing::Aloft);
        let landing = flight.report(&report(1, 2, accepted()));
        assert_eq!(
            landing,
            Landing::Landed(Outcome::Submitted {
                carrier_message_id: None
            })
        );
    }

    #[test]
    fn segments_taken_before_are_not_awaited() {
        let mut flight = flight(vec![1, 2]);
        let landing = flight.report(&report(3, 3, accepted()));
        assert_eq!(
            landing,
            Landing::Landed(Outcome::Submitted {
                carrier_message_id: None
            })
        );
    }

    #[test]
    fn a_lost_segment_puts_the_message_in_doubt_whatever_the_others_say() {
        let mut flight = flight(vec![]);
        flight.report(&report(1, 3, accepted()));
        flight.report(&report(2, 3, SubmitResult::NotWritten));
        assert_eq!(
            flight.report(&report(3, 3, SubmitResult::Lost)),
            Landing::Landed(Outcome::Uncertain)
        );
    }

    fn refused(action: RefusalAction) -> SubmitResult {
        SubmitResult::Refused { status: 8, action }
    }

    #[test]
    fn what_was_taken_before_a_segment_was_throttled_is_not_sent_again() {
        let mut flight = flight(vec![1]);
        flight.report(&report(2, 3, accepted()));
        let landing = flight.report(&report(3, 3, refused(RefusalAction::Throttle)));
        assert_eq!(landing, Landing::Landed(Outcome::Throttled { status: 8 }));
        assert_eq!(flight.landed().answered, [1, 2]);
    }

    #[test]
    fn of_several_refusals_the_gravest_counts() {
        let final_one = RefusalAction::Final(crate::domain::Reason::InvalidDestination);
        let actions = [RefusalAction::Retry, final_one, RefusalAction::Throttle];
        let mut flight = flight(vec![]);
        let landings: Vec<_> = (1..=3)
            .zip(actions)
            .map(|(number, action)| flight.report(&report(number, 3, refused(action))))
            .collect();
        let reason = crate::domain::Reason::InvalidDestination;
        assert_eq!(landings[2], Landing::Landed(Outcome::Refused { status: 8, reason }));
    }

    #[test]
    fn an_overdue_answer_is_told_once_and_a_late_one_settles_it() {
        let mut flight = flight(vec![]);
        assert_eq!(flight.report(&report(1, 1, SubmitResult::Overdue)), Landing::InDoubt);
        assert!(matches!(
            flight.report(&report(1, 1, accepted())),
            Landing::Landed(Outcome::Submitted { .. })
        ));
    }

    #[test]
    fn what_never_left_can_go_again_as_if_never_claimed() {
        let mut flight = flight(vec![]);
        assert_eq!(
            flight.report(&report(0, 0, SubmitResult::NotWritten)),
            Landing::Landed(Outcome::NotWritten)
        );
    }
}
