use super::*;
use crate::header::ReferenceSize;
use crate::header::ReferenceSize::{Bits8, Bits16};

fn place(reference_size: ReferenceSize, reference: u16, total: u8, number: u8) -> Concat {
    Concat::new(reference_size, reference, total, number).unwrap()
}

fn small() -> ReassemblyLimits {
    ReassemblyLimits {
        timeout_millis: 1_000,
        segments_per_sender: 255,
        segments: 300,
    }
}

#[test]
fn references_of_one_and_of_two_octets_are_not_mixed() {
    let mut reassembly = Reassembly::new(small());
    let kept = reassembly.insert("a", "b", place(Bits8, 7, 2, 1), 1, 0).outcome;
    assert_eq!(kept, Outcome::Kept);
    let kept = reassembly.insert("a", "b", place(Bits16, 7, 2, 2), 2, 0).outcome;
    assert_eq!(kept, Outcome::Kept);
    assert_eq!(reassembly.segments(), 2);
}

#[test]
fn sender_destination_reference_and_total_tell_messages_apart() {
    let mut reassembly = Reassembly::new(small());
    for (sender, destination, reference, total) in [
        ("a", "b", 7, 2),
        ("b", "a", 7, 2),
        ("a", "c", 7, 2),
        ("a", "b", 8, 2),
        ("a", "b", 7, 3),
    ] {
        let first = place(Bits8, reference, total, 1);
        assert_eq!(
            reassembly.insert(sender, destination, first, reference, 0).outcome,
            Outcome::Kept
        );
    }
    let whole = reassembly.insert("a", "b", place(Bits8, 7, 2, 2), 70, 0).outcome;
    assert_eq!(whole, Outcome::Complete(vec![7, 70]));
}

#[test]
fn reference_is_free_again_once_its_message_is_whole() {
    let mut reassembly = Reassembly::new(small());
    for round in [1, 2] {
        assert_eq!(
            reassembly.insert("a", "b", place(Bits8, 7, 2, 2), round, 0).outcome,
            Outcome::Kept
        );
        let whole = reassembly.insert("a", "b", place(Bits8, 7, 2, 1), round, 0).outcome;
        assert_eq!(whole, Outcome::Complete(vec![round, round]));
    }
}

#[test]
fn message_past_its_time_takes_no_more_segments() {
    let mut reassembly = Reassembly::new(small());
    let _ = reassembly.insert("a", "b", place(Bits8, 7, 2, 1), 1, 0);
    let late = reassembly.insert("a", "b", place(Bits8, 7, 2, 2), 2, 1_000);
    assert_eq!(late.outcome, Outcome::Kept);
    assert_eq!(late.incomplete[0].segments, [(1, 1)]);
}

#[test]
fn clock_that_goes_back_is_taken_to_stand() {
    let mut reassembly = Reassembly::new(small());
    let _ = reassembly.insert("a", "b", place(Bits8, 7, 2, 1), 1, 5_000);
    let _ = reassembly.insert("a", "b", place(Bits8, 8, 2, 1), 1, 10);
    assert_eq!(reassembly.expire(5_999), []);
    assert_eq!(reassembly.expire(6_000).len(), 2);
}

#[test]
fn oldest_message_of_a_sender_makes_room_for_its_new_one() {
    let mut reassembly = Reassembly::new(small());
    let _ = reassembly.insert("other", "b", place(Bits8, 1, 2, 1), 0, 0);
    for number in 1..=200 {
        let _ = reassembly.insert("a", "b", place(Bits8, 1, 201, number), 1, 1);
    }
    for number in 1..=55 {
        let kept = reassembly.insert("a", "b", place(Bits8, 2, 255, number), 2, 2);
        assert!(kept.incomplete.is_empty(), "{number}");
    }
    let inserted = reassembly.insert("a", "b", place(Bits8, 2, 255, 56), 2, 2);
    assert_eq!(inserted.incomplete.len(), 1);
    assert_eq!(
        (
            inserted.incomplete[0].key.reference,
            inserted.incomplete[0].segments.len()
        ),
        (1, 200)
    );
    assert_eq!(reassembly.segments(), 57);
}

#[test]
fn oldest_message_of_all_makes_room_when_there_are_many_senders() {
    let mut reassembly = Reassembly::new(small());
    for sender in 0..300 {
        assert!(
            reassembly
                .insert(sender, 0, place(Bits8, 1, 2, 1), sender, 0)
                .incomplete
                .is_empty()
        );
    }
    let inserted = reassembly.insert(300, 0, place(Bits8, 1, 2, 1), 300, 0);
    assert_eq!(inserted.incomplete[0].key.sender, 0);
    assert_eq!(reassembly.segments(), 300);
}

#[test]
fn longest_message_becomes_whole_within_the_least_bounds() {
    let none = ReassemblyLimits {
        timeout_millis: 1,
        segments_per_sender: 0,
        segments: 0,
    };
    let mut reassembly = Reassembly::new(none);
    for number in (2..=255).rev() {
        let inserted = reassembly.insert("a", "b", place(Bits16, 1, 255, number), number, 0);
        assert_eq!((inserted.outcome, inserted.incomplete), (Outcome::Kept, vec![]));
    }
    let whole = reassembly.insert("a", "b", place(Bits16, 1, 255, 1), 1, 0).outcome;
    assert_eq!(whole, Outcome::Complete((1..=255).collect()));
    assert_eq!(reassembly.segments(), 0);
}
