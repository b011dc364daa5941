use std::sync::Arc;

use super::*;
use crate::domain::{BindRef, Class, Encoding, Flags, MessageId, PlanStep, SenderId, Shape};
use crate::outbox::Habit;
use crate::store::{Lease, SegmentState};

const NOW: UnixMillis = UnixMillis(1_000_000);

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn policy() -> Policy {
    Policy {
        agents: HashMap::new(),
        steps: HashMap::from([(name("italy"), vec![PlanStep::sms(None), PlanStep::sms(None)])]),
        receipt_grace: Duration::from_hours(24),
        carriers: HashMap::new(),
        former_carrier: CarrierPolicy::default(),
        habits: Mutex::default(),
        hearing: Default::default(),
        gate: Arc::default(),
    }
}

fn claimed_progress() -> Progress {
    let bind = BindRef {
        carrier: name("tim"),
        bind: 0,
    };
    Progress::waiting(0, None, NOW.after(Duration::from_hours(1))).claimed(Lease(1), bind, NOW)
}

fn row(class: Class, progress: Progress) -> Row {
    Row {
        seq: 7,
        id: MessageId(uuid::Uuid::nil()),
        client: name("bank"),
        class,
        to: "393331234567".into(),
        from: "Bank".into(),
        route: name("italy"),
        segments: 1,
        receipt: true,
        callback: None,
        accepted_at: NOW,
        progress,
    }
}

fn claimed(class: Class) -> Arc<Claimed> {
    Arc::new(Claimed {
        seq: 7,
        id: MessageId(uuid::Uuid::nil()),
        client: name("bank"),
        class,
        to: "393331234567".into(),
        from: SenderId::parse("Bank").unwrap(),
        text: "x".into(),
        encoding: Encoding::Gsm7,
        shape: Shape::default(),
        rich: None,
        segments: 1,
        route: name("italy"),
        receipt: true,
        callback: None,
        accepted_at: NOW,
        progress: claimed_progress(),
        answered: Vec::new(),
        taken_elsewhere: false,
    })
}

fn receipt(verdict: Verdict) -> Receipt {
    Receipt {
        carrier: name("tim"),
        carrier_message_id: "a1".into(),
        candidates: vec!["a1".into()],
        destination: "393331234567".into(),
        reference: None,
        verdict,
        code: None,
        done_at: None,
        at: NOW.after(Duration::from_secs(5)),
    }
}

fn in_doubt(class: Class) -> Row {
    row(
        class,
        Progress {
            state: State::Uncertain,
            ..claimed_progress()
        },
    )
}

#[test]
fn a_submitted_message_waits_for_its_receipt_until_a_day_after_its_validity() {
    let outcome = Outcome::Submitted {
        carrier_message_id: Some("a1".into()),
    };
    let settle = policy().settle(&claimed(Class::Service), &outcome, NOW, 0.0);
    assert_eq!(settle.progress.state, State::Submitted);
    assert_eq!(settle.progress.wake_at, Some(NOW.after(Duration::from_hours(25))));
    assert_eq!(settle.progress.final_at, None);
}

#[test]
fn a_message_taken_without_an_id_says_so() {
    let settle = policy().settle(
        &claimed(Class::Service),
        &Outcome::Submitted {
            carrier_message_id: None,
        },
        NOW,
        0.0,
    );
    assert!(settle.progress.flags.has(Flag::NoCarrierId));
}

#[test]
fn a_throttled_message_burns_no_try_and_a_refused_one_does() {
    let throttled = policy().settle(&claimed(Class::Service), &Outcome::Throttled { status: 0x58 }, NOW, 0.0);
    assert_eq!((throttled.progress.state, throttled.progress.tries), (State::Queued, 0));
    let refused = policy().settle(&claimed(Class::Service), &Outcome::Retry { status: 8 }, NOW, 0.0);
    assert_eq!((refused.progress.state, refused.progress.tries), (State::Scheduled, 1));
    assert_eq!(refused.progress.wake_at, Some(NOW.after(Duration::from_secs(5))));
}

#[test]
fn after_its_last_try_a_message_goes_to_the_next_step_and_then_fails() {
    let mut claimed = (*claimed(Class::Service)).clone();
    claimed.progress.tries = 4;
    let next = policy().settle(&Arc::new(claimed.clone()), &Outcome::Retry { status: 8 }, NOW, 0.0);
    assert_eq!(
        (next.progress.state, next.progress.step, next.progress.tries),
        (State::Queued, 1, 0)
    );
    claimed.progress.step = 1;
    let over = policy().settle(&Arc::new(claimed), &Outcome::Retry { status: 8 }, NOW, 0.0);
    assert_eq!(
        (over.progress.state, over.progress.reason),
        (State::Failed, Some(Reason::RetriesOver))
    );
}

#[test]
fn every_class_does_after_a_doubt_what_its_policy_says() {
    for class in Class::ALL {
        let (progress, _) = policy().when_due(&in_doubt(class), NOW);
        match class {
            Class::Marketing => {
                assert_eq!(
                    (progress.state, progress.reason),
                    (State::Failed, Some(Reason::OutcomeUnknown))
                );
            }
            Class::Alert => assert_eq!((progress.state, progress.step, progress.copies), (State::Queued, 1, 1)),
            Class::Otp | Class::Reply | Class::Transaction | Class::Service => {
                assert_eq!(
                    (progress.state, progress.step, progress.copies),
                    (State::Queued, 0, 1),
                    "{class}"
                );
                assert!(progress.flags.has(Flag::PossibleDuplicate));
            }
        }
    }
}

#[test]
fn no_class_sends_more_copies_than_it_may() {
    for class in Class::ALL {
        let mut row = in_doubt(class);
        row.progress.copies = class.copies_allowed();
        assert_eq!(policy().when_due(&row, NOW).0.state, State::Failed, "{class}");
    }
}

#[test]
fn a_doubt_whose_validity_is_over_is_not_sent_again() {
    let mut row = in_doubt(Class::Otp);
    row.progress.expires_at = NOW;
    assert_eq!(policy().when_due(&row, NOW).0.reason, Some(Reason::OutcomeUnknown));
}

#[test]
fn a_receipt_settles_a_doubt_and_gives_the_id_that_was_lost() {
    let (progress, event) = policy()
        .after_receipt(&in_doubt(Class::Otp), &[], &receipt(Verdict::Delivered))
        .unwrap();
    assert_eq!(progress.state, State::Delivered);
    assert_eq!(progress.carrier_message_id.as_deref(), Some("a1"));
    assert_eq!(event.unwrap().kind, EventKind::DoubtSettled);
}

#[test]
fn a_failure_of_the_carrier_moves_on_and_a_wrong_number_does_not() {
    let submitted = Progress {
        state: State::Submitted,
        ..claimed_progress()
    };
    let after = |reason| {
        let row = row(Class::Service, submitted.clone());
        policy()
            .after_receipt(&row, &[], &receipt(Verdict::Undelivered(reason)))
            .unwrap()
            .0
    };
    let moved = after(Reason::CarrierFailed);
    assert_eq!((moved.state, moved.step), (State::Queued, 1));
    for reason in [Reason::InvalidDestination, Reason::AbsentSubscriber] {
        let ended = after(reason);
        assert_eq!((ended.state, ended.reason), (State::Undelivered, Some(reason)));
    }
}

#[test]
fn delivered_never_goes_back() {
    let delivered = claimed_progress().ended(State::Delivered, None, NOW);
    let row = row(Class::Service, delivered);
    for verdict in [Verdict::Undelivered(Reason::CarrierFailed), Verdict::Delivered] {
        let (progress, event) = policy().after_receipt(&row, &[], &receipt(verdict)).unwrap();
        assert_eq!(progress.state, State::Delivered);
        assert_eq!(event.unwrap().kind, EventKind::ReceiptAgain);
    }
}

#[test]
fn a_late_receipt_corrects_what_was_given_up() {
    for state in [State::Unconfirmed, State::Expired, State::Failed, State::Undelivered] {
        let row = row(
            Class::Service,
            claimed_progress().ended(state, Some(Reason::NoReceipt), NOW),
        );
        let (progress, event) = policy().after_receipt(&row, &[], &receipt(Verdict::Delivered)).unwrap();
        assert_eq!(progress.state, State::Delivered, "{state}");
        assert!(progress.flags.has(Flag::CorrectedByReceipt));
        assert_eq!(event.unwrap().kind, EventKind::Corrected);
    }
    let canceled = row(Class::Service, claimed_progress().ended(State::Canceled, None, NOW));
    assert_eq!(
        policy()
            .after_receipt(&canceled, &[], &receipt(Verdict::Delivered))
            .unwrap()
            .0
            .state,
        State::Canceled
    );
}

#[test]
fn a_second_delivery_of_a_resent_message_is_noted() {
    let mut row = row(Class::Otp, claimed_progress().ended(State::Delivered, None, NOW));
    row.progress.copies = 1;
    let (progress, _) = policy().after_receipt(&row, &[], &receipt(Verdict::Delivered)).unwrap();
    assert!(progress.flags.has(Flag::DeliveredTwice));
}

/// What is known of the segment of a long message.
fn segment(number: u8, carrier: &str, state: SegmentState) -> SegmentRecord {
    SegmentRecord {
        number,
        attempt: 1,
        carrier: name(carrier),
        state,
        carrier_message_id: None,
        code: None,
        at: NOW,
    }
}

/// A message of two segments.
fn long_row(state: State) -> Row {
    let mut row = row(
        Class::Service,
        Progress {
            state,
            ..claimed_progress()
        },
    );
    row.segments = 2;
    row
}

#[test]
fn the_one_report_of_a_carrier_stands_for_no_segment_that_it_refused_or_another_took() {
    let policy = policy();
    let habit = SegmentHabit::fixed(Habit::One);
    policy.habits.lock().unwrap().insert(name("tim"), habit);
    let row = long_row(State::Failed);
    for (carrier, second, becomes) in [
        ("tim", SegmentState::Submitted, State::Delivered),
        ("tim", SegmentState::Refused, State::Failed),
        ("vodafone", SegmentState::Submitted, State::Failed),
    ] {
        let segments = [segment(1, "tim", SegmentState::Delivered), segment(2, carrier, second)];
        let (progress, _) = policy
            .after_receipt(&row, &segments, &receipt(Verdict::Delivered))
            .unwrap();
        assert_eq!(progress.state, becomes, "{carrier} {second:?}");
    }
}

#[test]
fn a_long_message_is_delivered_when_every_segment_is() {
    let segment = |number, state| segment(number, "tim", state);
    let row = long_row(State::Submitted);
    let policy = policy();
    let one = [segment(1, SegmentState::Delivered), segment(2, SegmentState::Submitted)];
    assert_eq!(
        policy
            .after_receipt(&row, &one, &receipt(Verdict::Delivered))
            .unwrap()
            .0
            .state,
        State::Submitted
    );
    let both = [segment(1, SegmentState::Delivered), segment(2, SegmentState::Delivered)];
    assert_eq!(
        policy
            .after_receipt(&row, &both, &receipt(Verdict::Delivered))
            .unwrap()
            .0
            .state,
        State::Delivered
    );
}

#[test]
fn only_what_has_not_left_can_be_canceled() {
    let waiting = Progress::waiting(0, None, NOW.after(Duration::from_secs(60)));
    let canceled = policy().act(&row(Class::Service, waiting), Act::Cancel, NOW).unwrap().0;
    assert_eq!(canceled.state, State::Canceled);
    let claimed = row(Class::Service, claimed_progress());
    assert!(matches!(
        policy().act(&claimed, Act::Cancel, NOW),
        Err(ActResult::Refused {
            state: State::Claimed,
            since: Some(NOW)
        })
    ));
}

#[test]
fn what_felled_whoever_claimed_it_each_time_is_set_aside_when_no_copy_is_left() {
    let (policy, later) = (policy(), NOW.after(Duration::from_mins(2)));
    let felled = |progress| policy.orphaned(&row(Class::Service, progress), NOW).0;
    let again = |progress: &Progress| Progress {
        state: State::Claimed,
        attempt: 2,
        ..progress.clone()
    };
    let (resent, _) = policy.when_due(&row(Class::Service, felled(claimed_progress())), later);
    assert_eq!(resent.state, State::Queued);
    let (end, _) = policy.when_due(&row(Class::Service, felled(again(&resent))), later);
    assert_eq!((end.state, end.reason), (State::Quarantined, Some(Reason::Poison)));

    // One that was in doubt for another reason in between is as good as any.
    let resend = Arc::new(Claimed {
        progress: again(&resent),
        ..(*claimed(Class::Service)).clone()
    });
    let lost = policy.settle(&resend, &Outcome::Uncertain, NOW, 0.0).progress;
    let (end, _) = policy.when_due(&row(Class::Service, lost), later);
    assert_eq!((end.state, end.reason), (State::Failed, Some(Reason::OutcomeUnknown)));
}

#[test]
fn a_requeued_message_begins_anew_and_says_that_it_may_be_a_copy() {
    let ended = Progress {
        submitted_at: Some(NOW),
        tries: 5,
        step: 1,
        ..claimed_progress()
    };
    let row = row(
        Class::Otp,
        ended.ended(State::Unconfirmed, Some(Reason::NoReceipt), NOW),
    );
    let (fresh, _) = policy().act(&row, Act::Requeue, NOW).unwrap();
    assert_eq!((fresh.state, fresh.step, fresh.tries), (State::Queued, 0, 0));
    assert_eq!(fresh.flags, Flags::default().with(Flag::PossibleDuplicate));
    assert_eq!((fresh.final_at, fresh.reason), (None, None));
}

#[test]
fn one_receipt_does_not_deliver_a_long_message_in_doubt_whose_segments_were_never_answered() {
    let mut doubted = in_doubt(Class::Service);
    doubted.segments = 6;
    let mut policy = policy();
    let (progress, event) = policy
        .after_receipt(&doubted, &[], &receipt(Verdict::Delivered))
        .unwrap();
    assert_eq!(
        (progress.state, event.unwrap().kind),
        (State::Uncertain, EventKind::Segment)
    );
    // Where all of it was one PDU, the receipt is about all of it.
    let whole_texts = CarrierPolicy {
        whole_texts: true,
        ..CarrierPolicy::default()
    };
    policy.carriers.insert(name("tim"), whole_texts);
    assert_eq!(
        policy
            .after_receipt(&doubted, &[], &receipt(Verdict::Delivered))
            .unwrap()
            .0
            .state,
        State::Delivered
    );
}

#[test]
fn retries_wait_twice_as_long_each_time_up_to_a_bound() {
    let wait = |tries| backoff(Duration::from_secs(1), Duration::from_secs(60), tries, 0.0);
    assert_eq!(wait(1), Duration::from_secs(1));
    assert_eq!(wait(4), Duration::from_secs(8));
    assert_eq!(wait(40), Duration::from_secs(60));
    assert_eq!(
        backoff(Duration::from_secs(10), Duration::from_secs(60), 1, 1.0),
        Duration::from_secs(8)
    );
}

#[test]
fn a_row_whose_step_is_no_more_begins_its_plan_anew() {
    let scheduled = Progress {
        state: State::Scheduled,
        step: 5,
        ..claimed_progress()
    };
    let (progress, _) = policy().when_due(&row(Class::Service, scheduled), NOW);
    assert_eq!((progress.state, progress.step), (State::Queued, 0));
}

#[test]
fn a_row_whose_route_is_no_more_fails_when_it_would_be_queued() {
    let gone = Policy {
        steps: HashMap::new(),
        ..policy()
    };
    let (progress, _) = gone.when_due(&in_doubt(Class::Service), NOW.after(Duration::from_secs(60)));
    assert_eq!(
        (progress.state, progress.reason),
        (State::Failed, Some(Reason::NoRoute))
    );
}

#[test]
fn a_requeued_message_is_a_possible_duplicate_unless_it_was_reported_undelivered() {
    let ended = |state| Progress {
        submitted_at: Some(NOW),
        ..claimed_progress().ended(state, None, NOW)
    };
    let flags = |state| {
        let (progress, _) = policy()
            .act(&row(Class::Service, ended(state)), Act::Requeue, NOW)
            .unwrap();
        progress.flags
    };
    assert!(flags(State::Unconfirmed).has(Flag::PossibleDuplicate));
    assert!(!flags(State::Undelivered).has(Flag::PossibleDuplicate));
}

#[test]
fn a_lonely_receipt_counts_in_the_end_where_one_is_learned_to_stand_for_all() {
    let mut habit = SegmentHabit::default();
    for seq in 7..10 {
        habit.reported(seq, 1, NOW);
    }
    habit.reported(10, 1, NOW.after(Duration::from_mins(2)));
    let policy = Policy {
        habits: Mutex::new(HashMap::from([(name("tim"), habit)])),
        hearing: Default::default(),
        gate: Arc::default(),
        ..policy()
    };
    let of = |seq| Row {
        seq,
        segments: 3,
        ..row(
            Class::Service,
            Progress {
                state: State::Submitted,
                ..claimed_progress()
            },
        )
    };
    assert_eq!(
        policy.when_due(&of(7), NOW.after(Duration::from_hours(26))).0.state,
        State::Delivered
    );
    assert_eq!(
        policy.when_due(&of(77), NOW.after(Duration::from_hours(26))).0.state,
        State::Unconfirmed
    );
}

/// A long message of which another carrier has taken a part, claimed with these notes.
fn taken_elsewhere(class: Class, progress: Progress) -> Arc<Claimed> {
    Arc::new(Claimed {
        segments: 3,
        taken_elsewhere: true,
        progress,
        ..(*claimed(class)).clone()
    })
}

#[test]
fn the_copy_of_a_resend_is_counted_once_whichever_carrier_sends_it() {
    let (queued, _) = policy().when_due(&in_doubt(Class::Transaction), NOW.after(Duration::from_secs(60)));
    assert_eq!((queued.state, queued.copies), (State::Queued, 1));
    let resend = taken_elsewhere(Class::Transaction, queued);
    assert!(!resend.is_uncounted_copy());
    let taken = Outcome::Submitted {
        carrier_message_id: None,
    };
    let progress = policy().settle(&resend, &taken, NOW, 0.0).progress;
    assert_eq!(progress.copies, 1);
    assert!(!progress.flags.has(Flag::CopyDue));

    let next = Outcome::NextStep { status: 8 };
    let refused = policy().settle(&resend, &next, NOW, 0.0).progress;
    assert!(
        !taken_elsewhere(Class::Transaction, refused).is_uncounted_copy(),
        "the copy that was counted is still to go"
    );
    let in_part = Arc::new(Claimed {
        answered: vec![1],
        ..(*resend).clone()
    });
    let refused = policy().settle(&in_part, &next, NOW, 0.0).progress;
    assert!(
        taken_elsewhere(Class::Transaction, refused).is_uncounted_copy(),
        "the next one is another copy"
    );
    let unwritten = policy().settle(&resend, &Outcome::NotWritten, NOW, 0.0).progress;
    assert!(!taken_elsewhere(Class::Transaction, unwritten).is_uncounted_copy());
}

#[test]
fn a_whole_message_over_another_carrier_than_its_first_segments_is_a_copy_counted_before_it_goes() {
    let first = taken_elsewhere(Class::Alert, claimed_progress());
    assert!(first.is_uncounted_copy());
    let (counted, event) = policy().as_copy(&first, NOW);
    assert_eq!((counted.state, counted.copies), (State::Queued, 1));
    assert_eq!(event.unwrap().kind, EventKind::Resent);
    let copy = taken_elsewhere(Class::Alert, counted);
    assert!(!copy.is_uncounted_copy());
    let taken = Outcome::Submitted {
        carrier_message_id: None,
    };
    let sent = policy().settle(&copy, &taken, NOW, 0.0).progress;
    assert_eq!(sent.copies, 1);
    assert!(sent.flags.has(Flag::PossibleDuplicate));
}

#[test]
fn of_marketing_that_another_carrier_has_in_part_no_copy_goes_out() {
    let (ended, _) = policy().as_copy(&taken_elsewhere(Class::Marketing, claimed_progress()), NOW);
    assert_eq!(
        (ended.state, ended.reason),
        (State::Failed, Some(Reason::OutcomeUnknown))
    );
    assert_eq!(ended.copies, 0);
}

#[test]
fn the_rest_goes_on_over_the_carrier_that_has_the_first_segments_though_another_has_some_too() {
    let rest = Claimed {
        answered: vec![1],
        ..(*taken_elsewhere(Class::Marketing, claimed_progress())).clone()
    };
    assert!(!rest.is_uncounted_copy());
}

#[test]
fn a_requeued_message_keeps_its_validity_while_there_is_some_and_tells_how_it_had_ended() {
    let failed = claimed_progress().ended(State::Failed, Some(Reason::OutcomeUnknown), NOW);
    let (valid_until, row) = (failed.expires_at, row(Class::Otp, failed));
    let (progress, event) = policy().act(&row, Act::Requeue, NOW).unwrap();
    assert_eq!(progress.expires_at, valid_until);
    assert_eq!(event.unwrap().note.as_deref(), Some("failed, outcome_unknown"));
    let later = valid_until.after(Duration::from_secs(1));
    let (progress, _) = policy().act(&row, Act::Requeue, later).unwrap();
    assert_eq!(progress.expires_at, later.after(Class::Otp.default_validity()));
}

#[test]
fn a_message_whose_step_is_over_goes_to_the_next_as_a_copy_where_its_class_allows_one() {
    let wait = Duration::from_mins(2);
    let policy = Policy {
        steps: HashMap::from([(name("italy"), vec![PlanStep::sms(Some(wait)), PlanStep::sms(None)])]),
        ..policy()
    };
    let taken = Outcome::Submitted {
        carrier_message_id: Some("a1".into()),
    };
    let submitted = |class| policy.settle(&claimed(class), &taken, NOW, 0.0).progress;
    let due = NOW.after(wait);
    assert_eq!(submitted(Class::Otp).wake_at, Some(due));

    let (copy, event) = policy.when_due(&row(Class::Otp, submitted(Class::Otp)), due);
    assert_eq!((copy.state, copy.step, copy.copies), (State::Queued, 1, 1));
    assert_eq!(event.unwrap().kind, EventKind::NextStep);

    let (waits_on, event) = policy.when_due(&row(Class::Marketing, submitted(Class::Marketing)), due);
    assert_eq!((waits_on.state, event), (State::Submitted, None));
    assert_eq!(waits_on.wake_at, Some(NOW.after(Duration::from_hours(25))));
    let last = Progress {
        step: 1,
        ..submitted(Class::Otp)
    };
    assert_eq!(
        policy
            .when_due(&row(Class::Otp, last), NOW.after(Duration::from_hours(26)))
            .0
            .state,
        State::Unconfirmed
    );
}
